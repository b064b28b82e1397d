/**
 * A cache in front of real servers: many clients at once, bodies that arrive slowly, clients that do not read, a server
 * that is gone.
 */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { systemClock } from '../../src/base/clock.ts'
import type { CacheOptions } from '../../src/cache/options.ts'
import { compressLayer } from '../../src/layers/compress.ts'
import { checksum, MEGABYTE, wholeBody } from '../support/bodies.ts'
import { startedCache } from '../support/cached.ts'
import { answer, type Script, startOrigin } from '../support/origin.ts'
import { type ProxyOptions, startProxy } from '../support/proxy.ts'
import { connect } from '../support/raw-client.ts'
import { until } from '../support/wait.ts'
import type { Wire } from '../support/wire.ts'

const FRESH = 'Cache-Control: max-age=60\r\n'
const get = (path = '/', fields = '') => `GET ${path} HTTP/1.1\r\nHost: shop\r\n${fields}\r\n`

interface Setting {
  readonly options?: Partial<CacheOptions>
  readonly proxy?: Partial<ProxyOptions>
  readonly layers?: (cache: NonNullable<ProxyOptions['layers']>[number]) => ProxyOptions['layers']
}

async function startCached(
  t: TestContext,
  script: Script,
  { options = {}, proxy = {}, layers }: Setting = {},
) {
  const origin = await startOrigin(t, script, { faultsExpected: true })
  const cache = startedCache(options, systemClock)
  const front = await startProxy(t, {
    to: origin,
    layers: layers?.(cache.layer) ?? [cache.layer],
    ...proxy,
  })
  return { origin, cache, front }
}

test('1 000 clients on one cold key: one request to the server', async t => {
  const held: Wire[] = []
  const { origin, front } = await startCached(t, (_, wire) => void held.push(wire))
  const clients = await Promise.all(Array.from({ length: 1000 }, () => connect(t, front)))
  for (const client of clients) client.send(get())
  await until(() => held.length === 1, 'the one request')
  held[0].send(answer('for all', '200 OK', FRESH))
  const answers = await Promise.all(clients.map(client => client.answer()))
  assert.ok(answers.every(({ status, body }) => status === 200 && body.toString() === 'for all'))
  assert.equal(origin.requests.all.length, 1)
})

test('the first byte reaches the client before the last has arrived, and the rest as it comes', async t => {
  const held: Wire[] = []
  const { front } = await startCached(t, (_, wire) => {
    wire.send(`HTTP/1.1 200 OK\r\n${FRESH}Content-Length: 10\r\n\r\n01234`)
    held.push(wire)
  })
  const client = await connect(t, front)
  client.send(get())
  await until(() => client.received.endsWith('01234'), 'the first half')
  const [early, late] = [await connect(t, front), await connect(t, front)]
  early.send(get('/', 'Range: bytes=1-2\r\n'))
  const part = await early.answer()
  assert.deepEqual([part.status, part.body.toString()], [206, '12'])
  assert.equal(part.fields.get('Content-Range'), 'bytes 1-2/10')
  late.send(get('/', 'Range: bytes=3-6\r\n'))
  await until(() => late.received.endsWith('34'), 'what has come of it')
  held[0].send('56789')
  assert.equal((await late.answer()).body.toString(), '3456')
  assert.equal((await client.answer()).body.toString(), '0123456789')
  assert.equal(held.length, 1)
})

test('a client that does not read delays nobody else, and gets every byte in the end', async t => {
  const content = wholeBody(4 * MEGABYTE, 1)
  const { origin, front } = await startCached(t, (_, wire) => {
    wire.send(`HTTP/1.1 200 OK\r\n${FRESH}Content-Length: ${content.length}\r\n\r\n`)
    wire.send(content)
  })
  const stuck = await connect(t, front, { held: true })
  stuck.send(get())
  const quick = await Promise.all(Array.from({ length: 5 }, () => connect(t, front)))
  const answers = await Promise.all(quick.map(client => client.ask(get())))
  for (const { body } of answers) assert.equal(checksum(body), checksum(content))
  stuck.go()
  assert.equal(checksum((await stuck.answer()).body), checksum(content))
  assert.equal(origin.requests.all.length, 1)
})

test('larger than may be stored: the server is held back for a client that does not read', async t => {
  const content = wholeBody(8 * MEGABYTE, 2)
  const { front, cache } = await startCached(
    t,
    (_, wire) => {
      wire.send(`HTTP/1.1 200 OK\r\n${FRESH}Connection: close\r\n\r\n`)
      wire.send(content)
      wire.end()
    },
    { options: { objectBytesMax: MEGABYTE } },
  )
  const client = await connect(t, front, { held: true })
  client.send(get())
  await until(() => cache.fetches.size === 0, 'the limit to be passed')
  client.go()
  assert.equal(checksum((await client.answer()).body), checksum(content))
  assert.equal(cache.fillingBytes, 0)
})

test('what was stored is served while the server is gone', async t => {
  const { origin, front } = await startCached(t, (_, wire) =>
    wire.send(answer('yoyoyo', '200 OK', 'Cache-Control: max-age=0\r\nETag: "a"\r\n')),
  )
  const client = await connect(t, front)
  assert.equal((await client.ask(get())).body.toString(), 'yoyoyo')
  await origin.close()
  const stale = await client.ask(get())
  assert.equal(stale.body.toString(), 'yoyoyo')
  assert.match(stale.fields.get('Cache-Status') ?? '', /^sluice; fwd=stale; ttl=-?\d+/)
  assert.equal((await client.ask(get('/never'))).status, 502)
})

for (const [where, layers] of [
  ['in front of the cache', cache => [compressLayer({}), cache]],
  ['behind the cache', cache => [cache, compressLayer({})]],
] as const satisfies readonly (readonly [string, Setting['layers']])[])
  test(`compression ${where}: each client gets what it takes`, async t => {
    const text = 'word '.repeat(2000)
    const { origin, front } = await startCached(
      t,
      (_, wire) => wire.send(answer(text, '200 OK', `${FRESH}Content-Type: text/plain\r\nETag: "a"\r\n`)),
      { layers },
    )
    const client = await connect(t, front)
    for (let round = 0; round < 2; round++) {
      const coded = await client.ask(get('/', 'Accept-Encoding: gzip\r\n'))
      assert.equal(coded.fields.get('Content-Encoding'), 'gzip')
      const plain = await client.ask(get())
      assert.equal(plain.fields.get('Content-Encoding'), null)
      assert.equal(plain.body.toString(), text)
    }
    assert.ok(origin.requests.all.length <= 2)
  })

test('the log says what the cache did', async t => {
  const { front } = await startCached(t, (_, wire) => wire.send(answer('hi', '200 OK', FRESH)))
  const client = await connect(t, front)
  await client.ask(get())
  await client.ask(get())
  await client.ask('POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 0\r\n\r\n')
  const records = await front.records.count(3)
  assert.deepEqual(
    records.map(({ cache }) => cache),
    ['miss 200 stored', 'hit', 'bypass method 200'],
  )
  const [miss, hit, bypass] = records.map(({ cacheWhy }) => cacheWhy)
  assert.equal(miss, 'RFC 9111 §5.2.2.1: fresh for as long as max-age says; max-age=60, age 0')
  assert.match(
    hit,
    /^RFC 9111 §4\.2: it is fresh; age [\d.]+ s = 0 when it came \+ [\d.]+ since; lifetime 60 s by max-age;/,
  )
  assert.equal(bypass, '')
})
