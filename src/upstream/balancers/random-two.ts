/**
 * Two servers at random, each as likely as its weight; the less busy of them is taken.
 * Strategy: several proxies (or workers) that each know only their own exchanges would all run to the same least
 * busy server; chance spreads them, and the second draw keeps them off the busy ones all the same (Mitzenmacher,
 * "The Power of Two Choices in Randomized Load Balancing", 2001).
 */
import type { Balanced, Balancer, Random } from './balancer.ts'

export class RandomTwo implements Balancer {
  readonly #random: Random

  constructor(random: Random) {
    this.#random = random
  }

  pick<E extends Balanced>(endpoints: readonly E[]): E | null {
    if (endpoints.length < 2) return endpoints.length === 0 ? null : endpoints[0]
    let total = 0
    for (let i = 0; i < endpoints.length; i++) total += endpoints[i].weight
    const one = draw(endpoints, this.#random() * total, null)
    const other = draw(endpoints, this.#random() * (total - one.weight), one)
    // Equals: the first draw, so that servers with nothing to do get their shares.
    return other.busy * one.weight < one.busy * other.weight ? other : one
  }

  keyOf(): null {
    return null
  }
}

/** The server on which `mark` falls when their weights are laid end to end, `except` left out. */
function draw<E extends Balanced>(endpoints: readonly E[], mark: number, except: E | null): E {
  let left = mark
  let last = endpoints[0]
  for (let i = 0; i < endpoints.length; i++) {
    const endpoint = endpoints[i]
    if (endpoint === except) continue
    last = endpoint
    left -= endpoint.weight
    if (left < 0) break
  }
  return last
}
