/**
 * Checksums of what lies on the disk.
 * Strategy: a content has one CRC-32 for each block, so that a part of it can be checked without the rest; the row
 * of an entry has one over everything else, the sums of the content included. So a row and a content that do not
 * belong together never pass, wherever they come from.
 */
import { crc32 } from 'node:zlib'

/** Content is read and checked in blocks of this size. */
export const BLOCK_BYTES = 128 * 1024

const SUM_BYTES = 4

/** Sums up a content while it arrives. */
export class BlockSums {
  bytes = 0
  readonly #done: number[] = []
  #sum = 0
  #inBlock = 0

  add(bytes: Uint8Array): void {
    this.bytes += bytes.length
    for (let at = 0; at < bytes.length; ) {
      const end = Math.min(bytes.length, at + BLOCK_BYTES - this.#inBlock)
      this.#sum = crc32(bytes.subarray(at, end), this.#sum)
      this.#inBlock += end - at
      if (this.#inBlock === BLOCK_BYTES) this.#endBlock()
      at = end
    }
  }

  /** One sum a block, 4 bytes each; one for no bytes too, as SQLite of Node 22 takes empty bytes for null. */
  end(): Uint8Array {
    if (this.#inBlock > 0 || this.bytes === 0) this.#endBlock()
    const sums = new Uint8Array(this.#done.length * SUM_BYTES)
    const view = new DataView(sums.buffer)
    for (const [block, sum] of this.#done.entries()) view.setUint32(block * SUM_BYTES, sum)
    return sums
  }

  #endBlock(): void {
    this.#done.push(this.#sum)
    this.#sum = 0
    this.#inBlock = 0
  }
}

/** True when these are the bytes of this block. */
export function isBlock(bytes: Uint8Array, block: number, sums: Uint8Array): boolean {
  const at = block * SUM_BYTES
  if (at + SUM_BYTES > sums.length) return false
  return new DataView(sums.buffer, sums.byteOffset).getUint32(at) === crc32(bytes)
}

/** True when these are the bytes of the whole. */
export function isContent(
  bytes: Uint8Array,
  { contentBytes, sums }: Pick<Sealed, 'contentBytes' | 'sums'>,
): boolean {
  if (bytes.length !== contentBytes) return false
  for (let block = 0; block * BLOCK_BYTES < bytes.length; block++)
    if (!isBlock(bytes.subarray(block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES), block, sums)) return false
  return true
}

export interface Sealed {
  readonly space: string
  readonly key: string
  readonly name: string
  readonly head: string
  readonly contentBytes: number
  readonly sums: Uint8Array
}

/** The checksum of a row. */
export const sealOf = ({ space, key, name, head, contentBytes, sums }: Sealed): number =>
  crc32(sums, crc32(`${space}\n${key}\n${name}\n${contentBytes}\n${head}`))
