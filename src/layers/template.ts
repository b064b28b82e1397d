/**
 * Texts of a config with `{variables}` in them: field values, redirect targets, rewritten targets, bodies.
 * Strategy: a text is taken apart once, at the start; one without variables stays a plain string, and who uses it
 * pays nothing. A variable is written as the place allows (`Escape`), so that nothing a client sends leaves its place.
 */
import { allInClass, TOKEN } from '../base/ascii.ts'
import { systemClock } from '../base/clock.ts'
import { escapeHtml } from '../base/html.ts'
import type { Exchange } from '../exchange/exchange.ts'
import { pathOf, queryOf } from '../http/request-target.ts'
import { reasonOf } from '../http/status.ts'

/** `status` is that of the answer, 0 while there is none. */
export type Template = (exchange: Exchange, status: number) => string

interface Variable {
  /** For the documents. */
  readonly words: string
  /** True when it is known only once there is an answer. */
  readonly ofAnswer?: true
  /** True when it stands in a URL as it is: its characters were checked when the request was read. */
  readonly ofUrl?: true
  /** Name behind the dot, or '' for a variable that has none. */
  readonly argument?: true
  readonly value: (exchange: Exchange, status: number, argument: string) => string
}

/** RFC 9110 §4.2.1: without a port it is 80. */
const HTTP_PORT = '80'

/** All variables, by name. */
export const VARIABLES: Readonly<Record<string, Variable>> = {
  client: {
    words: 'Address of the client: of the peer, or what a trusted proxy said; nothing on a unix socket.',
    value: exchange => exchange.clientAddress,
  },
  host: {
    words: 'Host of the request in lower case, without port.',
    ofUrl: true,
    value: exchange => exchange.host,
  },
  port: {
    words: 'Port that the client wrote behind the host; 80 when it wrote none.',
    ofUrl: true,
    value: exchange => exchange.hostPort || HTTP_PORT,
  },
  method: { words: 'Method of the request.', value: exchange => exchange.request.method },
  path: {
    words: 'Path of the request as it came, without query.',
    ofUrl: true,
    value: exchange => pathOf(exchange.request.target),
  },
  query: {
    words: 'Query as it came, with its question mark; nothing when there is none.',
    ofUrl: true,
    value: exchange => queryOf(exchange.request.target),
  },
  uri: {
    words: 'Path and query as they came.',
    ofUrl: true,
    value: ({ request }) => pathOf(request.target) + queryOf(request.target),
  },
  header: {
    words: 'A field of the request by its name; several joined by commas, nothing when there is none.',
    argument: true,
    value: (exchange, _status, name) => exchange.request.headers.get(name) ?? '',
  },
  cookie: {
    words: 'A cookie of the request by its name, letters exactly; nothing when there is none.',
    argument: true,
    value: (exchange, _status, name) => cookieOf(exchange.request.headers.get('Cookie') ?? '', name),
  },
  id: { words: 'Number of the exchange in this process.', value: exchange => String(exchange.id) },
  time: {
    words: 'Time of day in UTC: 2026-01-02T03:04:05.678Z.',
    value: () => new Date(systemClock.wallMs()).toISOString(),
  },
  upstream: {
    words: 'host:port of the server that was asked last; nothing when none was.',
    ofAnswer: true,
    value: exchange => exchange.notes.upstream,
  },
  status: { words: 'Status of the answer.', ofAnswer: true, value: (_exchange, status) => String(status) },
  reason: {
    words: 'What the status is called.',
    ofAnswer: true,
    value: (_exchange, status) => reasonOf(status),
  },
  error: {
    words: 'Code of the error table; nothing when nothing went wrong in the proxy.',
    ofAnswer: true,
    value: exchange => exchange.notes.error?.code ?? '',
  },
}

/** How the value of a variable is written in its place. `text`: as it is, where nothing can be broken by it. */
export type Escape = 'text' | 'url' | 'html' | 'json'

