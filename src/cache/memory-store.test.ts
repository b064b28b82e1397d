import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { storeSuite } from '../../test/support/store-suite.ts'
import { contentOf, headOf, keyOf, POLICY, plain, put } from '../../test/support/stored.ts'
import { markLasting } from '../base/lasting.ts'
import { HeaderList } from '../http/header-list.ts'
import { MemoryStore } from './memory-store.ts'
import { packHead, unpackHead } from './packed-head.ts'
import { type Evictable, S3Fifo, USES_MAX } from './s3-fifo.ts'

const idle = async (): Promise<void> => {}

storeSuite('a store in memory', ({ bytesMax, variantsMax }) => ({
  store: new MemoryStore(bytesMax, { variantsMax }),
  settled: idle,
  dispose: idle,
}))

storeSuite('a store in memory that packs all but one entry', ({ bytesMax, variantsMax }) => ({
  store: new MemoryStore(bytesMax, { variantsMax, unpackedMax: 1 }),
  settled: idle,
  dispose: idle,
}))

const CONTENT = contentOf(1_000)

/** Stores small responses under /SCAN/0, /SCAN/1 … */
function scan(store: MemoryStore, name: string, count: number): void {
  for (let n = 0; n < count; n++) put(store, headOf(`/${name}/${n}`, CONTENT.length), CONTENT)
}

const foundOf = (store: MemoryStore, name: string, count: number): number =>
  Array.from({ length: count }, (_, n) => store.find(keyOf(`/${name}/${n}`)).length).filter(each => each > 0)
    .length

describe('what stays in memory', () => {
  it('is what was asked for again, through a scan of twenty times the store', () => {
    const store = new MemoryStore(1024 * 1024, { variantsMax: 4 })
    scan(store, 'hot', 150)
    assert.equal(foundOf(store, 'hot', 150), 150)
    scan(store, 'once', 8_000)
    assert.ok(store.stats().evictions > 7_000)
    assert.equal(foundOf(store, 'hot', 150), 150)
  })

  it('is not what was popular long ago', () => {
    const store = new MemoryStore(1024 * 1024, { variantsMax: 4 })
    scan(store, 'old', 300)
    for (let times = 0; times < 5; times++) foundOf(store, 'old', 300)
    for (let round = 0; round < 100; round++) {
      scan(store, `new${round}`, 30)
      foundOf(store, `new${round}`, 30)
    }
    assert.ok(foundOf(store, 'old', 300) < 30)
    assert.ok(foundOf(store, 'new99', 30) === 30)
  })

  it('is what comes back soon after it had to go', () => {
    const store = new MemoryStore(1024 * 1024, { variantsMax: 4 })
    scan(store, 'once', 600)
    assert.equal(store.find(keyOf('/once/100')).length, 0, 'it had to go')
    put(store, headOf('/once/100', CONTENT.length), CONTENT)
    scan(store, 'other', 2_000)
    assert.equal(store.find(keyOf('/once/100')).length, 1)
  })

  it('is no more than so many entries, however small', () => {
    const store = new MemoryStore(64 * 1024 * 1024, { variantsMax: 4, entriesMax: 50 })
    scan(store, 'a', 500)
    assert.equal(store.stats().entries, 50)
  })

  it('goes without a long search when everything was used', () => {
    const order = new S3Fifo(1_000_000)
    const one = (n: number): Evictable => ({
      ...{ key: `${n}`, size: 10, uses: USES_MAX, queue: null, newer: null, older: null },
    })
    for (let n = 0; n < 100_000; n++) order.add(one(n), null)
    const victim = order.evict()
    assert.ok(victim !== null && Number(victim.key) < 2_000, `the ${victim?.key}th of 100 000 in use`)
  })
})

