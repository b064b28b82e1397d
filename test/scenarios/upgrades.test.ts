/**
 * Protocols that are not WebSocket, over real sockets: raw bytes both ways, and every way a side can end.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Comparison, MEGABYTE, pieces } from '../support/bodies.ts'
import { type Script, startOrigin } from '../support/origin.ts'
import { type ProxyOptions, startProxy } from '../support/proxy.ts'
import { connect } from '../support/raw-client.ts'
import { request } from '../support/requests.ts'
import { Arrivals, settled, turns, until } from '../support/wait.ts'
import type { Wire } from '../support/wire.ts'

const ASK = request('/echo', { fields: 'Connection: Upgrade\r\nUpgrade: echo\r\n' })
const SWITCH = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n'

/** Both ends of a tunnel: the client, and the origin's side of the connection. */
async function tunnel(t: TestContext, options: ProxyOptions & { at?: { path: string } } = {}) {
  const wires = new Arrivals<Wire>('a tunnel at the origin')
  const script: Script = async (_, wire) => {
    wire.send(SWITCH)
    wires.push(wire)
    // What comes is the test's to read, and to answer.
    await wire.closed()
  }
  const origin = await startOrigin(t, script, { at: options.at, faultsExpected: true })
  const to = options.at === undefined ? origin.address : `unix:${options.at.path}`
  const proxy = await startProxy(t, { ...options, to })
  const client = await connect(t, proxy)
  client.send(ASK)
  const head = await client.head()
  assert.equal(head?.status, 101)
  assert.equal(head.fields.get('Upgrade'), 'echo')
  assert.equal(head.fields.get('Connection'), 'Upgrade')
  return { client, server: await wires.at(0), proxy, origin }
}

test('bytes that look like HTTP pass both ways untouched', async t => {
  const { client, server } = await tunnel(t)
  client.send('GET /admin HTTP/1.1\r\n\r\n')
  assert.equal(String(await server.exactly(23)), 'GET /admin HTTP/1.1\r\n\r\n')
  server.send('HTTP/1.1 200 OK\r\n\r\n')
  assert.equal(String(await client.exactly(19)), 'HTTP/1.1 200 OK\r\n\r\n')
})

test('the client ends its side, and the server answers long after', async t => {
  const { client, server, proxy } = await tunnel(t)
  client.send('question')
  client.end()
  assert.equal(String(await server.rest()), 'question')
  assert.equal(client.ending, null)
  for (const piece of pieces(4 * MEGABYTE, 1)) server.send(piece)
  server.end()
  const comparison = new Comparison(4 * MEGABYTE, 1)
  comparison.take(await client.rest())
  assert.equal(comparison.fault, '')
  assert.equal(client.ending, 'end')
  const record = await proxy.records.at(0)
  const { status, error, requestBytes, responseBytes } = record
  assert.deepEqual([status, error, requestBytes, responseBytes], [101, '', 8, 4 * MEGABYTE])
  await until(() => proxy.counters.open === 0 && proxy.counters.busy === 0, 'the connection to be given up')
})

test('the server ends its side, and the client uploads long after', async t => {
  const { client, server, proxy } = await tunnel(t)
  server.send('ready')
  server.end()
  assert.equal(String(await client.rest()), 'ready')
  await turns(20)
  for (const piece of pieces(4 * MEGABYTE, 1)) client.send(piece)
  client.end()
  const comparison = new Comparison(4 * MEGABYTE, 1)
  comparison.take(await server.rest())
  assert.equal(comparison.fault, '')
  const { status, error, requestBytes, responseBytes } = await proxy.records.at(0)
  assert.deepEqual([status, error, requestBytes, responseBytes], [101, '', 4 * MEGABYTE, 5])
  await until(() => proxy.counters.open === 0 && proxy.server.connections === 0, 'both ends to be gone')
})

