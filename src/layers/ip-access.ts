/**
 * The layers that let clients in or keep them out by their address.
 * Strategy: patterns become networks once; a request costs reading one address. Which pattern decided is looked
 * for only when a client is refused, and told to the log alone: the list is nobody's business outside.
 */
import { ProxyError } from '../base/errors.ts'
import { inNetworks, type Network, PRIVATE_NETWORKS, parseNetwork } from '../base/ip.ts'
import type { Exchange } from '../exchange/exchange.ts'
import type { Handler, Layer } from '../exchange/handler.ts'

/** Stands for every network that is not public. */
export const PRIVATE = 'private'

/** Only clients in one of these networks get on. Who has no address (unix socket) is in none. Throws Error for a pattern that is none. */
export function ipAllowLayer(patterns: readonly string[]): Layer {
  const networks = networksOf(patterns)
  return next => new IpAllowHandler(networks, patterns, next)
}

/** Clients in one of these networks do not get on. Throws Error for a pattern that is none. */
export function ipDenyLayer(patterns: readonly string[]): Layer {
  const networks = networksOf(patterns)
  return next => (networks.length === 0 ? next : new IpDenyHandler(networks, patterns, next))
}

/** Addresses whose answer is remembered: reading one takes half a microsecond (bench/micro/access-layers.bench.ts). */
const REMEMBERED_MAX = 1_024

/** Whether addresses are in networks, remembered for the clients of now. */
class Membership {
  readonly #networks: readonly Network[]
  readonly #known = new Map<string, boolean>()

  constructor(networks: readonly Network[]) {
    this.#networks = networks
  }

  has(address: string): boolean {
    const known = this.#known.get(address)
    if (known !== undefined) return known
    if (this.#known.size >= REMEMBERED_MAX) this.#known.clear()
    const found = inNetworks(this.#networks, address)
    this.#known.set(address, found)
    return found
  }
}

class IpAllowHandler implements Handler {
  readonly #networks: Membership
  readonly #patterns: readonly string[]
  readonly #next: Handler

  constructor(networks: readonly Network[], patterns: readonly string[], next: Handler) {
    this.#networks = new Membership(networks)
    this.#patterns = patterns
    this.#next = next
  }

  handle(exchange: Exchange): void {
    const address = exchange.clientAddress
    if (this.#networks.has(address)) this.#next.handle(exchange)
    else refuse(exchange, `${nameOf(address)} is in none of ipAllow: ${shortList(this.#patterns)}.`)
  }
}

class IpDenyHandler implements Handler {
  readonly #networks: Membership
  readonly #patterns: readonly string[]
  readonly #next: Handler

  constructor(networks: readonly Network[], patterns: readonly string[], next: Handler) {
    this.#networks = new Membership(networks)
    this.#patterns = patterns
    this.#next = next
  }

  handle(exchange: Exchange): void {
    const address = exchange.clientAddress
    if (!this.#networks.has(address)) this.#next.handle(exchange)
    else refuse(exchange, `${address} is in ${decisive(this.#patterns, address)} of ipDeny.`)
  }
}

function refuse(exchange: Exchange, logDetail: string): void {
  exchange.reply.fail(new ProxyError('client_not_allowed', '', { logDetail }))
}

/** Patterns that a log line names. */
const SHOWN_MAX = 5

const shortList = (patterns: readonly string[]): string =>
  patterns.length <= SHOWN_MAX
    ? patterns.join(', ')
    : `${patterns.slice(0, SHOWN_MAX).join(', ')} and ${patterns.length - SHOWN_MAX} more`

const nameOf = (address: string): string => (address === '' ? 'A client without an address' : address)

/** The first pattern that holds the address. */
const decisive = (patterns: readonly string[], address: string): string =>
  patterns.find(pattern => inNetworks(networksOf([pattern]), address)) ?? ''

function networksOf(patterns: readonly string[]): Network[] {
  return patterns
    .flatMap(pattern => (pattern === PRIVATE ? PRIVATE_NETWORKS : [pattern]))
    .map(text => {
      const network = parseNetwork(text)
      if (network === null)
        throw new Error(`"${text}" is neither an IP address, nor a network, nor the word ${PRIVATE}`)
      return network
    })
}
