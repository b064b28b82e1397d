import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { type DiskFolderInTest, diskFolder } from '../../../test/support/disk-folder.ts'
import { contentOf, headOf, keyOf, lastingCopy, put, readFrom } from '../../../test/support/stored.ts'
import { until } from '../../../test/support/wait.ts'
import type { DiskStore } from '../disk-store.ts'

const RETRY_MS = 20

/** Asks until the folder takes something in again. */
async function on(store: DiskStore): Promise<void> {
  await until(() => {
    const filling = store.begin(headOf('/probe', 1), 1)
    filling?.abort()
    return filling !== null
  }, 'the store to be on')
}

const isOff = (store: DiskStore): Promise<void> =>
  until(() => store.begin(headOf('/probe', 1), 1) === null, 'the store to be off')

/** Takes the folder away and puts a file in its place: nothing can be written or read there. */
function block(folder: DiskFolderInTest): () => void {
  const inside = join(folder.path, 'v1')
  renameSync(inside, join(folder.path, 'away'))
  writeFileSync(inside, '')
  return () => {
    unlinkSync(inside)
    renameSync(join(folder.path, 'away'), inside)
  }
}

const found = async (store: DiskStore, path: string): Promise<string[]> => {
  const contents: string[] = []
  for (const entry of await store.find(keyOf(path))) {
    contents.push((await readFrom(entry)).toString())
    entry.body.close()
  }
  return contents
}

test('a file in the place of the folder turns the store off with one line, until it is gone', async context => {
  const folder = diskFolder(context)
  const inside = join(folder.path, 'v1')
  writeFileSync(inside, '')
  const store = await folder.open({ retryMs: RETRY_MS })
  assert.equal(store.begin(headOf('/a', 1), 1), null)
  assert.deepEqual(await store.find(keyOf('/a')), [])
  assert.equal(await store.purge({ kind: 'all' }, null), 0)
  assert.deepEqual(await store.list('', 10), [])
  assert.deepEqual(await store.stats(), { entries: 0, bytes: 0, bytesMax: 64 * 1024 * 1024, evictions: 0 })
  assert.equal(folder.lines.length, 1)
  assert.match(
    folder.lines[0],
    /^cache: .*v1 is turned off, nothing is stored there: there is a file in the place of the folder: give the cache another folder \(EEXIST.*\); tried again every 0.02 s$/,
  )
  unlinkSync(inside)
  await on(store)
  assert.ok(put(store, headOf('/a', 1), Buffer.from('a')))
  assert.deepEqual(await found(store, '/a'), ['a'])
  assert.deepEqual(folder.lines.slice(1), [`cache: ${inside} is on again`])
})

test('a link that leads nowhere, and a file system in which nothing can be made, are told at once', async context => {
  const folder = diskFolder(context)
  const link = join(folder.path, 'link')
  symlinkSync(join(folder.path, 'not-mounted'), link)
  for (const path of [link, '/proc/nothing-can-be-made-here/cache']) {
    folder.lines.length = 0
    const store = await folder.open({ folder: path })
    assert.equal(store.begin(headOf('/a', 1), 1), null)
    assert.equal(folder.lines.length, 1)
    assert.match(
      folder.lines[0],
      /^cache: .* is turned off, nothing is stored there: the folder cannot be made there: mount what is not mounted, .*\(ENOENT.*\)/,
    )
  }
})

/** The lines of a process that stores there and that permissions hold for, also when root runs the test. */
async function visitWithoutPrivileges(folder: string): Promise<string[]> {
  const visitor = fileURLToPath(new URL('../../../test/support/disk-visitor.ts', import.meta.url))
  const command = [process.execPath, visitor, folder]
  const asRoot = process.getuid?.() === 0
  const [program, ...args] = asRoot
    ? ['setpriv', '--bounding-set', '-dac_override', '--inh-caps', '-dac_override', ...command]
    : command
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.on('data', chunk => {
    said += chunk
  })
  const [code] = await once(child, 'close')
  assert.equal(code, 0, said)
  return said.trimEnd().split('\n')
}

