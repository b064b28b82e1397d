/**
 * Part of the suite of stores: what is stored is found, as it was, for as long as somebody reads it.
 */
import assert from 'node:assert/strict'
import { isLasting } from '../../src/base/lasting.ts'
import type { Entry } from '../../src/cache/entry.ts'
import type { Store } from '../../src/cache/store.ts'
import type { StoreTest, StoreTests } from './store-suite.ts'
import { contentOf, headOf, keyOf, lastingCopy, POLICY, plain, put, readFrom } from './stored.ts'

/** What is found under the key of a path; the bodies are closed by `closeAll`. */
export async function found(store: Store, path: string): Promise<readonly Entry[]> {
  return await store.find(keyOf(path))
}

export function closeAll(entries: readonly Entry[]): void {
  for (const entry of entries) entry.body.close()
}

/** The contents found under the key of a path, the newest first. */
export async function contentsOf(store: Store, path: string): Promise<Buffer[]> {
  const entries = await found(store, path)
  const contents: Buffer[] = []
  for (const entry of entries) contents.push(await readFrom(entry))
  closeAll(entries)
  return contents
}

const SIZES = [0, 1, 200, 4_095, 4_096, 16_384, 65_535, 65_536, 65_537, 1_000_003]

const sized =
  (bytes: number): StoreTest =>
  async store => {
    for (const pieceBytes of [65_536, 1_000]) {
      const content = contentOf(bytes, pieceBytes)
      assert.ok(put(store, headOf('/sized', bytes), content, pieceBytes))
      const [entry] = await found(store, '/sized')
      for (const at of [0, 1, bytes >> 1, bytes - 1, 65_535, 65_536].filter(
        place => place >= 0 && place < bytes,
      )) {
        assert.ok((await readFrom(entry, at)).equals(content.subarray(at)), `from ${at}`)
        assert.ok(isLasting(await entry.body.from(at)), `from ${at}`)
      }
      entry.body.close()
    }
  }

