/**
 * The same key goes to the same server, whatever proxy, worker or run decides.
 * Strategy: weighted rendezvous hashing. Key and server together give each server a number between 0 and 1, and
 * with it the time at which it would come first in a race of rate `weight`; the earliest wins. A server that leaves
 * takes only its own keys along, one that comes wins a fair share of everybody's, and weights hold exactly, also
 * those that are not whole or change while it runs. Nothing is kept, so the list may be another one every time.
 * Measured against a ring and Maglev's table: bench/micro/consistent-hash.bench.ts.
 *
 * The hash has no secret. Who can choose keys can find many that meet on one server; but that is nothing new to
 * who can send one key many times, no table grows by it, and `connections` and `queue` bound what a server gets.
 */
import { hashText, mixBits } from '../../base/hash.ts'
import type { Asking, Balanced, Balancer, ChoiceKey } from './balancer.ts'
import type { RequestKey } from './request-key.ts'

export class Hash implements Balancer {
  readonly #key: RequestKey
  readonly #otherwise: Balancer

  /** `otherwise` picks for requests without the key. */
  constructor(key: RequestKey, otherwise: Balancer) {
    this.#key = key
    this.#otherwise = otherwise
  }

  pick<E extends Balanced>(endpoints: readonly E[], asking: Asking): E | null {
    const key = this.#key.of(asking)
    return key === '' ? this.#otherwise.pick(endpoints, asking) : pickByKey(endpoints, key)
  }

  keyOf(endpoints: readonly Balanced[], asking: Asking): ChoiceKey {
    const key = this.#key.of(asking)
    return { words: this.#key.words(asking), server: key === '' ? null : pickByKey(endpoints, key) }
  }
}

const UNIT = 2 ** -32

/** Where a server stands among all: `seedLow` and `seedHigh`. Signed, because V8 keeps such numbers without a box. */
export function seedsOf(identity: string): readonly [low: number, high: number] {
  // Characters beyond latin1 (in the path of a unix socket) count too: as bytes.
  const bytes = Buffer.from(identity).toString('latin1')
  return [hashText(bytes, 0) | 0, hashText(bytes, 1) | 0]
}

/** The server of this key among those offered, or null when there is none. Their order does not matter. */
export function pickByKey<E extends Balanced>(endpoints: readonly E[], key: string): E | null {
  const hash = hashText(key)
  let best: E | null = null
  let earliest = Number.POSITIVE_INFINITY
  for (let i = 0; i < endpoints.length; i++) {
    const endpoint = endpoints[i]
    const bits = mixBits((hash ^ endpoint.seedLow) + endpoint.seedHigh)
    // Above 0 and below 1.
    const mark = (bits + 0.5) * UNIT
    // −ln(x) is never less than 1 − x: most that lose are known to lose without a logarithm.
    if (1 - mark >= earliest * endpoint.weight) continue
    const time = -Math.log(mark) / endpoint.weight
    if (time > earliest) continue
    // Equal once in billions; even then the order of the list must not decide.
    if (time === earliest && best !== null && best.identity < endpoint.identity) continue
    earliest = time
    best = endpoint
  }
  return best
}
