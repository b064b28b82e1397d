/**
 * What the store in memory takes for one request: 20 000 entries of 200 bytes, keys in an order that no cache of the
 * processor foresees. What a million take, and what the collector makes of them: cache-memory.ts.
 *
 *     ns, best round (the machine was not quiet)
 *     found                                 280
 *     found, and unpacked for it            7 400
 *     not found                             170
 *     stored, with another put out         1 500
 */
import { markLasting } from '../../src/base/lasting.ts'
import type { EntryHead } from '../../src/cache/entry.ts'
import { MemoryStore } from '../../src/cache/memory-store.ts'
import type { Policy } from '../../src/cache/policy.ts'
import { HeaderList } from '../../src/http/header-list.ts'
import type { Suite } from './harness.ts'

const COUNT = 20_000
const KEYS = Array.from({ length: COUNT }, (_, n) => `http://shop.example:80/items/${n}?page=1`)
const OTHERS = KEYS.map(key => `${key}0`)

const headers = HeaderList.from([
  ['Date', 'Fri, 20 Nov 2026 12:00:00 GMT'],
  ['Content-Type', 'application/json; charset=utf-8'],
  ['Cache-Control', 'public, max-age=600'],
  ['ETag', '"5f3a"'],
  ['Content-Length', '200'],
])

const policy: Policy = {
  lifetimeS: 600,
  lifetimeFrom: 'max-age',
  initialAgeS: 0,
  noCache: false,
  mustRevalidate: false,
  staleWhileRevalidateS: 0,
  staleIfErrorS: 0,
}

const headOf = (key: string): EntryHead => ({
  ...{
    key,
    extras: '',
    vary: [],
    status: 200,
    reason: 'OK',
    headers,
    requestedMs: 0,
    respondedMs: 7,
    policy,
  },
  ...{ etag: '"5f3a"', lastModified: '', tags: [], contentBytes: 200 },
})

const content = markLasting(Buffer.allocUnsafeSlow(200).fill(0x61))

function put(store: MemoryStore, key: string): void {
  const head = headOf(key)
  const filling = store.begin(head, content.length)
  filling?.write(content)
  filling?.commit(head)
}

function filled(bytesMax: number, unpackedMax?: number): MemoryStore {
  const store = new MemoryStore(bytesMax, {
    variantsMax: 64,
    ...(unpackedMax === undefined ? {} : { unpackedMax }),
  })
  for (const key of KEYS) put(store, key)
  return store
}

let turn = 0
const next = (): number => {
  turn = (turn + 7_919) % COUNT
  return turn
}

const ready = filled(1024 ** 3)
const packed = filled(1024 ** 3, 1_000)
const full = filled(8 * 1024 ** 2)

const suite: Suite = {
  title: 'store in memory',
  cases: [
    { name: 'found', run: () => ready.find(KEYS[next()]) },
    { name: 'found, and unpacked for it', run: () => packed.find(KEYS[next()])[0].head },
    { name: 'not found', run: () => ready.find(OTHERS[next()]) },
    { name: 'stored, with another put out', run: () => put(full, KEYS[next()]) },
  ],
}

export default suite
