/**
 * A response on its way to the disk.
 * Strategy: what is small is kept until it is whole and goes over as one; what is large, or grows large, goes over
 * piece by piece as it comes, and only its number of bytes is kept.
 */
import { randomBytes } from 'node:crypto'
import type { Entry, EntryHead } from '../entry.ts'
import { isMeant, madeStale } from '../purge.ts'
import type { Filling, Purge } from '../store.ts'
import type { DiskFolder } from './disk-folder.ts'

/** Larger contents get a file of their own (bench/micro/disk-store.bench.ts). */
const INLINE_BYTES_MAX = 16 * 1024

/** What a filling needs of its store. */
export interface FillingStore {
  readonly folder: DiskFolder
  /** Of one content. */
  readonly contentBytesMax: number
  /** `content` is null when it has gone over already. */
  put(name: string, head: EntryHead, content: readonly Buffer[] | null): Entry
  /** Called once. */
  ended(filling: DiskFilling): void
}

export class DiskFilling implements Filling {
  readonly #store: FillingStore
  readonly #head: EntryHead
  readonly #generation: number
  readonly #name = randomBytes(16).toString('hex')
  #bytes = 0
  /** Null: it is written to a file. */
  #pieces: Buffer[] | null
  #ended = false
  #purged = false
  #staleAtMs = Number.POSITIVE_INFINITY

  /** `contentBytes` is -1 when it is not known. */
  constructor(store: FillingStore, head: EntryHead, contentBytes: number) {
    this.#store = store
    this.#head = head
    this.#generation = store.folder.generation
    this.#pieces = contentBytes > INLINE_BYTES_MAX ? null : []
  }

  write(chunk: Buffer): boolean {
    const { folder, contentBytesMax } = this.#store
    if (this.#isLost() || !folder.takes(chunk.length)) return false
    this.#bytes += chunk.length
    if (this.#bytes > contentBytesMax) return false
    if (this.#pieces === null) this.#writeDown(chunk)
    else {
      this.#pieces.push(chunk)
      if (this.#bytes > INLINE_BYTES_MAX) this.#writeDownAll(this.#pieces)
    }
    return true
  }

  #writeDownAll(pieces: readonly Buffer[]): void {
    this.#pieces = null
    for (const piece of pieces) this.#writeDown(piece)
  }

  /** The copy goes over to the other thread; the chunk may be part of something larger that stays here. */
  #writeDown(chunk: Buffer): void {
    const bytes = new Uint8Array(chunk)
    this.#store.folder.change({ do: 'write', name: this.#name, bytes }, { bytes: bytes.length })
  }

  commit(head: EntryHead): Entry | null {
    // RFC 9111 §3.3: what is shorter than it was meant to be is not whole.
    if (this.#isLost() || this.#purged || this.#bytes !== head.contentBytes) {
      this.abort()
      return null
    }
    this.#end()
    const stale = this.#staleAtMs < Number.POSITIVE_INFINITY
    return this.#store.put(this.#name, stale ? madeStale(head, this.#staleAtMs) : head, this.#pieces)
  }

  abort(): void {
    if (this.#ended) return
    if (this.#pieces === null) this.#store.folder.change({ do: 'drop', name: this.#name }, {})
    this.#end()
  }

  /** It was asked for before the purge: it must not come in after it as if nothing had happened. */
  purge(what: Purge, staleAtMs: number | null): void {
    if (!isMeant(what, this.#head)) return
    if (staleAtMs === null) this.#purged = true
    else this.#staleAtMs = Math.min(this.#staleAtMs, staleAtMs)
  }

  #end(): void {
    this.#ended = true
    this.#store.ended(this)
  }

  /** What was written before the folder was turned off or begun anew is not there any more. */
  #isLost(): boolean {
    return this.#ended || this.#generation !== this.#store.folder.generation
  }
}
