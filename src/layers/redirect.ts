/**
 * A route that sends the client elsewhere.
 * Strategy: the template is taken apart once; what is put together per request are literals of the template, a
 * checked host, pieces of a checked target, and anything else percent-encoded: no line end can get into Location,
 * and nothing but the template says which host it names.
 */
import { ProxyError } from '../base/errors.ts'
import type { Exchange } from '../exchange/exchange.ts'
import { fixedAnswer, sendFixed } from '../exchange/fixed-answer.ts'
import type { Handler } from '../exchange/handler.ts'
import { compileUrl, type Template, variablesOf } from './template.ts'

export interface RedirectOptions {
  /**
   * Where to: `https://host/…` or `/…` or `{path}…`, with the variables of requests (template.ts). The query goes
   * along only where `{query}` or `{uri}` stands.
   */
  readonly to: string
  readonly status: RedirectStatus
}

// RFC 9110 §15.4: the redirections that name one place to go.
const STATUSES = [301, 302, 303, 307, 308] as const
export type RedirectStatus = (typeof STATUSES)[number]

// A reference that begins like this keeps the host of the request, if only it does not begin with two slashes.
const RELATIVE = /^(?:\/(?!\/)|\{path\}|\{uri\})/
const ABSOLUTE = /^[a-z][a-z0-9+.-]*:\/\/(?:[^/?{]|\{host\})/i
/** What may stand in the host of a template: anything else a client could choose freely. */
const OF_AUTHORITY: ReadonlySet<string> = new Set(['host', 'port', 'path', 'query', 'uri'])

export class RedirectHandler implements Handler {
  readonly #status: RedirectStatus
  readonly #location: string | Template
  readonly #relative: boolean
  readonly #needsHost: boolean

  /** Throws Error, with a message for the writer of the configuration, for a status or template that cannot be used. */
  constructor(options: RedirectOptions) {
    const template = options.to
    if (!STATUSES.includes(options.status))
      throw new Error(`redirect: the status is one of ${STATUSES.join(', ')}, not ${options.status}`)
    this.#relative = RELATIVE.test(template)
    if (!this.#relative && !ABSOLUTE.test(template))
      throw new Error(
        `redirect: "${options.to}" must begin with https:// and a host, with "/" or with "{path}"`,
      )
    this.#status = options.status
    this.#location = compileTarget(template)
    this.#needsHost = template.includes('{host}')
  }

  handle(exchange: Exchange): void {
    if (this.#needsHost && exchange.host === '') {
      exchange.reply.fail(new ProxyError('missing_host', 'This redirect is made out of the host.'))
      return
    }
    const location = this.#place(exchange)
    const fields = [
      ['Location', location],
      ['Content-Type', 'text/plain; charset=utf-8'],
    ] as const
    // RFC 9110 §15.4: a short note with the new place, for those who do not follow by themselves.
    const note = Buffer.from(`This is now at ${location}\n`, 'latin1')
    sendFixed(exchange.reply, fixedAnswer(exchange.request.method, this.#status, fields, note))
  }

  #place(exchange: Exchange): string {
    const location = typeof this.#location === 'string' ? this.#location : this.#location(exchange, 0)
    // RFC 3986 §4.2: a reference that begins with two slashes names a host, and the path is the client's to choose:
    // `//evil.example` must not lead there. Browsers take backslashes for slashes.
    return this.#relative ? location.replace(/^[/\\]{2,}/, '/') : location
  }
}

function compileTarget(template: string): string | Template {
  checkAuthority(template)
  try {
    return compileUrl(template)
  } catch (error) {
    throw new Error(`redirect: ${(error as Error).message}`)
  }
}

function checkAuthority(template: string): void {
  const authority = /^[^/?#{]*:\/\/([^/?#]*)/.exec(template)?.[1] ?? ''
  const steering = variablesOf(authority).find(name => !OF_AUTHORITY.has(name))
  if (steering !== undefined)
    throw new Error(`redirect: {${steering}} would let the client choose the host: put a "/" in front of it`)
}
