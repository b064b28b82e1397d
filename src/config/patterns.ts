/**
 * What routes and layers are told about requests: hosts, paths, methods, fields, redirect targets.
 * Strategy: one check a kind; each throws a RangeError whose message says what to write instead. What passes
 * here is in the one spelling that the router compares.
 */
import { allInClass, isFieldValue, TOKEN } from '../base/ascii.ts'
import { BoundedRegex } from '../base/bounded-regex.ts'
import type { ProxyError } from '../base/errors.ts'
import { parseIp } from '../base/ip.ts'
import { comparablePath } from '../http/request-target.ts'
import { checkField } from '../layers/headers.ts'
import { RedirectHandler } from '../layers/redirect.ts'
import { variableFault, variableNames, variablesOf } from '../layers/template.ts'
import { isHostName } from './addresses.ts'
import { NGINX_VARIABLE } from './habits.ts'
import { nearest } from './nearest.ts'
import { messageOf } from './problems.ts'

/**
 * `shop.example.com`, `*.example.com`, `127.0.0.1`, `[::1]`, each with or without `:port`; `*` is every host.
 * @throws RangeError
 */
export function checkHostPattern(text: string): void {
  if (text === '*') return
  if (text.includes('/'))
    throw new RangeError(
      `${quote(text)} is more than a host: write only the name, for example "${barely(text)}"`,
    )
  if (/[\^$()|\\~]/.test(text))
    throw new RangeError(
      `${quote(text)}: hosts are compared as names, not as regular expressions: write "shop.example.com" or "*.example.com"`,
    )
  if (text === '_') throw new RangeError('"_" is no host: leave host out to take every host')
  if (/^\.[^.*:]/.test(text))
    throw new RangeError(
      `${quote(text)}: write ["${text.slice(1)}", "*${text}"] for the name and all below it`,
    )
  const match = /^(\*\.)?(\[[^\]]*\]|[^:]*)(?::([0-9]+))?$/.exec(text)
  if (!match) throw notAHost(text)
  const [, star, name, port] = match
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535)) {
    throw new RangeError(`${quote(text)}: a port is a number from 1 to 65535`)
  }
  if (name.includes('*'))
    throw new RangeError(
      `${quote(text)}: a star stands for whole labels at the start only: write "*.example.com"`,
    )
  if (name.endsWith('.')) throw new RangeError(`${quote(text)}: write the host without the dot at its end`)
  if (/[^\0-\x7f]/.test(name) && URL.canParse(`http://${name}`)) {
    throw new RangeError(
      `${quote(text)}: write the host as it stands in requests: "${star ?? ''}${new URL(`http://${name}`).hostname}"`,
    )
  }
  const isAddress = name.startsWith('[') ? parseIp(name.slice(1, -1)) !== null : parseIp(name) !== null
  if (star === undefined ? !isAddress && !isHostName(name) : !isHostName(name)) throw notAHost(text)
}

/**
 * `/exact` or `/prefix/*`, written as the router compares it: no dot segments, no needless percent-encoding.
 * `*` and `/*` are every path.
 * @throws RangeError
 */
