/**
 * Invalidation as a weapon (RFC 9111 §4.4): a client that may send unsafe requests, or a server that answers one of them,
 * empties what others use.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cacheScene, FRESH, type Scene, telling } from '../support/cache-attack.ts'

/** GET is stored; any other method is answered with the status and the fields that the request asks for. */
const obeying = telling(({ method, fields }) =>
  method === 'GET'
    ? ['200 OK', FRESH, 'page']
    : [fields.get('X-Status') ?? '200 OK', `Location: ${fields.get('X-Location') ?? '/none'}\r\n`, ''],
)

const isKept = async ({ ask }: Scene, host: string, target: string): Promise<boolean> =>
  /hit/.test((await ask(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`)).fields.get('Cache-Status') ?? '')

async function filled(scene: Scene): Promise<void> {
  for (const [host, target] of PAGES) await isKept(scene, host, target)
  for (const [host, target] of PAGES) assert.ok(await isKept(scene, host, target))
}

const PAGES = [
  ['shop', '/'],
  ['shop', '/list'],
  ['shop', '/list?page=2'],
  ['bank', '/list'],
] as const

const post = ({ ask }: Scene, target: string, fields = '', host = 'shop') =>
  ask(`POST ${target} HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 0\r\n${fields}\r\n`)

test('a request that the server refuses takes nothing away', async t => {
  const scene = await cacheScene(t, { script: obeying })
  await filled(scene)
  for (const status of [
    '400 Bad Request',
    '401 Unauthorized',
    '403 Forbidden',
    '404 Not Found',
    '405 Method Not Allowed',
    '500 Internal Server Error',
  ])
    await post(scene, '/list', `X-Status: ${status}\r\nX-Location: /\r\n`)
  for (const [host, target] of PAGES) assert.ok(await isKept(scene, host, target), target)
})

test('one that it takes takes away its target and what it names, and nothing beside', async t => {
  const scene = await cacheScene(t, { script: obeying })
  await filled(scene)
  await post(scene, '/list', 'X-Status: 201 Created\r\nX-Location: http://SHOP:80/list?page=%32\r\n')
  assert.ok(await isKept(scene, 'shop', '/'))
  assert.ok(!(await isKept(scene, 'shop', '/list')))
  assert.ok(!(await isKept(scene, 'shop', '/list?page=2')))
  assert.ok(await isKept(scene, 'bank', '/list'))
})

test('a server cannot take away what is of another host', async t => {
  const scene = await cacheScene(t, { script: obeying })
  await filled(scene)
  for (const other of [
    'http://bank/list',
    '//bank/list',
    'http://shop@bank/list',
    'http://bank:80/list',
    '//bank:80/../list',
  ])
    await post(scene, '/unused', `X-Location: ${other}\r\n`)
  assert.ok(await isKept(scene, 'bank', '/list'))
})

test('safe methods take nothing away', async t => {
  const scene = await cacheScene(t, { script: obeying })
  await filled(scene)
  for (const method of ['HEAD', 'OPTIONS', 'TRACE'])
    await scene.ask(`${method} /list HTTP/1.1\r\nHost: shop\r\nX-Location: /\r\n\r\n`)
  for (const [host, target] of PAGES) assert.ok(await isKept(scene, host, target), target)
})

test('methods of other caches that purge are methods like any other', async t => {
  const scene = await cacheScene(t, { script: obeying })
  await filled(scene)
  for (const method of ['PURGE', 'BAN', 'REFRESH'])
    await scene.ask(`${method} /.* HTTP/1.1\r\nHost: shop\r\nContent-Length: 0\r\n\r\n`)
  await scene.ask('PURGE /list HTTP/1.1\r\nHost: shop\r\nX-Status: 405 Method Not Allowed\r\n\r\n')
  for (const [host, target] of PAGES) assert.ok(await isKept(scene, host, target), target)
})
