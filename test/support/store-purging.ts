/**
 * Part of the suite of stores: what a purge reaches and what it leaves, and lists.
 */
import assert from 'node:assert/strict'
import type { Purge, Store } from '../../src/cache/store.ts'
import { closeAll, found } from './store-content.ts'
import type { StoreTest, StoreTests } from './store-suite.ts'
import { headOf, keyOf, NOW_MS, POLICY, put } from './stored.ts'

const PATHS = ['/a', '/a?x', '/ab', '/a/b', '/b', '/A'] as const

/** The paths, each with a variant more; tags are the letters of the path. */
function fill(store: Store): void {
  for (const path of PATHS)
    for (const extras of ['', 'v'])
      assert.ok(put(store, headOf(path, 2, { extras, tags: [...new Set(path.slice(1))] }), Buffer.from('ok')))
}

async function left(store: Store): Promise<string[]> {
  const heads = await store.list('', 100)
  return heads.map(head => head.key + head.extras).sort()
}

const CASES: readonly [what: Purge, meant: readonly string[]][] = [
  [{ kind: 'key', key: keyOf('/a') }, ['/a']],
  [{ kind: 'key', key: keyOf('/none') }, []],
  [{ kind: 'key', key: '' }, []],
  [{ kind: 'prefix', prefix: keyOf('/a') }, ['/a', '/a?x', '/ab', '/a/b']],
  [{ kind: 'prefix', prefix: keyOf('/a/') }, ['/a/b']],
  [{ kind: 'prefix', prefix: keyOf('/%') }, []],
  [{ kind: 'prefix', prefix: keyOf('/_') }, []],
  [{ kind: 'prefix', prefix: '' }, PATHS],
  [{ kind: 'tag', tag: 'b' }, ['/ab', '/a/b', '/b']],
  [{ kind: 'tag', tag: '' }, []],
  [{ kind: 'tag', tag: '__proto__' }, []],
  [{ kind: 'all' }, PATHS],
]

const names = (paths: readonly string[]): string[] =>
  paths.flatMap(path => [keyOf(path), `${keyOf(path)}v`]).sort()

const removes =
  (what: Purge, meant: readonly string[]): StoreTest =>
  async (store, settled) => {
    fill(store)
    assert.equal(await store.purge(what, null), meant.length * 2)
    await settled()
    assert.deepEqual(await left(store), names(PATHS.filter(path => !meant.includes(path))))
    for (const path of PATHS) {
      const entries = await found(store, path)
      assert.equal(entries.length, meant.includes(path) ? 0 : 2, path)
      closeAll(entries)
    }
    assert.equal((await store.stats()).entries, (PATHS.length - meant.length) * 2)
    assert.equal(await store.purge(what, null), 0, 'a second time')
  }

const makesStale =
  (what: Purge, meant: readonly string[]): StoreTest =>
  async (store, settled) => {
    fill(store)
    assert.equal(await store.purge(what, NOW_MS + 10_000), meant.length * 2)
    await settled()
    for (const head of await store.list('', 100)) {
      const wanted = meant.some(path => keyOf(path) === head.key) ? 12.5 : POLICY.lifetimeS
      assert.equal(head.policy.lifetimeS, wanted, head.key)
    }
    assert.deepEqual(await left(store), names(PATHS))
  }

export const PURGE_TESTS: StoreTests = {
  ...Object.fromEntries(
    CASES.flatMap(([what, meant]) => {
      const words = Object.values(what).join(' ')
      return [
        [`removes what is meant by ${words}`, removes(what, meant)],
        [`makes stale what is meant by ${words}`, makesStale(what, meant)],
      ]
    }),
  ),

  'finds no more of a resource while its purge is under way': async (store, settled) => {
    for (const written of [false, true]) {
      put(store, headOf('/a', 2), Buffer.from('ok'))
      if (written) await settled()
      const purging = store.purge({ kind: 'key', key: keyOf('/a') }, null)
      assert.deepEqual(await found(store, '/a'), [])
      await purging
      assert.deepEqual(await found(store, '/a'), [])
    }
  },

  'leaves alone what had ended before, when it makes stale': async store => {
    put(store, headOf('/old', 1, { policy: { ...POLICY, lifetimeS: 5 } }), Buffer.from('o'))
    assert.equal(await store.purge({ kind: 'all' }, NOW_MS + 60_000), 1)
    const entries = await found(store, '/old')
    assert.equal(entries[0].head.policy.lifetimeS, 5)
    closeAll(entries)
  },

  'gives back the room of what was purged': async (store, settled) => {
    fill(store)
    assert.ok((await store.stats()).bytes > 0)
    await store.purge({ kind: 'all' }, null)
    await settled()
    assert.equal((await store.stats()).bytes, 0)
    assert.equal((await store.stats()).evictions, 0, 'a purge is no eviction')
  },

  'lists what begins so, and no more than asked for': async store => {
    fill(store)
    assert.equal((await store.list(keyOf('/a'), 100)).length, 8)
    assert.equal((await store.list(keyOf('/a'), 3)).length, 3)
    assert.equal((await store.list('', 0)).length, 0)
    assert.equal((await store.list('ftp:', 9)).length, 0)
  },
}
