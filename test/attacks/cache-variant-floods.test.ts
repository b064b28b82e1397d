/**
 * Variants without end: the attacker chooses values that a response varies by, or that the key holds, so that each of
 * its requests is another thing to keep. What it can fill is bounded, and what others use is still there.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cacheScene, FRESH, telling } from '../support/cache-attack.ts'

const MEGABYTE = 1024 * 1024
const FLOOD = 300

test('variants of one resource are bounded, and each client has its own', async t => {
  const script = telling(({ fields }) => [
    '200 OK',
    `${FRESH}Vary: X-Mode\r\n`,
    fields.get('X-Mode') ?? 'none',
  ])
  const { get, cache } = await cacheScene(t, { script, options: { variantsMax: 16 } })
  await get('/other')
  for (let number = 0; number < FLOOD; number++)
    assert.equal((await get('/', `X-Mode: ${number}\r\n`)).body.toString(), String(number))
  const found = (await cache.store?.find('http://shop:80/')) ?? []
  assert.ok(found.length > 0 && found.length <= 16, `${found.length}`)
  assert.match((await get('/other')).fields.get('Cache-Status') ?? '', /hit/)
})

test('extras of one resource are bounded as variants are', async t => {
  const key = { query: 'all', sortQuery: false, headers: ['x-mode'], cookies: ['id'] } as const
  const script = telling(({ fields }) => ['200 OK', FRESH, fields.get('X-Mode') ?? 'none'])
  const { get, cache } = await cacheScene(t, { script, options: { key, variantsMax: 16 } })
  for (let number = 0; number < FLOOD; number++)
    assert.equal(
      (await get('/', `X-Mode: ${number}\r\nCookie: id=${number}\r\n`)).body.toString(),
      String(number),
    )
  const found = (await cache.store?.find('http://shop:80/')) ?? []
  assert.ok(found.length > 0 && found.length <= 16, `${found.length}`)
})

test('large values of such fields count as bytes of the store', async t => {
  const vary = 'Vary: A, B, C, D, E, F, G, H\r\n'
  const script = telling(() => ['200 OK', FRESH + vary, 'small'])
  const { get, cache } = await cacheScene(t, {
    script,
    options: { memoryBytes: MEGABYTE, variantsMax: 1000 },
  })
  for (let number = 0; number < FLOOD; number++) {
    const lines = [...'ABCDEFGH'].map(name => `${name}: ${number}${'x'.repeat(1000)}\r\n`)
    assert.equal((await get(`/${number % 3}`, lines.join(''))).status, 200)
  }
  const stats = await cache.store?.stats()
  assert.ok(stats !== undefined && stats.bytes <= stats.bytesMax && stats.bytesMax <= MEGABYTE)
  assert.ok(stats.entries * 8000 <= MEGABYTE, `${stats.entries} entries of 8 000 bytes each`)
})

test('so do long targets and large extras', async t => {
  const key = { query: 'all', sortQuery: false, headers: ['x-mode'], cookies: [] } as const
  const { get, cache } = await cacheScene(t, {
    script: telling(() => ['200 OK', FRESH, 'small']),
    options: { key, memoryBytes: MEGABYTE },
  })
  for (let number = 0; number < FLOOD; number++)
    await get(`/${number}${'x'.repeat(6000)}`, `X-Mode: ${number}${'y'.repeat(4000)}\r\n`)
  const stats = await cache.store?.stats()
  assert.ok(stats !== undefined && stats.bytes <= MEGABYTE)
  assert.ok(stats.entries * 10_000 <= MEGABYTE, `${stats.entries} entries of 10 000 bytes each`)
})

test('a Vary of more names than anybody needs is as good as "*"', async t => {
  const names = Array.from({ length: 200 }, (_, number) => `X-${number}`).join(', ')
  const { get, cache } = await cacheScene(t, {
    script: telling(() => ['200 OK', `${FRESH}Vary: ${names}\r\n`, 'hi']),
  })
  for (let round = 0; round < 2; round++) assert.equal((await get('/')).body.toString(), 'hi')
  assert.equal((await cache.store?.stats())?.entries, 0)
})

test('resources that are never asked for again do not push out those that are', async t => {
  const { get, cache } = await cacheScene(t, {
    script: telling(() => ['200 OK', FRESH, 'x'.repeat(2000)]),
    options: { memoryBytes: MEGABYTE },
  })
  for (let round = 0; round < 3; round++) await get('/used')
  for (let number = 0; number < 1000; number++) {
    await get(`/?scan=${number}`)
    if (number % 100 === 0)
      assert.match((await get('/used')).fields.get('Cache-Status') ?? '', /hit/, `${number}`)
  }
  const stats = await cache.store?.stats()
  assert.ok(stats !== undefined && stats.bytes <= MEGABYTE && stats.evictions > 0)
})
