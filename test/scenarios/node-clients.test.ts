/**
 * Node's own clients, fetch and http.request, in front of the proxy, with Node's http server behind it.
 */
import assert from 'node:assert/strict'
import http from 'node:http'
import { type TestContext, test } from 'node:test'
import { startHttpOrigin } from '../support/origin.ts'
import { startProxy } from '../support/proxy.ts'
import { Arrivals, within } from '../support/wait.ts'

/** Answers with what it got, piece by piece as it comes. */
const mirror: http.RequestListener = (request, response) => {
  response.setHeader('X-Method', request.method ?? '')
  request.pipe(response)
}

async function start(t: TestContext, listener: http.RequestListener) {
  const origin = await startHttpOrigin(t, listener)
  return startProxy(t, { to: origin })
}

test('fetch gets, posts and reads JSON', async t => {
  const proxy = await start(t, mirror)
  const response = await fetch(`${proxy.url}/x`, { method: 'POST', body: JSON.stringify({ a: [1, 'ä'] }) })
  assert.equal(response.status, 200)
  assert.equal(response.headers.get('x-method'), 'POST')
  assert.deepEqual(await response.json(), { a: [1, 'ä'] })
})

test('fetch sees a status, its reason and fields that come several times', async t => {
  const proxy = await start(t, (_, response) => {
    response.writeHead(418, 'Short And Stout', [
      ['Set-Cookie', 'a=1'],
      ['Set-Cookie', 'b=2'],
      ['X-Bytes', '\xe4\xf6'],
    ])
    response.end('teapot')
  })
  const response = await fetch(proxy.url)
  assert.equal(response.status, 418)
  assert.equal(response.statusText, 'Short And Stout')
  assert.deepEqual(response.headers.getSetCookie(), ['a=1', 'b=2'])
  assert.equal(response.headers.get('x-bytes'), '\xe4\xf6')
  assert.equal(await response.text(), 'teapot')
})

test('fetch follows redirects, and answers without body have none', async t => {
  const proxy = await start(t, (request, response) => {
    if (request.url === '/old') response.writeHead(302, { Location: '/new' }).end()
    else if (request.url === '/empty') response.writeHead(204).end()
    else if (request.url === '/same') response.writeHead(304, { ETag: '"1"' }).end()
    else response.end(`at ${request.url}`)
  })
  assert.equal(await (await fetch(`${proxy.url}/old`)).text(), 'at /new')
  const empty = await fetch(`${proxy.url}/empty`)
  assert.equal(empty.status, 204)
  assert.equal(await empty.text(), '')
  assert.equal((await fetch(`${proxy.url}/same`, { headers: { 'If-None-Match': '"1"' } })).status, 304)
  assert.equal((await fetch(`${proxy.url}/new`, { method: 'HEAD' })).headers.get('content-length'), null)
})

test('a request and its answer stream at the same time, piece by piece', async t => {
  const proxy = await start(t, (request, response) => {
    response.flushHeaders()
    request.pipe(response)
  })
  const outgoing = http.request({ port: proxy.port, method: 'POST' })
  const pieces = new Arrivals<string>('a piece of the answer')
  const { promise: ended, resolve: end } = Promise.withResolvers<void>()
  outgoing.flushHeaders()
  outgoing.on('response', response => {
    response.on('data', piece => pieces.push(piece.toString()))
    response.on('end', end)
  })
  for (const [i, piece] of ['one', 'two', 'three'].entries()) {
    outgoing.write(piece)
    assert.equal(await pieces.at(i), piece)
  }
  outgoing.end()
  await within(ended, 'the end of the answer')
})

test('server-sent events arrive one by one', async t => {
  const { promise, resolve } = Promise.withResolvers<http.ServerResponse>()
  const proxy = await start(t, (_, response) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' })
    response.flushHeaders()
    resolve(response)
  })
  const response = await fetch(proxy.url)
  const origin = await promise
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  for (const event of ['data: 1\n\n', 'data: 2\n\n']) {
    origin.write(event)
    const { value } = await reader.read()
    assert.equal(Buffer.from(value as Uint8Array).toString(), event)
  }
  origin.end()
  assert.equal((await reader.read()).done, true)
})

test('103 Early Hints come before the answer', async t => {
  const proxy = await start(t, (_, response) => {
    response.writeEarlyHints({ link: '</style.css>; rel=preload; as=style' })
    response.end('page')
  })
  const outgoing = http.get({ port: proxy.port })
  const hints = new Arrivals<http.InformationEvent>('an interim answer')
  const { promise, resolve } = Promise.withResolvers<http.IncomingMessage>()
  outgoing.on('information', info => hints.push(info))
  outgoing.on('response', resolve)
  const hint = await hints.at(0)
  assert.equal(hint.statusCode, 103)
  assert.equal(hint.headers['link'], '</style.css>; rel=preload; as=style')
  const response = await promise
  assert.equal(response.statusCode, 200)
  response.resume()
})

test('a server that says 100 itself is heard by a client that waits for it', async t => {
  const proxy = await start(t, () => assert.fail('not called for Expect'))
  const origin = await startHttpOrigin(t, () => {})
  origin.server.on('checkContinue', (request, response) => {
    response.writeContinue()
    mirror(request, response)
  })
  const expecting = await startProxy(t, { to: origin })
  assert.notEqual(expecting.port, proxy.port)
  const outgoing = http.request({
    port: expecting.port,
    method: 'POST',
    headers: { Expect: '100-continue', 'Content-Length': '5' },
  })
  const { promise, resolve } = Promise.withResolvers<http.IncomingMessage>()
  outgoing.on('response', resolve)
  outgoing.flushHeaders()
  await within(new Promise(go => outgoing.on('continue', go)), '100 Continue')
  outgoing.end('hello')
  const response = await promise
  let text = ''
  for await (const piece of response) text += piece
  assert.equal(text, 'hello')
})

test('a fetch that is aborted ends the request of the origin', async t => {
  const { promise: closed, resolve: close } = Promise.withResolvers<void>()
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
  const proxy = await start(t, (_, response) => {
    response.on('close', close)
    response.write('first')
    begin()
  })
  const controller = new AbortController()
  const response = await fetch(proxy.url, { signal: controller.signal })
  await begun
  controller.abort()
  await within(closed, 'the origin to hear of it')
  await assert.rejects(response.text(), { name: 'AbortError' })
  assert.equal((await proxy.records.at(0)).error, 'client_left')
})

test('an upload that the client breaks off is no complete upload for the origin', async t => {
  const { promise: aborted, resolve: abort } = Promise.withResolvers<string>()
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
  const proxy = await start(t, request => {
    request.on('error', error => abort((error as NodeJS.ErrnoException).code ?? ''))
    request.on('end', () => abort('end'))
    request.once('data', () => begin())
  })
  const outgoing = http.request({ port: proxy.port, method: 'POST' })
  outgoing.on('error', () => {})
  outgoing.write('part of it')
  await within(begun, 'the upload to begin')
  outgoing.destroy()
  assert.equal(await within(aborted, 'the origin to hear of it'), 'ECONNRESET')
})

test('Node keeps its connection to the proxy alive', async t => {
  const proxy = await start(t, (_, response) => response.end('ok'))
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  t.after(() => agent.destroy())
  for (let i = 0; i < 20; i++) {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    http
      .get({ port: proxy.port, agent }, response => response.resume().on('end', () => resolve()))
      .on('error', reject)
    await promise
  }
  assert.equal(new Set(proxy.records.all.map(record => record.client.port)).size, 1)
})
