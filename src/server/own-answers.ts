/**
 * Requests that this proxy answers itself, and those that it cannot serve at all.
 */
import { ProxyError } from '../base/errors.ts'
import { type FixedAnswer, fixedAnswer } from '../exchange/fixed-answer.ts'
import { EXPECT, idOf, MAX_FORWARDS } from '../http/field-names.ts'
import type { RequestHead } from '../http/message.ts'

const EXPECT_ID = idOf('expect')
const MAX_FORWARDS_ID = idOf('max-forwards')
/** Fields that TRACE must not send back: whoever can make a browser send one would read its secrets. */
const SECRET = ['Authorization', 'Proxy-Authorization', 'Cookie']

/** Why the request cannot be served, or null. */
export function unservable(request: RequestHead): ProxyError | null {
  if (request.method === 'CONNECT')
    return new ProxyError('method_not_served', 'CONNECT is for a forward proxy; this is a reverse proxy.')
  // RFC 9110 §10.1.1: an expectation that is not 100-continue may be answered 417; in HTTP/1.0 it is ignored.
  if ((request.headers.mask & EXPECT) === 0 || request.version === 10) return null
  const values = request.headers.known(EXPECT_ID)
  const known = values.length === 1 && values[0].toLowerCase() === '100-continue'
  return known ? null : new ProxyError('unknown_expectation')
}

/**
 * RFC 9110 §7.6.2: Max-Forwards counts only for TRACE and OPTIONS; at 0 the request is answered here, else it
 * goes on with one less. Returns the answer, or null when the request is to go on.
 */
export function ownAnswer(request: RequestHead): FixedAnswer | null {
  if ((request.headers.mask & MAX_FORWARDS) === 0) return null
  if (request.method !== 'TRACE' && request.method !== 'OPTIONS') return null
  const left = request.headers.firstKnown(MAX_FORWARDS_ID) ?? ''
  if (!/^\d{1,9}$/.test(left)) return null
  if (Number(left) > 0) {
    request.headers.set('Max-Forwards', String(Number(left) - 1))
    return null
  }
  return request.method === 'TRACE' ? traceAnswer(request) : optionsAnswer()
}

/** RFC 9110 §9.3.8: the request as it was received, as content of type message/http. */
function traceAnswer(request: RequestHead): FixedAnswer {
  const headers = request.headers.copy()
  for (const name of SECRET) headers.remove(name)
  const version = request.version === 11 ? '1.1' : '1.0'
  const text = `${request.method} ${request.target} HTTP/${version}\r\n${headers.text}\r\n`
  return fixedAnswer('TRACE', 200, [['Content-Type', 'message/http']], Buffer.from(text, 'latin1'))
}

/** RFC 9110 §9.3.7. */
function optionsAnswer(): FixedAnswer {
  return fixedAnswer(
    'OPTIONS',
    200,
    [['Allow', 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, TRACE']],
    Buffer.alloc(0),
  )
}