export const CONTENT_TESTS: StoreTests = {
  'finds nothing where nothing was stored': async store => {
    assert.deepEqual(await found(store, '/none'), [])
    assert.equal((await store.stats()).entries, 0)
  },

  'finds what was stored, head and content as they were': async store => {
    const head = headOf('/a', 11, {
      extras: 'x-plan=gold',
      vary: [
        ['accept-language', 'en'],
        ['x-none', null],
      ],
      tags: ['shop', 'item:7'],
      lastModified: 'Thu, 19 Nov 2026 12:00:00 GMT',
      reason: 'Very \xe9 OK',
      status: 203,
      policy: { ...POLICY, noCache: true, lifetimeFrom: 'heuristic', lifetimeS: 2 ** 31 },
    })
    assert.ok(put(store, head, Buffer.from('hello world')))
    const entries = await found(store, '/a')
    assert.equal(entries.length, 1)
    assert.deepEqual(plain(entries[0].head), plain(head))
    assert.equal(entries[0].body.bytes, 11)
    assert.equal((await readFrom(entries[0])).toString(), 'hello world')
    closeAll(entries)
  },

  ...Object.fromEntries(
    SIZES.map(bytes => [`gives ${bytes} bytes of content from any place, in lasting memory`, sized(bytes)]),
  ),

  'gives a place in a piece, and the same piece again, to readers that take turns': async store => {
    const content = contentOf(300_000)
    put(store, headOf('/shared', content.length), content)
    const one = await found(store, '/shared')
    const other = await found(store, '/shared')
    const ahead = await readFrom(one[0])
    closeAll(one)
    assert.ok(ahead.equals(content))
    assert.ok(
      (await readFrom(other[0], 7)).equals(content.subarray(7)),
      'the other reads on after the first has closed',
    )
    closeAll(other)
  },

  'puts a response in the place of the same variant, and beside another': async store => {
    const vary = (value: string | null) => ({ vary: [['accept', value]] as const })
    for (const [n, over] of [
      vary('text/html'),
      vary(null),
      vary(''),
      { extras: 'a' },
      {},
      vary('text/html'),
    ].entries())
      assert.ok(put(store, headOf('/v', 5, over), Buffer.from(`page${n}`)))
    assert.deepEqual(
      (await contentsOf(store, '/v')).map(String),
      ['page5', 'page4', 'page3', 'page2', 'page1'],
      'newest first',
    )
    assert.equal((await store.stats()).entries, 5)
  },

  'gives the entry that a commit has stored': async store => {
    const head = headOf('/given', 2)
    const filling = store.begin(head, 2)
    assert.ok(filling)
    assert.ok(filling.write(lastingCopy(Buffer.from('hi'))))
    const entry = filling.commit(head)
    assert.ok(entry)
    assert.equal((await readFrom(entry)).toString(), 'hi')
    entry.body.close()
  },

  'lets a reader finish with what has been replaced, removed or purged meanwhile': async store => {
    const content = contentOf(400_000, 1)
    for (const away of ['replaced', 'removed', 'purged'] as const) {
      put(store, headOf('/read', content.length), content)
      const entries = await found(store, '/read')
      const first = Buffer.from(await entries[0].body.from(0))
      if (away === 'replaced') put(store, headOf('/read', content.length), contentOf(content.length, 2))
      else if (away === 'removed') store.remove(entries[0])
      else await store.purge({ kind: 'all' }, null)
      const whole = Buffer.concat([first, await readFrom(entries[0], first.length)])
      assert.ok(whole.equals(content), away)
      closeAll(entries)
    }
  },

  'puts another head on what is stored, and leaves the content': async (store, settled) => {
    put(store, headOf('/u', 3, { tags: ['old'] }), Buffer.from('abc'))
    const entries = await found(store, '/u')
    const fresh = headOf('/u', 3, { respondedMs: 99, tags: ['new'], policy: { ...POLICY, lifetimeS: 7 } })
    store.update(entries[0], fresh)
    closeAll(entries)
    await settled()
    const again = await found(store, '/u')
    assert.deepEqual(
      again.map(each => plain(each.head)),
      [plain(fresh)],
    )
    assert.equal((await readFrom(again[0])).toString(), 'abc')
    closeAll(again)
    assert.equal(await store.purge({ kind: 'tag', tag: 'old' }, null), 0, 'found by the tags of its head now')
    assert.equal(await store.purge({ kind: 'tag', tag: 'new' }, null), 1)
  },

  'does not bring back what is gone when its head is updated': async (store, settled) => {
    put(store, headOf('/gone', 3), Buffer.from('abc'))
    const entries = await found(store, '/gone')
    await store.purge({ kind: 'key', key: keyOf('/gone') }, null)
    store.update(entries[0], headOf('/gone', 3))
    await settled()
    assert.deepEqual(await found(store, '/gone'), [])
    put(store, headOf('/gone', 3), Buffer.from('new'))
    store.update(entries[0], headOf('/gone', 3, { respondedMs: 1 }))
    closeAll(entries)
    await settled()
    assert.deepEqual((await contentsOf(store, '/gone')).map(String), ['new'])
  },

  'drops the other variant when an update makes two of them the same': async (store, settled) => {
    put(store, headOf('/twin', 3, { vary: [['accept', 'a']] }), Buffer.from('one'))
    put(store, headOf('/twin', 3, { vary: [['accept', 'b']] }), Buffer.from('two'))
    const entries = await found(store, '/twin')
    store.update(entries[0], headOf('/twin', 3, { vary: [['accept', 'a']] }))
    closeAll(entries)
    await settled()
    assert.deepEqual((await contentsOf(store, '/twin')).map(String), ['two'])
  },

  'removes one variant, and not what took its place': async (store, settled) => {
    put(store, headOf('/r', 3, { extras: 'a' }), Buffer.from('aaa'))
    put(store, headOf('/r', 3, { extras: 'b' }), Buffer.from('bbb'))
    const old = await found(store, '/r')
    const a = old.find(each => each.head.extras === 'a') as Entry
    put(store, headOf('/r', 3, { extras: 'a' }), Buffer.from('AAA'))
    store.remove(a)
    await settled()
    assert.deepEqual((await contentsOf(store, '/r')).map(String), ['AAA', 'bbb'])
    const now = await found(store, '/r')
    store.remove(now[0])
    store.remove(now[0])
    closeAll([...old, ...now])
    await settled()
    assert.deepEqual((await contentsOf(store, '/r')).map(String), ['bbb'])
    assert.equal((await store.stats()).entries, 1)
  },

  'takes any key': async store => {
    const paths = [
      '/',
      '/?',
      '/__proto__',
      '/%00',
      '/..%2f..',
      '/a?q=%f0%9f%8d%95&x=../../etc',
      `/${'long'.repeat(16_000)}`,
      '/A',
      '/a',
      '/a/',
      '/a%20',
    ]
    for (const [n, path] of paths.entries())
      assert.ok(put(store, headOf(path, 1), Buffer.from([n])), path.slice(0, 80))
    for (const [n, path] of paths.entries())
      assert.deepEqual(await contentsOf(store, path), [Buffer.from([n])], path.slice(0, 80))
  },

  'is empty for everybody once it is closed': async store => {
    put(store, headOf('/c', 1), Buffer.from('c'))
    const late = store.begin(headOf('/late', 1), 1)
    await store.close()
    assert.deepEqual(await found(store, '/c'), [])
    assert.equal(store.begin(headOf('/d', 1), 1), null)
    assert.ok(late)
    late.write(lastingCopy(Buffer.from('l')))
    assert.equal(late.commit(headOf('/late', 1)), null)
    await store.close()
  },
}
