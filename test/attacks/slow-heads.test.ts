/**
 * Slow heads ("Slowloris"): many connections, each with a request whose head comes a few bytes at a time and is
 * never complete. The time for a head counts from its beginning, and no byte moves it.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startOrigin } from '../support/origin.ts'
import { startProxy } from '../support/proxy.ts'
import { connect, type RawClient } from '../support/raw-client.ts'
import { request } from '../support/requests.ts'
import { pause } from '../support/wait.ts'

const HEAD_TIMEOUT_MS = 400

/** Sends a field every few milliseconds until the proxy has had enough. */
async function drip(client: RawClient, piece: string): Promise<void> {
  while (client.ending === null && !client.socket.destroyed) {
    client.send(piece)
    await pause(20)
  }
}

const DRIPS = [
  ['fields', 'GET / HTTP/1.1\r\nHost: a\r\n', 'X: y\r\n'],
  ['bytes of one field', 'GET / HTTP/1.1\r\nHost: a\r\nX: ', 'y'],
  ['bytes of the target', 'GET /', 'a'],
  ['bytes of the method', '', 'G'],
  ['empty lines', '', '\r\n'],
] as const

for (const [what, begin, piece] of DRIPS)
  test(`a head that comes as ${what} without end is cut off in time`, async t => {
    const origin = await startOrigin(t)
    const timeouts = { headTimeoutMs: HEAD_TIMEOUT_MS, lingerTimeoutMs: 100 }
    const proxy = await startProxy(t, { to: origin, timeouts, limits: { fieldsMax: 1000 } })
    const client = await connect(t, proxy)
    const begun = performance.now()
    client.send(begin)
    const dripping = drip(client, piece)
    const told = await client.answerOrEnd()
    const tookMs = performance.now() - begun
    if (told !== null) assert.ok([408, 400, 501].includes(told.status), `status ${told.status}`)
    assert.ok(tookMs < HEAD_TIMEOUT_MS * 3, `it took ${tookMs.toFixed(0)} ms`)
    await dripping
    assert.equal(origin.received, '')
  })

test('the head of a second request has its own time, not the rest of the idle time', async t => {
  const origin = await startOrigin(t)
  const timeouts = { headTimeoutMs: HEAD_TIMEOUT_MS, idleTimeoutMs: 60_000, lingerTimeoutMs: 100 }
  const proxy = await startProxy(t, { to: origin, timeouts })
  const client = await connect(t, proxy)
  assert.equal((await client.ask(request('/one'))).status, 200)
  client.send('GET /two HTTP/1.1\r\n')
  const dripping = drip(client, 'X: y\r\n')
  assert.equal((await client.answer()).status, 408)
  await dripping
  assert.deepEqual(origin.lines, ['GET /one HTTP/1.1'])
})

test('five hundred slow heads keep nobody from being served', async t => {
  const origin = await startOrigin(t)
  const proxy = await startProxy(t, { to: origin })
  const slow = await Promise.all(Array.from({ length: 500 }, () => connect(t, proxy)))
  for (const client of slow) client.send('GET / HTTP/1.1\r\nHost: a\r\nX: y')
  const client = await connect(t, proxy)
  const begun = performance.now()
  for (let i = 0; i < 100; i++) {
    for (const each of slow.slice(i * 5, i * 5 + 5)) each.send('y')
    assert.equal((await client.ask(request('/'))).status, 200)
  }
  assert.ok(performance.now() - begun < 2000)
  assert.equal(origin.requests.all.length, 100)
})

test('a head of many single bytes costs time in proportion to its size', async t => {
  const origin = await startOrigin(t)
  const proxy = await startProxy(t, { to: origin })
  const client = await connect(t, proxy)
  const head = request('/', { fields: `X: ${'y'.repeat(20_000)}\r\n` })
  const begun = process.cpuUsage()
  for (let at = 0; at < head.length; at += 10) {
    client.send(head.slice(at, at + 10))
    if (at % 1000 === 0) await new Promise(resolve => setImmediate(resolve))
  }
  assert.equal((await client.answer()).status, 200)
  const { user } = process.cpuUsage(begun)
  assert.ok(user < 1_500_000, `${user} µs of CPU for one head`)
})
