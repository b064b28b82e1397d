/**
 * Servers that fail under way: what clients get, and how often a request is sent.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RETRY_DEFAULTS } from '../../src/upstream/options.ts'
import { RESERVE } from '../../src/upstream/retry-budget.ts'
import { answer, type Script, startOrigin } from '../support/origin.ts'
import { startProxy } from '../support/proxy.ts'
import { connect } from '../support/raw-client.ts'
import { request } from '../support/requests.ts'

const reset: Script = (_request, wire) => wire.reset()
const ends: Script = (_request, wire) => wire.destroy()
const busy: Script = (_request, wire) =>
  wire.send(answer('busy', '503 Service Unavailable', 'Retry-After: 9\r\n'))
const hangs: Script = () => {}

for (const [name, script] of Object.entries({ resets: reset, ends }))
  test(`one server ${name} each connection: a hundred GETs, and clients see nothing of it`, async t => {
    const bad = await startOrigin(t, script)
    const good = await startOrigin(t)
    const proxy = await startProxy(t, { to: [bad, good] })
    const client = await connect(t, proxy)
    for (let i = 0; i < 100; i++) assert.equal((await client.ask(request('/'))).status, 200)
    assert.equal(good.requests.all.length, 100)
    // It is put out after three.
    assert.equal(bad.requests.all.length, 3)
    assert.match(proxy.warnings[0], /is out for 10s: 3 failures in a row, the last upstream_(reset|closed)$/)
    assert.equal(proxy.warnings.length, 1)
  })

test('a POST is sent once, whatever becomes of it', async t => {
  const bad = await startOrigin(t, async (request, wire) => {
    await request.content()
    wire.reset()
  })
  const worse = await startOrigin(t, async (request, wire) => {
    await request.content()
    wire.destroy()
  })
  const proxy = await startProxy(t, { to: [bad, worse] })
  const client = await connect(t, proxy)
  for (let i = 0; i < 10; i++)
    assert.equal((await client.ask(request('/', { method: 'POST', body: 'once' }))).status, 502)
  assert.equal(bad.requests.all.length + worse.requests.all.length, 10)
  assert.deepEqual(
    proxy.records.all.map(({ attempts, retried }) => [attempts, retried]),
    Array(10).fill([1, null]),
  )
})

test('a PUT comes to the next server with the same bytes', async t => {
  const bodies: string[] = []
  const bad = await startOrigin(t, async (request, wire) => {
    await request.content()
    bodies.push(request.body)
    wire.reset()
  })
  const good = await startOrigin(t, async (request, wire) => {
    await request.content()
    bodies.push(request.body)
    wire.send(answer('ok'))
  })
  const proxy = await startProxy(t, { to: [bad, good] })
  const client = await connect(t, proxy)
  const body = Array.from({ length: 6000 }, (_, i) => String.fromCharCode(33 + (i % 90))).join('')
  assert.equal((await client.ask(request('/', { method: 'PUT', body }))).status, 200)
  assert.deepEqual(bodies, [body, body])
})

test('503 here, 200 there; and the 503 of the last one as it is', async t => {
  const first = await startOrigin(t, busy)
  const second = await startOrigin(t)
  const retry = { ...RETRY_DEFAULTS, on: new Set([503]) }
  const proxy = await startProxy(t, { to: [first, second], group: { retry } })
  const client = await connect(t, proxy)
  for (let i = 0; i < 6; i++) assert.equal((await client.ask(request('/'))).status, 200)
  assert.deepEqual(proxy.records.all[0].retried, [`${first.address} 503`])
  // Its answers are small: their connection was kept.
  assert.equal(first.wires.all.length, 1)
  second.script = busy
  const last = await client.ask(request('/'))
  assert.deepEqual([last.status, last.fields.get('Retry-After'), last.body.toString()], [503, '9', 'busy'])
})

test('a server that hangs costs one tryTimeout', async t => {
  const slow = await startOrigin(t, hangs, { faultsExpected: true })
  const quick = await startOrigin(t)
  const retry = { ...RETRY_DEFAULTS, on: new Set(['timeout' as const]), tryTimeoutMs: 100 }
  const proxy = await startProxy(t, { to: [slow, quick], group: { retry } })
  const client = await connect(t, proxy)
  for (let i = 0; i < 8; i++) assert.equal((await client.ask(request('/'))).status, 200)
  assert.equal(slow.requests.all.length, 3)
  assert.deepEqual(proxy.records.all[0].retried, [`${slow.address} upstream_try_timeout`])
  assert.match(proxy.warnings[0], /3 failures in a row, the last upstream_try_timeout$/)
})

for (const [name, script] of Object.entries({ reset, busy }))
  test(`an outage is not multiplied: all servers ${name}, many clients at once`, async t => {
    const origins = await Promise.all([1, 2, 3].map(() => startOrigin(t, script)))
    const on = new Set(['connect', 'reset', 503] as const)
    const retry = { ...RETRY_DEFAULTS, attempts: 5, again: true, on }
    const proxy = await startProxy(t, { to: origins, group: { retry, retryBudget: 20 } })
    const clients = await Promise.all(Array.from({ length: 25 }, () => connect(t, proxy)))
    const requests = 25 * 12
    await Promise.all(
      clients.map(async client => {
        for (let i = 0; i < 12; i++) assert.ok((await client.ask(request('/'))).status >= 502)
      }),
    )
    const sent = origins.reduce((sum, origin) => sum + origin.requests.all.length, 0)
    assert.ok(sent > requests, 'there were retries')
    assert.ok(sent <= requests * 1.2 + RESERVE, `${sent} sent for ${requests}`)
    assert.ok(proxy.warnings.length <= 3, 'a line a server and no more')
  })

test('poison: a request that breaks each server that reads it takes nobody else out of service', async t => {
  const script: Script = (request, wire) =>
    request.target === '/poison' ? wire.reset() : wire.send(answer('ok'))
  const origins = await Promise.all([1, 2, 3].map(() => startOrigin(t, script)))
  const proxy = await startProxy(t, { to: origins })
  const attacker = await connect(t, proxy)
  for (let i = 0; i < 20; i++) assert.equal((await attacker.ask(request('/poison'))).status, 502)
  const client = await connect(t, proxy)
  for (let i = 0; i < 20; i++) assert.equal((await client.ask(request('/'))).status, 200)
})

test('total cuts an answer that goes on and on, and the client can tell', async t => {
  const drips = await startOrigin(
    t,
    (_request, wire) => {
      wire.send('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nx')
      const timer = setInterval(() => wire.send('x'), 10)
      wire.socket.on('close', () => clearInterval(timer))
    },
    { faultsExpected: true },
  )
  const proxy = await startProxy(t, { to: drips, rules: { totalTimeoutMs: 200 } })
  const client = await connect(t, proxy)
  await assert.rejects(client.ask(request('/')))
  assert.equal((await proxy.records.at(0)).error, 'total_timeout')
})
