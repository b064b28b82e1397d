/**
 * What is remembered of every exchange: the access log is made of it.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RespondHandler } from '../../src/layers/respond.ts'
import { answer, startOrigin } from '../support/origin.ts'
import { startProxy } from '../support/proxy.ts'
import { connect } from '../support/raw-client.ts'
import { CHUNKED, chunk, request, requestHead } from '../support/requests.ts'

test('a record tells who asked what, of whom, and what came of it', async t => {
  const origin = await startOrigin(t, async (request, wire) => {
    await request.content()
    wire.send(answer('created', '201 Created'))
  })
  const proxy = await startProxy(t, { to: origin })
  const client = await connect(t, proxy)
  await client.ask(request('/a?b', { method: 'POST', host: 'Shop.Example:80', body: 'twelve bytes' }))
  const { exchange, durationMs, queueMs, connectMs, firstByteMs, ...record } = await proxy.records.at(0)
  assert.deepEqual(record, {
    client: { address: '127.0.0.1', port: client.socket.localPort, listener: proxy.authority },
    method: 'POST',
    target: '/a?b',
    refusedHead: '',
    host: 'Shop.Example:80',
    status: 201,
    requestBytes: 12,
    responseBytes: 7,
    upstream: origin.address,
    attempts: 1,
    retried: null,
    cache: '',
    cacheWhy: '',
    user: '',
    error: '',
    detail: '',
  })
  assert.ok(connectMs > 0 && queueMs >= 0 && queueMs < 1000)
  assert.ok(connectMs + queueMs <= firstByteMs && firstByteMs <= durationMs)
  assert.ok(durationMs > 0 && durationMs < 5000)
  assert.equal(exchange?.request.headers.get('Host'), 'Shop.Example:80')
})

test('bytes are those of the content, whatever the framing', async t => {
  const origin = await startOrigin(t, async (request, wire) => {
    await request.content()
    wire.send(`HTTP/1.1 200 OK\r\n${CHUNKED}\r\n${chunk('one')}${chunk('three')}${chunk('')}`)
  })
  const proxy = await startProxy(t, { to: origin })
  const client = await connect(t, proxy)
  await client.ask(`${requestHead('/', CHUNKED)}${chunk('seven b')}${chunk('.')}${chunk('')}`)
  await client.ask(request('/', { method: 'HEAD' })).catch(() => {})
  const record = await proxy.records.at(0)
  assert.equal(record.requestBytes, 8)
  assert.equal(record.responseBytes, 8)
})

test('HEAD, 204 and 304 have no content to count', async t => {
  const origin = await startOrigin(t, (request, wire) => {
    if (request.method === 'HEAD') wire.send('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n')
    else wire.send(`HTTP/1.1 ${request.target.slice(1)} X\r\n\r\n`)
  })
  const proxy = await startProxy(t, { to: origin })
  const client = await connect(t, proxy)
  await client.ask(request('/', { method: 'HEAD' }))
  await client.ask(request('/204'))
  await client.ask(request('/304'))
  assert.deepEqual(
    proxy.records.all.map(({ status, responseBytes }) => [status, responseBytes]),
    [
      [200, 0],
      [204, 0],
      [304, 0],
    ],
  )
})

test('a request that cannot be read is recorded without what it was', async t => {
  const proxy = await startProxy(t, {})
  const client = await connect(t, proxy)
  assert.equal((await client.ask('NONSENSE\r\n\r\n')).status, 400)
  const record = await proxy.records.at(0)
  assert.equal(record.exchange, null)
  assert.equal(record.status, 400)
  assert.equal(record.error, 'bad_method')
  assert.equal(record.method, '')
  assert.equal(record.upstream, '')
})

test('answers of the proxy itself are recorded with their error code, fixed answers without', async t => {
  const proxy = await startProxy(t, {
    routes: () => [{ paths: ['/health'], handler: new RespondHandler({ status: 200, body: 'fine' }) }],
  })
  const client = await connect(t, proxy)
  await client.ask(request('/health'))
  const told = await client.ask(request('/nothing'))
  const [health, nothing] = proxy.records.all
  assert.deepEqual([health.status, health.error, health.responseBytes], [200, '', 4])
  assert.deepEqual(
    [nothing.status, nothing.error, nothing.responseBytes],
    [404, 'no_route', told.body.length],
  )
  assert.match(nothing.detail, /"\/nothing"/)
})

test('every request of a connection has a record of its own, in the order of the answers', async t => {
  const origin = await startOrigin(t)
  const proxy = await startProxy(t, { to: origin })
  const client = await connect(t, proxy)
  client.send(Array.from({ length: 20 }, (_, i) => request(`/${i}`)).join(''))
  for (let i = 0; i < 20; i++) await client.answer()
  assert.deepEqual(
    proxy.records.all.map(record => record.target),
    Array.from({ length: 20 }, (_, i) => `/${i}`),
  )
})

test('a second attempt is counted', async t => {
  let count = 0
  const origin = await startOrigin(t, (_, wire) => {
    if (++count === 2) wire.destroy()
    else wire.send(answer('ok'))
  })
  const proxy = await startProxy(t, { to: origin })
  const client = await connect(t, proxy)
  await client.ask(request('/'))
  await client.ask(request('/'))
  assert.deepEqual(
    proxy.records.all.map(({ attempts, error }) => [attempts, error]),
    [
      [1, ''],
      [2, ''],
    ],
  )
})
