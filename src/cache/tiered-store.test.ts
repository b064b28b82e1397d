import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { storeSuite } from '../../test/support/store-suite.ts'
import { contentOf, headOf, keyOf, put, readFrom } from '../../test/support/stored.ts'
import type { Entry, EntryHead } from './entry.ts'
import { MemoryEntry } from './memory-entry.ts'
import { MemoryStore } from './memory-store.ts'
import type { Filling, Purge, Store } from './store.ts'
import { TieredStore } from './tiered-store.ts'

const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

/** What a disk gives: entries that are made for each who asks, a turn later or two. */
class SlowStore implements Store {
  readonly store: MemoryStore
  finds = 0
  /** Takes nothing in. */
  full = false
  /** The stored entry behind each that was given out. */
  readonly #behind = new WeakMap<Entry, Entry>()

  constructor(bytesMax: number, variantsMax: number) {
    this.store = new MemoryStore(bytesMax, { variantsMax })
  }
  async find(key: string): Promise<readonly Entry[]> {
    this.finds++
    await turn()
    const entries = this.store.find(key).map(entry => {
      const { head, body } = entry
      const { bytes } = body
      const slow = {
        ...{ bytes, from: async (at: number) => body.from(at), close() {} },
      }
      const given = { head, body: slow }
      this.#behind.set(given, entry)
      return given
    })
    await turn()
    return entries
  }
  begin(head: EntryHead, contentBytes: number): Filling | null {
    return this.full ? null : this.store.begin(head, contentBytes)
  }
  update(entry: Entry, head: EntryHead): void {
    entry.head = head
    this.store.update(this.#behind.get(entry) as Entry, head)
  }
  remove(entry: Entry): void {
    this.store.remove(this.#behind.get(entry) as Entry)
  }
  async purge(what: Purge, staleAtMs: number | null): Promise<number> {
    return await this.store.purge(what, staleAtMs)
  }
  async list(prefix: string, countMax: number): Promise<readonly EntryHead[]> {
    return await this.store.list(prefix, countMax)
  }
  stats() {
    return this.store.stats()
  }
  async close(): Promise<void> {
    await this.store.close()
  }
}

function tiers(bytesMax: number, variantsMax = 64) {
  const memory = new MemoryStore(bytesMax / 4, { variantsMax, allVariants: true })
  const disk = new SlowStore((bytesMax * 3) / 4, variantsMax)
  return { memory, disk, store: new TieredStore(memory, disk) }
}

for (const name of ['a store in memory before one that is slow', 'the same, with little in memory'])
  storeSuite(name, ({ bytesMax, variantsMax }) => {
    const memory = new MemoryStore(name.startsWith('a') ? bytesMax / 4 : 4_096, {
      variantsMax,
      allVariants: true,
    })
    const store = new TieredStore(memory, new SlowStore((bytesMax * 3) / 4, variantsMax))
    return { store, settled: () => store.idle(), dispose: async () => {} }
  })

const MB = 1024 * 1024

/** Puts so much into a store that nothing else stays in its memory. */
function flood(store: Store): void {
  for (let n = 0; n < 400; n++) put(store, headOf(`/flood/${n}`, 10_000), contentOf(10_000, n))
}

describe('memory before disk', () => {
  it('finds at once what is in memory, and the rest on disk', async () => {
    const { store, disk } = tiers(8 * MB)
    put(store, headOf('/a', 3), Buffer.from('abc'))
    assert.ok(!(store.find(keyOf('/a')) instanceof Promise))
    assert.equal(disk.finds, 0)
    put(store, headOf('/b', 3), Buffer.from('abc'))
    flood(store)
    const found = store.find(keyOf('/b'))
    assert.ok(found instanceof Promise)
    assert.equal((await readFrom((await found)[0])).toString(), 'abc')
  })

  it('brings into memory what is found on disk a second time', async () => {
    const { store, memory } = tiers(8 * MB)
    put(store, headOf('/a', 3), Buffer.from('abc'))
    flood(store)
    for (const there of [false, true]) {
      assert.equal((await store.find(keyOf('/a'))).length, 1)
      await store.idle()
      assert.equal(memory.has(keyOf('/a')), there)
    }
    assert.equal((await readFrom(memory.find(keyOf('/a'))[0])).toString(), 'abc')
  })

  it('leaves large ones on disk', async () => {
    const { store, memory } = tiers(64 * MB)
    put(store, headOf('/large', 5 * MB), Buffer.alloc(5 * MB))
    for (let times = 0; times < 4; times++) await store.find(keyOf('/large'))
    await store.idle()
    assert.ok(!memory.has(keyOf('/large')))
  })

  it('knows all variants in memory or none', async () => {
    const { store, memory } = tiers(8 * MB)
    for (const value of ['a', 'b', 'c'])
      put(store, headOf('/v', 1, { vary: [['accept', value]] }), Buffer.from(value))
    assert.ok(!memory.has(keyOf('/v')), 'there might be others on disk')
    for (let times = 0; times < 2; times++) await store.find(keyOf('/v'))
    await store.idle()
    const contents = store.find(keyOf('/v')) as readonly Entry[]
    assert.deepEqual(
      contents.map(({ body }) => String(body.from(0))),
      ['c', 'b', 'a'],
    )
    put(store, headOf('/v', 1, { vary: [['accept', 'd']] }), Buffer.from('d'))
    assert.equal(memory.find(keyOf('/v')).length, 4, 'with its like it comes in at once')
  })

  it('lets all variants go when one has to', async () => {
    const memory = new MemoryStore(MB, { variantsMax: 64, allVariants: true })
    for (const extras of ['a', 'b', 'c']) put(memory, headOf('/v', 9_000, { extras }), contentOf(9_000))
    for (let n = 0; n < 400; n++) {
      put(memory, headOf(`/flood/${n}`, 10_000), contentOf(10_000, n))
      assert.ok([0, 3].includes(memory.peek(keyOf('/v')).length))
    }
    assert.ok(!memory.has(keyOf('/v')))
  })

  it('does not bring back what was replaced, removed or purged on its way into memory', async () => {
    for (const change of ['replaced', 'removed', 'purged', 'softly', 'updated'] as const) {
      const { store, memory, disk } = tiers(8 * MB)
      put(store, headOf('/a', 3), Buffer.from('old'))
      flood(store)
      await store.find(keyOf('/a'))
      const entries = await store.find(keyOf('/a'))
      const fresh = headOf('/a', 3, { etag: '"fresh"', policy: { ...entries[0].head.policy, lifetimeS: 1 } })
      if (change === 'replaced') {
        disk.full = true
        put(store, fresh, Buffer.from('new'))
      } else if (change === 'removed') store.remove(entries[0])
      else if (change === 'updated') store.update(entries[0], fresh)
      else await store.purge({ kind: 'tag', tag: 'none' }, change === 'purged' ? null : 0)
      await store.idle()
      const now = await store.find(keyOf('/a'))
      const contents = await Promise.all(now.map(each => readFrom(each)))
      const wanted = { replaced: ['new'], removed: [], purged: ['old'], softly: ['old'], updated: ['old'] }[
        change
      ]
      assert.deepEqual(contents.map(String), wanted, change)
      if (change === 'updated' || change === 'replaced') assert.equal(now[0].head.etag, '"fresh"', change)
      if (change !== 'replaced') assert.ok(!memory.has(keyOf('/a')), change)
    }
  })

  it('does not find on disk what was just removed from memory', async () => {
    const { store } = tiers(8 * MB)
    put(store, headOf('/a', 3), Buffer.from('abc'))
    const [entry] = store.find(keyOf('/a')) as readonly Entry[]
    assert.ok(entry instanceof MemoryEntry)
    store.remove(entry)
    assert.deepEqual(await store.find(keyOf('/a')), [])
  })

  it('does not go back to an older one on disk when the newer one was for memory only', async () => {
    const { store, disk } = tiers(8 * MB)
    put(store, headOf('/a', 3), Buffer.from('old'))
    disk.full = true
    put(store, headOf('/a', 3), Buffer.from('new'))
    flood(store)
    disk.full = false
    flood(store)
    assert.deepEqual(await store.find(keyOf('/a')), [])
  })

  it('does not hide a newer one on disk behind an older one in memory', async () => {
    const { store } = tiers(8 * MB)
    put(store, headOf('/a', 3), Buffer.from('old'))
    const large = contentOf(MB)
    assert.ok(put(store, headOf('/a', large.length), large), 'too large for this memory')
    assert.ok((await readFrom((await store.find(keyOf('/a')))[0])).equals(large))
  })

  it('serves from memory alone when the disk takes nothing', async () => {
    const { store, disk } = tiers(8 * MB)
    disk.full = true
    put(store, headOf('/v', 1, { vary: [['accept', null]] }), Buffer.from('v'))
    assert.equal((await store.find(keyOf('/v'))).length, 1)
    const { memory, disk: onDisk } = await store.stats()
    assert.deepEqual([memory.entries, onDisk.entries], [1, 0])
  })
})
