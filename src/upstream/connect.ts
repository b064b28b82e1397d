/**
 * A connection to a server: look the name up, then try its addresses in turn, within one time limit.
 */
import { ProxyError } from '../base/errors.ts'
import type { Connection } from '../net/connection.ts'
import { type Deadline, type Deadlines, NEVER } from '../net/deadlines.ts'
import type { Dial, Dialling, DialTarget } from '../net/dial.ts'
import type { LookupAll, Resolver } from '../net/resolve.ts'
import type { ServerAddress } from './options.ts'

export interface ConnectServices {
  readonly dial: Dial
  readonly deadlines: Deadlines
  /** In the place of the system's resolver. */
  readonly lookup?: LookupAll
}

export class Connecting implements Deadline {
  dueMs: number
  #address: ServerAddress
  #resolver: Resolver
  #services: ConnectServices
  #timeoutMs: number
  #done: ((error: ProxyError | null, connection: Connection | null) => void) | null
  #dialling: Dialling | null = null

  /** Starts at once. `done` is called exactly once: with an error, with a connection, or after `cancel` with neither. */
  constructor(
    address: ServerAddress,
    resolver: Resolver,
    timeoutMs: number,
    services: ConnectServices,
    done: (error: ProxyError | null, connection: Connection | null) => void,
  ) {
    this.#address = address
    this.#resolver = resolver
    this.#services = services
    this.#timeoutMs = timeoutMs
    this.#done = done
    services.deadlines.add(this)
    this.dueMs = services.deadlines.in(timeoutMs)
    if (address.unixPath !== '') this.#try([{ path: address.unixPath }], 0)
    else this.#lookUp()
  }

  cancel(): void {
    this.#dialling?.cancel()
    this.#settle(null, null)
  }

  expired(): void {
    this.#dialling?.cancel()
    const detail = `${this.#address.label} did not accept within ${this.#timeoutMs} ms (connectTimeout).`
    this.#settle(new ProxyError('connect_timeout', detail), null)
  }

  #lookUp(): void {
    this.#resolver.resolve((error, addresses) => {
      if (error !== null) this.#settle(error, null)
      else
        this.#try(
          addresses.map(host => ({ host, port: this.#address.port })),
          0,
        )
    })
  }

  #try(targets: readonly DialTarget[], index: number): void {
    if (this.#done === null) return
    this.#dialling = this.#services.dial(targets[index], (error, connection) => {
      if (error === null) this.#settle(null, connection)
      else if (index + 1 < targets.length) this.#try(targets, index + 1)
      else this.#settle(error, null)
    })
  }

  #settle(error: ProxyError | null, connection: Connection | null): void {
    const done = this.#done
    this.#done = null
    this.dueMs = NEVER
    this.#services.deadlines.remove(this)
    if (done === null) connection?.destroy()
    else done(error, connection)
  }
}
