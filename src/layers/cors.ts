/**
 * The layer that tells browsers which pages of other origins may use this one: CORS, by the Fetch standard
 * (https://fetch.spec.whatwg.org/#http-cors-protocol).
 * Strategy: what can be said is put together once. A preflight is answered here; every other answer, those with
 * which the proxy tells of a fault too, gets the fields on its way out, and loses those of the upstream: with two
 * of a kind a browser believes neither. This keeps pages from reading answers, not clients from asking.
 */
import { allInClass, TOKEN } from '../base/ascii.ts'
import { ProxyError } from '../base/errors.ts'
import type { Exchange, Reply } from '../exchange/exchange.ts'
import { fixedAnswer, sendFixed } from '../exchange/fixed-answer.ts'
import type { Handler, Layer } from '../exchange/handler.ts'
import { PassingReply } from '../exchange/passing-reply.ts'
import type { HeaderList } from '../http/header-list.ts'
import { listHas } from '../http/hop-by-hop.ts'
import type { ResponseHead } from '../http/message.ts'

export interface CorsOptions {
  /** `https://app.example.com`, `https://*.example.com` (every name below it), or `*` for every origin. */
  readonly origins: readonly string[]
  /** What a preflight allows; CORS_DEFAULTS when left out. */
  readonly methods?: readonly string[]
  /** Request fields that a preflight allows, beside those that need no leave. */
  readonly headers?: readonly string[]
  /** Fields of answers that pages may read, beside those that need no leave. */
  readonly expose?: readonly string[]
  /** Pages may ask with cookies and credentials. */
  readonly credentials?: boolean
  /** How long a browser may remember a preflight; its own default when left out. */
  readonly maxAgeSeconds?: number
}

/** Methods that a page may use without a preflight. */
export const CORS_DEFAULTS = { methods: ['GET', 'HEAD', 'POST'], credentials: false } as const

type Fields = readonly (readonly [string, string])[]

const EVERY = '*'
/** An upstream that says something else would contradict us. */
const OWN_FIELDS: ReadonlySet<string> = new Set([
  'access-control-allow-origin',
  'access-control-allow-credentials',
  'access-control-allow-methods',
  'access-control-allow-headers',
  'access-control-expose-headers',
  'access-control-max-age',
])

/** Throws Error, with a message for the writer of the configuration. */
export function corsLayer(options: CorsOptions): Layer {
  const rules = compile(options)
  return next => new CorsHandler(rules, next)
}

interface Rules {
  /** Null: the origin is not allowed. Else what Access-Control-Allow-Origin says. */
  readonly allowedOrigin: (origin: string) => string | null
  /** The answer is the same for every origin. */
  readonly same: boolean
  /** Behind Access-Control-Allow-Origin: for answers and for preflights. */
  readonly answerFields: Fields
  readonly preflightFields: Fields
}

class CorsHandler implements Handler {
  readonly #rules: Rules
  readonly #next: Handler

  constructor(rules: Rules, next: Handler) {
    this.#rules = rules
    this.#next = next
  }

  handle(exchange: Exchange): void {
    const { method, headers } = exchange.request
    const origin = headers.get('Origin')
    const asked = method === 'OPTIONS' && origin !== null && headers.has('Access-Control-Request-Method')
    if (asked) this.#preflight(exchange, origin)
    else {
      exchange.reply = new CorsReply(exchange.reply, this.#rules, this.#fieldsFor(origin))
      this.#next.handle(exchange)
    }
  }

  #fieldsFor(origin: string | null): Fields {
    // The same for all: then it is said to all, so that one stored answer serves them.
    const allowed = this.#rules.same ? EVERY : origin === null ? null : this.#rules.allowedOrigin(origin)
    return allowed === null ? [] : [['Access-Control-Allow-Origin', allowed], ...this.#rules.answerFields]
  }

  #preflight(exchange: Exchange, origin: string): void {
    const allowed = this.#rules.allowedOrigin(origin)
    if (allowed === null) {
      const error = new ProxyError('origin_not_allowed', '', {
        logDetail: `The origin is ${origin.slice(0, ORIGIN_CHARS_SHOWN)}.`,
      })
      exchange.reply.fail(error.withFields([['Vary', PREFLIGHT_VARY]]))
      return
    }
    const fields: Fields = [['Access-Control-Allow-Origin', allowed], ...this.#rules.preflightFields]
    sendFixed(exchange.reply, fixedAnswer('OPTIONS', 204, fields, NO_BODY))
  }
}

/** Of an origin that is not allowed, in the log. */
const ORIGIN_CHARS_SHOWN = 200
const NO_BODY = Buffer.alloc(0)
const PREFLIGHT_VARY = 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers'

class CorsReply extends PassingReply {
  readonly #rules: Rules
  readonly #fields: Fields

