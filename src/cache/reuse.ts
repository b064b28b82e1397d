/**
 * Whether a stored response may answer a request (RFC 9111 §4).
 * Strategy: a table; what decides is a few comparisons of numbers compiled when the response was stored.
 */
import { NO_DIRECTIVES, type RequestDirectives } from './cache-control.ts'
import type { EntryHead } from './entry.ts'
import { tenths } from './freshness.ts'
import type { CacheOptions } from './options.ts'
import { ageOf, type LifetimeSource, type Policy } from './policy.ts'

/** Keys of the table REUSE. */
export type UseCode = string

/** use: 'fresh' it answers · 'stale' it answers though stale · 'refresh' it answers, and is validated behind the client's back · 'validate' it has to be validated first. */
export type Use = 'fresh' | 'stale' | 'refresh' | 'validate'

/** The table: what it comes to, the clause, the sentence. */
export const REUSE: Readonly<
  Record<UseCode, { readonly use: Use; readonly clause: string; readonly words: string }>
> = {
  fresh: { use: 'fresh', clause: 'RFC 9111 §4.2', words: 'it is fresh' },
  'max-stale': {
    use: 'stale',
    clause: 'RFC 9111 §5.2.1.2',
    words: 'it is stale, and the request takes it with max-stale',
  },
  'stale-while-revalidate': {
    use: 'refresh',
    clause: 'RFC 5861 §3',
    words: 'it is stale, and may be used while it is validated',
  },
  'no-cache': {
    use: 'validate',
    clause: 'RFC 9111 §5.2.2.4',
    words: 'the response says no-cache: validated before each use',
  },
  'request-no-cache': {
    use: 'validate',
    clause: 'RFC 9111 §5.2.1.4',
    words: 'the request says no-cache',
  },
  'request-max-age': {
    use: 'validate',
    clause: 'RFC 9111 §5.2.1.1',
    words: 'it is older than max-age of the request, or stale',
  },
  'request-min-fresh': {
    use: 'validate',
    clause: 'RFC 9111 §5.2.1.3',
    words: 'it is not fresh for as long as min-fresh of the request asks',
  },
  'must-revalidate': {
    use: 'validate',
    clause: 'RFC 9111 §5.2.2.2',
    words: 'it is stale, and must-revalidate, proxy-revalidate or s-maxage forbids to use it so',
  },
  stale: { use: 'validate', clause: 'RFC 9111 §4.2.4', words: 'it is stale' },
}

export function decideUse(
  head: EntryHead,
  directives: RequestDirectives,
  nowMs: number,
  options: CacheOptions,
): UseCode {
  const { policy } = head
  const ageS = ageOf(policy, head.respondedMs, nowMs)
  // RFC 9111 §4.2: response_is_fresh.
  const freshS = policy.lifetimeS - ageS
  if (policy.noCache) return 'no-cache'
  if (directives !== NO_DIRECTIVES && !options.ignore.has('request-directives')) {
    if (directives.noCache) return 'request-no-cache'
    const { maxAgeS, minFreshS, maxStaleS } = directives
    // RFC 9111 §5.2.1.1: who says max-age does not want a stale one, unless with max-stale.
    if (maxAgeS !== null && (ageS > maxAgeS || (freshS <= 0 && maxStaleS === null))) return 'request-max-age'
    if (minFreshS !== null && (freshS <= 0 || freshS < minFreshS)) return 'request-min-fresh'
    if (freshS > 0) return 'fresh'
    if (policy.mustRevalidate) return 'must-revalidate'
    // It answers as well, and the next one is fresh again.
    if (-freshS < policy.staleWhileRevalidateS) return 'stale-while-revalidate'
    return maxStaleS !== null && -freshS <= maxStaleS ? 'max-stale' : 'stale'
  }
  if (freshS > 0) return 'fresh'
  if (policy.mustRevalidate) return 'must-revalidate'
  return -freshS < policy.staleWhileRevalidateS ? 'stale-while-revalidate' : 'stale'
}

/**
 * Whether what was asked for in the name of another may answer this request, which waited for it: as what is stored may
 * (RFC 9111 §4).
 */
