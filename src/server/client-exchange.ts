/**
 * One request of a client and its answer: what handlers see as Exchange and Reply.
 * Strategy: the answer's framing is decided once, when its head is written; from then on every call is checked
 * against it, so that an answer that is not complete can never look complete.
 */
import type { Clock } from '../base/clock.ts'
import { ProxyError } from '../base/errors.ts'
import type { Source } from '../base/flow.ts'
import { EMPTY_BODY } from '../exchange/empty-body.ts'
import type { Body, ClientInfo, Exchange, ExchangeNotes, Reply, Serving } from '../exchange/exchange.ts'
import { sendFixed } from '../exchange/fixed-answer.ts'
import { newNotes } from '../exchange/notes.ts'
import { CONNECTION, CONTENT_LENGTH, EXPECT, HOST, idOf, TE, UPGRADE } from '../http/field-names.ts'
import { HeaderList } from '../http/header-list.ts'
import { dropConnectionFields, hasConnectionOption, listHas } from '../http/hop-by-hop.ts'
import type { Framing, RequestHead, ResponseHead } from '../http/message.ts'
import { readHost, readTarget } from '../http/request-target.ts'
import { HeadOfMany, type SharedHead } from '../http/shared-head.ts'
import { askedUpgrade } from '../http/upgrade.ts'
import { CHUNK_END, chunkStart, lastChunk } from '../http1/body-encoder.ts'
import { CHUNKED, NO_BODY, requestFraming, UNTIL_CLOSE } from '../http1/framing.ts'
import type { Connection, OutputMark } from '../net/connection.ts'
import type { ClientSession } from './client-session.ts'
import { ClientTunnel } from './client-tunnel.ts'
import { countExchange } from './counters.ts'
import { errorAnswer } from './error-reply.ts'
import { ownAnswer, unservable } from './own-answers.ts'
import { RequestBody } from './request-body.ts'
import { interimHeadText, responseHeadText, sharedHeadText } from './response-head.ts'

/** A request body up to this size that nobody wants is read and thrown away, and the connection is kept. */
const DISCARD_BYTES_MAX = 65_536
/** Request bodies beyond this get read memory of their own. */
const SHARED_READ_BYTES_MAX = 32_768
const HOST_ID = idOf('host')
const TE_ID = idOf('te')
const CONTENT_LENGTH_ID = idOf('content-length')
const UPGRADE_ID = idOf('upgrade')

const NO_REQUEST: RequestHead = { method: '', target: '', version: 11, headers: HeaderList.empty() }

/** 'waiting': no final head yet. 'content': head written. 'over': nothing more is said. */
type AnswerState = 'waiting' | 'content' | 'over'

let lastExchangeId = 0

export class ClientExchange implements Exchange, Reply {
  readonly id = ++lastExchangeId
  readonly client: ClientInfo
  readonly request: RequestHead
  clientAddress: string
  host = ''
  hostPort = ''
  originTarget = ''
  forwardedLines = ''
  upgrade = ''
  reply: Reply = this
  readonly notes: ExchangeNotes
  cancelled = false
  serving: Serving | null = null
  /** The body when there is one, for the session that feeds it. */
  requestBody: RequestBody | null = null
  /** After a 101. */
  tunnel: ClientTunnel | null = null
  #session: ClientSession
  #connection: Connection
  #state: AnswerState = 'waiting'
  #source: Source | null = null
  #framing: Framing = NO_BODY
  #keepAlive = false
  /** The client was told to go on (100), so its body will come. */
  #continued = false
  /** The head that was sent, when other answers have it too. */
  #shared: SharedHead | null = null
  #status = 0
  #bytes = 0
  #trailerText = ''
  #mark: OutputMark | null = null
  #refusedHead = ''

  constructor(session: ClientSession, request: RequestHead) {
    this.#session = session
    this.#connection = session.connection
    this.client = session.client
    this.clientAddress = this.client.address
    this.request = request
    const observed = session.context.services.record !== null
    this.notes = newNotes(observed ? session.context.deadlines.clock.preciseMs() : 0)
  }

