/**
 * One request that names two hosts. Routing, logging and the origin have to agree on which it is: a proxy that
 * checks one name and an origin that serves the other let a client reach a site that was closed to it.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Handler } from '../../src/exchange/handler.ts'
import { headersLayer } from '../../src/layers/headers.ts'
import { RespondHandler } from '../../src/layers/respond.ts'
import { assertRefused, attack } from '../support/attack.ts'

const closed = new RespondHandler({ status: 403, body: 'closed' })

/** `admin.example` is closed, everything else goes to the origin. */
const routes = (upstream: Handler) => [{ hosts: ['admin.example'], handler: closed }, { handler: upstream }]

const REFUSED: readonly (readonly [string, string])[] = [
  ['no Host', 'GET / HTTP/1.1\r\n\r\n'],
  ['two Host fields', 'GET / HTTP/1.1\r\nHost: a.example\r\nHost: admin.example\r\n\r\n'],
  ['two equal Host fields', 'GET / HTTP/1.1\r\nHost: a.example\r\nhost: a.example\r\n\r\n'],
  ['two Host fields in HTTP/1.0', 'GET / HTTP/1.0\r\nHost: a.example\r\nHost: admin.example\r\n\r\n'],
  ['two hosts in one field', 'GET / HTTP/1.1\r\nHost: a.example, admin.example\r\n\r\n'],
  ['two hosts with a space', 'GET / HTTP/1.1\r\nHost: a.example admin.example\r\n\r\n'],
  ['user information', 'GET / HTTP/1.1\r\nHost: a.example@admin.example\r\n\r\n'],
  ['a path', 'GET / HTTP/1.1\r\nHost: a.example/admin\r\n\r\n'],
  ['a query', 'GET / HTTP/1.1\r\nHost: a.example?admin\r\n\r\n'],
  ['a scheme', 'GET / HTTP/1.1\r\nHost: http://a.example\r\n\r\n'],
  ['a port that is none', 'GET / HTTP/1.1\r\nHost: a.example:80:90\r\n\r\n'],
  ['a port with a name', 'GET / HTTP/1.1\r\nHost: a.example:80@admin.example\r\n\r\n'],
  ['a port too high', 'GET / HTTP/1.1\r\nHost: a.example:65536\r\n\r\n'],
  ['a backslash', 'GET / HTTP/1.1\r\nHost: a.example\\admin\r\n\r\n'],
  ['bytes beyond ASCII', 'GET / HTTP/1.1\r\nHost: \xe4.example\r\n\r\n'],
  ['an unclosed bracket', 'GET / HTTP/1.1\r\nHost: [::1\r\n\r\n'],
  ['white space before the colon', 'GET / HTTP/1.1\r\nHost : admin.example\r\n\r\n'],
  ['a folded second name', 'GET / HTTP/1.1\r\nHost: a.example\r\n admin.example\r\n\r\n'],
  ['absolute-form with user information', 'GET http://a@admin.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n'],
  ['absolute-form with a bad Host', 'GET http://a.example/ HTTP/1.1\r\nHost: a b\r\n\r\n'],
  ['absolute-form without Host', 'GET http://a.example/ HTTP/1.1\r\n\r\n'],
  ['absolute-form without a host', 'GET http:///admin HTTP/1.1\r\nHost: a.example\r\n\r\n'],
  ['another scheme', 'GET https://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n'],
  ['authority-form without CONNECT', 'GET admin.example:80 HTTP/1.1\r\nHost: a.example\r\n\r\n'],
  ['asterisk-form without OPTIONS', 'GET * HTTP/1.1\r\nHost: a.example\r\n\r\n'],
  ['a target without slash', 'GET admin HTTP/1.1\r\nHost: a.example\r\n\r\n'],
]

for (const [what, bytes] of REFUSED)
  test(`${what} is refused`, async t => assertRefused(await attack(t, bytes, { routes })))

test('CONNECT is not served', async t => {
  const bytes = 'CONNECT admin.example:80 HTTP/1.1\r\nHost: admin.example:80\r\n\r\n'
  const { statuses, origin } = await attack(
    t,
    `${bytes}GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
    { routes },
  )
  assert.equal(statuses[0], 501)
  assert.ok(!origin.received.includes('CONNECT'))
})

const CLOSED = [
  'admin.example',
  'ADMIN.Example',
  'admin.example.',
  'admin.example:80',
  'admin.example:',
  '%61dmin.example',
]

for (const host of CLOSED)
  test(`Host: ${host} is the closed host`, async t => {
    const bytes = `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`
    const { statuses, origin } = await attack(t, bytes, { routes })
    assert.deepEqual(statuses, [403])
    assert.equal(origin.received, '')
  })

test('in absolute-form the target decides: a harmless Host opens no closed host', async t => {
  const bytes = 'GET http://admin.example/ HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n'
  const { statuses, origin, proxy } = await attack(t, bytes, { routes })
  assert.deepEqual(statuses, [403])
  assert.equal(origin.received, '')
  assert.equal((await proxy.records.at(0)).host, 'admin.example')
})

test('in absolute-form the target decides: the origin gets its host, not the other', async t => {
  const bytes = 'GET http://a.example:8080/x?y HTTP/1.1\r\nHost: admin.example\r\nConnection: close\r\n\r\n'
  const { statuses, origin, lines } = await attack(t, bytes, { routes })
  assert.deepEqual(statuses, [200])
  assert.deepEqual(lines, ['GET /x?y HTTP/1.1'])
  assert.equal(origin.requests.all[0].host, 'a.example:8080')
  assert.equal(origin.requests.all[0].fields.get('X-Forwarded-Host'), 'a.example:8080')
  assert.ok(!origin.received.includes('admin.example'))
})

test('a Host that the configuration sets stays, whatever form the target has', async t => {
  const layers = [headersLayer({ request: { set: { Host: 'inside.example' } } })]
  for (const target of ['/', 'http://admin.example/']) {
    const bytes = `GET ${target} HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n`
    const { origin } = await attack(t, bytes, { layers })
    assert.equal(origin.requests.all[0].host, 'inside.example')
  }
})

test('the host of the server is sent where the configuration says so, whatever form the target has', async t => {
  for (const target of ['/', 'http://admin.example/']) {
    const bytes = `GET ${target} HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n`
    const { origin } = await attack(t, bytes, { group: { host: 'upstream' } })
    assert.equal(origin.requests.all[0].host, origin.address)
  }
})

test('X-Forwarded-Host from a client is not believed', async t => {
  const bytes =
    'GET / HTTP/1.1\r\nHost: a.example\r\nX-Forwarded-Host: admin.example\r\nConnection: close\r\n\r\n'
  const { origin } = await attack(t, bytes)
  assert.deepEqual(origin.requests.all[0].fields.all('X-Forwarded-Host'), ['a.example'])
})
