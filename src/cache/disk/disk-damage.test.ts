import assert from 'node:assert/strict'
import {
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import test, { type TestContext } from 'node:test'
import { Random } from '../../../test/fuzz/random.ts'
import { type DiskFolderInTest, diskFolder } from '../../../test/support/disk-folder.ts'
import { contentOf, headOf, keyOf, put, readFrom } from '../../../test/support/stored.ts'
import type { DiskStore } from '../disk-store.ts'

const COUNT = 30
const SMALL = 2_000
const LARGE = 300_000

const sizeOf = (n: number): number => (n % 3 === 0 ? LARGE + n : SMALL + n)
const pathOf = (n: number): string => `/${n}`

/** A folder with small and large responses, closed. */
async function filled(context: TestContext): Promise<DiskFolderInTest> {
  const folder = diskFolder(context)
  const store = await folder.open()
  for (let n = 0; n < COUNT; n++) assert.ok(put(store, headOf(pathOf(n), sizeOf(n)), contentOf(sizeOf(n), n)))
  await store.close()
  return folder
}

/** Reads everything: what is found has to be right. Gives which was there. */
async function there(store: DiskStore): Promise<number[]> {
  const found: number[] = []
  for (let n = 0; n < COUNT; n++)
    for (const entry of await store.find(keyOf(pathOf(n)))) {
      assert.equal(entry.head.key, keyOf(pathOf(n)))
      assert.equal(entry.head.contentBytes, sizeOf(n))
      const content = await readFrom(entry).catch((error: { code?: string }) => {
        assert.equal(error.code, 'stored_unreadable')
        return null
      })
      entry.body.close()
      if (content === null) continue
      assert.ok(content.equals(contentOf(sizeOf(n), n)), `${n} is not what was stored`)
      found.push(n)
    }
  return found
}

const all = Array.from({ length: COUNT }, (_, n) => n)

const contentFiles = ({ path }: DiskFolderInTest): string[] =>
  readdirSync(join(path, 'v1', 'contents'), { recursive: true, encoding: 'utf8' })
    .map(name => join(path, 'v1', 'contents', name))
    .filter(name => statSync(name).isFile())
    .sort()

test('what was stored is found after a restart', async context => {
  const folder = await filled(context)
  assert.deepEqual(await there(await folder.open()), all)
  assert.deepEqual(folder.lines, [])
})

test('files that were truncated, emptied, overwritten or exchanged are misses, and go', async context => {
  const folder = await filled(context)
  const [cut, emptied, overwritten, one, other, gone] = contentFiles(folder)
  truncateSync(cut, 200_000)
  truncateSync(emptied, 0)
  const bytes = readFileSync(overwritten)
  bytes[bytes.length - 1] ^= 1
  writeFileSync(overwritten, bytes)
  copyFileSync(one, `${one}.kept`)
  copyFileSync(other, one)
  copyFileSync(`${one}.kept`, other)
  writeFileSync(gone, contentOf(statSync(gone).size, 99))
  const store = await folder.open()
  assert.equal((await there(store)).length, COUNT - 6)
  assert.equal((await there(store)).length, COUNT - 6)
  await store.settled()
  assert.equal((await store.stats()).entries, COUNT - 6, 'what was damaged is gone')
  assert.equal(folder.lines.length, 1, 'one line for all of them')
  assert.match(folder.lines[0], /^cache: a stored response in .*v1 was damaged and is removed: /)
})

/** Each breaks some rows in a way that SQLite itself does not notice. */
const ROW_FAULTS: Readonly<Record<string, string>> = {
  'contents are exchanged': `update entry set content = (select content from entry e where e.id = 3) where id = 2`,
  'a content has another byte': `update entry set content = cast(x'00' || substr(content, 2) as blob) where id = 2`,
  'a content is shorter': 'update entry set content = substr(content, 1, 100) where id = 2',
  'a content is not there': `update entry set content = null where id = 2`,
  'heads are exchanged': 'update entry set head = (select head from entry e where e.id = 3) where id = 2',
  'a head is cut': 'update entry set head = substr(head, 1, 50) where id = 2',
  'a head is no text of ours': `update entry set head = '[]' where id = 2`,
  'a key is that of another': 'update entry set key = (select key from entry e where e.id = 3) where id = 2',
  'rows are found under the hash of another': `update entry set hash = (select hash from entry e where e.id = 3) where id = 2`,
  'sums are exchanged': 'update entry set sums = (select sums from entry e where e.id = 3) where id = 2',
  'sums are not there': `update entry set sums = x'' where id = 2`,
  'sizes are wrong': 'update entry set content_bytes = content_bytes + 1 where id = 2',
}

for (const [words, sql] of Object.entries(ROW_FAULTS))
  test(`rows that are wrong are misses: ${words}`, async context => {
    const folder = await filled(context)
    const database = new DatabaseSync(join(folder.path, 'v1', 'index.db'))
    database.exec(sql)
    database.close()
    const found = await there(await folder.open())
    assert.deepEqual(
      found,
      all.filter(n => n !== 1),
    )
  })

test('a database that is garbage is left aside with one line, and the cache begins empty', async context => {
  for (const damage of [
    (path: string) => writeFileSync(path, contentOf(50_000)),
    (path: string) => truncateSync(path, 5_000),
    (path: string) => writeFileSync(path, 'SQLite format 3\0 and then something else'),
  ]) {
    const folder = await filled(context)
    const path = join(folder.path, 'v1', 'index.db')
    damage(path)
    const store = await folder.open()
    await there(store)
    await store.settled()
    assert.ok(put(store, headOf('/new', 3), Buffer.from('new')) || folder.lines.length > 0)
    await store.close()
    assert.ok(existsSync(join(folder.path, 'v1', 'damaged.db')))
    assert.equal(folder.lines.length, 1)
    assert.match(folder.lines[0], /^cache: .*v1 begins empty: its database .* left aside as .*damaged\.db/)
    const again = await folder.open()
    assert.ok(put(again, headOf('/new', 3), Buffer.from('new')))
    await again.close()
    assert.equal(folder.lines.length, 1)
  }
})

test('a database of another format is left aside, and not read', async context => {
  const folder = await filled(context)
  const database = new DatabaseSync(join(folder.path, 'v1', 'index.db'))
  database.exec('pragma user_version=2')
  database.close()
  assert.deepEqual(await there(await folder.open()), [])
  assert.equal(folder.lines.length, 1)
  assert.match(folder.lines[0], /its format is 1399612261\/2, not 1399612261\/1/)
})

test('what other versions left in the folder stays as it is', async context => {
  const folder = diskFolder(context)
  writeFileSync(join(folder.path, 'v0'), 'older')
  await (await folder.open()).close()
  assert.equal(readFileSync(join(folder.path, 'v0'), 'utf8'), 'older')
})

test('locks that are garbage do not keep anybody out', async context => {
  const folder = await filled(context)
  for (const name of ['opening.lock', 'tidying.lock'])
    writeFileSync(join(folder.path, 'v1', name), contentOf(8_192))
  const store = await folder.open()
  assert.deepEqual(await there(store), all)
  await store.settled()
  assert.deepEqual(folder.lines, [])
})

test('bytes changed anywhere in the database never change what is served', async context => {
  const template = await filled(context)
  const whole = readFileSync(join(template.path, 'v1', 'index.db'))
  const seed = Number(process.env['SEED'] ?? 1)
  const random = new Random(seed)
  for (let round = 0; round < 12; round++) {
    const folder = diskFolder(context)
    await (await folder.open()).close()
    const bytes = Buffer.from(whole)
    for (let n = random.of([1, 5, 200]); n > 0; n--)
      bytes[100 + random.below(bytes.length - 100)] = random.below(256)
    if (random.once(3)) bytes.fill(0, 4_096 * random.below(20), 4_096 * (20 + random.below(5)))
    writeFileSync(join(folder.path, 'v1', 'index.db'), bytes)
    const store = await folder.open()
    await there(store)
    await store.purge({ kind: 'prefix', prefix: keyOf('/') }, null)
    await store.settled()
    for (let n = 0; n < COUNT; n++) put(store, headOf(pathOf(n), sizeOf(n)), contentOf(sizeOf(n), n))
    await store.settled()
    await there(store)
    await store.close()
  }
})
