/**
 * Byte ranges: what is asked for, what there is (RFC 9110 §14).
 * Strategy: a Range field is read whole or not at all; whatever asks for more work than sending the whole would be is
 * ignored, which RFC 9110 §14.2 allows, and the whole is sent.
 */
import { trimBlanks } from './header-list.ts'

/** As written: `first-last`, `first-` (last null), `-suffix` (first null). */
export interface RangeSpec {
  readonly first: number | null
  readonly last: number | null
}

/** Both inclusive. */
export interface ByteRange {
  readonly first: number
  readonly last: number
}

/** Of one Range field, empty ones included; with more it is ignored (RFC 9110 §17.15). */
export const RANGES_MAX = 128
/** Ranges that begin before those in front of them end (RFC 9110 §14.2: "more than two overlapping ranges"). */
export const OVERLAPS_MAX = 1
/** A range of fewer bytes costs more than it brings (RFC 9110 §15.3.7.2). */
export const SMALL_BYTES = 80
/** Small ranges that a set out of order may have (RFC 9110 §14.2: "many small ranges … not listed in ascending order"). */
export const SMALL_UNORDERED_MAX = 8

const UNIT = /^bytes=/i
const SPEC = /^(?:(\d+)-(\d*)|-(\d+))$/

/** Null: another unit, or not valid, or of more than RANGES_MAX ranges: the field is ignored (§14.2). */
export function parseRange(value: string): readonly RangeSpec[] | null {
  // RFC 9110 §14.1: names of units are compared without regard to case.
  if (!UNIT.test(value)) return null
  const parts = value.slice('bytes='.length).split(',', RANGES_MAX + 1)
  if (parts.length > RANGES_MAX) return null
  const specs: RangeSpec[] = []
  for (const part of parts) {
    const text = trimBlanks(part)
    // RFC 9110 §5.6.1.2: empty members of a list mean nothing.
    if (text === '') continue
    const spec = parseSpec(text)
    // RFC 9110 §14.1.1: one that is not valid makes all of it invalid.
    if (spec === null) return null
    specs.push(spec)
  }
  return specs.length > 0 ? specs : null
}

function parseSpec(text: string): RangeSpec | null {
  const match = SPEC.exec(text)
  if (match === null) return null
  if (match[3] !== undefined) return { first: null, last: position(match[3]) }
  const first = position(match[1])
  const last = match[2] === '' ? null : position(match[2])
  return last !== null && last < first ? null : { first, last }
}

/** RFC 9110 §14.1.2: numbers of any length; beyond what is exact they are all past the end of everything. */
const position = (digits: string): number => Math.min(Number(digits), Number.MAX_SAFE_INTEGER)

/**
 * What of it lies in a representation of so many bytes, in the order asked for; those that overlap or touch are joined
 * (§15.3.7.2). `[]`: none can be satisfied (416). Null: asks for too much of itself (§14.2: many small or overlapping
 * ranges), or there is no content at all, and it is ignored.
 */
export function resolveRanges(specs: readonly RangeSpec[], bytes: number): readonly ByteRange[] | null {
  // RFC 9110 §14.2: no content, no ranges.
  if (bytes === 0) return null
  const ranges: ByteRange[] = []
  for (const spec of specs) {
    const range = satisfied(spec, bytes)
    if (range !== null) ranges.push(range)
  }
  return ranges.length < 2 ? ranges : joined(ranges)
}

/**
 * Whether it asks for too much of itself whatever it is asked of (§14.2, §17.15). Whoever passes it on would lend himself
 * to an attack on the server.
 */
export function asksTooMuch(value: string): boolean {
  if (!UNIT.test(value)) return false
  if (value.split(',', RANGES_MAX + 1).length > RANGES_MAX) return true
  const specs = parseRange(value)
  return specs !== null && resolveRanges(specs, Number.MAX_SAFE_INTEGER) === null
}

/** RFC 9110 §14.1.2. */
function satisfied({ first, last }: RangeSpec, bytes: number): ByteRange | null {
  if (first === null) return last ? { first: Math.max(0, bytes - last), last: bytes - 1 } : null
  return first < bytes ? { first, last: last === null ? bytes - 1 : Math.min(last, bytes - 1) } : null
}

interface Run {
  readonly first: number
  last: number
  /** The least place in the field of all ranges in it. */
  place: number
}

/** Two and more. Sorted by their beginnings, those to be joined stand side by side. */
function joined(ranges: readonly ByteRange[]): readonly ByteRange[] | null {
  if (isScattered(ranges)) return null
  const sorted = ranges.map((range, place) => ({ ...range, place })).sort((a, b) => a.first - b.first)
  const runs: Run[] = []
  let overlaps = 0
  let run: Run | null = null
  for (const { first, last, place } of sorted) {
    if (run !== null && first <= run.last + 1) {
      if (first <= run.last) overlaps++
      run.last = Math.max(run.last, last)
      run.place = Math.min(run.place, place)
    } else {
      run = { first, last, place }
      runs.push(run)
    }
  }
  if (overlaps > OVERLAPS_MAX) return null
  // RFC 9110 §15.3.7.2: in the order of the field.
  return runs.sort((a, b) => a.place - b.place).map(({ first, last }) => ({ first, last }))
}

/** RFC 9110 §14.2: many small ranges that are not listed in ascending order. */
function isScattered(ranges: readonly ByteRange[]): boolean {
  let small = 0
  let isAscending = true
  for (const [i, { first, last }] of ranges.entries()) {
    if (last - first + 1 < SMALL_BYTES) small++
    if (i > 0 && first < ranges[i - 1].first) isAscending = false
  }
  return !isAscending && small > SMALL_UNORDERED_MAX
}

export type ContentRange =
  /** `total` null: not known (`*`). */
  | { readonly kind: 'part'; readonly first: number; readonly last: number; readonly total: number | null }
  | { readonly kind: 'unsatisfied'; readonly total: number }

const CONTENT_RANGE = /^bytes (?:(\d+)-(\d+)|\*)\/(\d+|\*)$/i

/** Null when it is not valid, or of another unit. */
export function parseContentRange(value: string): ContentRange | null {
  const match = CONTENT_RANGE.exec(value)
  if (match === null) return null
  const total = match[3] === '*' ? null : Number(match[3])
  // Parts are put together by these numbers: one that is not exact is none.
  if (total !== null && !Number.isSafeInteger(total)) return null
  if (match[1] === undefined) return total === null ? null : { kind: 'unsatisfied', total }
  const first = Number(match[1])
  const last = Number(match[2])
  // RFC 9110 §14.4: not valid when it ends before it begins, or not before the whole does.
  if (!Number.isSafeInteger(last) || last < first || (total !== null && total <= last)) return null
  return { kind: 'part', first, last, total }
}

/** `bytes 0-9/100`. */
export function contentRange(range: ByteRange, total: number): string {
  return `bytes ${range.first}-${range.last}/${total}`
}
