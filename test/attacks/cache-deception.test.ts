/**
 * Cache deception: a user is sent to a private page under an address that looks like a public file
 * (`/account/x.css`), the cache keeps the page, and the attacker asks for it. What is kept is decided by what the answer
 * says and never by how its address looks.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CacheOptions } from '../../src/cache/options.ts'
import { cacheScene, FRESH, type SceneOptions, telling } from '../support/cache-attack.ts'
import { cached, takes } from '../support/cached.ts'

const COOKIE = 'Cookie: session=user\r\n'

/** Whatever stands behind /account, the careless server gives the page of who is logged in. */
const account = (fields: string): SceneOptions['script'] =>
  telling(({ fields: asked }) => {
    const user = /session=(\w+)/.exec(asked.get('Cookie') ?? '')?.[1]
    const credentials = asked.get('Authorization')
    return ['200 OK', fields, `page of ${user ?? credentials ?? 'nobody'}`]
  })

const ADDRESSES = [
  '/account/x.css',
  '/account/x.js?v=1',
  '/account;x.css',
  '/account%2Fx.css',
  '/account%00.css',
  '/account%0a.css',
  '/account%23.css',
  '/account%3Fx.css',
  '/account/..%2fstatic/x.css',
  '/static/..%2faccount',
  '/static/..%5caccount',
  '/static/%2e%2e%2faccount.css',
  '/account/.css',
  '/robots.txt/../account',
]

const CSS: Partial<CacheOptions>['rules'] = [{ statuses: null, type: type => type === 'text/css', ttlS: 600 }]

const SETTINGS: readonly (readonly [what: string, fields: string, options: Partial<CacheOptions>])[] = [
  ['says nothing', '', {}],
  [
    'was changed long ago, and says private',
    'Cache-Control: private\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n',
    {},
  ],
  ['says private, under a lifetime of the config', 'Cache-Control: private\r\n', { defaultTtlS: 600 }],
  ['says no-store', 'Cache-Control: no-store\r\n', { defaultTtlS: 600 }],
  ['says no-cache', 'Cache-Control: no-cache\r\n', { defaultTtlS: 600 }],
  ['is stale at once', 'Cache-Control: max-age=0\r\n', { defaultTtlS: 600 }],
  ['has expired', 'Expires: 0\r\n', { defaultTtlS: 600 }],
  ['varies by the cookie', `${FRESH}Vary: Cookie\r\n`, {}],
  ['varies by everything', `${FRESH}Vary: *\r\n`, {}],
  [
    'sets a cookie, under a config that refuses it',
    `${FRESH}Set-Cookie: session=user\r\n`,
    { setCookie: 'refuse' },
  ],
  ['is HTML, under a lifetime for style sheets', 'Content-Type: text/html\r\n', { rules: CSS }],
  [
    'is private, under a lifetime for style sheets',
    'Content-Type: text/html; x=text/css\r\n',
    { rules: CSS },
  ],
]

for (const [what, fields, options] of SETTINGS)
  test(`a page that ${what} is not given to another client`, async t => {
    const { get } = await cacheScene(t, { script: account(fields), options })
    for (const address of ADDRESSES) {
      assert.equal((await get(address, COOKIE)).body.toString(), 'page of user')
      assert.equal((await get(address)).body.toString(), 'page of nobody', address)
      assert.equal(
        (await get(address, 'Cookie: session=other\r\n')).body.toString(),
        'page of other',
        address,
      )
    }
  })

test('RFC 9111 §3.5: a page for credentials is not given to a client without, or with others', async t => {
  const { get } = await cacheScene(t, { script: account(FRESH) })
  for (const address of ADDRESSES) {
    assert.equal((await get(address, 'Authorization: user\r\n')).body.toString(), 'page of user')
    assert.equal((await get(address)).body.toString(), 'page of nobody', address)
  }
  const other = await cacheScene(t, { script: account(FRESH) })
  await other.get('/', 'Authorization: user\r\n')
  assert.equal((await other.get('/', 'Authorization: other\r\n')).body.toString(), 'page of other')
})

test('who asks at the same moment is not given the page of another', async t => {
  const { get } = await cacheScene(t, { script: account('Cache-Control: private\r\n') })
  const users = Array.from({ length: 30 }, (_, number) => `user${number}`)
  const pages = await Promise.all(users.map(user => get('/account/x.css', `Cookie: session=${user}\r\n`)))
  assert.deepEqual(
    pages.map(({ body }) => body.toString()),
    users.map(user => `page of ${user}`),
  )
})

test('a cookie that the config puts into the key keeps users apart', async t => {
  const key = { query: 'all', sortQuery: false, headers: [], cookies: ['session'] } as const
  const { get, origin } = await cacheScene(t, { script: account(FRESH), options: { key } })
  for (let round = 0; round < 2; round++)
    for (const user of ['a', 'b', 'ab'])
      assert.equal((await get('/', `Cookie: x=1; session=${user}\r\n`)).body.toString(), `page of ${user}`)
  assert.equal(origin.requests.all.length, 3)
})

const PAGE = ['GET /account HTTP/1.1', 'Host: shop'] as const

cached('an interim answer for one user is not heard by those who wait for the same', {}, cast => {
  const { client, servers, another } = cast
  client.sends(...PAGE, 'Cookie: session=user', '', '')
  const attacker = another(...PAGE, '', '')
  const server = servers.accepts()
  server.takes()
  server.sends('HTTP/1.1 103 Early Hints', 'Link: </token-of-user>; rel=preload', '', '')
  assert.equal(takes(client).status, 103)
  attacker.getsNothing()
  server.sends('HTTP/1.1 200 OK', 'Cache-Control: private', 'Content-Length: 4', '', 'user')
  assert.equal(takes(client).body, 'user')
  // It asks for itself.
  const other = servers.accepts()
  assert.doesNotMatch(takes(other).text, /session/)
  other.sends('HTTP/1.1 200 OK', 'Cache-Control: private', 'Content-Length: 6', '', 'nobody')
  assert.equal(takes(attacker).body, 'nobody')
})
