/**
 * A route that sends the client elsewhere.
 * Strategy: the template is taken apart once; what is put together per request are literals of the template, a
 * checked host and pieces of a checked target, so no line end can get into Location.
 */
import { ProxyError } from '../base/errors.ts'
import type { Exchange } from '../exchange/exchange.ts'
import { fixedAnswer, sendFixed } from '../exchange/fixed-answer.ts'
import type { Handler } from '../exchange/handler.ts'
import { pathOf, queryOf } from '../http/request-target.ts'

export interface RedirectOptions {
  /**
   * Where to: `https://host/…` or `/…` or `{path}…`, with these placeholders:
   * - `{host}`: host of the request in lower case, without port;
   * - `{path}`: path of the request as it came, without query;
   * - `{query}`: query as it came with its `?`, nothing when there is none. `?{query}` means the same;
   *   `&{query}` goes on a query that the template has begun.
   * The query goes along only where `{query}` stands.
   */
  readonly to: string
  readonly status: RedirectStatus
}

// RFC 9110 §15.4: the redirections that name one place to go.
const STATUSES = [301, 302, 303, 307, 308] as const
export type RedirectStatus = (typeof STATUSES)[number]

type Part = (exchange: Exchange) => string

const PLACEHOLDERS: ReadonlyMap<string, Part> = new Map([
  ['{host}', exchange => exchange.host],
  ['{path}', exchange => pathOf(exchange.request.target)],
  ['{query}', exchange => queryOf(exchange.request.target)],
  ['&{query}', exchange => queryOf(exchange.request.target).replace('?', '&')],
])

// A reference that begins like this keeps the host of the request, if only it does not begin with two slashes.
const RELATIVE = /^(?:\/(?!\/)|\{path\})/
const ABSOLUTE = /^[a-z][a-z0-9+.-]*:\/\/(?:[^/?{]|\{host\})/i

export class RedirectHandler implements Handler {
  readonly #status: RedirectStatus
  readonly #parts: readonly Part[]
  readonly #relative: boolean
  readonly #needsHost: boolean

  /** Throws Error, with a message for the writer of the configuration, for a status or template that cannot be used. */
  constructor(options: RedirectOptions) {
    const template = options.to.replaceAll('?{query}', '{query}')
    if (!STATUSES.includes(options.status))
      throw new Error(`redirect: the status is one of ${STATUSES.join(', ')}, not ${options.status}`)
    this.#relative = RELATIVE.test(template)
    if (!this.#relative && !ABSOLUTE.test(template))
      throw new Error(
        `redirect: "${options.to}" must begin with https:// and a host, with "/" or with "{path}"`,
      )
    this.#status = options.status
    this.#parts = compileTemplate(template)
    this.#needsHost = template.includes('{host}')
  }

  handle(exchange: Exchange): void {
    if (this.#needsHost && exchange.host === '') {
      exchange.reply.fail(new ProxyError('missing_host', 'This redirect is made out of the host.'))
      return
    }
    const location = this.#location(exchange)
    const fields = [
      ['Location', location],
      ['Content-Type', 'text/plain; charset=utf-8'],
    ] as const
    // RFC 9110 §15.4: a short note with the new place, for those who do not follow by themselves.
    const note = Buffer.from(`This is now at ${location}\n`, 'latin1')
    sendFixed(exchange.reply, fixedAnswer(exchange.request.method, this.#status, fields, note))
  }

  #location(exchange: Exchange): string {
    const location = this.#parts.map(part => part(exchange)).join('')
    // RFC 3986 §4.2: a reference that begins with two slashes names a host, and the path is the client's to choose:
    // `//evil.example` must not lead there. Browsers take backslashes for slashes.
    return this.#relative ? location.replace(/^[/\\]{2,}/, '/') : location
  }
}

function compileTemplate(template: string): Part[] {
  const pieces = template.split(/(&\{query\}|\{[^{}]*\})/).filter(piece => piece !== '')
  return pieces.map(piece => PLACEHOLDERS.get(piece) ?? literal(piece))
}

function literal(text: string): Part {
  if (/[{}]/.test(text))
    throw new Error(`redirect: "${text}" is not known; there are {host}, {path} and {query}`)
  if (/[^!-~]/.test(text))
    throw new Error(`redirect: "${text}" has a character that an address holds percent-encoded only`)
  return () => text
}
