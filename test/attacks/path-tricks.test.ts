/**
 * Second spellings of a path that walk around a route: dots, encoded dots and slashes, doubled slashes,
 * backslashes, path parameters. A route that closes `/admin/*` has to close every spelling that an origin could
 * take for it. What is not closed reaches the origin exactly as it came.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Handler } from '../../src/exchange/handler.ts'
import { RespondHandler } from '../../src/layers/respond.ts'
import { attack } from '../support/attack.ts'

const closed = new RespondHandler({ status: 403, body: 'closed' })
const routes = (upstream: Handler) => [{ paths: ['/admin/*'], handler: closed }, { handler: upstream }]
const get = (target: string) => `GET ${target} HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n`

const INSIDE = [
  '/admin',
  '/admin/',
  '/admin/users',
  '/admin?x',
  '/admin/?x=/../..',
  '//admin/users',
  '///admin//users',
  '/./admin/users',
  '/x/../admin/users',
  '/x/./../admin/users',
  '/../admin/users',
  '/../../../admin/users',
  '/%61dmin/users',
  '/%61%64%6d%69%6e/users',
  '/adm%69n',
  '/%2e/admin/users',
  '/x/%2e%2e/admin/users',
  '/x/.%2e/admin/users',
  '/x/%2e./admin/users',
  '/x/%2E%2E/admin/users',
  '/x/..%2fadmin/users',
  '/%2fadmin/users',
  '/%2Fadmin%2Fusers',
  '/admin%2fusers',
  '/admin%2Fusers',
  '/\\admin/users',
  '\\admin/users',
  '/x\\..\\admin\\users',
  '/x/..\\admin/users',
  '/admin\\users',
  '/%5cadmin/users',
  '/x%5c..%5cadmin',
  '/admin;x=1/users',
  '/admin;/users',
  '/;x/admin/users',
  '/x;y/../admin/users',
  '/admin/..;/admin/users',
  '/x/..;/admin/users',
  '/x/..;y=z/admin/users',
  '/x/%2e%2e;/admin',
  '/admin/./../admin/users',
  'http://a.example/admin/users',
  'HTTP://a.example//admin/users',
  'http://a.example/x/../admin',
  'http://a.example/%61dmin',
]

for (const target of INSIDE)
  test(`${target} does not get past the route of /admin/*`, async t => {
    const { statuses, origin } = await attack(t, get(target), { routes })
    assert.ok([403, 400].includes(statuses[0]), `status ${statuses[0]}`)
    assert.equal(origin.received, '')
  })

const OUTSIDE = [
  '/',
  '/administrator',
  '/admin.html',
  '/x/admin',
  '/admin-area/users',
  '/Admin/users',
  '/admin/../x',
  '/x?/admin/users',
  '/x?y=/../admin',
  '/%2561dmin/users',
  '/%252e%252e/admin-not',
  '/x%3f/admin',
  '/x%00/y',
  '/%c0%ae%c0%ae/x',
  '/.admin/x',
  '/x/...//y',
  '/x//y/./z/',
]

for (const target of OUTSIDE)
  test(`${target} is another place, and reaches the origin as it came`, async t => {
    const { statuses, lines } = await attack(t, get(target), { routes })
    assert.deepEqual(statuses, [200])
    assert.deepEqual(lines, [`GET ${target} HTTP/1.1`])
  })

test('an open door in a closed wall is not reached by a path that leads elsewhere', async t => {
  const open = (upstream: Handler) => [{ paths: ['/public/*'], handler: upstream }, { handler: closed }]
  for (const target of [
    '/public/../admin',
    '/public/%2e%2e/admin',
    '/public/..%2fadmin',
    '/public/..\\admin',
    '/public/..;/admin',
    '/public%2f..%2fadmin',
    '/public/x/../../admin',
    '/public//../../admin',
    '/x/public/',
    '/publicity',
  ]) {
    const { statuses, origin } = await attack(t, get(target), { routes: open })
    assert.ok([403, 400].includes(statuses[0]), `${target}: status ${statuses[0]}`)
    assert.equal(origin.received, '', target)
  }
})

test('methods cannot be spelled around a route', async t => {
  const readOnly = (upstream: Handler) => [
    { methods: ['GET', 'HEAD'], handler: upstream },
    { handler: closed },
  ]
  for (const method of ['POST', 'get', 'Get', 'GETX', 'PATCH', 'X-HTTP']) {
    const bytes = `${method} / HTTP/1.1\r\nHost: a\r\nX-HTTP-Method-Override: GET\r\nConnection: close\r\n\r\n`
    const { statuses, origin } = await attack(t, bytes, { routes: readOnly })
    assert.deepEqual(statuses, [403], method)
    assert.equal(origin.received, '')
  }
})
