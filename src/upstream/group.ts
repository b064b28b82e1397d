/**
 * The servers behind one name of the configuration, and the balancer that chooses among them.
 */
import type { Exchange } from '../exchange/exchange.ts'
import { deadlines } from '../net/deadlines.ts'
import { dial } from '../net/dial.ts'
import { type Balancer, makeBalancer } from './balancers.ts'
import type { ConnectServices } from './connect.ts'
import { Endpoint } from './endpoint.ts'
import type { GroupOptions } from './options.ts'

export class Group {
  readonly options: GroupOptions
  readonly endpoints: readonly Endpoint[]
  #balancer: Balancer

  /** `services` are the real ones unless a test hands in others. */
  constructor(options: GroupOptions, services: Partial<ConnectServices> = {}) {
    const all = { dial, deadlines, ...services }
    this.options = options
    this.endpoints = options.servers.map(address => new Endpoint(address, options, all))
    this.#balancer = makeBalancer(options.balance)
  }

  /** Who serves this exchange: a server that is not in `tried`, or null when all are. */
  pick(_exchange: Exchange, tried: readonly Endpoint[] | null): Endpoint | null {
    if (tried === null) return this.#balancer.pick(this.endpoints)
    return this.#balancer.pick(this.endpoints.filter(endpoint => !tried.includes(endpoint)))
  }

  /** Idle connections go now, busy ones after their answer. */
  close(): void {
    for (const endpoint of this.endpoints) endpoint.close()
  }
}
