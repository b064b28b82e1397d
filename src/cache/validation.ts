/**
 * The request with which the cache asks in its own name (RFC 9111 §4.3.1).
 */
import { parseEntityTag } from '../http/entity-tag.ts'
import { IF_RANGE, PRECONDITIONS, RANGE } from '../http/field-names.ts'
import type { HeaderList } from '../http/header-list.ts'
import type { Entry } from './entry.ts'
import { variesNot } from './vary.ts'

/** Tags that are sent in one request. */
const TAGS_MAX = 16

const CONDITIONS: ReadonlySet<string> = new Set([
  'if-match',
  'if-none-match',
  'if-modified-since',
  'if-unmodified-since',
  'if-range',
  'range',
])

/** The fields to be sent: those of the client, without what it has and which part it wants. */
export function withoutConditions(headers: HeaderList): HeaderList {
  const copy = headers.copy()
  if ((headers.mask & (PRECONDITIONS | RANGE | IF_RANGE)) !== 0) copy.removeAll(CONDITIONS)
  return copy
}

/**
 * Of the stored responses those that this request may ask about: what fits it, and others by strong tags, which no
 * other representation has (RFC 9110 §8.8.1).
 */
export function nominated(candidates: readonly Entry[], request: HeaderList): readonly Entry[] {
  return candidates.filter(
    ({ head }) => variesNot(head.vary, request) || parseEntityTag(head.etag)?.weak === false,
  )
}

const isTag = (etag: string): boolean => parseEntityTag(etag) !== null

/** RFC 9111 §4.3.1: the tags of all stored responses that the answer may speak of, and the date of the one that fits. */
export function validatorFields(
  candidates: readonly Entry[],
  entry: Entry | null,
): readonly (readonly [string, string])[] {
  const fields: (readonly [string, string])[] = []
  const own = entry?.head.etag ?? ''
  const tags = new Set(candidates.map(({ head }) => head.etag).filter(isTag))
  // Servers that write their tags without quotes know them so; in a list with others nobody could tell it apart.
  if (own !== '' && !isTag(own)) fields.push(['If-None-Match', own])
  else if (tags.size > 0) fields.push(['If-None-Match', [...tags].slice(0, TAGS_MAX).join(', ')])
  const modified = entry?.head.lastModified ?? ''
  if (modified !== '') fields.push(['If-Modified-Since', modified])
  return fields
}
