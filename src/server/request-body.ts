/**
 * The body of a request, between the session that reads it and whoever takes it.
 * Strategy: unread until it is opened into a sink; paused and resumed by that sink; thrown away when nobody
 * wants it. A request without a body shares one object with all others of its kind.
 */
import { ProxyError } from '../base/errors.ts'
import type { Body, BodySink } from '../exchange/exchange.ts'
import type { HeaderList } from '../http/header-list.ts'
import type { Framing } from '../http/message.ts'
import type { BodyDecoder, ContentSink } from '../http1/body-decoder.ts'

/** What the body needs of the connection it comes from. */
export interface BodyHost {
  pauseReading(): void
  /** Reading may go on, what is waiting first. */
  resumeReading(): void
  /** Its taker is gone and the next one is not there yet: what comes of it waits, and nobody waits for more. */
  bodyReleased(): void
  /** The last byte was handed on. */
  bodyEnded(): void
}

export class RequestBody implements Body, ContentSink {
  readonly framing: Framing
  ended = false
  /** Content bytes read so far. */
  bytes = 0
  #host: BodyHost
  #decoder: BodyDecoder
  #sink: BodySink | null = null
  #paused = false
  #dropped = false
  #trailers: HeaderList | null = null
  #bytesMax = Number.MAX_SAFE_INTEGER
  #limitWords = ''

  /** `decoder` has been started with this framing. */
  constructor(framing: Framing, decoder: BodyDecoder, host: BodyHost) {
    this.framing = framing
    this.#decoder = decoder
    this.#host = host
  }

  /** True while bytes should be fed. */
  get flowing(): boolean {
    return !this.ended && !this.#paused && (this.#dropped || this.#sink !== null)
  }

  /** True while its taker holds it back. */
  get paused(): boolean {
    return this.#paused
  }

  /** Takes bytes from `start` on; returns the place behind the last one that belongs to the body. Throws ProxyError. */
  feed(bytes: Buffer, start: number): number {
    const end = this.#decoder.feed(bytes, start, this)
    if (this.#decoder.done) this.#finish()
    return end
  }

  into(sink: BodySink): void {
    this.#sink = sink
    sink.open(this)
    this.#paused = false
    if (this.ended) this.#tellEnd(sink)
    else this.#host.resumeReading()
  }

  /** The client has sent its last byte, and that is how this body ends. */
  endOfStream(): void {
    if (!this.ended && this.#decoder.endOfStream()) this.#finish()
  }

  /** The taker must not take what it has for the whole. */
  fail(error: ProxyError): void {
    this.ended = true
    const sink = this.#sink
    this.#sink = null
    sink?.fail(error)
  }

  limit(bytesMax: number, words: string): void {
    if (bytesMax >= this.#bytesMax) return
    this.#bytesMax = bytesMax
    this.#limitWords = words
  }

  release(): void {
    this.#sink = null
    if (!this.ended) this.#host.bodyReleased()
  }

  #finish(): void {
    this.ended = true
    if (this.#sink !== null) this.#tellEnd(this.#sink)
    // Who held back the last bytes has no reason to ask for more: the connection is read on without it.
    if (this.#paused) {
      this.#paused = false
      this.#host.resumeReading()
    }
    this.#host.bodyEnded()
  }

  #tellEnd(sink: BodySink): void {
    if (this.#trailers !== null) sink.trailers(this.#trailers)
    sink.end()
  }

  // Source, for the taker.

  pause(): void {
    if (this.ended || this.#paused) return
    this.#paused = true
    this.#host.pauseReading()
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#host.resumeReading()
  }

  cancel(_error: ProxyError): void {
    this.#sink = null
    this.#dropped = true
    this.#paused = false
    if (!this.ended) this.#host.resumeReading()
  }

  // ContentSink, for the decoder.

  data(chunk: Buffer): boolean {
    this.bytes += chunk.length
    // Thrown through the decoder to the session, like a framing that is broken.
    if (this.bytes > this.#bytesMax) throw new ProxyError('body_too_large', this.#limitWords)
    return this.#sink === null || this.#sink.data(chunk)
  }

  trailers(fields: HeaderList): void {
    this.#trailers = fields
  }
}
