/**
 * Shutting down with tunnels open: WebSockets go on, then are closed in order; what cannot be closed is cut.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startOrigin } from '../support/origin.ts'
import { startProxy } from '../support/proxy.ts'
import { connect, type RawClient } from '../support/raw-client.ts'
import { request } from '../support/requests.ts'
import { Arrivals } from '../support/wait.ts'
import { openWebSocket, startWebSocketOrigin } from '../support/web-sockets.ts'
import type { Wire } from '../support/wire.ts'

test('WebSockets go on while the proxy drains, then both ends hear 1001 and close in order', async t => {
  const origin = await startWebSocketOrigin(t)
  const proxy = await startProxy(t, { to: origin.address })
  const clients = await Promise.all([1, 2, 3].map(() => openWebSocket(t, proxy)))
  const servers = await origin.talkers.count(3)
  const drained = proxy.server.drain(10_000)
  for (const client of clients) client.socket.send('still here')
  for (const server of servers) assert.equal(await server.text(0), 'still here')
  for (const end of [...clients, ...servers]) assert.equal((await end.closed()).code, 1001)
  assert.equal(await drained, 0, 'none had to be cut')
  for (const record of await proxy.records.count(3))
    assert.deepEqual([record.status, record.error], [101, 'draining'])
})

test('a WebSocket that closes by itself while the proxy drains ends the drain', async t => {
  const origin = await startWebSocketOrigin(t)
  const proxy = await startProxy(t, { to: origin.address })
  const client = await openWebSocket(t, proxy)
  const drained = proxy.server.drain(60_000)
  client.socket.close(1000)
  assert.equal(await drained, 0)
  assert.equal((await proxy.records.at(0)).error, '')
})

/** A tunnel whose both ends are played byte by byte. */
async function play(t: Parameters<typeof startOrigin>[0], protocol: string) {
  const wires = new Arrivals<Wire>('a tunnel at the origin')
  const origin = await startOrigin(
    t,
    async (_, wire) => {
      wire.send(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\n\r\n`)
      wires.push(wire)
      await wire.closed()
    },
    { faultsExpected: true },
  )
  const proxy = await startProxy(t, { to: origin })
  const client: RawClient = await connect(t, proxy)
  client.send(request('/', { fields: `Connection: Upgrade\r\nUpgrade: ${protocol}\r\n` }))
  assert.equal((await client.head())?.status, 101)
  return { proxy, client, server: await wires.at(0) }
}

const CLOSE_1001 = Buffer.from([0x88, 0x02, 0x03, 0xe9])

test('a frame that does not end in time is cut, visibly', async t => {
  const { proxy, client, server } = await play(t, 'websocket')
  server.send(Buffer.from([0x82, 0x04, 1, 2]))
  client.send(Buffer.from([0x82, 0x82]))
  await client.exactly(4)
  await server.exactly(2)
  assert.equal(await proxy.server.drain(300), 1)
  assert.equal(await client.ended(), 'reset')
  assert.equal(await server.ended(), 'reset')
  assert.equal(client.waiting + server.waiting, 0, 'no Close inside of a frame')
  const record = await proxy.records.at(0)
  assert.deepEqual([record.status, record.error], [101, 'draining'])
})

test('peers that do not answer the Close are cut when the time is over', async t => {
  const { proxy, client } = await play(t, 'websocket')
  assert.equal(await proxy.server.drain(5_000), 1)
  assert.deepEqual(await client.exactly(4), CLOSE_1001)
})

test('another protocol knows no Close: nothing is put into it, and it is cut', async t => {
  const { proxy, client, server } = await play(t, 'echo')
  assert.equal(await proxy.server.drain(200), 1)
  assert.equal(await client.ended(), 'reset')
  assert.equal(await server.ended(), 'reset')
  assert.equal(client.waiting + server.waiting, 0)
})

test('a drain does not wait for a tunnel that has ended on both sides', async t => {
  const { proxy, client, server } = await play(t, 'echo')
  const drained = proxy.server.drain(60_000)
  client.end()
  await server.ended()
  server.end()
  await client.ended()
  assert.equal(await drained, 0)
})
