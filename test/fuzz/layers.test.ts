/**
 * Clients, layers and servers that do anything, all at once. Whatever happens: answers belong to the requests they came
 * for and stay in their order, and after a silence nothing is left open, busy or waiting.
 */
import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import type { ProxyError } from '../../src/base/errors.ts'
import type { Layer } from '../../src/exchange/handler.ts'
import { bodyLimitLayer } from '../../src/layers/body-limit.ts'
import { corsLayer } from '../../src/layers/cors.ts'
import { errorPagesLayer } from '../../src/layers/error-pages.ts'
import { headersLayer } from '../../src/layers/headers.ts'
import { onBug } from '../../src/net/bugs.ts'
import { LISTENER_DEFAULTS } from '../../src/server/options.ts'
import {
  type Condition,
  GROUP_DEFAULTS,
  type GroupOptions,
  HEALTH_DEFAULTS,
  STICKY_DEFAULTS,
} from '../../src/upstream/options.ts'
import { type Peer, Playbook, serverAddress } from '../support/playbook.ts'
import { Random } from './random.ts'

const ROUNDS = 1_000
const FIRST_SEED = Number(process.env['SEED'] ?? 20_261_121)
const TIMEOUTS = { headTimeoutMs: 3_000, bodyTimeoutMs: 1_500, idleTimeoutMs: 2_000, lingerTimeoutMs: 500 }
/** Longer than every limit, one after the other. */
const SILENCE_MS = 60_000

/** Goes on later, as one that asks somebody first. */
const later: Layer = next => ({
  handle(exchange) {
    const goOn = (): void => {
      exchange.serving = null
      try {
        next.handle(exchange)
      } catch (error) {
        exchange.reply.fail(error as ProxyError)
      }
    }
    const timer = setTimeout(once(goOn), 120)
    exchange.serving = { cancel: () => clearTimeout(timer) }
  },
})

/** The mocked timers call twice what sets an immediate. */
function once(call: () => void): () => void {
  let called = false
  return () => {
    if (!called) {
      called = true
      call()
    }
  }
}

const text = (body: string) => ({ body, contentType: 'text/plain' })
const LAYERS: readonly Layer[] = [
  later,
  errorPagesLayer({ '4xx': text('no') }),
  errorPagesLayer({ '4xx': text('no'), '5xx': text('sorry '.repeat(30_000)) }),
  corsLayer({ origins: ['https://a.example'] }),
  headersLayer({ request: { set: { a: '{path}' } }, response: { set: { b: '{status}' } } }),
  bodyLimitLayer({ bodyBytesMax: 200 }),
]

const chunks = (count: number): string => `${'4\r\nbody\r\n'.repeat(count)}0\r\n\r\n`

function requestOf(random: Random, id: number): string {
  const head = (method: string, fields: string): string =>
    `${method} /${id} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`
  return random.of([
    head('GET', ''),
    head('GET', ''),
    head('HEAD', ''),
    `${head('PUT', 'Content-Length: 8\r\n')}bodybody`,
    `${head('PUT', 'Content-Length: 100000\r\n')}${'b'.repeat(300)}`,
    `${head('PUT', 'Expect: 100-continue\r\nContent-Length: 300\r\n')}${'b'.repeat(300)}`,
    `${head('POST', 'Transfer-Encoding: chunked\r\n')}${chunks(2)}`,
    `${head('PUT', 'Transfer-Encoding: chunked\r\n')}${chunks(60)}`,
    head('GET', 'Connection: Upgrade\r\nUpgrade: websocket\r\n'),
  ])
}

function groupOf(random: Random): GroupOptions {
  const on: Condition[] = ['connect', 'reset', 'timeout', 502, 503]
  return {
    ...GROUP_DEFAULTS,
    name: 'fuzz',
    servers: Array.from({ length: 1 + random.below(3) }, (_, i) => serverAddress(i + 1)),
    retry: {
      attempts: 1 + random.below(4),
      again: random.once(2),
      on: new Set(on.filter(() => !random.once(4))),
      methods: random.once(3) ? 'all' : 'idempotent',
      tryTimeoutMs: random.once(2) ? 300 : null,
    },
    headTimeoutMs: 1_000,
    bodyTimeoutMs: 2_000,
    tunnelTimeoutMs: 5_000,
    connectionsMax: random.once(2) ? 1 : 3,
    queueMax: 2,
    queueTimeoutMs: 700,
    health: { ...HEALTH_DEFAULTS, failures: random.below(3), outForMs: 500 },
    slowStartMs: random.once(3) ? 400 : 0,
    balance: random.of(['round-robin', 'least-busy', 'hash-client', { sticky: STICKY_DEFAULTS }]),
  }
}

function playbookOf(random: Random): Playbook {
  const group = groupOf(random)
  return new Playbook({
    group,
    layers: Array.from({ length: random.below(4) }, () => random.of(LAYERS)),
    rules: { timeouts: group, retry: group.retry, totalTimeoutMs: random.once(3) ? 1_200 : null },
    listener: {
      halfClose: random.once(3) ? 'serve' : 'cancel',
      readAheadBytesMax: 300,
      timeouts: { ...LISTENER_DEFAULTS.timeouts, ...TIMEOUTS },
    },
  })
}

