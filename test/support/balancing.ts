/**
 * Servers, requests and chance for tests of balancers, without sockets.
 */
import { mixBits } from '../../src/base/hash.ts'
import { HeaderList } from '../../src/http/header-list.ts'
import type { Asking, Balanced, Random } from '../../src/upstream/balancers/balancer.ts'
import { seedsOf } from '../../src/upstream/balancers/hash.ts'

export interface TestServer extends Balanced {
  weight: number
  busy: number
}

export function server(identity: string, weight = 1): TestServer {
  const [seedLow, seedHigh] = seedsOf(identity)
  return { identity, seedLow, seedHigh, weight, busy: 0, credit: 0 }
}

/** Servers 10.0.0.1:80, 10.0.0.2:80 … */
export const servers = (...weights: readonly number[]): TestServer[] =>
  weights.map((weight, i) => server(`10.0.0.${i + 1}:80`, weight))

/** The same chance for every run. */
export function seededRandom(seed: number): Random {
  let state = seed
  return () => {
    state = (state + 0x9e3779b9) | 0
    return mixBits(mixBits(state)) / 2 ** 32
  }
}

export function asking(
  changes: Partial<Omit<Asking, 'request'>> = {},
  fields: Record<string, string> = {},
): Asking {
  const headers = HeaderList.from(Object.entries(fields))
  const request = { method: 'GET', target: '/', version: 11 as const, headers }
  return { clientAddress: '192.0.2.7', originTarget: '/', request, ...changes }
}

/** A request that differs from those of other numbers in all that a balancer may look at. */
export const askingOf = (number: number): Asking =>
  asking(
    { clientAddress: `10.1.${number >> 8}.${number & 255}`, originTarget: `/items/${number}?page=1` },
    { 'X-User': `user-${number}`, Cookie: `theme=dark; session=${number * 7919}` },
  )
