/**
 * Conversations without sockets: real sessions between a client and upstream servers that a test plays.
 * Strategy: every line of a test is one thing that happens (somebody sends, closes, time passes) or one thing
 * that is expected, in the order of the conversation. After each the program runs until it rests; timers and the
 * event loop's turns are mocked, so nothing waits and nothing is left to chance.
 *
 *     conversation('a GET is passed on', {}, ({ client, servers }) => {
 *       client.sends('GET / HTTP/1.1', 'Host: shop', '', '')      // lines are joined with CR LF
 *       const server = servers.accepts()
 *       server.gets('GET / HTTP/1.1', 'Host: shop', VIA, '', '')  // exactly this, and nothing since the last look
 *       …
 */
import assert from 'node:assert/strict'
import test, { mock } from 'node:test'
import type { Clock } from '../../src/base/clock.ts'
import { ERRORS, type ErrorCode, ProxyError } from '../../src/base/errors.ts'
import { type Handler, type Layer, stack } from '../../src/exchange/handler.ts'
import type { ExchangeRecord } from '../../src/exchange/observer.ts'
import { LIMITS } from '../../src/http1/limits.ts'
import { type Deadline, Deadlines } from '../../src/net/deadlines.ts'
import type { Dial, DialDone, DialTarget } from '../../src/net/dial.ts'
import { ClientSession, type SessionContext } from '../../src/server/client-session.ts'
import { noCounters } from '../../src/server/counters.ts'
import { ForwardedWriter } from '../../src/server/forwarded-writer.ts'
import { LISTENER_DEFAULTS, type ListenerOptions } from '../../src/server/options.ts'
import { Group } from '../../src/upstream/group.ts'
import { GROUP_DEFAULTS, type GroupOptions, type ServerAddress } from '../../src/upstream/options.ts'
import { type AttemptRules, UpstreamHandler } from '../../src/upstream/upstream-handler.ts'
import { FakeConnection } from './fake-connection.ts'

/** What the proxy adds to heads that pass through it. */
export const VIA = 'Via: 1.1 sluice'
/** The clock of every playbook stands here on the wall. */
const WALL_MS = 784_111_777_000
export const DATE = 'Date: Sun, 06 Nov 1994 08:49:37 GMT'

const STEP_MS = 50

export interface PlaybookOptions {
  /** Changes to the options of the upstream group; forwarding lines are off unless the listener says otherwise. */
  readonly group?: Partial<GroupOptions>
  /** What the route says otherwise than the group. */
  readonly rules?: Partial<AttemptRules>
  readonly listener?: Partial<ListenerOptions>
  /** Address of the client. */
  readonly from?: string
  /** In front of the upstream group. */
  readonly layers?: readonly Layer[]
  /** In the place of the upstream group. */
  readonly handler?: Handler
}

/** A server at `10.0.0.N:8000`, so that its name needs no resolver. */
export function serverAddress(number: number, changes: Partial<ServerAddress> = {}): ServerAddress {
  const host = `10.0.0.${number}`
  const label = `${host}:8000`
  return { host, port: 8000, unixPath: '', basePath: '', label, weight: 1, priority: 1, ...changes }
}

class FakeClock implements Clock {
  // Not 0: nothing may take the first moment for «never».
  coarseMs = 1_000_000
  refresh(): void {}
  preciseMs(): number {
    return this.coarseMs
  }
  wallMs(): number {
    return WALL_MS
  }
}

/** Deadlines that tell how many are left: a connection that is over must not leave one behind. */
class CountedDeadlines extends Deadlines {
  readonly entries = new Set<Deadline>()

  override add(entry: Deadline): void {
    this.entries.add(entry)
    super.add(entry)
  }

  override remove(entry: Deadline): void {
    this.entries.delete(entry)
    super.remove(entry)
  }
}

export class Playbook {
  readonly clock = new FakeClock()
  readonly deadlines = new CountedDeadlines(this.clock)
  readonly servers: Servers
  readonly group: Group
  readonly context: SessionContext
  readonly records: ExchangeRecord[] = []
  /** What the group says of the health of its servers. */
  readonly warnings: string[] = []
  /** Of all clients that connected, in order. */
  readonly sessions: ClientSession[] = []
  #connections: FakeConnection[] = []
  #openSessions = 0
  #together = false
  #from: string

