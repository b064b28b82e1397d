/**
 * Clients that leave before their answer is complete: nobody works for them any longer, and nobody else
 * notices.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { takeName } from '../support/names.ts'
import { answer, type OriginRequest, startOrigin } from '../support/origin.ts'
import { startProxy } from '../support/proxy.ts'
import { connect } from '../support/raw-client.ts'
import { CHUNKED, chunk, request, requestHead } from '../support/requests.ts'
import { settled, until } from '../support/wait.ts'
import type { Wire } from '../support/wire.ts'

/** Answers nothing until it is told to. */
function silentScript() {
  const waiting: { request: OriginRequest; wire: Wire }[] = []
  const script = (request: OriginRequest, wire: Wire) => void waiting.push({ request, wire })
  return { waiting, script }
}

test('a client that leaves before the answer ends its upstream request at once', async t => {
  const origin = await startOrigin(t, () => {})
  const proxy = await startProxy(t, { to: origin })
  const client = await connect(t, proxy)
  client.send(request('/slow'))
  await origin.requests.at(0)
  client.destroy()
  await (await origin.wires.at(0)).ended()
  const record = await proxy.records.at(0)
  assert.equal(record.status, 499)
  assert.equal(record.error, 'client_left')
  assert.equal(proxy.counters.busy, 0)
})

test('a client that breaks its connection ends its upstream request at once', async t => {
  const origin = await startOrigin(t, () => {})
  const proxy = await startProxy(t, { to: origin })
  const client = await connect(t, proxy)
  client.send(request('/slow'))
  await origin.requests.at(0)
  client.reset()
  await (await origin.wires.at(0)).ended()
  assert.equal((await proxy.records.at(0)).status, 499)
})

test('a client that leaves in the middle of a download ends the upstream answer', async t => {
  const origin = await startOrigin(t, (_, wire) =>
    wire.send('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\npart'),
  )
  const proxy = await startProxy(t, { to: origin })
  const client = await connect(t, proxy)
  client.send(request('/'))
  const head = await client.head()
  assert.equal(head?.status, 200)
  await client.exactly(4)
  client.destroy()
  await (await origin.wires.at(0)).ended()
  const record = await proxy.records.at(0)
  assert.equal(record.status, 499)
  assert.equal(record.responseBytes, 4)
})

test('a client that leaves in the middle of an upload never makes it look complete', async t => {
  const origin = await startOrigin(t, async request => {
    await assert.rejects(request.content())
  })
  const proxy = await startProxy(t, { to: origin })
  const client = await connect(t, proxy)
  client.send(`${requestHead('/upload', CHUNKED)}${chunk('the first part')}`)
  const seen = await origin.requests.at(0)
  await until(() => seen.wire.received.includes('the first part'), 'the first part')
  client.end()
  await seen.wire.ended()
  assert.doesNotMatch(seen.wire.received, /0\r\n\r\n/)
  assert.equal((await client.answer()).status, 400)
  assert.equal((await proxy.records.at(0)).error, 'client_body_short')
})

test('a client that leaves while it waits for a connection leaves the queue', async t => {
  const { waiting, script } = silentScript()
  const origin = await startOrigin(t, script)
  const proxy = await startProxy(t, { to: origin, group: { connectionsMax: 1 } })
  const first = await connect(t, proxy)
  first.send(request('/first'))
  await origin.requests.at(0)
  const second = await connect(t, proxy)
  second.send(request('/second'))
  await until(() => proxy.counters.queued === 1, 'the second request to wait')
  second.destroy()
  await until(() => proxy.counters.queued === 0, 'the second request to leave the queue')
  waiting[0].wire.send(answer('one'))
  assert.equal((await first.answer()).body.toString(), 'one')
  assert.deepEqual(origin.lines, ['GET /first HTTP/1.1'])
  assert.equal(proxy.counters.idle, 1)
})

