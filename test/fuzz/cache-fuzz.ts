/**
 * Random traffic through a real cache: clients, sessions, the layer, an origin that does what it likes, a clock that is
 * moved by hand. Every answer goes to the judge (cache-judge.ts).
 * Strategy: a step is one thing that somebody does. What each did is kept as the world, with its step; the judge knows
 * nothing else. At the end everything that was begun is finished, and everybody must have got an answer.
 */
import assert from 'node:assert/strict'
import { mock } from 'node:test'
import type { Clock } from '../../src/base/clock.ts'
import { Cache } from '../../src/cache/cache.ts'
import { MemoryStore } from '../../src/cache/memory-store.ts'
import { CACHE_DEFAULTS, type CacheOptions } from '../../src/cache/options.ts'
import type { Store } from '../../src/cache/store.ts'
import { GROUP_DEFAULTS } from '../../src/upstream/options.ts'
import { type Peer, Playbook } from '../support/playbook.ts'
import { fault } from './cache-judge.ts'
import { OriginConnection } from './cache-origin.ts'
import { readAnswer } from './cache-wire.ts'
import { type Asked, BEGIN_MS, PATHS, requestFields, type World } from './cache-world.ts'
import type { Random } from './random.ts'

/** What is different from a cache that is right. */
export interface Variation {
  readonly options?: Partial<CacheOptions>
  readonly store?: (store: Store) => Store
}

const MOST_STEPS = 160

class WallClock implements Clock {
  coarseMs = 0
  nowMs = BEGIN_MS
  refresh(): void {}
  preciseMs(): number {
    return this.coarseMs
  }
  wallMs(): number {
    return this.nowMs
  }
}

class Client {
  peer: Peer
  asked: Asked | null = null
  text = ''
  /** When the head came; -1: not yet. */
  headMs = -1

  constructor(peer: Peer) {
    this.peer = peer
  }
}

/** All that takes part, and what has happened. */
export class Traffic {
  readonly world: World = { answers: new Map(), invalidations: [], purges: [], troubles: [] }
  readonly versions = new Map<string, number>(PATHS.map(path => [path, 0]))
  readonly clock = new WallClock()
  readonly random: Random
  step = 0
  /** Few, so that they are asked for again. */
  readonly #paths: readonly string[]
  readonly #book: Playbook
  readonly #cache: Cache
  readonly #clients: Client[] = []
  readonly #origin: OriginConnection[] = []
  /** When each request was sent by its client. */
  readonly askedMs: number[] = []

  constructor(random: Random, { options = {}, store = same => same }: Variation) {
    this.random = random
    this.#paths = [random.of(PATHS), random.of(PATHS)]
    const told = { ...CACHE_DEFAULTS, ...options }
    const open = (): Store =>
      store(new MemoryStore(random.of([200_000, 4_000_000]), { variantsMax: 4, unpackedMax: 2 }))
    this.#cache = new Cache(told, 'test', open, this.clock)
    this.#cache.start({ workers: 1, warn: () => {}, removed: () => {} })
    const group = {
      ...{ health: { ...GROUP_DEFAULTS.health, failures: 0 } },
      ...{ retry: { ...GROUP_DEFAULTS.retry, attempts: 1, again: false } },
      ...{ connectionsMax: 100 },
    }
    this.#book = new Playbook({ group, layers: [this.#cache.layer] })
  }

