/**
 * Bodies that are the same each time and differ in every place, and the means to compare them.
 */
import { createHash } from 'node:crypto'

export const MEGABYTE = 1_048_576

/** Noise that does not repeat within a megabyte, the same in every run (xorshift). */
const NOISE = makeNoise(MEGABYTE)

function makeNoise(bytes: number): Buffer {
  const noise = Buffer.alloc(bytes)
  let state = 0x9e3779b9
  for (let at = 0; at < bytes; at += 4) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    noise.writeInt32LE(state | 0, at)
  }
  return noise
}

const PAGE = 4096

/** The bytes of body number `seed` in pieces of at most `pieceBytes`. Each 4 KB page carries its own number. */
export function* pieces(bytes: number, seed: number, pieceBytes = 65_536): Generator<Buffer> {
  for (let at = 0; at < bytes; at += pieceBytes) yield slice(at, Math.min(bytes, at + pieceBytes), seed)
}

/** Bytes `start` to `end` of a body that has no end of its own. */
function slice(start: number, end: number, seed: number): Buffer {
  const firstPage = Math.floor(start / PAGE)
  const pages = Math.ceil(end / PAGE) - firstPage
  const bytes = Buffer.allocUnsafe(pages * PAGE)
  for (let page = 0; page < pages; page++) {
    const from = ((firstPage + page) * PAGE + seed * 7919) % (NOISE.length - PAGE)
    NOISE.copy(bytes, page * PAGE, from, from + PAGE)
    bytes.writeUInt32BE(seed, page * PAGE)
    bytes.writeUInt32BE(firstPage + page, page * PAGE + 4)
  }
  return bytes.subarray(start - firstPage * PAGE, end - firstPage * PAGE)
}

export function wholeBody(bytes: number, seed: number): Buffer {
  return Buffer.concat([...pieces(bytes, seed, MEGABYTE)])
}

export function checksum(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** Takes a body piece by piece and compares it with body number `seed` on the way. */
export class Comparison {
  bytes = 0
  #seed: number
  #total: number
  /** Where the first difference was; -1: there is none so far. */
  firstDifference = -1

  constructor(total: number, seed: number) {
    this.#total = total
    this.#seed = seed
  }

  take(chunk: Buffer): void {
    const end = this.bytes + chunk.length
    if (this.firstDifference < 0) {
      const expected = slice(this.bytes, Math.min(end, this.#total), this.#seed)
      if (end > this.#total || !expected.equals(chunk)) {
        const place = chunk.findIndex((byte, i) => byte !== expected[i])
        this.firstDifference = this.bytes + Math.max(0, place)
      }
    }
    this.bytes = end
  }

  /** Empty when everything came as it was sent, else what is wrong. */
  get fault(): string {
    if (this.firstDifference >= 0) return `byte ${this.firstDifference} differs`
    return this.bytes === this.#total ? '' : `${this.bytes} of ${this.#total} bytes came`
  }
}
