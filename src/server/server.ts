/**
 * Listeners and the sessions they made: start, drain, end.
 */
import { ProxyError } from '../base/errors.ts'
import { type BoundAddress, nameOf, urlOf } from '../net/bound-address.ts'
import { onBug } from '../net/bugs.ts'
import type { SocketConnection } from '../net/connection.ts'
import { deadlines } from '../net/deadlines.ts'
import { Listener } from '../net/listener.ts'
import type { SharedSocket } from '../net/shared-sockets.ts'
import { ClientSession, type SessionContext } from './client-session.ts'
import { type Counters, noCounters } from './counters.ts'
import { ForwardedWriter } from './forwarded-writer.ts'
import type { ListenerOptions, ServerServices } from './options.ts'

export interface BoundListener {
  readonly kind: 'proxy'
  /** http://127.0.0.1:8080, http://[::1]:8080 or unix:/path. */
  readonly url: string
}

/** A listener whose sockets were bound elsewhere. */
export interface HandedIn {
  readonly bound: BoundAddress
  readonly sockets: readonly SharedSocket[]
}

/** Clients beyond the limit that are told so at the same time; further ones are only closed. */
const TURNED_AWAY_MAX = 256
/** Time that WebSockets get to close before a drain is over; a tenth of it when it is short. */
const CLOSE_TUNNELS_MS = 1_000
/** How often a listener at its limit says so, at most. */
const WARN_PAUSE_MS = 5_000

export class ProxyServer {
  readonly counters = noCounters()
  #listeners: readonly ServedListener[]

  /** Throws Error for a network in `trust` that cannot be read. */
  constructor(listeners: readonly ListenerOptions[], services: ServerServices) {
    this.#listeners = listeners.map(options => new ServedListener(options, services, this.counters))
    onBug(error => services.warn(`internal fault, one connection was ended: ${describe(error)}`))
  }

  /**
   * Binds every listener, or none; `handedIn`: listens on these instead, in the order of the listeners. Rejects
   * with the system's error.
   */
  async start(handedIn?: readonly HandedIn[]): Promise<readonly BoundListener[]> {
    const bound: BoundListener[] = []
    try {
      for (const [index, listener] of this.#listeners.entries())
        bound.push({ kind: 'proxy', url: await listener.start(handedIn?.[index]) })
    } catch (error) {
      this.close()
      throw error
    }
    return bound
  }

  /** Open client connections, all listeners together. */
  get connections(): number {
    return this.#listeners.reduce((sum, listener) => sum + listener.sessions.size, 0)
  }

  /**
   * Stops accepting, ends idle connections, lets running exchanges finish for `timeoutMs` and then cuts what is
   * left. WebSockets are closed in order shortly before. Resolves with the number of connections that were cut.
   * `idleStays`: others accept in our place, so a kept connection stays for one more request, whose answer tells the
   * client that it ends: to close it now might meet a request that is on its way.
   */
  async drain(timeoutMs: number, idleStays = false): Promise<number> {
    for (const listener of this.#listeners) listener.drain(idleStays)
    const endMs = deadlines.clock.preciseMs() + timeoutMs
    const closeMs = endMs - Math.min(CLOSE_TUNNELS_MS, timeoutMs / 10)
    for (;;) {
      const now = deadlines.clock.preciseMs()
      if (this.connections === 0 || now >= endMs) break
      if (now >= closeMs) for (const listener of this.#listeners) listener.closeTunnels()
      await new Promise(resolve => setTimeout(resolve, 20))
    }
    this.endIdle()
    const cut = this.#listeners.reduce((sum, listener) => sum + listener.busy, 0)
    this.counters.cutConnections += cut
    this.close()
    return cut
  }

  /** While it drains: kept connections end now, after all. */
  endIdle(): void {
    for (const listener of this.#listeners) listener.drain(false)
  }

  /** Ends everything at once. */
  close(): void {
    for (const listener of this.#listeners) listener.close()
  }
}

class ServedListener {
  readonly sessions = new Set<ClientSession>()
  #options: ListenerOptions
  #services: ServerServices
  #listener: Listener
  #context: SessionContext
  #name = ''
  #warnedMs = Number.NEGATIVE_INFINITY

  constructor(options: ListenerOptions, services: ServerServices, counters: Counters) {
    this.#options = options
    this.#services = services
    this.#listener = new Listener({
      accept: connection => this.#accept(connection),
      fault: error => this.#warn(`cannot accept connections: ${error.message}`),
    })
    this.#context = {
      options,
      services,
      deadlines,
      forwarded: new ForwardedWriter(options.forwarded, options.trust),
      counters,
      draining: false,
      idleStays: false,
      closed: session => this.sessions.delete(session),
    }
  }

  async start(handedIn?: HandedIn): Promise<string> {
    if (handedIn !== undefined) {
      this.#name = nameOf(handedIn.bound)
      await this.#listener.listenOn(handedIn.sockets)
      return urlOf(handedIn.bound)
    }
    const bound = await this.#listener.listen(this.#options.address)
    this.#name = nameOf(bound)
    return urlOf(bound)
  }

  /** Sessions that are in the middle of something. */
  get busy(): number {
    let count = 0
    for (const session of this.sessions) if (!session.closing) count++
    return count
  }

  drain(idleStays: boolean): void {
    this.#context.draining = true
    this.#context.idleStays = idleStays
    this.#listener.close()
    for (const session of this.sessions) session.drain()
  }

  closeTunnels(): void {
    for (const session of this.sessions) session.closeTunnel()
  }

  close(): void {
    this.#listener.close()
    for (const session of this.sessions) session.cut()
  }

  #accept(connection: SocketConnection): void {
    this.#context.counters.connections++
    const limit = this.#options.connectionsMax
    if (this.sessions.size >= limit + TURNED_AWAY_MAX) {
      connection.destroy()
      return
    }
    const client = {
      address: plainAddress(connection.remoteAddress),
      port: connection.remotePort,
      listener: this.#name,
    }
    const session = new ClientSession(connection, client, this.#context)
    this.sessions.add(session)
    if (this.sessions.size <= limit) return
    session.turnAway(new ProxyError('too_many_clients'))
    this.#warn(`${limit} clients are connected, the next ones are refused (connections)`)
  }

  #warn(text: string): void {
    const now = deadlines.clock.preciseMs()
    if (now - this.#warnedMs < WARN_PAUSE_MS) return
    this.#warnedMs = now
    this.#services.warn(`${this.#name}: ${text}`)
  }
}

/** On a socket for both families an IPv4 client wears an IPv6 address; it is known by its own (RFC 4291 §2.5.5.2). */
function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
