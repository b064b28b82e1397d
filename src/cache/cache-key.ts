/**
 * The key of a resource: its URI in one spelling (RFC 9111 §2, RFC 3986 §6.2), and what the config adds.
 * Strategy: an ordinary target is put behind its host and is the key; only one with a "%" in it, or under a config that
 * leaves parameters out, is taken apart. Two spellings are made one only where the standard says that they are; all
 * else that may be alike to some server and different to another stays apart (dot segments, `%2F`, parameters of paths,
 * capitals, `?` with nothing behind it). Apart costs a miss; together, one client chooses what others are given.
 */
import { ProxyError } from '../base/errors.ts'
import type { HeaderList } from '../http/header-list.ts'
import { trimBlanks } from '../http/header-list.ts'
import { readTarget } from '../http/request-target.ts'
import type { KeyOptions } from './options.ts'

let lastHost = ''
let lastPort = ''
let lastPrefix = 'http://:80'

/** `http://host:port/path?query`; the port is always there. Only what is equivalent under RFC 3986 §6.2.2 is made one: %7e and ~, %c3 and %C3, letters of the host. */
export function cacheKey(host: string, port: string, target: string, options: KeyOptions): string {
  if (host !== lastHost || port !== lastPort) {
    lastHost = host
    lastPort = port
    // RFC 9110 §4.2.3: no port is port 80.
    lastPrefix = `http://${host}:${port === '' ? '80' : port}`
  }
  const path = target.includes('%') ? oneSpelling(target) : target
  if (options.query === 'all' && !options.sortQuery) return lastPrefix + path
  const kept = withQueryOf(path, options)
  // A "%" that encodes nothing may have been in what is left out.
  return lastPrefix + (kept === path || !kept.includes('%') ? kept : oneSpelling(kept))
}

const TRIPLET = /%[0-9A-Fa-f]{2}/g
const BROKEN_TRIPLET = /%(?![0-9A-Fa-f]{2})/
/** A dot segment (RFC 3986 §3.3) with a dot of it encoded. */
const ENCODED_DOTS = /\/(?:%2e|\.%2e|%2e\.|%2e%2e)(?=[/?;]|$)/i

/** RFC 3986 §6.2.2.1, §6.2.2.2: triplets in capitals, unreserved characters as themselves. */
function oneSpelling(target: string): string {
  // A "%" that encodes nothing could become a triplet by what is decoded behind it: `%%412` is not `%A2`.
  if (BROKEN_TRIPLET.test(target)) return target
  // Some servers climb for `/../` and not for `/%2e%2e/`: what they answer to one is no answer to the other.
  const unreserved = ENCODED_DOTS.test(target) ? /[\w\-~]/ : /[\w\-.~]/
  return target.replace(TRIPLET, triplet => {
    const char = String.fromCharCode(Number.parseInt(triplet.slice(1), 16))
    return unreserved.test(char) ? char : triplet.toUpperCase()
  })
}

function withQueryOf(target: string, options: KeyOptions): string {
  const mark = target.indexOf('?')
  if (mark === -1) return target
  const path = target.slice(0, mark)
  if (options.query === 'none') return path
  const query = target.slice(mark + 1)
  // Some servers take ";" for "&" (`skipped=1;kept=2`): where they would cut cannot be known, so all of it counts.
  if (query.includes(';')) return target
  const { query: rule } = options
  const all = query.split('&')
  const kept = rule === 'all' ? all : all.filter(each => counts(nameOf(each), rule))
  if (options.sortQuery) sortByName(kept)
  return kept.length === 0 ? path : `${path}?${kept.join('&')}`
}

const nameOf = (parameter: string): string => {
  const equals = parameter.indexOf('=')
  return equals === -1 ? parameter : parameter.slice(0, equals)
}

type QueryRule = Exclude<KeyOptions['query'], string>

/**
 * Whether a parameter belongs to the key. Who leaves out one that the server reads lets each client choose what the
 * others get; so `without` leaves out what is spelled as the config has it and nothing else, and `only` keeps all that
 * some server may take for a name in it.
 */
function counts(name: string, rule: QueryRule): boolean {
  if (name === '') return false
  return 'without' in rule
    ? !rule.without.has(name)
    : rule.only.has(name) || namesOf(rule.only).has(loose(name))
}

const remembered = new WeakMap<ReadonlySet<string>, ReadonlySet<string>>()

function namesOf(names: ReadonlySet<string>): ReadonlySet<string> {
  const known = remembered.get(names)
  if (known !== undefined) return known
  const found = new Set(Array.from(names, loose))
  remembered.set(names, found)
  return found
}

/**
 * A name as the most generous of servers reads it: decoded, without regard to case, up to a bracket or a NUL, blanks
 * around it cut off, all that is neither letter nor digit alike (PHP reads `a.b[c]` as `a_b`). Names that differ here
 * are different to every server.
 */
