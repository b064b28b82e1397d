/**
 * The Cache-Status field (RFC 9211), and the word for the log.
 */
import { allInClass, TOKEN } from '../base/ascii.ts'
import { stringItem } from '../http/structured-fields.ts'
import type { Judgement } from './storable.ts'

export type Forward =
  | 'bypass'
  | 'method'
  | 'uri-miss'
  | 'vary-miss'
  | 'miss'
  | 'request'
  | 'stale'
  | 'partial'

/** What the cache did with one request. */
export interface CacheOutcome {
  hit: boolean
  /** Why it went on to a server (RFC 9211 §2.2), or null. */
  fwd: Forward | null
  /** Status that the server gave, when it is not the one that is sent; 0: not told. */
  fwdStatus: number
  /** Remaining freshness in seconds, negative when stale; null: not known. */
  ttlS: number | null
  stored: boolean
  collapsed: boolean
  key: string
  /** A code of the tables STORING or REUSE. */
  detail: string
  /** What was decided about the answer, for the log. */
  judged?: Judgement | null
}

/** Keys are as long as targets; a field that is to be read by people, and by clients with limits, is not. */
const KEY_CHARACTERS_MAX = 512

/** The value of the field: `sluice; hit; ttl=30`. `full`: with key and detail. */
export function cacheStatus(outcome: CacheOutcome, full: boolean): string {
  const { hit, fwd, fwdStatus, ttlS, stored, collapsed, key, detail } = outcome
  let value = 'sluice'
  // RFC 9211 §2.1: only one of hit and fwd. §2.3, §2.5, §2.6: the others mean something with fwd only.
  if (fwd === null) value += hit ? '; hit' : ''
  else {
    value += `; fwd=${fwd}`
    if (fwdStatus !== 0) value += `; fwd-status=${fwdStatus}`
  }
  // RFC 9211 §2.4: an integer; a part of a second left is none.
  if (ttlS !== null) value += `; ttl=${wholeSeconds(ttlS)}`
  if (fwd !== null && stored) value += '; stored'
  if (fwd !== null && collapsed) value += '; collapsed'
  if (!full) return value
  if (key !== '') value += `; key=${stringItem(shortened(key))}`
  if (detail !== '') value += `; detail=${isToken(detail) ? detail : stringItem(detail)}`
  return value
}

/** Without -0, which no integer of RFC 9651 is. */
const wholeSeconds = (seconds: number): number => Math.floor(seconds) || 0

const shortened = (key: string): string =>
  key.length <= KEY_CHARACTERS_MAX ? key : `${key.slice(0, KEY_CHARACTERS_MAX)}...`

/** RFC 9651 §3.3.4, without ":" and "/". */
const isToken = (text: string): boolean => /^[A-Za-z*]/.test(text) && allInClass(text, TOKEN)

/** Two words that say the same: a miss is a miss in a log. */
const WORDS: Readonly<Record<Forward, string>> = {
  bypass: 'bypass',
  method: 'bypass method',
  'uri-miss': 'miss',
  'vary-miss': 'miss vary',
  miss: 'miss',
  request: 'miss request',
  stale: 'stale',
  partial: 'partial',
}

/** What the log says: `hit`, `miss stored max-age`, `stale validated 304 …`. One line, no quotes. */
export function logWord(outcome: CacheOutcome): string {
  const { hit, fwd, fwdStatus, ttlS, stored, collapsed, detail } = outcome
  const words: string[] = []
  if (fwd === null) words.push(hit ? 'hit' : 'none')
  else {
    words.push(WORDS[fwd])
    if (fwdStatus === 304) words.push('validated')
    if (fwdStatus !== 0) words.push(String(fwdStatus))
    if (stored) words.push('stored')
    if (collapsed) words.push('collapsed')
  }
  if (fwd === null && hit && ttlS !== null && ttlS <= 0) words.push('stale')
  if (detail !== '' && detail !== 'fresh' && !words.includes(detail)) words.push(detail)
  return words.join(' ')
}
