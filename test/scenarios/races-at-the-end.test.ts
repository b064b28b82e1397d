/**
 * Connections that end at the worst moment: while we write, while a request waits for them, while nobody reads.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { RespondHandler } from '../../src/layers/respond.ts'
import { answer, startOrigin } from '../support/origin.ts'
import { startProxy } from '../support/proxy.ts'
import { connect } from '../support/raw-client.ts'
import { request, requestHead } from '../support/requests.ts'
import { until, within } from '../support/wait.ts'

test('an answer that the server gave before it closed in the middle of an upload is not lost', async t => {
  // It never reads the body, so closing resets the connection while the proxy still writes.
  const origin = net.createServer(socket => {
    socket.on('error', () => {})
    socket.once('data', () => {
      socket.pause()
      socket.write(answer('too much', '413 Content Too Large', 'Connection: close\r\n'), () =>
        socket.destroy(),
      )
    })
  })
  origin.listen(0, '127.0.0.1')
  await once(origin, 'listening')
  t.after(() => origin.close())
  const proxy = await startProxy(t, { to: `127.0.0.1:${(origin.address() as net.AddressInfo).port}` })
  for (let round = 0; round < 20; round++) {
    const client = await connect(t, proxy)
    client.send(requestHead('/', 'Content-Length: 8000000\r\n'))
    client.send(Buffer.alloc(8_000_000))
    assert.equal((await client.answer('POST')).status, 413, `round ${round}`)
  }
})

for (const [method, body] of [
  ['POST', 'x'],
  ['PUT', 'x'.repeat(100_000)],
] as const)
  test(`${method} requests in the queue do not go out on a connection that has just been closed`, async t => {
    const origin = await startOrigin(
      t,
      async (asked, wire) => {
        await asked.content()
        wire.send(answer('done'))
        wire.end()
      },
      { faultsExpected: true },
    )
    const proxy = await startProxy(t, { to: origin, group: { connectionsMax: 1 } })
    const clients = await Promise.all(Array.from({ length: 40 }, () => connect(t, proxy)))
    for (const client of clients)
      client.send(`${requestHead('/', `Content-Length: ${body.length}\r\n`, method)}${body}`)
    const statuses = await Promise.all(clients.map(async client => (await client.answer(method)).status))
    assert.deepEqual(
      statuses.filter(status => status !== 200),
      [],
    )
  })

test('a stalled client on a unix socket costs its connection and nothing else', async t => {
  const path = join(mkdtempSync(join(tmpdir(), 'sluice-')), 'listener.sock')
  const proxy = await startProxy(t, {
    routes: () => [{ handler: new RespondHandler({ status: 200, body: 'hello', headers: {} }) }],
    listener: { address: { kind: 'unix', path } },
    timeouts: { bodyTimeoutMs: 100 },
  })
  const client = net.connect(path)
  t.after(() => client.destroy())
  client.on('error', () => {})
  client.resume()
  client.write(requestHead('/', 'Content-Length: 5\r\n'))
  await within(once(client, 'close'), 'the client to be sent away')
  await until(() => proxy.server.connections === 0, 'its session to be gone')
})

test('a client that owes the rest of its body after a large answer is sent away in time', async t => {
  const proxy = await startProxy(t, {
    routes: () => [
      { handler: new RespondHandler({ status: 200, body: 'x'.repeat(20_000_000), headers: {} }) },
    ],
    timeouts: { bodyTimeoutMs: 300 },
  })
  const client = await connect(t, proxy)
  client.recording = false
  client.send(`${requestHead('/', 'Content-Length: 10\r\n')}abc`)
  await client.answer('POST')
  await until(() => proxy.server.connections === 0, 'the client to be sent away')
})

test('a base path cannot be climbed out of, in no spelling', async t => {
  const origin = await startOrigin(t, (_, wire) => wire.send(answer('secret')))
  const proxy = await startProxy(t, { to: `http://127.0.0.1:${origin.port}/app` })
  const climbs = ['/../admin', '/%2e%2e/admin', '/x/../../admin', '/..%2fadmin', '/..;/admin', '/..\\admin']
  for (const target of climbs) {
    const client = await connect(t, proxy)
    client.send(request(target))
    assert.equal((await client.answer()).status, 400, target)
  }
  const client = await connect(t, proxy)
  client.send(request('/x/../y'))
  assert.equal((await client.answer()).status, 200)
  assert.equal((await origin.requests.at(0)).target, '/app/x/../y')
})
