/**
 * Which server of a group gets the next request.
 * Strategy: a balancer sees the servers it may choose from and says which; what it must remember of a server
 * stands on the endpoint itself, so that servers may come and go.
 */
import type { BalancerName } from './options.ts'

/** What a balancer may know of a server. */
export interface Balanced {
  /** Share of the traffic beside the others: above 0, not always whole (a server that starts slowly). */
  readonly weight: number
  /** Exchanges that run on this server now. */
  readonly busy: number
  /** The balancer's own note. */
  credit: number
}

export interface Balancer {
  /** One of `endpoints`, or null when there is none. */
  pick<E extends Balanced>(endpoints: readonly E[]): E | null
}

/**
 * Smooth weighted round-robin: each server gains its weight per pick, the richest is picked and pays the sum.
 * Weights 5, 1, 1 give a a b a c a a and not a a a a a b c.
 */
export class RoundRobin implements Balancer {
  pick<E extends Balanced>(endpoints: readonly E[]): E | null {
    if (endpoints.length === 1) return endpoints[0]
    let best: E | null = null
    let total = 0
    for (let i = 0; i < endpoints.length; i++) {
      const endpoint = endpoints[i]
      endpoint.credit += endpoint.weight
      total += endpoint.weight
      if (best === null || endpoint.credit > best.credit) best = endpoint
    }
    if (best !== null) best.credit -= total
    return best
  }
}

/** Fewest running exchanges for its weight; equals take turns. */
export class LeastBusy implements Balancer {
  #turn = 0

  pick<E extends Balanced>(endpoints: readonly E[]): E | null {
    const count = endpoints.length
    if (count === 0) return null
    this.#turn = (this.#turn + 1) % count
    let best = endpoints[this.#turn]
    for (let i = 1; i < count; i++) {
      const endpoint = endpoints[(this.#turn + i) % count]
      // Compared as products: busy / weight without a division.
      if (endpoint.busy * best.weight < best.busy * endpoint.weight) best = endpoint
    }
    return best
  }
}

export function makeBalancer(name: BalancerName): Balancer {
  return name === 'least-busy' ? new LeastBusy() : new RoundRobin()
}
