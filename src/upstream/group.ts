/**
 * The servers behind one name of the configuration, and the balancer that chooses among them.
 * Strategy: the servers to choose from are worked out when something changes and stand ready for requests; only
 * what is tried again looks for others.
 */
import type { Exchange } from '../exchange/exchange.ts'
import { type Deadlines, deadlines } from '../net/deadlines.ts'
import { dial } from '../net/dial.ts'
import type { Asking, Balancer, Random } from './balancers/balancer.ts'
import { makeBalancer } from './balancers/make-balancer.ts'
import { Sticky } from './balancers/sticky.ts'
import { StickyReply } from './balancers/sticky-reply.ts'
import type { ConnectServices } from './connect.ts'
import { Endpoint, identityOf } from './endpoint.ts'
import { GroupHealth } from './group-health.ts'
import type { GroupOptions } from './options.ts'
import { RetryBudget } from './retry-budget.ts'

export interface GroupServices extends ConnectServices {
  readonly random: Random
}

/** Why a request goes where it goes. */
export interface Choice {
  /** What of the request decides (`client 192.0.2.7`), or null when nothing of it does. */
  readonly key: string | null
  /** The server the key stands for when all are in service, or null without a key. */
  readonly named: Endpoint | null
  /** The server that is picked now; null when the group has none. */
  readonly picked: Endpoint | null
  /** Why `picked` is not `named`, or ''. */
  readonly why: string
}

export class Group {
  readonly options: GroupOptions
  readonly endpoints: readonly Endpoint[]
  readonly deadlines: Deadlines
  readonly retryBudget: RetryBudget
  #balancer: Balancer
  /** The balancer again when it has a cookie to give. */
  #sticky: Sticky | null
  /** Replies that still have to learn which server was picked. */
  #replies = new WeakMap<Exchange, StickyReply>()
  /** Whom requests are spread over now. */
  #ready: readonly Endpoint[]
  #health: GroupHealth | null

  /** `services` are the real ones unless a test hands in others. */
  constructor(options: GroupOptions, services: Partial<GroupServices> = {}) {
    const { random, ...connect }: GroupServices = { dial, deadlines, random: Math.random, ...services }
    this.options = options
    const names = identities(options)
    this.endpoints = options.servers.map((address, i) => new Endpoint(address, options, connect, names[i]))
    this.#balancer = makeBalancer(options.balance, options.name, this.endpoints, random)
    this.#sticky = this.#balancer instanceof Sticky ? this.#balancer : null
    this.#ready = offered(this.endpoints, null)
    this.deadlines = connect.deadlines
    this.retryBudget = new RetryBudget(options.retryBudget, connect.deadlines.clock)
    this.#health = GroupHealth.of(this, connect)
  }

  /** To be called before the first `pick` of an exchange: what the balancer has to say to the client goes with the answer. */
  begin(exchange: Exchange): void {
    if (this.#sticky === null || this.#hasCookie(this.#sticky, exchange)) return
    const reply = new StickyReply(exchange.reply)
    exchange.reply = reply
    this.#replies.set(exchange, reply)
  }

  /** Begins what runs without requests: checks of the servers. `warn` gets a line when a server goes out or returns. */
  start(warn: (line: string) => void): void {
    this.#health?.start(warn)
  }

  /** Who serves this exchange: a server that is not in `tried`, or null when all are. */
  pick(exchange: Exchange, tried: readonly Endpoint[] | null): Endpoint | null {
    const endpoints = tried === null ? this.#ready : offered(this.endpoints, tried)
    const endpoint = this.#balancer.pick(endpoints, exchange)
    if (this.#sticky !== null && endpoint !== null) {
      const reply = this.#replies.get(exchange)
      if (reply !== undefined) reply.setCookie = this.#sticky.setCookieFor(endpoint)
    }
    return endpoint
  }

  /** To be called when a server went out of service, came back, or has another weight. */
  changed(): void {
    this.#ready = offered(this.endpoints, null)
  }

  /** What `pick` would say now, and why. Changes nothing: the turn of a server is not used up. */
  explain(asking: Asking): Choice {
    const credits = this.endpoints.map(endpoint => endpoint.credit)
    const picked = this.#balancer.pick(this.#ready, asking)
    this.endpoints.forEach((endpoint, i) => {
      endpoint.credit = credits[i]
    })
    const first = inPriority(this.endpoints, firstPriority(this.endpoints))
    const key = this.#balancer.keyOf(first, asking)
    const named = this.endpoints.find(endpoint => endpoint === key?.server) ?? null
    const why = named === null || named === picked ? '' : this.#whyNot(named)
    return { key: key?.words ?? null, named, picked, why }
  }

  /** Idle connections go now, busy ones after their answer. */
  close(): void {
    this.#health?.close()
    for (const endpoint of this.endpoints) endpoint.close()
  }

  #whyNot(named: Endpoint): string {
    if (named.out) return `${named.address.label} is out`
    return `${named.address.label} is a backup (priority ${named.address.priority}), and servers before it are in service`
  }

  /**
   * A cookie that names a server which is out is kept: the server may return. One that names a backup ends with the
   * backup's time, or its client would never be a regular of any server that serves.
   */
  #hasCookie(sticky: Sticky, exchange: Exchange): boolean {
    const named = sticky.serverOf(exchange)
    const endpoint = named === null ? undefined : this.endpoints.find(each => each === named)
    return endpoint !== undefined && endpoint.address.priority <= firstPriority(this.#ready)
  }
}

/**
 * The servers to choose from: of those in service and not tried the ones that come first; when none is in service,
 * all that were not tried, for nothing is lost by asking.
 */
function offered(endpoints: readonly Endpoint[], tried: readonly Endpoint[] | null): readonly Endpoint[] {
  const untried = tried === null ? endpoints : endpoints.filter(endpoint => !tried.includes(endpoint))
  const serving = untried.filter(endpoint => !endpoint.out)
  return serving.length === 0 ? untried : inPriority(serving, firstPriority(serving))
}

const firstPriority = (endpoints: readonly Endpoint[]): number =>
  endpoints.reduce((first, { address }) => Math.min(first, address.priority), Number.POSITIVE_INFINITY)

const inPriority = (endpoints: readonly Endpoint[], priority: number): readonly Endpoint[] =>
  endpoints.filter(({ address }) => address.priority === priority)

/** A server that is listed twice stands for two, or its second entry would never get a key. */
function identities({ servers }: GroupOptions): string[] {
  const seen = new Map<string, number>()
  return servers.map(address => {
    const identity = identityOf(address)
    const count = (seen.get(identity) ?? 0) + 1
    seen.set(identity, count)
    return count === 1 ? identity : `${identity} ${count}`
  })
}
