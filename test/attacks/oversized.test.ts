/**
 * Too much of everything: targets, fields, names, numbers of fields, methods, versions. Each has a limit and an
 * answer of its own, and what is beyond the limit costs no more memory than the limit.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LIMITS } from '../../src/http1/limits.ts'
import { assertRefused, attack } from '../support/attack.ts'
import { startOrigin } from '../support/origin.ts'
import { startProxy } from '../support/proxy.ts'
import { connect } from '../support/raw-client.ts'
import { request } from '../support/requests.ts'
import { turns } from '../support/wait.ts'

const { headBytesMax, targetBytesMax, fieldsMax } = LIMITS
const close = 'Connection: close\r\n'

const REFUSED: readonly (readonly [string, number, string])[] = [
  ['a target of one byte too many', 414, request(`/${'a'.repeat(targetBytesMax)}`)],
  ['a query of a megabyte', 414, request(`/?${'a'.repeat(1_048_576)}`)],
  ['an absolute target that is too long', 414, request(`http://a/${'a'.repeat(targetBytesMax)}`)],
  ['one field too many', 431, request('/', { fields: 'X: y\r\n'.repeat(fieldsMax) })],
  ['a hundred thousand fields', 431, request('/', { fields: 'X: y\r\n'.repeat(100_000) })],
  ['a value that is too long', 431, request('/', { fields: `X: ${'y'.repeat(headBytesMax)}\r\n` })],
  ['a value without end', 431, `GET / HTTP/1.1\r\nHost: a\r\nX: ${'y'.repeat(4_194_304)}`],
  ['a name without end', 431, `GET / HTTP/1.1\r\nHost: a\r\n${'x'.repeat(1_048_576)}`],
  ['a Host without end', 431, `GET / HTTP/1.1\r\nHost: ${'a'.repeat(1_048_576)}\r\n\r\n`],
  ['a cookie of a megabyte', 431, request('/', { fields: `Cookie: ${'a'.repeat(1_048_576)}\r\n` })],
  ['a method without end', 501, `${'M'.repeat(100_000)} / HTTP/1.1\r\nHost: a\r\n\r\n`],
  ['a version without end', 400, `GET / HTTP/1.${'1'.repeat(100_000)}\r\nHost: a\r\n\r\n`],
  ['HTTP/1.11', 400, 'GET / HTTP/1.11\r\nHost: a\r\n\r\n'],
  ['HTTP/0.9 with a version', 505, 'GET / HTTP/0.9\r\nHost: a\r\n\r\n'],
  ['HTTP/3.0', 505, 'GET / HTTP/3.0\r\nHost: a\r\n\r\n'],
  ['a hundred thousand empty lines', 400, '\r\n'.repeat(100_000)],
]

for (const [what, status, bytes] of REFUSED)
  test(`${what}: ${status}, and the origin sees nothing`, async t =>
    assertRefused(await attack(t, bytes), status))

test('what is just within the limits passes', async t => {
  const target = `/${'a'.repeat(targetBytesMax - 1)}`
  const many = 'X: y\r\n'.repeat(fieldsMax - 2)
  const { statuses, lines } = await attack(t, request(target) + request('/', { fields: many + close }))
  assert.deepEqual(statuses, [200, 200])
  assert.deepEqual(lines, [`GET ${target} HTTP/1.1`, 'GET / HTTP/1.1'])
})

test('limits can be told', async t => {
  const limits = { targetBytesMax: 20, fieldsMax: 3, headBytesMax: 100 }
  assertRefused(await attack(t, request(`/${'a'.repeat(20)}`), { limits }), 414)
  assertRefused(await attack(t, request('/', { fields: 'X: y\r\n'.repeat(3) }), { limits }), 431)
  assertRefused(await attack(t, request('/', { fields: `X: ${'y'.repeat(60)}\r\n` }), { limits }), 431)
})

test('a thousand half heads at their limit cost no more than their bytes', async t => {
  const origin = await startOrigin(t)
  const proxy = await startProxy(t, { to: origin })
  const clients = await Promise.all(Array.from({ length: 300 }, () => connect(t, proxy)))
  const before = process.memoryUsage().arrayBuffers
  const half = `GET / HTTP/1.1\r\nHost: a\r\nX: ${'y'.repeat(headBytesMax - 1000)}`
  for (const client of clients) client.send(half)
  await turns(100)
  const grown = process.memoryUsage().arrayBuffers - before
  assert.ok(grown < clients.length * headBytesMax * 3, `${grown} bytes`)
  const client = await connect(t, proxy)
  assert.equal((await client.ask(request('/'))).status, 200)
})

test('a length beyond all measure is a length and no memory', async t => {
  const origin = await startOrigin(t, async request => {
    await request.content().catch(() => {})
  })
  const proxy = await startProxy(t, { to: origin })
  const client = await connect(t, proxy)
  client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${Number.MAX_SAFE_INTEGER}\r\n\r\nhello`)
  const seen = await origin.requests.at(0)
  assert.equal(seen.fields.get('Content-Length'), String(Number.MAX_SAFE_INTEGER))
  client.destroy()
  await seen.wire.ended()
})
