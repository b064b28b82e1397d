/**
 * Names → addresses, remembered for a while.
 * Strategy: the system's resolver (so that /etc/hosts counts), asked once for all who wait; an answer is used
 * until it ages, and an aged one is still used while the question is asked again and whenever it fails.
 */
import dns from 'node:dns'
import net from 'node:net'
import { systemClock } from '../base/clock.ts'
import { ProxyError } from '../base/errors.ts'
import { guarded } from './bugs.ts'

export type LookupAll = (
  name: string,
  done: (error: NodeJS.ErrnoException | null, addresses: readonly string[]) => void,
) => void

const systemLookup: LookupAll = (name, done) =>
  dns.lookup(name, { all: true, order: 'ipv4first' }, (error, found) =>
    done(
      error,
      (found ?? []).map(entry => entry.address),
    ),
  )

type Waiter = (error: ProxyError | null, addresses: readonly string[]) => void

/** Addresses of one name. One per upstream server: what is remembered goes with the server. */
export class Resolver {
  #name: string
  #ttlMs: number
  #lookup: LookupAll
  #addresses: readonly string[] = []
  #agesAtMs = 0
  #asking = false
  #waiters: Waiter[] = []

  constructor(name: string, ttlMs: number, lookup: LookupAll = systemLookup) {
    this.#name = name
    this.#ttlMs = ttlMs
    this.#lookup = lookup
    if (net.isIP(name) !== 0) {
      this.#addresses = [name]
      this.#agesAtMs = Number.POSITIVE_INFINITY
    }
  }

  /** Calls back at once when an answer is known, else when it comes. Error: ProxyError name_not_resolved. */
  resolve(done: Waiter): void {
    const aged = systemClock.preciseMs() >= this.#agesAtMs
    if (this.#addresses.length > 0) {
      if (aged) this.#ask()
      done(null, this.#addresses)
      return
    }
    this.#waiters.push(done)
    this.#ask()
  }

  #ask(): void {
    if (this.#asking) return
    this.#asking = true
    this.#lookup(this.#name, (error, addresses) => {
      this.#asking = false
      const failed = error !== null || addresses.length === 0
      if (!failed) {
        this.#addresses = addresses
        this.#agesAtMs = systemClock.preciseMs() + this.#ttlMs
      }
      const waiters = this.#waiters
      this.#waiters = []
      const fault = failed
        ? new ProxyError('name_not_resolved', `"${this.#name}": ${error?.code ?? 'no address'}.`)
        : null
      for (const waiter of waiters) guarded(() => waiter(fault, this.#addresses))
    })
  }
}
