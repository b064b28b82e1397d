/**
 * Many tiny chunks: a body of chunks of one byte, or an answer in packets of one byte, makes a proxy work for
 * each byte. The work per byte has to be small and constant, and others have to be served meanwhile.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { answer, startOrigin } from '../support/origin.ts'
import { startProxy } from '../support/proxy.ts'
import { connect } from '../support/raw-client.ts'
import { CHUNKED, request, requestHead } from '../support/requests.ts'
import { until } from '../support/wait.ts'

const COUNT = 200_000
/** CPU time of this whole process, the origin's and the client's reading included. */
const CPU_US_MAX = 6_000_000

/** Content bytes in what came, where every chunk holds one "x". */
const contentIn = (text: string) => text.split('x').length - 1

test('an upload in chunks of one byte', async t => {
  let received = 0
  const origin = await startOrigin(t, async (_, wire) => {
    wire.recording = false
    let tail = ''
    while (!tail.endsWith('\r\n0\r\n\r\n')) {
      const some = (await wire.some())?.toString('latin1') ?? ''
      received += contentIn(some)
      tail = (tail + some).slice(-7)
    }
    wire.send(answer(''))
    wire.end()
  })
  const proxy = await startProxy(t, { to: origin })
  const client = await connect(t, proxy)
  const before = process.cpuUsage()
  client.send(requestHead('/', `${CHUNKED}Connection: close\r\n`))
  client.send(`${'1\r\nx\r\n'.repeat(COUNT)}0\r\n\r\n`)
  await client.answer('POST')
  const { user } = process.cpuUsage(before)
  assert.equal(received, COUNT)
  assert.equal((await proxy.records.at(0)).requestBytes, COUNT)
  assert.ok(user < CPU_US_MAX, `${user} µs of CPU`)
})

test('a download in chunks of one byte', async t => {
  const origin = await startOrigin(t, (_, wire) => {
    wire.send(`HTTP/1.1 200 OK\r\n${CHUNKED}\r\n${'1\r\nx\r\n'.repeat(COUNT)}0\r\n\r\n`)
  })
  const proxy = await startProxy(t, { to: origin })
  const client = await connect(t, proxy)
  client.recording = false
  const before = process.cpuUsage()
  client.send(request('/', { fields: 'Connection: close\r\n' }))
  assert.equal((await client.head())?.status, 200)
  const body = (await client.rest()).toString('latin1')
  const { user } = process.cpuUsage(before)
  assert.equal(contentIn(body), COUNT)
  assert.ok(user < CPU_US_MAX, `${user} µs of CPU`)
})

test('a PUT in tiny chunks whose connection was stale is sent again whole', async t => {
  let count = 0
  const origin = await startOrigin(t, async (request, wire) => {
    if (++count === 2) wire.destroy()
    else wire.send(answer(String((await request.content()).body.length)))
  })
  const proxy = await startProxy(t, { to: origin })
  const client = await connect(t, proxy)
  await client.ask(request('/'))
  client.send(`${requestHead('/', CHUNKED, 'PUT')}${'1\r\nx\r\n'.repeat(5_000)}0\r\n\r\n`)
  assert.equal((await client.answer('PUT')).body.toString(), '5000')
})

test('others are served while tiny chunks flow', async t => {
  const origin = await startOrigin(t, async (request, wire) => {
    if (request.target === '/quick') wire.send(answer('quick'))
    else await new Promise(() => wire.socket.on('data', () => {}))
  })
  const proxy = await startProxy(t, { to: origin })
  const attacker = await connect(t, proxy)
  const client = await connect(t, proxy)
  attacker.send(requestHead('/attack', CHUNKED))
  await origin.requests.at(0)
  origin.requests.all[0].wire.recording = false
  let slowestMs = 0
  for (let i = 0; i < 50; i++) {
    attacker.send('1\r\nx\r\n'.repeat(2_000))
    const begun = performance.now()
    assert.equal((await client.ask(request('/quick'))).body.toString(), 'quick')
    slowestMs = Math.max(slowestMs, performance.now() - begun)
  }
  assert.ok(slowestMs < 500, `the slowest took ${slowestMs.toFixed(0)} ms`)
  attacker.destroy()
  await until(() => proxy.server.connections === 1, 'the attacker to be gone')
})
