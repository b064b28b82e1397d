/**
 * WebSockets through the proxy, with an implementation that is not ours on both sides: what one says the other
 * hears, unchanged, and however one of them goes, the other learns of it.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { ServerOptions } from 'ws'
import { WebSocket } from 'ws'
import { headersLayer } from '../../src/layers/headers.ts'
import { checksum, MEGABYTE, wholeBody } from '../support/bodies.ts'
import { type ProxyOptions, startProxy } from '../support/proxy.ts'
import { Arrivals, settled, until, within } from '../support/wait.ts'
import { openWebSocket, startWebSocketOrigin, Talker } from '../support/web-sockets.ts'

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

async function pair(t: TestContext, server: ServerOptions = {}, options: ProxyOptions = {}) {
  const origin = await startWebSocketOrigin(t, server)
  const proxy = await startProxy(t, { ...options, to: origin.address })
  const client = await openWebSocket(t, proxy)
  return { origin, proxy, client, server: await origin.talkers.at(0) }
}

test('text and binary, both ways, in order', async t => {
  const { client, server } = await pair(t)
  for (const [from, to] of [
    [client, server],
    [server, client],
  ]) {
    from.socket.send('grüß dich')
    from.socket.send(Buffer.from([0, 255, 13, 10]))
    from.socket.send('')
    const [text, binary, empty] = await to.messages.count(3)
    assert.deepEqual(
      [text, binary, empty].map(({ bytes, binary }) => [bytes.toString('latin1'), binary]),
      [
        [Buffer.from('grüß dich').toString('latin1'), false],
        ['\0\xff\r\n', true],
        ['', false],
      ],
    )
  }
})

test('a message said in the same breath as the handshake arrives', async t => {
  const origin = await startWebSocketOrigin(t)
  origin.server.on('connection', socket => socket.send('welcome'))
  const proxy = await startProxy(t, { to: origin.address })
  const client = await openWebSocket(t, proxy)
  assert.equal(await client.text(0), 'welcome')
})

test('messages of 10 MB, both ways at once, are whole', async t => {
  const { client, server } = await pair(t)
  const [up, down] = [wholeBody(10 * MEGABYTE, 1), wholeBody(10 * MEGABYTE, 2)]
  client.socket.send(up)
  server.socket.send(down)
  assert.equal(checksum((await server.messages.at(0)).bytes), checksum(up))
  assert.equal(checksum((await client.messages.at(0)).bytes), checksum(down))
})

test('a thousand small messages each way, in order', async t => {
  const { client, server } = await pair(t)
  server.socket.on('message', data => server.socket.send(data))
  for (let i = 0; i < 1000; i++) client.socket.send(`number ${i}`)
  await client.messages.count(1000)
  assert.deepEqual(
    client.messages.all.map(({ bytes }) => String(bytes)),
    Array.from({ length: 1000 }, (_, i) => `number ${i}`),
  )
})

test('fragments of a message, with a ping between them', async t => {
  const { client, server } = await pair(t)
  client.socket.send('one ', { fin: false })
  client.socket.ping('still there?')
  client.socket.send('message', { fin: true })
  assert.equal(await server.text(0), 'one message')
  assert.equal(await server.pings.at(0), 'still there?')
  assert.equal(await client.pongs.at(0), 'still there?')
})

test('pings go both ways, and each end answers its own', async t => {
  const { client, server } = await pair(t)
  client.socket.ping('from the client')
  server.socket.ping('from the server')
  assert.equal(await client.pongs.at(0), 'from the client')
  assert.equal(await server.pongs.at(0), 'from the server')
})

test('compression is between the two ends', async t => {
  const { client, server, proxy } = await pair(t, { perMessageDeflate: { threshold: 0 } })
  assert.equal(client.socket.extensions, 'permessage-deflate')
  assert.equal(server.socket.extensions, 'permessage-deflate')
  const text = 'again and '.repeat(10_000)
  server.socket.send(text)
  assert.equal(await client.text(0), text)
  client.socket.close()
  await client.closed()
  const record = await proxy.records.at(0)
  assert.ok(record.responseBytes < 10_000, `${record.responseBytes} bytes for a message of ${text.length}`)
})

test('the subprotocol that the server picks, and what it knows of the client', async t => {
  const origin = await startWebSocketOrigin(t, { handleProtocols: () => 'v2.chat' })
  const requests = new Arrivals<string>('a handshake')
  origin.server.on('connection', (_, { url, headers }) =>
    requests.push(`${url} ${headers.origin} ${headers['x-forwarded-for']} ${headers.via}`),
  )
  const proxy = await startProxy(t, { to: origin.address })
  const client = await openWebSocket(t, proxy, ['v1.chat', 'v2.chat'], { origin: 'http://shop' })
  assert.equal(client.socket.protocol, 'v2.chat')
  assert.equal(await requests.at(0), '/chat http://shop 127.0.0.1 1.1 sluice')
})

test('layers see the handshake and its answer', async t => {
  const layers = [
    headersLayer({ request: { set: { 'x-shop': 'oak' } }, response: { set: { 'x-served-by': 'sluice' } } }),
  ]
  const origin = await startWebSocketOrigin(t)
  const shops = new Arrivals<unknown>('a handshake')
  origin.server.on('connection', (_, { headers }) => shops.push(headers['x-shop']))
  const proxy = await startProxy(t, { to: origin.address, layers })
  const socket = new WebSocket(`ws://127.0.0.1:${proxy.port}/`)
  const client = new Talker(socket)
  t.after(() => socket.terminate())
  const [answer] = await within(once(socket, 'upgrade'), 'the answer to the handshake')
  assert.equal(answer.headers['x-served-by'], 'sluice')
  assert.equal(await shops.at(0), 'oak')
  const server = await origin.talkers.at(0)
  server.socket.send('hello')
  assert.equal(await client.text(0), 'hello')
})

test('a refused handshake is an answer like any other', async t => {
  const origin = await startWebSocketOrigin(t, { verifyClient: (_, done) => done(false, 401, 'not you') })
  const proxy = await startProxy(t, { to: origin.address })
  const socket = new WebSocket(`ws://127.0.0.1:${proxy.port}/`)
  const [error] = await within(once(socket, 'error'), 'the refusal')
  assert.match(String(error), /Unexpected server response: 401/)
  const record = await proxy.records.at(0)
  assert.deepEqual([record.status, record.error], [401, ''])
})

test('the log has one line for it: 101, the bytes of both sides, the time of the whole', async t => {
  const { client, server, proxy } = await pair(t, { perMessageDeflate: false })
  client.socket.send('12345')
  await server.text(0)
  server.socket.send('1234567890')
  await client.text(0)
  assert.equal(proxy.records.all.length, 0)
  assert.equal(proxy.counters.busy, 1)
  client.socket.close(1000)
  assert.equal((await server.closed()).code, 1000)
  const record = await proxy.records.at(0)
  // A frame of the client: 2 bytes, 4 of mask, then its payload; the server sends no mask. Close has 2 bytes.
  assert.equal(record.requestBytes, 6 + 5 + 6 + 2)
  assert.equal(record.responseBytes, 2 + 10 + 2 + 2)
  assert.deepEqual([record.status, record.error, record.attempts], [101, '', 1])
  assert.ok(record.firstByteMs <= record.durationMs)
  await until(() => proxy.counters.busy === 0 && proxy.counters.open === 0, 'the connection to be given up')
})

test('a close by either side arrives with its code and reason', async t => {
  for (const closer of ['client', 'server'] as const) {
    const ends = await pair(t)
    const other = closer === 'client' ? ends.server : ends.client
    ends[closer].socket.close(4001, 'enough')
    assert.deepEqual(await other.closed(), { code: 4001, reason: 'enough' })
    assert.deepEqual(await ends[closer].closed(), { code: 4001, reason: 'enough' })
    assert.equal((await ends.proxy.records.at(0)).error, '')
  }
})

const ABRUPT: readonly (readonly [how: string, go: (talker: Talker) => void])[] = [
  ['terminate', talker => talker.socket.terminate()],
  ['a closed socket', talker => talker.tcp.destroy()],
  ['a reset', talker => talker.tcp.resetAndDestroy()],
]

for (const [how, go] of ABRUPT)
  for (const side of ['client', 'server'] as const)
    test(`${how} of the ${side}: the other side ends too`, async t => {
      const ends = await pair(t)
      go(ends[side])
      const other = side === 'client' ? ends.server : ends.client
      assert.equal((await other.closed()).code, 1006)
      assert.equal((await ends.proxy.records.at(0)).status, 101)
      await until(() => ends.proxy.counters.open === 0, 'the upstream connection to be gone')
      await until(() => ends.proxy.server.connections === 0, 'the client connection to be gone')
    })

/** A process that runs this text as a module; its first line of output is awaited. */
async function processOf(t: TestContext, text: string): Promise<{ child: ChildProcess; line: string }> {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', text], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => child.kill('SIGKILL'))
  const [line] = await within(once(child.stdout as NodeJS.ReadableStream, 'data'), 'a line of the process')
  return { child, line: String(line).trim() }
}

