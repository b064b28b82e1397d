/**
 * A whole proxied exchange without sockets: all JavaScript of ours between the read of a request and the write
 * of its answer. What the proxy costs beyond this is Node's socket code and the kernel.
 */
import { LIMITS } from '../../src/http1/limits.ts'
import type { Connection, ConnectionUser, OutputMark } from '../../src/net/connection.ts'
import { deadlines } from '../../src/net/deadlines.ts'
import { ClientSession, type SessionContext } from '../../src/server/client-session.ts'
import { noCounters } from '../../src/server/counters.ts'
import { ForwardedWriter } from '../../src/server/forwarded-writer.ts'
import { LISTENER_DEFAULTS } from '../../src/server/options.ts'
import { Group } from '../../src/upstream/group.ts'
import { GROUP_DEFAULTS } from '../../src/upstream/options.ts'
import { UpstreamHandler } from '../../src/upstream/upstream-handler.ts'
import type { Suite } from './harness.ts'
import { BROWSER_REQUEST, RESPONSE_1K, SMALL_REQUEST } from './messages.ts'

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

const upstream = new Drain()
const server = {
  host: '192.0.2.1',
  port: 9000,
  unixPath: '',
  basePath: '',
  label: '192.0.2.1:9000',
  weight: 1,
  priority: 1,
}
const group = new Group(
  { ...GROUP_DEFAULTS, name: 'bench', servers: [server] },
  {
    dial: (_target, done) => {
      queueMicrotask(() => done(null, upstream))
      return { cancel() {} }
    },
  },
)
const context: SessionContext = {
  options: {
    ...LISTENER_DEFAULTS,
    kind: 'proxy',
    address: { kind: 'tcp', host: '127.0.0.1', port: 0 },
    handler: new UpstreamHandler(group),
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

function exchange(request: Buffer): number {
  session.bytes(request)
  upstream.flush()
  upstream.user.bytes(RESPONSE_1K)
  client.flush()
  return client.written
}

// The first exchange makes the upstream connection.
session.bytes(SMALL_REQUEST)
await new Promise(resolve => setImmediate(resolve))
upstream.user.bytes(RESPONSE_1K)

const suite: Suite = {
  title: 'one exchange, answer of 1 KB, no sockets',
  cases: [
    { name: `request of a browser, ${BROWSER_REQUEST.length} bytes`, run: () => exchange(BROWSER_REQUEST) },
    { name: `small request, ${SMALL_REQUEST.length} bytes`, run: () => exchange(SMALL_REQUEST) },
  ],
}

export default suite
