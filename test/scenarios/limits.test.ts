/**
 * Limits of connections, on both sides: what is beyond them waits a while or is told to come again.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { answer, type OriginRequest, startOrigin } from '../support/origin.ts'
import { curl, testWith } from '../support/peers.ts'
import { startProxy } from '../support/proxy.ts'
import { connect } from '../support/raw-client.ts'
import { request } from '../support/requests.ts'
import { until } from '../support/wait.ts'
import type { Wire } from '../support/wire.ts'

/** Keeps every request until the test answers it. */
function keeper() {
  const kept: { request: OriginRequest; wire: Wire }[] = []
  return { kept, script: (request: OriginRequest, wire: Wire) => void kept.push({ request, wire }) }
}

test('a request beyond the connections of a server waits and takes the one that comes free', async t => {
  const { kept, script } = keeper()
  const origin = await startOrigin(t, script)
  const proxy = await startProxy(t, { to: origin, group: { connectionsMax: 1 } })
  const first = await connect(t, proxy)
  const second = await connect(t, proxy)
  first.send(request('/first'))
  await origin.requests.at(0)
  second.send(request('/second'))
  await until(() => proxy.counters.queued === 1, 'the second request to wait')
  kept[0].wire.send(answer('one'))
  assert.equal((await first.answer()).body.toString(), 'one')
  await origin.requests.at(1)
  kept[1].wire.send(answer('two'))
  assert.equal((await second.answer()).body.toString(), 'two')
  assert.equal(origin.wires.all.length, 1)
  assert.deepEqual(proxy.counters, { idle: 1, open: 1, queued: 0, busy: 0 })
})

test('a request that waits gets a new connection when the busy one ends', async t => {
  const { kept, script } = keeper()
  const origin = await startOrigin(t, script)
  const proxy = await startProxy(t, { to: origin, group: { connectionsMax: 1 } })
  const first = await connect(t, proxy)
  const second = await connect(t, proxy)
  first.send(request('/first'))
  await origin.requests.at(0)
  second.send(request('/second'))
  await until(() => proxy.counters.queued === 1, 'the second request to wait')
  kept[0].wire.send(answer('one', '200 OK', 'Connection: close\r\n'))
  await origin.requests.at(1)
  kept[1].wire.send(answer('two'))
  assert.equal((await second.answer()).body.toString(), 'two')
  assert.equal(origin.wires.all.length, 2)
})

test('a full queue is answered 503 with Retry-After, and no request is lost', async t => {
  const { kept, script } = keeper()
  const origin = await startOrigin(t, script)
  const proxy = await startProxy(t, { to: origin, group: { connectionsMax: 1, queueMax: 1 } })
  const clients = [await connect(t, proxy), await connect(t, proxy), await connect(t, proxy)]
  clients[0].send(request('/0'))
  await origin.requests.at(0)
  clients[1].send(request('/1'))
  await until(() => proxy.counters.queued === 1, 'the second request to wait')
  const refused = await clients[2].ask(request('/2'))
  assert.equal(refused.status, 503)
  assert.equal(refused.fields.get('Retry-After'), '1')
  assert.match(refused.body.toString(), /queue_full/)
  assert.match(refused.fields.get('Proxy-Status') ?? '', /connection_limit_reached/)
  // The connection of the client is fine: it may come again on it.
  assert.equal(refused.fields.get('Connection'), null)
  kept[0].wire.send(answer('one'))
  await origin.requests.at(1)
  kept[1].wire.send(answer('two'))
  assert.equal((await clients[1].answer()).body.toString(), 'two')
  assert.equal((await proxy.records.at(0)).error, 'queue_full')
})

test('who waits too long in the queue is answered 503', async t => {
  const { script } = keeper()
  const origin = await startOrigin(t, script)
  const proxy = await startProxy(t, { to: origin, group: { connectionsMax: 1, queueTimeoutMs: 100 } })
  const first = await connect(t, proxy)
  first.send(request('/first'))
  await origin.requests.at(0)
  const second = await connect(t, proxy)
  const refused = await second.ask(request('/second'))
  assert.equal(refused.status, 503)
  assert.match(refused.body.toString(), /queue_timeout/)
  assert.equal(proxy.counters.queued, 0)
})

test('a full queue is no reason to try on and on, even with retryFor', async t => {
  const { script } = keeper()
  const origin = await startOrigin(t, script)
  const proxy = await startProxy(t, {
    to: origin,
    group: { connectionsMax: 1, queueMax: 0, retryForMs: 60_000 },
  })
  const first = await connect(t, proxy)
  first.send(request('/first'))
  await origin.requests.at(0)
  const second = await connect(t, proxy)
  assert.equal((await second.ask(request('/second'))).status, 503)
})

test('a stale connection at the limit is replaced and not answered 503', async t => {
  let requests = 0
  const origin = await startOrigin(t, (request, wire) => {
    if (++requests === 2) wire.destroy()
    else wire.send(answer(request.target))
  })
  const proxy = await startProxy(t, { to: origin, group: { connectionsMax: 1, queueMax: 0 } })
  const client = await connect(t, proxy)
  await client.ask(request('/one'))
  const second = await client.ask(request('/two'))
  assert.equal(second.status, 200)
  assert.equal(second.body.toString(), '/two')
})

test('an origin that ends its connection after each answer is not at its limit after the first', async t => {
  const origin = await startOrigin(t, (request, wire) => {
    wire.send(answer(request.target, '200 OK', 'Connection: close\r\n'))
    wire.end()
  })
  const proxy = await startProxy(t, { to: origin, group: { connectionsMax: 1, queueMax: 0 } })
  const client = await connect(t, proxy)
  client.send(request('/1') + request('/2') + request('/3'))
  for (const path of ['/1', '/2', '/3']) assert.equal((await client.answer()).body.toString(), path)
})

test('a client beyond the connections of the listener is told so and can read it', async t => {
  const origin = await startOrigin(t)
  const proxy = await startProxy(t, { to: origin, listener: { connectionsMax: 2 } })
  const inside = [await connect(t, proxy), await connect(t, proxy)]
  for (const client of inside) assert.equal((await client.ask(request('/'))).status, 200)
  for (let i = 0; i < 20; i++) {
    const refused = await connect(t, proxy)
    const told = await refused.ask(request('/'))
    assert.equal(told.status, 503)
    assert.equal(told.fields.get('Retry-After'), '1')
    assert.equal(told.fields.get('Connection'), 'close')
    assert.match(told.body.toString(), /too_many_clients/)
  }
  assert.ok(proxy.warnings.some(line => line.includes('2 clients are connected')))
  inside[0].destroy()
  await until(() => proxy.server.connections === 1, 'a client to leave')
  const next = await connect(t, proxy)
  assert.equal((await next.ask(request('/'))).status, 200)
})

testWith(
  'curl',
  'curl beyond the connections of the listener reads the 503 and sees no broken connection',
  async t => {
    const origin = await startOrigin(t)
    const proxy = await startProxy(t, { to: origin, listener: { connectionsMax: 0 } })
    for (let i = 0; i < 5; i++) {
      const { code, stdout, stderr } = await curl(t, ['-w', '%{http_code}', '-o', '/dev/null', proxy.url])
      assert.equal(stderr, '')
      assert.equal(code, 0)
      assert.equal(stdout.toString(), '503')
    }
  },
)
