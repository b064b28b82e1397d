/**
 * Cache-Control of requests and responses, read as it is met in the wild (RFC 9111 §5.2).
 * Strategy: one pass over each line, which never fails. What is not written by the grammar keeps its name, so that a
 * restriction holds however it is spelled, and gets an argument that is good for nothing, so that nobody gains by it.
 */
import { CLASS, HTAB, SP, TOKEN } from '../base/ascii.ts'
import { CACHE_CONTROL, idOf, PRAGMA } from '../http/field-names.ts'
import { type HeaderList, trimBlanks } from '../http/header-list.ts'

/**
 * Name in lower case → its arguments in the order of their occurrence; null: without one. Quotes are taken off. An
 * argument that begins with `=` is not written by the grammar: no number and no list of names begins so.
 */
export type Directives = ReadonlyMap<string, readonly (string | null)[]>

/** RFC 9111 §1.2.2: what stands for every larger number; 68 years. */
export const SECONDS_MAX = 2_147_483_648

/** The values of all field lines; each is read by itself, so that a quote left open ends with its line. */
export function parseCacheControl(lines: readonly string[]): Directives {
  if (lines.length !== 1 || lines[0].length > REMEMBERED_CHARACTERS_MAX) return parseLines(lines)
  const [line] = lines
  const known = remembered.get(line)
  if (known !== undefined) return known
  const directives = parseLines(lines)
  if (remembered.size >= REMEMBERED_MAX) remembered.clear()
  remembered.set(line, directives)
  return directives
}

/** A server says the same few things again and again; who says something new each time costs what it costs. */
const REMEMBERED_MAX = 256
const REMEMBERED_CHARACTERS_MAX = 256
const remembered = new Map<string, Directives>()

function parseLines(lines: readonly string[]): Directives {
  const found = new Map<string, (string | null)[]>()
  for (const line of lines) readLine(line, found)
  return found
}

function readLine(line: string, found: Map<string, (string | null)[]>): void {
  const quotesEnd = lastClosedQuote(line)
  for (let at = 0; at < line.length; ) {
    // Empty elements are passed over: RFC 9110 §5.6.1.2.
    if (isBlank(line.charCodeAt(at)) || isSeparator(line.charCodeAt(at))) {
      at++
      continue
    }
    const nameEnd = tokenEnd(line, at)
    const end = elementEnd(line, nameEnd, quotesEnd)
    if (nameEnd > at) {
      const name = line.slice(at, nameEnd).toLowerCase()
      const argument = readArgument(trimBlanks(`=${line.slice(nameEnd, end)}`).slice(1))
      const others = found.get(name)
      if (others === undefined) found.set(name, [argument])
      else others.push(argument)
    }
    at = end
  }
}

const COMMA = 44
const SEMICOLON = 59
const QUOTE = 34
const BACKSLASH = 92

const isBlank = (code: number): boolean => code === SP || code === HTAB

/**
 * A semicolon separates as well: it has no meaning here, and `no-store; max-age=0` means what it says. Taken for a part
 * of the argument, it would hide what stands behind it.
 */
const isSeparator = (code: number): boolean => code === COMMA || code === SEMICOLON

function tokenEnd(line: string, start: number): number {
  let at = start
  while (at < line.length && line.charCodeAt(at) < 128 && (CLASS[line.charCodeAt(at)] & TOKEN) !== 0) at++
  return at
}

/** Where an element ends: at the next separator outside of quoted strings (RFC 9110 §5.6.4). */
function elementEnd(line: string, start: number, quotesEnd: number): number {
  let quoted = false
  for (let at = start; at < line.length; at++) {
    const code = line.charCodeAt(at)
    if (quoted && code === BACKSLASH) at++
    else if (code === QUOTE && at <= quotesEnd) quoted = !quoted
    else if (!quoted && isSeparator(code)) return at
  }
  return line.length
}

/**
 * The place of the last quote that closes a string, or -1: a quote behind it is never closed and hides nothing, so
 * that `foo="x, no-store` does not lose the no-store. Found once a line, which keeps the time linear.
 */
function lastClosedQuote(line: string): number {
  let quoted = false
  let last = -1
  for (let at = 0; at < line.length; at++) {
    const code = line.charCodeAt(at)
    if (quoted && code === BACKSLASH) at++
    else if (code === QUOTE) {
      if (quoted) last = at
      quoted = !quoted
    }
  }
  return last
}

/** `rest`: all that stands behind the name. Both forms are accepted for every directive (RFC 9111 §5.2). */
function readArgument(rest: string): string | null {
  if (rest === '') return null
  if (rest.charCodeAt(0) === 61) {
    const value = rest.slice(1)
    if (value !== '' && tokenEnd(value, 0) === value.length) return value
    if (isQuotedString(value)) return value.slice(1, -1).replace(/\\(.)/gs, '$1')
  }
  // White space around "=", text behind a quoted string, nothing at all: not in the grammar.
  return `=${rest}`
}

function isQuotedString(text: string): boolean {
  if (text.length < 2 || text.charCodeAt(0) !== QUOTE) return false
  let at = 1
  while (at < text.length && text.charCodeAt(at) !== QUOTE) at += text.charCodeAt(at) === BACKSLASH ? 2 : 1
  return at === text.length - 1
}

