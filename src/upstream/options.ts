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

/** What can go wrong with an attempt that another may do better; a number is the status of an answer. */
export type Condition = 'connect' | 'reset' | 'timeout' | number

/** How long to wait for a server. */
export interface ServerTimeouts {
  readonly connectTimeoutMs: number
  /** From the end of the request (or the last sign of life) to the head of the answer. */
  readonly headTimeoutMs: number
  /** Longest silence inside a body, either way. */
  readonly bodyTimeoutMs: number
}

export interface RetryOptions {
  /** How often a request may be sent, the first time included. */
  readonly attempts: number
  /** When every server has been asked, one may be asked again. */
  readonly again: boolean
  readonly on: ReadonlySet<Condition>
  /** What may be sent again although a server has had it. */
  readonly methods: 'idempotent' | 'all'
  /** From asking for a connection to the head of the answer, or null. */
  readonly tryTimeoutMs: number | null
}

/** What is concluded from how requests go (passive health). */
export interface HealthOptions {
  /** In a row; 0: nothing is concluded. */
  readonly failures: number
  readonly on: ReadonlySet<Condition>
  readonly outForMs: number
  readonly outForMaxMs: number
}

/** Requests of our own that ask a server how it is (active health). */
export interface CheckOptions {
  /** Path and query, or null: only a connection is opened. */
  readonly path: string | null
  readonly method: string
  /** Host field, or null for the server's own. */
  readonly host: string | null
  readonly headers: Readonly<Record<string, string>>
  /** Statuses that are fine: 200, or 2 for all of 2xx. */
  readonly statuses: readonly number[]
  /** Text that the body must hold, or ''. */
  readonly body: string
  readonly intervalMs: number
  readonly timeoutMs: number
  /** Checks in a row that bring a server back, and that put it out. */
  readonly rise: number
  readonly fall: number
}

export interface GroupOptions extends ServerTimeouts {
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
  /** Longest time in which neither side sends a byte after an upgrade. */
  readonly tunnelTimeoutMs: number
  /** How long to go on trying while no server of the group accepts a connection. 0: one round. */
  readonly retryForMs: number
  /** How long an answer of the resolver is used before the name is looked up again. */
  readonly resolveTtlMs: number
  readonly retry: RetryOptions
  /** Requests in a hundred that may be sent again. */
  readonly retryBudget: number
  readonly health: HealthOptions
  readonly check: CheckOptions | null
  /** How long a server that returns takes to get its whole share. */
  readonly slowStartMs: number
}

export const RETRY_DEFAULTS: RetryOptions = {
  attempts: 3,
  again: false,
  on: new Set<Condition>(['connect', 'reset']),
  methods: 'idempotent',
  tryTimeoutMs: null,
}

export const HEALTH_DEFAULTS: HealthOptions = {
  failures: 3,
  on: new Set<Condition>(['connect', 'reset', 'timeout']),
  outForMs: 10_000,
  outForMaxMs: 300_000,
}

export const CHECK_DEFAULTS: CheckOptions = {
  path: null,
  method: 'GET',
  host: null,
  headers: {},
  statuses: [2],
  body: '',
  intervalMs: 5_000,
  timeoutMs: 2_000,
  rise: 2,
  fall: 3,
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
  retry: RETRY_DEFAULTS,
  retryBudget: 20,
  health: HEALTH_DEFAULTS,
  check: null,
  slowStartMs: 0,
}
