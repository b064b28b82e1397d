/**
 * One server of a group, with its connections: busy, idle, and those who wait for one.
 * Strategy: the newest idle connection goes first, so that the old ones age and close; a request waits only
 * when the limit of connections is reached.
 */
import { ProxyError } from '../base/errors.ts'
import { Resolver } from '../net/resolve.ts'
import type { Balanced } from './balancers/balancer.ts'
import { seedsOf } from './balancers/hash.ts'
import { Connecting, type ConnectServices } from './connect.ts'
import type { Health } from './health.ts'
import type { GroupOptions, ServerAddress, ServerTimeouts } from './options.ts'
import { UpstreamSession } from './upstream-session.ts'

/** Who wants a connection. Gets exactly one of the two calls for each `lease`. */
export interface Lessee {
  readonly timeouts: ServerTimeouts
  leased(session: UpstreamSession): void
  refused(error: ProxyError): void
}

/** A lease that has not been answered yet. */
export interface PendingLease {
  cancel(): void
}

export class Endpoint implements Balanced {
  readonly address: ServerAddress
  readonly options: GroupOptions
  readonly services: ConnectServices
  readonly identity: string
  readonly seedLow: number
  readonly seedHigh: number
  /** Share of the traffic now: less than the configured one while the server starts slowly. */
  weight: number
  /** Out of service: its health says so. */
  out = false
  /** Who judges it, or null when nobody does. */
  health: Health | null = null
  busy = 0
  credit = 0
  #idle: UpstreamSession[] = []
  #open = 0
  #queue: Waiting[] = []
  #resolver: Resolver
  #closed = false

  /** `identity` is what keys and cookies know the server by; no other server of the group has it. */
  constructor(
    address: ServerAddress,
    options: GroupOptions,
    services: ConnectServices,
    identity = identityOf(address),
  ) {
    this.address = address
    this.options = options
    this.services = services
    this.identity = identity
    const seeds = seedsOf(identity)
    this.seedLow = seeds[0]
    this.seedHigh = seeds[1]
    this.weight = address.weight
    this.#resolver = new Resolver(address.host, options.resolveTtlMs, services.lookup)
  }

  /** Its health in words: `in`, `out for 8.2s more: 3 failures in a row, the last connect_refused`. */
  get state(): string {
    return this.health?.state ?? 'in'
  }

  get idleConnections(): number {
    return this.#idle.length
  }

  get openConnections(): number {
    return this.#open
  }

  get queued(): number {
    return this.#queue.length
  }

  /** The newest idle connection that is still open, or null. The caller has it until `release`. */
  takeIdle(): UpstreamSession | null {
    for (;;) {
      const session = this.#idle.pop()
      if (session === undefined) return null
      if (!session.connection.closed) return session
    }
  }

  /**
   * Gets a connection that is not in use: a new one, or the next that comes free. `lessee` may be called before
   * this returns; then there is nothing to cancel and the result is null.
   */
  lease(lessee: Lessee): PendingLease | null {
    if (this.#open >= this.options.connectionsMax) {
      const oldest = this.#idle.shift()
      if (oldest === undefined) return this.#enqueue(lessee)
      oldest.abandon()
    }
    return this.#connect(lessee)
  }

  /** The session has answered and can be used again. */
  release(session: UpstreamSession): void {
    const next = this.#queue.shift()
    if (next !== undefined) next.serve(session)
    else if (this.#closed || this.#idle.length >= this.options.idleConnectionsMax) session.abandon()
    else this.#idle.push(session)
  }

  /** The connection of the session is gone, idle or not. */
  dropped(session: UpstreamSession): void {
    this.#open--
    const place = this.#idle.indexOf(session)
    if (place >= 0) this.#idle.splice(place, 1)
    this.#serveQueue()
  }

  /** Closes what is idle now and what becomes idle later. */
  close(): void {
    this.#closed = true
    for (const session of this.#idle.splice(0)) session.abandon()
  }

  #connect(lessee: Lessee): PendingLease {
    this.#open++
    const { connectTimeoutMs } = lessee.timeouts
    const startedMs = this.services.deadlines.clock.preciseMs()
    return new Connecting(
      this.address,
      this.#resolver,
      connectTimeoutMs,
      this.services,
      (error, connection) => {
        if (connection !== null) {
          const connectMs = this.services.deadlines.clock.preciseMs() - startedMs
          lessee.leased(new UpstreamSession(connection, this, connectMs))
          return
        }
        this.#open--
        if (error !== null) lessee.refused(error)
        this.#serveQueue()
      },
    )
  }

  #enqueue(lessee: Lessee): PendingLease | null {
    if (this.#queue.length >= this.options.queueMax) {
      const detail = `${this.options.queueMax} requests wait for ${this.address.label} already (queue).`
      lessee.refused(new ProxyError('queue_full', detail))
      return null
    }
    const waiting = new Waiting(lessee, this)
    this.#queue.push(waiting)
    return waiting
  }

  /** A place came free without a connection that could be passed on. */
  #serveQueue(): void {
    if (this.#open >= this.options.connectionsMax) return
    const next = this.#queue.shift()
    if (next !== undefined) next.connect(lessee => this.#connect(lessee))
  }

  forget(waiting: Waiting): void {
    const place = this.#queue.indexOf(waiting)
    if (place >= 0) this.#queue.splice(place, 1)
  }
}

/** The server itself and nothing of how it is used, so that another weight or place in the list changes nothing. */
export function identityOf({ host, port, unixPath, basePath }: ServerAddress): string {
  return unixPath === '' ? `${host.toLowerCase()}:${port}${basePath}` : `unix:${unixPath}`
}

/** A request in the queue of an endpoint. */
class Waiting implements PendingLease {
  dueMs: number
  #lessee: Lessee
  #endpoint: Endpoint
  #connecting: PendingLease | null = null

  constructor(lessee: Lessee, endpoint: Endpoint) {
    this.#lessee = lessee
    this.#endpoint = endpoint
    const { deadlines } = endpoint.services
    deadlines.add(this)
    this.dueMs = deadlines.in(endpoint.options.queueTimeoutMs)
  }

  serve(session: UpstreamSession): void {
    this.#leave()
    this.#lessee.leased(session)
  }

  connect(connect: (lessee: Lessee) => PendingLease): void {
    this.#leave()
    this.#connecting = connect(this.#lessee)
  }

  cancel(): void {
    this.#leave()
    this.#endpoint.forget(this)
    this.#connecting?.cancel()
  }

  expired(): void {
    this.#leave()
    this.#endpoint.forget(this)
    const detail = `No connection to ${this.#endpoint.address.label} came free within ${this.#endpoint.options.queueTimeoutMs} ms (queueTimeout).`
    this.#lessee.refused(new ProxyError('queue_timeout', detail))
  }

  #leave(): void {
    this.#endpoint.services.deadlines.remove(this)
  }
}
