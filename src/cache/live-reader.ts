/**
 * A client that reads along while a response is being fetched.
 * Strategy: its source is the fill; it takes what is there, waits while its client is slow, and hears when more has come.
 */
import type { ProxyError } from '../base/errors.ts'
import type { Source } from '../base/flow.ts'
import type { Exchange, Reply, Serving } from '../exchange/exchange.ts'
import type { ResponseHead } from '../http/message.ts'
import type { Fill, FillReader } from './fill.ts'

export class LiveReader implements Source, Serving, FillReader {
  at = 0
  readonly #exchange: Exchange
  readonly #reply: Reply
  readonly #fill: Fill
  readonly #gone: () => void
  #held = false
  #busy = true
  #over = false

  /** `gone`: called once, when it reads no more. */
  constructor(exchange: Exchange, fill: Fill, gone: () => void) {
    this.#exchange = exchange
    this.#reply = exchange.reply
    this.#fill = fill
    this.#gone = gone
    exchange.serving = this
    fill.add(this)
  }

  begin(head: ResponseHead): void {
    this.#reply.open(this)
    this.#reply.head(head)
    this.#busy = false
    this.more()
  }

  more(): void {
    if (this.#busy || this.#held || this.#over) return
    this.#busy = true
    while (!this.#held && !this.#over) {
      const piece = this.#fill.from(this.at)
      if (piece === null) break
      this.at += piece.length
      this.#reply.data(piece)
    }
    this.#busy = false
    if (!this.#held && !this.#over) this.#atEnd()
  }

  #atEnd(): void {
    const { error, ended, bytes, trailers } = this.#fill
    if (error !== null) {
      this.#leave()
      this.#reply.fail(error)
    } else if (ended && this.at === bytes) {
      this.#leave()
      if (trailers !== null) this.#reply.trailers(trailers)
      this.#reply.end()
    }
  }

  pause(): void {
    this.#held = true
  }

  resume(): void {
    this.#held = false
    this.more()
    if (!this.#over) this.#fill.trim()
  }

  cancel(_error: ProxyError): void {
    this.#leave()
  }

  #leave(): void {
    if (this.#over) return
    this.#over = true
    if (this.#exchange.serving === this) this.#exchange.serving = null
    this.#fill.remove(this)
    this.#gone()
  }
}
