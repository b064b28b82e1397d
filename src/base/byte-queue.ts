/**
 * Bytes that arrived and are not used up yet, always as one contiguous view.
 * Strategy: one buffer that doubles; what was consumed is skipped and squeezed out when room is needed.
 */

const CAPACITY_MIN = 1024
const EMPTY = Buffer.alloc(0)

export class ByteQueue {
  #memory: Buffer = EMPTY
  #start = 0
  #end = 0

  get length(): number {
    return this.#end - this.#start
  }

  /** Copies the chunk to the end of the queue. */
  append(chunk: Buffer): void {
    const needed = this.length + chunk.length
    if (this.#end + chunk.length > this.#memory.length) this.#makeRoom(needed)
    chunk.copy(this.#memory, this.#end)
    this.#end += chunk.length
  }

  /** Everything in the queue. Valid until the next append, consume or clear. */
  view(): Buffer {
    return this.#memory.subarray(this.#start, this.#end)
  }

  /** Drops bytes from the front. The memory goes as soon as nothing is left: an idle connection keeps none. */
  consume(count: number): void {
    this.#start += count
    if (this.#start >= this.#end) this.clear()
  }

  clear(): void {
    this.#memory = EMPTY
    this.#start = 0
    this.#end = 0
  }

  #makeRoom(needed: number): void {
    let capacity = Math.max(CAPACITY_MIN, this.#memory.length)
    while (capacity < needed) capacity *= 2
    const memory = capacity === this.#memory.length ? this.#memory : Buffer.allocUnsafeSlow(capacity)
    this.#memory.copy(memory, 0, this.#start, this.#end)
    this.#end -= this.#start
    this.#start = 0
    this.#memory = memory
  }
}
