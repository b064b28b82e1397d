/**
 * The heads of answers out of the store: the stored fields, those that this answer must not have taken away, and what is
 * said of it at the moment: Age, Cache-Status, which part it is.
 * Strategy: the two heads that nearly all answers have, that of the whole and 304, are remembered for the resources asked
 * for most, until their Age changes; others are made each time.
 */
import { idOf, UNKNOWN } from '../http/field-names.ts'
import { HeaderList } from '../http/header-list.ts'
import type { ResponseHead } from '../http/message.ts'
import { type ByteRange, contentRange } from '../http/range.ts'
import { SharedHead } from '../http/shared-head.ts'
import { reasonOf } from '../http/status.ts'
import { type CacheOutcome, cacheStatus } from './cache-status.ts'
import type { EntryHead } from './entry.ts'
import type { CacheOptions } from './options.ts'
import { ageOf } from './policy.ts'

/** Remembered heads of each kind, in the whole process. */
const REMEMBERED_MAX = 1024
/** RFC 9111 §1.2.2: what a number of seconds that is too large is taken for. */
const AGE_MAX_S = 2_147_483_648

const AGE_ID = idOf('age')
const CONTENT_LENGTH_ID = idOf('content-length')

/** Of the content that is not sent, or of another one (RFC 9110 §15.4.5, §8). Content-Location stays. */
const OF_CONTENT = [
  'accept-ranges',
  'content-encoding',
  'content-language',
  'content-length',
  'content-type',
  'trailer',
]
/** RFC 9530 §2: a digest of the content of one message; Content-MD5 was that too. */
const OF_WHOLE_CONTENT = ['content-digest', 'content-md5']
/** With 304, besides: digests of a representation that is not sent. */
const DIGESTS = [...OF_WHOLE_CONTENT, 'digest', 'repr-digest']

const NOT_IN_304 = new Set([...OF_CONTENT, ...DIGESTS])
/** Last-Modified may guide the update of a cache where there is no tag (RFC 9110 §15.4.5). */
const NOT_IN_304_WITH_TAG = new Set([...NOT_IN_304, 'last-modified'])
const NOT_IN_PART = new Set(OF_WHOLE_CONTENT)
/** RFC 9110 §15.3.7: who asks with If-Range has the fields of the representation, and is told the required ones. */
const NOT_IN_PART_IF_RANGE = new Set([...NOT_IN_304, 'last-modified'])

/** Whose answer it is and what is said of it. */
export interface Said {
  readonly outcome: CacheOutcome
  readonly nowMs: number
  readonly status: CacheOptions['status']
}

/** RFC 9111 §5.1: a whole number, as §4.2.3 calculates it. */
export function ageText({ policy, respondedMs }: EntryHead, nowMs: number): string {
  return String(Math.min(AGE_MAX_S, Math.floor(ageOf(policy, respondedMs, nowMs))))
}

function addStatus(headers: HeaderList, { outcome, status }: Said): void {
  // RFC 9211 §2: behind what the caches before us said; lines of one name are one list (RFC 9110 §5.3).
  if (status !== 'off') headers.addChecked('Cache-Status', UNKNOWN, cacheStatus(outcome, status === 'full'))
}

/** RFC 9111 §4: Age is on every answer out of the store. */
function addSaid(headers: HeaderList, head: EntryHead, said: Said): HeaderList {
  headers.addChecked('Age', AGE_ID, ageText(head, said.nowMs))
  addStatus(headers, said)
  return headers
}

function withoutFields(headers: HeaderList, names: ReadonlySet<string>): HeaderList {
  const kept = headers.copy()
  kept.removeAll(names)
  return kept
}

/** The stored status and fields. */
function makeWhole(head: EntryHead, said: Said): SharedHead {
  const { status, reason } = head
  const headers = head.headers.copy()
  // RFC 9110 §8.6: no Content-Length with 204.
  if (status === 204) headers.remove('content-length')
  return new SharedHead(status, reason, addSaid(headers, head, said))
}

/** RFC 9110 §15.4.5. */
function makeNotModified(head: EntryHead, said: Said): SharedHead {
  const headers = withoutFields(head.headers, head.etag === '' ? NOT_IN_304 : NOT_IN_304_WITH_TAG)
  return new SharedHead(304, reasonOf(304), addSaid(headers, head, said))
}

/** RFC 9110 §15.3.7: the fields of a part, with a Content-Length of `bytes`. */
function partFields(head: EntryHead, said: Said, ifRange: boolean, bytes: number): HeaderList {
  const headers = withoutFields(head.headers, ifRange ? NOT_IN_PART_IF_RANGE : NOT_IN_PART)
  headers.setChecked('Content-Length', CONTENT_LENGTH_ID, String(bytes))
  return addSaid(headers, head, said)
}

