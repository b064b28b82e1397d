/**
 * Preconditions of requests, in their order of precedence (RFC 9110 §13.2.2).
 * Strategy: the steps of the clause, one line each; a request that has none costs one look at its mask.
 */
import { parseEntityTag, parseEntityTags, strongMatch, weakMatch } from './entity-tag.ts'
import { PRECONDITIONS } from './field-names.ts'
import type { HeaderList } from './header-list.ts'
import { parseHttpDate } from './http-date.ts'

/** What preconditions are compared with: the fields of the response to be sent, as written, '' when it has none. */
export interface Validators {
  readonly etag: string
  readonly lastModified: string
  /** Date of the response in milliseconds since 1970: a Last-Modified is strong only a while before it (§8.8.2.2). */
  readonly dateMs: number
}

export type PreconditionResult = 'proceed' | 'not-modified' | 'failed'

/** Who is asked: If-Match and If-Unmodified-Since are for origin servers, and a cache leaves them out (RFC 9111 §4.3.2). */
export type Recipient = 'origin' | 'cache'

/** For a response that would be 200 to this method. If-Range is asked apart. */
export function evaluatePreconditions(
  method: string,
  request: HeaderList,
  validators: Validators,
  nowMs: number,
  recipient: Recipient = 'origin',
): PreconditionResult {
  if ((request.mask & PRECONDITIONS) === 0 || WITHOUT_REPRESENTATION.has(method)) return 'proceed'
  if (recipient === 'origin' && !stillMatches(request, validators, nowMs)) return 'failed'
  if (!isUnchanged(method, request, validators, nowMs)) return 'proceed'
  // RFC 9110 §13.1.2: 304 is an answer to GET and HEAD only.
  return isRetrieval(method) ? 'not-modified' : 'failed'
}

/** RFC 9110 §13.2.1: conditions mean nothing to methods that neither select nor change a representation. */
const WITHOUT_REPRESENTATION: ReadonlySet<string> = new Set(['CONNECT', 'OPTIONS', 'TRACE'])

const isRetrieval = (method: string): boolean => method === 'GET' || method === 'HEAD'

/** Steps 1 and 2: the representation is still the one that the client means. */
function stillMatches(request: HeaderList, validators: Validators, nowMs: number): boolean {
  const match = request.get('if-match')
  // RFC 9110 §13.1.1: one that is neither "*" nor a list of tags is false.
  if (match !== null) return matches(match, validators.etag, strongMatch)
  const since = request.get('if-unmodified-since')
  if (since === null) return true
  // RFC 9110 §13.1.4: what is not one valid date is ignored, and so it is without a date to compare it with.
  const sinceMs = parseHttpDate(since, nowMs)
  const modifiedMs = parseHttpDate(validators.lastModified, nowMs)
  return sinceMs === null || modifiedMs === null || modifiedMs <= sinceMs
}

/** Steps 3 and 4: the client has the representation already. */
function isUnchanged(method: string, request: HeaderList, validators: Validators, nowMs: number): boolean {
  const noneMatch = request.get('if-none-match')
  // RFC 9110 §13.1.3: beside If-None-Match, the date is ignored, also where the tags cannot be read.
  if (noneMatch !== null) return matches(noneMatch, validators.etag, weakMatch)
  if (!isRetrieval(method)) return false
  const since = request.get('if-modified-since')
  if (since === null) return false
  // RFC 9110 §13.1.3: what is not one valid date is ignored.
  const sinceMs = parseHttpDate(since, nowMs)
  if (sinceMs === null) return false
  // RFC 9111 §4.3.2: a stored response without Last-Modified is as old as its Date.
  return (parseHttpDate(validators.lastModified, nowMs) ?? validators.dateMs) <= sinceMs
}

function matches(field: string, etag: string, compare: typeof strongMatch): boolean {
  const wanted = parseEntityTags(field)
  // There is a representation, so "*" is met.
  if (wanted === '*') return true
  const current = parseEntityTag(etag)
  return wanted !== null && current !== null && wanted.some(tag => compare(tag, current))
}

/** Whether the Range field counts (RFC 9110 §13.1.5); `value` is that of If-Range. */
export function ifRangeHolds(value: string, validators: Validators, nowMs: number): boolean {
  // RFC 9110 §13.1.5: a quote among the first three characters tells a tag from a date.
  if (value.slice(0, 3).includes('"')) {
    const wanted = parseEntityTag(value)
    const current = parseEntityTag(validators.etag)
    return wanted !== null && current !== null && strongMatch(wanted, current)
  }
  const wantedMs = parseHttpDate(value, nowMs)
  const modifiedMs = parseHttpDate(validators.lastModified, nowMs)
  if (wantedMs === null || modifiedMs === null || wantedMs !== modifiedMs) return false
  // RFC 9110 §8.8.2.2: strong only when the response was made at least a second later.
  return validators.dateMs - modifiedMs >= 1000
}