test('a client that leaves the queue of the second server, the first being full, disturbs nobody', async t => {
  const { waiting, script } = silentScript()
  const servers = [await startOrigin(t, script), await startOrigin(t, script)]
  const proxy = await startProxy(t, { to: servers, group: { connectionsMax: 1, queueMax: 1 } })
  const [one, two] = proxy.group.endpoints
  // Round-robin: both servers get one to work on, then the first gets one to wait.
  const innocents = [await connect(t, proxy), await connect(t, proxy), await connect(t, proxy)]
  for (const [i, innocent] of innocents.entries()) {
    innocent.send(request(`/innocent/${i}`))
    await until(() => one.busy + two.busy === i + 1, 'the request to find its server')
  }
  await until(() => waiting.length === 2 && one.queued === 1 && two.queued === 0, 'one request to wait')
  // The next is the second server's turn, and waits there; the one after it finds the first server full.
  const filler = await connect(t, proxy)
  filler.send(request('/filler'))
  await until(() => two.queued === 1, 'the second server to be full')
  filler.destroy()
  await until(() => two.queued === 0, 'the second server to have room')
  const leaver = await connect(t, proxy)
  leaver.send(request('/leaver'))
  await until(() => two.queued === 1, 'the request to go to the second server')
  leaver.destroy()
  await until(() => two.queued === 0, 'the request to leave the queue')
  for (const { request, wire } of waiting) wire.send(answer(request.target))
  await until(() => waiting.length === 3, 'the request that waited')
  waiting[2].wire.send(answer(waiting[2].request.target))
  for (const [i, innocent] of innocents.entries())
    assert.equal((await innocent.answer()).body.toString(), `/innocent/${i}`)
  assert.equal(waiting.length, 3)
})

test('a client that leaves while the name of the second server is looked up costs nothing', async t => {
  const questions = takeName(t, 'spare.test')
  const { script } = silentScript()
  const full = await startOrigin(t, script)
  const spare = await startOrigin(t, script)
  const group = { connectionsMax: 1, queueMax: 0 }
  const proxy = await startProxy(t, { to: [full, `spare.test:${spare.port}`], group })
  const busy = await connect(t, proxy)
  busy.send(request('/busy'))
  await full.requests.at(0)
  // The second server's turn: its name is looked up and the answer does not come.
  const leaver = await connect(t, proxy)
  leaver.send(request('/leaver'))
  const question = await questions.at(0)
  leaver.destroy()
  await proxy.records.at(0)
  question.found('127.0.0.1')
  await until(() => proxy.group.endpoints[1].openConnections === 0, 'the second server to be left alone')
  assert.deepEqual(spare.lines, [])
})

test('a client that pipelined and left gets none of its requests served', async t => {
  const origin = await startOrigin(t, () => {})
  const proxy = await startProxy(t, { to: origin })
  const client = await connect(t, proxy)
  client.send(request('/one') + request('/two') + request('/three'))
  await origin.requests.at(0)
  client.destroy()
  await (await origin.wires.at(0)).ended()
  await until(() => proxy.server.connections === 0, 'the client to be gone')
  assert.deepEqual(origin.lines, ['GET /one HTTP/1.1'])
})

/**
 * While the origin takes nothing, the proxy does not read from the client, and so cannot see it leave (Node tells
 * of an end only to those who read). What is held ends with the wait for the origin.
 */
test('a client that leaves while the origin takes none of its upload holds the origin no longer than the origin may stall', async t => {
  const origin = await startOrigin(
    t,
    (_, wire) => {
      wire.hold()
      return new Promise(() => {})
    },
    { faultsExpected: true },
  )
  const proxy = await startProxy(t, { to: origin, group: { bodyTimeoutMs: 300 } })
  const client = await connect(t, proxy)
  const bytes = 64 * 1_048_576
  client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${bytes}\r\n\r\n`)
  client.send(Buffer.alloc(bytes))
  await origin.requests.at(0)
  await settled(() => client.socket.writableLength)
  client.reset()
  assert.equal((await proxy.records.at(0)).error, 'upstream_write_timeout')
  await until(() => proxy.counters.open === 0, 'the connection to the origin to be ended')
  await until(() => proxy.server.connections === 0, 'the client to be forgotten')
})
