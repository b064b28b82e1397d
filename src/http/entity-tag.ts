/**
 * Entity tags (RFC 9110 §8.8.3) and how they are compared.
 * Strategy: tags are cut out in one pass from left to right, because commas, blanks and backslashes may stand inside
 * of them and mean nothing there.
 */
import { HTAB, SP } from '../base/ascii.ts'

/** `"x"` and `W/"x"` as written, null when it is neither. */
export interface EntityTag {
  readonly weak: boolean
  /** With its quotes. */
  readonly opaque: string
}

export function parseEntityTag(text: string): EntityTag | null {
  const end = endOfTag(text, 0)
  return end === text.length ? tagAt(text, 0, end) : null
}

/** The tags of an If-Match or If-None-Match field; null when it is not valid. Commas may stand inside of tags. */
export function parseEntityTags(value: string): '*' | readonly EntityTag[] | null {
  // RFC 9110 §13.1.1, §13.1.2: "*" alone; beside others it is not valid.
  if (value === '*') return '*'
  const tags: EntityTag[] = []
  let isSeparated = true
  for (let at = 0; at < value.length; ) {
    const code = value.charCodeAt(at)
    if (code === COMMA || code === SP || code === HTAB) {
      // RFC 9110 §5.6.1.2: empty members of a list mean nothing.
      isSeparated ||= code === COMMA
      at++
      continue
    }
    const end = isSeparated ? endOfTag(value, at) : -1
    if (end === -1) return null
    tags.push(tagAt(value, at, end))
    isSeparated = false
    at = end
  }
  return tags
}

const COMMA = 44
const QUOTE = 34

/** Where the tag ends that begins here, or -1. */
function endOfTag(text: string, start: number): number {
  // RFC 9110 §8.8.3: `W/` has no other spelling.
  let at = text.startsWith('W/', start) ? start + 2 : start
  if (text.charCodeAt(at) !== QUOTE) return -1
  for (at++; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) return at + 1
    // etagc: everything visible, and obs-text.
    if (code < 0x21 || code === 0x7f || code > 0xff) return -1
  }
  return -1
}

function tagAt(text: string, start: number, end: number): EntityTag {
  const weak = text.charCodeAt(start) !== QUOTE
  return { weak, opaque: text.slice(weak ? start + 2 : start, end) }
}

/** RFC 9110 §8.8.3.2. */
export function strongMatch(one: EntityTag, other: EntityTag): boolean {
  return !one.weak && !other.weak && one.opaque === other.opaque
}

export function weakMatch(one: EntityTag, other: EntityTag): boolean {
  return one.opaque === other.opaque
}