class Client {
  readonly peer: Peer
  readonly asked = new Set<number>()
  got = ''

  constructor(book: Playbook) {
    this.peer = book.connects()
  }

  acts(random: Random, book: Playbook, id: number): void {
    const { peer } = this
    const deed = random.below(12)
    if (deed < 4) {
      this.asked.add(id)
      const request = requestOf(random, id)
      const cut = random.once(3) ? random.below(request.length) : request.length
      peer.sends(request.slice(0, cut))
      if (cut === request.length) return
      book.passes(random.below(3) * 100)
      if (!random.once(3)) peer.sends(request.slice(cut))
    } else if (deed === 4 && random.once(3)) peer.leaves()
    else if (deed === 5 && random.once(3)) peer.ends()
    else if (deed === 6 && random.once(2)) peer.stopsReading()
    else if (deed === 6) peer.readsAgain()
    else if (deed === 7) peer.sends('\x81\x82abcdhi')
  }

  /** Answers of servers, each with the number of its request. */
  check(): void {
    this.got += this.peer.takes()
    assert.ok(this.peer.connection.closed, `a client's connection is left open: ${this.got.slice(0, 500)}`)
    const answered = [...this.got.matchAll(/^X-Id: (\d+)\r$/gm)].map(match => Number(match[1]))
    assert.deepEqual(
      answered,
      answered.toSorted((one, other) => one - other),
      'in their order',
    )
    for (const id of answered) assert.ok(this.asked.has(id), 'of this client')
  }
}

class Server {
  readonly peer: Peer
  #id = ''

  constructor(peer: Peer) {
    this.peer = peer
  }

  looks(random: Random): void {
    const request = [...this.peer.takes().matchAll(/^[A-Z]+ \/(\d+) /gm)].at(-1)
    if (request !== undefined) this.#id = request[1]
    if (request !== undefined || random.once(3)) this.#acts(random)
  }

  #acts(random: Random): void {
    const { peer } = this
    const deed = random.below(16)
    const head = (fields: string): string =>
      `HTTP/1.1 ${random.of([200, 404, 500, 503, 502, 413, 401])} X\r\nX-Id: ${this.#id}\r\n${fields}\r\n`
    if (deed < 4) peer.sends(`${head('Content-Length: 2\r\n')}hi`)
    else if (deed === 4) peer.sends(`${head('Content-Length: 4\r\n')}hi`)
    else if (deed === 5) peer.sends('hi')
    else if (deed === 6) peer.sends(head('Transfer-Encoding: chunked\r\n') + chunks(1))
    else if (deed === 7) peer.sends(`${head('Transfer-Encoding: chunked\r\n')}2\r\nhi\r\n`)
    else if (deed === 8) peer.sends('0\r\n\r\n')
    else if (deed === 9) peer.leaves()
    else if (deed === 10) peer.ends()
    else if (deed === 11) peer.sends('HTTP/1.1 100 Continue\r\n\r\n')
    else if (deed === 12) peer.sends('HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
    else if (deed === 13) peer.sends(`${head('')}until the end`)
    else if (deed === 14 && random.once(2)) peer.stopsReading()
    else if (deed === 14) peer.readsAgain()
    else peer.sends(head('Content-Length: 100000\r\n') + 'z'.repeat(random.below(100_001)))
  }
}

function plays(book: Playbook, random: Random): void {
  const clients: Client[] = []
  const servers: Server[] = []
  const steps = 10 + random.below(40)
  for (let step = 1; step <= steps; step++) {
    if (clients.length === 0 || random.once(6)) clients.push(new Client(book))
    random.of(clients).acts(random, book, step)
    if (book.servers.asked.length > 0) {
      if (random.once(4)) book.servers.refuses()
      else if (!random.once(4)) servers.push(new Server(book.servers.accepts()))
    }
    for (const server of servers) server.looks(random)
    if (random.once(2)) book.passes(random.below(12) * 50)
  }
  for (const { peer } of [...clients, ...servers]) if (!peer.connection.closed) peer.readsAgain()
  for (let passedMs = 0; passedMs < SILENCE_MS; passedMs += 1_000) {
    while (book.servers.asked.length > 0) book.servers.refuses()
    book.passes(1_000)
  }
  for (const client of clients) client.check()
  for (const { peer } of servers) peer.takes()
}

test(`${ROUNDS} playbooks in which everybody does anything`, () => {
  const bugs: unknown[] = []
  onBug(error => bugs.push(error))
  for (let seed = FIRST_SEED; seed < FIRST_SEED + ROUNDS; seed++) {
    const random = new Random(seed)
    const book = playbookOf(random)
    try {
      plays(book, random)
      for (const { busy, openConnections } of book.group.endpoints)
        assert.deepEqual({ busy, openConnections }, { busy: 0, openConnections: 0 })
      book.endsClean()
      assert.deepEqual(bugs, [])
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error })
    } finally {
      mock.timers.reset()
    }
  }
})
