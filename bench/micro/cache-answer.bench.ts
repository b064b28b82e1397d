/**
 * A hit without sockets: all JavaScript of ours between the read of a request and the write of an answer of 1 KB that
 * lies in memory, finding it left out. Beside it the same answer with everything made anew each time.
 */
import { markLasting } from '../../src/base/lasting.ts'
import { answerFromEntry } from '../../src/cache/answer.ts'
import type { CacheOutcome } from '../../src/cache/cache-status.ts'
import type { Entry, EntryHead } from '../../src/cache/entry.ts'
import { CACHE_DEFAULTS } from '../../src/cache/options.ts'
import type { Exchange } from '../../src/exchange/exchange.ts'
import type { Handler } from '../../src/exchange/handler.ts'
import { HeaderList } from '../../src/http/header-list.ts'
import { LIMITS } from '../../src/http1/limits.ts'
import type { Connection, ConnectionUser, OutputMark } from '../../src/net/connection.ts'
import { deadlines } from '../../src/net/deadlines.ts'
import { ClientSession, type SessionContext } from '../../src/server/client-session.ts'
import { noCounters } from '../../src/server/counters.ts'
import { ForwardedWriter } from '../../src/server/forwarded-writer.ts'
import { LISTENER_DEFAULTS } from '../../src/server/options.ts'
import type { Suite } from './harness.ts'
import { SMALL_REQUEST } from './messages.ts'

/** Flattens what is written, as a socket would, and forgets it. */
class Drain implements Connection {
  declare user: ConnectionUser
  readonly congested = false
  readonly closed = false
  readonly unsent = 0
  written = 0
  #text = ''
  readonly #memory = Buffer.alloc(65_536)

  text(text: string): void {
    this.#text += text
  }
  bytes(chunk: Buffer): boolean {
    this.#text += chunk.latin1Slice(0, chunk.length)
    return true
  }
  flush(): void {
    this.written += this.#memory.latin1Write(this.#text, 0)
    this.#text = ''
  }
  mark(): OutputMark {
    return { flushes: 0, length: this.#text.length }
  }
  retract(): boolean {
    return false
  }
  pause(): void {}
  resume(): void {}
  expectBody(): void {}
  keepAlive(): void {}
  end(): void {}
  destroy(): void {}
}

declare global {
  interface Buffer {
    latin1Slice(start: number, end: number): string
    latin1Write(text: string, offset: number): number
  }
}

const FIELDS = [
  ['Server', 'origin'],
  ['Content-Type', 'text/html; charset=utf-8'],
  ['Cache-Control', 'public, max-age=600'],
  ['ETag', '"5f3c-1b2c3d4e5f"'],
  ['Last-Modified', 'Sat, 05 Nov 1994 08:00:00 GMT'],
  ['Vary', 'Accept-Encoding'],
  ['Via', '1.1 sluice'],
  ['Date', 'Sun, 06 Nov 1994 08:49:37 GMT'],
  ['Content-Length', '1024'],
] as const
const RESPONDED_MS = 784_111_777_000
const content = markLasting(Buffer.allocUnsafeSlow(1024).fill('x'))

function storedEntry(number: number): Entry {
  const head: EntryHead = {
    key: `http://shop:80/chairs/${number}`,
    extras: '',
    vary: [],
    status: 200,
    reason: 'OK',
    headers: HeaderList.from(FIELDS),
    requestedMs: RESPONDED_MS,
    respondedMs: RESPONDED_MS,
    policy: {
      lifetimeS: 600,
      lifetimeFrom: 'max-age',
      initialAgeS: 0,
      noCache: false,
      mustRevalidate: false,
      staleWhileRevalidateS: 0,
      staleIfErrorS: 0,
    },
    etag: '"5f3c-1b2c3d4e5f"',
    lastModified: 'Sat, 05 Nov 1994 08:00:00 GMT',
    tags: [],
    contentBytes: content.length,
  }
  return { head, body: { bytes: content.length, from: () => content, close() {} } }
}

const OUTCOME: CacheOutcome = {
  hit: true,
  fwd: null,
  fwdStatus: 0,
  ttlS: 598,
  stored: false,
  collapsed: false,
  key: 'http://shop:80/chairs/1',
  detail: 'fresh',
}

/** A session whose handler answers with what `answer` says. */
function asked(handle: (exchange: Exchange) => void, request: Buffer): () => number {
  const handler: Handler = { handle }
  const context: SessionContext = {
    options: {
      ...LISTENER_DEFAULTS,
      kind: 'proxy',
      address: { kind: 'tcp', host: '127.0.0.1', port: 0 },
      handler,
      limits: LIMITS,
    },
    services: { record: null, warn: () => {} },
    deadlines,
    forwarded: new ForwardedWriter('x-forwarded', []),
    counters: noCounters(),
    draining: false,
    idleStays: false,
    closed: () => {},
  }
  const client = new Drain()
  const session = new ClientSession(client, { address: '192.0.2.9', port: 1, listener: 'bench' }, context)
  return () => {
    session.bytes(request)
    client.flush()
    return client.written
  }
}

const one = storedEntry(1)
const many = Array.from({ length: 100_000 }, (_, number) => storedEntry(number))
let next = 0

/** Another one each time, so that no head is remembered when it is asked for. */
function another(): Entry {
  next = (next + 1) % many.length
  return many[next]
}

const OPTIONS = CACHE_DEFAULTS
/** The second behind the response, so that the Age is 1. */
const NOW_MS = RESPONDED_MS + 1500
const CONDITIONAL = Buffer.from(
  `${SMALL_REQUEST.toString('latin1').slice(0, -2)}If-None-Match: "5f3c-1b2c3d4e5f"\r\n\r\n`,
  'latin1',
)

const suite: Suite = {
  title: 'a hit of 1 KB, no sockets, without finding it',
  cases: [
    {
      name: 'nothing but the request and a fixed text',
      run: asked(exchange => {
        exchange.reply.open({ pause() {}, resume() {}, cancel() {} })
        exchange.reply.head({ status: 204, reason: 'x', version: 11, headers: HeaderList.empty() })
        exchange.reply.end()
      }, SMALL_REQUEST),
    },
    {
      name: 'the same one again',
      run: asked(exchange => answerFromEntry(exchange, one, OUTCOME, NOW_MS, OPTIONS), SMALL_REQUEST),
    },
    {
      name: 'another one each time',
      run: asked(exchange => answerFromEntry(exchange, another(), OUTCOME, NOW_MS, OPTIONS), SMALL_REQUEST),
    },
    {
      name: '304, the same one again',
      run: asked(exchange => answerFromEntry(exchange, one, OUTCOME, NOW_MS, OPTIONS), CONDITIONAL),
    },
  ],
}

export default suite