  constructor(next: Reply, rules: Rules, fields: Fields) {
    super(next)
    this.#rules = rules
    this.#fields = fields
  }

  override head(head: ResponseHead): void {
    const { headers } = head
    headers.removeAll(OWN_FIELDS)
    for (const [name, value] of this.#fields) headers.add(name, value)
    if (!this.#rules.same) addVary(headers)
    this.next.head(head)
  }

  /** A page that may read answers may read what went wrong too. */
  override fail(error: ProxyError): void {
    const vary: Fields = this.#rules.same ? [] : [['Vary', 'Origin']]
    this.next.fail(error.withFields([...this.#fields, ...vary]))
  }
}

/** RFC 9110 §12.5.5: caches must know that another origin gets another answer, and one without an origin too. */
function addVary(headers: HeaderList): void {
  const vary = headers.get('Vary')
  if (vary === null || !(listHas(vary, '*') || listHas(vary, 'origin'))) headers.add('Vary', 'Origin')
}

function compile(options: CorsOptions): Rules {
  const { origins, headers = [], expose = [] } = options
  const { methods = CORS_DEFAULTS.methods, credentials = CORS_DEFAULTS.credentials, maxAgeSeconds } = options
  const every = origins.includes(EVERY)
  if (every && credentials)
    throw new Error('cors: origins: ["*"] and credentials: true exclude each other: name the origins')
  checkTokens('methods', methods, credentials)
  checkTokens('headers', headers, credentials)
  checkTokens('expose', expose, credentials)
  const allowCredentials: Fields = credentials ? [['Access-Control-Allow-Credentials', 'true']] : []
  const listField = (name: string, values: readonly string[]): Fields =>
    values.length === 0 ? [] : [[name, values.join(', ')]]
  return {
    allowedOrigin: every ? () => EVERY : originMatcher(origins),
    same: every,
    answerFields: [...allowCredentials, ...listField('Access-Control-Expose-Headers', expose)],
    preflightFields: [
      ...allowCredentials,
      ...listField('Access-Control-Allow-Methods', methods),
      ...listField('Access-Control-Allow-Headers', headers),
      ...listField('Access-Control-Max-Age', maxAgeSeconds === undefined ? [] : [String(maxAgeSeconds)]),
      ['Vary', PREFLIGHT_VARY],
    ],
  }
}

function checkTokens(field: string, values: readonly string[], credentials: boolean): void {
  for (const value of values) {
    if (value === '' || !allInClass(value, TOKEN))
      throw new Error(`cors: ${field}: ${JSON.stringify(value)} is not a name`)
    // Fetch takes a * literally when a request has credentials, so it would allow nothing.
    if (value === EVERY && credentials)
      throw new Error(`cors: ${field}: "*" means nothing with credentials: true: write the names`)
  }
}

/** Whole labels in front of a wildcard's name: nothing that could end a host and begin another. */
const LABELS = /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/

function originMatcher(origins: readonly string[]): (origin: string) => string | null {
  for (const origin of origins) checkOrigin(origin)
  const exact = new Set(origins.filter(origin => !origin.includes('*')))
  const wild = origins
    .filter(origin => origin.includes('*'))
    .map(origin => origin.split('*') as [before: string, after: string])
  const below = (origin: string): boolean =>
    wild.some(
      ([before, after]) =>
        origin.length > before.length + after.length &&
        origin.startsWith(before) &&
        origin.endsWith(after) &&
        LABELS.test(origin.slice(before.length, -after.length)),
    )
  return origin => (exact.has(origin) || below(origin) ? origin : null)
}

/** Origins are compared letter by letter, so one that no browser would send so is a fault. Throws Error. */
export function checkOrigin(written: string): void {
  if (written === EVERY) return
  const quoted = JSON.stringify(written)
  if (written === 'null')
    throw new Error('"null" is the origin of every sandboxed page and local file: it cannot be allowed')
  const example = written.replace('//*.', '//below.')
  const url = URL.canParse(example) ? new URL(example) : null
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:'))
    throw new Error(`${quoted} is not an origin: write for example "https://app.example.com"`)
  if (example.includes('*'))
    throw new Error(
      `${quoted}: a * stands for whole names in front: write for example "https://*.example.com"`,
    )
  const origin = url.origin.replace('//below.', example === written ? '//below.' : '//*.')
  if (origin !== written) throw new Error(`${quoted} is not an origin as browsers send it: write "${origin}"`)
}