test('a server that has closed both ways: a client that goes on hears it, though nothing is left to read', async t => {
  const { client, server, proxy } = await tunnel(t)
  server.destroy()
  assert.equal(await client.ended(), 'end')
  // The first bytes make the server's system say that nobody is there, the next ones meet it.
  await until(() => {
    client.send('still there?')
    return client.socket.destroyed
  }, 'the client to hear it')
  const record = await proxy.records.at(0)
  assert.deepEqual([record.status, record.error], [101, 'upstream_reset'])
})

test('a client that has closed both ways: a server that goes on hears it', async t => {
  const { client, server, proxy } = await tunnel(t)
  client.destroy()
  await server.ended()
  await until(() => {
    server.send('still there?')
    return server.socket.destroyed
  }, 'the server to hear it')
  const record = await proxy.records.at(0)
  assert.deepEqual([record.status, record.error], [101, 'client_left'])
})

test('a reset travels both ways as a reset', async t => {
  const one = await tunnel(t)
  one.client.reset()
  assert.equal(await one.server.ended(), 'reset')
  const other = await tunnel(t)
  other.server.reset()
  assert.equal(await other.client.ended(), 'reset')
})

test('bytes sent with the request wait for the switch, a megabyte too', async t => {
  const gate = Promise.withResolvers<void>()
  const comparison = new Comparison(MEGABYTE, 1)
  const origin = await startOrigin(t, async (_, wire) => {
    await gate.promise
    assert.equal(wire.waiting, 0)
    wire.send(SWITCH)
    while (comparison.bytes < MEGABYTE) comparison.take((await wire.some()) as Buffer)
  })
  const proxy = await startProxy(t, { to: origin })
  const client = await connect(t, proxy)
  client.send(ASK)
  for (const piece of pieces(MEGABYTE, 1)) client.send(piece)
  await origin.requests.at(0)
  gate.resolve()
  await until(() => comparison.bytes === MEGABYTE, 'the megabyte')
  assert.equal(comparison.fault, '')
})

const FLOOD_BYTES = 64 * MEGABYTE

test('a flood before the switch stays with the client', async t => {
  const origin = await startOrigin(t, () => {})
  const proxy = await startProxy(t, { to: origin })
  const client = await connect(t, proxy)
  client.send(ASK)
  await origin.requests.at(0)
  const before = process.memoryUsage().arrayBuffers
  const sent = { bytes: 0 }
  const sending = (async () => {
    for (const piece of pieces(FLOOD_BYTES, 1)) {
      if (!(await client.sendAll(piece))) return
      sent.bytes += piece.length
    }
  })()
  const stoppedAt = await settled(() => sent.bytes)
  assert.ok(stoppedAt < 0.5 * FLOOD_BYTES, `${stoppedAt} bytes went out`)
  const grown = process.memoryUsage().arrayBuffers - before
  assert.ok(grown < 8 * MEGABYTE, `memory grew by ${grown} bytes`)
  client.destroy()
  await sending
})

test('a tunnel in which nobody speaks ends, and the log says why', async t => {
  const { client, server, proxy } = await tunnel(t, { group: { tunnelTimeoutMs: 200 } })
  assert.equal(await client.ended(), 'reset')
  assert.equal(await server.ended(), 'reset')
  const { status, error, detail } = await proxy.records.at(0)
  assert.deepEqual([status, error, detail], [101, 'tunnel_timeout', 'The limit is 200 ms (tunnelTimeout).'])
})

test('a client that takes nothing any more: the limit ends it', async t => {
  const { client, server, proxy } = await tunnel(t, { group: { tunnelTimeoutMs: 500 } })
  client.hold()
  const sending = (async () => {
    for (const piece of pieces(FLOOD_BYTES, 1)) if (!(await server.sendAll(piece))) return
  })()
  const record = await proxy.records.at(0)
  assert.deepEqual([record.status, record.error], [101, 'tunnel_timeout'])
  await sending
})

test('over unix sockets', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-upgrades-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const { client, server } = await tunnel(t, { at: { path: join(folder, 'origin.sock') } })
  client.send('ping')
  assert.equal(String(await server.exactly(4)), 'ping')
  server.send('pong')
  server.end()
  assert.equal(String(await client.rest()), 'pong')
  client.end()
  await server.ended()
})
