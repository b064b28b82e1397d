/**
 * A route that answers by itself with a fixed status and text.
 */
import type { Exchange } from '../exchange/exchange.ts'
import { fixedAnswer, sendFixed } from '../exchange/fixed-answer.ts'
import type { Handler } from '../exchange/handler.ts'
import { checkField } from './headers.ts'

export interface RespondOptions {
  /** 200 to 599. */
  readonly status: number
  /** Sent as UTF-8; '' by default. Not sent to HEAD nor with 204, 205 and 304. */
  readonly body?: string
  /** Content-Type is `text/plain; charset=utf-8` unless it is named here or there is no body. */
  readonly headers?: Readonly<Record<string, string>>
}

export class RespondHandler implements Handler {
  readonly #status: number
  readonly #fields: readonly (readonly [string, string])[]
  readonly #body: Buffer

  /** Throws Error, with a message for the writer of the configuration, for a status or header that cannot be sent. */
  constructor(options: RespondOptions) {
    const { status, body = '', headers = {} } = options
    if (!Number.isInteger(status) || status < 200 || status > 599)
      throw new Error(
        `respond: the status of a final answer is a whole number from 200 to 599, not ${status}`,
      )
    const fields = Object.entries(headers)
    for (const [name, value] of fields) checkField(name, value)
    const typed = fields.some(([name]) => name.toLowerCase() === 'content-type')
    const empty = body === '' || status === 204 || status === 205 || status === 304
    this.#status = status
    this.#fields = typed || empty ? fields : [['Content-Type', 'text/plain; charset=utf-8'], ...fields]
    this.#body = Buffer.from(body)
  }

  handle(exchange: Exchange): void {
    sendFixed(exchange.reply, fixedAnswer(exchange.request.method, this.#status, this.#fields, this.#body))
  }
}
