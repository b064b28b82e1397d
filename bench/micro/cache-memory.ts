/**
 * What stored responses take: node bench/micro/cache-memory.ts [ENTRIES] [CONTENT-BYTES] [used]
 * Strategy: a process of its own fills a store with as many different responses as asked for, each with a head of its
 * own as the parser would have made it, and reads what the process takes before and after, with the collector run in
 * between. `used`: each is found once, which is when what was packed is taken apart. Then it goes on for a few seconds
 * as a cache under load would, finding and storing, and tells of the pauses for the collector.
 *
 *     1 000 000 entries of 200 bytes (other work on the machine)    as objects    packed
 *     an entry, heap and buffers                                    2 241 bytes    1 122 bytes
 *     of that in the collector's heap                               1 955 bytes      557 bytes
 *     resident memory of the process                                2 552 MB       1 605 MB
 *     the collector told to look through all of it                  1 400 ms     600 to 1 200 ms
 *     its pauses in traffic, at the end of a cycle                    580 ms        44 ms; 271 ms while it replaces
 *     a purge by prefix that looks at all: together, longest turn       588, 23 ms   457, 12 ms
 */
import { PerformanceObserver } from 'node:perf_hooks'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { markLasting } from '../../src/base/lasting.ts'
import type { EntryHead } from '../../src/cache/entry.ts'
import { MemoryStore } from '../../src/cache/memory-store.ts'
import { HeaderList } from '../../src/http/header-list.ts'
import { fieldScan, scanFields } from '../../src/http1/field-scanner.ts'

const count = Number(process.argv[2] ?? 1_000_000)
const contentBytes = Number(process.argv[3] ?? 200)
const used = process.argv[4] === 'used'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

const START_MS = Date.UTC(2026, 10, 20)

/** A head whose fields are marked in a flat text, as the parser leaves them. */
function headAt(n: number): EntryHead {
  const lines = [
    'Date: Fri, 20 Nov 2026 12:00:00 GMT',
    'Content-Type: application/json; charset=utf-8',
    `Cache-Control: public, max-age=${600 + (n % 60)}`,
    `ETag: "${n.toString(16)}-5f3a"`,
    'Last-Modified: Thu, 19 Nov 2026 08:00:00 GMT',
    'Server: origin',
    `Content-Length: ${contentBytes}`,
  ]
  const bytes = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
  scanFields(bytes, 0, bytes.length, 100)
  const headers = new HeaderList(bytes.latin1Slice(0, bytes.length - 2), fieldScan.marks, fieldScan.mask)
  return {
    key: Buffer.from(`http://shop.example:80/items/${n}?page=1`, 'latin1').toString('latin1'),
    extras: '',
    vary: [],
    status: 200,
    reason: 'OK',
    headers,
    requestedMs: START_MS + n,
    respondedMs: START_MS + n + 7,
    policy: {
      lifetimeS: 600 + (n % 60),
      lifetimeFrom: 'max-age',
      initialAgeS: 0.007,
      noCache: false,
      mustRevalidate: false,
      staleWhileRevalidateS: 0,
      staleIfErrorS: 0,
    },
    etag: `"${n.toString(16)}-5f3a"`,
    lastModified: 'Thu, 19 Nov 2026 08:00:00 GMT',
    tags: [],
    contentBytes,
  }
}

const template = Buffer.allocUnsafeSlow(contentBytes).fill(0x61)

function store(into: MemoryStore, n: number): void {
  const head = headAt(n)
  const filling = into.begin(head, contentBytes)
  filling?.write(markLasting(Buffer.from(template.buffer.slice())))
  filling?.commit(head)
}

function taken(): number {
  collect()
  collect()
  const { rss, heapUsed, external } = process.memoryUsage()
  process.stdout.write(`  rss ${mb(rss)}, heap ${mb(heapUsed)}, external ${mb(external)}\n`)
  return heapUsed + external
}

