/**
 * The model of what a cache may answer (cache-judge.ts): the cache keeps to it, and caches that break one rule are
 * caught. Each of those is the real one with a store that forgets something, or with an option that breaks the standard.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { EntryHead } from '../../src/cache/entry.ts'
import type { Policy } from '../../src/cache/policy.ts'
import type { Filling, Store } from '../../src/cache/store.ts'
import { cachedTraffic, type Variation } from './cache-fuzz.ts'
import { Random } from './random.ts'

/** A store in which heads or bytes are not what was stored. */
function broken(store: Store, head: (head: EntryHead) => EntryHead, bytes = (chunk: Buffer) => chunk): Store {
  return Object.assign(Object.create(store), {
    find: (key: string) => store.find(key),
    begin(first: EntryHead, contentBytes: number): Filling | null {
      const filling = store.begin(head(first), contentBytes)
      return (
        filling && {
          write: chunk => filling.write(bytes(chunk)),
          commit: last => filling.commit(head(last)),
          abort: () => filling.abort(),
        }
      )
    },
    update: (entry, fresh) => store.update(entry, head(fresh)),
    remove: entry => store.remove(entry),
    purge: (what, staleAtMs) => store.purge(what, staleAtMs),
    close: () => store.close(),
  } satisfies Partial<Store>)
}

const policy = (over: Partial<Policy>) => ({
  store: (store: Store) => broken(store, head => ({ ...head, policy: { ...head.policy, ...over } })),
})

const BROKEN: Readonly<Record<string, Variation>> = {
  'one key for all': { store: store => broken(store, head => head) && anyKey(store) },
  'variants are not told apart': { store: store => broken(store, head => ({ ...head, vary: [] })) },
  'everything is fresh for ever': policy({ lifetimeS: 1_000_000 }),
  'Age begins at nothing': policy({ initialAgeS: -20 }),
  'no-cache is not heeded': policy({ noCache: false }),
  'must-revalidate is not heeded': policy({ mustRevalidate: false, staleWhileRevalidateS: 1_000 }),
  'stale is served for errors': policy({ staleIfErrorS: 10_000, mustRevalidate: false }),
  'bytes change in the store': {
    store: store =>
      broken(
        store,
        head => head,
        chunk => Buffer.alloc(chunk.length, 'x'),
      ),
  },
  'nothing is ever removed': {
    store: store =>
      Object.assign(
        broken(store, head => head),
        { purge: () => 0, remove() {} } satisfies Partial<Store>,
      ),
  },
  'a soft purge does nothing': {
    store: store =>
      Object.assign(
        broken(store, head => head),
        {
          purge: (what, staleAtMs) => (staleAtMs === null ? store.purge(what, null) : 0),
        } satisfies Partial<Store>,
      ),
  },
  'private is kept': { options: { ignore: new Set(['private']) } },
  'no-store is kept': { options: { ignore: new Set(['no-store']) } },
  'requests say nothing': { options: { ignore: new Set(['request-directives']) } },
  'targeted fields are not read': { options: { targeted: [] } },
  'heuristics without bounds': { options: { heuristicFraction: 5 } },
  'an hour for all': { options: { rules: [{ statuses: null, type: null, ttlS: 3_600 }] } },
}

/** Finds what was stored last, whatever is asked for. */
function anyKey(store: Store): Store {
  let last = ''
  return Object.assign(
    broken(store, head => head),
    {
      find(key: string) {
        const before = last
        last = key
        return store.find(before)
      },
    } satisfies Partial<Store>,
  )
}

const FIRST_SEED = Number(process.env['SEED'] ?? 20_261_120)
const ROUNDS_MAX = 400

describe('the model of what a cache may answer', () => {
  for (const [what, variation] of Object.entries(BROKEN))
    it(`catches a cache in which ${what}`, async () => {
      for (let seed = FIRST_SEED; seed < FIRST_SEED + ROUNDS_MAX; seed++)
        try {
          await cachedTraffic(new Random(seed), variation)
        } catch (error) {
          assert.ok(error instanceof assert.AssertionError, String(error))
          return
        }
      assert.fail(`not caught in ${ROUNDS_MAX} plays`)
    })
})