/** RFC 9111 §1.2.2: digits only, at most SECONDS_MAX; null for anything else (negative, a fraction, blanks, nothing). */
export function deltaSeconds(text: string | null): number | null {
  return text !== null && /^\d+$/.test(text) ? Math.min(Number(text), SECONDS_MAX) : null
}

/**
 * Seconds that a response says; null: not said. RFC 9111 §4.2.1: of several the first; and 0 when the first is no
 * number, or a later one is none or less, so that it is never taken for longer than any of them says.
 */
export function secondsOf(directives: Directives, name: string): number | null {
  const texts = directives.get(name)
  if (texts === undefined) return null
  const numbers = texts.map(deltaSeconds)
  const first = numbers[0] ?? 0
  return numbers.every(each => each !== null && each >= first) ? first : 0
}

/** Without these fields the rest could not be understood, or would be given to the wrong one. */
const NEEDED: ReadonlySet<string> = new Set(['content-encoding', 'content-range', 'vary'])

/**
 * What `private` or `no-cache` speak of (RFC 9111 §5.2.2.4, §5.2.2.7): null: not said; 'all': the response; else
 * lower-case names of fields, which cannot be stored. An argument that is no list of names restricts the whole; so does
 * one that is missing, or names a field that the rest cannot do without.
 */
export function restricted(directives: Directives, name: string): 'all' | readonly string[] | null {
  const lists = directives.get(name)
  if (lists === undefined) return null
  const names: string[] = []
  for (const list of lists) {
    const fields = (list ?? '').split(',').map(trimBlanks)
    const there = fields.filter(field => field !== '')
    if (there.length === 0 || there.some(field => tokenEnd(field, 0) !== field.length)) return 'all'
    for (const field of there) names.push(field.toLowerCase())
  }
  return names.some(name => NEEDED.has(name)) ? 'all' : names
}

/** True when a directive that allows something is written without argument, as it is defined (§5.2). */
export const allows = (directives: Directives, name: string): boolean =>
  directives.get(name)?.every(argument => argument === null) ?? false

/** What a request asks of caches (RFC 9111 §5.2.1, Pragma §5.4). Seconds; null: not said. */
export interface RequestDirectives {
  readonly noCache: boolean
  readonly noStore: boolean
  readonly onlyIfCached: boolean
  readonly maxAgeS: number | null
  /** Infinity: any staleness. */
  readonly maxStaleS: number | null
  readonly minFreshS: number | null
  /** RFC 5861 §4: how stale an answer may be in the place of an error. */
  readonly staleIfErrorS: number | null
}

export const NO_DIRECTIVES: RequestDirectives = {
  noCache: false,
  noStore: false,
  onlyIfCached: false,
  maxAgeS: null,
  maxStaleS: null,
  minFreshS: null,
  staleIfErrorS: null,
}

const CACHE_CONTROL_ID = idOf('cache-control')
const PRAGMA_ID = idOf('pragma')
const NAMES = [
  'no-cache',
  'no-store',
  'only-if-cached',
  'max-age',
  'max-stale',
  'min-fresh',
  'stale-if-error',
]

/** `NO_DIRECTIVES` itself when the request says nothing. */
export function requestDirectives(headers: HeaderList): RequestDirectives {
  if ((headers.mask & (CACHE_CONTROL | PRAGMA)) === 0) return NO_DIRECTIVES
  const controlled = (headers.mask & CACHE_CONTROL) !== 0
  const found = parseCacheControl(headers.known(controlled ? CACHE_CONTROL_ID : PRAGMA_ID))
  // RFC 9111 §5.4: Pragma is what was said before there was Cache-Control, and knows one directive.
  if (!controlled) return found.has('no-cache') ? { ...NO_DIRECTIVES, noCache: true } : NO_DIRECTIVES
  if (!NAMES.some(name => found.has(name))) return NO_DIRECTIVES
  return {
    noCache: found.has('no-cache'),
    noStore: found.has('no-store'),
    onlyIfCached: found.has('only-if-cached'),
    // `max-age=-1` and the like are meant to say "nothing old".
    maxAgeS: secondsOf(found, 'max-age'),
    maxStaleS: maxStaleOf(found.get('max-stale')),
    minFreshS: found.has('min-fresh') ? mostOf(found.get('min-fresh')) : null,
    staleIfErrorS: secondsOf(found, 'stale-if-error'),
  }
}

/** RFC 9111 §5.2.1.2: without a value any staleness will do. The least of several; what is no number allows nothing. */
function maxStaleOf(texts: readonly (string | null)[] | undefined): number | null {
  if (texts === undefined) return null
  let least = Number.POSITIVE_INFINITY
  for (const text of texts) least = Math.min(least, text === null ? least : (deltaSeconds(text) ?? -1))
  return least < 0 ? null : least
}

/** RFC 9111 §5.2.1.3: the most of several; what is no number asks for nothing. */
function mostOf(texts: readonly (string | null)[] | undefined): number | null {
  const numbers = (texts ?? []).map(deltaSeconds).filter(number => number !== null)
  return numbers.length === 0 ? null : numbers.reduce((a, b) => Math.max(a, b))
}
