/**
 * One connection to an upstream server: writes requests, reads answers, one exchange at a time.
 * Strategy: a request goes out as text in one write with what of its body is there; of the answer every head is
 * checked whole before it is shown, and content is handed on as it comes. Whatever leaves doubt about where an
 * answer ends makes it a 502, and the connection is not used again. After a switch of protocols (101) the exchange
 * goes on as a tunnel: its body and its answer are raw bytes, and it is over when both sides have ended.
 */

import { ByteQueue } from '../base/byte-queue.ts'
import { ProxyError } from '../base/errors.ts'
import type { Source } from '../base/flow.ts'
import type { BodySink, Exchange } from '../exchange/exchange.ts'
import { CONNECTION, idOf, KEEP_ALIVE } from '../http/field-names.ts'
import type { HeaderList } from '../http/header-list.ts'
import { dropConnectionFields, hasConnectionOption } from '../http/hop-by-hop.ts'
import type { Framing } from '../http/message.ts'
import { switchedTo } from '../http/upgrade.ts'
import { BodyDecoder } from '../http1/body-decoder.ts'
import { CHUNK_END, chunkStart, lastChunk } from '../http1/body-encoder.ts'
import { responseFraming, UNTIL_CLOSE } from '../http1/framing.ts'
import { type ParsedResponse, parseResponseHead } from '../http1/head-parser.ts'
import { LIMITS } from '../http1/limits.ts'
import type { Connection, ConnectionUser } from '../net/connection.ts'
import { type Deadline, NEVER } from '../net/deadlines.ts'
import { DROPPED } from './dropped-answer.ts'
import type { Endpoint } from './endpoint.ts'
import type { ServerTimeouts } from './options.ts'

/** Who gave the session its exchange and hears how it went. */
export interface Tenant {
  readonly exchange: Exchange
  readonly timeouts: ServerTimeouts
  /** A piece of the request body goes out; lent. */
  sending(chunk: Buffer): void
  /** The final head has come. False: this answer is not wanted, `declined` is called when it is out of the way. */
  accepts(status: number): boolean
  declined(): void
  /** The answer is complete and has been handed on whole. */
  answered(): void
  /** It failed. `untouched`: the connection had served before, and not one byte of this answer came. */
  failed(error: ProxyError, untouched: boolean): void
}

/** Interim answers (1xx) before the final one; a server that sends more is broken. */
const INTERIM_HEADS_MAX = 32
/** Reads in a tunnel beyond which it gets read memory of its own, so that they are written without a copy; an idle one holds none. */
const LARGE_READ_BYTES = 4_096
/** An answer that nobody wants is read up to this size, and the connection is kept. */
const DROP_BYTES_MAX = 65_536
const KEEP_ALIVE_ID = idOf('keep-alive')
const VIA_ID = idOf('via')
const LF = 10
const HEAD_LIMITS = `The limits are ${LIMITS.headBytesMax} bytes and ${LIMITS.fieldsMax} fields.`

export class UpstreamSession implements ConnectionUser, BodySink, Source, Deadline {
  readonly connection: Connection
  /** How long it took to open. */
  readonly connectMs: number
  dueMs = NEVER
  /** Exchanges begun on this connection. */
  exchanges = 0
  #endpoint: Endpoint
  #tenant: Tenant | null = null
  #timeouts: ServerTimeouts
  #state: 'head' | 'body' | 'tunnel' = 'head'
  #framing: Framing | null = null
  #bodySource: Source | null = null
  #requestComplete = true
  #requestTrailers = ''
  #decoder = new BodyDecoder(LIMITS)
  #kept: ByteQueue | null = null
  #interimHeads = 0
  #anyBytes = false
  #persistent = true
  #paused = false
  /** In a tunnel: the server has sent its last byte. */
  #serverEnded = false
  #idleTimeoutMs: number
  #left = false

  constructor(connection: Connection, endpoint: Endpoint, connectMs: number) {
    this.connectMs = connectMs
    this.connection = connection
    this.#endpoint = endpoint
    this.#timeouts = endpoint.options
    this.#idleTimeoutMs = endpoint.options.idleTimeoutMs
    connection.user = this
    endpoint.services.deadlines.add(this)
  }

