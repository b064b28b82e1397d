/**
 * Requests for so many ranges that the answer would be many times the content (CVE-2011-3192), or would be made of crumbs
 * (RFC 9110 §17.15): what is sent is never much more than the content, and the next request is answered as ever.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lastingCopy } from '../../src/base/lasting.ts'
import { answerFromEntry } from '../../src/cache/answer.ts'
import type { Entry } from '../../src/cache/entry.ts'
import { CACHE_DEFAULTS } from '../../src/cache/options.ts'
import type { Handler } from '../../src/exchange/handler.ts'
import { startProxy } from '../support/proxy.ts'
import { connect } from '../support/raw-client.ts'
import { request } from '../support/requests.ts'
import { entryHead, HIT, NOW_MS } from '../support/stored-answers.ts'

const BYTES = 100_000
const CONTENT = lastingCopy(Buffer.alloc(BYTES, 7))
const ENTRY: Entry = {
  head: entryHead({ contentBytes: BYTES }),
  body: { bytes: BYTES, from: at => CONTENT.subarray(at), close() {} },
}
const HANDLER: Handler = { handle: each => answerFromEntry(each, ENTRY, HIT, NOW_MS, CACHE_DEFAULTS) }

const list = (count: number, spec: (number: number) => string): string =>
  Array.from({ length: count }, (_, number) => spec(number)).join(',')

const FLOODS: Readonly<Record<string, string>> = {
  'all of it, again and again': list(1000, () => '0-'),
  'overlapping a little further each time': list(500, number => `0-${50_000 + number}`),
  'the last bytes, more and more': list(500, number => `-${number + 1}`),
  'single bytes': list(1000, number => `${number * 3}-${number * 3}`),
  'as many single bytes as are taken': list(128, number => `${number * 3}-${number * 3}`),
  'single bytes backwards': list(128, number => `${9000 - number * 3}-${9000 - number * 3}`),
  'nothing, again and again': ','.repeat(3000),
  'numbers without an end': `${'9'.repeat(3000)}-`,
}

for (const [what, ranges] of Object.entries(FLOODS))
  test(`a flood of ranges: ${what}`, async t => {
    const proxy = await startProxy(t, { routes: () => [{ handler: HANDLER }] })
    const client = await connect(t, proxy)
    const flooded = await client.ask(request('/', { fields: `Range: bytes=${ranges}\r\n` }))
    assert.ok([200, 206, 416].includes(flooded.status), `status ${flooded.status}`)
    // 128 ranges with what stands between them are the most that can come on top.
    assert.ok(flooded.body.length <= BYTES + 128 * 200, `${flooded.body.length} bytes came`)
    const next = await client.ask(request('/', { fields: 'Range: bytes=1-2\r\n' }))
    assert.deepEqual([next.status, next.body.length], [206, 2])
  })
