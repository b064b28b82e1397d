/**
 * A miss without sockets: what the cache adds to an answer of 1 KB that comes in one piece, is stored and goes on. Each
 * has another URL, so the store is full and evicts. Beside it the same answer without a cache.
 */
import { systemClock } from '../../src/base/clock.ts'
import { Cache } from '../../src/cache/cache.ts'
import { MemoryStore } from '../../src/cache/memory-store.ts'
import { CACHE_DEFAULTS } from '../../src/cache/options.ts'
import { EMPTY_BODY } from '../../src/exchange/empty-body.ts'
import type { Exchange, Reply } from '../../src/exchange/exchange.ts'
import type { Handler } from '../../src/exchange/handler.ts'
import { parseRequestHead, parseResponseHead } from '../../src/http1/head-parser.ts'
import { LIMITS } from '../../src/http1/limits.ts'
import type { Suite } from './harness.ts'

const ANSWER = Buffer.from(
  [
    'HTTP/1.1 200 OK',
    'Server: nginx/1.22.1',
    'Date: Fri, 20 Nov 2026 16:39:57 GMT',
    'Content-Type: text/plain',
    'Content-Length: 1024',
    'Connection: keep-alive',
    'Cache-Control: max-age=3600',
    'ETag: "5f3a"',
    '',
    '',
  ].join('\r\n'),
)
const CONTENT = Buffer.alloc(1024, 'x')
const SOURCE = { pause() {}, resume() {}, cancel() {} }

const origin: Handler = {
  handle({ reply }) {
    const head = parseResponseHead(ANSWER, 0, ANSWER.length, LIMITS)
    if (head === null) throw new Error('half a head')
    reply.open(SOURCE)
    reply.head(head)
    reply.data(CONTENT)
    reply.end()
  },
}

let taken = 0
const client: Reply = {
  open() {},
  early() {},
  head() {},
  data(chunk) {
    taken += chunk.length
    return true
  },
  trailers() {},
  end() {},
  fail(error) {
    throw error
  },
}

const open = ({ memoryBytes, variantsMax }: { memoryBytes: number; variantsMax: number }) =>
  new MemoryStore(memoryBytes, { variantsMax })
const cache = new Cache(CACHE_DEFAULTS, 'bench', open, systemClock)
cache.start({ workers: 1, warn() {}, removed() {} })
const cached = cache.layer(origin)

let count = 0

function ask(handler: Handler): number {
  const raw = Buffer.from(`GET /item/${count++} HTTP/1.1\r\nHost: shop.example\r\n\r\n`)
  const request = parseRequestHead(raw, 0, raw.length, LIMITS)
  if (request === null) throw new Error('half a head')
  const exchange = {
    ...{ id: count, clientAddress: '', request, host: 'shop.example', hostPort: '', upgrade: '' },
    ...{ originTarget: request.target, body: EMPTY_BODY, reply: client, notes: { startedAtMs: 0 } },
    ...{ cancelled: false, serving: null, forwardedLines: '' },
  }
  handler.handle(exchange as unknown as Exchange)
  return taken
}

const suite: Suite = {
  title: 'a miss of 1 KB',
  cases: [
    { name: 'passed on', run: () => ask(origin) },
    { name: 'stored', run: () => ask(cached) },
  ],
}

export default suite
