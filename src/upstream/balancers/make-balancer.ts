/**
 * The balancer that the options of a group ask for.
 */
import type { Balance, BalancerName, HashSource, StickyOptions } from '../options.ts'
import type { Balanced, Balancer, Random } from './balancer.ts'
import { Hash } from './hash.ts'
import { LeastBusy } from './least-busy.ts'
import { RandomTwo } from './random-two.ts'
import { CLIENT_KEY, cookieKey, headerKey, type RequestKey, URI_KEY } from './request-key.ts'
import { RoundRobin } from './round-robin.ts'
import { Sticky } from './sticky.ts'

/** `endpoints`: all servers it will ever be offered. */
export function makeBalancer(
  balance: Balance,
  groupName: string,
  endpoints: readonly Balanced[],
  random: Random,
): Balancer {
  if (typeof balance === 'string') return named(balance, random)
  if ('hash' in balance) return new Hash(keyOf(balance.hash), new LeastBusy())
  return sticky(balance.sticky, groupName, endpoints, random)
}

function named(name: BalancerName, random: Random): Balancer {
  switch (name) {
    case 'round-robin':
      return new RoundRobin()
    case 'least-busy':
      return new LeastBusy()
    case 'random-two':
      return new RandomTwo(random)
    // Clients on a unix socket have no address: they go to the least busy server.
    case 'hash-client':
      return new Hash(CLIENT_KEY, new LeastBusy())
    case 'hash-uri':
      return new Hash(URI_KEY, new LeastBusy())
  }
}

function keyOf(source: HashSource): RequestKey {
  return 'header' in source ? headerKey(source.header) : cookieKey(source.cookie)
}

function sticky(
  options: StickyOptions,
  groupName: string,
  endpoints: readonly Balanced[],
  random: Random,
): Balancer {
  const { cookie, secret, maxAgeMs, otherwise, ...attributes } = options
  // The name is part of the key: the cookie of one group means nothing to another with the same servers.
  const key = `${groupName}\n${secret ?? ''}`
  const maxAgeSeconds = maxAgeMs === null ? null : Math.ceil(maxAgeMs / 1000)
  return new Sticky({ ...attributes, name: cookie, key, maxAgeSeconds }, endpoints, named(otherwise, random))
}