export function checkPathPattern(text: string): void {
  if (text === '*' || text === '/*') return
  if (/^[~^]|\.\*/.test(text))
    throw new RangeError(
      `${quote(text)}: paths are compared as text, not as regular expressions: write "/exact" or "/folder/*"`,
    )
  if (!text.startsWith('/'))
    throw new RangeError(`${quote(text)}: a path begins with a slash: write "/${text}"`)
  if (/[?#]/.test(text))
    throw new RangeError(
      `${quote(text)}: routes look at the path only: write ${quote(text.replace(/[?#].*$/s, ''))}`,
    )
  const path = text.endsWith('/*') ? text.slice(0, -1) : text
  if (path.includes('*'))
    throw new RangeError(
      `${quote(text)}: a star stands only at the end, behind a slash: write "${text.replace(/\/?\*.*$/s, '')}/*"`,
    )
  const better = comparable(path, text)
  if (better !== path)
    throw new RangeError(
      `${quote(text)}: requests are compared in the form ${quote(better + text.slice(path.length))}: write that`,
    )
}

function comparable(path: string, text: string): string {
  try {
    return comparablePath(path)
  } catch (error) {
    throw new RangeError(`${quote(text)}: ${(error as ProxyError).detail}`)
  }
}

/** @throws RangeError */
export function checkMethod(text: string): void {
  if (!allInClass(text, TOKEN))
    throw new RangeError(`${quote(text)} is not a method: write for example "GET"`)
  if (text !== text.toUpperCase())
    throw new RangeError(`${quote(text)}: methods are told apart by case: write "${text.toUpperCase()}"`)
  if (text === 'CONNECT') throw new RangeError('"CONNECT" is not served by a reverse proxy: take it out')
}

/** @throws RangeError */
export function checkFieldName(text: string): void {
  if (!allInClass(text, TOKEN)) {
    throw new RangeError(
      `${quote(text)} is not a header name: letters, digits and "-", for example "x-served-by"`,
    )
  }
  if (messageOf(() => checkField(text, '')) === null) return
  throw new RangeError(`"${text}" is written by Sluice itself, as the message needs it: take it out`)
}

/** @throws RangeError */
export function checkFieldValue(text: string): void {
  if (/[\r\n]/.test(text))
    throw new RangeError(`${quote(text)}: a header value holds no line end: write it in one line`)
  if (text !== text.trim())
    throw new RangeError(
      `${quote(text)}: white space around a header value is lost: write ${quote(text.trim())}`,
    )
  if (isFieldValue(text)) return
  throw new RangeError(
    `${quote(text)}: a header value holds printable characters up to U+00FF: percent-encode the others`,
  )
}

/**
 * Text of a config with `{variables}`: those of requests, or also those of answers.
 * @throws RangeError
 */
export function checkVariables(text: string, side: 'request' | 'response'): void {
  for (const name of variablesOf(text)) {
    const message = variableFault(name, side)
    if (message === null) continue
    const [word, ...rest] = name.split('.')
    const known = variableNames(side).map(each => each.replace(/\.NAME$/, ''))
    const guess = message.includes('is not a variable') ? nearest(word, known) : null
    const meant = guess === null ? '' : `{${[guess, ...rest].join('.')}}`
    const fits = guess !== null && variableFault(meant.slice(1, -1), side) === null
    throw new RangeError(
      `${quote(brief(text))}: ${fits ? `{${name}} is not a variable: did you mean ${meant}?` : message}`,
    )
  }
}

/**
 * Where a redirect points: a URL or a path, with the variables of requests.
 * @throws RangeError
 */
export function checkRedirectTarget(text: string): void {
  const [variable] = NGINX_VARIABLE.exec(text) ?? []
  if (variable !== undefined)
    throw new RangeError(`${quote(text)}: ${variable} is not known here: write {host}, {path} or {query}`)
  checkVariables(text, 'request')
  const fault = messageOf(() => new RedirectHandler({ to: text, status: 302 }))
  if (fault === null) return
  const words = fault.replace('redirect: ', '')
  throw new RangeError(
    words.includes(': write ') || words.includes(': put ')
      ? `${quote(text)}: ${words}`
      : `${words}: write for example "https://shop.example.com{path}{query}"`,
  )
}

/**
 * A regular expression that is read in bounded time.
 * @throws RangeError
 */
export function checkRegex(text: string): void {
  const fault = messageOf(() => new BoundedRegex(text))
  if (fault !== null) throw new RangeError(`${quote(brief(text))} ${fault}`)
}

const SHOWN_LENGTH_MAX = 80

/** A text may be a whole page. */
const brief = (text: string): string =>
  text.length <= SHOWN_LENGTH_MAX ? text : `${text.slice(0, SHOWN_LENGTH_MAX - 3)}...`

function notAHost(text: string): RangeError {
  return new RangeError(
    `${quote(text)} is not a host: write for example "shop.example.com", "*.example.com" or "shop.example.com:8443"`,
  )
}

function barely(text: string): string {
  return text.replace(/^[A-Za-z]+:\/\//, '').replace(/\/.*$/s, '') || 'shop.example.com'
}

function quote(text: string): string {
  return JSON.stringify(text)
}