  /** Sends a request. `headText` is a whole checked head; the body, if `framing` has one, is opened into us. */
  begin(tenant: Tenant, headText: string, framing: Framing, resend: readonly Buffer[] | null): void {
    this.#tenant = tenant
    this.#timeouts = tenant.timeouts
    this.#state = 'head'
    this.#framing = framing
    this.#interimHeads = 0
    this.#anyBytes = false
    this.#persistent = true
    this.#paused = false
    this.exchanges++
    this.connection.text(headText)
    this.#requestComplete = framing.kind === 'none'
    this.#arm()
    if (this.#requestComplete) return
    this.#requestTrailers = ''
    if (resend !== null) for (const chunk of resend) this.data(chunk)
    tenant.exchange.body.into(this)
  }

  /** The exchange is off: whatever comes for it is of no use, so the connection goes. */
  abandon(): void {
    this.#tenant = null
    // Bytes without a framing must not look complete.
    this.connection.destroy(this.#state === 'tunnel')
    this.#leave()
  }

  /** The connection is of no use any more: its place is free, even before the kernel has closed it. */
  #leave(): void {
    if (this.#left) return
    this.#left = true
    this.dueMs = NEVER
    this.#endpoint.services.deadlines.remove(this)
    this.#endpoint.dropped(this)
  }

  // The request body: we are its sink.

  open(source: Source): void {
    this.#bodySource = source
  }

  data(chunk: Buffer): boolean {
    const tenant = this.#tenant
    if (tenant === null) return true
    tenant.sending(chunk)
    let room: boolean
    if (this.#framing?.kind === 'chunked') {
      this.connection.text(chunkStart(chunk.length))
      room = this.connection.bytes(chunk)
      this.connection.text(CHUNK_END)
    } else room = this.connection.bytes(chunk)
    if (!room) this.#bodySource?.pause()
    if (this.#state !== 'body') this.#arm()
    return room
  }

  trailers(fields: HeaderList): void {
    this.#requestTrailers = fields.text
  }

  end(): void {
    if (this.#tenant === null) return
    if (this.#framing?.kind === 'chunked') this.connection.text(lastChunk(this.#requestTrailers))
    this.#requestComplete = true
    this.#bodySource = null
    if (this.#state === 'head') this.#arm()
    else if (this.#state === 'tunnel') {
      this.connection.end()
      if (this.#serverEnded) this.#endTunnel()
    }
  }

  /** The client broke its body off: the server must not take what came for all of it. */
  fail(_error: ProxyError): void {
    this.abandon()
  }

  // The answer: we are its source.

  pause(): void {
    this.#paused = true
    this.connection.pause()
    // Who does not read in a tunnel has the idle limit, and no other.
    if (this.#state !== 'tunnel') this.dueMs = NEVER
  }

  resume(): void {
    this.#paused = false
    this.connection.resume()
    this.#arm()
  }

  cancel(_error: ProxyError): void {
    const tenant = this.#tenant
    this.abandon()
    tenant?.answered()
  }

  // The connection.

  bytes(chunk: Buffer): void {
    if (this.#tenant === null) {
      // Nobody asked: an answer to nothing would be taken for the answer to the next request.
      this.abandon()
      return
    }
    this.#anyBytes = true
    try {
      this.#take(chunk)
    } catch (error) {
      if (!(error instanceof ProxyError)) throw error
      this.#failed(asUpstreamFault(error, this.#state))
    }
  }

  #take(chunk: Buffer): void {
    let bytes = chunk
    let at = 0
    if (this.#state === 'head') {
      if (this.#kept !== null) {
        this.#kept.append(chunk)
        // Parse again only when a line has ended: a byte at a time must not cost the square of the size.
        if (chunk.indexOf(LF) < 0 && this.#kept.length <= LIMITS.headBytesMax) return
        bytes = this.#kept.view()
      }
      at = this.#takeHeads(bytes)
      if (this.#tenant === null) return
      if (this.#state === 'head') {
        this.#keep(bytes, at)
        return
      }
      this.#kept = null
    }
    if (this.#state === 'tunnel') this.connection.expectBody(chunk.length > LARGE_READ_BYTES)
    at = this.#decoder.feed(bytes, at, this.#content)
    // What the reply does may have ended this exchange.
    if (this.#tenant === null) return
    if (this.#decoder.done) this.#complete(bytes.length - at)
    else if (!this.#paused) this.#arm()
  }

  /** Keeps the beginning of a head; bytes before `at` are used up. */
  #keep(bytes: Buffer, at: number): void {
    if (this.#kept !== null) {
      this.#kept.consume(at)
      if (this.#kept.length === 0) this.#kept = null
    } else if (at < bytes.length) {
      this.#kept = new ByteQueue()
      this.#kept.append(bytes.subarray(at))
    }
  }

  /** Reads interim heads and the final one. Returns the place behind the last head that was complete. */
  #takeHeads(bytes: Buffer): number {
    let at = 0
    for (;;) {
      const head = parseResponseHead(bytes, at, bytes.length, LIMITS)
      if (head === null) return at
      at += head.bytes
      if (head.status >= 200) {
        this.#takeFinalHead(head, bytes.length - at)
        return at
      }
      if (head.status === 101) {
        this.#switch(head)
        return at
      }
      if (++this.#interimHeads > INTERIM_HEADS_MAX) throw new ProxyError('upstream_bad_head', 'Too many 1xx.')
      dropConnectionFields(head.headers)
      this.#tenant?.exchange.reply.early(head)
      this.#arm()
      if (this.#tenant === null) return at
    }
  }

  /** RFC 9110 §7.8: 101 answers a request with Upgrade, and switches to what that offered. */
  #switch(head: ParsedResponse): void {
    const tenant = this.#tenant as Tenant
    const { exchange } = tenant
    if (switchedTo(exchange.upgrade, head.headers) === null) {
      const detail = exchange.upgrade === '' ? '' : `The client offered ${exchange.upgrade}.`
      throw new ProxyError('upstream_upgrade', detail)
    }
    this.#addPassedOn(head)
    this.#state = 'tunnel'
    this.#serverEnded = false
    this.#persistent = false
    // From here on the request has a body: raw bytes, until the client ends its side.
    this.#framing = UNTIL_CLOSE
    this.#requestComplete = false
    this.#decoder.start(UNTIL_CLOSE)
    this.connection.keepAlive()
    tenant.accepts(head.status)
    const { reply } = exchange
    reply.open(this)
    reply.head(head)
    if (this.#tenant !== null) exchange.body.into(this)
  }

  /** What every answer loses and gets on its way through us. */
  #addPassedOn(head: ParsedResponse): void {
    dropConnectionFields(head.headers)
    // RFC 9110 §7.6.3: with the version of the message that was received.
    head.headers.addChecked('Via', VIA_ID, head.version === 11 ? '1.1 sluice' : '1.0 sluice')
  }

  #takeFinalHead(head: ParsedResponse, bytesBehind: number): void {
    const tenant = this.#tenant as Tenant
    const { exchange } = tenant
    const framing = responseFraming(head, exchange.request.method)
    refuseExtraBytes(framing, bytesBehind)
    this.#persistent = this.#mayPersist(head, framing)
    this.#noteKeepAlive(head.headers)
    // RFC 9110 §8.6: no Content-Length in a 204. Some servers send a zero.
    if (head.status === 204) head.headers.remove('content-length')
    this.#addPassedOn(head)
    this.#state = 'body'
    this.#decoder.start(framing)
    if (!tenant.accepts(head.status)) {
      this.#drop(framing)
      tenant.declined()
      return
    }
    const { reply } = exchange
    reply.open(this)
    reply.head(head)
  }

  /** Nobody wants this answer: when it is small, the connection is worth more than the bytes. */
  #drop(framing: Framing): void {
    this.#bodySource = null
    const small = framing.kind === 'none' || (framing.kind === 'length' && framing.bytes <= DROP_BYTES_MAX)
    if (small && this.#persistent) this.#tenant = DROPPED
    else this.abandon()
  }

  /** RFC 9112 §9.3. */
  #mayPersist(head: ParsedResponse, framing: Framing): boolean {
    if (framing.kind === 'until-close' || !this.#requestComplete) return false
    if ((head.headers.mask & CONNECTION) === 0) return head.version === 11
    if (hasConnectionOption(head.headers, 'close')) return false
    return head.version === 11 || hasConnectionOption(head.headers, 'keep-alive')
  }

  /** `Keep-Alive: timeout=5` means that the server closes after 5 s: we are to be quicker. */
  #noteKeepAlive(headers: HeaderList): void {
    if ((headers.mask & KEEP_ALIVE) === 0) return
    const seconds = /(?:^|[,;\s])timeout=(\d{1,6})/i.exec(headers.firstKnown(KEEP_ALIVE_ID) ?? '')
    if (seconds === null) return
    const limitMs = Number(seconds[1]) * 1000 - Math.min(1000, Number(seconds[1]) * 500)
    this.#idleTimeoutMs = Math.min(this.#endpoint.options.idleTimeoutMs, limitMs)
    if (limitMs <= 0) this.#persistent = false
  }

  /** Content of the answer, on its way to the client. */
  #content = {
    data: (chunk: Buffer): boolean => this.#tenant === null || this.#tenant.exchange.reply.data(chunk),
    trailers: (fields: HeaderList): void => this.#tenant?.exchange.reply.trailers(fields),
  }

  #complete(bytesBehind: number): void {
    const tenant = this.#tenant as Tenant
    if (bytesBehind > 0) throw new ProxyError('upstream_extra_bytes')
    this.#tenant = null
    this.#state = 'head'
    this.dueMs = NEVER
    const source = this.#bodySource
    this.#bodySource = null
    if (this.#persistent && this.#requestComplete && !this.connection.closed) {
      this.dueMs = this.#endpoint.services.deadlines.in(this.#idleTimeoutMs)
      if (this.#paused) this.connection.resume()
      this.#endpoint.release(this)
    } else this.abandon()
    // RFC 9112 §9.5: a final answer before the request was complete: the rest of the body has no taker.
    if (!this.#requestComplete) source?.cancel(new ProxyError('upstream_closed', 'It answered early.'))
    tenant.answered()
    tenant.exchange.reply.end()
  }

  ended(): void {
    if (this.#tenant === null) {
      this.abandon()
      return
    }
    if (this.#state === 'head') {
      const code = this.#kept === null ? 'upstream_closed' : 'upstream_bad_head'
      this.#failed(new ProxyError(code, this.#kept === null ? '' : 'It ended in the middle.'))
    } else if (this.#state === 'tunnel') this.#endAnswer()
    else if (this.#decoder.endOfStream()) this.#complete(0)
    else this.#failed(new ProxyError('upstream_body_short'))
  }

  /** In a tunnel: the server ends its side, the client may go on. */
  #endAnswer(): void {
    const { reply } = (this.#tenant as Tenant).exchange
    this.#serverEnded = true
    if (this.#requestComplete) this.#endTunnel()
    reply.end()
  }

  /** Both sides have ended. The connection closes by itself as soon as the server has taken what is left. */
  #endTunnel(): void {
    const tenant = this.#tenant as Tenant
    this.#tenant = null
    const { options, services } = this.#endpoint
    this.dueMs = services.deadlines.in(options.bodyTimeoutMs)
    tenant.answered()
  }

  drained(): void {
    this.#bodySource?.resume()
    if (this.#tenant !== null && this.#state === 'head') this.#arm()
  }

  closed(error: NodeJS.ErrnoException | null): void {
    const detail = error?.code === undefined ? '' : `${error.code}.`
    if (this.#tenant !== null) this.#failed(new ProxyError('upstream_reset', detail))
    this.#leave()
  }

  /** Sets what is waited for now. */
  #arm(): void {
    const { bodyTimeoutMs, headTimeoutMs } = this.#timeouts
    let waitMs = NEVER
    if (this.#state === 'tunnel') waitMs = this.#endpoint.options.tunnelTimeoutMs
    else if (this.#state === 'body' || this.connection.congested) waitMs = bodyTimeoutMs
    else if (this.#requestComplete) waitMs = headTimeoutMs
    this.dueMs = this.#endpoint.services.deadlines.in(waitMs)
  }

  expired(): void {
    if (this.#tenant === null) this.abandon()
    else if (this.#state === 'body') this.#failed(new ProxyError('upstream_body_timeout'))
    else if (this.#state === 'tunnel') {
      const detail = `The limit is ${this.#endpoint.options.tunnelTimeoutMs} ms (tunnelTimeout).`
      this.#failed(new ProxyError('tunnel_timeout', detail))
    } else if (this.connection.congested) this.#failed(new ProxyError('upstream_write_timeout'))
    else {
      const detail = `${this.#endpoint.address.label} sent no head within ${this.#timeouts.headTimeoutMs} ms (headTimeout).`
      this.#failed(new ProxyError('upstream_head_timeout', detail))
    }
  }

  #failed(error: ProxyError): void {
    const tenant = this.#tenant as Tenant
    const untouched = this.exchanges > 1 && !this.#anyBytes
    this.abandon()
    tenant.failed(error, untouched)
  }
}

/** Bytes behind an answer that has a known end would be taken for the next answer. */
function refuseExtraBytes(framing: Framing, bytesBehind: number): void {
  const allowed = framing.kind === 'none' ? 0 : framing.kind === 'length' ? framing.bytes : bytesBehind
  if (bytesBehind > allowed) throw new ProxyError('upstream_extra_bytes')
}

/** The codec names the fault; that it was the upstream's, and so a 502, is said here. */
function asUpstreamFault(error: ProxyError, state: 'head' | 'body' | 'tunnel'): ProxyError {
  if (error.row.side === 'upstream') return error
  if (error.code === 'head_too_large' || error.code === 'too_many_fields')
    return new ProxyError('upstream_head_too_large', HEAD_LIMITS)
  if (state === 'body') return new ProxyError('upstream_bad_body', error.message)
  const framing = /framing|length|transfer/.test(error.code)
  return new ProxyError(framing ? 'upstream_bad_framing' : 'upstream_bad_head', error.message)
}