/** RFC 9110 §15.3.7.1. */
export function singlePartHead(
  head: EntryHead,
  said: Said,
  ifRange: boolean,
  range: ByteRange,
): ResponseHead {
  const headers = partFields(head, said, ifRange, range.last - range.first + 1)
  headers.addChecked('Content-Range', UNKNOWN, contentRange(range, head.contentBytes))
  return { status: 206, reason: reasonOf(206), version: 11, headers }
}

/** RFC 9110 §15.3.7.2: the type is that of the message; there is no Content-Range. */
export function multipartHead(
  head: EntryHead,
  said: Said,
  ifRange: boolean,
  boundary: string,
  bytes: number,
): ResponseHead {
  const headers = partFields(head, said, ifRange, bytes)
  headers.set('Content-Type', `multipart/byteranges; boundary=${boundary}`)
  return { status: 206, reason: reasonOf(206), version: 11, headers }
}

/** 416 (RFC 9110 §15.5.17): an answer of our own because of what is stored, and for nobody else. */
export function unsatisfiedHead(head: EntryHead, said: Said): ResponseHead {
  const headers = HeaderList.from([['Cache-Control', 'no-store']])
  headers.addChecked('Content-Length', CONTENT_LENGTH_ID, '0')
  headers.addChecked('Content-Range', UNKNOWN, `bytes */${head.contentBytes}`)
  if (head.etag !== '') headers.add('ETag', head.etag)
  addStatus(headers, said)
  return { status: 416, reason: reasonOf(416), version: 11, headers }
}

/** What was said of one resource last. */
export interface Remembered {
  readonly head: EntryHead
  readonly shared: SharedHead
  readonly outcome: CacheOutcome
  readonly status: CacheOptions['status']
  /** The Age in it holds for times in this span. */
  readonly fromMs: number
  readonly untilMs: number
  /** What the log says, '' while it was not asked: whoever makes it keeps it here. */
  word: string
  why: string
}

/**
 * Shared heads in a table of one place each: a resource that falls on the place of another takes it, so that any number of
 * resources can be asked for without anything growing (bench/micro/cache-answer.bench.ts).
 */
class RememberedHeads {
  readonly #make: (head: EntryHead, said: Said) => SharedHead
  readonly #places: (Remembered | null)[] = new Array(REMEMBERED_MAX).fill(null)
  /** Who asked for each place last: only what is asked for twice is worth keeping. */
  readonly #asked: (EntryHead | null)[] = new Array(REMEMBERED_MAX).fill(null)

  constructor(make: (head: EntryHead, said: Said) => SharedHead) {
    this.#make = make
  }

  get(head: EntryHead, said: Said): Remembered {
    const place = placeOf(head)
    const known = this.#places[place]
    if (known !== null && known.head === head && holds(known, said)) return known
    const remembered = remember(head, said, this.#make(head, said))
    if (this.#asked[place] === head) this.#places[place] = remembered
    else this.#asked[place] = head
    return remembered
  }
}

/** The ends of keys differ most; variants of one key differ in their content. */
function placeOf(head: EntryHead): number {
  const { key } = head
  let hash = head.contentBytes | 0
  for (let at = Math.max(0, key.length - 8); at < key.length; at++)
    hash = (Math.imul(hash, 31) + key.charCodeAt(at)) | 0
  return (hash ^ (hash >>> 10)) & (REMEMBERED_MAX - 1)
}

function holds(known: Remembered, { outcome, nowMs, status }: Said): boolean {
  const { outcome: before } = known
  return (
    nowMs >= known.fromMs &&
    nowMs < known.untilMs &&
    known.status === status &&
    before.hit === outcome.hit &&
    isSameSecond(before.ttlS, outcome.ttlS) &&
    before.fwd === outcome.fwd &&
    before.fwdStatus === outcome.fwdStatus &&
    before.stored === outcome.stored &&
    before.collapsed === outcome.collapsed &&
    before.detail === outcome.detail &&
    before.key === outcome.key
  )
}

/** As it is told: RFC 9211 §2.4. */
function isSameSecond(one: number | null, other: number | null): boolean {
  return one === other || (one !== null && other !== null && Math.floor(one) === Math.floor(other))
}

function remember(head: EntryHead, said: Said, shared: SharedHead): Remembered {
  const { nowMs, status } = said
  const ageS = ageOf(head.policy, head.respondedMs, nowMs)
  // Age is the same until it reaches the next whole second; a clock that was set back is another time.
  const untilMs = nowMs + (Math.floor(ageS) + 1 - ageS) * 1000
  return { head, shared, outcome: { ...said.outcome }, status, fromMs: nowMs, untilMs, word: '', why: '' }
}

const wholes = new RememberedHeads(makeWhole)
const notModifieds = new RememberedHeads(makeNotModified)

/** The head of the whole (the stored status and fields), or that of a 304. */
export function commonHead(kind: 'whole' | 'not-modified', head: EntryHead, said: Said): Remembered {
  return (kind === 'whole' ? wholes : notModifieds).get(head, said)
}
