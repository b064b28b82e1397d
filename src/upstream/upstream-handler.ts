/**
 * Sends exchanges to the servers of a group.
 * Strategy: an attempt asks the balancer for a server, gets a connection to it and lends it the exchange. What
 * went wrong before anything reached a server is tried on the next one; a kept connection that turns out to be
 * closed is no fault of anybody, and the request goes out again on a fresh one where that is safe.
 */
import { type ErrorCode, ProxyError } from '../base/errors.ts'
import type { Exchange, Serving } from '../exchange/exchange.ts'
import type { Handler } from '../exchange/handler.ts'
import { refuseClimbing } from '../http/request-target.ts'
import { guarded } from '../net/bugs.ts'
import { type Deadline, NEVER } from '../net/deadlines.ts'
import type { Endpoint, Lessee, PendingLease } from './endpoint.ts'
import type { Group } from './group.ts'
import type { Condition, RetryOptions, ServerTimeouts } from './options.ts'
import { upstreamRequestHead } from './request-head.ts'
import {
  conditionOf,
  decideRetry,
  isIdempotent,
  isRepeatable,
  RESEND_BYTES_MAX,
  type RetryVerdict,
  resendsSent,
} from './retry.ts'
import type { Tenant, UpstreamSession } from './upstream-session.ts'

/** Pause between two rounds while no server accepts (retryFor). */
const ROUND_PAUSE_MS = 100
/** Failed attempts that are noted for the log; retryFor may make thousands. */
const RETRIED_NOTES_MAX = 20
/** Answers below this status are never worse than another try. */
const FAULT_STATUS_MIN = 500

/** What a route may say otherwise than its group. */
export interface AttemptRules {
  readonly timeouts: ServerTimeouts
  readonly retry: RetryOptions
  /** From the request's arrival here to the last byte of the answer, or null. */
  readonly totalTimeoutMs: number | null
}

export class UpstreamHandler implements Handler {
  readonly group: Group
  readonly rules: AttemptRules
  /** Requests that were sent may have to be sent again: what of their bodies goes out is kept. */
  readonly resends: boolean
  #hasBasePath: boolean

  /** `rules`: where this way to the group differs from the options of the group. */
  constructor(group: Group, rules: Partial<AttemptRules> = {}) {
    const { options } = group
    this.group = group
    this.rules = { timeouts: options, retry: options.retry, totalTimeoutMs: null, ...rules }
    this.resends = resendsSent(this.rules.retry, group.endpoints.length)
    this.#hasBasePath = group.endpoints.some(endpoint => endpoint.address.basePath !== '')
  }

  /** Throws ProxyError bad_target for a path that climbs above the base path of the servers. */
  handle(exchange: Exchange): void {
    // Who is given one folder of a server must not climb out of it.
    if (this.#hasBasePath) refuseClimbing(exchange.originTarget)
    this.group.begin(exchange)
    if (this.resends) this.group.retryBudget.earn()
    const attempt = new Attempt(exchange, this)
    if (this.rules.totalTimeoutMs !== null || this.rules.retry.tryTimeoutMs !== null) attempt.watchTime()
    attempt.start()
  }
}

/** The way of one exchange to a server, over as many servers and connections as it takes. */
class Attempt implements Serving, Lessee, Tenant, Deadline {
  readonly exchange: Exchange
  readonly timeouts: ServerTimeouts
  /** When its time is over: that of this try or of all. */
  dueMs = NEVER
  #handler: UpstreamHandler
  #group: Group
  #endpoint: Endpoint | null = null
  #session: UpstreamSession | null = null
  #pending: PendingLease | null = null
  #tried: Endpoint[] | null = null
  #startedMs = 0
  /** When a connection was asked for. */
  #askedMs = 0
  /** Only a new connection will do: a kept one has just failed. */
  #fresh = false
  #cancelled = false
  /** Pieces of the body sent so far, or null when they are not kept (any more). */
  #sent: Buffer[] | null = null
  #sentBytes = 0
  /** How often the request was sent; a repeat after a stale connection is not another time. */
  #sends = 0
  /** The server that is asked now has got something of the request. */
  #reached = false
  /** The head of the answer has gone on: nothing can be repeated any more. */
  #answering = false
  /** What the health of the server gave us to come back with; -1 when it needs to hear nothing. */
  #visit = -1
  /** Status of the answer that is being refused, and what comes instead. */
  #refusedStatus = 0
  #refusal: RetryVerdict | null = null
  #watched = false
  #totalDueMs = NEVER

