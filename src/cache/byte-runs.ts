/**
 * Parts of one content that do not touch each other, in order.
 * Strategy: runs are never changed but replaced, so that whoever reads one goes on reading what it was. What overlaps is
 * compared, because parts are put together only if they are surely of the same content.
 */
import { lastingCopy, markLasting } from '../base/lasting.ts'
import type { ByteRange } from '../http/range.ts'

/** Neighbours that are both smaller are joined: a run of single bytes must not become a long list. */
const JOIN_BYTES_MAX = 16_384
/** What a piece takes besides its bytes, roughly. */
const PIECE_OVERHEAD_BYTES = 256

/** Bytes `first` to `last` of a content, lasting. */
export interface Run extends ByteRange {
  readonly pieces: readonly Buffer[]
  /** Where in the content each piece ends. */
  readonly ends: readonly number[]
}

/** Null when the pieces are not as long as the range. */
export function runOf({ first, last }: ByteRange, pieces: readonly Buffer[]): Run | null {
  const whole = pieces.filter(({ length }) => length > 0).map(compact)
  const ends: number[] = []
  let end = first
  for (const { length } of whole) {
    end += length
    ends.push(end)
  }
  return end === last + 1 && last >= first ? { first, last, pieces: whole, ends } : null
}

/** A small slice must not keep a large memory. */
function compact(piece: Buffer): Buffer {
  return piece.length * 2 < piece.buffer.byteLength ? lastingCopy(piece) : markLasting(piece)
}

/** The bytes from `at`, which lies in the run, to the end of their piece. */
export function bytesAt(run: Run, at: number): Buffer {
  let low = 0
  let high = run.ends.length - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if (run.ends[middle] > at) high = middle
    else low = middle + 1
  }
  const piece = run.pieces[low]
  const start = run.ends[low] - piece.length
  return at === start ? piece : piece.subarray(at - start)
}

/** The run that holds this place, or null. */
export function runAt(runs: readonly Run[], at: number): Run | null {
  return runs.find(({ first, last }) => first <= at && at <= last) ?? null
}

/** The runs with another one among them; null when it has other bytes where they overlap. */
export function combine(runs: readonly Run[], fresh: Run): readonly Run[] | null {
  const before = runs.filter(({ last }) => last < fresh.first - 1)
  const after = runs.filter(({ first }) => first > fresh.last + 1)
  const touching = runs.slice(before.length, runs.length - after.length)
  if (!touching.every(run => agree(run, fresh))) return null
  if (touching.length === 0) return [...before, fresh, ...after]
  const first = Math.min(fresh.first, touching[0].first)
  const last = Math.max(fresh.last, touching[touching.length - 1].last)
  const pieces = seam(
    seam(cut(touching[0], first, fresh.first - 1), fresh.pieces),
    cut(touching[touching.length - 1], fresh.last + 1, last),
  )
  return [...before, runOf({ first, last }, pieces) as Run, ...after]
}

/** Pieces of what lies between two places, both inclusive; none when there is nothing. */
function cut(run: Run, first: number, last: number): Buffer[] {
  const pieces: Buffer[] = []
  for (let at = first; at <= last; ) {
    const bytes = bytesAt(run, at)
    const piece = bytes.length > last + 1 - at ? bytes.subarray(0, last + 1 - at) : bytes
    pieces.push(piece)
    at += piece.length
  }
  return pieces
}

/** One list behind the other; where they meet, small pieces become one. */
function seam(left: readonly Buffer[], right: readonly Buffer[]): readonly Buffer[] {
  if (left.length === 0 || right.length === 0) return left.length === 0 ? right : left
  const one = left[left.length - 1]
  const other = right[0]
  if (one.length + other.length > JOIN_BYTES_MAX) return [...left, ...right]
  const joined = Buffer.allocUnsafeSlow(one.length + other.length)
  joined.set(one)
  joined.set(other, one.length)
  return [...left.slice(0, -1), joined, ...right.slice(1)]
}

/** Whether two runs have the same bytes where they overlap. */
function agree(one: Run, other: Run): boolean {
  const last = Math.min(one.last, other.last)
  for (let at = Math.max(one.first, other.first); at <= last; ) {
    const left = bytesAt(one, at)
    const right = bytesAt(other, at)
    const length = Math.min(left.length, right.length, last + 1 - at)
    if (left.compare(right, 0, length, 0, length) !== 0) return false
    at += length
  }
  return true
}

/** Memory that runs hold, roughly. */
export function memoryOf(runs: readonly Run[]): number {
  let bytes = 0
  for (const { pieces } of runs)
    for (const piece of pieces) bytes += piece.buffer.byteLength + PIECE_OVERHEAD_BYTES
  return bytes
}
