import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { diskFolder } from '../../../test/support/disk-folder.ts'
import { contentOf, headOf, keyOf, put, readFrom } from '../../../test/support/stored.ts'
import { systemClock } from '../../base/clock.ts'
import type { DiskStore } from '../disk-store.ts'

async function has(store: DiskStore, path: string): Promise<boolean> {
  const entries = await store.find(keyOf(path))
  for (const { body } of entries) body.close()
  return entries.length > 0
}

test('caches of one folder share it, and see nothing of each other', async context => {
  const folder = diskFolder(context)
  const one = await folder.open({ space: 'one' })
  const other = await folder.open({ space: 'other' })
  put(one, headOf('/a', 3, { tags: ['t'] }), Buffer.from('one'))
  put(other, headOf('/a', 5, { tags: ['t'] }), Buffer.from('other'))
  await one.settled()
  const [entry] = await one.find(keyOf('/a'))
  assert.equal((await readFrom(entry)).toString(), 'one')
  assert.equal((await one.stats()).entries, 1)
  assert.equal((await one.list('', 10)).length, 1)
  for (const what of [{ kind: 'tag', tag: 't' }, { kind: 'all' }] as const) await one.purge(what, null)
  assert.equal(await has(one, '/a'), false)
  assert.equal(await has(other, '/a'), true)
  await one.close()
  assert.equal(await has(one, '/a'), false)
  assert.ok(put(other, headOf('/b', 1), Buffer.from('b')), 'the other is still open')
  assert.equal(await has(other, '/b'), true)
})

test('what other processes store, replace and remove is seen here', async context => {
  const folder = diskFolder(context)
  const store = await folder.open()
  put(store, headOf('/replaced', 3), Buffer.from('old'))
  put(store, headOf('/removed', 3), Buffer.from('old'))
  await store.settled()
  const [before] = await store.find(keyOf('/removed'))
  const child = fork(
    fileURLToPath(new URL('../../../test/support/disk-visitor.ts', import.meta.url)),
    [folder.path],
    {
      execArgv: [],
    },
  )
  assert.equal(await new Promise(done => child.on('exit', done)), 0)
  const contents: string[] = []
  for (const path of ['/replaced', '/fresh'])
    for (const entry of await store.find(keyOf(path))) {
      contents.push((await readFrom(entry)).subarray(0, 5).toString('latin1'))
      entry.body.close()
    }
  assert.deepEqual(contents, ['newer', contentOf(100_000).subarray(0, 5).toString('latin1')])
  assert.equal(await has(store, '/removed'), false)
  assert.equal((await readFrom(before)).toString(), 'old', 'what was found before can be read to its end')
  assert.deepEqual(folder.lines, [])
})

test('those that were used last stay when room is needed', async context => {
  const folder = diskFolder(context)
  const bytesMax = 2 * 1024 * 1024
  const clock = { ...systemClock, wallMs: () => Date.now() + 600_000 }
  const store = await folder.open({ bytesMax, clock })
  const fill = async (from: number, to: number): Promise<void> => {
    for (let n = from; n < to; n++) put(store, headOf(`/${n}`, 20_000), contentOf(20_000, n))
    await store.settled()
  }
  await fill(0, 80)
  for (let n = 0; n < 10; n++) assert.ok(await has(store, `/${n}`))
  await fill(80, 140)
  const there: number[] = []
  for (let n = 0; n < 140; n++) if (await has(store, `/${n}`)) there.push(n)
  assert.deepEqual(there.slice(0, 10), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 'used')
  assert.ok(there[10] > 40, `the oldest that was not used: ${there[10]}`)
  const { bytes, evictions } = await store.stats()
  assert.ok(bytes <= bytesMax && evictions === 140 - there.length)
})

test('a limit that was made smaller holds after the next start', async context => {
  const folder = diskFolder(context)
  const large = await folder.open()
  for (let n = 0; n < 300; n++) put(large, headOf(`/${n}`, 20_000), contentOf(20_000, n))
  await large.close()
  const bytesMax = 1024 * 1024
  const store = await folder.open({ bytesMax })
  await store.settled()
  assert.ok((await store.stats()).bytes <= bytesMax)
  assert.ok((await store.stats()).entries > 20)
})

test('opening does not take longer with 100 000 entries', async context => {
  const empty = diskFolder(context)
  const folder = diskFolder(context)
  for (const each of [empty, folder]) await (await each.open()).close()
  const path = join(folder.path, 'v1', 'index.db')
  const database = new DatabaseSync(path)
  database.exec('pragma synchronous=off; begin')
  const insert = database.prepare(
    `insert into entry (hash, space, key, name, variant, used, bytes, content_bytes, file_bytes, sums, seal, head, content)
     values (?, 'test', ?, ?, x'00', ?, 1000, 500, 0, x'', 0, '', zeroblob(50))`,
  )
  for (let n = 0; n < 100_000; n++) insert.run(randomBytes(16), keyOf(`/${n}`), String(n), n)
  database.exec('commit')
  database.close()
  const time = async (open: () => Promise<DiskStore>): Promise<number> => {
    const beganMs = performance.now()
    const store = await open()
    await has(store, '/5')
    const tookMs = performance.now() - beganMs
    await store.close()
    return tookMs
  }
  const emptyMs: number[] = []
  const filledMs: number[] = []
  for (let n = 0; n < 3; n++) {
    emptyMs.push(await time(empty.open))
    filledMs.push(await time(() => folder.open({ bytesMax: 1e9 })))
  }
  context.diagnostic(
    `empty ${Math.min(...emptyMs).toFixed(0)} ms, filled ${Math.min(...filledMs).toFixed(0)} ms`,
  )
  // Reading all of it would take a second and more.
  assert.ok(Math.min(...filledMs) < Math.min(...emptyMs) * 3 + 500)
  const { entries } = await (await folder.open({ bytesMax: 1e9 })).stats()
  assert.equal(entries, 100_000)
})
