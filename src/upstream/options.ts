/**
 * What an upstream group can be told. Plain numbers and names; config/ turns what people write into this.
 */

export interface ServerAddress {
  /** Name or IP address, no brackets. '' when `unixPath` is set. */
  readonly host: string
  readonly port: number
  /** Path of a unix socket, or ''. */
  readonly unixPath: string
  /** Path put in front of every target, no slash at its end; usually ''. */
  readonly basePath: string
  /** How it is written in logs and in a rewritten Host field: `host:port` (`host` for port 80), `[::1]:9000`, `unix:/run/x`. */
  readonly label: string
  /** Share of the traffic, a whole number from 1. */
  readonly weight: number
  /** 1 serves first; those of a higher number only while all of the lower ones are out. */
  readonly priority: number
}

/** Balancers that need to be told nothing. */
export type BalancerName = 'round-robin' | 'least-busy' | 'random-two' | 'hash-client' | 'hash-uri'

/** Where the key of a request stands. */
export type HashSource = { readonly header: string } | { readonly cookie: string }

export interface StickyOptions {
  /** Name of the cookie. */
  readonly cookie: string
  /** What the values of the cookie are made with, so that nobody else can make them; null: the name of the group. */
  readonly secret: string | null
  /** How long browsers keep it, from the first answer; null: until they end their session. */
  readonly maxAgeMs: number | null
  readonly path: string
  /** null: the host of the request and no other. */
  readonly domain: string | null
  readonly sameSite: 'lax' | 'strict' | 'none'
  readonly secure: boolean
  /** Who picks for clients without the cookie. */
  readonly otherwise: BalancerName
}

export const STICKY_DEFAULTS: StickyOptions = {
  cookie: 'sluice',
  secret: null,
  maxAgeMs: null,
  path: '/',
  domain: null,
  sameSite: 'lax',
  secure: false,
  otherwise: 'least-busy',
}

export type Balance = BalancerName | { readonly hash: HashSource } | { readonly sticky: StickyOptions }

export interface GroupOptions {
  readonly name: string
  readonly servers: readonly ServerAddress[]
  readonly balance: Balance
  /** Host field sent to the server: the one the client sent, or the server's own. */
  readonly host: 'client' | 'upstream'
  /** Open connections per server, busy and idle. */
  readonly connectionsMax: number
  /** Idle connections kept per server. */
  readonly idleConnectionsMax: number
  /** Requests that wait for a connection, per server; beyond it 503 with Retry-After. */
  readonly queueMax: number
  readonly queueTimeoutMs: number
  /** How long an idle connection is kept; a shorter `Keep-Alive: timeout=` of the server wins. */
  readonly idleTimeoutMs: number
  readonly connectTimeoutMs: number
  /** From the end of the request (or the last sign of life) to the head of the answer. */
  readonly headTimeoutMs: number
  /** Longest silence inside a body, either way. */
  readonly bodyTimeoutMs: number
  /** Longest time in which neither side sends a byte after an upgrade. */
  readonly tunnelTimeoutMs: number
  /** How long to go on trying while no server of the group accepts a connection. 0: one round. */
  readonly retryForMs: number
  /** How long an answer of the resolver is used before the name is looked up again. */
  readonly resolveTtlMs: number
}

export const GROUP_DEFAULTS: Omit<GroupOptions, 'name' | 'servers'> = {
  balance: 'round-robin',
  host: 'client',
  connectionsMax: 1024,
  idleConnectionsMax: 256,
  queueMax: 1024,
  queueTimeoutMs: 10_000,
  idleTimeoutMs: 4_000,
  connectTimeoutMs: 5_000,
  headTimeoutMs: 60_000,
  bodyTimeoutMs: 60_000,
  tunnelTimeoutMs: 3_600_000,
  retryForMs: 0,
  resolveTtlMs: 10_000,
}
