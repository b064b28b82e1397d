/**
 * What a request is about: its target in one of the four forms (RFC 9112 §3.2), its host, its path.
 * Strategy: almost every target is origin-form, so that form costs one comparison and allocates nothing; hosts
 * are remembered because a client sends the same one again; paths are rewritten only when something in them
 * could be a second spelling.
 */
import { allInClass, TARGET } from '../base/ascii.ts'
import { ProxyError } from '../base/errors.ts'
import { formatIp, parseIp } from '../base/ip.ts'

/** A host as routes compare it, and its port as text. */
export interface HostName {
  /** Lower case, no port, no dot at its end, IPv6 in brackets and in its one spelling; '' when there is none. */
  readonly host: string
  /** '0' to '65535' without leading zeros, or '' when none is written. */
  readonly port: string
}

export interface AbsoluteTarget extends HostName {
  readonly form: 'absolute'
  /** Host and port as written: what the Host field has to say from here on (RFC 9112 §3.2.2). */
  readonly authority: string
  /** What an origin server is asked for: `/path?query`, or `*` for OPTIONS without path and query. */
  readonly path: string
}

export interface AuthorityTarget extends HostName {
  readonly form: 'authority'
  readonly authority: string
}

export type Target =
  | { readonly form: 'origin' }
  | { readonly form: 'asterisk' }
  | AbsoluteTarget
  | AuthorityTarget

const ORIGIN: Target = { form: 'origin' }
const ASTERISK: Target = { form: 'asterisk' }

/**
 * Reads a request target. Origin-form is only recognised: its characters are the caller's to check.
 * Throws ProxyError bad_target, or bad_target_form when the form is not one for this method.
 */
export function readTarget(method: string, target: string): Target {
  if (target.charCodeAt(0) === 0x2f && method !== 'CONNECT') return ORIGIN
  // RFC 9112 §3.2.3: CONNECT takes authority-form and nothing else does.
  if (method === 'CONNECT') return readAuthority(target)
  if (target === '*') {
    // RFC 9112 §3.2.4: asterisk-form is for a server-wide OPTIONS.
    if (method === 'OPTIONS') return ASTERISK
    throw new ProxyError('bad_target_form', 'Only OPTIONS can ask for "*".')
  }
  return readAbsolute(method, target)
}

/** RFC 9112 §3.2.3: `uri-host ":" port`, both of them there. */
function readAuthority(target: string): AuthorityTarget {
  if (target === '*' || target.startsWith('/') || target.includes('://'))
    throw new ProxyError('bad_target_form', 'CONNECT asks for "host:port".')
  const name = parseHost(target)
  if (name === null || name.host === '') throw new ProxyError('bad_target', 'CONNECT asks for "host:port".')
  // RFC 9110 §9.3.6: a CONNECT request with an empty or invalid port is rejected.
  if (name.port === '' || name.port === '0')
    throw new ProxyError('bad_target', 'CONNECT asks for a port, 1 to 65535.')
  return { form: 'authority', authority: target, host: name.host, port: name.port }
}

/** RFC 9112 §3.2.2: a server accepts absolute-form even when it is not asked as a proxy. */
function readAbsolute(method: string, target: string): AbsoluteTarget {
  if (!allInClass(target, TARGET)) throw new ProxyError('bad_target', 'A character in it is not allowed.')
  // RFC 3986 §3.1: schemes are compared without regard to case.
  if (target.slice(0, 7).toLowerCase() !== 'http://') throw notHttp(target)
  const start = pathStart(target, 7)
  const authority = target.slice(7, start)
  // RFC 9110 §4.2.4: userinfo from an untrusted source is an error.
  if (authority.includes('@'))
    throw new ProxyError('bad_target', 'User information before the host is not allowed.')
  const name = parseHost(authority)
  // RFC 9110 §4.2.1: an http URI with an empty host is rejected.
  if (name === null || name.host === '')
    throw new ProxyError('bad_target', 'Its host is missing or not valid.')
  const rest = target.slice(start)
  // RFC 9112 §3.2.4: OPTIONS for a URI without path and query asks for the whole server.
  const path = rest === '' && method === 'OPTIONS' ? '*' : withSlash(rest)
  return { form: 'absolute', authority, host: name.host, port: name.port, path }
}

