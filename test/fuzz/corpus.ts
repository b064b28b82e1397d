/**
 * Whole messages to begin from: what clients and servers really send, and every case of the codec with a body
 * that suits it.
 */
import { BODY_CASES } from './body-cases.ts'
import { REQUEST_CASES } from './request-cases.ts'
import { RESPONSE_CASES, type ResponseCase } from './response-cases.ts'

const lines = (...all: readonly string[]): string => all.join('\r\n')

const REAL_REQUESTS: readonly string[] = [
  lines('GET / HTTP/1.1', 'Host: localhost:8080', 'User-Agent: curl/8.14.1', 'Accept: */*', '', ''),
  lines(
    ...['GET /chairs/oak?page=2 HTTP/1.1', 'Host: shop.example.com', 'Connection: keep-alive'],
    ...['User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36', 'Accept: text/html,*/*;q=0.8'],
    ...['Accept-Encoding: gzip, deflate, br', 'Cookie: a=b; c="d"', 'If-None-Match: "x"', '', ''],
  ),
  lines(
    ...['POST /upload HTTP/1.1', 'Host: shop', 'Content-Type: application/json', 'Content-Length: 13'],
    ...['Connection: close', '', '{"a":"b\xe9\r\n"}'],
  ),
  lines(
    ...['PUT /a HTTP/1.1', 'Host: shop', 'Transfer-Encoding: chunked', 'TE: trailers', 'Connection: TE'],
    ...['Trailer: X-Sum', '', '5', 'hello', '6;x=y', ' world', '0', 'X-Sum: 1', '', ''],
  ),
  lines('GET / HTTP/1.0', '', ''),
  lines('GET / HTTP/1.0', 'Connection: Keep-Alive', '', 'GET /2 HTTP/1.0', 'Connection: Keep-Alive', '', ''),
  lines('PUT /a HTTP/1.1', 'Host: shop', 'Content-Length: 5', 'Expect: 100-continue', '', 'hello'),
  lines('GET http://shop:80/a?b HTTP/1.1', 'Host: shop:80', 'Proxy-Connection: keep-alive', '', ''),
  lines('OPTIONS * HTTP/1.1', 'Host: shop', 'Max-Forwards: 3', '', ''),
  lines('DELETE /a HTTP/1.1', 'Host: [::1]:8080', 'Content-Length: 0', '', ''),
]

const REAL_RESPONSES: readonly string[] = [
  lines(
    ...[
      'HTTP/1.1 200 OK',
      'Server: nginx/1.22.1',
      'Date: Fri, 20 Nov 2026 11:16:02 GMT',
      'Content-Type: text/plain',
    ],
    ...['Content-Length: 5', 'Connection: keep-alive', 'ETag: "x"', 'Accept-Ranges: bytes', '', 'hello'],
  ),
  lines(
    'HTTP/1.1 200 OK',
    'Transfer-Encoding: chunked',
    '',
    '5',
    'hello',
    '6',
    ' world',
    '0',
    'X-Sum: 1',
    '',
    '',
  ),
  lines('HTTP/1.0 200 OK', 'Content-Type: text/html', '', '<p>until the end'),
  lines('HTTP/1.1 301 Moved', 'Location: /x', 'Content-Length: 0', 'Keep-Alive: timeout=5', '', ''),
  lines(
    'HTTP/1.1 103 Early Hints',
    'Link: </a.css>',
    '',
    'HTTP/1.1 200 OK',
    'Content-Length: 5',
    '',
    'hello',
  ),
  lines('HTTP/1.1 103 Early Hints', 'Connection: close', '', 'HTTP/1.1 200 OK', 'Content-Length: 0', '', ''),
  lines('HTTP/1.1 100 Continue', '', 'HTTP/1.1 404 Not Found', 'Transfer-Encoding: chunked', '', '0', '', ''),
  lines('HTTP/1.1 304 Not Modified', 'ETag: "x"', 'Content-Length: 500', '', ''),
  lines('HTTP/1.1 204 No Content', '', ''),
]

const SUITED = 'hello'
const SUITED_CHUNKS = '5\r\nhello\r\n0\r\n\r\n'
const suited = (head: string): string =>
  head +
  (/^transfer-encoding/im.test(head) ? SUITED_CHUNKS : /^content-length: *0*5/im.test(head) ? SUITED : '')

const chunkedBodies = BODY_CASES.filter(({ framing }) => framing.kind === 'chunked').map(({ text }) => text)

/** latin1, one character a byte; the last bytes of a message may be missing. */
export const REQUESTS: readonly string[] = [
  ...REAL_REQUESTS,
  ...REQUEST_CASES.map(({ text }) => suited(text)),
  ...chunkedBodies.map(body =>
    lines('POST / HTTP/1.1', 'Host: shop', 'Transfer-Encoding: chunked', '', body),
  ),
  // What stands behind one message is the beginning of the next, or is it?
  ...REAL_REQUESTS.map(request => request + REAL_REQUESTS[0]),
]

export interface Answer {
  /** Method of the request that is answered. */
  readonly method: string
  readonly text: string
}

const caseAnswer = ({ method, text }: ResponseCase): Answer => ({
  method,
  text: method === 'HEAD' || /^HTTP\/1.1 [23]04/.test(text) ? text : suited(text),
})
const answer = (text: string): Answer => ({ method: 'GET', text })

export const RESPONSES: readonly Answer[] = [
  ...REAL_RESPONSES.map(answer),
  ...RESPONSE_CASES.map(caseAnswer),
  ...chunkedBodies.map(body => answer(lines('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked', '', body))),
]