export function mayShare(
  head: EntryHead,
  directives: RequestDirectives,
  nowMs: number,
  options: CacheOptions,
): boolean {
  return REUSE[decideUse(head, directives, nowMs, options)].use !== 'validate'
}

/**
 * Whether nobody could share it: it is validated for each, or never fresh. What takes its place will hardly be
 * different, so nobody waits for that.
 */
export const isForOne = ({ noCache, lifetimeS, staleWhileRevalidateS }: Policy): boolean =>
  noCache || (lifetimeS === 0 && staleWhileRevalidateS === 0)

/** Whether a request wants what is made after it was sent, hence not what is under way (RFC 9111 §5.2.1.1, §5.2.1.4). */
export const wantsItsOwn = ({ noCache, maxAgeS }: RequestDirectives): boolean => noCache || maxAgeS === 0

/** RFC 5861 §4: the statuses for which a stale response may stand in. */
export const TROUBLE_STATUSES: ReadonlySet<number> = new Set([500, 502, 503, 504])

/** 'down': no server could be asked (RFC 9111 §4.2.4). 'error': it answered 500, 502, 503 or 504 (RFC 5861 §4). */
export type Trouble = 'down' | 'error'

/**
 * Whether it may answer though it could not be validated. What a request says of freshness (max-age, min-fresh) is a
 * preference among answers, and here there is no other; with no-cache it asks for the truth, and gets the error.
 */
export function mayServeInTrouble(
  head: EntryHead,
  directives: RequestDirectives,
  trouble: Trouble,
  nowMs: number,
  options: CacheOptions,
): boolean {
  const { policy } = head
  const heard = options.ignore.has('request-directives') ? NO_DIRECTIVES : directives
  if (policy.noCache || heard.noCache) return false
  const staleS = ageOf(policy, head.respondedMs, nowMs) - policy.lifetimeS
  if (staleS < 0) return true
  // RFC 9111 §5.2.2.2: not even while no server can be reached.
  if (policy.mustRevalidate) return false
  if (trouble === 'down' && staleS < options.staleWhenDownS) return true
  return staleS < (heard.staleIfErrorS ?? policy.staleIfErrorS)
}

/** Codes of answers that stand in for one that a server did not give. */
const IN_TROUBLE: Readonly<Record<string, string>> = {
  'stale-when-down': 'RFC 9111 §4.2.4: no server can be reached, and a stale one may stand in',
  'stale-if-error': 'RFC 5861 §4: the server failed, and a stale one may stand in',
}

/** What a request was told of a stored response: clause, words and arithmetic. */
export function whyUsed(code: UseCode, head: EntryHead, nowMs: number): string {
  const row = REUSE[code]
  const rule = row === undefined ? IN_TROUBLE[code] : `${row.clause}: ${row.words}`
  return rule === undefined ? arithmetic(head, nowMs) : `${rule}; ${arithmetic(head, nowMs)}`
}

const SOURCE: Readonly<Record<LifetimeSource, string>> = {
  targeted: 'by a targeted field',
  's-maxage': 'by s-maxage',
  'max-age': 'by max-age',
  expires: 'by Expires',
  heuristic: 'by a heuristic',
  rule: 'by a rule of the config',
  default: 'by defaultTtl',
  none: 'as nothing is said',
}

/** The same for people: `age 72 s = 12 when it came + 60 since; lifetime 60 s by max-age; stale for 12 s`. */
export function arithmetic(head: EntryHead, nowMs: number): string {
  const { policy } = head
  const ageS = ageOf(policy, head.respondedMs, nowMs)
  const cameS = tenths(policy.initialAgeS)
  const freshS = policy.lifetimeS - ageS
  const state = freshS > 0 ? `fresh for ${tenths(freshS)} s` : `stale for ${tenths(-freshS)} s`
  const sinceS = tenths(ageS - policy.initialAgeS)
  return `age ${tenths(ageS)} s = ${cameS} when it came + ${sinceS} since; lifetime ${policy.lifetimeS} s ${SOURCE[policy.lifetimeFrom]}; ${state}`
}
