/**
 * Shutting down and starting again: what runs is finished, what is idle ends, nobody new is let in, and the
 * port is free for the next at once.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { answer, type OriginRequest, startOrigin } from '../support/origin.ts'
import { startProxy } from '../support/proxy.ts'
import { connect } from '../support/raw-client.ts'
import { request } from '../support/requests.ts'
import { turns } from '../support/wait.ts'
import type { Wire } from '../support/wire.ts'

function keeper() {
  const kept: { request: OriginRequest; wire: Wire }[] = []
  return { kept, script: (request: OriginRequest, wire: Wire) => void kept.push({ request, wire }) }
}

test('a drain finishes the answers under way and ends idle connections', async t => {
  const { kept, script } = keeper()
  const origin = await startOrigin(t, script)
  const proxy = await startProxy(t, { to: origin })
  const idle = await connect(t, proxy)
  const used = await connect(t, proxy)
  const busy = await connect(t, proxy)
  used.send(request('/used'))
  await origin.requests.at(0)
  kept[0].wire.send(answer('used'))
  await used.answer()
  busy.send(request('/busy'))
  await origin.requests.at(1)
  const drained = proxy.server.drain(5_000)
  assert.equal(await idle.ended(), 'end')
  assert.equal(await used.ended(), 'end')
  kept[1].wire.send('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst')
  await turns(5)
  kept[1].wire.send(' half')
  const told = await busy.answer()
  assert.equal(told.body.toString(), 'first half')
  // The client had a kept connection; it is told that there will be no more.
  assert.equal(told.fields.get('Connection'), 'close')
  for (const client of [idle, used, busy]) client.end()
  assert.equal(await drained, 0)
})

test('a drain lets nobody new in', async t => {
  const { kept, script } = keeper()
  const origin = await startOrigin(t, script)
  const proxy = await startProxy(t, { to: origin })
  const busy = await connect(t, proxy)
  busy.send(request('/busy'))
  await origin.requests.at(0)
  const drained = proxy.server.drain(5_000)
  await turns(3)
  await assert.rejects(connect(t, proxy), { code: 'ECONNREFUSED' })
  kept[0].wire.send(answer('done'))
  assert.equal((await busy.answer()).body.toString(), 'done')
  busy.end()
  assert.equal(await drained, 0)
})

test('a pipelined request behind the last answer is not begun', async t => {
  const { kept, script } = keeper()
  const origin = await startOrigin(t, script)
  const proxy = await startProxy(t, { to: origin })
  const client = await connect(t, proxy)
  client.send(request('/one') + request('/two'))
  await origin.requests.at(0)
  const drained = proxy.server.drain(5_000)
  kept[0].wire.send(answer('one'))
  assert.equal((await client.answer()).fields.get('Connection'), 'close')
  assert.equal(await client.ended(), 'end')
  client.end()
  await drained
  assert.deepEqual(origin.lines, ['GET /one HTTP/1.1'])
})

test('what does not finish in time is cut, and counted', async t => {
  const origin = await startOrigin(t, () => {})
  const proxy = await startProxy(t, { to: origin })
  const clients = await Promise.all([1, 2, 3].map(() => connect(t, proxy)))
  for (const client of clients) client.send(request('/never'))
  await origin.requests.count(3)
  assert.equal(await proxy.server.drain(100), 3)
  for (const client of clients) await client.ended()
  assert.equal((await proxy.records.count(3)).length, 3)
})

test('a request in the middle of its head when the drain begins is served', async t => {
  const origin = await startOrigin(t)
  const proxy = await startProxy(t, { to: origin })
  const client = await connect(t, proxy)
  // The first request makes sure that the proxy has accepted the connection.
  await client.ask(request('/'))
  client.send('GET /late HTTP/1.1\r\nHost:')
  await turns(5)
  const drained = proxy.server.drain(5_000)
  client.send(' a\r\n\r\n')
  const told = await client.answer()
  assert.equal(told.body.toString(), 'GET /late 0')
  assert.equal(told.fields.get('Connection'), 'close')
  client.end()
  assert.equal(await drained, 0)
})

test('the port is free at once, also while connections of the old proxy linger', async t => {
  const origin = await startOrigin(t)
  const first = await startProxy(t, { to: origin })
  const clients = await Promise.all(Array.from({ length: 20 }, () => connect(t, first)))
  for (const client of clients) assert.equal((await client.ask(request('/'))).status, 200)
  const address = { kind: 'tcp', host: '127.0.0.1', port: first.port } as const
  // The proxy ends the connections, so the system keeps them for a while on its side.
  await first.close()
  const second = await startProxy(t, { to: origin, listener: { address } })
  assert.equal(second.port, address.port)
  const client = await connect(t, second)
  assert.equal((await client.ask(request('/'))).status, 200)
})

test('a port that is in use is said to be', async t => {
  const origin = await startOrigin(t)
  const first = await startProxy(t, { to: origin })
  const address = { kind: 'tcp', host: '127.0.0.1', port: first.port } as const
  await assert.rejects(startProxy(t, { to: origin, listener: { address } }), { code: 'EADDRINUSE' })
})
