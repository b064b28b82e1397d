/**
 * The content of a response while it arrives: what has come goes to the store and to every client that reads along.
 * Strategy: pieces are copied once, into memory that lasts, and everybody gets the same ones; each reader has a place of
 * its own. While all pieces are kept, late readers begin at the first and nobody waits for a slow one; where they would
 * be too many, those that all have taken are let go and the source is held back for the slowest.
 */
import { ProxyError } from '../base/errors.ts'
import type { Source } from '../base/flow.ts'
import type { HeaderList } from '../http/header-list.ts'
import type { StoredBody } from './entry.ts'
import { LastingPieces } from './lasting-pieces.ts'
import type { Filling } from './store.ts'

/** Bytes that the fastest reader may be ahead of the slowest, where pieces are let go. */
const AHEAD_BYTES_MAX = 262_144

/** Reads along; told when there is more. */
export interface FillReader {
  /** Bytes before this place are not asked for again. */
  readonly at: number
  /** More pieces, the end, or the fault; never from inside a call of the reader's own. */
  more(): void
}

export class Fill {
  ended = false
  error: ProxyError | null = null
  trailers: HeaderList | null = null
  /** False: pieces that all readers have are let go. */
  keepsAll: boolean
  #filling: Filling | null
  readonly #taken = new LastingPieces()
  #readers = new Set<FillReader>()
  #source: Source | null
  #held = false

  constructor(source: Source | null, filling: Filling | null, keepsAll: boolean) {
    this.#source = source
    this.#filling = filling
    this.keepsAll = keepsAll
  }

  /** Bytes that have come. */
  get bytes(): number {
    return this.#taken.end
  }

  get readers(): number {
    return this.#readers.size
  }

  /** What is taken in is stored as well. */
  get stores(): boolean {
    return this.#filling !== null
  }

  add(reader: FillReader): void {
    this.#readers.add(reader)
  }

  remove(reader: FillReader): void {
    this.#readers.delete(reader)
    this.trim()
  }

  /** Lent bytes. */
  push(chunk: Buffer): void {
    const piece = this.#taken.take(chunk)
    if (this.#filling !== null && !this.#filling.write(piece)) this.stopStoring()
    for (const reader of this.#readers) reader.more()
    if (!this.keepsAll) this.trim()
  }

  /** Gives what was stored to the caller, who knows the head. */
  takeFilling(): Filling | null {
    const filling = this.#filling
    this.#filling = null
    return filling
  }

  stopStoring(): void {
    this.#filling?.abort()
    this.#filling = null
  }

  end(): void {
    this.ended = true
    this.#source = null
    for (const reader of this.#readers) reader.more()
  }

  fail(error: ProxyError): void {
    this.error = error
    this.#source = null
    this.stopStoring()
    for (const reader of this.#readers) reader.more()
  }

  /** The bytes from `at` to the end of the piece they lie in; null when they are not there yet, or not any more. */
  from(at: number): Buffer | null {
    return this.#taken.from(at)
  }

  /** Lets go of what nobody reads any more, and holds the source back while somebody is far behind. */
  trim(): void {
    if (this.keepsAll) return
    let slowest = this.bytes
    for (const reader of this.#readers) slowest = Math.min(slowest, reader.at)
    this.#taken.drop(slowest)
    const far = this.bytes - slowest > AHEAD_BYTES_MAX
    if (far === this.#held || this.#source === null) return
    this.#held = far
    if (far) this.#source.pause()
    else this.#source.resume()
  }
}

/** What is arriving as if it were stored already: bytes that are not there yet are a promise. */
export class FillBody implements StoredBody, FillReader {
  readonly bytes: number
  at = 0
  #fill: Fill
  #closed: () => void
  #waiting: { resolve: (bytes: Buffer) => void; reject: (error: ProxyError) => void } | null = null

  /** Of a fill that keeps all and knows its length. */
  constructor(fill: Fill, bytes: number, closed: () => void) {
    this.#fill = fill
    this.bytes = bytes
    this.#closed = closed
    fill.add(this)
  }

  from(at: number): Buffer | Promise<Buffer> {
    this.at = at
    const piece = this.#fill.from(at)
    if (piece !== null) return piece
    const { error } = this.#fill
    if (error !== null) return Promise.reject(error)
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
    })
  }

  more(): void {
    const waiting = this.#waiting
    if (waiting === null) return
    const piece = this.#fill.from(this.at)
    const fault = this.#fill.error ?? (this.#fill.ended ? new ProxyError('upstream_body_short') : null)
    if (piece === null && fault === null) return
    this.#waiting = null
    if (piece !== null) waiting.resolve(piece)
    else waiting.reject(fault as ProxyError)
  }

  close(): void {
    this.#fill.remove(this)
    this.#closed()
  }
}
