/**
 * A small answer that is known as a whole: fixed texts, redirects, error pages.
 * Strategy: head and body are made together, so that the length is always right and a body is never put where
 * HTTP has none; the request body is not opened, what becomes of it is the session's business.
 */
import type { Source } from '../base/flow.ts'
import { HeaderList } from '../http/header-list.ts'
import type { ResponseHead } from '../http/message.ts'
import { reasonOf } from '../http/status.ts'
import type { Reply } from './exchange.ts'

export interface FixedAnswer {
  readonly head: ResponseHead
  /** Empty where the answer has none: to HEAD, and with status 204, 205 and 304. */
  readonly body: Buffer
}

const EMPTY = Buffer.alloc(0)
const PIECE_BYTES = 65_536

/**
 * Makes the answer to a request with this method. `fields` hold neither Content-Length nor Transfer-Encoding.
 * The head is a new one each time: whoever takes it may edit it. Throws ProxyError for a field that is not valid.
 */
export function fixedAnswer(
  method: string,
  status: number,
  fields: Iterable<readonly [string, string]>,
  body: Buffer,
): FixedAnswer {
  const headers = HeaderList.from(fields)
  // RFC 9110 §15.3.6: 205 has no content, and says so by its length.
  const content = status === 205 ? EMPTY : body
  // RFC 9110 §8.6: no Content-Length with 204; with 304 it would have to be that of the answer not sent.
  const bare = status === 204 || status === 304
  if (!bare) headers.add('Content-Length', String(content.length))
  // RFC 9110 §9.3.2: HEAD gets the fields of GET, its Content-Length too, and no content.
  const silent = bare || method === 'HEAD'
  return { head: { status, reason: reasonOf(status), version: 11, headers }, body: silent ? EMPTY : content }
}

export function sendFixed(reply: Reply, answer: FixedAnswer): void {
  const source = new FixedSource(reply, answer.body)
  reply.open(source)
  reply.head(answer.head)
  source.begin()
}

/** Gives a body in pieces, as fast as they are taken: so that it shows whether a slow client reads at all. */
class FixedSource implements Source {
  #reply: Reply
  #rest: Buffer | null
  /** True before the head and while pieces are being handed over: then `resume` has nothing to start. */
  #busy = true
  #held = false

  constructor(reply: Reply, body: Buffer) {
    this.#reply = reply
    this.#rest = body
  }

  pause(): void {
    this.#held = true
  }

  resume(): void {
    this.#held = false
    if (!this.#busy) this.begin()
  }

  begin(): void {
    this.#busy = true
    while (!this.#held && this.#rest !== null && this.#rest.length > 0) {
      const piece = this.#rest.subarray(0, PIECE_BYTES)
      this.#rest = this.#rest.subarray(piece.length)
      this.#reply.data(piece)
    }
    this.#busy = false
    if (this.#rest?.length !== 0) return
    this.#rest = null
    this.#reply.end()
  }

  cancel(): void {
    this.#rest = null
  }
}