  constructor(exchange: Exchange, handler: UpstreamHandler) {
    this.exchange = exchange
    this.timeouts = handler.rules.timeouts
    this.#handler = handler
    this.#group = handler.group
  }

  start(): void {
    this.exchange.serving = this
    const endpoint = this.#group.pick(this.exchange, this.#tried)
    if (endpoint === null) {
      this.#giveUp(new ProxyError('no_server'))
      return
    }
    this.#endpoint = endpoint
    endpoint.busy++
    this.#reached = false
    if (endpoint.health !== null) this.#visit = endpoint.health.visit()
    if (this.#watched) this.#armTry()
    this.exchange.notes.upstream = endpoint.address.label
    this.#connect(endpoint)
  }

  #connect(endpoint: Endpoint): void {
    const kept = this.#fresh ? null : endpoint.takeIdle()
    if (kept === null) {
      const { notes } = this.exchange
      if (notes.startedAtMs !== 0) this.#askedMs = endpoint.services.deadlines.clock.preciseMs()
      const pending = endpoint.lease(this)
      // Refused at once: then the next server has been asked already, and it is its lease that pends.
      if (pending !== null) this.#pending = pending
    } else this.#sendKept(kept, endpoint)
  }

  /** Over a connection that has served before, and that the server may have closed a moment ago. */
  #sendKept(session: UpstreamSession, endpoint: Endpoint): void {
    const { framing } = this.exchange.body
    const small = framing.kind === 'length' && framing.bytes <= RESEND_BYTES_MAX
    const repeatable = isIdempotent(this.exchange.request.method) && (framing.kind === 'none' || small)
    if (repeatable) this.#send(session)
    else this.#sendWhenAlive(session, endpoint)
  }

  /**
   * What cannot be repeated goes over a kept connection only after the event loop has polled the sockets
   * once more: a server that closed it has had its say by then, and nothing was sent.
   */
  #sendWhenAlive(session: UpstreamSession, endpoint: Endpoint): void {
    this.#session = session
    const settle = (): void => {
      // Its time was over, or the client left.
      if (this.#cancelled || this.#session !== session) return
      if (!session.connection.closed) this.#send(session)
      else {
        this.#session = null
        this.#connect(endpoint)
      }
    }
    // The first setImmediate runs before the next poll, the second after it.
    setImmediate(() => setImmediate(() => guarded(settle)))
  }

