/**
 * What a request is answered with when a stored response may be used: the whole, a part of it, or only word of it.
 * Strategy: a pure function over the two heads, in the order of precedence of RFC 9110 §13.2.2, so that it serves what is
 * stored and what is still arriving alike.
 */
import { DATE, IF_RANGE, idOf, PRECONDITIONS, RANGE } from '../http/field-names.ts'
import type { HeaderList } from '../http/header-list.ts'
import { parseHttpDate } from '../http/http-date.ts'
import type { RequestHead } from '../http/message.ts'
import { evaluatePreconditions, ifRangeHolds, type Validators } from '../http/preconditions.ts'
import { type ByteRange, parseRange, resolveRanges } from '../http/range.ts'
import type { EntryHead } from './entry.ts'

const DATE_ID = idOf('date')

export type AnswerPlan =
  | { readonly kind: 'whole' }
  /** 304 */
  | { readonly kind: 'not-modified' }
  /** 416 */
  | { readonly kind: 'unsatisfied' }
  /** 206, one range or several. `ifRange`: asked for with If-Range. */
  | { readonly kind: 'ranges'; readonly ranges: readonly ByteRange[]; readonly ifRange: boolean }

const WHOLE: AnswerPlan = { kind: 'whole' }
const NOT_MODIFIED: AnswerPlan = { kind: 'not-modified' }
const UNSATISFIED: AnswerPlan = { kind: 'unsatisfied' }

/** A request without these fields is answered with the whole. */
export const ASKS_FOR_LESS = PRECONDITIONS | RANGE

const FOR_ORIGIN = (1 << idOf('if-match')) | (1 << idOf('if-unmodified-since'))

/**
 * Whether a request has conditions that only an origin server may evaluate (RFC 9111 §4.3.2). They are left out here: who
 * wants the client to hear of 412 passes the request on.
 */
export const asksOrigin = (request: HeaderList): boolean => (request.mask & FOR_ORIGIN) !== 0

/** `nowMs`: wall clock. The method is GET or HEAD. */
export function planAnswer(request: RequestHead, head: EntryHead, nowMs: number): AnswerPlan {
  const { mask } = request.headers
  // RFC 9110 §13.2.1: preconditions are ignored where the answer without them would not be 2xx.
  if ((mask & ASKS_FOR_LESS) === 0 || head.status < 200 || head.status > 299) return WHOLE
  const validators = validatorsOf(head, nowMs)
  const result = evaluatePreconditions(request.method, request.headers, validators, nowMs, 'cache')
  if (result === 'not-modified') return NOT_MODIFIED
  // RFC 9110 §14.2: only for GET, and only where the answer would be 200; content of no bytes has no parts.
  const divisible = request.method === 'GET' && head.status === 200 && head.contentBytes > 0
  return divisible && (mask & RANGE) !== 0 ? planRange(request, head, validators, nowMs) : WHOLE
}

/** RFC 9110 §14.2, §13.1.5. */
function planRange(request: RequestHead, head: EntryHead, validators: Validators, nowMs: number): AnswerPlan {
  const { headers } = request
  const specs = parseRange(headers.get('range') ?? '')
  if (specs === null) return WHOLE
  const ifRange = (headers.mask & IF_RANGE) !== 0
  if (ifRange && !ifRangeHolds(headers.get('if-range') ?? '', validators, nowMs)) return WHOLE
  const ranges = resolveRanges(specs, head.contentBytes)
  if (ranges === null) return WHOLE
  return ranges.length === 0 ? UNSATISFIED : { kind: 'ranges', ranges, ifRange }
}

function validatorsOf(head: EntryHead, nowMs: number): Validators {
  const { headers } = head
  const date = (headers.mask & DATE) === 0 ? null : parseHttpDate(headers.firstKnown(DATE_ID) ?? '', nowMs)
  return { etag: head.etag, lastModified: head.lastModified, dateMs: date ?? head.respondedMs }
}
