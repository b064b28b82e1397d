/**
 * One request through the plan that would serve it, with nobody at either end.
 * Strategy: the session, router, layers, balancer and upstream code are those that serve; only the two connections
 * are replaced. The server that is picked "answers" an empty 200, so that the way back is walked as well. So what is
 * told cannot differ from what happens.
 */
import { ProxyError } from '../../base/errors.ts'
import { MemoryStore } from '../../cache/memory-store.ts'
import { type BuildContext, buildPlan, type Plan } from '../../config/build.ts'
import type { Path } from '../../config/problems.ts'
import type { ConfigData } from '../../config/schema.ts'
import type { Exchange } from '../../exchange/exchange.ts'
import type { Handler, Layer } from '../../exchange/handler.ts'
import type { ExchangeRecord } from '../../exchange/observer.ts'
import type { HeaderList } from '../../http/header-list.ts'
import { type ParsedRequest, parseRequestHead, parseResponseHead } from '../../http1/head-parser.ts'
import type { Limits } from '../../http1/limits.ts'
import { deadlines } from '../../net/deadlines.ts'
import type { Dial } from '../../net/dial.ts'
import { ClientSession, type SessionContext } from '../../server/client-session.ts'
import { noCounters } from '../../server/counters.ts'
import { ForwardedWriter } from '../../server/forwarded-writer.ts'
import type { Trace } from '../../server/router.ts'
import type { Endpoint } from '../../upstream/endpoint.ts'
import type { Choice } from '../../upstream/group.ts'
import type { Asked } from './asked.ts'
import type { Running } from './running.ts'
import { SilentConnection } from './silent-connection.ts'

/** The request as it stands before a layer, or before who answers. */
export interface Step {
  readonly route: Path
  /** How many layers are behind it. */
  readonly at: number
  readonly method: string
  readonly host: string
  readonly hostPort: string
  readonly originTarget: string
  /** The fields as they are here. */
  readonly headers: HeaderList
  /** What servers are told of the client, as lines. */
  readonly forwardedLines: string
  readonly hasBody: boolean
  readonly upgrade: string
  readonly fields: readonly string[]
}

export interface DryAnswer {
  readonly status: number
  readonly reason: string
  readonly fields: readonly (readonly [name: string, value: string])[]
  /** Text; '' for what is none. */
  readonly body: string
}

export interface DryRun {
  readonly plan: Plan
  /** What the router says; null when the request did not get there, or has no path that can be compared safely. */
  readonly trace: Trace | null
  /** How far it got, in order. */
  readonly steps: readonly Step[]
  /** The server that was picked, and the head that it would get. */
  readonly endpoint: Endpoint | null
  /** Why the balancer picks it; null when no balancer was asked. */
  readonly choice: Choice | null
  readonly serverHead: ParsedRequest | null
  /** The fault that makes the answer, or null. */
  readonly error: { readonly code: string; readonly detail: string } | null
  readonly answer: DryAnswer | null
}

/** Nothing here waits for the network: whoever takes longer computes, or has lost its way. */
const PATIENCE_MS = 10_000
const EMPTY_ANSWER = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
const HEAD_END = '\r\n\r\n'

/** `listener` is an index; `running` says which servers are out. Rejects with the words of `buildPlan` for a config that cannot be built. */
export async function dryRun(
  config: ConfigData,
  context: BuildContext,
  listener: number,
  asked: Asked,
  running: Running | null,
): Promise<DryRun> {
  const run = new Run(config, context, listener)
  for (const group of run.plan.groups) running?.applyTo(group)
  for (const cache of run.plan.caches) cache.start({ workers: 1, warn() {}, removed() {} })
  try {
    return await run.ask(asked)
  } finally {
    for (const group of run.plan.groups) group.close()
    await Promise.all(run.plan.caches.map(cache => cache.close()))
  }
}

class Run {
  readonly plan: Plan
  #listener: number
  #trace: Trace | null = null
  #steps: Step[] = []
  #endpoint: Endpoint | null = null
  #exchange: Exchange | null = null
  #server: SilentConnection | null = null

