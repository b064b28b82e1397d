/**
 * Sends content out of a store, as fast as the client takes it.
 * Strategy: one loop over what is to be sent, bytes of our own and ranges of the stored content; it stops where the
 * client holds it back and where bytes have to be fetched, and nothing is fetched ahead. What was read and not yet taken
 * is kept, so that no byte is read twice.
 */
import { ProxyError } from '../base/errors.ts'
import type { Source } from '../base/flow.ts'
import type { Exchange, Reply, Serving } from '../exchange/exchange.ts'
import type { ResponseHead } from '../http/message.ts'
import type { ByteRange } from '../http/range.ts'
import { guarded, tellBug } from '../net/bugs.ts'
import type { StoredBody } from './entry.ts'

/** Bytes handed on at once: a client that takes one such piece in time is slow, and not stalled. */
export const PIECE_BYTES = 65_536

/** Bytes as they are, or a range of the stored content. */
export type Segment = Buffer | ByteRange

/** Told instead of the reply when the very first bytes cannot be read: the request can still be answered otherwise. */
export type Unreadable = (error: ProxyError) => void

export class StoredContent implements Source, Serving {
  readonly #exchange: Exchange
  readonly #reply: Reply
  readonly #head: ResponseHead
  readonly #body: StoredBody
  readonly #segments: readonly Segment[]
  #unreadable: Unreadable | null
  /** The segment under way, and where in the stored content it goes on. */
  #index = -1
  #at = 0
  #end = 0
  /** What was read ahead of all, at the beginning of the first range. */
  #begun: Buffer | Promise<Buffer> | null
  /** Bytes in hand. */
  #left: Buffer | null = null
  #opened = false
  #running = false
  #waiting = false
  #held = false
  #over = false

  /** `begun`: what `body.from` gave for the first range, when it was asked. With `unreadable` the head waits for the first bytes. */
  constructor(
    exchange: Exchange,
    head: ResponseHead,
    body: StoredBody,
    segments: readonly Segment[],
    begun: Buffer | Promise<Buffer> | null,
    unreadable: Unreadable | null,
  ) {
    this.#exchange = exchange
    this.#reply = exchange.reply
    this.#head = head
    this.#body = body
    this.#segments = segments
    this.#begun = begun
    this.#unreadable = unreadable
  }

  begin(): void {
    // Before the head: a layer that works on the content puts itself in front of whoever serves.
    this.#exchange.serving = this
    if (this.#unreadable === null) this.#open()
    this.#run()
  }

  pause(): void {
    this.#held = true
  }

  resume(): void {
    this.#held = false
    if (!this.#running && !this.#waiting) this.#run()
  }

  /** As source: the reply wants no more. As serving: the client is gone. Bytes that are still being fetched are thrown away. */
  cancel(): void {
    if (!this.#over) this.#stop()
  }

  #open(): void {
    this.#opened = true
    this.#unreadable = null
    this.#reply.open(this)
    this.#reply.head(this.#head)
  }

  #run(): void {
    this.#running = true
    while (!this.#held && !this.#over) {
      const bytes = this.#next()
      if (bytes === null) this.#finish()
      else if (!Buffer.isBuffer(bytes)) {
        this.#wait(bytes)
        break
      } else this.#give(bytes)
    }
    this.#running = false
  }

  /** Bytes in hand, else those at the place that was reached; null at the end. */
  #next(): Buffer | Promise<Buffer> | null {
    if (this.#left !== null) return this.#left
    while (this.#at === this.#end) {
      if (++this.#index === this.#segments.length) return null
      const segment = this.#segments[this.#index]
      if (Buffer.isBuffer(segment)) return segment
      this.#at = segment.first
      this.#end = segment.last + 1
    }
    const bytes = this.#begun ?? this.#body.from(this.#at)
    this.#begun = null
    return Buffer.isBuffer(bytes) ? this.#taken(bytes) : bytes
  }

  /** Bytes of the content have been read: not more of them than belongs to the range. */
  #taken(bytes: Buffer): Buffer {
    const wanted = this.#end - this.#at
    const taken = bytes.length > wanted ? bytes.subarray(0, wanted) : bytes
    if (taken.length === 0) throw new Error('A store gave no bytes where there have to be some.')
    this.#at += taken.length
    return taken
  }

  #give(bytes: Buffer): void {
    if (!this.#opened) this.#open()
    // Opening may have held us back, or ended all.
    if (this.#over) return
    const whole = bytes.length <= PIECE_BYTES
    this.#left = whole ? null : bytes.subarray(PIECE_BYTES)
    this.#reply.data(whole ? bytes : bytes.subarray(0, PIECE_BYTES))
  }

  #wait(bytes: Promise<Buffer>): void {
    this.#waiting = true
    bytes.then(
      arrived => this.#settled(() => this.#arrived(arrived)),
      error => this.#settled(() => this.#broken(error)),
    )
  }

  #settled(call: () => void): void {
    this.#waiting = false
    if (this.#over) return
    if (!guarded(call)) guarded(() => this.#broken(new ProxyError('internal')))
  }

  #arrived(bytes: Buffer): void {
    this.#left = this.#taken(bytes)
    this.#run()
  }

  #broken(error: unknown): void {
    if (this.#over) return
    const unreadable = this.#unreadable
    this.#stop()
    const known = error instanceof ProxyError
    if (!known) tellBug(error)
    const fault = known ? error : new ProxyError('internal')
    if (unreadable !== null) unreadable(fault)
    else this.#reply.fail(fault)
  }

  #finish(): void {
    if (!this.#opened) this.#open()
    if (this.#over) return
    this.#stop()
    this.#reply.end()
  }

  #stop(): void {
    this.#over = true
    this.#left = null
    this.#unreadable = null
    if (this.#exchange.serving === this) this.#exchange.serving = null
    this.#body.close()
  }
}