  constructor(options: PlaybookOptions = {}) {
    mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'setImmediate'] })
    this.servers = new Servers(this)
    this.#from = options.from ?? '192.0.2.7'
    const group = { ...GROUP_DEFAULTS, name: 'shop', servers: [serverAddress(1)], ...options.group }
    this.group = new Group(group, { dial: this.servers.dial, deadlines: this.deadlines })
    this.group.start(line => this.warnings.push(line))
    const listener: ListenerOptions = {
      ...LISTENER_DEFAULTS,
      address: { kind: 'tcp', host: '127.0.0.1', port: 0 },
      kind: 'proxy',
      handler: options.handler ?? stack(options.layers ?? [], new UpstreamHandler(this.group, options.rules)),
      limits: LIMITS,
      forwarded: 'none',
      ...options.listener,
    }
    this.context = {
      options: listener,
      services: { record: record => this.records.push(record), warn: () => {} },
      deadlines: this.deadlines,
      forwarded: new ForwardedWriter(listener.forwarded, listener.trust),
      counters: noCounters(),
      draining: false,
      idleStays: false,
      closed: () => {
        this.#openSessions--
      },
    }
  }

  /** A client connects. */
  connects(): Peer {
    const connection = this.newConnection()
    const client = { address: this.#from, port: 40_000, listener: '127.0.0.1:8080' }
    this.#openSessions++
    this.sessions.push(new ClientSession(connection, client, this.context))
    return new Peer(this, connection)
  }

  /** Time goes by, in steps as fine as the program's own. */
  passes(durationMs: number): void {
    for (let left = durationMs; left > 0; left -= STEP_MS) {
      const step = Math.min(STEP_MS, left)
      this.clock.coarseMs += step
      mock.timers.tick(step)
      this.settle()
    }
  }

  /** What `happens` does falls into one turn of the event loop: text waits, timers do not run. */
  together(happens: () => void): void {
    this.#together = true
    happens()
    this.#together = false
    this.settle()
  }

  /** Runs until nothing moves any more. */
  settle(): void {
    if (this.#together) return
    for (let turns = 0; ; turns++) {
      assert.ok(turns < 10_000, 'the program comes to rest')
      mock.timers.tick(0)
      let moved = false
      for (const connection of this.#connections) if (connection.settle()) moved = true
      if (!moved) return
    }
  }

  /** Nothing was sent to a peer that the test has not looked at. */
  endsSaid(): void {
    for (const connection of this.#connections) assert.equal(connection.take(), '', 'sent and not expected')
  }

  /** The client is gone and the group closed: nothing may be left open or waiting. */
  endsClean(): void {
    for (const connection of this.#connections) connection.break(null)
    this.settle()
    this.group.close()
    assert.equal(this.#openSessions, 0, 'client sessions left')
    assert.equal(this.deadlines.entries.size, 0, 'deadlines left')
    for (const { busy, queued, openConnections, idleConnections } of this.group.endpoints)
      assert.deepEqual(
        { busy, queued, openConnections, idleConnections },
        { busy: 0, queued: 0, openConnections: 0, idleConnections: 0 },
      )
  }

  newConnection(): FakeConnection {
    const connection = new FakeConnection()
    this.#connections.push(connection)
    return connection
  }
}

/** The servers' side: connections that the program wants to open. */
export class Servers {
  #playbook: Playbook
  #dialled: { target: DialTarget; done: DialDone; over: boolean }[] = []

  constructor(playbook: Playbook) {
    this.#playbook = playbook
  }

  readonly dial: Dial = (target, done) => {
    const attempt = { target, done, over: false }
    this.#dialled.push(attempt)
    return {
      cancel: () => {
        attempt.over = true
      },
    }
  }

  /** Connections asked for and neither given, refused nor cancelled, oldest first: `10.0.0.1:8000`, `/run/x`. */
  get asked(): string[] {
    return this.#pending().map(({ target }) =>
      'path' in target ? target.path : `${target.host}:${target.port}`,
    )
  }

  /** The oldest attempt succeeds. */
  accepts(): Peer {
    const attempt = this.#next()
    const connection = this.#playbook.newConnection()
    attempt.done(null, connection)
    this.#playbook.settle()
    return new Peer(this.#playbook, connection)
  }

  /** The oldest attempt fails. */
  refuses(code: ErrorCode = 'connect_refused'): void {
    this.#next().done(new ProxyError(code, 'ECONNREFUSED.'), null)
    this.#playbook.settle()
  }

  #pending() {
    return this.#dialled.filter(attempt => !attempt.over)
  }

  #next() {
    const attempt = this.#pending()[0]
    assert.ok(attempt !== undefined, 'a connection to a server is asked for')
    attempt.over = true
    return attempt
  }
}

/** The far end of one connection: a client, or a server that was connected to. */
export class Peer {
  readonly connection: FakeConnection
  #playbook: Playbook

  constructor(playbook: Playbook, connection: FakeConnection) {
    this.#playbook = playbook
    this.connection = connection
  }

  // What it does.

  /** Lines, joined with CR LF, arrive in one piece: a head ends in `'', ''` or in `'', body`. */
  sends(...lines: readonly string[]): void {
    this.connection.arrive(Buffer.from(lines.join('\r\n'), 'latin1'))
    this.#playbook.settle()
  }

  /** The same, a byte at a time. */
  sendsSlowly(...lines: readonly string[]): void {
    for (const char of lines.join('\r\n')) this.sends(char)
  }

  /** It has sent its last byte, and goes on reading. */
  ends(): void {
    this.connection.arriveEnd()
    this.#playbook.settle()
  }

  /** It is gone for good. */
  leaves(code: string | null = 'ECONNRESET'): void {
    this.connection.break(code)
    this.#playbook.settle()
  }

  /** It stops reading: what is written to it waits from now on. */
  stopsReading(): void {
    this.connection.congested = true
  }

  readsAgain(): void {
    this.connection.drain()
    this.#playbook.settle()
  }

  // What it sees.

  /** Exactly these lines have come since the last look. */
  gets(...lines: readonly string[]): void {
    assert.deepEqual(this.connection.take().split('\r\n'), lines.join('\r\n').split('\r\n'))
  }

  getsNothing(): void {
    assert.equal(this.connection.take(), '')
  }

  /**
   * An answer of the proxy's own, with the status of this code; `Connection: close` where the connection ends.
   * `before`: what may have come in front of it.
   */
  getsError(code: ErrorCode, before = /^/): void {
    const [head, body] = this.connection.take().replace(before, '').split('\r\n\r\n')
    assert.match(body ?? head, new RegExp(`^sluice: ${code}$`, 'm'))
    assert.match(head, new RegExp(`^HTTP/1.1 ${ERRORS[code].status} `))
    assert.match(head, new RegExp(`^Content-Length: ${body.length}$`, 'm'))
    assert.equal(/^Connection: close$/m.test(head), this.connection.ended, 'close is said and done')
  }

  /** What has come since the last look, for expectations that are not a whole text. */
  takes(): string {
    return this.connection.take()
  }

  /** The connection is open both ways. */
  isConnected(): void {
    assert.deepEqual(this.#state(), { ended: false, closed: false, reset: false })
  }

  /** The proxy has sent its last byte in order. It may still be reading. */
  isEnded(): void {
    assert.equal(this.connection.ended, true, 'ended in order')
    assert.equal(this.connection.reset, false, 'not broken')
  }

  /** The proxy has let go of the connection. `reset`: visibly broken. */
  isGone(how: 'closed' | 'reset' = 'closed'): void {
    assert.equal(this.connection.closed, true, 'closed')
    assert.equal(this.connection.reset, how === 'reset', 'broken')
  }

  /** The proxy does not read: what this end sends waits in the kernel. */
  isHeldBack(): void {
    assert.equal(this.connection.paused, true, 'not read')
  }

  isRead(): void {
    assert.equal(this.connection.paused, false, 'read')
  }

  #state() {
    const { ended, closed, reset } = this.connection
    return { ended, closed, reset }
  }
}

/** A playbook with one client connected. */
export interface Cast {
  readonly book: Playbook
  readonly client: Peer
  readonly servers: Servers
}

/**
 * A test that is one conversation. At its end every byte that was sent must have been looked at, and when all
 * peers are gone nothing may be left open, busy or waiting.
 */
export function conversation(name: string, options: PlaybookOptions, play: (cast: Cast) => void): void {
  test(name, () => {
    const book = new Playbook(options)
    try {
      play({ book, client: book.connects(), servers: book.servers })
      book.endsSaid()
      book.endsClean()
    } finally {
      mock.timers.reset()
    }
  })
}

export const GET = ['GET / HTTP/1.1', 'Host: shop', '', ''] as const
/** What a server gets of it. */
export const GET_PASSED = ['GET / HTTP/1.1', 'Host: shop', VIA, '', ''] as const
export const OK = ['HTTP/1.1 200 OK', 'Content-Length: 2', '', 'hi'] as const
/** What a client gets of it. */
export const OK_PASSED = ['HTTP/1.1 200 OK', 'Content-Length: 2', VIA, DATE, '', 'hi'] as const

/** One exchange, so that the server's connection is a kept one. */
export function warmsUp({ client, servers }: Cast): Peer {
  client.sends(...GET)
  const server = servers.accepts()
  server.gets(...GET_PASSED)
  server.sends(...OK)
  client.gets(...OK_PASSED)
  return server
}
