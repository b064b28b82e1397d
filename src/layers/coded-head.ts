/**
 * What content coding means for the head of an answer: whether it may be coded, and which fields change when it is.
 * Strategy: pure functions on heads. What an answer is (may be coded, has kin that may, neither) depends on the answer
 * alone; what becomes of it then depends on the client, and is told to caches by Vary in both cases.
 */
import { idOf } from '../http/field-names.ts'
import { HeaderList } from '../http/header-list.ts'
import { listHas } from '../http/hop-by-hop.ts'
import type { ResponseHead } from '../http/message.ts'

const CONTENT_LENGTH_ID = idOf('content-length')

/**
 * 'leave': no client gets it coded. 'vary': not this answer, but another to the same target may be coded (a 304, a
 * part, one that the upstream coded itself). 'code': it may be coded for a client that takes it.
 */
export type Judgement = 'leave' | 'vary' | 'code'

/** Whether content of a media type, told without parameters and in lower case, is worth coding. */
export type TypeMatcher = (type: string) => boolean

/** `minimumBytes`: content that is known to be shorter is left alone. */
export function judge(head: ResponseHead, matches: TypeMatcher, minimumBytes: number): Judgement {
  const { status, headers } = head
  // RFC 9110 §15.3.5, §15.3.6: these have no content, whoever asks.
  if (status < 200 || status === 204 || status === 205) return 'leave'
  const typeField = headers.get('content-type')
  // RFC 9110 §15.4.5: a 304 need not say the type, and has to carry the Vary that a 200 would have.
  if (typeField === null) return status === 304 ? 'vary' : 'leave'
  if (!matches(mediaType(typeField))) return 'leave'
  // RFC 9110 §7.7: neither we nor a cache behind us may change it.
  if (forbidsTransform(headers)) return 'leave'
  if (status === 304 || status === 206 || headers.has('content-range') || headers.has('content-encoding'))
    return 'vary'
  const bytes = headers.firstKnownNumber(CONTENT_LENGTH_ID)
  return bytes >= 0 && bytes < Math.max(1, minimumBytes) ? 'leave' : 'code'
}

/** RFC 9111 §5.2.1.6 and §5.2.2.6, of requests and of answers. */
export function forbidsTransform(headers: HeaderList): boolean {
  const control = headers.get('cache-control')
  return control !== null && listHas(control, 'no-transform')
}

/** Without parameters and in lower case. */
export function mediaType(field: string): string {
  return field.split(/[;,]/, 1)[0].trim().toLowerCase()
}

/** RFC 9110 §12.5.5: the answer depends on Accept-Encoding, for this client and for others. */
export function addVary(headers: HeaderList): void {
  const vary = headers.get('vary')
  if (vary === null) headers.add('Vary', 'Accept-Encoding')
  else if (!listHas(vary, '*') && !listHas(vary, 'accept-encoding'))
    headers.set('Vary', vary === '' ? 'Accept-Encoding' : `${vary}, Accept-Encoding`)
}

/** Fields that tell the length of the content, ranges or digests of it: true of the bytes that came, not of the coded ones. */
const UNTRUE_WHEN_CODED: ReadonlySet<string> = new Set([
  'content-length',
  // RFC 9110 §14.3: ranges are of the coded form, and nobody here can serve those.
  'accept-ranges',
  'content-md5',
  'digest',
  // RFC 9530 §2: of the content as it is sent; §3: of the representation, of which the coding is a part.
  'content-digest',
  'repr-digest',
])

/** Makes the head that of the coded answer. */
export function markCoded(head: ResponseHead, coding: string): void {
  const entries = head.headers.entries().filter(([name]) => !UNTRUE_WHEN_CODED.has(name.toLowerCase()))
  // RFC 9110 §8.8.1: the coded bytes are others, and a strong tag promises the same ones; without quotes it is no tag.
  const kept = entries.flatMap(([name, value]): [string, string][] => {
    if (name.toLowerCase() !== 'etag') return [[name, value]]
    const tag = weakTag(value)
    return tag === null ? [] : [[name, tag]]
  })
  const headers = HeaderList.from([...kept, ['Content-Encoding', coding]])
  addVary(headers)
  head.headers = headers
}

function weakTag(tag: string): string | null {
  if (tag.startsWith('W/')) return tag
  return tag.startsWith('"') ? `W/${tag}` : null
}

/**
 * A 304 to a client that asked with the weak form of the tag: it holds the coded answer, and RFC 9111 §4.3.4 lets a
 * strong tag refresh only what was stored under that very tag.
 */
export function answerWeakly(head: ResponseHead, ifNoneMatch: string | null): void {
  const tag = head.headers.get('etag')
  if (ifNoneMatch === null || tag === null || !tag.startsWith('"')) return
  if (ifNoneMatch.includes(`W/${tag}`)) head.headers.set('ETag', `W/${tag}`)
}

/** Trailers without the digests that the coding made untrue; the same list when there are none. */
export function codedTrailers(fields: HeaderList): HeaderList {
  if (![...UNTRUE_WHEN_CODED].some(name => fields.has(name))) return fields
  const kept = fields.copy()
  kept.removeAll(UNTRUE_WHEN_CODED)
  return kept
}
