/**
 * Which fields of a response are stored (RFC 9111 §3.1), and how a 304 or the answer to HEAD updates them (§3.2, §4.3.4, §4.3.5).
 * Strategy: a copy of the fields with the few taken out that must not be kept. Fields that `no-cache` or `private` name
 * are never kept, so that nobody has to remember to leave them out; a validation does not bring them back.
 */

import { parseEntityTag, strongMatch, weakMatch } from '../http/entity-tag.ts'
import { AGE, DATE, HOP_BY_HOP, idOf } from '../http/field-names.ts'
import { HeaderList, trimBlanks } from '../http/header-list.ts'
import { dropConnectionFields, namesFields } from '../http/hop-by-hop.ts'
import { formatHttpDate } from '../http/http-date.ts'
import type { ResponseHead } from '../http/message.ts'
import { allows, type Directives, restricted } from './cache-control.ts'
import type { Entry } from './entry.ts'
import { dateOf, madeAtMs } from './freshness.ts'
import type { CacheOptions } from './options.ts'
import { controlOf } from './targeted.ts'
import { variesNot } from './vary.ts'

/** Fields that say what a response may be purged by; they are for us. */
const TAG_NAMES = ['cache-tag', 'surrogate-key'] as const
export const TAG_FIELDS: ReadonlySet<string> = new Set(TAG_NAMES)

/** RFC 9110 §7.6.1: for one connection. Age is written anew whenever it is sent (RFC 9111 §4). */
const KNOWN_NOT_STORED = HOP_BY_HOP | AGE

const NOT_STORED: ReadonlySet<string> = new Set([
  // RFC 9111 §3.1: for one proxy.
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  // What is stored is whole, or kept as a whole of parts.
  'content-range',
  ...TAG_NAMES,
])

/** RFC 9111 §3.2: what the stored content depends on. Content-Type is not among them: the bytes are kept as they came. */
const NOT_UPDATED: ReadonlySet<string> = new Set(['content-length', 'content-encoding'])

const DATE_ID = idOf('date')
const CONTENT_LENGTH_ID = idOf('content-length')

/** Lower-case names of the fields that a response forbids to keep (RFC 9111 §5.2.2.4, §5.2.2.7). */
export function withheldFields(directives: Directives, options: CacheOptions): readonly string[] {
  const names: string[] = []
  for (const directive of ['no-cache', 'private'] as const) {
    const fields = options.ignore.has(directive) ? null : restricted(directives, directive)
    if (fields !== null && fields !== 'all') names.push(...fields)
  }
  return names
}

/**
 * The fields of a response to be stored, in their order: without hop-by-hop fields, those that Connection, no-cache="…"
 * and private="…" name, proxy authentication, Age, the tag fields; with Date (`respondedMs` when missing) and with
 * Content-Length `contentBytes` unless that is -1 (as for 204, which must not have one: RFC 9110 §8.6). Content-Range
 * goes.
 */
export function fieldsToStore(
  headers: HeaderList,
  respondedMs: number,
  contentBytes: number,
  options: CacheOptions,
): HeaderList {
  const stored = withoutUnstorable(headers, respondedMs)
  withhold(stored, options)
  // Mostly it came so.
  const isSaid =
    stored.countKnown(CONTENT_LENGTH_ID) === 1 && stored.firstKnownNumber(CONTENT_LENGTH_ID) === contentBytes
  if (contentBytes >= 0 && !isSaid)
    stored.setChecked('Content-Length', CONTENT_LENGTH_ID, String(contentBytes))
  return stored
}

function withoutUnstorable(headers: HeaderList, respondedMs: number): HeaderList {
  let from = headers
  if (namesFields(headers)) {
    from = headers.copy()
    dropConnectionFields(from)
  }
  const fields = from.copyWithout(KNOWN_NOT_STORED)
  fields.removeAll(NOT_STORED)
  // RFC 9110 §6.6.1: the time of arrival in the place of a date that is missing or cannot be read.
  if ((fields.mask & DATE) === 0 || fields.countKnown(DATE_ID) > 1 || dateOf(fields, respondedMs) === null)
    fields.setChecked('Date', DATE_ID, formatHttpDate(dateOf(fields, respondedMs) ?? respondedMs))
  return fields
}

function withhold(fields: HeaderList, options: CacheOptions): void {
  const withheld = withheldFields(controlOf(fields, options.targeted).directives, options)
  if (withheld.length > 0) fields.removeAll(new Set(withheld))
}

