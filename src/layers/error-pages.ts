/**
 * The layer that puts pages of the config in the place of 4xx and 5xx answers: those of servers and those that the
 * proxy makes itself.
 * Strategy: the head of an answer decides. One that stays is passed on as it is; in the place of the others a fixed
 * answer goes out at once, and the content that nobody will read is read off the server's connection as long as
 * it is small, so that the connection is kept.
 */
import { ProxyError } from '../base/errors.ts'
import type { Source } from '../base/flow.ts'
import { errorFields } from '../exchange/error-fields.ts'
import type { Exchange, Reply } from '../exchange/exchange.ts'
import { fixedAnswer, sendFixed } from '../exchange/fixed-answer.ts'
import type { Handler, Layer } from '../exchange/handler.ts'
import { NO_PREFERENCE, preferenceFor, readAccept } from '../http/accept.ts'
import { CONTENT_LENGTH, idOf } from '../http/field-names.ts'
import type { HeaderList } from '../http/header-list.ts'
import type { ResponseHead } from '../http/message.ts'
import { checkField } from './headers.ts'
import { compileBody, escapingFor, type Template } from './template.ts'

export interface ErrorPage {
  /** Text may hold variables (template.ts) where its type can be escaped; bytes are sent as they are. */
  readonly body: string | Buffer
  /** `text/html; charset=utf-8`. */
  readonly contentType: string
  /** In the place of the status that the answer had; 200 to 599, one that has content. */
  readonly status?: number
  /** Beside the fields of the answer that stay, or in their place. */
  readonly headers?: Readonly<Record<string, string>>
  /** True: only for clients whose Accept takes the type of the page. */
  readonly onlyIfAccepted?: boolean
}

/** By status, `404`, or by kind, `4xx` and `5xx`. */
export type ErrorPages = Readonly<Record<string, ErrorPage>>

/** Content of a replaced answer that is read and thrown away for the sake of its connection. */
const DROPPED_BYTES_MAX = 65_536
/** A longer Accept is not read: who asks in vain shall not cost much. */
const ACCEPT_LENGTH_MAX = 2048
const CONTENT_LENGTH_ID = idOf('content-length')

/**
 * Fields about the content that goes: the representation's (RFC 9110 §8, all of Content-* among them), what may be
 * asked of it (§14.3) and how long it may be kept (RFC 9111 §5). Everything else stays, because it is about the
 * request or the client: WWW-Authenticate and Allow must (RFC 9110 §15.5.2, §15.5.6), Retry-After and Set-Cookie as well.
 */
const OF_CONTENT: ReadonlySet<string> = new Set([
  'etag',
  'last-modified',
  'accept-ranges',
  'expires',
  'age',
  'pragma',
  'surrogate-control',
  'digest',
  'repr-digest',
  'link',
  'refresh',
  'trailer',
  'x-content-type-options',
])

/** RFC 9213 §2: `CDN-Cache-Control` and its like count before Cache-Control, and would let a page be kept all the same. */
const isOfContent = (name: string): boolean =>
  name.startsWith('content-') || name.endsWith('cache-control') || OF_CONTENT.has(name)

/** Throws Error, with a message for the writer of the configuration, for a page that cannot be sent. */
export function errorPagesLayer(pages: ErrorPages): Layer {
  const byStatus = new Map(Object.entries(pages).map(([key, page]) => [readKey(key), compilePage(key, page)]))
  return next => (byStatus.size === 0 ? next : new ErrorPagesHandler(byStatus, next))
}

/** `404` → 404, `4xx` → 4. */
function readKey(key: string): number {
  if (!/^[45](?:\d\d|xx)$/.test(key))
    throw new Error(`errorPages: "${key}" is neither a status from 400 to 599 nor "4xx" nor "5xx"`)
  return Number(key.replace('xx', ''))
}

type PagesByStatus = ReadonlyMap<number, Page>

interface Page {
  readonly status: number
  readonly body: Buffer | Template
  readonly type: string
  readonly fields: readonly (readonly [string, string])[]
  /** Names in `fields`, in lower case. */
  readonly names: ReadonlySet<string>
  readonly onlyIfAccepted: boolean
}

