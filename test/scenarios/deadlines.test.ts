/**
 * Peers that stand still: every wait of the proxy has its own end, and says which one it was.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { answer, startOrigin } from '../support/origin.ts'
import { startProxy } from '../support/proxy.ts'
import { connect } from '../support/raw-client.ts'
import { CHUNKED, chunk, request, requestHead } from '../support/requests.ts'
import { pause, until } from '../support/wait.ts'

/** Short for a test, and several ticks of the proxy's timer. */
const SHORT_MS = 200

test('a server that does not answer: 504', async t => {
  const origin = await startOrigin(t, () => {})
  const proxy = await startProxy(t, { to: origin, group: { headTimeoutMs: SHORT_MS } })
  const client = await connect(t, proxy)
  const told = await client.ask(request('/'))
  assert.equal(told.status, 504)
  assert.match(told.body.toString(), /upstream_head_timeout/)
  assert.match(told.fields.get('Proxy-Status') ?? '', /error=http_response_timeout/)
  await (await origin.wires.at(0)).ended()
  // The client did nothing wrong: its connection goes on.
  client.send(request('/'))
  assert.equal((await client.answer()).status, 504)
})

test('interim answers are signs of life: the wait begins anew', async t => {
  const origin = await startOrigin(t, async (_, wire) => {
    for (let i = 0; i < 5; i++) {
      await pause(SHORT_MS)
      wire.send('HTTP/1.1 102 Processing\r\n\r\n')
    }
    wire.send(answer('at last'))
  })
  const proxy = await startProxy(t, { to: origin, group: { headTimeoutMs: 4 * SHORT_MS } })
  const client = await connect(t, proxy)
  client.send(request('/'))
  for (let i = 0; i < 5; i++) assert.equal((await client.answer()).status, 102)
  assert.equal((await client.answer()).body.toString(), 'at last')
})

test('a long upload does not count against the wait for the answer', async t => {
  const origin = await startOrigin(t)
  const proxy = await startProxy(t, { to: origin, group: { headTimeoutMs: SHORT_MS } })
  const client = await connect(t, proxy)
  client.send(requestHead('/', CHUNKED))
  for (let i = 0; i < 6; i++) {
    client.send(chunk('piece'))
    await pause(SHORT_MS / 2)
  }
  client.send(chunk(''))
  assert.equal((await client.answer()).body.toString(), 'POST / 30')
})

test('a server that stops in the middle of its answer: the client sees that it is not whole', async t => {
  const origin = await startOrigin(t, (_, wire) =>
    wire.send('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf'),
  )
  const proxy = await startProxy(t, { to: origin, group: { bodyTimeoutMs: SHORT_MS } })
  const client = await connect(t, proxy)
  client.send(request('/'))
  await assert.rejects(client.answer(), /5 bytes too early/)
  assert.equal((await proxy.records.at(0)).error, 'upstream_body_timeout')
})

test('a server that sends slowly, but sends, is waited for', async t => {
  const origin = await startOrigin(t, async (_, wire) => {
    wire.send('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n')
    for (const letter of 'slowly') {
      await pause(SHORT_MS)
      wire.send(letter)
    }
  })
  const proxy = await startProxy(t, { to: origin, group: { bodyTimeoutMs: 4 * SHORT_MS } })
  const client = await connect(t, proxy)
  assert.equal((await client.ask(request('/'))).body.toString(), 'slowly')
})

test('a server that stops reading an upload: 504', async t => {
  const origin = await startOrigin(t, (_, wire) => {
    wire.hold()
    return new Promise(() => {})
  })
  const proxy = await startProxy(t, { to: origin, group: { bodyTimeoutMs: SHORT_MS } })
  const client = await connect(t, proxy)
  const bytes = 64 * 1_048_576
  client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${bytes}\r\n\r\n`)
  client.send(Buffer.alloc(bytes))
  const told = await client.answer()
  assert.equal(told.status, 504)
  assert.match(told.body.toString(), /upstream_write_timeout/)
})

test('a client that stops in the middle of its upload: 408, and the origin never sees a whole request', async t => {
  const origin = await startOrigin(t, async request => {
    await assert.rejects(request.content())
  })
  const proxy = await startProxy(t, { to: origin, timeouts: { bodyTimeoutMs: SHORT_MS } })
  const client = await connect(t, proxy)
  client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf`)
  const told = await client.answer()
  assert.equal(told.status, 408)
  assert.match(told.body.toString(), /client_body_timeout/)
  assert.equal(told.fields.get('Connection'), 'close')
  await (await origin.wires.at(0)).ended()
})

test('a client that stops in the middle of a head: 408', async t => {
  const origin = await startOrigin(t)
  const proxy = await startProxy(t, { to: origin, timeouts: { headTimeoutMs: SHORT_MS } })
  const client = await connect(t, proxy)
  const told = await client.ask('GET / HTTP/1.1\r\nHost:')
  assert.equal(told.status, 408)
  assert.match(told.body.toString(), /client_head_timeout/)
  assert.equal(origin.received, '')
})

test('a client that says nothing is sent away without a word', async t => {
  const proxy = await startProxy(t, { timeouts: { headTimeoutMs: SHORT_MS } })
  const client = await connect(t, proxy)
  assert.equal(await client.ended(), 'end')
  assert.equal(client.received, '')
  assert.equal(proxy.records.all.length, 0)
})

test('an idle connection is ended after its time, and not while it is used', async t => {
  const origin = await startOrigin(t)
  const proxy = await startProxy(t, { to: origin, timeouts: { idleTimeoutMs: SHORT_MS } })
  const client = await connect(t, proxy)
  for (let i = 0; i < 4; i++) {
    await client.ask(request('/'))
    await pause(SHORT_MS / 2)
  }
  const begun = performance.now()
  assert.equal(await client.ended(), 'end')
  assert.ok(performance.now() - begun < SHORT_MS * 3)
})

test('an idle connection to a server is ended after its time', async t => {
  const origin = await startOrigin(t)
  const proxy = await startProxy(t, { to: origin, group: { idleTimeoutMs: SHORT_MS } })
  const client = await connect(t, proxy)
  await client.ask(request('/'))
  assert.equal(proxy.counters.idle, 1)
  assert.equal(await (await origin.wires.at(0)).ended(), 'end')
  await until(() => proxy.counters.open === 0, 'the connection to be forgotten')
})

test('a client that does not end the connection that we have ended is cut off', async t => {
  const origin = await startOrigin(t)
  const proxy = await startProxy(t, { to: origin, timeouts: { lingerTimeoutMs: SHORT_MS } })
  const client = await connect(t, proxy)
  await client.ask(request('/', { fields: 'Connection: close\r\n' }))
  assert.equal(await client.ended(), 'end')
  assert.equal(proxy.server.connections, 1)
  await until(() => proxy.server.connections === 0, 'the connection to be cut')
})