  #send(session: UpstreamSession): void {
    const { exchange } = this
    const { framing } = exchange.body
    this.#session = session
    this.#sends++
    this.#reached = true
    exchange.notes.attempts++
    const head = upstreamRequestHead(exchange, (this.#endpoint as Endpoint).address, this.#group.options)
    const resend = this.#sent
    const repeats = session.exchanges > 0 || this.#handler.resends
    const keep = framing.kind !== 'none' && repeats && this.#mayRepeat()
    this.#sent = keep ? [] : null
    this.#sentBytes = 0
    session.begin(this, head, framing, resend)
  }

  #mayRepeat(): boolean {
    return isRepeatable(this.exchange.request.method, this.#handler.rules.retry)
  }

  // Lessee

  leased(session: UpstreamSession): void {
    this.#pending = null
    this.#noteWait(session.exchanges === 0 ? session.connectMs : 0)
    if (session.exchanges === 0) this.#send(session)
    else this.#sendKept(session, this.#endpoint as Endpoint)
  }

  refused(error: ProxyError): void {
    this.#pending = null
    this.#noteWait(isQueueFault(error) ? 0 : Number.POSITIVE_INFINITY)
    this.#goOn(error, false)
  }

  /** What was not spent on opening a connection was spent in the queue. */
  #noteWait(connectMs: number): void {
    const { notes } = this.exchange
    if (notes.startedAtMs === 0) return
    const waitedMs = (this.#endpoint as Endpoint).services.deadlines.clock.preciseMs() - this.#askedMs
    const openingMs = Math.min(connectMs, waitedMs)
    notes.connectMs += openingMs
    notes.queueMs += waitedMs - openingMs
  }

  // Tenant

  sending(chunk: Buffer): void {
    if (this.#sent === null) return
    this.#sentBytes += chunk.length
    if (this.#sentBytes > RESEND_BYTES_MAX) this.#sent = null
    else this.#sent.push(Buffer.from(chunk))
  }

  accepts(status: number): boolean {
    if (status < FAULT_STATUS_MIN) this.#praise()
    else if (!this.#takes(status)) return false
    this.#answering = true
    // A tunnel lasts as long as it lasts.
    if (this.#watched) this.dueMs = status === 101 ? NEVER : this.#totalDueMs
    return true
  }

  /** An answer that may be worse than another try. */
  #takes(status: number): boolean {
    if (this.#group.options.health.on.has(status)) this.#blame(`status ${status}`)
    else this.#praise()
    if (!this.#handler.rules.retry.on.has(status)) return true
    const verdict = this.#verdict(status, false, false)
    if (verdict.step === 'give-up') return true
    this.#refusedStatus = status
    this.#refusal = verdict
    return false
  }

  declined(): void {
    this.#session = null
    this.#retry(this.#refusal as RetryVerdict, String(this.#refusedStatus))
  }

  answered(): void {
    this.#session = null
    this.#leaveEndpoint()
    this.#rest()
    this.#serveNoMore()
  }

  failed(error: ProxyError, untouched: boolean): void {
    this.#session = null
    // RFC 9112 §9.3.1: only a connection that was closed can be a stale one.
    const stale = untouched && (error.code === 'upstream_closed' || error.code === 'upstream_reset')
    if (this.#answering) {
      this.#leaveEndpoint()
      this.#giveUp(error)
    } else this.#goOn(error, stale)
  }

  cancel(_error: ProxyError): void {
    this.#cancelled = true
    this.#stop()
    this.#leaveEndpoint()
    this.#rest()
  }

  // What to do after a failure.

  /** This try has failed before an answer began: makes another where that is safe, else tells the client. */
  #goOn(error: ProxyError, innocent: boolean): void {
    const condition = conditionOf(error.code)
    const stale = innocent && this.#reached
    if (!innocent && condition !== null && this.#group.options.health.on.has(condition))
      this.#blame(error.code)
    const verdict = this.#verdict(condition, isQueueFault(error), stale)
    if (verdict.step !== 'give-up') this.#retry(verdict, error.code)
    else if (this.#mayWait(condition, error)) this.#nextRound(error.code)
    else {
      this.#leaveEndpoint()
      const tellWhy = this.#reached && condition !== null && this.#handler.resends
      const detail = `${error.detail} Not tried again: ${verdict.why}.`.trimStart()
      this.#giveUp(tellWhy ? new ProxyError(error.code, detail) : error)
    }
  }

  /** The table knows. */
  #verdict(condition: Condition | null, busy: boolean, stale: boolean): RetryVerdict {
    const { retry } = this.#handler.rules
    const attempt = {
      condition,
      busy,
      stale,
      sent: this.#reached,
      repeatable: this.#mayRepeat(),
      bodyKept: this.exchange.body.framing.kind === 'none' || this.#sent !== null,
      answered: this.#refusal !== null,
      attemptsLeft: retry.attempts - this.#sends,
      othersLeft: (this.#tried?.length ?? 0) + 1 < this.#group.endpoints.length,
      budgetLeft: this.#group.retryBudget.covers(),
    }
    return decideRetry(attempt, retry)
  }

  /** `fault`: code or status, for the log. */
  #retry({ step, paid }: RetryVerdict, fault: string): void {
    const endpoint = this.#endpoint as Endpoint
    this.#note(fault)
    this.exchange.body.release()
    if (step === 'fresh') {
      this.#fresh = true
      this.#sends--
      this.#connect(endpoint)
      return
    }
    if (paid) this.#group.retryBudget.take()
    this.#leaveEndpoint()
    if (step === 'again') {
      this.#fresh = true
      this.#tried = this.#group.endpoints.length > 1 ? [endpoint] : null
    } else {
      this.#fresh = false
      if (this.#tried === null) this.#tried = []
      this.#tried.push(endpoint)
    }
    this.start()
  }

  /** Nothing was sent, and no server accepts: `retryFor` says how long to go on. */
  #mayWait(condition: Condition | null, error: ProxyError): boolean {
    const { retryForMs } = this.#group.options
    if (condition !== 'connect' || this.#sends > 0 || retryForMs === 0 || isQueueFault(error)) return false
    const now = this.#group.deadlines.clock.preciseMs()
    if (this.#startedMs === 0) this.#startedMs = now
    return now - this.#startedMs < retryForMs
  }

  #nextRound(fault: ErrorCode): void {
    this.#note(fault)
    this.#leaveEndpoint()
    this.#tried = null
    // The pause belongs to no try.
    if (this.#watched) this.dueMs = this.#totalDueMs
    const timer = setTimeout(() => guarded(() => this.start()), ROUND_PAUSE_MS)
    this.#pending = { cancel: () => clearTimeout(timer) }
  }

  #note(fault: string): void {
    const { notes } = this.exchange
    if (notes.startedAtMs === 0) return
    if (notes.retried === null) notes.retried = []
    if (notes.retried.length < RETRIED_NOTES_MAX) notes.retried.push(`${notes.upstream} ${fault}`)
  }

  /** The server does what it should. */
  #praise(): void {
    if (this.#visit === -1) return
    this.#endpoint?.health?.succeeded(this.#visit)
    this.#visit = -1
  }

  /** The server is to blame for this: `fault` is a code or a status. */
  #blame(fault: string): void {
    this.#endpoint?.health?.failed(this.#visit, fault)
    this.#visit = -1
  }

  // Time. Only where a route or its group limits a try or the whole.

  watchTime(): void {
    const { deadlines } = this.#group
    const { totalTimeoutMs } = this.#handler.rules
    this.#watched = true
    if (totalTimeoutMs !== null) this.#totalDueMs = deadlines.in(totalTimeoutMs)
    this.dueMs = this.#totalDueMs
    deadlines.add(this)
  }

  #armTry(): void {
    const { tryTimeoutMs } = this.#handler.rules.retry
    if (tryTimeoutMs !== null) this.dueMs = Math.min(this.#totalDueMs, this.#group.deadlines.in(tryTimeoutMs))
  }

  expired(): void {
    const { retry, totalTimeoutMs } = this.#handler.rules
    const total = this.#group.deadlines.clock.coarseMs >= this.#totalDueMs
    if (!total && this.#waitsForClient()) {
      this.#armTry()
      return
    }
    const error = total
      ? new ProxyError('total_timeout', `The limit is ${totalTimeoutMs} ms (timeouts.total).`)
      : new ProxyError(
          'upstream_try_timeout',
          `${this.exchange.notes.upstream} sent no head within ${retry.tryTimeoutMs} ms (retry.tryTimeout).`,
        )
    // Who waits behind others does not wait for the server.
    const queued = !this.#reached && (this.#endpoint?.queued ?? 0) > 0
    this.#stop()
    if (!total) {
      this.#goOn(error, queued)
      return
    }
    // Slow is the server only when it has had the whole request.
    const { on } = this.#group.options.health
    if (this.#reached && this.exchange.body.ended && !this.#answering && on.has('timeout'))
      this.#blame(error.code)
    this.#leaveEndpoint()
    this.#giveUp(error)
  }

  /** The server would take more of the request than has come. */
  #waitsForClient(): boolean {
    return this.#reached && !this.exchange.body.ended && this.#session?.connection.congested === false
  }

  /** Lets go of connection, place in the queue or pause, whatever it waits for. */
  #stop(): void {
    this.#pending?.cancel()
    this.#pending = null
    this.#session?.abandon()
    this.#session = null
  }

  /** It is over, one way or the other: no time is watched any more. */
  #rest(): void {
    if (this.#watched) this.#group.deadlines.remove(this)
  }

  #leaveEndpoint(): void {
    const endpoint = this.#endpoint
    if (endpoint === null) return
    endpoint.busy--
    this.#endpoint = null
    if (this.#visit !== -1) endpoint.health?.left(this.#visit)
    this.#visit = -1
  }

  #giveUp(error: ProxyError): void {
    this.#rest()
    this.#serveNoMore()
    this.exchange.reply.fail(error)
  }

  /** A layer that has the answer now, to compress it or to send another, goes on without us. */
  #serveNoMore(): void {
    if (this.exchange.serving === this) this.exchange.serving = null
  }
}

/** Busy servers are not down: asking them again and again would only lengthen the queue. */
function isQueueFault(error: ProxyError): boolean {
  return error.code === 'queue_full' || error.code === 'queue_timeout'
}
