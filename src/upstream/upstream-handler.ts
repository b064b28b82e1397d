/**
 * Sends exchanges to the servers of a group.
 * Strategy: an attempt asks the balancer for a server, gets a connection to it and lends it the exchange. What
 * went wrong before anything reached a server is tried on the next one; a kept connection that turns out to be
 * closed is no fault of anybody, and the request goes out again on a fresh one where that is safe.
 */
import { ProxyError } from '../base/errors.ts'
import type { Exchange, Serving } from '../exchange/exchange.ts'
import type { Handler } from '../exchange/handler.ts'
import { refuseClimbing } from '../http/request-target.ts'
import { guarded } from '../net/bugs.ts'
import type { Endpoint, Lessee, PendingLease } from './endpoint.ts'
import type { Group } from './group.ts'
import { upstreamRequestHead } from './request-head.ts'
import type { Tenant, UpstreamSession } from './upstream-session.ts'

/** RFC 9110 §9.2.2: repeating these changes nothing. */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'TRACE'])

/** Bytes of a request body kept so that it can be sent again after a stale connection. */
const RESEND_BYTES_MAX = 65_536
/** Pause between two rounds while no server accepts (retryFor). */
const ROUND_PAUSE_MS = 100

export class UpstreamHandler implements Handler {
  readonly group: Group
  #hasBasePath: boolean

  constructor(group: Group) {
    this.group = group
    this.#hasBasePath = group.endpoints.some(endpoint => endpoint.address.basePath !== '')
  }

  /** Throws ProxyError bad_target for a path that climbs above the base path of the servers. */
  handle(exchange: Exchange): void {
    // Who is given one folder of a server must not climb out of it.
    if (this.#hasBasePath) refuseClimbing(exchange.originTarget)
    this.group.begin(exchange)
    new Attempt(exchange, this.group).start()
  }
}

/** The way of one exchange to a server, over as many servers and connections as it takes. */
class Attempt implements Serving, Lessee, Tenant {
  readonly exchange: Exchange
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

  constructor(exchange: Exchange, group: Group) {
    this.exchange = exchange
    this.#group = group
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
    const repeatable = IDEMPOTENT.has(this.exchange.request.method) && (framing.kind === 'none' || small)
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
      if (this.#cancelled) return
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
    exchange.notes.attempts++
    const head = upstreamRequestHead(exchange, (this.#endpoint as Endpoint).address, this.#group.options)
    const resend = this.#sent
    const keep = framing.kind !== 'none' && session.exchanges > 0 && IDEMPOTENT.has(exchange.request.method)
    this.#sent = keep ? [] : null
    this.#sentBytes = 0
    session.begin(this, head, framing, resend)
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
    const endpoint = this.#endpoint as Endpoint
    this.#noteWait(isQueueFault(error) ? 0 : Number.POSITIVE_INFINITY)
    this.#leaveEndpoint()
    if (this.#tried === null) this.#tried = []
    this.#tried.push(endpoint)
    const { clock } = endpoint.services.deadlines
    const now = clock.preciseMs()
    if (this.#startedMs === 0) this.#startedMs = now
    if (this.#tried.length < this.#group.endpoints.length) this.start()
    else if (!isQueueFault(error) && now - this.#startedMs < this.#group.options.retryForMs) this.#nextRound()
    else this.#giveUp(error)
  }

  #nextRound(): void {
    this.#tried = null
    const timer = setTimeout(() => guarded(() => this.start()), ROUND_PAUSE_MS)
    this.#pending = { cancel: () => clearTimeout(timer) }
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

  answered(): void {
    this.#session = null
    this.#leaveEndpoint()
    this.exchange.serving = null
  }

  failed(error: ProxyError, untouched: boolean): void {
    this.#session = null
    const endpoint = this.#endpoint as Endpoint
    if (untouched && this.#mayRepeat(error)) {
      this.#fresh = true
      this.exchange.body.release()
      this.#connect(endpoint)
      return
    }
    this.#leaveEndpoint()
    this.#giveUp(error)
  }

  /** RFC 9110 §9.2.2 and RFC 9112 §9.3.1: repeated automatically only what is idempotent, and only on a closed connection. */
  #mayRepeat(error: ProxyError): boolean {
    if (error.code !== 'upstream_closed' && error.code !== 'upstream_reset') return false
    if (!IDEMPOTENT.has(this.exchange.request.method)) return false
    return this.exchange.body.framing.kind === 'none' || this.#sent !== null
  }

  cancel(_error: ProxyError): void {
    this.#cancelled = true
    this.#pending?.cancel()
    this.#session?.abandon()
    this.#leaveEndpoint()
  }

  #leaveEndpoint(): void {
    if (this.#endpoint !== null) this.#endpoint.busy--
    this.#endpoint = null
  }

  #giveUp(error: ProxyError): void {
    this.exchange.serving = null
    this.exchange.reply.fail(error)
  }
}

/** Busy servers are not down: asking them again and again would only lengthen the queue. */
function isQueueFault(error: ProxyError): boolean {
  return error.code === 'queue_full' || error.code === 'queue_timeout'
}