test('a client whose process is killed: the server learns of it', async t => {
  const origin = await startWebSocketOrigin(t)
  const proxy = await startProxy(t, { to: origin.address })
  const script = `import { WebSocket } from 'ws'
    new WebSocket('ws://127.0.0.1:${proxy.port}/').on('open', () => console.log('open'))`
  const { child } = await processOf(t, script)
  const server = await origin.talkers.at(0)
  child.kill('SIGKILL')
  assert.equal((await server.closed()).code, 1006)
})

test('a server whose process is killed: the client learns of it', async t => {
  const script = `import { WebSocketServer } from 'ws'
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
    server.on('listening', () => console.log(server.address().port))`
  const { child, line } = await processOf(t, script)
  const proxy = await startProxy(t, { to: `127.0.0.1:${line}` })
  const client = await openWebSocket(t, proxy)
  child.kill('SIGKILL')
  assert.equal((await client.closed()).code, 1006)
})

/** Bytes of buffers, without what is only not collected yet. */
function memoryInUse(): number {
  collectGarbage()
  return process.memoryUsage().arrayBuffers
}

const FLOOD_BYTES = 64 * MEGABYTE

for (const side of ['client', 'server'] as const)
  test(`a ${side} that does not read holds the other back, memory is bounded, and all arrives`, async t => {
    const ends = await pair(t, { perMessageDeflate: false, maxPayload: 2 * FLOOD_BYTES })
    const [reader, writer] = side === 'client' ? [ends.client, ends.server] : [ends.server, ends.client]
    const received = { bytes: 0 }
    reader.messages.push = ({ bytes }) => {
      received.bytes += bytes.length
    }
    reader.socket.pause()
    const piece = wholeBody(MEGABYTE, 1)
    const sent = { bytes: 0 }
    const sending = (async () => {
      while (sent.bytes < FLOOD_BYTES) {
        await new Promise(resolve => writer.socket.send(piece, resolve))
        sent.bytes += piece.length
      }
    })()
    const before = memoryInUse()
    const stoppedAt = await settled(() => sent.bytes)
    // The kernel's buffers of two connections, and ours.
    assert.ok(stoppedAt < 0.75 * FLOOD_BYTES, `${stoppedAt} bytes went out`)
    const grown = memoryInUse() - before
    // Some of it is the writer's own, which runs in this process too; unbounded it would be nearly all.
    assert.ok(grown < FLOOD_BYTES / 4, `memory grew by ${grown} bytes`)
    reader.socket.resume()
    await sending
    await until(() => received.bytes === FLOOD_BYTES, 'all of it to arrive')
  })

test('a server that is not there is a 502 to the handshake', async t => {
  const proxy = await startProxy(t, { to: '127.0.0.1:1' })
  const socket = new WebSocket(`ws://127.0.0.1:${proxy.port}/`)
  const [error] = await within(once(socket, 'error'), 'the refusal')
  assert.match(String(error), /Unexpected server response: 502/)
  assert.equal((await proxy.records.at(0)).error, 'connect_refused')
})
