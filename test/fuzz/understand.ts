/**
 * Everything the program does to understand a request or an answer, as one pure step, in the order of the
 * sessions: head, framing, host and target, what cannot be served.
 */
import type { Framing, Version } from '../../src/http/message.ts'
import { readHost, readTarget } from '../../src/http/request-target.ts'
import { requestFraming, responseFraming } from '../../src/http1/framing.ts'
import { parseRequestHead, parseResponseHead } from '../../src/http1/head-parser.ts'
import { LIMITS } from '../../src/http1/limits.ts'
import { unservable } from '../../src/server/own-answers.ts'

export interface UnderstoodRequest {
  readonly method: string
  readonly target: string
  readonly version: Version
  readonly fields: readonly (readonly [string, string])[]
  readonly framing: Framing
  readonly host: string
  readonly bytes: number
}

/** Null: more bytes are needed. Throws ProxyError for what is refused. */
export function readRequest(
  bytes: Buffer,
  start: number,
  end: number,
  limits = LIMITS,
): UnderstoodRequest | null {
  const head = parseRequestHead(bytes, start, end, limits)
  if (head === null) return null
  const framing = requestFraming(head)
  const named = readHost(head.headers.get('host') ?? '')
  const target = readTarget(head.method, head.target)
  const fault = unservable(head)
  if (fault !== null) throw fault
  return {
    method: head.method,
    target: head.target,
    version: head.version,
    fields: head.headers.entries(),
    framing,
    host: target.form === 'absolute' ? target.host : named.host,
    bytes: head.bytes,
  }
}

export interface UnderstoodResponse {
  readonly status: number
  readonly reason: string
  readonly version: Version
  readonly fields: readonly (readonly [string, string])[]
  readonly framing: Framing
  readonly bytes: number
}

/** The answer to a request with this method. Null: more bytes are needed. Throws ProxyError with a code of the head. */
export function readResponse(
  method: string,
  bytes: Buffer,
  start: number,
  end: number,
  limits = LIMITS,
): UnderstoodResponse | null {
  const head = parseResponseHead(bytes, start, end, limits)
  if (head === null) return null
  const { status, reason, version, headers } = head
  return {
    status,
    reason,
    version,
    fields: headers.entries(),
    framing: responseFraming(head, method),
    bytes: head.bytes,
  }
}
