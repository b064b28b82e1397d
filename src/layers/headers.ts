/**
 * The layer that sets, adds and removes fields of requests and answers.
 * Strategy: edits are checked once, when the layer is built; a request that has nothing edited on the way back
 * keeps its plain reply.
 */
import type { ProxyError } from '../base/errors.ts'
import type { Source } from '../base/flow.ts'
import type { Exchange, Reply } from '../exchange/exchange.ts'
import type { Handler, Layer } from '../exchange/handler.ts'
import { HeaderList } from '../http/header-list.ts'
import type { ResponseHead } from '../http/message.ts'
import { readHost } from '../http/request-target.ts'

/** Names in any case. Applied in this order: remove, set (one field instead of all of that name), add. */
export interface HeaderEdits {
  readonly set?: Readonly<Record<string, string>>
  readonly add?: Readonly<Record<string, string>>
  readonly remove?: readonly string[]
}

export interface HeadersOptions {
  readonly request?: HeaderEdits
  /** Applied to final answers, not to interim ones (1xx) and not to error answers of the proxy itself. */
  readonly response?: HeaderEdits
}

/** Fields that say where a message ends or what becomes of its connection: only the proxy writes them. */
const OWN_FIELDS: ReadonlySet<string> = new Set([
  'connection',
  'transfer-encoding',
  'content-length',
  'keep-alive',
  'te',
  'trailer',
  'upgrade',
  'proxy-connection',
])

/** Throws Error, with a message for the writer of the configuration, when an edit is not one that can be made. */
export function headersLayer(options: HeadersOptions): Layer {
  const request = compileEdits(options.request, 'request')
  const response = compileEdits(options.response, 'response')
  return next => (request === null && response === null ? next : new HeadersHandler(request, response, next))
}

/** Throws Error unless a configuration may write this field. */
export function checkField(name: string, value: string): void {
  try {
    HeaderList.from([[name, value]])
  } catch (error) {
    throw new Error(`header ${JSON.stringify(name)}: ${(error as ProxyError).message}`)
  }
  if (OWN_FIELDS.has(name.toLowerCase()))
    throw new Error(`header "${name}": the proxy itself writes this field, because it frames messages`)
}

interface CompiledEdits {
  readonly remove: readonly string[]
  readonly set: readonly (readonly [string, string])[]
  readonly add: readonly (readonly [string, string])[]
}

function compileEdits(edits: HeaderEdits | undefined, side: 'request' | 'response'): CompiledEdits | null {
  const remove = edits?.remove ?? []
  const set = Object.entries(edits?.set ?? {})
  const add = Object.entries(edits?.add ?? {})
  if (remove.length + set.length + add.length === 0) return null
  for (const name of remove) checkField(name, '')
  for (const [name, value] of [...set, ...add]) checkField(name, value)
  if (side === 'request') checkHostEdits(remove, set, add)
  return { remove, set, add }
}

function checkHostEdits(
  remove: readonly string[],
  set: CompiledEdits['set'],
  add: CompiledEdits['add'],
): void {
  const isHost = (name: string) => name.toLowerCase() === 'host'
  // RFC 9112 §3.2: a request has exactly one Host field, and a valid one.
  if (remove.some(isHost) || add.some(([name]) => isHost(name)))
    throw new Error('header "Host": a request needs exactly one; it can be set, not added or removed')
  for (const [name, value] of set) {
    if (!isHost(name)) continue
    try {
      if (readHost(value).host !== '') continue
    } catch {}
    throw new Error(`header "Host": ${JSON.stringify(value)} is not a host with an optional port`)
  }
}

function applyEdits(headers: HeaderList, edits: CompiledEdits): void {
  for (const name of edits.remove) headers.remove(name)
  for (const [name, value] of edits.set) headers.set(name, value)
  for (const [name, value] of edits.add) headers.add(name, value)
}

class HeadersHandler implements Handler {
  readonly #request: CompiledEdits | null
  readonly #response: CompiledEdits | null
  readonly #next: Handler

  constructor(request: CompiledEdits | null, response: CompiledEdits | null, next: Handler) {
    this.#request = request
    this.#response = response
    this.#next = next
  }

  handle(exchange: Exchange): void {
    if (this.#request !== null) applyEdits(exchange.request.headers, this.#request)
    if (this.#response !== null) exchange.reply = new EditingReply(exchange.reply, this.#response)
    this.#next.handle(exchange)
  }
}

class EditingReply implements Reply {
  readonly #next: Reply
  readonly #edits: CompiledEdits

  constructor(next: Reply, edits: CompiledEdits) {
    this.#next = next
    this.#edits = edits
  }

  open(source: Source): void {
    this.#next.open(source)
  }

  early(head: ResponseHead): void {
    this.#next.early(head)
  }

  head(head: ResponseHead): void {
    applyEdits(head.headers, this.#edits)
    this.#next.head(head)
  }

  data(chunk: Buffer): boolean {
    return this.#next.data(chunk)
  }

  trailers(fields: HeaderList): void {
    this.#next.trailers(fields)
  }

  end(): void {
    this.#next.end()
  }

  fail(error: ProxyError): void {
    this.#next.fail(error)
  }
}
