/**
 * Another process in the folder of a test: it replaces `/replaced`, removes `/removed`, stores `/fresh` and ends.
 */
import { DiskStore } from '../../src/cache/disk-store.ts'
import { contentOf, headOf, keyOf, put } from './stored.ts'

const warn = (line: string): void => void process.stderr.write(`${line}\n`)
const store = DiskStore.open({ folder: process.argv[2], bytesMax: 1e9, space: 'test', warn })
await store.ready
put(store, headOf('/replaced', 5), Buffer.from('newer'))
put(store, headOf('/fresh', 100_000), contentOf(100_000))
for (const entry of await store.find(keyOf('/removed'))) {
  store.remove(entry)
  entry.body.close()
}
await store.close()