  constructor(config: ConfigData, context: BuildContext, listener: number) {
    this.#listener = listener
    this.plan = buildPlan(config, context, {
      step: (route, at) => this.#step(route, at),
      // Nothing that is on disk is touched; an empty store makes the request one that misses.
      openStore: options => new MemoryStore(options.memoryBytes, options),
      services: { dial: this.#dial, lookup: (name, done) => done(null, [name]) },
    })
  }

  async ask({ client, head }: Asked): Promise<DryRun> {
    const connection = new SilentConnection()
    const options = this.plan.listeners[this.#listener]
    const record = await new Promise<ExchangeRecord | null>(resolve => {
      const patience = setTimeout(() => resolve(null), PATIENCE_MS)
      const done = (ended: ExchangeRecord | null) => {
        clearTimeout(patience)
        resolve(ended)
      }
      const context: SessionContext = {
        options: { ...options, handler: { handle: exchange => this.#route(exchange) } },
        services: { record: done, warn: () => {} },
        deadlines,
        forwarded: new ForwardedWriter(options.forwarded, options.trust),
        counters: noCounters(),
        draining: false,
        idleStays: false,
        closed() {},
      }
      const address = options.address.kind === 'unix' ? '' : client
      const session = new ClientSession(connection, { address, port: 0, listener: '' }, context)
      session.bytes(head)
    })
    const answer = record === null ? null : answerIn(connection.written, options.limits)
    connection.destroy()
    return {
      plan: this.plan,
      trace: this.#trace,
      steps: this.#steps,
      endpoint: this.#endpoint,
      choice: this.#choice(),
      serverHead: this.#server === null ? null : requestIn(this.#server.written, options.limits),
      error: record === null || record.error === '' ? null : { code: record.error, detail: record.detail },
      answer,
    }
  }

  #route(exchange: Exchange): void {
    const router = this.plan.routers[this.#listener]
    const { request, host, hostPort } = exchange
    try {
      this.#trace = router.trace(request.method, host, hostPort, request.target)
    } catch (error) {
      // The router finds the same fault, and answers with it.
      if (!(error instanceof ProxyError)) throw error
    }
    router.handle(exchange)
  }

  /** Asked afterwards: a balancer that is asked twice has moved on by a turn. */
  #choice(): Choice | null {
    const group = this.plan.groups.find(({ endpoints }) => endpoints.some(each => each === this.#endpoint))
    return group === undefined || this.#exchange === null ? null : group.explain(this.#exchange)
  }

  #step(route: Path, at: number): Layer {
    return (next: Handler): Handler => ({
      handle: exchange => {
        const { originTarget, request, host, hostPort, upgrade, forwardedLines } = exchange
        this.#exchange = exchange
        const fields = request.headers.entries().map(([name, value]) => `${name}: ${value}`)
        this.#steps.push({
          route,
          at,
          method: request.method,
          host,
          hostPort,
          originTarget,
          headers: request.headers.copy(),
          forwardedLines,
          hasBody: exchange.body.framing.kind !== 'none',
          upgrade,
          fields,
        })
        next.handle(exchange)
      },
    })
  }

  readonly #dial: Dial = (_target, done) => {
    const endpoints = this.plan.groups.flatMap(group => group.endpoints)
    this.#endpoint = endpoints.find(endpoint => endpoint.openConnections > 0) ?? null
    const connection = new SilentConnection(() => {
      if (!connection.written.includes(HEAD_END) || this.#server !== null) return
      this.#server = connection
      // Not from inside the call that writes.
      setImmediate(() => connection.user.bytes(EMPTY_ANSWER))
    })
    done(null, connection)
    return { cancel() {} }
  }
}

function requestIn(written: string, limits: Limits): ParsedRequest | null {
  const bytes = Buffer.from(written, 'latin1')
  // What goes out may be larger than what may come in: the lines about the client are added.
  return parseRequestHead(bytes, 0, bytes.length, generous(limits, bytes.length))
}

function answerIn(written: string, limits: Limits): DryAnswer | null {
  const bytes = Buffer.from(written, 'latin1')
  let start = 0
  for (;;) {
    const head = parseResponseHead(bytes, start, bytes.length, generous(limits, bytes.length))
    if (head === null) return null
    start += head.bytes
    if (head.status < 200) continue
    const fields = head.headers.entries().filter(([name]) => name.toLowerCase() !== 'date')
    const readable =
      /^(?:text\/|application\/(?:problem\+)?json)/.test(head.headers.get('Content-Type') ?? '') &&
      !head.headers.has('Content-Encoding') &&
      !head.headers.has('Transfer-Encoding')
    const body = readable ? bytes.subarray(start).toString() : ''
    return { status: head.status, reason: head.reason, fields, body }
  }
}

const generous = (limits: Limits, bytes: number): Limits => ({
  ...limits,
  headBytesMax: bytes,
  targetBytesMax: bytes,
  fieldsMax: bytes,
})
