/**
 * What a balancer is: it says which server of a group gets the next request.
 * Strategy: a balancer sees the servers it may choose from and what it may know of the request, and names one of
 * them; what it must remember of a server stands on the server itself, so that servers may come and go.
 */
import type { Exchange } from '../../exchange/exchange.ts'

/** What a balancer may know of a server. */
export interface Balanced {
  /** The one spelling of its address: no two servers of a group share it. */
  readonly identity: string
  /** Two hashes of the identity, 32 bits each: where the server stands when keys are spread. */
  readonly seedLow: number
  readonly seedHigh: number
  /** Share of the traffic beside the others: above 0, not always whole (a server that starts slowly). */
  readonly weight: number
  /** Exchanges that run on this server now. */
  readonly busy: number
  /** The balancer's own note. */
  credit: number
}

/** What a balancer may know of a request. */
export type Asking = Pick<Exchange, 'clientAddress' | 'originTarget' | 'request'>

export interface Balancer {
  /** One of `endpoints`, or null when there is none. */
  pick<E extends Balanced>(endpoints: readonly E[], asking: Asking): E | null
  /** What of this request the choice hangs on, when nobody of `endpoints` is out; null when it hangs on nothing of it. */
  keyOf(endpoints: readonly Balanced[], asking: Asking): ChoiceKey | null
}

export interface ChoiceKey {
  /** `client 192.0.2.7`, `no cookie session`. Values of fields and cookies are shortened: they may be secrets. */
  readonly words: string
  /** The server that the key stands for; null when the request has no key. */
  readonly server: Balanced | null
}

/** Numbers from 0 up to 1, as Math.random gives them. */
export type Random = () => number
