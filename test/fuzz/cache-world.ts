/**
 * The world around a cache: clients that ask for anything HTTP allows, and an origin whose every answer can be told
 * from every other.
 * Strategy: an answer of the origin has a number, as an extension in Cache-Control (`v=7`), which a 304 puts in the
 * place of the one that was stored: it says on whose word an answer is used. `X-N: 7` says with which answer the content
 * came. Content tells at each place of which resource, version and variant it is.
 */
import { formatHttpDate } from '../../src/http/http-date.ts'
import type { Random } from './random.ts'

export type Fields = ReadonlyMap<string, string>

/** A request of a client. */
export interface Asked {
  readonly id: number
  readonly method: string
  readonly path: string
  readonly fields: Fields
  readonly step: number
}

/** What the origin answered. */
export interface Answered {
  readonly id: number
  /** The request in whose name it was asked. */
  readonly forId: number
  readonly method: string
  readonly path: string
  readonly request: Fields
  readonly status: number
  readonly fields: Fields
  readonly content: string
  readonly requestedMs: number
  readonly headMs: number
  readonly headStep: number
  /** When it was broken off. */
  cutStep: number | null
}

/** What happened at a step, and to which path. */
export interface Event {
  readonly path: string
  readonly step: number
  readonly ms: number
}

export interface World {
  readonly answers: Map<number, Answered>
  /** Answers to unsafe requests that were no errors, for each path they make invalid. */
  readonly invalidations: Event[]
  readonly purges: (Event & { readonly soft: boolean })[]
  /** No server could be asked, or it answered 500, 502, 503 or 504. */
  readonly troubles: (Event & { readonly down: boolean })[]
}

export const PATHS = ['/plain', '/vary', '/weak', '/dated', '/bare', '/large'] as const

/** What a path is like, whatever its version. */
interface Kind {
  readonly varies: boolean
  readonly etag: '' | 'W/'
  readonly validators: 'both' | 'etag' | 'date' | 'none'
  readonly bytes: number
}

const KINDS: Readonly<Record<string, Kind>> = {
  '/plain': { varies: false, etag: '', validators: 'both', bytes: 60 },
  '/vary': { varies: true, etag: '', validators: 'etag', bytes: 90 },
  '/weak': { varies: false, etag: 'W/', validators: 'both', bytes: 70 },
  '/dated': { varies: false, etag: '', validators: 'date', bytes: 40 },
  '/bare': { varies: true, etag: '', validators: 'none', bytes: 30 },
  '/large': { varies: false, etag: '', validators: 'etag', bytes: 9_000 },
}

export const kindOf = (path: string): Kind => KINDS[path]

export const LANGUAGES = ['en', 'de', ''] as const

export function contentOf(path: string, version: number, language: string): string {
  let text = ''
  const { bytes } = kindOf(path)
  while (text.length < bytes + version) text += `${path}#${version}${language}@${text.length} `
  return text.slice(0, bytes + version)
}

export const etagOf = (path: string, version: number, language: string): string =>
  `${kindOf(path).etag}"${version}${language}"`

const BEGIN_MS = Date.UTC(2026, 10, 20, 12)
/** Versions are far apart, so that the date of one is a strong validator (RFC 9110 §8.8.2.2). */
export const lastModifiedOf = (version: number): string =>
  formatHttpDate(BEGIN_MS - 700_000 + version * 70_000)
export { BEGIN_MS }

const REQUEST_CONTROL = [
  ...Array<string>(16).fill(''),
  ...['no-cache', 'no-store', 'max-age=0', 'max-age=5', 'max-stale'],
  ...[
    'max-stale=10',
    'min-fresh=5',
    'only-if-cached',
    'max-age=20, max-stale=5',
    'only-if-cached, max-stale',
  ],
]
const RANGES = [
  'bytes=0-9',
  'bytes=5-',
  'bytes=-7',
  'bytes=0-0',
  'bytes=2-4,20-29',
  'bytes=999999-',
  'bytes=10-19',
  'lines=1-2',
]

/** The fields of a request for this path. */
export function requestFields(
  random: Random,
  path: string,
  method: string,
  versionMax: number,
): Map<string, string> {
  const fields = new Map<string, string>()
  const language = random.of([...LANGUAGES, 'en'])
  if (language !== '') fields.set('accept-language', language)
  const control = random.of(REQUEST_CONTROL)
  if (control !== '') fields.set('cache-control', control)
  else if (random.once(20)) fields.set('pragma', 'no-cache')
  if (random.once(8)) fields.set('authorization', `user-${random.below(2)}`)
  const version = random.below(versionMax + 1)
  const etag = etagOf(path, version, kindOf(path).varies ? language : '')
  if (method === 'GET' && random.once(5)) {
    fields.set('range', random.of(RANGES))
    if (random.once(4)) fields.set('if-range', random.of([etag, lastModifiedOf(version)]))
  }
  if (random.once(7)) fields.set('if-none-match', random.of([etag, `"x", ${etag}`, '*', '"none"']))
  else if (random.once(8)) fields.set('if-modified-since', lastModifiedOf(version))
  else if (random.once(25)) fields.set('if-match', random.of([etag, '"none"']))
  return fields
}

const CONTROL = [
  ...['max-age=10', 'max-age=60', 's-maxage=20, max-age=5', 'max-age=0', 'no-cache', 'no-cache, max-age=30'],
  ...['no-store', 'private, max-age=60', 'public, max-age=30', 'max-age=8, must-revalidate'],
  ...['proxy-revalidate, max-age=8', 'max-age=5, stale-while-revalidate=20', 'max-age=5, stale-if-error=30'],
  ...['max-age=10, max-age=50', 'private="x-secret", max-age=40', 'no-cache="x-secret", max-age=40'],
  ...[
    'MAX-AGE=30',
    'max-age="15"',
    'no-store, max-age=60',
    'max-age=60',
    'max-age=20',
    'public, s-maxage=10',
  ],
]

/** What says how long and for whom an answer may be kept; `whole`: it says so itself, for it is to replace what was said. */
export function controlFields(
  random: Random,
  id: number,
  nowMs: number,
  whole: boolean,
): Map<string, string> {
  const fields = new Map<string, string>()
  const control = whole || !random.once(4) ? random.of(CONTROL) : random.of(['', 'public'])
  fields.set('cache-control', control === '' ? `v=${id}` : `${control}, v=${id}`)
  const dateMs = random.once(5) ? nowMs - 15_000 : random.once(10) ? nowMs + 5_000 : nowMs
  fields.set('date', formatHttpDate(dateMs))
  if (random.once(6)) fields.set('age', random.of(['3', '12', '30']))
  if (whole) return fields
  if (random.once(5)) fields.set('expires', formatHttpDate(dateMs + 20_000))
  if (random.once(10))
    fields.set('cdn-cache-control', random.of(['max-age=25', 'no-store', 'max-age=4, must-revalidate']))
  if (random.once(6)) fields.set('x-secret', `s${id}`)
  return fields
}
