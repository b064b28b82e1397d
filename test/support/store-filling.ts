/**
 * Part of the suite of stores: how responses come in, several of one key at a time, whole or not.
 */
import assert from 'node:assert/strict'
import type { Purge } from '../../src/cache/store.ts'
import { closeAll, contentsOf, found } from './store-content.ts'
import type { StoreTest, StoreTests } from './store-suite.ts'
import { contentOf, headOf, keyOf, lastingCopy, put, readFrom } from './stored.ts'

const PURGES: readonly Purge[] = [
  { kind: 'key', key: keyOf('/p') },
  { kind: 'prefix', prefix: keyOf('/') },
  { kind: 'tag', tag: 't' },
  { kind: 'all' },
]

/** What is on its way was made before the purge, or may have been: purged means that nobody gets it afterwards. */
const purgedOnItsWay =
  (what: Purge): StoreTest =>
  async (store, settled) => {
    const head = headOf('/p', 2, { tags: ['t'] })
    const filling = store.begin(head, 2)
    const other = store.begin(headOf('/p', 2, { tags: ['t'], extras: 'x' }), 2)
    filling?.write(lastingCopy(Buffer.from('ab')))
    assert.equal(await store.purge(what, null), 0, 'counted is what was stored')
    assert.equal(filling?.commit(head), null)
    other?.abort()
    await settled()
    assert.deepEqual(await found(store, '/p'), [])
    assert.ok(put(store, head, Buffer.from('cd')), 'what begins later is not meant')
    assert.deepEqual((await contentsOf(store, '/p')).map(String), ['cd'])
  }

export const FILLING_TESTS: StoreTests = {
  'shows nothing of a response before it is whole, and nothing of one that is given up': async (
    store,
    settled,
  ) => {
    const head = headOf('/f', 4)
    const filling = store.begin(head, 4)
    assert.ok(filling)
    assert.ok(filling.write(lastingCopy(Buffer.from('ab'))))
    assert.deepEqual(await found(store, '/f'), [])
    assert.deepEqual(await store.list('', 10), [])
    filling.abort()
    await settled()
    assert.deepEqual(await found(store, '/f'), [])
    const { entries, bytes } = await store.stats()
    assert.deepEqual({ entries, bytes }, { entries: 0, bytes: 0 }, 'and takes no room any more')
  },

  'takes a response whose length is not known before its end': async store => {
    const content = contentOf(150_000)
    const filling = store.begin(headOf('/open', 0), -1)
    assert.ok(filling)
    for (let at = 0; at < content.length; at += 9_999)
      assert.ok(filling.write(lastingCopy(content.subarray(at, at + 9_999))))
    assert.ok(filling.commit(headOf('/open', content.length)))
    assert.ok((await contentsOf(store, '/open'))[0].equals(content))
  },

  'goes by the head that comes with the end': async store => {
    const filling = store.begin(headOf('/h', 2, { etag: '' }), 2)
    filling?.write(lastingCopy(Buffer.from('ok')))
    filling?.commit(headOf('/h', 2, { etag: '"later"' }))
    const entries = await found(store, '/h')
    assert.equal(entries[0].head.etag, '"later"')
    closeAll(entries)
  },

  'keeps nothing whose content is shorter or longer than its head says': async (store, settled) => {
    for (const [known, said, written] of [
      [4, 4, 'abc'],
      [-1, 4, 'abc'],
      [-1, 4, 'abcde'],
      [3, 4, 'abc'],
      [4, 4, ''],
      [0, 0, 'x'],
    ] as const) {
      const filling = store.begin(headOf('/cut', said), known)
      if (written !== '' && filling?.write(lastingCopy(Buffer.from(written))) === false) filling.abort()
      else assert.equal(filling?.commit(headOf('/cut', said)) ?? null, null, `${known} ${said} ${written}`)
      await settled()
      assert.deepEqual(await found(store, '/cut'), [], `${known} ${said} ${written}`)
    }
    assert.equal((await store.stats()).bytes, 0)
  },

  'keeps what was there when a newer one is given up': async (store, settled) => {
    put(store, headOf('/k', 3), Buffer.from('old'))
    const filling = store.begin(headOf('/k', 3), 3)
    filling?.write(lastingCopy(Buffer.from('ne')))
    assert.deepEqual((await contentsOf(store, '/k')).map(String), ['old'])
    filling?.abort()
    await settled()
    assert.deepEqual((await contentsOf(store, '/k')).map(String), ['old'])
  },

  'fills one key many times at once: each whole, the last to end stays': async (store, settled) => {
    const contents = Array.from({ length: 5 }, (_, n) => contentOf(90_000 + n, n))
    const fillings = contents.map(content => store.begin(headOf('/many', content.length), content.length))
    for (let at = 0; at < 91_000; at += 13_000)
      for (const [n, content] of contents.entries()) {
        const piece = content.subarray(at, at + 13_000)
        if (piece.length > 0) assert.ok(fillings[n]?.write(lastingCopy(piece)))
      }
    for (const n of [3, 0, 4]) {
      assert.ok(fillings[n]?.commit(headOf('/many', contents[n].length)))
      const [now] = await contentsOf(store, '/many')
      assert.ok(now.equals(contents[n]), `what ended as number ${n}`)
    }
    fillings[1]?.abort()
    fillings[2]?.abort()
    await settled()
    const [now] = await contentsOf(store, '/many')
    assert.ok(now.equals(contents[4]))
    assert.equal((await store.stats()).entries, 1)
  },

  ...Object.fromEntries(
    PURGES.map(what => [
      `does not store what was on its way when it was purged (${what.kind})`,
      purgedOnItsWay(what),
    ]),
  ),

  'stores what was on its way as stale when it was purged softly': async store => {
    const head = headOf('/soft', 2)
    const filling = store.begin(head, 2)
    filling?.write(lastingCopy(Buffer.from('ab')))
    await store.purge({ kind: 'all' }, head.respondedMs + 5_000)
    const entry = filling?.commit(head)
    assert.equal(entry?.head.policy.lifetimeS, 7.5)
    entry?.body.close()
    const entries = await found(store, '/soft')
    assert.equal(entries[0].head.policy.lifetimeS, 7.5)
    assert.equal((await readFrom(entries[0])).toString(), 'ab')
    closeAll(entries)
  },
}
