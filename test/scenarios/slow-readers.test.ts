/**
 * Clients that take their time: they get every byte, they cost one read buffer and not the body, and only those
 * who take nothing at all for too long are sent away.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RespondHandler } from '../../src/layers/respond.ts'
import { Comparison, MEGABYTE, pieces } from '../support/bodies.ts'
import { type Script, startOrigin } from '../support/origin.ts'
import { startProxy } from '../support/proxy.ts'
import { connect, type RawClient } from '../support/raw-client.ts'
import { request } from '../support/requests.ts'
import { pause, settled, until } from '../support/wait.ts'
import type { Wire } from '../support/wire.ts'

const BODY_BYTES = 64 * MEGABYTE
/** What may lie between origin and client: the kernel's buffers of two connections, and ours. */
const UNDER_WAY_BYTES_MAX = 48 * MEGABYTE

/** Sends a body of a known length as fast as it is taken, and counts what it sent. */
function counted(bytes: number, fields = '') {
  const sent = { bytes: 0 }
  const script: Script = async (_, wire) => {
    wire.send(`HTTP/1.1 200 OK\r\n${fields}Content-Length: ${bytes}\r\n\r\n`)
    for (const piece of pieces(bytes, 1)) {
      if (!(await wire.sendAll(piece))) return
      sent.bytes += piece.length
    }
  }
  return { sent, script }
}

async function readBody(client: RawClient, bytes: number): Promise<string> {
  const comparison = new Comparison(bytes, 1)
  while (comparison.bytes < bytes) {
    const some = await client.some()
    if (some === null) break
    comparison.take(some)
  }
  return comparison.fault
}

test('a client that stops reading stops the origin, and gets the rest when it goes on', async t => {
  const { sent, script } = counted(BODY_BYTES)
  const origin = await startOrigin(t, script)
  const proxy = await startProxy(t, { to: origin })
  const client = await connect(t, proxy)
  client.recording = false
  client.send(request('/'))
  assert.equal((await client.head())?.status, 200)
  client.hold()
  const memoryBefore = process.memoryUsage().arrayBuffers
  const stoppedAt = await settled(() => sent.bytes)
  assert.ok(stoppedAt < UNDER_WAY_BYTES_MAX, `the origin could send ${stoppedAt} bytes`)
  const grown = process.memoryUsage().arrayBuffers - memoryBefore
  assert.ok(grown < 8 * MEGABYTE, `memory grew by ${grown} bytes`)
  client.go()
  assert.equal(await readBody(client, BODY_BYTES), '')
  assert.equal(sent.bytes, BODY_BYTES)
})

test('an origin that stops reading stops the client that uploads, and gets the rest when it goes on', async t => {
  let wire: Wire | null = null
  const comparison = new Comparison(BODY_BYTES, 1)
  const origin = await startOrigin(t, async (_, itsWire) => {
    itsWire.recording = false
    itsWire.hold()
    wire = itsWire
    while (comparison.bytes < BODY_BYTES) {
      const some = await itsWire.some()
      if (some === null) return
      comparison.take(some)
    }
    itsWire.send('HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
    itsWire.end()
    itsWire.socket.destroySoon()
  })
  const proxy = await startProxy(t, { to: origin })
  const client = await connect(t, proxy)
  client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${BODY_BYTES}\r\n\r\n`)
  let sent = 0
  const sending = (async () => {
    for (const piece of pieces(BODY_BYTES, 1)) {
      if (!(await client.sendAll(piece))) return
      sent += piece.length
    }
  })()
  await until(() => wire !== null, 'the request')
  const stoppedAt = await settled(() => sent)
  assert.ok(stoppedAt < UNDER_WAY_BYTES_MAX, `the client could send ${stoppedAt} bytes`)
  ;(wire as unknown as Wire).go()
  await sending
  assert.equal((await client.answer()).status, 200)
  assert.equal(comparison.fault, '')
  assert.equal((await proxy.records.at(0)).requestBytes, BODY_BYTES)
})

test('an answer that ends its connection is not cut when its reader pauses longer than we linger', async t => {
  const body = 'x'.repeat(32 * MEGABYTE)
  const proxy = await startProxy(t, {
    routes: () => [{ handler: new RespondHandler({ status: 200, body }) }],
    timeouts: { lingerTimeoutMs: 50 },
  })
  const client = await connect(t, proxy, { held: true })
  client.recording = false
  client.send(request('/', { fields: 'Connection: close\r\n' }))
  await pause(300)
  client.go()
  assert.equal((await client.answer()).body.length, body.length)
  assert.equal(await client.ended(), 'end')
})

test('a client that reads nothing at all is sent away after its time', async t => {
  const { script } = counted(BODY_BYTES)
  const origin = await startOrigin(t, script)
  const proxy = await startProxy(t, { to: origin, timeouts: { bodyTimeoutMs: 200 } })
  const client = await connect(t, proxy)
  client.recording = false
  client.send(request('/'))
  await client.head()
  client.hold()
  const record = await proxy.records.at(0)
  assert.equal(record.error, 'client_stalled')
  assert.equal(record.status, 499)
  await (await origin.wires.at(0)).ended()
})