  get #clock(): Clock {
    return this.#session.context.deadlines.clock
  }

  /** Stands for a request that could not be read (`head` is what came of it, for the log), so that its answer goes the way of all answers. */
  static refusal(session: ClientSession, head: string): ClientExchange {
    const exchange = new ClientExchange(session, NO_REQUEST)
    exchange.#refusedHead = head
    return exchange
  }

  get body(): Body {
    return this.requestBody ?? EMPTY_BODY
  }

  /** Checks what the head says and hands the exchange on. */
  begin(): void {
    const { request } = this
    let fault: ProxyError | null
    try {
      // What cannot be read safely ends the connection: nobody knows where the next request would begin.
      const framing = requestFraming(request)
      this.#readTarget()
      fault = unservable(request)
      this.#keepAlive = wantsKeepAlive(request)
      if (framing.kind !== 'none') this.#expectBody(framing)
      // A body would have to be read before the switch, and the one after it is enough.
      if ((request.headers.mask & UPGRADE) !== 0 && !this.bodyOpen) this.upgrade = askedUpgrade(request)
    } catch (error) {
      if (!(error instanceof ProxyError)) throw error
      fault = error
    }
    if (fault !== null) {
      this.fail(fault)
      return
    }
    const own = ownAnswer(request)
    if (own !== null) {
      sendFixed(this, own)
      return
    }
    // Before any layer: what Connection names is the client's to remove, what the configuration adds is not.
    dropConnectionFields(request.headers)
    this.#session.context.options.handler.handle(this)
  }

  #readTarget(): void {
    const { request } = this
    const { headers } = request
    const hostField = (headers.mask & HOST) === 0 ? '' : (headers.firstKnown(HOST_ID) ?? '')
    const named = readHost(hostField)
    const target = readTarget(request.method, request.target)
    // RFC 9112 §3.2.2: with absolute-form the target's authority replaces the Host field, which has to be a valid
    // one all the same (§3.2).
    const absolute = target.form === 'absolute'
    if (absolute && hostField !== target.authority) headers.set('Host', target.authority)
    this.host = absolute ? target.host : named.host
    this.hostPort = absolute ? target.port : named.port
    this.originTarget = absolute ? target.path : request.target
    const host = absolute ? target.authority : hostField
    const { forwarded } = this.#session.context
    this.forwardedLines = forwarded.linesFor(this.#session, host, headers)
    // Now, as it came: a layer may edit what proxies said.
    this.clientAddress = forwarded.clientAddress(this.client.address, headers)
  }

  #expectBody(framing: Framing): void {
    const { decoder } = this.#session
    decoder.start(framing)
    if (decoder.done) return
    this.requestBody = new RequestBody(framing, decoder, this.#session)
    const large = framing.kind !== 'length' || framing.bytes > SHARED_READ_BYTES_MAX
    if (large) this.#connection.expectBody(true)
  }

  get bodyOpen(): boolean {
    return this.requestBody !== null && !this.requestBody.ended
  }

  // Reply

  open(source: Source): void {
    this.#source = source
  }

  early(head: ResponseHead): void {
    // RFC 9110 §15.2: no 1xx to an HTTP/1.0 client.
    if (this.#state !== 'waiting' || this.request.version === 10) return
    if (head.status === 100) this.#continued = true
    this.#connection.text(interimHeadText(head))
  }

  head(head: ResponseHead): void {
    if (this.#state !== 'waiting') return
    this.#state = 'content'
    this.#status = head.status
    const { notes } = this
    if (notes.startedAtMs !== 0) notes.firstByteMs = this.#clock.preciseMs() - notes.startedAtMs
    if (head.status === 101) {
      this.#switch(head)
      return
    }
    const shared = head instanceof HeadOfMany ? head.shared : null
    this.#shared = shared
    this.#framing = this.#frame(shared ?? head)
    const keepAlive =
      this.#keepAlive &&
      this.#framing.kind !== 'until-close' &&
      !this.#session.context.draining &&
      this.#bodyWillEnd()
    this.#keepAlive = keepAlive
    const word = keepAlive ? (this.request.version === 10 ? 'keep-alive' : '') : 'close'
    this.#mark = this.#connection.mark()
    const text =
      shared === null
        ? responseHeadText(head, this.#framing, word, this.#clock)
        : sharedHeadText(shared, this.#framing, word, this.#clock)
    this.#connection.text(text)
  }

  /** RFC 9110 §7.8: right behind this head the connection speaks another protocol, both ways. */
  #switch(head: ResponseHead): void {
    this.#framing = UNTIL_CLOSE
    this.#keepAlive = false
    this.#connection.text(responseHeadText(head, UNTIL_CLOSE, '', this.#clock))
    this.tunnel = new ClientTunnel(this.#session, head.headers.firstKnown(UPGRADE_ID) ?? '')
    this.requestBody = this.tunnel.body
    // From here on silence is bounded by the tunnel's own limit.
    this.#session.waitForClient(false)
  }

  /** RFC 9112 §6.3, as sender. Content-Length has been checked by whoever made the head. */
  #frame(head: ResponseHead): Framing {
    const { status, headers } = head
    if (this.request.method === 'HEAD' || status === 204 || status === 304) return NO_BODY
    if ((headers.mask & CONTENT_LENGTH) !== 0)
      return { kind: 'length', bytes: headers.firstKnownNumber(CONTENT_LENGTH_ID) }
    // RFC 9112 §6.1: chunked only to those who speak HTTP/1.1.
    return this.request.version === 11 ? CHUNKED : UNTIL_CLOSE
  }

  /**
   * RFC 9112 §9.3: the connection is kept only if the request's body is read to its end. One that still comes
   * is waited for when it is small and sure to come.
   */
  #bodyWillEnd(): boolean {
    const body = this.requestBody
    if (body === null || body.ended) return true
    const expects = (this.request.headers.mask & EXPECT) !== 0 && !this.#continued
    return body.framing.kind === 'length' && body.framing.bytes <= DISCARD_BYTES_MAX && !expects
  }

  data(chunk: Buffer): boolean {
    if (this.#state !== 'content' || chunk.length === 0) return true
    this.#bytes += chunk.length
    // Bytes beyond the length that was told would be read as the beginning of the next answer.
    if (this.#framing.kind === 'length' && this.#bytes > this.#framing.bytes) {
      this.#wrongLength()
      return true
    }
    let room = true
    if (this.tunnel !== null) room = this.tunnel.write(chunk)
    else if (this.#framing.kind === 'chunked') {
      this.#connection.text(chunkStart(chunk.length))
      room = this.#connection.bytes(chunk)
      this.#connection.text(CHUNK_END)
    } else if (this.#framing.kind !== 'none') room = this.#content(chunk)
    if (!room) {
      this.#source?.pause()
      this.#session.waitForClient(true)
    }
    return room
  }

  #content(chunk: Buffer): boolean {
    const text = this.#shared === null ? null : this.#shared.textOf(chunk)
    if (text === null) return this.#connection.bytes(chunk)
    this.#connection.text(text)
    return !this.#connection.congested
  }

  trailers(fields: HeaderList): void {
    // RFC 9110 §6.5.1: trailers only to those who said that they take them.
    const { mask } = this.request.headers
    if ((mask & TE) === 0 || !listHas(this.request.headers.known(TE_ID).join(','), 'trailers')) return
    this.#trailerText = fields.text
  }

  end(): void {
    if (this.#state !== 'content') return
    if (this.#framing.kind === 'length' && this.#bytes !== this.#framing.bytes) {
      this.#wrongLength()
      return
    }
    if (this.tunnel !== null && this.bodyOpen) {
      // The client hears that the server has ended, and may go on.
      this.tunnel.answerEnded = true
      this.#connection.end()
      return
    }
    if (this.#framing.kind === 'chunked') this.#connection.text(lastChunk(this.#trailerText))
    this.#finish()
    // A body that nobody wants any more, but that the connection cannot go on without.
    if (this.bodyOpen && this.#keepAlive) this.requestBody?.cancel(new ProxyError('internal'))
    else this.#leave()
  }

  #wrongLength(): void {
    const fault = new ProxyError('internal', 'An answer of the wrong length was about to be sent.')
    this.#stopServing(fault)
    this.fail(fault)
  }

  fail(error: ProxyError): void {
    if (this.#state === 'over') return
    this.notes.error = error
    if (this.#state === 'content' && !this.#retract()) {
      this.#finish()
      // A client that reads until the connection ends must see that it broke.
      this.#session.abort(this.#framing.kind === 'until-close')
      return
    }
    sendFixed(this, errorAnswer(error, this.request === NO_REQUEST ? null : this.request))
  }

  /** Takes the head back when none of it has left yet: then the client can be told what happened. */
  #retract(): boolean {
    if (this.#mark === null || !this.#connection.retract(this.#mark)) return false
    this.#state = 'waiting'
    this.#bytes = 0
    this.#source = null
    return true
  }

  /** The answer is settled, one way or the other: nothing more is said, and it is put on record. */
  #finish(): void {
    this.#state = 'over'
    this.#source = null
    countExchange(this.#session.context.counters, this.notes.error?.row.side ?? null)
    if (this.#session.context.services.record !== null) this.#record()
  }

  #leave(): void {
    this.#session.exchangeOver(this.#keepAlive && !this.bodyOpen)
  }

  #record(): void {
    const { notes, request, client } = this
    const durationMs = this.#clock.preciseMs() - notes.startedAtMs
    this.#session.context.services.record?.({
      client,
      exchange: request === NO_REQUEST ? null : this,
      method: request.method,
      target: request.target,
      refusedHead: this.#refusedHead,
      host: request.headers.firstKnown(HOST_ID) ?? '',
      status: this.#statusForLog(),
      requestBytes: this.requestBody?.bytes ?? 0,
      responseBytes: this.tunnel?.answerBytes ?? this.#bytes,
      durationMs,
      upstream: notes.upstream,
      attempts: notes.attempts,
      retried: notes.retried,
      queueMs: notes.queueMs,
      connectMs: notes.connectMs,
      firstByteMs: notes.firstByteMs,
      cache: notes.cache,
      cacheWhy: notes.cacheWhy,
      user: notes.user,
      error: notes.error?.code ?? '',
      detail: notes.error?.logDetail ?? '',
    })
  }

  /** A client that left is 499, whatever it had been told; else it is what was sent. */
  #statusForLog(): number {
    const { error } = this.notes
    if (!this.cancelled || this.tunnel !== null) return this.#status
    if (this.#status !== 0 && error?.row.side === 'proxy') return this.#status
    return error?.row.status ?? 499
  }

  // The session tells what became of the client.

  /** There is room for output again. */
  outputDrained(): void {
    this.#session.waitForClient(this.requestBody?.flowing === true)
    this.#source?.resume()
  }

  /** The last byte of the request body has been handed on. */
  requestBodyEnded(): void {
    this.#connection.expectBody(false)
    this.#session.waitForClient(this.#state === 'content' && this.#connection.congested)
    if (this.tunnel?.answerEnded === true && this.#state === 'content') this.#finish()
    if (this.#state === 'over') this.#leave()
  }

  /** The request body cannot be read on: bad framing, or it stopped coming. */
  bodyBroken(error: ProxyError): void {
    this.#keepAlive = false
    this.#stopServing(error)
    this.requestBody?.fail(error)
    if (this.#state === 'over') this.#leave()
    // Layers have a say in the answer as long as there is none.
    else if (this.#state === 'waiting') this.reply.fail(error)
    else this.fail(error)
  }

  /** The client has sent its last byte, though it may still be reading. `unread`: some of its bytes wait for us. */
  clientEnded(unread: boolean): void {
    if (this.tunnel !== null) {
      if (!unread) this.requestBody?.endOfStream()
      return
    }
    const serve = this.#session.context.options.halfClose === 'serve'
    if (this.bodyOpen && !unread) this.bodyBroken(new ProxyError('client_body_short'))
    else if (!serve && this.#state !== 'over') {
      this.clientGone(new ProxyError('client_left'))
      this.#session.abort(false)
    }
  }

  /** The client will not read what we say any more. */
  clientGone(error: ProxyError): void {
    if (this.#state === 'over') return
    this.cancelled = true
    this.notes.error = error
    this.#stopServing(error)
    this.#finish()
  }

  /** The client neither sends what it has to send nor reads what it has to read. */
  clientStalled(): void {
    if (this.#state === 'over') this.#session.abort(true)
    else if (this.#state === 'waiting') this.bodyBroken(new ProxyError('client_body_timeout'))
    else {
      this.clientGone(new ProxyError('client_stalled'))
      this.#session.abort(true)
    }
  }

  /** Shutting down, and the time is nearly over: a WebSocket is ended in order, if its peers go along. */
  closeTunnel(): void {
    if (this.tunnel === null || this.notes.error !== null || !this.tunnel.close()) return
    this.notes.error = new ProxyError('draining', 'The WebSocket was closed with 1001.')
  }

  #stopServing(error: ProxyError): void {
    const { serving } = this
    this.serving = null
    serving?.cancel(error)
  }
}

/** RFC 9112 §9.3: `close` wins, then the version decides, then `keep-alive`. */
function wantsKeepAlive(request: RequestHead): boolean {
  if ((request.headers.mask & CONNECTION) === 0) return request.version === 11
  if (hasConnectionOption(request.headers, 'close')) return false
  return request.version === 11 || hasConnectionOption(request.headers, 'keep-alive')
}
