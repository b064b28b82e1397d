/** Questions of people to the caches of a process, with real stores. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HeaderList } from '../http/header-list.ts'
import { Cache, type CacheStart } from './cache.ts'
import { answerCaches, entryHead, HEADS_MAX, type PurgeWish, type StoredHead, urlParts } from './control.ts'
import type { EntryHead } from './entry.ts'
import { MemoryStore } from './memory-store.ts'
import { CACHE_DEFAULTS, type CacheOptions } from './options.ts'

const MB = 1024 ** 2
const unexpected = () => assert.fail('nothing is to be told')
const START: CacheStart = { workers: 1, warn: unexpected, removed: unexpected }

function started(options: Partial<CacheOptions> = {}, space = 'shop-1'): Cache {
  const open = () => new MemoryStore(MB, { variantsMax: 64 })
  const cache = new Cache({ ...CACHE_DEFAULTS, ...options }, space, open)
  cache.start(START)
  return cache
}

function headOf(key: string, some: Partial<EntryHead> = {}): EntryHead {
  return {
    key,
    extras: '',
    vary: [],
    status: 200,
    reason: 'OK',
    headers: HeaderList.from([
      ['Content-Type', 'Text/HTML; charset=utf-8'],
      ['Content-Length', '2'],
    ]),
    requestedMs: 1000,
    respondedMs: 2000,
    policy: {
      lifetimeS: 60,
      lifetimeFrom: 'max-age',
      initialAgeS: 0,
      noCache: false,
      mustRevalidate: false,
      staleWhileRevalidateS: 0,
      staleIfErrorS: 0,
    },
    etag: '"a"',
    lastModified: '',
    tags: ['t'],
    contentBytes: 2,
    ...some,
  }
}

function store(cache: Cache, key: string, some: Partial<EntryHead> = {}): void {
  const head = headOf(key, some)
  const filling = cache.store!.begin(head, 2)
  filling?.write(Buffer.from('hi'))
  assert.ok(filling?.commit(head))
}

const keys = (heads: readonly StoredHead[]) => heads.map(({ key }) => key).sort()

async function purged(cache: Cache, what: PurgeWish, soft = false): Promise<number> {
  const [answer] = await answerCaches([cache], { ask: 'purge', what, soft })
  return answer.purged
}

async function left(cache: Cache): Promise<string[]> {
  const [answer] = await answerCaches([cache], { ask: 'list', prefix: null, countMax: 100 })
  return keys(answer.heads).map(key => key.replace('http://a:80', ''))
}

const URLS: readonly [url: string, parts: string | RegExp][] = [
  ['http://a/b?c', 'a 80 /b?c'],
  ['HTTP://A.Example:8080', 'a.example 8080 /'],
  ['a', 'a 80 /'],
  ['a:81/b', 'a 81 /b'],
  ['a?q', 'a 80 /?q'],
  ['https://a/b', 'a 80 /b'],
  ['https://a:8443/b', 'a 8443 /b'],
  ['http://[::1]:80/', '[::1] 80 /'],
  ['http://a/b#c', 'a 80 /b'],
  ['http://b\u00fccher.example/\u00fc', 'xn--bcher-kva.example 80 /%C3%BC'],
  [`http://a/${'x'.repeat(65_536)}`, `a 80 /${'x'.repeat(65_536)}`],
  ['/b', /names no host: write http:\/\/host:port\/path$/],
  ['', /names no host/],
  ['http://', /names no host/],
  ['ftp://a/b', /^"ftp:\/\/a\/b": only answers to http are stored: write http:\/\/a\/b$/],
  ['http://u:p@a/b', /is not a URL/],
  ['http://a b/', /is not a URL/],
  ['http://a/b c', /is not a URL/],
  ['http://a:x/', /is not a URL/],
  ['http://a/\r\nx', /is not a URL/],
  ['http://a/\0', /is not a URL/],
]

test('URLs as people write them', () => {
  for (const [url, expected] of URLS) {
    if (typeof expected !== 'string')
      assert.throws(() => urlParts(url), { name: 'RangeError', message: expected }, url)
    else {
      const { host, port, target } = urlParts(url)
      assert.equal(`${host} ${port} ${target}`, expected)
    }
  }
})

test('a URL is purged with all its variants, in every cache that holds it, by the key of each', async () => {
  const [one, other] = [started(), started({ key: { ...CACHE_DEFAULTS.key, query: 'none' } }, 'shop-2')]
  for (const vary of ['de', 'en', null])
    store(one, 'http://a:80/b?c=1', { vary: [['accept-language', vary]] })
  store(one, 'http://a:80/b')
  store(one, 'http://a:80/b?c=12')
  store(other, 'http://a:80/b', { extras: 'x' })
  const url = urlParts('http://A/b?c=1')
  const shown = await answerCaches([one, other], { ask: 'show', url })
  assert.deepEqual(
    shown.map(({ space, key, heads, more }) => [space, key, heads.length, more]),
    [
      ['shop-1', 'http://a:80/b?c=1', 3, false],
      ['shop-2', 'http://a:80/b', 1, false],
    ],
  )
  const answers = await answerCaches([one, other], { ask: 'purge', what: { kind: 'url', url }, soft: false })
  assert.deepEqual(
    answers.map(answer => answer.purged),
    [3, 1],
  )
  assert.deepEqual(await left(one), ['/b', '/b?c=12'])
  assert.deepEqual(await left(other), [])
})

test('prefix, tag and all', async () => {
  const cache = started()
  const fill = () => {
    for (const path of ['/', '/n', '/news/', '/news/1', '/newspaper'])
      store(cache, `http://a:80${path}`, { tags: [path] })
    store(cache, 'http://b:80/news/')
  }
  const cases: readonly [what: PurgeWish, count: number][] = [
    [{ kind: 'prefix', url: urlParts('a/news/') }, 2],
    [{ kind: 'prefix', url: urlParts('a/news') }, 3],
    [{ kind: 'prefix', url: urlParts('a') }, 5],
    [{ kind: 'prefix', url: urlParts('a:81') }, 0],
    [{ kind: 'tag', tag: '/n' }, 1],
    [{ kind: 'tag', tag: 't' }, 1],
    [{ kind: 'tag', tag: 'x' }, 0],
    [{ kind: 'all' }, 6],
  ]
  for (const [what, count] of cases) {
    fill()
    assert.equal(await purged(cache, what), count, JSON.stringify(what))
    assert.equal((await left(cache)).length, 6 - count)
  }
})

test('soft: it stays, and is not fresh any more', async () => {
  const cache = started()
  store(cache, 'http://a:80/')
  assert.equal(await purged(cache, { kind: 'all' }, true), 1)
  const [{ heads }] = await answerCaches([cache], { ask: 'show', url: urlParts('a') })
  const nowMs = cache.clock.wallMs()
  assert.ok(heads[0].policy.lifetimeS <= heads[0].policy.initialAgeS + (nowMs - heads[0].respondedMs) / 1000)
})

test('lists are bounded, and say that there is more', async () => {
  const cache = started()
  for (let at = 0; at < 5; at++) store(cache, `http://a:80/${at}`)
  const list = async (countMax: number) =>
    (await answerCaches([cache], { ask: 'list', prefix: urlParts('a'), countMax }))[0]
  for (const [countMax, count, more] of [
    [4, 4, true],
    [5, 5, false],
    [HEADS_MAX * 2, 5, false],
  ] as const) {
    const answer = await list(countMax)
    assert.deepEqual([answer.heads.length, answer.more], [count, more])
  }
  assert.deepEqual((await list(1)).heads[0].fields, [], 'fields are for one resource')
})

test('what goes between processes is the head again', async () => {
  const cache = started()
  store(cache, 'http://a:80/', { vary: [['accept', null]] })
  const answers = await answerCaches([cache], { ask: 'show', url: urlParts('a') })
  const [{ heads }] = JSON.parse(JSON.stringify(answers)) as typeof answers
  assert.equal(heads[0].type, 'text/html')
  const { headers, ...head } = entryHead(heads[0])
  const { headers: expected, ...rest } = headOf('http://a:80/', { vary: [['accept', null]] })
  assert.deepEqual(head, rest)
  assert.deepEqual(headers.entries(), expected.entries())
})

test('a cache that has not begun, or has ended, says so', async () => {
  const open = () => unexpected()
  const cache = new Cache(CACHE_DEFAULTS, 'shop-1', open)
  for (const question of [
    { ask: 'stats' },
    { ask: 'purge', what: { kind: 'all' }, soft: false },
    { ask: 'show', url: urlParts('a') },
  ] as const) {
    const [answer] = await answerCaches([cache], question)
    assert.deepEqual(answer, {
      space: 'shop-1',
      asked: 0,
      hits: 0,
      disk: null,
      stats: null,
      key: '',
      heads: [],
      more: false,
      purged: 0,
    })
  }
})
