/**
 * `Connection: name` tells a proxy to take the field `name` out of the message. A client that names the fields
 * which a proxy adds (X-Forwarded-For, a field set by the configuration) or which frame and address the message
 * (Host, Content-Length) would have them removed behind the back of the origin: it loses the client's address,
 * takes a request for an authenticated one, or reads another message than the proxy did.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { headersLayer } from '../../src/layers/headers.ts'
import { assertRefused, attack } from '../support/attack.ts'
import { answer } from '../support/origin.ts'
import { CHUNKED, chunk, request } from '../support/requests.ts'

const closing = (names: string, more = '') => ({ fields: `Connection: close, ${names}\r\n${more}` })

for (const name of ['X-Forwarded-For', 'x-forwarded-host', 'X-FORWARDED-PROTO', 'Via', 'Host', 'Date']) {
  test(`Connection: ${name} does not remove what the proxy says`, async t => {
    const { origin, statuses } = await attack(t, request('/', closing(name)))
    const { fields } = origin.requests.all[0]
    assert.deepEqual(statuses, [200])
    assert.equal(fields.get('X-Forwarded-For'), '127.0.0.1')
    assert.equal(fields.get('X-Forwarded-Host'), 'test.example')
    assert.equal(fields.get('X-Forwarded-Proto'), 'http')
    assert.equal(fields.get('Via'), '1.1 sluice')
    assert.equal(fields.get('Host'), 'test.example')
    assert.equal(fields.get('Connection'), null)
  })
}

test('Connection: Content-Length does not turn the body into a request', async t => {
  const hidden = 'GET /hidden HTTP/1.1\r\nHost: test.example\r\n\r\n'
  const { lines, bodies, statuses } = await attack(
    t,
    request('/', { method: 'POST', body: hidden, ...closing('Content-Length') }),
  )
  assert.deepEqual(statuses, [200])
  assert.deepEqual(lines, ['POST / HTTP/1.1'])
  assert.deepEqual(bodies, [hidden])
})

test('Connection: Transfer-Encoding does not turn the body into a request', async t => {
  const hidden = 'GET /hidden HTTP/1.1\r\nHost: test.example\r\n\r\n'
  const head = request('/', { method: 'POST', ...closing('Transfer-Encoding', CHUNKED) })
  const { lines, bodies, statuses } = await attack(t, `${head}${chunk(hidden)}${chunk('')}`)
  assert.deepEqual(statuses, [200])
  assert.deepEqual(lines, ['POST / HTTP/1.1'])
  assert.deepEqual(bodies, [hidden])
})

test('Connection: Cookie takes the cookie away, as the standard has it, and nothing else', async t => {
  const { origin } = await attack(t, request('/', closing('Cookie', 'Cookie: a=b\r\nAccept: text/html\r\n')))
  const { fields } = origin.requests.all[0]
  assert.equal(fields.get('Cookie'), null)
  assert.equal(fields.get('Accept'), 'text/html')
})

test('a client cannot remove a field that the configuration sets', async t => {
  const layers = [headersLayer({ request: { set: { 'X-From-Outside': 'yes' } } })]
  const { origin } = await attack(t, request('/', closing('X-From-Outside')), { layers })
  assert.equal(origin.requests.all[0].fields.get('X-From-Outside'), 'yes')
})

test('a client cannot remove a field that the configuration adds', async t => {
  const layers = [headersLayer({ request: { add: { 'X-Tenant': 'seven' } } })]
  const { origin } = await attack(t, request('/', closing('X-Tenant', 'X-Tenant: one\r\n')), { layers })
  assert.deepEqual(origin.requests.all[0].fields.all('X-Tenant'), ['seven'])
})

test('an origin cannot have fields removed that the configuration sets on answers', async t => {
  const layers = [headersLayer({ response: { set: { 'X-Frame-Options': 'DENY' } } })]
  const script = (_: unknown, wire: { send(text: string): void }) =>
    wire.send(answer('', '200 OK', 'Connection: X-Frame-Options, Content-Length, Date\r\n'))
  const { answers } = await attack(t, request('/', closing('x')), { layers, script })
  assert.equal(answers[0].fields.get('X-Frame-Options'), 'DENY')
  assert.equal(answers[0].fields.get('Content-Length'), '0')
  assert.notEqual(answers[0].fields.get('Date'), null)
})

test('hop-by-hop fields go to nobody, whether Connection names them or not', async t => {
  const own =
    'Keep-Alive: timeout=9\r\nProxy-Connection: keep-alive\r\nTE: deflate\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\n'
  const { origin } = await attack(t, request('/', closing('Upgrade, HTTP2-Settings', own)))
  assert.deepEqual(origin.requests.all[0].fields.names, [
    'host',
    'x-forwarded-for',
    'x-forwarded-host',
    'x-forwarded-proto',
    'via',
  ])
})

test('what a client claims of itself in X-Forwarded fields and Forwarded is replaced', async t => {
  const claims =
    'X-Forwarded-For: 10.0.0.1\r\nx-forwarded-for: 10.0.0.2\r\nX-Forwarded-Proto: https\r\nForwarded: for=10.0.0.3\r\n'
  const { origin } = await attack(t, request('/', closing('x', claims)))
  const { fields } = origin.requests.all[0]
  assert.deepEqual(fields.all('X-Forwarded-For'), ['127.0.0.1'])
  assert.deepEqual(fields.all('X-Forwarded-Proto'), ['http'])
  assert.deepEqual(fields.all('Forwarded'), [])
})

test('a Connection field that is no list of names is refused or harmless', async t => {
  const { origin, statuses } = await attack(
    t,
    request('/', { fields: 'Connection: close, \t, ,;=,"a,b"\r\n' }),
  )
  assert.deepEqual(statuses, [200])
  assert.equal(origin.requests.all[0].fields.get('Connection'), null)
  const second = await attack(t, request('/', { fields: 'Connection: close\rHost\r\n' }))
  assertRefused(second)
})
