/**
 * The layer that sets, adds and removes fields of requests and answers.
 * Strategy: edits are checked once, when the layer is built; a request that has nothing edited on the way back
 * keeps its plain reply. Values without variables are put in as they stand; those with variables are checked
 * again each time, because a client has a hand in them.
 */
import { ProxyError } from '../base/errors.ts'
import type { Exchange, Reply } from '../exchange/exchange.ts'
import type { Handler, Layer } from '../exchange/handler.ts'
import { PassingReply } from '../exchange/passing-reply.ts'
import { FORWARDING, recogniseName, UNKNOWN } from '../http/field-names.ts'
import { HeaderList, trimBlanks } from '../http/header-list.ts'
import type { ResponseHead } from '../http/message.ts'
import { readHost } from '../http/request-target.ts'
import { compileTemplate, type Template } from './template.ts'

/**
 * Names in any case. Applied in this order: remove, set (one field instead of all of that name), add. Values may
 * hold variables (template.ts); one that comes out empty because of them sets and adds nothing.
 */
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
  const request = compileEdits(
    only(options.request, name => !isForwarding(name)),
    'request',
  )
  const forwarding = compileEdits(only(options.request, isForwarding), 'request')
  const response = compileEdits(options.response, 'response')
  const idle = request === null && forwarding === null && response === null
  return next => (idle ? next : new HeadersHandler(request, forwarding, response, next))
}

/** Fields about the client: those that came are replaced by lines of our own, so these are what is edited. */
function isForwarding(name: string): boolean {
  const id = recogniseName(name)
  return id !== UNKNOWN && (FORWARDING & (1 << id)) !== 0
}

/** The edits of fields whose names fit. */
function only({ set = {}, add = {}, remove = [] }: HeaderEdits = {}, fits: (name: string) => boolean) {
  const fitting = (fields: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(fields).filter(([name]) => fits(name)))
  return { set: fitting(set), add: fitting(add), remove: remove.filter(fits) }
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

type Side = 'request' | 'response'

interface Field {
  readonly name: string
  readonly id: number
  readonly value: string | Template
}

interface CompiledEdits {
  readonly remove: readonly string[]
  readonly set: readonly Field[]
  readonly add: readonly Field[]
}

function compileEdits(edits: HeaderEdits | undefined, side: Side): CompiledEdits | null {
  const remove = edits?.remove ?? []
  const set = compileFields(edits?.set, side)
  const add = compileFields(edits?.add, side)
  if (remove.length + set.length + add.length === 0) return null
  for (const name of remove) checkField(name, '')
  if (side === 'request') checkHostEdits(remove, set, add)
  return { remove, set, add }
}

function compileFields(fields: Readonly<Record<string, string>> = {}, side: Side): Field[] {
  return Object.entries(fields).map(([name, text]) => {
    checkField(name, text)
    const value = compileValue(name, text, side)
    return { name, id: recogniseName(name), value: typeof value === 'string' ? trimBlanks(value) : value }
  })
}

function compileValue(name: string, text: string, side: Side): string | Template {
  try {
    return compileTemplate(text, side, 'text')
  } catch (error) {
    throw new Error(`header "${name}": ${(error as Error).message}`)
  }
}

const isHost = (name: string): boolean => name.toLowerCase() === 'host'

function checkHostEdits(
  remove: readonly string[],
  set: CompiledEdits['set'],
  add: CompiledEdits['add'],
): void {
  // RFC 9112 §3.2: a request has exactly one Host field, and a valid one.
  if (remove.some(isHost) || add.some(({ name }) => isHost(name)))
    throw new Error('header "Host": a request needs exactly one; it can be set, not added or removed')
  for (const { name, value } of set) {
    if (!isHost(name) || typeof value !== 'string' || isHostValue(value)) continue
    throw new Error(`header "Host": ${JSON.stringify(value)} is not a host with an optional port`)
  }
}

function isHostValue(value: string): boolean {
  try {
    return readHost(value).host !== ''
  } catch {
    return false
  }
}

/** Throws ProxyError when what variables brought cannot stand in its field. */
function applyEdits(headers: HeaderList, edits: CompiledEdits, exchange: Exchange, status: number): void {
  for (const name of edits.remove) headers.remove(name)
  for (const { name, id, value } of edits.set)
    if (typeof value === 'string') headers.setChecked(name, id, value)
    else setVariable(headers, name, value(exchange, status), status)
  for (const { name, id, value } of edits.add)
    if (typeof value === 'string') headers.addChecked(name, id, value)
    else addVariable(headers, name, value(exchange, status))
}

function setVariable(headers: HeaderList, name: string, value: string, status: number): void {
  // A Host that a client has a hand in: RFC 9112 §3.2 asks for a valid one on the way to a server.
  if (status === 0 && isHost(name) && !isHostValue(value))
    throw new ProxyError('bad_host', 'It is made of variables of the request, and came out as no host.')
  if (value === '') headers.remove(name)
  else headers.set(name, value)
}

/** The lines about the client, edited as the fields of a head are. Throws as `applyEdits` does. */
function editedLines(exchange: Exchange, edits: CompiledEdits): string {
  const lines = exchange.forwardedLines.split('\r\n').slice(0, -1)
  const fields = HeaderList.from(
    lines.map(line => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon), line.slice(colon + 1)]
    }),
  )
  applyEdits(fields, edits, exchange, 0)
  return fields.text
}

function addVariable(headers: HeaderList, name: string, value: string): void {
  if (value !== '') headers.add(name, value)
}

class HeadersHandler implements Handler {
  readonly #request: CompiledEdits | null
  readonly #forwarding: CompiledEdits | null
  readonly #response: CompiledEdits | null
  readonly #next: Handler

  constructor(
    request: CompiledEdits | null,
    forwarding: CompiledEdits | null,
    response: CompiledEdits | null,
    next: Handler,
  ) {
    this.#request = request
    this.#forwarding = forwarding
    this.#response = response
    this.#next = next
  }

  handle(exchange: Exchange): void {
    if (this.#request !== null || this.#forwarding !== null) {
      try {
        if (this.#request !== null) applyEdits(exchange.request.headers, this.#request, exchange, 0)
        if (this.#forwarding !== null) exchange.forwardedLines = editedLines(exchange, this.#forwarding)
      } catch (error) {
        if (!(error instanceof ProxyError)) throw error
        exchange.reply.fail(error)
        return
      }
    }
    if (this.#response !== null) exchange.reply = new EditingReply(exchange, exchange.reply, this.#response)
    this.#next.handle(exchange)
  }
}

class EditingReply extends PassingReply {
  readonly #exchange: Exchange
  readonly #edits: CompiledEdits

  constructor(exchange: Exchange, next: Reply, edits: CompiledEdits) {
    super(next)
    this.#exchange = exchange
    this.#edits = edits
  }

  override head(head: ResponseHead): void {
    applyEdits(head.headers, this.#edits, this.#exchange, head.status)
    this.next.head(head)
  }
}
