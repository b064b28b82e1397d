/**
 * The field names a proxy has to know, each with a number and a bit.
 * Strategy: names are recognised in place, by length and then letter by letter, case-blind, without cutting
 * a string out; everything else has no number and is passed on unread.
 */

/** At most 31: each has a bit of a small integer. */
const NAMES = [
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
  'trailer',
  'host',
  'content-length',
  'expect',
  'via',
  'max-forwards',
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'date',
  'cache-control',
  'pragma',
  'authorization',
  'range',
  'if-range',
  'if-match',
  'if-none-match',
  'if-modified-since',
  'if-unmodified-since',
  'age',
  'expires',
  'vary',
  'etag',
  'last-modified',
] as const

export type KnownName = (typeof NAMES)[number]

/** Number of a name the proxy knows: its bit in a mask is `1 << number`. */
export const idOf = (name: KnownName): number => NAMES.indexOf(name)
const bitOf = (...names: KnownName[]): number => names.reduce((mask, name) => mask | (1 << idOf(name)), 0)

export const UNKNOWN = -1

export const CONNECTION = bitOf('connection')
export const KEEP_ALIVE = bitOf('keep-alive')
export const TE = bitOf('te')
export const TRANSFER_ENCODING = bitOf('transfer-encoding')
export const UPGRADE = bitOf('upgrade')
export const HOST = bitOf('host')
export const CONTENT_LENGTH = bitOf('content-length')
export const EXPECT = bitOf('expect')
export const MAX_FORWARDS = bitOf('max-forwards')
export const DATE = bitOf('date')
export const CACHE_CONTROL = bitOf('cache-control')
export const PRAGMA = bitOf('pragma')
export const AUTHORIZATION = bitOf('authorization')
export const RANGE = bitOf('range')
export const IF_RANGE = bitOf('if-range')
export const AGE = bitOf('age')
/** Preconditions other than If-Range (RFC 9110 §13.1). */
export const PRECONDITIONS = bitOf('if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since')

/** Fields for one connection only, RFC 9110 §7.6.1; what Connection names comes on top. */
export const HOP_BY_HOP = bitOf(
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
)
/** Fields that tell about the client; they are always written anew. */
export const FORWARDING = bitOf('forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto')

interface Candidate {
  readonly id: number
  readonly name: string
  readonly first: number
}

const BY_LENGTH: readonly (readonly Candidate[])[] = Array.from({ length: 20 }, (_, length) =>
  NAMES.map((name, id) => ({ id, name, first: name.charCodeAt(0) })).filter(c => c.name.length === length),
)

/** Number of the name that stands in `bytes` from `start` to `end`, or UNKNOWN. Letters in any case. */
export function recogniseBytes(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start
  if (length >= BY_LENGTH.length) return UNKNOWN
  const candidates = BY_LENGTH[length]
  const first = bytes[start] | 0x20
  for (let i = 0; i < candidates.length; i++) {
    const candidate = candidates[i]
    if (candidate.first === first && sameBytes(bytes, start, candidate.name)) return candidate.id
  }
  return UNKNOWN
}

function sameBytes(bytes: Uint8Array, start: number, name: string): boolean {
  // Setting bit 5 lower-cases letters and maps "-" to itself; no other token character becomes a letter or "-"
  // by it (0x0D would become "-", and is no token).
  for (let i = 1; i < name.length; i++) if ((bytes[start + i] | 0x20) !== name.charCodeAt(i)) return false
  return true
}

const BY_NAME: ReadonlyMap<string, number> = new Map(NAMES.map((name, id) => [name, id]))

/** Number of a name given as a string, or UNKNOWN. */
export function recogniseName(name: string): number {
  return name.length >= BY_LENGTH.length ? UNKNOWN : (BY_NAME.get(name.toLowerCase()) ?? UNKNOWN)
}
