/**
 * Slow bodies: a request announces a body that then does not come, or comes and stops, and holds a connection to
 * the origin all the while. Silence has an end, for the client and for what it holds.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startOrigin } from '../support/origin.ts'
import { startProxy } from '../support/proxy.ts'
import { connect } from '../support/raw-client.ts'
import { CHUNKED, request, requestHead } from '../support/requests.ts'
import { until } from '../support/wait.ts'

const BODY_TIMEOUT_MS = 250

const STOPS = [
  ['nothing of it', 'Content-Length: 100\r\n', ''],
  ['a part of it', 'Content-Length: 100\r\n', 'part'],
  ['no chunk', CHUNKED, ''],
  ['a part of a size', CHUNKED, '5'],
  ['a part of a chunk', CHUNKED, '5\r\nhel'],
  ['no end', CHUNKED, '5\r\nhello\r\n'],
  ['a part of the trailers', CHUNKED, '0\r\nX: '],
] as const

for (const [what, fields, begun] of STOPS)
  test(`a body of which ${what} comes is given up, and so is the origin's connection`, async t => {
    const origin = await startOrigin(t, request =>
      request.content().then(
        () => {},
        () => {},
      ),
    )
    const proxy = await startProxy(t, { to: origin, timeouts: { bodyTimeoutMs: BODY_TIMEOUT_MS } })
    const client = await connect(t, proxy)
    client.send(`${requestHead('/', fields)}${begun}`)
    const seen = await origin.requests.at(0)
    const told = await client.answer('POST')
    assert.equal(told.status, 408)
    assert.match(told.body.toString(), /client_body_timeout/)
    await assert.rejects(seen.content())
    await until(() => proxy.counters.open === 0, 'the connection to the origin to be ended')
  })

test('a hundred slow bodies keep nobody from being served', async t => {
  const origin = await startOrigin(t)
  const proxy = await startProxy(t, { to: origin, group: { connectionsMax: 150 } })
  const slow = await Promise.all(Array.from({ length: 100 }, () => connect(t, proxy)))
  for (const client of slow) client.send(`${requestHead('/slow', 'Content-Length: 100000\r\n')}x`)
  await origin.requests.count(100)
  const client = await connect(t, proxy)
  for (let i = 0; i < 50; i++) assert.equal((await client.ask(request('/quick'))).status, 200)
})

test('a refused request whose body never comes holds its connection for a limited time', async t => {
  const proxy = await startProxy(t, { timeouts: { bodyTimeoutMs: BODY_TIMEOUT_MS } })
  const client = await connect(t, proxy)
  client.send(requestHead('/nowhere', 'Content-Length: 100\r\n'))
  assert.equal((await client.answer('POST')).status, 503)
  await client.ended()
  await until(() => proxy.server.connections === 0, 'the connection to be ended')
})
