/**
 * Reads answers and requests as they stand on a wire, for the model of the cache.
 */
import type { Fields } from './cache-world.ts'

export interface ReadHead {
  readonly line: string
  readonly fields: Map<string, string>
  /** What comes behind it. */
  readonly rest: string
}

/** Names in lower case; null: not whole yet. */
export function readHead(text: string): ReadHead | null {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return null
  const [line, ...lines] = text.slice(0, end).split('\r\n')
  const fields = new Map<string, string>()
  for (const each of lines) {
    const colon = each.indexOf(':')
    const name = each.slice(0, colon).toLowerCase()
    const before = fields.get(name)
    const value = each.slice(colon + 1).trim()
    fields.set(name, before === undefined ? value : `${before}, ${value}`)
  }
  return { line, fields, rest: text.slice(end + 4) }
}

export interface ReadAnswer {
  readonly status: number
  readonly fields: Fields
  readonly body: string
  /** As long as it says it is. */
  readonly whole: boolean
  /** Nothing more comes. */
  readonly over: boolean
}

/** Null: not even its head is there. `ended`: the connection is. */
export function readAnswer(text: string, method: string, ended: boolean): ReadAnswer | null {
  const head = readHead(text)
  if (head === null) {
    if (ended) throw new Error(`the connection ended in a head: ${text}`)
    return null
  }
  const { fields, rest } = head
  const status = Number(head.line.split(' ')[1])
  const told = (body: string, whole: boolean): ReadAnswer => ({
    status,
    fields,
    body,
    whole,
    over: whole || ended,
  })
  if (method === 'HEAD' || status === 204 || status === 304) return told(rest, true)
  const length = fields.get('content-length')
  if (length !== undefined) return told(rest, rest.length >= Number(length))
  if (fields.get('transfer-encoding') === undefined) return told(rest, ended)
  let body = ''
  for (let at = 0; ; ) {
    const lineEnd = rest.indexOf('\r\n', at)
    if (lineEnd < 0) return told(body, false)
    const bytes = Number.parseInt(rest.slice(at, lineEnd), 16)
    if (bytes === 0) return told(body, rest.length >= lineEnd + 4)
    body += rest.slice(lineEnd + 2, lineEnd + 2 + bytes)
    at = lineEnd + bytes + 4
    if (at > rest.length) return told(body, false)
  }
}
