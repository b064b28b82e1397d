/**
 * One client connection: reads requests, writes answers, one exchange after the other.
 * Strategy: bytes go through one loop (head, body, next head) that stops where the exchange under way does not
 * want them; what is left waits in a bounded queue. The answer side is the ClientExchange; this file keeps the
 * order of things on the connection, its deadlines and its end.
 */
import { ByteQueue } from '../base/byte-queue.ts'
import { ProxyError } from '../base/errors.ts'
import type { ClientInfo } from '../exchange/exchange.ts'
import { BodyDecoder } from '../http1/body-decoder.ts'
import { type ParsedRequest, parseRequestHead } from '../http1/head-parser.ts'
import type { Connection, ConnectionUser } from '../net/connection.ts'
import { type Deadline, type Deadlines, NEVER } from '../net/deadlines.ts'
import { ClientExchange } from './client-exchange.ts'
import type { Counters } from './counters.ts'
import type { ForwardedWriter } from './forwarded-writer.ts'
import type { ListenerOptions, ServerServices } from './options.ts'
import type { BodyHost } from './request-body.ts'

/** What all sessions of a listener share. */
export interface SessionContext {
  readonly options: ListenerOptions
  readonly services: ServerServices
  readonly deadlines: Deadlines
  readonly forwarded: ForwardedWriter
  readonly counters: Counters
  /** True while the server shuts down: answers end their connection. */
  draining: boolean
  /** Shutting down, but a kept connection stays until its next answer has told the client that it ends. */
  idleStays: boolean
  /** The connection is gone for good. */
  closed(session: ClientSession): void
}

/** Bytes read and thrown away after our last answer, so that a client that is still sending gets to read it. */
const LINGER_BYTES_MAX = 4_194_304
const CR = 13
const LF = 10
const NO_BYTES = Buffer.alloc(0)

type Phase = 'head' | 'exchange' | 'linger' | 'over'

export class ClientSession implements ConnectionUser, Deadline, BodyHost {
  readonly connection: Connection
  readonly context: SessionContext
  readonly client: ClientInfo
  readonly decoder: BodyDecoder
  dueMs = NEVER
  /** Lines about this client for the host seen last: the same for nearly every request of a connection. */
  forwardedHost: string | null = null
  forwardedLines = ''
  #phase: Phase = 'head'
  #exchange: ClientExchange | null = null
  #queue = new ByteQueue()
  #looping = false
  #headBegun = false
  #clientEnded = false
  #lingerBytes = 0
  #held = false
  /** Bytes the client had not taken when its deadline was set. */
  #unsent = 0

  constructor(connection: Connection, client: ClientInfo, context: SessionContext) {
    this.connection = connection
    this.context = context
    this.client = client
    this.decoder = new BodyDecoder(context.options.limits)
    connection.user = this
    context.deadlines.add(this)
    this.#wait(context.options.timeouts.headTimeoutMs)
  }

  /** True between exchanges, with nothing begun. */
  get idle(): boolean {
    return this.#phase === 'head' && !this.#headBegun
  }

  /** Nothing is lost when it is cut: our last word is said, and has left. */
  get closing(): boolean {
    return this.#phase === 'over' || (this.#phase === 'linger' && this.connection.unsent === 0)
  }

  // Bytes in.

