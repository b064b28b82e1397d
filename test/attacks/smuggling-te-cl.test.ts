/**
 * TE.CL smuggling. The other way round: the proxy goes by the chunks and an origin goes by the length. What must
 * hold: a chunked request that the proxy accepts reaches the origin with one framing, written by the proxy, and
 * nothing of the body is ever left over on the connection.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertRefused, attack } from '../support/attack.ts'
import { chunk } from '../support/requests.ts'

const HIDDEN = 'GET /hidden HTTP/1.1\r\nHost: test.example\r\nX: '
const head = (fields: string) => `POST / HTTP/1.1\r\nHost: test.example\r\n${fields}\r\n`
const LAST = 'GET /last HTTP/1.1\r\nHost: test.example\r\nConnection: close\r\n\r\n'

test('chunks beside a short length: refused', async t => {
  const bytes = `${head('Transfer-Encoding: chunked\r\nContent-Length: 4\r\n')}${chunk(HIDDEN)}${chunk('')}`
  assertRefused(await attack(t, bytes))
})

test('a request inside a chunk stays a body', async t => {
  const { lines, bodies, statuses, origin } = await attack(
    t,
    `${head('Transfer-Encoding: chunked\r\n')}${chunk(HIDDEN)}${chunk('')}${LAST}`,
  )
  assert.deepEqual(statuses, [200, 200])
  assert.deepEqual(lines, ['POST / HTTP/1.1', 'GET /last HTTP/1.1'])
  assert.deepEqual(bodies, [HIDDEN, ''])
  assert.deepEqual(origin.requests.all[0].fields.all('Transfer-Encoding'), ['chunked'])
  assert.deepEqual(origin.requests.all[0].fields.all('Content-Length'), [])
})

test('a length among the trailers frames nothing', async t => {
  const { lines, bodies, origin } = await attack(
    t,
    `${head('Transfer-Encoding: chunked\r\n')}${chunk('body')}0\r\nContent-Length: 40\r\nTransfer-Encoding: x\r\n\r\n${LAST}`,
  )
  assert.deepEqual(lines, ['POST / HTTP/1.1', 'GET /last HTTP/1.1'])
  assert.deepEqual(bodies, ['body', ''])
  assert.deepEqual((await origin.requests.all[0].content()).trailers.lines, [])
})

test('a GET with a body keeps its body to itself', async t => {
  const bytes = `GET / HTTP/1.1\r\nHost: test.example\r\nContent-Length: ${HIDDEN.length}\r\n\r\n${HIDDEN}${LAST}`
  const { lines, bodies } = await attack(t, bytes)
  assert.deepEqual(lines, ['GET / HTTP/1.1', 'GET /last HTTP/1.1'])
  assert.deepEqual(bodies, [HIDDEN, ''])
})

test('a body that an early answer leaves unread is never taken for a request', async t => {
  const hidden = `GET /hidden HTTP/1.1\r\nHost: test.example\r\n\r\n`
  const { lines, statuses } = await attack(
    t,
    `${head(`Content-Length: ${hidden.length}\r\n`)}${hidden}${LAST}`,
    { routes: upstream => [{ methods: ['GET'], handler: upstream }] },
  )
  assert.deepEqual(statuses, [404, 200])
  assert.deepEqual(lines, ['GET /last HTTP/1.1'])
})