function loose(name: string): string {
  if (PLAIN_NAME.test(name)) return name
  // One character a byte, as what is decoded: a name of a config may hold any character.
  const bytes = Buffer.from(name.replaceAll('+', ' '), 'utf8').toString('latin1')
  const decoded = bytes.replace(TRIPLET, triplet =>
    String.fromCharCode(Number.parseInt(triplet.slice(1), 16)),
  )
  const [base] = decoded.trim().split(/[[\0]/, 1)
  return base.toLowerCase().replace(/[^a-z0-9]/g, '_')
}

const PLAIN_NAME = /^[a-z0-9_]*$/

/** By what servers may take for the name: those of one name keep their order, which says what they mean. */
function sortByName(parameters: string[]): void {
  if (parameters.length < 2) return
  const named = parameters.map(text => ({ text, name: loose(nameOf(text)) }))
  named.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
  for (const [i, { text }] of named.entries()) parameters[i] = text
}

/** Values of the fields and cookies that belong to the key, so written that no two requests are mixed up; '' when there are none. */
export function keyExtras(request: HeaderList, options: KeyOptions): string {
  if (options.headers.length === 0 && options.cookies.length === 0) return ''
  return [
    ...options.headers.map(name => name + quoted(fieldLines(request, name))),
    ...options.cookies.map(name => `cookie ${name}${quoted(cookiePairs(request, name))}`),
  ].join(' ')
}

/** `="x"` each: what stands between quotes cannot end them, so however many there are, each list is written its own way. */
const quoted = (values: readonly string[]): string =>
  values.map(value => `=${JSON.stringify(value)}`).join('')

/**
 * The values of a field, joined as every recipient may join them (RFC 9110 §5.3). Servers that hand fields on as
 * variables (CGI) read `X_Lang` as `X-Lang`: such lines count too, with their names.
 */
function fieldLines(request: HeaderList, name: string): string[] {
  const value = request.get(name)
  const values = value === null ? [] : [value]
  if (!name.includes('-') || !UNDERSCORED_NAME.test(request.text)) return values
  const plain = name.toLowerCase()
  for (const [other, text] of request.entries()) {
    const lower = other.toLowerCase()
    if (lower !== plain && lower.replaceAll('_', '-') === plain) values.push(`${lower}: ${text}`)
  }
  return values
}

const UNDERSCORED_NAME = /^[^:\r\n]*_/m

/**
 * All pairs that some server may take for this cookie, as they stand: with several of one name, which counts differs
 * from server to server, and so do the separators they know.
 */
function cookiePairs(request: HeaderList, name: string): string[] {
  const wanted = loose(name)
  return request
    .getAll('cookie')
    .flatMap(field => field.split(/[;,]/))
    .map(trimBlanks)
    .filter(pair => pair !== '' && loose(nameOf(pair)) === wanted)
}

/**
 * The key of an absolute URL, or of a reference as it stands in Location, seen from a resource (its key, or any other
 * absolute URL); null when it is of another origin or not http.
 */
export function keyOfReference(reference: string, base: string, options: KeyOptions): string | null {
  const absolute = resolved(reference, base)
  if (absolute === null) return null
  const there = urlOf(absolute)
  const here = urlOf(base)
  // RFC 9110 §4.3.1: scheme, host and port.
  const isSameOrigin = there !== null && here !== null && there.host === here.host && there.port === here.port
  return isSameOrigin ? cacheKey(there.host, there.port, there.path, options) : null
}

interface HttpUrl {
  readonly host: string
  readonly port: string
  readonly path: string
}

function urlOf(text: string): HttpUrl | null {
  try {
    const target = readTarget('GET', text)
    if (target.form !== 'absolute') return null
    return { host: target.host, port: target.port === '' ? '80' : target.port, path: target.path }
  } catch (error) {
    if (error instanceof ProxyError) return null
    throw error
  }
}

/** RFC 3986 §5.2.2, without the fragment; null when the base has no authority or the text holds what no URI does. */
function resolved(reference: string, base: string): string | null {
  // What clients do with a raw byte in a reference; other characters come from nowhere.
  if (/[^\0-\xff]/.test(reference)) return null
  const text = reference.replace(/#.*$/s, '').replace(/[^!-~]/g, encoded)
  const match = /^([a-z]+:\/\/[^/?]*)([^?]*)(\?.*)?$/i.exec(base)
  if (match === null) return null
  const [, origin, basePath, baseQuery = ''] = match
  if (/^[a-z][a-z0-9+.-]*:/i.test(text)) return withoutDots(text)
  if (text.startsWith('//')) return withoutDots(`http:${text}`)
  if (text.startsWith('/')) return withoutDots(origin + text)
  if (text === '') return origin + basePath + baseQuery
  if (text.startsWith('?')) return origin + basePath + text
  return withoutDots(`${origin}${basePath.slice(0, basePath.lastIndexOf('/') + 1) || '/'}${text}`)
}

const encoded = (char: string): string => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`

/** RFC 3986 §5.2.4, for the path of an absolute URL. */
function withoutDots(url: string): string {
  const match = /^([a-z]+:\/\/[^/?]*)(\/[^?]*)(\?.*)?$/i.exec(url)
  if (match === null || !match[2].includes('/.')) return url
  const kept: string[] = []
  const segments = match[2].slice(1).split('/')
  for (const [i, segment] of segments.entries()) {
    const isDots = segment === '.' || segment === '..'
    if (segment === '..') kept.pop()
    if (!isDots) kept.push(segment)
    // A path that ends in dots is that of a folder.
    else if (i === segments.length - 1) kept.push('')
  }
  return `${match[1]}/${kept.join('/')}${match[3] ?? ''}`
}
