/**
 * Part of the suite of stores: they stay within their limits, whatever comes.
 */
import assert from 'node:assert/strict'
import { closeAll, contentsOf, found } from './store-content.ts'
import type { StoreLimits, StoreTests } from './store-suite.ts'
import { contentOf, headOf, lastingCopy, put, readFrom } from './stored.ts'

/** What the tests below ask for. */
export const SMALL: StoreLimits = { bytesMax: 1024 * 1024, variantsMax: 4 }

export const LIMIT_TESTS: StoreTests = {
  'stays within its bytes, and tells of evictions': async (store, settled) => {
    for (let n = 0; n < 600; n++) {
      put(store, headOf(`/n/${n}`, 10_000 + n), contentOf(10_000 + n, n))
      if (n % 50 === 0) await settled()
    }
    await settled()
    const { entries, bytes, bytesMax, evictions } = await store.stats()
    assert.ok(bytesMax <= SMALL.bytesMax, `${bytesMax}`)
    assert.ok(bytes <= bytesMax, `${bytes} of ${bytesMax}`)
    assert.ok(entries * 10_000 <= bytes, 'content is counted')
    assert.ok(entries >= 20, `most of the room is used: ${entries} entries`)
    assert.ok(evictions > 0)
    let there = 0
    for (let n = 0; n < 600; n++)
      for (const content of await contentsOf(store, `/n/${n}`)) {
        assert.ok(content.equals(contentOf(10_000 + n, n)), `${n}`)
        there++
      }
    assert.equal(there, entries)
  },

  'counts heads as well: many without content do not grow beyond its bytes': async (store, settled) => {
    for (let n = 0; n < 6_000; n++) put(store, headOf(`/e/${n}/${'x'.repeat(300)}`, 0), Buffer.alloc(0))
    await settled()
    const { entries, bytes, bytesMax } = await store.stats()
    assert.ok(bytes <= bytesMax && entries < 6_000, `${entries} entries, ${bytes} of ${bytesMax}`)
    assert.ok(entries * 400 <= bytes)
  },

  'refuses at once what can never fit': async store => {
    assert.equal(store.begin(headOf('/large', 2_000_000), 2_000_000), null)
    assert.equal(store.begin(headOf('/huge', Number.MAX_SAFE_INTEGER), Number.MAX_SAFE_INTEGER), null)
  },

  'gives up what turns out never to fit, and keeps the rest': async (store, settled) => {
    put(store, headOf('/small', 5), Buffer.from('small'))
    const filling = store.begin(headOf('/grows', 0), -1)
    let written = 0
    while (written < 3_000_000 && filling?.write(lastingCopy(contentOf(50_000)))) written += 50_000
    assert.ok(written <= 1_000_000, `gave up after ${written}`)
    filling?.abort()
    await settled()
    assert.deepEqual(await found(store, '/grows'), [])
    assert.deepEqual((await contentsOf(store, '/small')).map(String), ['small'])
  },

  'lets readers finish with what has been evicted': async (store, settled) => {
    const content = contentOf(100_000, 7)
    put(store, headOf('/victim', content.length), content)
    const entries = await found(store, '/victim')
    for (let n = 0; n < 400; n++) put(store, headOf(`/n/${n}`, 20_000), contentOf(20_000, n))
    await settled()
    assert.ok((await readFrom(entries[0])).equals(content))
    closeAll(entries)
  },

  'keeps so many variants of one resource, the newest of them': async (store, settled) => {
    for (let n = 0; n < 20; n++)
      put(store, headOf('/v', 2, { vary: [['x', `${n}`]] }), Buffer.from(String(n).padStart(2)))
    await settled()
    assert.deepEqual((await contentsOf(store, '/v')).map(String), ['19', '18', '17', '16'])
    assert.equal((await store.stats()).entries, 4)
  },
}
