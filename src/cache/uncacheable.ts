/**
 * Resources whose responses cannot be stored: their requests do not wait for each other for a while.
 */

/** Remembered at once; with more the oldest are forgotten. */
const REMEMBERED_MAX = 10_000
/** Longer ones are not: a client that makes up long targets would fill memory with them. */
const REMEMBERED_CHARS_MAX = 1000

export class Uncacheable {
  #untilMs = new Map<string, number>()
  #durationMs: number

  constructor(durationMs: number) {
    this.#durationMs = durationMs
  }

  add(id: string, nowMs: number): void {
    if (id.length > REMEMBERED_CHARS_MAX) return
    this.#untilMs.delete(id)
    this.#untilMs.set(id, nowMs + this.#durationMs)
    if (this.#untilMs.size <= REMEMBERED_MAX) return
    for (const [oldest] of this.#untilMs) {
      this.#untilMs.delete(oldest)
      return
    }
  }

  has(id: string, nowMs: number): boolean {
    if (this.#untilMs.size === 0) return false
    const untilMs = this.#untilMs.get(id)
    if (untilMs === undefined) return false
    if (untilMs > nowMs) return true
    this.#untilMs.delete(id)
    return false
  }
}
