/**
 * What a hit on disk costs where requests are served: 1 KB out of a row, 16 KB and 64 KB out of files, beside the
 * least that a plain file costs (open, read, close). What was compared before: bench/README.md.
 *
 * Strategy: 2 000 responses of each size in a temporary folder, asked for in a scattered order; all of it lies in the
 * memory of the system, as what is asked for often does.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { markLasting } from '../../src/base/lasting.ts'
import { DiskStore } from '../../src/cache/disk-store.ts'
import type { Entry, EntryHead } from '../../src/cache/entry.ts'
import { HeaderList } from '../../src/http/header-list.ts'
import type { Suite } from './harness.ts'

const COUNT = 2_000
const SIZES = [1_024, 16_384, 65_536]

const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))

const keyOf = (bytes: number, number: number): string =>
  `http://shop.example:80/items/${bytes}/${number}?page=1`

const headOf = (bytes: number, number: number): EntryHead => ({
  key: keyOf(bytes, number),
  extras: '',
  vary: [],
  status: 200,
  reason: 'OK',
  headers: HeaderList.from([
    ['Content-Type', 'text/html'],
    ['Cache-Control', 'max-age=600'],
    ['Date', 'Fri, 20 Nov 2026 12:00:00 GMT'],
    ['ETag', '"1"'],
    ['Content-Length', String(bytes)],
  ]),
  requestedMs: 0,
  respondedMs: 0,
  policy: {
    lifetimeS: 600,
    lifetimeFrom: 'max-age',
    initialAgeS: 0,
    noCache: false,
    mustRevalidate: false,
    staleWhileRevalidateS: 0,
    staleIfErrorS: 0,
  },
  etag: '"1"',
  lastModified: '',
  tags: [],
  contentBytes: bytes,
})

const warn = (line: string): void => void process.stderr.write(`${line}\n`)
const store = DiskStore.open({ folder, bytesMax: 1e9, space: 'bench', warn })
await store.ready
for (const bytes of SIZES) {
  const content = markLasting(Buffer.allocUnsafeSlow(bytes).fill(bytes))
  for (let number = 0; number < COUNT; number++) {
    const head = headOf(bytes, number)
    const filling = store.begin(head, bytes)
    filling?.write(content)
    filling?.commit(head)?.body.close()
    if (number % 100 === 0) await store.settled()
  }
}
await store.settled()
for (let number = 0; number < COUNT; number++) writeFileSync(join(folder, `${number}`), Buffer.alloc(1_024))

let turn = 0
const next = (): number => (turn = (turn + 1_237) % COUNT)

const hit = (bytes: number) => (): unknown => {
  const [entry] = store.find(keyOf(bytes, next())) as readonly Entry[]
  const content = entry.body.from(0)
  entry.body.close()
  return content
}

const suite: Suite = {
  title: 'a hit on disk',
  cases: [
    { name: 'a plain file of 1 KB', run: () => readFileSync(join(folder, `${next()}`)) },
    { name: 'nothing stored', run: () => store.find(keyOf(1, next())) },
    ...SIZES.map(bytes => ({ name: `${bytes / 1_024} KB: found, read, checked`, run: hit(bytes) })),
  ],
}

export default suite
