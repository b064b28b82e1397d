/**
 * A route that answers by itself with a fixed status and a text, which may hold variables.
 */
import type { Exchange } from '../exchange/exchange.ts'
import { fixedAnswer, sendFixed } from '../exchange/fixed-answer.ts'
import type { Handler } from '../exchange/handler.ts'
import { checkField } from './headers.ts'
import { compileBody, type Template } from './template.ts'

export interface RespondOptions {
  /** 200 to 599. */
  readonly status: number
  /**
   * Sent as UTF-8; '' by default. Not sent to HEAD nor with 204, 205 and 304. Variables (template.ts) are escaped as
   * the Content-Type asks for.
   */
  readonly body?: string
  /** Content-Type is `text/plain; charset=utf-8` unless it is named here or there is no body. */
  readonly headers?: Readonly<Record<string, string>>
}

const TEXT = 'text/plain; charset=utf-8'

export class RespondHandler implements Handler {
  readonly #status: number
  readonly #fields: readonly (readonly [string, string])[]
  readonly #body: Buffer | Template

  /** Throws Error, with a message for the writer of the configuration, for a status or header that cannot be sent. */
  constructor(options: RespondOptions) {
    const { status, body = '', headers = {} } = options
    if (!Number.isInteger(status) || status < 200 || status > 599)
      throw new Error(
        `respond: the status of a final answer is a whole number from 200 to 599, not ${status}`,
      )
    const fields = Object.entries(headers)
    for (const [name, value] of fields) checkField(name, value)
    const type = fields.find(([name]) => name.toLowerCase() === 'content-type')?.[1]
    const empty = body === '' || status === 204 || status === 205 || status === 304
    const text = compileBody(body, type ?? TEXT)
    this.#status = status
    this.#fields = type !== undefined || empty ? fields : [['Content-Type', TEXT], ...fields]
    this.#body = typeof text === 'string' ? Buffer.from(text) : text
    // What a client had a hand in is taken for nothing but what it is said to be.
    if (typeof text !== 'string') this.#fields = [...this.#fields, ['X-Content-Type-Options', 'nosniff']]
  }

  handle(exchange: Exchange): void {
    const body = Buffer.isBuffer(this.#body) ? this.#body : Buffer.from(this.#body(exchange, this.#status))
    sendFixed(exchange.reply, fixedAnswer(exchange.request.method, this.#status, this.#fields, body))
  }
}
