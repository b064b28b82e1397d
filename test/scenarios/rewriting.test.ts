/**
 * Layers that edit, in front of a real server: what it is asked for, what it is told, what the log calls it.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bodyLimitLayer } from '../../src/layers/body-limit.ts'
import { errorPagesLayer } from '../../src/layers/error-pages.ts'
import { headersLayer } from '../../src/layers/headers.ts'
import { rewriteLayer } from '../../src/layers/rewrite.ts'
import { answer, echo, startOrigin } from '../support/origin.ts'
import { curl, testWith } from '../support/peers.ts'
import { startProxy } from '../support/proxy.ts'
import { connect } from '../support/raw-client.ts'
import { request } from '../support/requests.ts'

const strip = rewriteLayer({ stripPrefix: '/api' })

test('the server gets the new target, the log keeps the one that came', async t => {
  const origin = await startOrigin(t)
  const proxy = await startProxy(t, { to: origin, layers: [strip] })
  const client = await connect(t, proxy)
  assert.equal((await client.ask(request('/api/users?page=2'))).body.toString(), 'GET /users?page=2 0')
  assert.equal((await proxy.records.at(0)).target, '/api/users?page=2')
  assert.equal((await client.ask(request('http://test.example/api'))).body.toString(), 'GET / 0')
})

test('below a base path of the server it stays below it', async t => {
  const origin = await startOrigin(t)
  const proxy = await startProxy(t, { to: `http://${origin.address}/base`, layers: [strip] })
  const client = await connect(t, proxy)
  assert.equal((await client.ask(request('/api/x'))).body.toString(), 'GET /base/x 0')
  for (const target of ['/api/../x', '/api/%2e%2e/x', '/api/..%2fx', '/api//other.example/x'])
    assert.equal((await client.ask(request(target))).status, 400, target)
  assert.equal(origin.lines.length, 1)
})

test('the target that is sent again after a stale connection is the new one', async t => {
  const origin = await startOrigin(t, async (asked, wire) => {
    await echo(asked, wire)
    if (origin.requests.all.length === 1) wire.end()
  })
  const proxy = await startProxy(t, { to: origin, layers: [strip] })
  const client = await connect(t, proxy)
  await client.ask(request('/api/1'))
  assert.equal((await client.ask(request('/api/2'))).body.toString(), 'GET /2 0')
})

test('all of them together, in the order written', async t => {
  const origin = await startOrigin(t, (asked, wire) =>
    wire.send(answer(asked.target, asked.target === '/users' ? '200 OK' : '404 Not Found')),
  )
  const layers = [
    headersLayer({
      request: { set: { 'X-Asked': '{method} {uri} by {client}' } },
      response: { set: { 'X-Answer': '{status} of {upstream}' } },
    }),
    errorPagesLayer({ '4xx': { body: '{status}: no {path}', contentType: 'text/plain' } }),
    bodyLimitLayer({ bodyBytesMax: 10 }),
    strip,
  ]
  const proxy = await startProxy(t, { to: origin, layers })
  const client = await connect(t, proxy)
  const found = await client.ask(request('/api/users'))
  assert.equal(found.body.toString(), '/users')
  assert.equal(found.fields.get('X-Answer'), `200 of ${origin.address}`)
  assert.equal(origin.requests.all[0].fields.get('X-Asked'), 'GET /api/users by 127.0.0.1')
  const missing = await client.ask(request('/api/other'))
  assert.equal(missing.body.toString(), '404: no /api/other')
  assert.equal(missing.fields.get('X-Answer'), `404 of ${origin.address}`)
  const refused = await client.ask(request('/api/users', { method: 'POST', body: 'x'.repeat(11) }))
  assert.equal(refused.status, 413)
  assert.equal(refused.body.toString(), '413: no /api/users')
  assert.equal(origin.lines.length, 2)
  assert.equal(origin.wires.all.length, 1)
})

testWith('curl', 'curl reads a page in the place of a server that is down', async t => {
  const origin = await startOrigin(t)
  const { address } = origin
  await origin.close()
  const page = { body: '<h1>{status} {reason}</h1>', contentType: 'text/html; charset=utf-8' }
  const proxy = await startProxy(t, { to: address, layers: [errorPagesLayer({ '5xx': page })] })
  const { stdout } = await curl(t, ['-i', proxy.url])
  assert.match(stdout.toString(), /^HTTP\/1\.1 502 Bad Gateway\r\n[\s\S]*\r\n\r\n<h1>502 Bad Gateway<\/h1>$/)
})