function notHttp(target: string): ProxyError {
  const colon = target.indexOf(':')
  if (colon > 0 && !target.includes('/') && parseHost(target) !== null)
    return new ProxyError('bad_target_form', 'Only CONNECT asks for "host:port".')
  return new ProxyError('bad_target', 'It begins neither with "/" nor with "http://".')
}

/** RFC 9110 §4.2.3: an empty path is the same as "/". */
const withSlash = (rest: string): string => (rest.charCodeAt(0) === 0x2f ? rest : `/${rest}`)

/** Where the path or the query of an absolute-form target begins, given where its authority does. */
function pathStart(target: string, authorityStart: number): number {
  const slash = target.indexOf('/', authorityStart)
  const query = target.indexOf('?', authorityStart)
  if (slash === -1) return query === -1 ? target.length : query
  return query === -1 || slash < query ? slash : query
}

// RFC 3986 §3.2.2: IP-literal (of which IPvFuture is refused: nobody speaks it), IPv4address or reg-name, then
// RFC 3986 §3.2.3: a port that may be empty. The comma, a sub-delim, is refused too: it is what two Host fields
// joined by a recipient would look like.
const HOST = /^(\[[0-9A-Fa-f:.]+\]|(?:[\w\-.~!$&'()*+;=]|%[0-9A-Fa-f]{2})*)(?::(\d{0,5}))?$/

const NO_HOST: HostName = { host: '', port: '' }

const REMEMBERED_HOSTS_MAX = 256
const REMEMBERED_BYTES_MAX = 255
const remembered = new Map<string, HostName>()
let lastValue = ''
let lastName = NO_HOST

/**
 * Reads a Host field value (RFC 9110 §7.2). Throws ProxyError bad_host.
 * An empty value is valid: RFC 9112 §3.2 has clients send it when the target URI has no authority. RFC 9112 §3.3
 * leaves it to the server what such a request means: here it is one without a host, which only routes that name
 * no host take.
 */
export function readHost(value: string): HostName {
  if (value === lastValue) return lastName
  const name = remembered.get(value) ?? learn(value)
  lastValue = value
  lastName = name
  return name
}

function learn(value: string): HostName {
  const name = parseHost(value)
  if (name === null)
    throw new ProxyError('bad_host', 'Write it as name, name:port, an IPv4 address or [IPv6].')
  if (value.length > REMEMBERED_BYTES_MAX) return name
  // The oldest goes: a client that sends a new host each time costs itself the parsing and nobody memory.
  if (remembered.size >= REMEMBERED_HOSTS_MAX) remembered.delete(remembered.keys().next().value as string)
  remembered.set(ownCopy(value), name)
  return name
}

/** The text may be a slice of a whole request head, and would keep all of it in memory for as long as it is kept. */
const ownCopy = (text: string): string => Buffer.from(text, 'latin1').toString('latin1')

/** Null when it is not `uri-host [ ":" port ]`. */
function parseHost(text: string): HostName | null {
  if (text === '') return NO_HOST
  const match = HOST.exec(text)
  if (match === null) return null
  const host = match[1].startsWith('[') ? canonicalIpv6(match[1]) : canonicalName(match[1])
  // RFC 9110 §4.2.1: a port alone names no server.
  if (host === null || host === '') return null
  const digits = match[2] ?? ''
  const port = digits === '' ? '' : String(Number(digits))
  return port.length === 5 && Number(port) > 65_535 ? null : { host, port }
}

function canonicalIpv6(literal: string): string | null {
  const address = literal.slice(1, -1)
  const bytes = address.includes(':') ? parseIp(address) : null
  if (bytes === null) return null
  return bytes.length === 4 ? `[::ffff:${formatIp(bytes)}]` : `[${formatIp(bytes)}]`
}

/** Lower case, unreserved characters decoded (RFC 9110 §4.2.3), the dot of a fully qualified name removed. */
function canonicalName(name: string): string {
  const decoded = name.includes('%') ? name.replace(/%[0-9A-Fa-f]{2}/g, decodeUnreserved) : name
  const lower = decoded.toLowerCase()
  return ownCopy(lower.endsWith('.') ? lower.slice(0, -1) : lower)
}

function decodeUnreserved(encoded: string): string {
  const char = String.fromCharCode(Number.parseInt(encoded.slice(1), 16))
  return /[\w\-.~]/.test(char) ? char : encoded
}

/** The path as it came, without query; '' for `*` and for authority-form (RFC 9112 §3.3), never '' otherwise. */
export function pathOf(target: string): string {
  const origin = originPart(target)
  const query = origin.indexOf('?')
  return query === -1 ? origin : origin.slice(0, query)
}

/** The query as it came with its "?", or '' when there is none or nothing follows the "?". */
export function queryOf(target: string): string {
  const query = target.indexOf('?')
  return query === -1 || query === target.length - 1 ? '' : target.slice(query)
}

/** Path and query of any form of target. */
function originPart(target: string): string {
  if (target.charCodeAt(0) === 0x2f) return target
  const scheme = target.indexOf('://')
  return scheme === -1 ? '' : withSlash(target.slice(pathStart(target, scheme + 3)))
}

/** What a second spelling is made of: an encoded character, a backslash, a parameter, an empty or dotted segment. */
const ODD = /[%\\;]|[^!-~]|\/[./]/

/**
 * The path of a target in the one spelling that routes are compared in; the server still gets the target as it
 * came. '' for `*` and authority-form, else it begins with "/". Comparing twice changes nothing.
 *
 * - Percent-encoding is undone once, of reserved characters too: `%2F` is a slash and `%2e` a dot, as most servers
 *   take them. What would not be visible ASCII stays encoded in capitals, and so do `%25` and `%3F`, which would
 *   mean something else when read again. A "%" that encodes nothing is an encoded "%".
 * - A backslash is a slash (as for IIS and every browser), several slashes are one.
 * - Parameters are cut off: Java servers (RFC 3986 §3.3 allows it) serve `/admin;x=1/users` as `/admin/users`, so a
 *   route for `/admin/*` has to take it. Servers that do not know parameters lose nothing but routes that differ
 *   in a parameter only.
 * - Dot segments are removed (RFC 3986 §5.2.4), never above the root.
 *
 * Throws ProxyError bad_target for a dot segment with parameters, `/a/..;x/b`, and for ".." in a path with encoded
 * slashes or backslashes, `/a/..%2Fb`: some servers climb there and others do not, so whichever reading is taken,
 * it walks around the routes in front of the other kind.
 */
export function comparablePath(target: string): string {
  const path = pathOf(target)
  return ODD.test(path) ? normalise(path, false) : path
}

/**
 * For servers that are asked below a path of their own: throws ProxyError bad_target when the target climbs above
 * its root, in any spelling, or may do so in the eyes of some server.
 */
export function refuseClimbing(target: string): void {
  const path = pathOf(target)
  if (ODD.test(path)) normalise(path, true)
}

function normalise(path: string, stayBelow: boolean): string {
  const kept: string[] = []
  const hidesSlashes = HIDDEN_SLASH.test(path)
  let open = false
  for (const segment of path.replace(SPELLING, respell).split('/')) {
    const name = withoutParameters(segment)
    // True when nothing follows the last slash, or dots that stand for a folder (RFC 3986 §5.2.4 C).
    open = name === '' || name === '.' || name === '..'
    if (!open) kept.push(name)
    else if (name === '..') {
      if (hidesSlashes) throw new ProxyError('bad_target', 'It climbs ("..") beside an encoded slash.')
      if (kept.pop() === undefined && stayBelow)
        throw new ProxyError('bad_target', 'It climbs ("..") above its root.')
    }
  }
  const joined = `/${kept.join('/')}`
  return open && kept.length > 0 ? `${joined}/` : joined
}

/** What is a slash to some servers and a character of a name to others. */
const HIDDEN_SLASH = /%2f|%5c|\\/i

const SPELLING = /%[0-9A-Fa-f]{2}|[%\\]|[^!-~]/gu

/** One encoded or odd character → the way it is spelled in a comparable path. */
function respell(found: string): string {
  if (found === '\\') return '/'
  if (found === '%') return '%25'
  // Only patterns of a configuration hold such characters: a request target is ASCII.
  if (found[0] !== '%') return encodeURIComponent(found.toWellFormed())
  const char = String.fromCharCode(Number.parseInt(found.slice(1), 16))
  if (char === '\\') return '/'
  return /[^!-~]|[%?]/.test(char) ? found.toUpperCase() : char
}

function withoutParameters(segment: string): string {
  const semicolon = segment.indexOf(';')
  if (semicolon === -1) return segment
  const name = segment.slice(0, semicolon)
  if (name === '.' || name === '..')
    throw new ProxyError(
      'bad_target',
      'A dot segment with parameters means different paths to different servers.',
    )
  return name
}