const WRITE: Readonly<Record<Escape, (value: string) => string>> = {
  text: value => value,
  // RFC 3986 §2.3: everything but unreserved characters is encoded, so it stays within its segment or parameter.
  url: value => encodeURIComponent(value).replace(/[!'()*]/g, char => `%${hex(char, 2).toUpperCase()}`),
  html: escapeHtml,
  // Also inside of a script element, where "</script>" would end it.
  json: value =>
    JSON.stringify(value)
      .slice(1, -1)
      .replace(/[<>&\x7f-\x9f\u2028\u2029]/g, char => `\\u${hex(char, 4)}`),
}

const hex = (char: string, digits: number): string => char.charCodeAt(0).toString(16).padStart(digits, '0')

/**
 * `{{`, or a variable. A brace in front of anything that is no name is a brace: `{"json":1}`, `body { margin: 0 }`.
 * The character class excludes what would end it, so it is read in one pass.
 */
const PIECE = /\{\{|\{([A-Za-z][^{}\s:;,"'()]*)\}/g

/** `text` of a config, compiled. Throws Error for a variable that is not known in this place. */
export function compileTemplate(
  text: string,
  side: 'request' | 'response',
  escaping: Escape,
): string | Template {
  const parts: (string | Template)[] = []
  let plain = ''
  let end = 0
  for (const match of text.matchAll(PIECE)) {
    plain += text.slice(end, match.index)
    end = match.index + match[0].length
    if (match[1] === undefined) plain += '{'
    else {
      parts.push(plain, compileVariable(match[1], side, escaping))
      plain = ''
    }
  }
  plain += text.slice(end)
  if (parts.length === 0) return plain
  parts.push(plain)
  return joinParts(parts.filter(part => part !== ''))
}

/** One function for the usual templates, so that they build no list. */
function joinParts(parts: readonly (string | Template)[]): string | Template {
  if (parts.length === 1) return parts[0]
  return (exchange, status) => {
    let text = ''
    for (const part of parts) text += typeof part === 'string' ? part : part(exchange, status)
    return text
  }
}

function compileVariable(name: string, side: 'request' | 'response', escaping: Escape): Template {
  const fault = variableFault(name, side)
  if (fault !== null) throw new Error(fault)
  const dot = name.indexOf('.')
  const argument = dot === -1 ? '' : name.slice(dot + 1)
  const { value, ofUrl } = VARIABLES[dot === -1 ? name : name.slice(0, dot)]
  const write = WRITE[escaping === 'url' && ofUrl ? 'text' : escaping]
  if (write === WRITE.text) return (exchange, status) => value(exchange, status, argument)
  return (exchange, status) => write(value(exchange, status, argument))
}

/** Names that variables of this side can have, as they are written. */
export function variableNames(side: 'request' | 'response'): string[] {
  return Object.entries(VARIABLES)
    .filter(([, variable]) => side === 'response' || !variable.ofAnswer)
    .map(([name, variable]) => (variable.argument ? `${name}.NAME` : name))
}

/** Why a variable cannot stand on this side, or null. */
export function variableFault(name: string, side: 'request' | 'response'): string | null {
  const [, word, argument] = /^([^.]*)(?:\.(.*))?$/s.exec(name) as RegExpExecArray
  const known = Object.hasOwn(VARIABLES, word) ? VARIABLES[word] : null
  if (known === null || (known.argument === undefined && argument !== undefined))
    return `{${name}} is not a variable: there are ${variableNames(side).join(', ')}; a brace itself is "{{"`
  if (known.ofAnswer && side === 'request')
    return `{${name}} is known only once there is an answer: take it out`
  if (known.argument && !allInClass(argument ?? '', TOKEN))
    return `{${name}} names no ${word}: write {${word}.NAME}`
  return null
}

/** The variables that a text holds, as they are written between the braces. */
export function variablesOf(text: string): string[] {
  return [...text.matchAll(PIECE)].flatMap(match => match[1] ?? [])
}

/** What a text holds beside its variables. */
export function literalOf(text: string): string {
  return text.replace(PIECE, (_whole, name?: string) => (name === undefined ? '{' : ''))
}

/**
 * A URL or a target: pieces of the request's target go in as they came, anything else percent-encoded. `?{query}`
 * means the same as `{query}`; `&{query}` goes on a query that the text has begun. Throws Error.
 */
export function compileUrl(text: string): string | Template {
  const literal = literalOf(text)
  if (/[{}]/.test(literal))
    throw new Error(`a brace opens a variable such as {path}: write "%7B" and "%7D" for the signs themselves`)
  if (/[^!-~]/.test(literal))
    throw new Error(`"${literal}" has a character that an address holds percent-encoded only`)
  const parts = text
    .replaceAll('?{query}', '{query}')
    .split('&{query}')
    .map(piece => compileTemplate(piece, 'request', 'url'))
  if (parts.length === 1) return parts[0]
  return exchange => {
    const query = queryOf(exchange.request.target).replace('?', '&')
    return parts.map(part => (typeof part === 'string' ? part : part(exchange, 0))).join(query)
  }
}

/** How variables are written in content of this type; null where there is no way that is safe. */
export function escapingFor(contentType: string): Escape | null {
  const type = contentType.split(';')[0].trim().toLowerCase()
  if (/^text\/html$|[/+]xml$/.test(type)) return 'html'
  if (/[/+]json$/.test(type)) return 'json'
  return type === 'text/plain' || type === 'text/markdown' ? 'text' : null
}

/** The same for a whole body. Throws Error for variables in content that cannot hold them safely. */
export function compileBody(text: string, contentType: string): string | Template {
  const escaping = escapingFor(contentType)
  const body = compileTemplate(text, 'response', escaping ?? 'text')
  if (escaping !== null || typeof body === 'string') return body
  throw new Error(
    `variables can stand in plain text, HTML, XML and JSON, not in "${contentType}", where nobody knows how to escape them`,
  )
}

/** RFC 6265 §4.2.1: `name=value` pairs between semicolons; the first of the name counts. */
function cookieOf(field: string, name: string): string {
  for (const pair of field.split(';')) {
    const equals = pair.indexOf('=')
    if (equals !== -1 && pair.slice(0, equals).trim() === name) return pair.slice(equals + 1).trim()
  }
  return ''
}
