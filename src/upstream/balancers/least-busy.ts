/**
 * Fewest running exchanges for its weight; equals take turns by weight.
 * Strategy: one pass finds the least, a second is a round of smooth weighted round-robin among those that have it,
 * so that servers with nothing to do still get their shares.
 */
import type { Balanced, Balancer } from './balancer.ts'

export class LeastBusy implements Balancer {
  pick<E extends Balanced>(endpoints: readonly E[]): E | null {
    if (endpoints.length === 0) return null
    let least = endpoints[0]
    let equals = 1
    for (let i = 1; i < endpoints.length; i++) {
      const endpoint = endpoints[i]
      const more = excess(endpoint, least)
      if (more === 0) equals++
      if (more >= 0) continue
      least = endpoint
      equals = 1
    }
    return equals === 1 ? least : nextOfEquals(endpoints, least)
  }

  keyOf(): null {
    return null
  }
}

/** Above 0 when `one` has more to do for its weight than `other`. As products: a division costs more and rounds. */
function excess(one: Balanced, other: Balanced): number {
  return one.busy * other.weight - other.busy * one.weight
}

function nextOfEquals<E extends Balanced>(endpoints: readonly E[], least: E): E {
  let best = least
  let total = 0
  for (let i = 0; i < endpoints.length; i++) {
    const endpoint = endpoints[i]
    if (excess(endpoint, least) !== 0) continue
    endpoint.credit += endpoint.weight
    total += endpoint.weight
    // `least` is the first of the equals: it has gained already when the others are compared with it.
    if (endpoint.credit > best.credit) best = endpoint
  }
  best.credit -= total
  return best
}