function compilePage(key: string, page: ErrorPage): Page {
  const { status = 0, headers = {}, contentType, onlyIfAccepted = false } = page
  const wrong = !Number.isInteger(status) || status < 200 || status > 599
  if (status !== 0 && (wrong || status === 204 || status === 205 || status === 304))
    throw new Error(
      `errorPages: ${status} for "${key}" is no status from 200 to 599 that has content: write for example 200`,
    )
  const given = Object.entries(headers)
  for (const [name, value] of given) checkField(name, value)
  const type = given.find(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? contentType
  const own = [
    ['Content-Type', type],
    ['Cache-Control', 'no-store'],
    ['X-Content-Type-Options', 'nosniff'],
  ].filter(([name]) => !given.some(([other]) => other.toLowerCase() === name.toLowerCase()))
  const fields = [...own, ...given] as [string, string][]
  return {
    status,
    body: compileContent(page.body, type),
    type: type.split(';')[0].trim().toLowerCase(),
    fields,
    names: new Set(fields.map(([name]) => name.toLowerCase())),
    onlyIfAccepted,
  }
}

function compileContent(body: string | Buffer, type: string): Buffer | Template {
  if (typeof body !== 'string' && escapingFor(type) === null) return body
  const written = String(body)
  const text = compileBody(written, type)
  if (typeof text !== 'string') return text
  // Bytes without variables go out as they came: they may be in another charset.
  return typeof body !== 'string' && text === written ? body : Buffer.from(text)
}

class ErrorPagesHandler implements Handler {
  readonly #pages: PagesByStatus
  readonly #next: Handler

  constructor(pages: PagesByStatus, next: Handler) {
    this.#pages = pages
    this.#next = next
  }

  handle(exchange: Exchange): void {
    exchange.reply = new PagesReply(exchange, exchange.reply, this.#pages)
    this.#next.handle(exchange)
  }
}

class PagesReply implements Reply {
  readonly #exchange: Exchange
  readonly #next: Reply
  readonly #pages: PagesByStatus
  #state: 'waiting' | 'passing' | 'replaced' = 'waiting'
  /** Where the answer comes from, until its head has decided. */
  #source: Source | null = null
  #droppedBytes = 0

  constructor(exchange: Exchange, next: Reply, pages: PagesByStatus) {
    this.#exchange = exchange
    this.#next = next
    this.#pages = pages
  }

  open(source: Source): void {
    if (this.#state === 'waiting') this.#source = source
  }

  early(head: ResponseHead): void {
    if (this.#state === 'waiting') this.#next.early(head)
  }

  head(head: ResponseHead): void {
    const page = head.status < 400 ? null : this.#pageFor(head.status)
    if (page === null || !this.#suits(page)) {
      // RFC 9110 §12.5.5: that it is not the page was the doing of Accept.
      if (page !== null) head.headers.add('Vary', 'Accept')
      this.#pass(head)
      return
    }
    this.#state = 'replaced'
    const large =
      (head.headers.mask & CONTENT_LENGTH) !== 0 &&
      head.headers.firstKnownNumber(CONTENT_LENGTH_ID) > DROPPED_BYTES_MAX
    if (large && this.#exchange.request.method !== 'HEAD') this.#cancel()
    this.#send(page, head.status, stayingFields(head.headers, page))
  }

  #pass(head: ResponseHead): void {
    this.#state = 'passing'
    if (this.#source !== null) this.#next.open(this.#source)
    this.#source = null
    this.#next.head(head)
  }

  data(chunk: Buffer): boolean {
    if (this.#state !== 'replaced') return this.#next.data(chunk)
    this.#droppedBytes += chunk.length
    if (this.#droppedBytes > DROPPED_BYTES_MAX) this.#cancel()
    return true
  }

  trailers(fields: HeaderList): void {
    if (this.#state !== 'replaced') this.#next.trailers(fields)
  }

  end(): void {
    if (this.#state !== 'replaced') this.#next.end()
    this.#source = null
  }

  fail(error: ProxyError): void {
    // In the place of a replaced answer a whole page has gone out already.
    if (this.#state === 'replaced') return
    const page = this.#state === 'waiting' ? this.#pageFor(error.row.status) : null
    if (page === null || !this.#suits(page)) {
      this.#next.fail(error)
      return
    }
    this.#state = 'replaced'
    this.#exchange.notes.error = error
    const staying = errorFields(error).filter(([name]) => !page.names.has(name.toLowerCase()))
    this.#send(page, error.row.status, staying)
  }

  #pageFor(status: number): Page | null {
    return this.#pages.get(status) ?? this.#pages.get(Math.floor(status / 100)) ?? null
  }

  #suits({ onlyIfAccepted, type }: Page): boolean {
    if (!onlyIfAccepted) return true
    const accept = this.#exchange.request.headers.get('Accept')
    const ranges = accept === null || accept.length > ACCEPT_LENGTH_MAX ? NO_PREFERENCE : readAccept(accept)
    return preferenceFor(ranges, type).weight > 0
  }

  #send(page: Page, status: number, staying: readonly (readonly [string, string])[]): void {
    const shown = page.status || status
    const body = Buffer.isBuffer(page.body) ? page.body : Buffer.from(page.body(this.#exchange, status))
    const fields = [...staying, ...page.fields]
    if (page.onlyIfAccepted) fields.push(['Vary', 'Accept'])
    sendFixed(this.#next, fixedAnswer(this.#exchange.request.method, shown, fields, body))
  }

  /** The server need not go on. */
  #cancel(): void {
    const source = this.#source
    this.#source = null
    source?.cancel(new ProxyError('internal', 'Its answer was replaced by a page.'))
  }
}

function stayingFields(headers: HeaderList, page: Page): [string, string][] {
  return headers.entries().filter(([name]) => {
    const lower = name.toLowerCase()
    return !isOfContent(lower) && !page.names.has(lower)
  })
}
