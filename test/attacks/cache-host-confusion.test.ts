/**
 * One cache for many hosts: what one of them says must never be given out as another's, however the host is written.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cacheScene, FRESH, type Scene, telling } from '../support/cache-attack.ts'

const byHost = telling(({ host }) => ['200 OK', FRESH, host ?? ''])

const bodyOf = async ({ ask }: Scene, target: string, host: string): Promise<string> =>
  (await ask(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`)).body.toString()

/** Each of another origin (RFC 9110 §4.3.1). */
const HOSTS = [
  'shop.example',
  'shop.example:81',
  'shop.example:8080',
  'www.shop.example',
  'shop.example.evil.example',
  'shop-example',
  'shop.example%2Eevil',
  'shop.example%00',
  '127.0.0.1',
  '127.0.0.1:81',
  '[::1]',
  '[::1]:81',
  '[::2]',
  'localhost',
  '',
]

test('each host and port has its own answers', async t => {
  const scene = await cacheScene(t, { script: byHost })
  for (let round = 0; round < 2; round++)
    for (const host of HOSTS) assert.equal(await bodyOf(scene, '/', host), host)
  assert.equal(scene.origin.requests.all.length, HOSTS.length)
})

test('a host and a path do not run into each other', async t => {
  const script = telling(({ host, target }) => ['200 OK', FRESH, `${host} ${target}`])
  const scene = await cacheScene(t, { script })
  const pairs = [
    ['a', '/b/c'],
    ['a', '/b:80/c'],
    ['a', '//b/c'],
    ['a:80', '//a:80/'],
    ['b', '/c'],
    ['a', '/http://a:80/'],
    ['a', '/'],
  ] as const
  for (const [host, target] of pairs) assert.equal(await bodyOf(scene, target, host), `${host} ${target}`)
})

test('RFC 9112 §3.2.2: an absolute target decides, and its answer is kept under its host', async t => {
  const scene = await cacheScene(t, { script: byHost })
  assert.equal(await bodyOf(scene, 'http://evil.example/', 'shop.example'), 'evil.example')
  assert.equal(await bodyOf(scene, '/', 'shop.example'), 'shop.example')
  assert.equal(await bodyOf(scene, 'http://shop.example/', 'evil.example'), 'shop.example')
  assert.equal(await bodyOf(scene, '/', 'evil.example'), 'evil.example')
  // Two each, and no more.
  assert.equal(scene.origin.requests.all.length, 2)
})

test('RFC 9110 §4.2.3: spellings that every server knows are one', async t => {
  const scene = await cacheScene(t, { script: byHost })
  for (const host of ['shop.example', 'SHOP.Example', 'shop.example:80', 'Shop.example'])
    assert.equal(await bodyOf(scene, '/', host), 'shop.example', host)
  assert.equal(scene.origin.requests.all.length, 1)
})

const ODD = [
  'shop.example.',
  'shop.example:',
  'shop.example:080',
  'sho%70.example',
  '[::0001]',
  '[0:0::1]:80',
]

test('those that not every server knows have answers of their own, which are invalidated together', async t => {
  const scene = await cacheScene(t, { script: byHost })
  for (const hosts of [
    [...ODD, 'shop.example', '[::1]'],
    ['[::1]', 'shop.example', ...ODD],
  ])
    for (const host of hosts) assert.equal(await bodyOf(scene, '/', host), host)
  assert.equal(scene.origin.requests.all.length, ODD.length + 2)
  await scene.ask('POST / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 0\r\n\r\n')
  const found = (await scene.cache.store?.find('http://shop.example:80/')) ?? []
  assert.equal(found.length, 0)
})

/** Beside Host, what a proxy in front says; each row is what the origin makes its links of. */
const SAID = [
  '',
  'X-Forwarded-Proto: https\r\n',
  'X-Forwarded-Host: evil.example\r\n',
  'X-Forwarded-Host: shop.example, evil.example\r\n',
  'X-Forwarded-Proto: https\r\nX-Forwarded-Host: evil.example\r\n',
  'Forwarded: host=evil.example\r\n',
  'Forwarded: for=10.0.0.1;host=evil.example;proto=https\r\n',
  'Forwarded: proto=https\r\n',
]

for (const forwarded of ['x-forwarded', 'forwarded', 'none'] as const) {
  const links = telling(({ fields }) => {
    const told = ['X-Forwarded-Proto', 'X-Forwarded-Host', 'Forwarded'].map(name => fields.get(name))
    return ['200 OK', FRESH, told.join(' ').replace(/for=[^;,]*/g, 'for')]
  })
  const get = (fields: string) => `GET / HTTP/1.1\r\nHost: shop.example\r\n${fields}\r\n`

  test(`${forwarded}: what trusted proxies say of host and scheme keeps answers apart`, async t => {
    const listener = { forwarded, trust: ['127.0.0.1'] }
    const { ask } = await cacheScene(t, { script: links, proxy: { listener } })
    const direct = await cacheScene(t, {
      script: links,
      proxy: { listener },
      options: { methods: new Set() },
    })
    for (const order of [SAID, SAID.toReversed()])
      for (const fields of order) {
        const expected = (await direct.ask(get(fields))).body.toString()
        assert.equal((await ask(get(fields))).body.toString(), expected, fields)
      }
  })

  test(`${forwarded}: what others say of them is nothing`, async t => {
    const { ask, origin } = await cacheScene(t, { script: links, proxy: { listener: { forwarded } } })
    const first = (await ask(get('X-Forwarded-For: 10.0.0.1\r\n'))).body.toString()
    for (const fields of SAID) assert.equal((await ask(get(fields))).body.toString(), first, fields)
    assert.equal(origin.requests.all.length, 1)
  })

  test(`${forwarded}: whoever trusted proxies name as the client, the answer is the same one`, async t => {
    const listener = { forwarded, trust: ['127.0.0.1'] }
    const { ask, origin } = await cacheScene(t, { script: links, proxy: { listener } })
    for (const client of ['10.0.0.1', '10.0.0.2', '"[2001:db8::1]:80"', 'unknown']) {
      const said = `Forwarded: for=${client};proto=https\r\nX-Forwarded-For: ${client}\r\n`
      assert.equal((await ask(get(`${said}X-Forwarded-Proto: https\r\n`))).status, 200)
    }
    assert.equal(origin.requests.all.length, 1)
  })
}
