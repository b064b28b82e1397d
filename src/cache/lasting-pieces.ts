/**
 * Content as it arrives, copied once into memory that lasts.
 * Strategy: each chunk is a piece of its own, of exactly its size; small ones that follow each other are gathered in
 * blocks, because a peer may send a byte at a time and each piece is an object.
 */
import { lastingCopy, markLasting } from '../base/lasting.ts'

/** Chunks smaller than this are gathered. */
const SMALL_BYTES_MAX = 4096
const BLOCK_BYTES = 16_384

export class LastingPieces {
  /** Bytes that were taken, those let go of included. */
  end = 0
  readonly #pieces: Buffer[] = []
  /** Where each of the pieces ends. */
  readonly #ends: number[] = []
  /** Where the first piece that is still here begins. */
  #start = 0
  /** Where small chunks are put, and how much of it is used; the last piece ends there. */
  #block: Buffer | null = null
  #blockBytes = 0
  /** The last chunk was small: the next that is begins a block. */
  #small = false

  /** What is here, in order. */
  get pieces(): readonly Buffer[] {
    return this.#pieces
  }

  /** Keeps a copy of lent bytes, and gives it. */
  take(chunk: Buffer): Buffer {
    this.end += chunk.length
    const small = chunk.length < SMALL_BYTES_MAX
    const gathered = small && this.#small
    this.#small = small
    if (gathered) return this.#gather(chunk)
    this.#block = null
    return this.#add(lastingCopy(chunk))
  }

  #gather(chunk: Buffer): Buffer {
    if (this.#block === null || this.#blockBytes + chunk.length > BLOCK_BYTES) {
      this.#block = markLasting(Buffer.allocUnsafeSlow(BLOCK_BYTES))
      this.#blockBytes = 0
    }
    const at = this.#blockBytes
    // What others have of the block lies before this place.
    chunk.copy(this.#block, at)
    this.#blockBytes += chunk.length
    const taken = this.#block.subarray(at, this.#blockBytes)
    const last = this.#pieces.length - 1
    if (at === 0 || last < 0) return this.#add(taken)
    this.#pieces[last] = this.#block.subarray(this.#pieces[last].byteOffset, this.#blockBytes)
    this.#ends[last] = this.end
    return taken
  }

  #add(piece: Buffer): Buffer {
    this.#pieces.push(piece)
    this.#ends.push(this.end)
    return piece
  }

  /** The bytes from `at` to the end of the piece they lie in; null when they are not here. */
  from(at: number): Buffer | null {
    if (at >= this.end || at < this.#start) return null
    let low = 0
    let high = this.#ends.length - 1
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#ends[middle] > at) high = middle
      else low = middle + 1
    }
    const piece = this.#pieces[low]
    const begin = this.#ends[low] - piece.length
    return at === begin ? piece : piece.subarray(at - begin)
  }

  /** Lets go of pieces that end before or at this place. */
  drop(at: number): void {
    let gone = 0
    while (gone < this.#ends.length && this.#ends[gone] <= at) gone++
    if (gone === 0) return
    this.#start = this.#ends[gone - 1]
    this.#pieces.splice(0, gone)
    this.#ends.splice(0, gone)
  }
}
