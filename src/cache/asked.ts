/**
 * One request that the cache has not answered yet: it waits for the store, or for a fetch that others may wait for too.
 */
import type { ProxyError } from '../base/errors.ts'
import type { Exchange, Serving } from '../exchange/exchange.ts'
import type { HeaderList } from '../http/header-list.ts'
import type { RequestDirectives } from './cache-control.ts'
import type { Forward } from './cache-status.ts'
import type { Entry, VaryField } from './entry.ts'

/** Where it waits; told when its client leaves. */
export interface WaitingRoom {
  left(asked: Asked, error: ProxyError): void
}

/** Where requests go that cannot be served by a fetch. */
export interface Again {
  /** By themselves: `alone`; else as if they had just come. */
  again(asked: Asked, alone: boolean): void
}

export class Asked implements Serving {
  readonly exchange: Exchange
  readonly key: string
  readonly extras: string
  /** What is fetched for the same key and extras is found under this. */
  readonly id: string
  readonly directives: RequestDirectives
  /** What is stored for it and cannot be used as it is; its body is open. */
  entry: Entry | null = null
  /** All that is stored under the key and could be meant by a 304; bodies are open. */
  candidates: readonly Entry[] = []
  /** Why it is sent on (RFC 9211 §2.2), and the code behind that. */
  fwd: Forward = 'uri-miss'
  detail = ''
  /** What the responses for its key are known to vary by, with its own values; null: not known. */
  vary: readonly VaryField[] | null = null
  /** A 304 did not speak of what is stored: it is asked for without validators. */
  unconditional = false
  #room: WaitingRoom | null = null

  constructor(exchange: Exchange, key: string, extras: string, directives: RequestDirectives) {
    this.exchange = exchange
    this.key = key
    this.extras = extras
    this.id = `${key}\n${extras}`
    this.directives = directives
  }

  get headers(): HeaderList {
    return this.exchange.request.headers
  }

  /** From now on it waits there. */
  waitIn(room: WaitingRoom): void {
    this.#room = room
    this.exchange.serving = this
  }

  /** It waits no more. */
  goesOn(): void {
    this.#room = null
    if (this.exchange.serving === this) this.exchange.serving = null
  }

  /** Gives back what is open, but for the body of `kept`, which is about to be used. */
  closeEntries(kept: Entry | null = null): void {
    const { candidates } = this
    this.candidates = []
    this.entry = null
    for (const entry of candidates) if (entry.body !== kept?.body) entry.body.close()
  }

  cancel(error: ProxyError): void {
    const room = this.#room
    this.#room = null
    this.closeEntries()
    room?.left(this, error)
  }
}
