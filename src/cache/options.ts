/**
 * What a cache can be told, as numbers, with defaults.
 */

/** One rule: it applies to a response when all that it names fits; the first that applies wins. */
export interface TtlRule {
  /** Statuses, or null for any. */
  readonly statuses: ReadonlySet<number> | null
  /** True for media types it is meant for (lower case, without parameters), or null for any. */
  readonly type: ((type: string) => boolean) | null
  /** In the place of what the response says; against the standard when it says something else. 0: not stored. */
  readonly ttlS: number
}

export interface KeyOptions {
  /** Which parameters of the query count. Names are compared as written. */
  readonly query:
    | 'all'
    | 'none'
    | { readonly only: ReadonlySet<string> }
    | { readonly without: ReadonlySet<string> }
  /** Parameters are put in order, so that `?a=1&b=2` and `?b=2&a=1` are one. */
  readonly sortQuery: boolean
  /** Lower-case names of fields and names of cookies whose values belong to the key. */
  readonly headers: readonly string[]
  readonly cookies: readonly string[]
}

/** What of the standard is set aside: each is a breach that the config asked for. */
export type IgnoredRule =
  /** Requests' Cache-Control and Pragma (RFC 9111 §5.2.1): clients cannot ask for fresher than there is. */
  | 'request-directives'
  /** no-store, private, no-cache of responses (§5.2.2). */
  | 'no-store'
  | 'private'
  | 'no-cache'
  /** Vary (§4.1): one variant for all. */
  | 'vary'
  /** must-revalidate, proxy-revalidate and what s-maxage says of them (§5.2.2.2). */
  | 'must-revalidate'

export interface CacheOptions {
  /** Bytes in memory, of all workers together; 0: none. */
  readonly memoryBytes: number
  readonly disk: { readonly folder: string; readonly bytes: number } | null
  /** Larger responses are passed on and not stored. */
  readonly objectBytesMax: number
  /** Bytes of responses that are on their way into the store, together; with more, others pass by. */
  readonly fillingBytesMax: number
  /** When a client leaves: what is known to have at most so many bytes left is fetched to its end all the same. */
  readonly finishBytesMax: number
  /** For responses that say nothing of their freshness and have no Last-Modified; null: not stored. */
  readonly defaultTtlS: number | null
  /** RFC 9111 §4.2.2: this part of the time since Last-Modified, and at most so long. 0: no heuristic. */
  readonly heuristicFraction: number
  readonly heuristicMaxS: number
  readonly rules: readonly TtlRule[]
  readonly key: KeyOptions
  /** For responses that do not say themselves (RFC 5861). */
  readonly staleWhileRevalidateS: number
  readonly staleIfErrorS: number
  /** How long past its freshness a response may be served while no server can be reached (RFC 9111 §4.2.4). */
  readonly staleWhenDownS: number
  readonly ignore: ReadonlySet<IgnoredRule>
  /** Of GET and HEAD. */
  readonly methods: ReadonlySet<string>
  /** Lower-case names of targeted fields (RFC 9213), the first that is there and whole decides. */
  readonly targeted: readonly string[]
  /** 'refuse': responses with Set-Cookie are not stored, unless they say `public` or are stored without it is impossible. */
  readonly setCookie: 'store' | 'refuse'
  /** How much Cache-Status says: nothing, what happened, or that with key and detail. */
  readonly status: 'off' | 'short' | 'full'
  /** Variants kept of one resource. */
  readonly variantsMax: number
  /** How long it is remembered that a resource cannot be stored: its requests do not wait for each other meanwhile. */
  readonly uncacheableMs: number
}

const MB = 1024 * 1024

export const CACHE_DEFAULTS: CacheOptions = {
  memoryBytes: 64 * MB,
  disk: null,
  objectBytesMax: 16 * MB,
  fillingBytesMax: 64 * MB,
  finishBytesMax: 1 * MB,
  defaultTtlS: null,
  heuristicFraction: 0.1,
  heuristicMaxS: 86_400,
  rules: [],
  key: { query: 'all', sortQuery: false, headers: [], cookies: [] },
  staleWhileRevalidateS: 0,
  staleIfErrorS: 0,
  staleWhenDownS: 86_400,
  ignore: new Set(),
  methods: new Set(['GET', 'HEAD']),
  targeted: ['cdn-cache-control'],
  setCookie: 'store',
  status: 'short',
  variantsMax: 64,
  uncacheableMs: 10_000,
}