test('a folder that this user may not write to is off, with one line', async context => {
  const { path } = diskFolder(context)
  chmodSync(path, 0o500)
  const said = await visitWithoutPrivileges(path)
  assert.equal(said.length, 1, said.join('\n'))
  assert.match(
    said[0],
    /v1 is turned off, nothing is stored there: this user may not write there: .*\(EACCES/,
  )
})

test('what can only be read is off at once: a purge could not remove it', async context => {
  const folder = diskFolder(context)
  const store = await folder.open()
  put(store, headOf('/replaced', 1), Buffer.from('a'))
  await store.close()
  for (const name of readdirSync(join(folder.path, 'v1'))) {
    const path = join(folder.path, 'v1', name)
    if (name.startsWith('index.db')) chmodSync(path, 0o400)
  }
  const said = await visitWithoutPrivileges(folder.path)
  assert.equal(said.length, 1, said.join('\n'))
  assert.match(
    said[0],
    /v1 is turned off, nothing is stored there: it cannot be written: .*\(attempt to write a readonly database\)/,
  )
  assert.deepEqual(folder.lines, [])
})

test('what was to be removed while it was off does not come back', async context => {
  const folder = diskFolder(context)
  const store = await folder.open({ retryMs: RETRY_MS })
  put(store, headOf('/a', 1), Buffer.from('a'))
  put(store, headOf('/b', 1), Buffer.from('b'))
  await store.settled()
  const [entry] = await store.find(keyOf('/a'))
  const unblock = block(folder)
  await isOff(store)
  store.remove(entry)
  unblock()
  await on(store)
  assert.deepEqual(await found(store, '/a'), [])
  assert.equal(folder.lines.length, 2, folder.lines.join('\n'))
})

test('what was stored is there again when nothing was to be removed', async context => {
  const folder = diskFolder(context)
  const store = await folder.open({ retryMs: RETRY_MS })
  put(store, headOf('/a', 1), Buffer.from('a'))
  await store.settled()
  const unblock = block(folder)
  await isOff(store)
  assert.deepEqual(await found(store, '/a'), [])
  unblock()
  await on(store)
  assert.deepEqual(await found(store, '/a'), ['a'])
})

test('a purge while it is off is made up for, after a restart as well', async context => {
  const folder = diskFolder(context)
  const store = await folder.open({ retryMs: 1_000_000 })
  put(store, headOf('/a', 1), Buffer.from('a'))
  await store.settled()
  const unblock = block(folder)
  await isOff(store)
  assert.equal(await store.purge({ kind: 'key', key: keyOf('/a') }, null), 0)
  unblock()
  await store.close()
  assert.deepEqual(await found(await folder.open(), '/a'), [])
})

test('fillings that were under way when it was turned off give up, and disturb nobody', async context => {
  const folder = diskFolder(context)
  const store = await folder.open({ retryMs: RETRY_MS })
  const head = headOf('/large', 300_000)
  const filling = store.begin(head, 300_000)
  assert.ok(filling)
  assert.ok(filling.write(lastingCopy(contentOf(100_000))))
  const unblock = block(folder)
  await isOff(store)
  assert.equal(filling.write(lastingCopy(contentOf(100_000))), false)
  unblock()
  await on(store)
  assert.equal(filling.write(lastingCopy(contentOf(200_000))), false)
  assert.equal(filling.commit(head), null)
  filling.abort()
  await store.settled()
  assert.deepEqual(await store.find(head.key), [])
})

test('a folder that is removed while it is used begins empty, with one line', async context => {
  const folder = diskFolder(context)
  const store = await folder.open()
  put(store, headOf('/a', 1), Buffer.from('a'))
  put(store, headOf('/large', 100_000), contentOf(100_000))
  await store.settled()
  rmSync(join(folder.path, 'v1'), { recursive: true })
  await until(() => folder.lines.length > 0, 'a line')
  assert.match(folder.lines[0], /^cache: .*v1 begins empty: its files were taken away$/)
  assert.deepEqual(await found(store, '/a'), [])
  put(store, headOf('/large', 100_000), contentOf(100_000))
  await store.settled()
  assert.equal((await found(store, '/large')).length, 1)
  assert.equal(folder.lines.length, 1)
})

test('a disk that takes no more turns the store off, and the process goes on', async () => {
  // The limit of the shell on the size of files: what is written beyond it fails, whoever runs the test.
  const script = fileURLToPath(new URL('../../../test/support/full-disk-filler.ts', import.meta.url))
  const child = spawn('sh', ['-c', 'ulimit -f 2000; exec "$@"', 'sh', process.execPath, script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  child.stdout.on('data', chunk => {
    said += chunk
  })
  const code = await new Promise(done => child.on('exit', done))
  assert.equal(code, 0)
  const { lines, refused, found } = JSON.parse(said) as { lines: string[]; refused: boolean; found: number }
  assert.equal(lines.length, 1, lines.join('\n'))
  assert.match(
    lines[0],
    /is turned off, nothing is stored there: .*(full|grow so large|fails).*; tried again every 60 s$/,
  )
  assert.ok(refused)
  assert.equal(found, 0)
})

test('leftovers of processes that are gone are removed, and nothing else', async context => {
  const folder = diskFolder(context)
  const first = await folder.open()
  put(first, headOf('/large', 100_000), contentOf(100_000))
  await first.close()
  const left = 'f'.repeat(32)
  const inside = join(folder.path, 'v1')
  mkdirSync(join(inside, 'contents', 'ff'), { recursive: true })
  const places = [join(inside, 'filling', left), join(inside, 'contents', 'ff', left)]
  const foreign = [join(inside, 'filling', 'notes.txt'), join(inside, 'contents', 'ff', 'notes.txt')]
  for (const path of [...places, ...foreign]) writeFileSync(path, 'x')
  const young = await folder.open()
  await young.settled()
  assert.deepEqual(places.map(existsSync), [true, true], 'somebody may still write there')
  await young.close()
  const store = await folder.open({ leftoverMs: -1 })
  await store.settled()
  assert.deepEqual(places.map(existsSync), [false, false])
  assert.deepEqual(foreign.map(existsSync), [true, true])
  assert.equal((await found(store, '/large')).length, 1)
  assert.deepEqual(folder.lines, [])
})

test('no URL becomes the name of a file', async context => {
  const folder = diskFolder(context)
  const store = await folder.open()
  for (const path of ['/../../../etc/passwd', '/CON', '/a%00b', `/${'ü'.repeat(20_000)}`, '/a?b=/../c', '/.'])
    assert.ok(put(store, headOf(path, 40_000), contentOf(40_000)))
  await store.close()
  const names = readdirSync(folder.path, { recursive: true, encoding: 'utf8' })
  for (const name of names)
    assert.match(
      name,
      /^v1(\/(index\.db|opening\.lock|tidying\.lock|filling|contents(\/[0-9a-f]{2}(\/[0-9a-f]{32})?)?))?$/,
    )
})
