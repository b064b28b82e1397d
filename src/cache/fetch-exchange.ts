/**
 * The exchange by which the cache itself asks for a response: nobody's in particular, so that no client that leaves
 * takes it along.
 */
import { EMPTY_BODY } from '../exchange/empty-body.ts'
import type { ClientInfo, Exchange, ExchangeNotes, Reply, Serving } from '../exchange/exchange.ts'
import type { RequestHead } from '../http/message.ts'

export class FetchExchange implements Exchange {
  readonly id: number
  readonly client: ClientInfo
  readonly clientAddress: string
  readonly request: RequestHead
  readonly host: string
  readonly hostPort: string
  readonly upgrade = ''
  readonly body = EMPTY_BODY
  readonly notes: ExchangeNotes
  originTarget: string
  forwardedLines: string
  reply: Reply
  cancelled = false
  serving: Serving | null = null

  /** In the name of a client that asked; with `notes` of its own when nobody waits for it. */
  constructor(asked: Exchange, request: RequestHead, reply: Reply, notes: ExchangeNotes) {
    this.id = asked.id
    this.client = asked.client
    this.clientAddress = asked.clientAddress
    this.request = request
    this.host = asked.host
    this.hostPort = asked.hostPort
    this.originTarget = asked.originTarget
    this.forwardedLines = asked.forwardedLines
    this.reply = reply
    this.notes = notes
  }
}