describe('memory of contents', () => {
  const memoryOf = (store: MemoryStore, path: string): number => {
    const [entry] = store.find(keyOf(path))
    let bytes = 0
    for (let at = 0; at < entry.body.bytes; ) {
      const piece = entry.body.from(at) as Buffer
      bytes += piece.buffer.byteLength
      at += piece.length
    }
    return bytes
  }

  it('is no more than their bytes, whatever larger memory they came in', () => {
    const store = new MemoryStore(64 * 1024 * 1024, { variantsMax: 4 })
    for (const bytes of [10, 1_000, 20_000, 300_000]) {
      const lent = markLasting(Buffer.alloc(1024 * 1024)).subarray(5, 5 + bytes)
      const head = headOf(`/${bytes}`, bytes)
      const filling = store.begin(head, bytes)
      filling?.write(lent)
      filling?.commit(head)
      assert.ok(memoryOf(store, `/${bytes}`) <= bytes * 1.125, `${bytes}`)
    }
  })

  it('is in few pieces when it comes a byte at a time', () => {
    const store = new MemoryStore(64 * 1024 * 1024, { variantsMax: 4 })
    const content = contentOf(200_000)
    put(store, headOf('/slow', content.length), content, 1)
    const [entry] = store.find(keyOf('/slow'))
    let pieces = 0
    for (let at = 0; at < content.length; pieces++) at += (entry.body.from(at) as Buffer).length
    assert.ok(pieces <= 4, `${pieces} pieces`)
    assert.equal(memoryOf(store, '/slow'), content.length)
  })

  it('is not held any more by the store when it is gone', () => {
    const store = new MemoryStore(1024 * 1024, { variantsMax: 4 })
    for (let n = 0; n < 50; n++) put(store, headOf('/same', 100_000), contentOf(100_000, n))
    assert.equal(store.stats().entries, 1)
    assert.ok(store.stats().bytes < 110_000)
  })
})

describe('a store of many', () => {
  it('finds without making anything', () => {
    const store = new MemoryStore(1024 * 1024, { variantsMax: 4 })
    scan(store, 'a', 1)
    assert.equal(store.find(keyOf('/a/0')), store.find(keyOf('/a/0')))
    assert.equal(store.find(keyOf('/a/0'))[0].head, store.find(keyOf('/a/0'))[0].head)
  })

  it('purges in slices, and leaves alone what came after the purge began', async () => {
    const store = new MemoryStore(256 * 1024 * 1024, { variantsMax: 4, unpackedMax: 100 })
    for (let n = 0; n < 10_000; n++) put(store, headOf(`/a/${n}`, 0), Buffer.alloc(0))
    const purged = store.purge({ kind: 'prefix', prefix: keyOf('/a/') }, null)
    assert.ok(purged instanceof Promise, 'not in one turn')
    put(store, headOf('/a/9999', 0), Buffer.alloc(0))
    put(store, headOf('/a/late', 0), Buffer.alloc(0))
    assert.equal(await purged, 9_999)
    assert.equal(store.stats().entries, 2)
    assert.equal((await store.list(keyOf('/a/9'), 9)).length, 1)
  })

  it('unpacks heads as they were, whatever stands in them', () => {
    const odd = headOf('/odd', 0, {
      extras: 'cookie=\u00e9\n"\\',
      vary: [
        ['accept', null],
        ['x', '\u0161\u{1f355}'],
      ],
      tags: ['t'],
      reason: '',
      headers: HeaderList.empty(),
      policy: { ...POLICY, lifetimeS: Number.POSITIVE_INFINITY, initialAgeS: 1 / 3, noCache: true },
    })
    for (const head of [odd, headOf('/plain', 5)]) {
      const bytes = Buffer.from(`${packHead(head)}content`, 'latin1')
      const unpacked = unpackHead(bytes, bytes.length - 7, head.key, head.tags)
      assert.deepEqual(plain(unpacked), plain(head))
    }
  })
})

it('what is on its way into it takes no more memory than what is in it may', () => {
  const store = new MemoryStore(1_000_000, { variantsMax: 4 })
  const chunk = markLasting(Buffer.alloc(50_000))
  const fillings = Array.from({ length: 100 }, (_, n) => store.begin(headOf(`/${n}`, 50_000), 50_000))
  const taken = fillings.filter(filling => filling?.write(chunk))
  assert.equal(taken.length, 20)
  for (const filling of fillings) filling?.abort()
  assert.ok(store.begin(headOf('/next', 50_000), 50_000)?.write(chunk), 'there is room again')
})
