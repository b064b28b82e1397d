/**
 * Listeners and the sessions they made: start, drain, end.
 */
import { ProxyError } from '../base/errors.ts'
import { onBug } from '../net/bugs.ts'
import type { SocketConnection } from '../net/connection.ts'
import { deadlines } from '../net/deadlines.ts'
import { type BoundAddress, Listener } from '../net/listener.ts'
import { ClientSession, type SessionContext } from './client-session.ts'
import { ForwardedWriter } from './forwarded-writer.ts'
import type { ListenerOptions, ServerServices } from './options.ts'

export interface BoundListener {
  readonly kind: 'proxy'
  /** http://127.0.0.1:8080, http://[::1]:8080 or unix:/path. */
  readonly url: string
}

/** Clients beyond the limit that are told so at the same time; further ones are only closed. */
const TURNED_AWAY_MAX = 256
/** Time that WebSockets get to close before a drain is over; a tenth of it when it is short. */
const CLOSE_TUNNELS_MS = 1_000
/** How often a listener at its limit says so, at most. */
const WARN_PAUSE_MS = 5_000

export class ProxyServer {
  #listeners: readonly ServedListener[]

  /** Throws Error for a network in `trust` that cannot be read. */
  constructor(listeners: readonly ListenerOptions[], services: ServerServices) {
    this.#listeners = listeners.map(options => new ServedListener(options, services))
    onBug(error => services.warn(`internal fault, one connection was ended: ${describe(error)}`))
  }

  /** Binds every listener, or none. Rejects with the system's error. */
  async start(): Promise<readonly BoundListener[]> {
    const bound: BoundListener[] = []
    try {
      for (const listener of this.#listeners) bound.push({ kind: 'proxy', url: await listener.start() })
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
   */
  async drain(timeoutMs: number): Promise<number> {
    for (const listener of this.#listeners) listener.drain()
    const endMs = deadlines.clock.preciseMs() + timeoutMs
    const closeMs = endMs - Math.min(CLOSE_TUNNELS_MS, timeoutMs / 10)
    for (;;) {
      const now = deadlines.clock.preciseMs()
      if (this.connections === 0 || now >= endMs) break
      if (now >= closeMs) for (const listener of this.#listeners) listener.closeTunnels()
      await new Promise(resolve => setTimeout(resolve, 20))
    }
    const cut = this.connections
    this.close()
    return cut
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

  constructor(options: ListenerOptions, services: ServerServices) {
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
      draining: false,
      closed: session => this.sessions.delete(session),
    }
  }

  async start(): Promise<string> {
    const bound = await this.#listener.listen(this.#options.address)
    this.#name = nameOf(bound)
    return bound.kind === 'unix' ? this.#name : `http://${this.#name}`
  }

  drain(): void {
    this.#context.draining = true
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

function nameOf(bound: BoundAddress): string {
  if (bound.kind === 'unix') return `unix:${bound.path}`
  return bound.host.includes(':') ? `[${bound.host}]:${bound.port}` : `${bound.host}:${bound.port}`
}

/** On a socket for both families an IPv4 client wears an IPv6 address; it is known by its own (RFC 4291 §2.5.5.2). */
function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
