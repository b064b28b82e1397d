/**
 * Answers a request from a stored response: whole, as 304, 206 or 416.
 * Strategy: first it is decided what the request gets (answer-plan.ts), then the head is made (answer-head.ts), then the
 * content is sent (stored-content.ts). Content that lies in memory in one piece is given at once, without a source
 * that could be held back: the client has taken all of it, or it waits in the connection.
 */
import { randomUUID } from 'node:crypto'
import type { Source } from '../base/flow.ts'
import type { Exchange } from '../exchange/exchange.ts'
import type { ResponseHead } from '../http/message.ts'
import type { ByteRange } from '../http/range.ts'
import { HeadOfMany } from '../http/shared-head.ts'
import {
  commonHead,
  multipartHead,
  type Remembered,
  type Said,
  singlePartHead,
  unsatisfiedHead,
} from './answer-head.ts'
import { type AnswerPlan, ASKS_FOR_LESS, planAnswer } from './answer-plan.ts'
import { type CacheOutcome, logWord } from './cache-status.ts'
import type { Entry, EntryHead, StoredBody } from './entry.ts'
import { multipart } from './multipart.ts'
import type { CacheOptions } from './options.ts'
import type { Partial } from './partial-store.ts'
import { whyUsed } from './reuse.ts'
import { PIECE_BYTES, StoredContent, type Unreadable } from './stored-content.ts'

/** Of content that was given as a whole before anybody could hold it back. */
const SPENT: Source = { pause() {}, resume() {}, cancel() {} }

/**
 * Answers from `entry`, which may be used; `nowMs`: wall clock. The request may be HEAD. Preconditions and ranges of
 * the request are looked at (RFC 9110 §13.2.2). Age is added, and Cache-Status as `outcome` says. Closes the body when
 * the answer is through or the client has left (it is the `serving` of the exchange when that takes more than one turn);
 * a promise of its bytes may still be open then, and what comes of it is thrown away.
 * `unreadable`: called, instead of failing the reply, when the first bytes of the content cannot be read; the head waits
 * for them, and nothing has been said.
 */
export function answerFromEntry(
  exchange: Exchange,
  entry: Entry,
  outcome: CacheOutcome,
  nowMs: number,
  options: CacheOptions,
  unreadable: Unreadable | null = null,
): void {
  const { head, body } = entry
  const { request } = exchange
  const said: Said = { outcome, nowMs, status: options.status }
  const plan = (request.headers.mask & ASKS_FOR_LESS) === 0 ? null : planAnswer(request, head, nowMs)
  if (plan !== null && plan.kind !== 'whole') {
    note(exchange, outcome, head, nowMs)
    answerLess(exchange, head, body, plan, said, unreadable)
    return
  }
  const common = commonHead('whole', head, said)
  noteCommon(exchange, common)
  if (request.method === 'HEAD' || body.bytes === 0) {
    body.close()
    sendEmpty(exchange, new HeadOfMany(common.shared))
    return
  }
  const whole = { first: 0, last: body.bytes - 1 }
  sendRange(exchange, new HeadOfMany(common.shared), body, whole, unreadable)
}

/**
 * The same from parts, for a request of ranges that lie in them (RFC 9111 §3.3). False: the request cannot be answered
 * from them; nothing was said, and the body is the caller's to close.
 */
export function answerFromPartial(
  exchange: Exchange,
  partial: Partial,
  outcome: CacheOutcome,
  nowMs: number,
  options: CacheOptions,
): boolean {
  const { head, body, ranges } = partial
  const plan = planAnswer(exchange.request, head, nowMs)
  if (plan.kind !== 'ranges' || !plan.ranges.every(range => isIn(range, ranges))) return false
  note(exchange, outcome, head, nowMs)
  answerLess(exchange, head, body, plan, { outcome, nowMs, status: options.status }, null)
  return true
}

function isIn(range: ByteRange, ranges: readonly ByteRange[]): boolean {
  return ranges.some(({ first, last }) => first <= range.first && range.last <= last)
}

function note({ notes }: Exchange, outcome: CacheOutcome, head: EntryHead, nowMs: number): void {
  if (notes.startedAtMs === 0) return
  notes.cache = logWord(outcome)
  notes.cacheWhy = whyUsed(outcome.detail, head, nowMs)
}

function noteCommon({ notes }: Exchange, common: Remembered): void {
  if (notes.startedAtMs === 0) return
  if (common.word === '') {
    common.word = logWord(common.outcome)
    common.why = whyUsed(common.outcome.detail, common.head, common.fromMs)
  }
  notes.cache = common.word
  notes.cacheWhy = common.why
}

type Less = Exclude<AnswerPlan, { kind: 'whole' }>

function answerLess(
  exchange: Exchange,
  head: EntryHead,
  body: StoredBody,
  plan: Less,
  said: Said,
  unreadable: Unreadable | null,
): void {
  if (plan.kind === 'ranges') {
    sendRanges(exchange, head, body, plan, said, unreadable)
    return
  }
  body.close()
  if (plan.kind === 'unsatisfied') sendEmpty(exchange, unsatisfiedHead(head, said))
  else sendEmpty(exchange, new HeadOfMany(commonHead('not-modified', head, said).shared))
}

function sendRanges(
  exchange: Exchange,
  head: EntryHead,
  body: StoredBody,
  { ranges, ifRange }: AnswerPlan & { kind: 'ranges' },
  said: Said,
  unreadable: Unreadable | null,
): void {
  if (ranges.length === 1) {
    sendRange(exchange, singlePartHead(head, said, ifRange, ranges[0]), body, ranges[0], unreadable)
    return
  }
  // Content that somebody made up must not be able to hold it (RFC 2046 §5.1.1).
  const boundary = randomUUID().replaceAll('-', '')
  const type = head.headers.get('content-type') ?? ''
  const { segments, bytes } = multipart(ranges, type, head.contentBytes, boundary)
  const several = multipartHead(head, said, ifRange, boundary, bytes)
  new StoredContent(exchange, several, body, segments, null, unreadable).begin()
}

/** One range of the stored content: at once where it lies in memory in one piece. */
function sendRange(
  exchange: Exchange,
  head: ResponseHead,
  body: StoredBody,
  range: ByteRange,
  unreadable: Unreadable | null,
): void {
  const wanted = range.last - range.first + 1
  const begun = body.from(range.first)
  if (!Buffer.isBuffer(begun) || begun.length < wanted || wanted > PIECE_BYTES) {
    new StoredContent(exchange, head, body, [range], begun, unreadable).begin()
    return
  }
  body.close()
  const { reply } = exchange
  reply.open(SPENT)
  reply.head(head)
  reply.data(begun.length === wanted ? begun : begun.subarray(0, wanted))
  reply.end()
}

function sendEmpty({ reply }: Exchange, head: ResponseHead): void {
  reply.open(SPENT)
  reply.head(head)
  reply.end()
}
