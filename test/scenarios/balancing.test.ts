/**
 * How requests spread over the servers of a group.
 */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { answer, type ScriptedOrigin, startOrigin } from '../support/origin.ts'
import { startProxy } from '../support/proxy.ts'
import { connect } from '../support/raw-client.ts'
import { request } from '../support/requests.ts'
import { until } from '../support/wait.ts'

function startOrigins(t: TestContext, count: number): Promise<ScriptedOrigin[]> {
  return Promise.all(Array.from({ length: count }, () => startOrigin(t)))
}

const counts = (origins: readonly ScriptedOrigin[]) => origins.map(origin => origin.requests.all.length)

test('round-robin gives every server its turn', async t => {
  const origins = await startOrigins(t, 3)
  const proxy = await startProxy(t, { to: origins })
  const client = await connect(t, proxy)
  for (let i = 0; i < 30; i++) await client.ask(request('/'))
  assert.deepEqual(counts(origins), [10, 10, 10])
  const order = proxy.records.all.slice(0, 6).map(record => record.upstream)
  assert.deepEqual(order.slice(0, 3), order.slice(3))
  assert.equal(new Set(order).size, 3)
})

test('round-robin heeds weights exactly, and mixes the servers', async t => {
  const origins = await startOrigins(t, 3)
  const weights = [5, 3, 1]
  const proxy = await startProxy(t, {
    to: origins.map(({ address }, i) => ({ address, weight: weights[i] })),
  })
  const client = await connect(t, proxy)
  for (let i = 0; i < 90; i++) await client.ask(request('/'))
  assert.deepEqual(counts(origins), [50, 30, 10])
  const order = proxy.records.all.map(record => record.upstream).join(' ')
  const heaviest = origins[0].address
  assert.ok(
    !order.includes(`${heaviest} ${heaviest} ${heaviest}`),
    'the heaviest never comes three times in a row',
  )
})

test('least-busy avoids the server that is busy', async t => {
  const slow = await startOrigin(t, () => {})
  const quick = await startOrigin(t)
  const proxy = await startProxy(t, { to: [slow, quick], group: { balance: 'least-busy' } })
  const clients = await Promise.all([1, 2].map(() => connect(t, proxy)))
  for (const client of clients) client.send(request('/'))
  await slow.requests.at(0)
  const client = await connect(t, proxy)
  for (let i = 0; i < 50; i++) assert.equal((await client.ask(request('/'))).status, 200)
  assert.equal(slow.requests.all.length, 1)
})

test('least-busy fills servers by their weights', async t => {
  const origins = await Promise.all([1, 2].map(() => startOrigin(t, () => {})))
  const proxy = await startProxy(t, {
    to: [origins[0], { address: origins[1].address, weight: 3 }],
    group: { balance: 'least-busy' },
  })
  const clients = await Promise.all(Array.from({ length: 40 }, () => connect(t, proxy)))
  for (const client of clients) client.send(request('/'))
  await until(() => counts(origins)[0] + counts(origins)[1] === 40, 'all requests')
  assert.deepEqual(counts(origins), [10, 30])
  assert.deepEqual(
    proxy.group.endpoints.map(endpoint => endpoint.busy),
    [10, 30],
  )
})

test('a server is no longer busy when its answer is complete, cut short or not wanted any more', async t => {
  const origin = await startOrigin(t, (request, wire) => {
    if (request.target === '/whole') wire.send(answer('whole'))
    else if (request.target === '/cut') wire.destroy()
  })
  const proxy = await startProxy(t, { to: origin, group: { balance: 'least-busy' } })
  const client = await connect(t, proxy)
  await client.ask(request('/whole'))
  assert.equal(proxy.counters.busy, 0)
  await client.ask(request('/cut', { method: 'POST', body: 'x' }))
  assert.equal(proxy.counters.busy, 0)
  client.send(request('/never'))
  await until(() => proxy.counters.busy === 1, 'the request')
  client.destroy()
  await until(() => proxy.counters.busy === 0, 'the server to be free')
})

test('one kept connection serves one request after the other, the newest first', async t => {
  const origin = await startOrigin(t)
  const proxy = await startProxy(t, { to: origin })
  const clients = await Promise.all([1, 2, 3].map(() => connect(t, proxy)))
  await Promise.all(clients.map(client => client.ask(request('/'))))
  assert.equal(proxy.counters.idle, 3)
  for (let i = 0; i < 10; i++) await clients[0].ask(request('/'))
  assert.equal(origin.wires.all.length, 3)
  const places = origin.requests.all.map(({ place }) => place)
  assert.equal(Math.max(...places), 10)
})

test('no more idle connections are kept than allowed', async t => {
  const origin = await startOrigin(t)
  const proxy = await startProxy(t, { to: origin, group: { idleConnectionsMax: 2 } })
  const clients = await Promise.all(Array.from({ length: 6 }, () => connect(t, proxy)))
  await Promise.all(clients.map(client => client.ask(request('/'))))
  await until(() => proxy.counters.open === 2, 'the rest to be closed')
  assert.equal(proxy.counters.idle, 2)
})