/**
 * The stored fields with those of a 304 (or of a HEAD) in their place (§3.2). Content-Length and Content-Encoding of
 * the stored stay, and its ETag when it has one: the content depends on them. Date is always that of `fresh`, or
 * `respondedMs`.
 */
export function updatedFields(
  stored: HeaderList,
  fresh: HeaderList,
  respondedMs: number,
  options: CacheOptions,
): HeaderList {
  const given = withoutUnstorable(fresh, respondedMs)
  given.removeAll(NOT_UPDATED)
  if (stored.has('etag')) given.remove('etag')
  // One client's cookie is not put on what was stored without any, when the config does not want it.
  if (options.setCookie === 'refuse' && !allows(controlOf(fresh, options.targeted).directives, 'public'))
    given.remove('set-cookie')
  const entries = given.entries()
  const names = new Set(entries.map(([name]) => name.toLowerCase()))
  const kept = stored.entries().filter(([name]) => !names.has(name.toLowerCase()))
  const updated = HeaderList.from([...kept, ...entries])
  withhold(updated, options)
  return updated
}

/**
 * Which of the stored responses a 304 to `request` speaks of (§4.3.4); `asked`: those whose validators were sent. None:
 * it cannot be used, and the request has to be made again without conditions.
 * Strong tags are of one representation only, hence name it whatever it varies by. Weak ones and dates are shared by
 * many (RFC 9110 §8.8.1): they speak of what could have been chosen for the request.
 */
export function updatedBy(
  head: ResponseHead,
  asked: readonly Entry[],
  request: HeaderList,
): readonly Entry[] {
  const written = head.headers.get('etag')
  const etag = written === null ? null : parseEntityTag(written)
  if (etag !== null && !etag.weak)
    return asked.filter(entry => {
      const stored = parseEntityTag(entry.head.etag)
      return stored !== null && strongMatch(stored, etag)
    })
  const fitting = asked.filter(entry => variesNot(entry.head.vary, request))
  if (written !== null) {
    // Servers write tags without quotes; they are at least equal to themselves.
    if (etag === null) return mostRecent(fitting.filter(entry => entry.head.etag === written))
    const same = fitting.filter(entry => {
      const stored = parseEntityTag(entry.head.etag)
      return stored !== null && weakMatch(stored, etag)
    })
    return mostRecent(same)
  }
  const lastModified = head.headers.get('last-modified')
  if (lastModified !== null)
    return mostRecent(fitting.filter(entry => entry.head.lastModified === lastModified))
  // It names none, which RFC 9110 §15.4.5 forbids when there is one: but if only one was asked for, it is that one.
  return asked.length === 1 ? fitting : []
}

function mostRecent(entries: readonly Entry[]): readonly Entry[] {
  if (entries.length < 2) return entries
  return [entries.reduce((best, each) => (madeAtMs(each.head) > madeAtMs(best.head) ? each : best))]
}

/** What an answer to HEAD does to what is stored for GET (§4.3.5): put its fields on it, make it stale, or nothing. */
export function headUpdates(head: ResponseHead, entry: Entry): 'update' | 'invalidate' | 'nothing' {
  if (head.status !== 200) return 'nothing'
  const { headers } = head
  const stored = entry.head
  const etag = headers.get('etag')
  const lastModified = headers.get('last-modified')
  const length = headers.firstKnown(CONTENT_LENGTH_ID)
  const same =
    stored.status === 200 &&
    (etag === null || etag === stored.etag) &&
    (lastModified === null || lastModified === stored.lastModified) &&
    (length === null || Number(length) === stored.contentBytes)
  return same ? 'update' : 'invalidate'
}

const NO_TAGS: readonly string[] = []
const TAGS_MAX = 64
const TAG_CHARACTERS_MAX = 256

/** Cache-Tag (by commas) and Surrogate-Key (by blanks): what a response may be purged by. At most 64 of 256 characters each. */
export function tagsOf(headers: HeaderList): readonly string[] {
  if (!headers.hasAny(TAG_FIELDS)) return NO_TAGS
  const tags = new Set<string>()
  for (const field of TAG_NAMES)
    for (const line of headers.getAll(field))
      for (const piece of line.split(field === 'cache-tag' ? ',' : /[ \t]/)) {
        const tag = trimBlanks(piece)
        if (tag !== '' && tag.length <= TAG_CHARACTERS_MAX && tags.size < TAGS_MAX) tags.add(tag)
      }
  return [...tags]
}
