/**
 * The layer that says how large request bodies may be.
 * Strategy: a Content-Length beyond the limit is refused before anything is sent to a server, and before a client
 * that waits for 100-continue sends its body; a body of unknown length carries the limit along and breaks where it
 * passes it, so that a server never takes a part for the whole.
 */
import { ProxyError } from '../base/errors.ts'
import { formatSize } from '../base/units.ts'
import type { Exchange } from '../exchange/exchange.ts'
import type { Handler, Layer } from '../exchange/handler.ts'

export interface BodyLimitOptions {
  /** Bytes of content, chunk framing not counted. */
  readonly bodyBytesMax: number
}

/** Throws Error, with a message for the writer of the configuration, for a limit that is none. */
export function bodyLimitLayer({ bodyBytesMax }: BodyLimitOptions): Layer {
  if (!Number.isSafeInteger(bodyBytesMax) || bodyBytesMax < 0)
    throw new Error(`bodyLimit: ${bodyBytesMax} is not a number of bytes`)
  return next => new BodyLimitHandler(bodyBytesMax, next)
}

class BodyLimitHandler implements Handler {
  readonly #bytesMax: number
  readonly #words: string
  readonly #next: Handler

  constructor(bytesMax: number, next: Handler) {
    this.#bytesMax = bytesMax
    this.#words = `It may have ${formatSize(bytesMax)} here (bodyLimit).`
    this.#next = next
  }

  handle(exchange: Exchange): void {
    const { framing } = exchange.body
    // RFC 9110 §10.1.1: a final status instead of 100 (Continue) spares both sides the body.
    if (framing.kind === 'length' && framing.bytes > this.#bytesMax) {
      exchange.reply.fail(new ProxyError('body_too_large', this.#words))
      return
    }
    if (framing.kind === 'chunked') exchange.body.limit(this.#bytesMax, this.#words)
    this.#next.handle(exchange)
  }
}
