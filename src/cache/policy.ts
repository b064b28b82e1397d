/**
 * What a response allows a shared cache to do with it, compiled once when it is stored or updated (RFC 9111 §4.2, §5.2.2).
 */

export type LifetimeSource =
  | 'targeted'
  | 's-maxage'
  | 'max-age'
  | 'expires'
  | 'heuristic'
  | 'rule'
  | 'default'
  | 'none'

/** Plain numbers, in seconds. */
export interface Policy {
  /** freshness_lifetime (RFC 9111 §4.2.1), and where it comes from. */
  readonly lifetimeS: number
  readonly lifetimeFrom: LifetimeSource
  /** corrected_initial_age (RFC 9111 §4.2.3), at `respondedMs`. */
  readonly initialAgeS: number
  /** no-cache without field names: validated before each use (RFC 9111 §5.2.2.4). */
  readonly noCache: boolean
  /** Never used stale: must-revalidate, proxy-revalidate, s-maxage (RFC 9111 §5.2.2.2, .8, .10). */
  readonly mustRevalidate: boolean
  /** How long after its freshness (RFC 5861 §3, §4); what the response says, else the config. 0 with mustRevalidate or noCache. */
  readonly staleWhileRevalidateS: number
  readonly staleIfErrorS: number
}

/** current_age (RFC 9111 §4.2.3) in seconds, not rounded. */
export function ageOf(policy: Policy, respondedMs: number, nowMs: number): number {
  return policy.initialAgeS + Math.max(0, nowMs - respondedMs) / 1000
}