const mb = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(0)} MB`

const pauses: number[] = []
const watcher = new PerformanceObserver(list => {
  for (const { duration } of list.getEntries()) pauses.push(duration)
})

/** The longest pauses of the collector since the last time. */
function told(what: string): void {
  for (const { duration } of watcher.takeRecords()) pauses.push(duration)
  pauses.sort((one, other) => other - one)
  const total = pauses.reduce((sum, each) => sum + each, 0)
  const longest = pauses.slice(0, 5).map(each => each.toFixed(0))
  process.stdout.write(
    `  ${what}: ${pauses.length} pauses, ${total.toFixed(0)} ms together, longest ${longest.join(' ')} ms\n`,
  )
  pauses.length = 0
}

/** Steps of one turn; the longest turn is what a request would have waited. */
async function turns(seconds: number, step: () => void): Promise<void> {
  const endMs = performance.now() + seconds * 1000
  let longestMs = 0
  let steps = 0
  for (let last = performance.now(); last < endMs; ) {
    for (let i = 0; i < 100; i++) step()
    steps += 100
    await new Promise(resolve => setImmediate(resolve))
    const now = performance.now()
    longestMs = Math.max(longestMs, now - last)
    last = now
  }
  process.stdout.write(
    `  ${(steps / seconds / 1000).toFixed(0)} thousand a second, longest turn ${longestMs.toFixed(0)} ms\n`,
  )
}

watcher.observe({ entryTypes: ['gc'] })
const memory = new MemoryStore(64 * 1024 * 1024 * 1024, { variantsMax: 64 })
process.stdout.write(`${count} entries of ${contentBytes} bytes${used ? ', each found once' : ''}\n`)
const before = taken()
for (let n = 0; n < count; n++) {
  store(memory, n)
  if (n % 1000 === 0) await new Promise(resolve => setImmediate(resolve))
}
if (used)
  for (let n = 0; n < count; n++)
    for (const entry of memory.find(`http://shop.example:80/items/${n}?page=1`))
      void (entry.body.from(0) as Buffer).length
told('filling')
const after = taken()
// What the collector was told to do does not count.
await new Promise(resolve => setTimeout(resolve, 100))
watcher.takeRecords()
pauses.length = 0
const { entries, bytes } = memory.stats()
process.stdout.write(
  `  an entry takes ${((after - before) / entries).toFixed(0)} bytes, counted are ${(bytes / entries).toFixed(0)}\n`,
)

let n = 0
await turns(5, () => {
  n = (Math.imul(n, 1_664_525) + 1_013_904_223) >>> 0
  if (memory.find(`http://shop.example:80/items/${n % count}?page=1`).length > 1) throw new Error('twice')
})
told('finding')
await turns(10, () => {
  n = (Math.imul(n, 1_664_525) + 1_013_904_223) >>> 0
  store(memory, n % count)
})
told('replacing')
for (const [what, staleAtMs] of [
  [{ kind: 'prefix', prefix: 'http://other' }, null],
  [{ kind: 'prefix', prefix: 'http://shop.example:80/items/1' }, START_MS],
  [{ kind: 'prefix', prefix: 'http://shop.example:80/items/1' }, null],
] as const) {
  const startedAt = performance.now()
  let longestMs = 0
  let last = startedAt
  let ended = false
  const purged = Promise.resolve(memory.purge(what, staleAtMs)).then(meant => {
    ended = true
    return meant
  })
  while (!ended) {
    const now = performance.now()
    longestMs = Math.max(longestMs, now - last)
    last = now
    await new Promise(resolve => setImmediate(resolve))
  }
  const words = `${staleAtMs === null ? 'remove' : 'make stale'} ${await purged} by prefix`
  process.stdout.write(
    `  ${words}: ${(performance.now() - startedAt).toFixed(0)} ms, longest turn ${longestMs.toFixed(0)} ms\n`,
  )
}
watcher.disconnect()
