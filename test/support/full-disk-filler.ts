/**
 * A process whose files may not grow: fills a store until it is turned off, then tells what became of it.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DiskStore } from '../../src/cache/disk-store.ts'
import { contentOf, headOf, keyOf, put } from './stored.ts'
import { until } from './wait.ts'

// Else the first write beyond the limit ends the process.
process.on('SIGXFSZ', () => {})

const folder = mkdtempSync(join(tmpdir(), 'sluice-full-'))
const lines: string[] = []
const store = DiskStore.open({ folder, bytesMax: 1e9, space: 'full', warn: line => lines.push(line) })
await store.ready
let number = 0
await until(() => {
  for (let n = 0; n < 50; n++) put(store, headOf(`/${number++}`, 10_000), contentOf(10_000))
  return lines.length > 0
}, 'the store to be turned off')
const refused = store.begin(headOf('/more', 1), 1) === null
const found = (await store.find(keyOf('/0'))).length
await store.close()
rmSync(folder, { recursive: true, force: true })
process.stdout.write(JSON.stringify({ lines, refused, found }))
