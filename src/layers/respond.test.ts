import assert from 'node:assert/strict'
import test from 'node:test'
import type { Exchange } from '../exchange/exchange.ts'
import type { ResponseHead } from '../http/message.ts'
import { RespondHandler, type RespondOptions } from './respond.ts'

/** What the client reads: status line, field lines, empty line, body. */
function answer(options: RespondOptions, method = 'GET'): string {
  const said: string[] = []
  const reply = {
    open() {},
    head: (head: ResponseHead) => void said.push(`${head.status} ${head.reason}\n${head.headers.text}\n`),
    data: (chunk: Buffer) => said.push(String(chunk)) > 0,
    end: () => void said.push('|'),
  }
  // There is no body here to open: the handler must not touch it.
  new RespondHandler(options).handle({
    request: { method, target: '/<a>?"b' },
    reply,
  } as unknown as Exchange)
  return said.join('').replaceAll('\r', '')
}

const PLAIN = 'Content-Type: text/plain; charset=utf-8\n'
const ANSWERS: readonly [method: string, options: RespondOptions, answer: string][] = [
  ['GET', { status: 200, body: 'hello' }, `200 OK\n${PLAIN}Content-Length: 5\n\nhello|`],
  ['POST', { status: 403, body: 'no' }, `403 Forbidden\n${PLAIN}Content-Length: 2\n\nno|`],
  ['HEAD', { status: 200, body: 'hello' }, `200 OK\n${PLAIN}Content-Length: 5\n\n|`],
  [
    'GET',
    { status: 200, body: 'h\u00e9\u{1f600}' },
    `200 OK\n${PLAIN}Content-Length: 7\n\nh\u00e9\u{1f600}|`,
  ],
  ['GET', { status: 404 }, '404 Not Found\nContent-Length: 0\n\n|'],
  ['GET', { status: 204, body: 'x' }, '204 No Content\n\n|'],
  ['GET', { status: 205, body: 'x' }, '205 Reset Content\nContent-Length: 0\n\n|'],
  ['GET', { status: 304, body: 'x', headers: { ETag: '"a"' } }, '304 Not Modified\nETag: "a"\n\n|'],
  ['GET', { status: 599, body: 'x' }, `599 \n${PLAIN}Content-Length: 1\n\nx|`],
  [
    'GET',
    { status: 200, body: '{}', headers: { 'content-type': 'application/json', 'X-A': 'a' } },
    '200 OK\ncontent-type: application/json\nX-A: a\nContent-Length: 2\n\n{}|',
  ],
]

test('fixed answers', () => {
  for (const [method, options, expected] of ANSWERS) assert.equal(answer(options, method), expected)
})

test('variables in the body, escaped as its type asks for', () => {
  const nosniff = 'X-Content-Type-Options: nosniff\n'
  assert.equal(
    answer({ status: 404, body: '{status} {path}' }),
    `404 Not Found\n${PLAIN}${nosniff}Content-Length: 8\n\n404 /<a>|`,
  )
  const html = { 'Content-Type': 'text/html' }
  assert.equal(
    answer({ status: 200, body: '<p>{uri}', headers: html }),
    `200 OK\nContent-Type: text/html\n${nosniff}Content-Length: 21\n\n<p>/&lt;a&gt;?&quot;b|`,
  )
  assert.throws(
    () => new RespondHandler({ status: 200, body: '{path}', headers: { 'Content-Type': 'text/javascript' } }),
    /variables can stand in plain text/,
  )
})

test('what cannot be sent is refused when the handler is built', () => {
  for (const status of [100, 199, 600, 200.5, Number.NaN])
    assert.throws(() => new RespondHandler({ status }), { message: /whole number from 200 to 599/ })
  assert.throws(
    () => new RespondHandler({ status: 200, headers: { 'Content-Length': '3' } }),
    /the proxy itself/,
  )
  assert.throws(() => new RespondHandler({ status: 200, headers: { a: 'b\nc' } }), /control character/)
})
