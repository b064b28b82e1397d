/**
 * How long a response is fresh and how old it is when it comes (RFC 9111 §4.2).
 * Strategy: seconds, never negative and never above SECONDS_MAX, with the words that say where they come from. What is
 * there but cannot be read counts as over: only silence leaves room for heuristics.
 */
import { DATE, idOf, PRAGMA } from '../http/field-names.ts'
import { type HeaderList, trimBlanks } from '../http/header-list.ts'
import { parseHttpDate } from '../http/http-date.ts'
import { allows, deltaSeconds, parseCacheControl, SECONDS_MAX, secondsOf } from './cache-control.ts'
import type { CacheOptions } from './options.ts'
import type { LifetimeSource } from './policy.ts'
import type { Control } from './targeted.ts'

/** RFC 9110 §15.1; 451 by RFC 7725 §3. */
const HEURISTIC: ReadonlySet<number> = new Set([
  200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 451, 501,
])

/**
 * What lies between Date and the arrival without having aged: Date has no parts of a second, and servers renew the
 * text once a second. Without it, `max-age=1` would be over on arrival whenever a second ends on the way.
 */
const DATE_SLACK_S = 2

const DATE_ID = idOf('date')
const PRAGMA_ID = idOf('pragma')

export interface Lifetime {
  readonly seconds: number
  readonly from: LifetimeSource
  /** For people: `max-age=60`. */
  readonly words: string
}

export const isHeuristicallyCacheable = (status: number): boolean => HEURISTIC.has(status)

/** freshness_lifetime (RFC 9111 §4.2.1): the first that is there. */
export function lifetimeOf(
  headers: HeaderList,
  status: number,
  control: Control,
  respondedMs: number,
  options: CacheOptions,
): Lifetime {
  const rule = ruledSeconds(headers, status, options)
  if (rule !== null) return { seconds: rule, from: 'rule', words: `a rule of the config says ${rule} s` }
  const { directives, targeted } = control
  for (const name of ['s-maxage', 'max-age'] as const) {
    const seconds = secondsOf(directives, name)
    if (seconds === null) continue
    const words = targeted === '' ? `${name}=${seconds}` : `${targeted} ${name}=${seconds}`
    return { seconds, from: targeted === '' ? name : 'targeted', words }
  }
  const dateMs = dateOf(headers, respondedMs) ?? wholeSecond(respondedMs)
  // RFC 9213 §2.2: a targeted field that counts makes Expires be ignored.
  const expires = targeted === '' ? headers.getAll('expires') : []
  if (expires.length > 0) {
    const seconds = expiresSeconds(expires, dateMs, respondedMs)
    return { seconds, from: 'expires', words: `Expires ${seconds} s after Date` }
  }
  return unsaidLifetime(headers, status, control, dateMs, options)
}

/** What is assumed when a response does not say itself: heuristics, default, nothing (RFC 9111 §4.2.2). */
function unsaidLifetime(
  headers: HeaderList,
  status: number,
  { directives }: Control,
  dateMs: number,
  options: CacheOptions,
): Lifetime {
  const none: Lifetime = { seconds: 0, from: 'none', words: 'no lifetime said' }
  if (!HEURISTIC.has(status) && !allows(directives, 'public')) return none
  // They ask for validation: guessing would be to do without. Pragma says nothing for sure in responses (§5.4), but
  // who writes it means it.
  if (directives.has('no-cache') && !options.ignore.has('no-cache')) return none
  if ((headers.mask & PRAGMA) !== 0 && parseCacheControl(headers.known(PRAGMA_ID)).has('no-cache'))
    return none
  const modified = headers.get('last-modified')
  const modifiedMs = modified === null ? null : parseHttpDate(modified, dateMs)
  if (modifiedMs !== null && options.heuristicFraction > 0) {
    const sinceS = bounded((dateMs - modifiedMs) / 1000)
    const fraction = bounded(options.heuristicFraction * sinceS)
    const seconds = Math.floor(Math.min(fraction, bounded(options.heuristicMaxS)))
    return { seconds, from: 'heuristic', words: `${seconds} s for ${sinceS} s since Last-Modified` }
  }
  if (options.defaultTtlS === null) return none
  const seconds = bounded(options.defaultTtlS)
  return { seconds, from: 'default', words: `defaultTtl ${seconds} s` }
}

/** The first rule of the config that fits, or null. */
function ruledSeconds(headers: HeaderList, status: number, options: CacheOptions): number | null {
  if (options.rules.length === 0) return null
  const type = trimBlanks((headers.get('content-type') ?? '').split(';', 1)[0]).toLowerCase()
  for (const rule of options.rules) {
    if (rule.statuses !== null && !rule.statuses.has(status)) continue
    if (rule.type === null || rule.type(type)) return bounded(rule.ttlS)
  }
  return null
}

/**
 * RFC 9111 §5.3: what is no date is in the past. §4.2.1: of several the first; and over when a later one is none or
 * earlier.
 */
function expiresSeconds(texts: readonly string[], dateMs: number, respondedMs: number): number {
  const times = texts.map(text => parseHttpDate(text, respondedMs))
  const first = times[0]
  if (first === null || times.some(time => time === null || time < first)) return 0
  return bounded((first - dateMs) / 1000)
}

/** The time in Date, or null when there is none that can be read (then it is the time of arrival, RFC 9110 §6.6.1). */
export function dateOf(headers: HeaderList, respondedMs: number): number | null {
  const date = (headers.mask & DATE) === 0 ? null : headers.firstKnown(DATE_ID)
  return date === null ? null : parseHttpDate(date, respondedMs)
}

/** When a stored response was made, for telling which is the most recent (RFC 9111 §4). */
export const madeAtMs = ({ headers, respondedMs }: { headers: HeaderList; respondedMs: number }): number =>
  dateOf(headers, respondedMs) ?? respondedMs

export interface InitialAge {
  readonly seconds: number
  /** For people: `age 3 (Age)`. */
  readonly words: string
}

/** corrected_initial_age (RFC 9111 §4.2.3), the careful way: a cache on the way may have left Age out. */
export function initialAge(headers: HeaderList, requestedMs: number, respondedMs: number): InitialAge {
  const dateMs = dateOf(headers, respondedMs)
  const apparent = dateMs === null ? 0 : bounded((wholeSecond(respondedMs) - dateMs) / 1000)
  const said = ageValue(headers)
  const corrected = bounded(said + bounded((respondedMs - requestedMs) / 1000))
  if (apparent >= DATE_SLACK_S && apparent > corrected)
    return { seconds: apparent, words: `age ${apparent} (by Date)` }
  return { seconds: corrected, words: `age ${tenths(corrected)}${said > 0 ? ' (Age)' : ''}` }
}

/** age_value. RFC 9111 §5.1: the first member of a list; what is no number is ignored. */
function ageValue(headers: HeaderList): number {
  const lines = headers.getAll('age')
  if (lines.length === 0) return 0
  const members = lines.join(',').split(',').map(trimBlanks)
  return deltaSeconds(members.find(member => member !== '') ?? null) ?? 0
}

/** From 0 to SECONDS_MAX; 0 for what is no number. */
export const bounded = (seconds: number): number => (seconds > 0 ? Math.min(seconds, SECONDS_MAX) : 0)

/** Seconds for people, with at most one decimal. */
export const tenths = (seconds: number): number => Math.round(seconds * 10) / 10

const wholeSecond = (timeMs: number): number => Math.floor(timeMs / 1000) * 1000
