/**
 * What a listener can be told. Plain numbers and names; config/ turns what people write into this.
 */
import type { Handler } from '../exchange/handler.ts'
import type { ExchangeRecord } from '../exchange/observer.ts'
import type { ForwardedMode } from '../http/forwarded.ts'
import type { Limits } from '../http1/limits.ts'

export type ListenAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string }

export interface ClientTimeouts {
  /** From the first byte of a head (or the connection) to its last. */
  readonly headTimeoutMs: number
  /** Longest wait for the next request on a kept connection. */
  readonly idleTimeoutMs: number
  /** Longest silence inside a request body, and longest time a client may refuse to read. */
  readonly bodyTimeoutMs: number
  /** How long a connection that we end keeps reading, so that the client gets to see our last answer. */
  readonly lingerTimeoutMs: number
}

export interface ListenerOptions {
  readonly address: ListenAddress
  /** The kind named on the «listening» line. */
  readonly kind: 'proxy'
  readonly handler: Handler
  readonly forwarded: ForwardedMode
  /** Networks (CIDR or single addresses) whose X-Forwarded-* or Forwarded fields are kept and appended to; from others they are replaced. */
  readonly trust: readonly string[]
  readonly limits: Limits
  readonly timeouts: ClientTimeouts
  /** Open client connections; beyond it new ones are answered 503 and closed. */
  readonly connectionsMax: number
  /** Bytes of pipelined requests read ahead while an answer is under way. */
  readonly readAheadBytesMax: number
  /** What a half-closed client means: gone ('cancel', as most proxies take it) or still reading ('serve'). */
  readonly halfClose: 'cancel' | 'serve'
}

export const LISTENER_DEFAULTS = {
  forwarded: 'x-forwarded',
  trust: [],
  timeouts: { headTimeoutMs: 30_000, idleTimeoutMs: 75_000, bodyTimeoutMs: 60_000, lingerTimeoutMs: 2_000 },
  connectionsMax: 50_000,
  readAheadBytesMax: 65_536,
  halfClose: 'cancel',
} as const satisfies Partial<ListenerOptions>

/** What a server needs from outside: where records and complaints go. `null`: nobody looks. */
export interface ServerServices {
  readonly record: ((record: ExchangeRecord) => void) | null
  /** A line for a person, without line end: goes to stderr. */
  readonly warn: (line: string) => void
}