  async play(): Promise<void> {
    const { random } = this
    for (let steps = 40 + random.below(MOST_STEPS); steps > 0; steps--) await this.#acts()
    for (let left = 200; left > 0 && this.#isBusy(); left--) {
      this.#connects(false)
      for (const connection of this.#origin) connection.acts(this, true)
      await this.#looks()
    }
    for (const { asked } of this.#clients) assert.equal(asked, null, 'everybody gets an answer')
    assert.equal(this.#cache.fillingBytes, 0, 'nothing is on its way any more')
    assert.equal(this.#cache.underWay.size, 0, 'nothing may come to be stored any more')
    assert.equal(this.#cache.fetches.size, 0, 'nothing is fetched any more')
    this.#book.endsClean()
  }

  #isBusy(): boolean {
    return this.#clients.some(({ asked }) => asked !== null) || this.#origin.some(({ isBusy }) => isBusy)
  }

  async #acts(): Promise<void> {
    const { random } = this
    this.step++
    const deed = random.below(20)
    if (deed < 7) this.#asks()
    else if (deed < 14 && this.#origin.length > 0) random.of(this.#origin).acts(this, false)
    else if (deed < 18) this.clock.nowMs += random.of([1, 400, 1_000, 2_000, 7_000, 25_000])
    else if (deed === 18 && random.once(2)) this.#purges()
    else if (deed === 19 && random.once(5)) this.#leaves()
    this.#connects(random.once(12))
    await this.#looks()
  }

  /** The proxy wants connections to the origin. */
  #connects(refused: boolean): void {
    const { servers } = this.#book
    while (servers.asked.length > 0) {
      if (!refused) this.#origin.push(new OriginConnection(servers.accepts()))
      else {
        this.world.troubles.push({ path: '*', step: this.step, ms: this.clock.nowMs, down: true })
        servers.refuses()
      }
    }
  }

  #asks(): void {
    const { random } = this
    let client = this.#clients.find(({ asked }) => asked === null && random.once(2))
    if (client === undefined) {
      if (this.#clients.length > 5) return
      client = new Client(this.#book.connects())
      this.#clients.push(client)
    }
    if (client.peer.connection.ended || client.peer.connection.closed) client.peer = this.#book.connects()
    const path = random.of(this.#paths)
    const method = random.of([...Array<string>(14).fill('GET'), 'HEAD', 'HEAD', 'POST', 'PUT', 'DELETE'])
    const fields = requestFields(random, path, method, this.versions.get(path) as number)
    const id = this.askedMs.push(this.clock.nowMs) - 1
    const asked = { id, method, path, fields, step: this.step }
    client.asked = asked
    client.text = ''
    client.headMs = -1
    const body = method === 'POST' || method === 'PUT' ? 'Content-Length: 2\r\n\r\nab' : '\r\n'
    const lines = [...fields].map(([name, value]) => `${name}: ${value}\r\n`).join('')
    client.peer.sends(`${method} ${path} HTTP/1.1\r\nHost: shop\r\nX-R: ${asked.id}\r\n${lines}${body}`)
  }

  #leaves(): void {
    const client = this.#clients.find(({ asked }) => asked !== null)
    if (client === undefined) return
    client.peer.leaves()
    client.peer.takes()
    this.#clients.splice(this.#clients.indexOf(client), 1)
  }

  #purges(): void {
    const path = this.random.of(['*', ...PATHS])
    const soft = this.random.once(2)
    const { store } = this.#cache
    const what =
      path === '*' ? ({ kind: 'all' } as const) : ({ kind: 'key', key: `http://shop:80${path}` } as const)
    assert.ok(store !== null)
    void this.#cache.purge(what, soft)
    this.world.purges.push({ path, step: this.step, ms: this.clock.nowMs, soft })
  }

  /** What has come to the clients. */
  async #looks(): Promise<void> {
    // What waits for a promise goes on in between.
    for (let turns = 0; turns < 5; turns++) {
      await null
      this.#book.settle()
    }
    for (const connection of this.#origin) connection.reads()
    for (const client of this.#clients) {
      const { peer, asked } = client
      client.text += peer.takes()
      if (asked === null) continue
      const { ended, closed } = peer.connection
      const answer = readAnswer(client.text, asked.method, ended || closed)
      if (answer === null) continue
      if (client.headMs < 0) client.headMs = this.clock.nowMs
      if (!answer.over) continue
      client.asked = null
      const wrong = fault({ ...answer, headMs: client.headMs }, asked, this.world)
      if (wrong !== null) assert.fail(`${wrong}\n${this.#told(asked)}${client.text.slice(0, 900)}`)
    }
  }

  #told({ id, method, path, fields, step }: Asked): string {
    const lines = [...fields].map(([name, value]) => `  ${name}: ${value}\n`).join('')
    return `at step ${this.step}, request ${id} of step ${step}: ${method} ${path}\n${lines}`
  }
}

/** One play. Throws when an answer is one that the model forbids. */
export async function cachedTraffic(random: Random, variation: Variation = {}): Promise<void> {
  try {
    await new Traffic(random, variation).play()
  } finally {
    mock.timers.reset()
  }
}
