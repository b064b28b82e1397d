/**
 * Smooth weighted round-robin: each server gains its weight per pick, the richest is picked and pays the sum.
 * Weights 5, 1, 1 give a a b a c a a and not a a a a a b c.
 */
import type { Balanced, Balancer } from './balancer.ts'

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

  keyOf(): null {
    return null
  }
}
