/**
 * The head of a stored response out of the one that came, and out of a stored one that was validated.
 */
import { CONTENT_LENGTH, idOf } from '../http/field-names.ts'
import type { HeaderList } from '../http/header-list.ts'
import type { ResponseHead } from '../http/message.ts'
import { NO_DIRECTIVES } from './cache-control.ts'
import type { Entry, EntryHead } from './entry.ts'
import type { CacheOptions } from './options.ts'
import { ageOf, type Policy } from './policy.ts'
import { judgeUpdated } from './storable.ts'
import { fieldsToStore, TAG_FIELDS, tagsOf, updatedFields } from './stored-fields.ts'
import { renewedVary, varyFields } from './vary.ts'

const CONTENT_LENGTH_ID = idOf('content-length')

/** Of which resource and for whom a response is, and when it came. */
export interface Origin {
  readonly key: string
  readonly extras: string
  /** The fields of the request as the client sent them. */
  readonly request: HeaderList
  readonly requestedMs: number
  readonly respondedMs: number
}

/** `contentBytes`: -1 when it is not known yet. */
export function entryHead(
  { key, extras, request, requestedMs, respondedMs }: Origin,
  { status, reason, headers }: Pick<ResponseHead, 'status' | 'reason' | 'headers'>,
  policy: Policy,
  contentBytes: number,
  options: CacheOptions,
): EntryHead {
  return {
    key,
    extras,
    vary: options.ignore.has('vary') ? [] : (varyFields(headers, request) ?? []),
    status,
    reason,
    // RFC 9110 §8.6: no Content-Length with 204.
    headers: fieldsToStore(headers, respondedMs, status === 204 ? -1 : contentBytes, options),
    requestedMs,
    respondedMs,
    policy,
    etag: headers.get('etag') ?? '',
    lastModified: headers.get('last-modified') ?? '',
    tags: tagsOf(headers),
    contentBytes,
  }
}

/**
 * kept: with its new head. removed: what it says now forbids to keep it; this once it is used. left: what was said is for
 * one client (RFC 9111 §3.5), and what is stored stays as it was.
 */
export type Fate = 'kept' | 'removed' | 'left'

export interface Renewed {
  readonly head: EntryHead
  readonly fate: Fate
}

/** RFC 9111 §3.2, §4.3.4: the stored head with the fields of a 304, or of an answer to HEAD, and the freshness that follows from them. */
export function renewedHead(
  stored: EntryHead,
  fresh: ResponseHead,
  origin: Origin,
  options: CacheOptions,
): Renewed {
  const { requestedMs, respondedMs } = origin
  const headers = updatedFields(stored.headers, fresh.headers, respondedMs, options)
  const { request } = origin
  const answered = {
    method: 'GET',
    request,
    directives: NO_DIRECTIVES,
    head: fresh,
    requestedMs,
    respondedMs,
  }
  const tags = tagsOf(fresh.headers)
  const { policy, code } = judgeUpdated(answered, stored.status, headers, options)
  const head: EntryHead = {
    ...stored,
    vary: options.ignore.has('vary') ? [] : renewedVary(stored.vary, headers, request),
    headers,
    requestedMs,
    respondedMs,
    policy: policy ?? stored.policy,
    etag: headers.get('etag') ?? '',
    lastModified: headers.get('last-modified') ?? '',
    tags: tags.length > 0 ? tags : stored.tags,
  }
  if (policy !== null) return { head, fate: 'kept' }
  return { head, fate: code === 'authorization' ? 'left' : 'removed' }
}

/** What a 304 makes of one of the stored responses that it speaks of. */
export interface Renewal extends Renewed {
  readonly entry: Entry
  readonly before: EntryHead
}

/** `origin`: of the 304. Nothing is changed: others may hold the same entries. */
export function renewals(
  updated: readonly Entry[],
  fresh: ResponseHead,
  origin: Origin,
  options: CacheOptions,
): readonly Renewal[] {
  return updated.map(entry => ({
    entry,
    before: entry.head,
    ...renewedHead(entry.head, fresh, origin, options),
  }))
}

/** What has become of the stored response that a request waits for, or null: the 304 did not speak of it. */
export function renewalOf(entry: Entry | null, all: readonly Renewal[]): Renewal | null {
  if (entry === null) return null
  // Stores may give each request an object of its own for the same response.
  return all.find(each => entry === each.entry || isSame(entry.head, each.before)) ?? null
}

const isSame = (one: EntryHead, other: EntryHead): boolean =>
  one.respondedMs === other.respondedMs && one.etag === other.etag && one.headers.text === other.headers.text

/** RFC 9211 §2.4: what is left of its freshness, negative once it is stale. */
export function ttlOf({ policy, respondedMs }: EntryHead, nowMs: number): number {
  return Math.floor(policy.lifetimeS - ageOf(policy, respondedMs, nowMs))
}

/** The head for those who wait along; RFC 9111 §5.1: with an Age, as it was not made for their requests. */
export function sharedHead(
  { status, reason, headers, policy, respondedMs }: EntryHead,
  nowMs: number,
): ResponseHead {
  const copy = headers.copy()
  copy.add('Age', String(Math.floor(ageOf(policy, respondedMs, nowMs))))
  return { status, reason, version: 11, headers: copy }
}

/** For the one in whose name it was asked for: with all that was said to it, what is not stored included. */
export function leadersHead({ status, reason, version, headers }: ResponseHead): ResponseHead {
  const copy = headers.copy()
  copy.removeAll(TAG_FIELDS)
  return { status, reason, version, headers: copy }
}

/** -1 when the end of the content is not known. */
export function contentLengthOf({ status, headers }: ResponseHead): number {
  // RFC 9110 §6.4.1: these have no content.
  if (status === 204 || status === 304) return 0
  return (headers.mask & CONTENT_LENGTH) === 0 ? -1 : headers.firstKnownNumber(CONTENT_LENGTH_ID)
}
