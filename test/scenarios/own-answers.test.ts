/**
 * What the proxy answers by itself: errors, redirects, fixed answers, in the form that the client reads best.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Handler } from '../../src/exchange/handler.ts'
import { RedirectHandler } from '../../src/layers/redirect.ts'
import { RespondHandler } from '../../src/layers/respond.ts'
import { startOrigin } from '../support/origin.ts'
import { curl, testWith } from '../support/peers.ts'
import { startProxy } from '../support/proxy.ts'
import { connect } from '../support/raw-client.ts'
import { request } from '../support/requests.ts'

const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8'

const routes = (upstream: Handler) => [
  { paths: ['/old/*'], handler: new RedirectHandler({ to: 'https://{host}/new{path}{query}', status: 308 }) },
  { paths: ['/health'], handler: new RespondHandler({ status: 200, body: 'fine\n' }) },
  { paths: ['/gone'], handler: new RespondHandler({ status: 410, headers: { 'X-Why': 'moved' } }) },
  { paths: ['/shop/*'], methods: ['GET'], handler: upstream },
]

test('a browser gets a page for an error', async t => {
  const proxy = await startProxy(t, { routes })
  const response = await fetch(`${proxy.url}/<script>`, { headers: { Accept: BROWSER } })
  assert.equal(response.status, 404)
  assert.equal(response.headers.get('content-type'), 'text/html; charset=utf-8')
  const page = await response.text()
  assert.match(page, /^<!doctype html>/)
  assert.match(page, /<code>no_route<\/code>/)
  assert.ok(!page.includes('<script>'))
})

test('a program that takes problem details gets them', async t => {
  const proxy = await startProxy(t, { routes })
  for (const accept of ['application/problem+json', 'application/json']) {
    const response = await fetch(`${proxy.url}/nothing`, { headers: { Accept: accept } })
    assert.equal(response.headers.get('content-type'), 'application/problem+json')
    const problem = (await response.json()) as Record<string, unknown>
    assert.equal(problem['status'], 404)
    assert.equal(problem['title'], 'Not Found')
    assert.equal(problem['code'], 'no_route')
    assert.match(String(problem['detail']), /path "\/nothing"/)
  }
})

test('everybody else gets plain text', async t => {
  const proxy = await startProxy(t, { routes })
  const client = await connect(t, proxy)
  const told = await client.ask(request('/nothing'))
  assert.equal(told.fields.get('Content-Type'), 'text/plain; charset=utf-8')
  assert.match(told.body.toString(), /^404 Not Found\n/)
  assert.match(told.body.toString(), /GET on host "test\.example" with path "\/nothing"/)
  assert.match(told.body.toString(), /sluice: no_route\n$/)
  assert.match(told.fields.get('Proxy-Status') ?? '', /^sluice; error=destination_not_found; details="/)
  assert.equal(told.fields.get('Cache-Control'), 'no-store')
})

test('errors do not cost a good client its connection', async t => {
  const origin = await startOrigin(t)
  const proxy = await startProxy(t, { to: origin, routes })
  const client = await connect(t, proxy)
  assert.equal((await client.ask(request('/nothing'))).status, 404)
  assert.equal((await client.ask(request('/shop', { method: 'POST', body: 'unread' }))).status, 404)
  assert.equal((await client.ask(request('/nothing', { method: 'HEAD' }))).status, 404)
  assert.equal((await client.ask(request('/shop/a'))).body.toString(), 'GET /shop/a 0')
})

test('a fixed answer is sent whole, and without its body to HEAD', async t => {
  const proxy = await startProxy(t, { routes })
  const client = await connect(t, proxy)
  const got = await client.ask(request('/health'))
  assert.equal(got.body.toString(), 'fine\n')
  const head = await client.ask(request('/health', { method: 'HEAD' }))
  assert.equal(head.fields.get('Content-Length'), '5')
  const gone = await client.ask(request('/gone', { method: 'POST', body: 'unread' }))
  assert.equal(gone.status, 410)
  assert.equal(gone.fields.get('X-Why'), 'moved')
})

test('a redirect names the new place', async t => {
  const proxy = await startProxy(t, { routes })
  const client = await connect(t, proxy)
  const told = await client.ask(request('/old/page?a=b', { host: 'Shop.Example:8080' }))
  assert.equal(told.status, 308)
  assert.equal(told.fields.get('Location'), 'https://shop.example/new/old/page?a=b')
})

testWith('curl', 'curl reads errors, follows redirects and keeps its connection', async t => {
  const proxy = await startProxy(t, {
    routes: () => [
      { paths: ['/old'], handler: new RedirectHandler({ to: '/new', status: 301 }) },
      { paths: ['/new'], handler: new RespondHandler({ status: 200, body: 'arrived' }) },
    ],
  })
  const { stdout, stderr } = await curl(t, ['-v', '-L', `${proxy.url}/old`, `${proxy.url}/none`])
  assert.match(stdout.toString(), /^arrived404 Not Found/)
  assert.equal(stderr.match(/Re-using existing connection/g)?.length, 2)
})

test('OPTIONS * is answered by the proxy or passed on as it is', async t => {
  const origin = await startOrigin(t)
  const proxy = await startProxy(t, { to: origin })
  const client = await connect(t, proxy)
  assert.equal((await client.ask(request('*', { method: 'OPTIONS' }))).body.toString(), 'OPTIONS * 0')
  const own = await client.ask(request('*', { method: 'OPTIONS', fields: 'Max-Forwards: 0\r\n' }))
  assert.match(own.fields.get('Allow') ?? '', /GET/)
  assert.equal(origin.requests.all.length, 1)
})