  bytes(chunk: Buffer): void {
    if (this.#phase === 'linger') this.#discard(chunk)
    if (!this.#takesMore()) return
    if (this.#queue.length === 0) {
      const used = this.#consume(chunk)
      if (used < chunk.length && this.#takesMore()) this.#queue.append(chunk.subarray(used))
    } else {
      this.#queue.append(chunk)
      // A head is parsed again only when a line has ended: a byte at a time must not cost the square of its size.
      const limit = this.context.options.limits.headBytesMax
      const partOfLine = this.#exchange === null && chunk.indexOf(LF) < 0 && this.#queue.length <= limit
      if (!partOfLine) this.#consumeQueue()
    }
    this.#boundQueue()
  }

  /** Whoever took the body, or the end of an exchange, asks for what is waiting. */
  pump(): void {
    if (this.#looping || this.#phase === 'linger' || this.#phase === 'over') return
    if (this.#queue.length > 0) this.#consumeQueue()
    if (this.#clientEnded) this.#settleEnd()
    this.#boundQueue()
  }

  #consumeQueue(): void {
    const used = this.#consume(this.#queue.view())
    if (this.#takesMore()) this.#queue.consume(used)
    else this.#queue.clear()
  }

  /** The client has sent its last byte, and what is left of it has been looked at: what does that mean? */
  #settleEnd(): void {
    // In a head nothing is asked, or only the beginning of something: nobody waits for an answer.
    if (this.#phase !== 'head') this.#exchange?.clientEnded(this.#queue.length > 0)
    else if (!this.connection.congested) this.close()
  }

  #takesMore(): boolean {
    return this.#phase === 'head' || this.#phase === 'exchange'
  }

  /** The loop. Returns how many bytes are used up. */
  #consume(bytes: Buffer): number {
    this.#looping = true
    let at = 0
    try {
      while (at < bytes.length) {
        const exchange = this.#exchange
        if (this.#phase === 'head' && exchange === null) {
          // Who does not read the answers gets no more of them.
          if (this.connection.congested) break
          const head = parseRequestHead(bytes, at, bytes.length, this.context.options.limits)
          if (head === null) break
          at += head.bytes
          this.#begin(head)
        } else if (exchange?.requestBody?.flowing === true) {
          at = exchange.requestBody.feed(bytes, at)
          if (exchange.bodyOpen && this.dueMs !== NEVER) this.waitForClient(true)
        } else break
      }
      if (this.#phase === 'head') this.#armHead(at < bytes.length)
    } catch (error) {
      if (!(error instanceof ProxyError)) throw error
      this.#refuse(error, bytes.subarray(at))
      at = bytes.length
    }
    this.#looping = false
    return at
  }

  #begin(head: ParsedRequest): void {
    this.#phase = 'exchange'
    this.#headBegun = false
    this.dueMs = NEVER
    const exchange = new ClientExchange(this, head)
    this.#exchange = exchange
    exchange.begin()
  }

  /** The bytes cannot be read as a request, or not as the rest of one: answer, then close. */
  #refuse(error: ProxyError, bytes: Buffer): void {
    const exchange = this.#exchange
    if (exchange !== null) {
      exchange.bodyBroken(error)
      return
    }
    const refusal = ClientExchange.refusal(this, headText(bytes))
    this.#phase = 'exchange'
    this.#exchange = refusal
    refusal.fail(error)
  }

  /** While an exchange does not want what comes, it waits here, up to a limit; then we stop reading. */
  #boundQueue(): void {
    const busy = this.#exchange !== null || this.connection.congested
    const waiting = busy && this.#queue.length > this.context.options.readAheadBytesMax
    if (waiting === this.#held) return
    this.#held = waiting
    if (waiting) this.connection.pause()
    else if (this.#exchange?.requestBody?.paused !== true) this.connection.resume()
  }

  // BodyHost.

  /** The taker of the body has no room: what it does not take in time is its own deadline, not the client's. */
  pauseReading(): void {
    this.connection.pause()
    this.dueMs = NEVER
  }

  resumeReading(): void {
    // A server that lets go of a body after our last answer has no say in how long we linger.
    if (!this.#takesMore()) return
    this.waitForClient(this.#exchange?.bodyOpen === true)
    this.pump()
    if (this.#exchange?.requestBody?.paused !== true && !this.#held) this.connection.resume()
  }

  bodyReleased(): void {
    this.dueMs = NEVER
  }

  bodyEnded(): void {
    this.#exchange?.requestBodyEnded()
  }

  // Exchanges.

  /** The exchange is over: its answer is written. `keepAlive`: the connection takes another one. */
  exchangeOver(keepAlive: boolean): void {
    this.#exchange = null
    this.connection.expectBody(false)
    if (!keepAlive || (this.context.draining && !this.context.idleStays)) {
      this.close()
      return
    }
    this.#phase = 'head'
    this.#headBegun = false
    const { bodyTimeoutMs, idleTimeoutMs } = this.context.options.timeouts
    this.#wait(this.connection.unsent > 0 ? bodyTimeoutMs : idleTimeoutMs)
    if (!this.#looping) this.pump()
  }

  /** The answer broke off: the client must not take what it has for the whole. */
  abort(reset: boolean): void {
    this.#exchange = null
    this.#phase = 'over'
    this.connection.destroy(reset)
  }

  /**
   * Ends the connection so that the client gets to read what we said: our side is closed, then its bytes are
   * read and thrown away for a while (RFC 9112 §9.6).
   */
  close(): void {
    if (this.#phase === 'over' || this.#phase === 'linger') return
    this.#phase = 'linger'
    this.#queue.clear()
    this.connection.end()
    this.connection.resume()
    const { bodyTimeoutMs, lingerTimeoutMs } = this.context.options.timeouts
    this.#wait(this.connection.unsent > 0 ? bodyTimeoutMs : lingerTimeoutMs)
  }

  /** Shutting down: what runs may finish, an idle connection ends now, a head that has begun gets a moment. */
  drain(): void {
    if (this.context.idleStays && this.#phase === 'head') return
    if (this.idle) this.close()
    else if (this.#phase === 'head') this.#wait(this.context.options.timeouts.lingerTimeoutMs)
  }

  /** Shutting down, and the time is nearly over. */
  closeTunnel(): void {
    this.#exchange?.closeTunnel()
  }

  /** Shutting down, and the time is over. */
  cut(): void {
    const exchange = this.#exchange
    this.#exchange = null
    exchange?.clientGone(new ProxyError('draining'))
    this.#phase = 'over'
    // Bytes without a framing must not look complete.
    this.connection.destroy(exchange?.tunnel != null)
  }

  /** This client cannot be served: it is told so, whatever it has to say. */
  turnAway(error: ProxyError): void {
    this.#refuse(error, NO_BYTES)
  }

  destroy(): void {
    this.#phase = 'over'
    this.connection.destroy()
  }

  #discard(chunk: Buffer): void {
    this.#lingerBytes += chunk.length
    if (this.#lingerBytes > LINGER_BYTES_MAX) this.destroy()
  }

  // The connection.

  ended(): void {
    this.#clientEnded = true
    if (this.#phase !== 'linger') this.#settleEnd()
  }

  drained(): void {
    if (this.#exchange !== null) this.#exchange.outputDrained()
    else this.pump()
  }

  closed(_error: NodeJS.ErrnoException | null): void {
    this.#phase = 'over'
    this.dueMs = NEVER
    this.context.deadlines.remove(this)
    const exchange = this.#exchange
    this.#exchange = null
    exchange?.clientGone(new ProxyError('client_left'))
    this.context.closed(this)
  }

  // Deadlines.

  #wait(durationMs: number): void {
    this.dueMs = this.context.deadlines.in(durationMs)
    this.#unsent = this.connection.unsent
  }

  /** Armed by the exchange: a request body that must go on, an answer that must be read. */
  waitForClient(waiting: boolean): void {
    if (waiting && this.#exchange?.tunnel == null) this.#wait(this.context.options.timeouts.bodyTimeoutMs)
    else this.dueMs = NEVER
  }

  /** The head as a whole has a limit that its single bytes do not move. */
  #armHead(begun: boolean): void {
    if (begun && !this.#headBegun) this.#wait(this.context.options.timeouts.headTimeoutMs)
    this.#headBegun = begun
  }

  /** What of a head is surely meant: a line that has not ended may go on in any way. */
  #wholeLines(): Buffer {
    const bytes = this.#queue.view()
    return bytes.subarray(0, bytes.lastIndexOf(LF) + 1)
  }

  expired(): void {
    const { unsent } = this.connection
    // A client that took a whole write since, 64 KB at most, is slow and not stalled.
    if (unsent > 0 && unsent < this.#unsent) this.#wait(this.context.options.timeouts.bodyTimeoutMs)
    else if (this.#phase === 'linger') this.abort(unsent > 0)
    else if (this.#exchange !== null) this.#exchange.clientStalled()
    else if (unsent > 0) this.abort(true)
    else if (this.#headBegun) this.#refuse(new ProxyError('client_head_timeout'), this.#wholeLines())
    else this.close()
  }
}

/** Bytes of a head that cannot be read which the log gets to see. */
const REFUSED_HEAD_BYTES_MAX = 4096

/** The bytes up to an empty line, as far as they have come and are told; without empty lines in front. */
function headText(bytes: Buffer): string {
  let start = 0
  while (bytes[start] === CR || bytes[start] === LF) start++
  const text = bytes.toString('latin1', start, start + REFUSED_HEAD_BYTES_MAX)
  const end = text.search(/\r?\n\r?\n/)
  return end === -1 ? text : text.slice(0, end)
}
