/**
 * A process that fills, replaces, updates and purges in a folder until it is killed; see disk-crash.ts.
 * Strategy: it is started early and waits for its orders, so that the time between its first write and its death is
 * all that a round takes. What it stores tells by its ETag what it has to be.
 */
import { flushCompileCache } from 'node:module'
import { DiskStore } from '../../src/cache/disk-store.ts'
import { Random } from '../fuzz/random.ts'
import { CRASH_KEYS, crashContent, crashHead, type FillerOrders, type FillerWords } from './disk-crash.ts'
import { keyOf, lastingCopy } from './stored.ts'

const say = (words: FillerWords): void => void process.send?.(words)

process.once('message', (orders: FillerOrders) => void fill(orders))
process.on('disconnect', () => process.exit())
say({ say: 'ready' })

async function fill({ folder, seed, bytesMax }: FillerOrders): Promise<never> {
  const random = new Random(seed)
  const store = DiskStore.open({ folder, bytesMax, space: 'crash', warn: line => say({ say: 'line', line }) })
  await store.ready
  // For those who come after.
  flushCompileCache()
  say({ say: 'open' })
  for (let turn = 1; ; turn++) {
    const number = random.below(CRASH_KEYS)
    const key = keyOf(`/${number}`)
    if (random.once(40)) {
      await store.purge({ kind: 'key', key }, null)
      say({ say: 'purged', number, seed, turn })
    } else if (random.once(10))
      for (const entry of await store.find(key)) {
        if (random.once(2)) store.remove(entry)
        else store.update(entry, { ...entry.head, lastModified: `turn ${turn}` })
        entry.body.close()
      }
    else await put(store, random, number, seed, turn)
    await new Promise(done => setImmediate(done))
  }
}

async function put(
  store: DiskStore,
  random: Random,
  number: number,
  seed: number,
  turn: number,
): Promise<void> {
  const content = crashContent(number, seed, turn)
  const head = crashHead(number, seed, turn, content.length)
  const filling = store.begin(head, random.once(2) ? -1 : content.length)
  if (filling === null) return
  for (let at = 0; at < content.length; at += 16_384) {
    if (!filling.write(lastingCopy(content.subarray(at, at + 16_384)))) return filling.abort()
    if (random.once(4)) await new Promise(done => setImmediate(done))
  }
  if (random.once(20)) filling.abort()
  else filling.commit(head)?.body.close()
}
