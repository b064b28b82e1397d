/**
 * A proxy inside the test: the real listener, sessions, pools and sockets, on a port the system picks.
 * Strategy: everything is built as the commands build it; records and warnings are kept, so that a test can
 * say what the log would have said, and a fault inside the proxy fails the test whatever the client saw.
 */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { parseServerAddress } from '../../src/config/addresses.ts'
import { type Handler, type Layer, stack } from '../../src/exchange/handler.ts'
import type { ExchangeRecord } from '../../src/exchange/observer.ts'
import { LIMITS, type Limits } from '../../src/http1/limits.ts'
import { type ClientTimeouts, LISTENER_DEFAULTS, type ListenerOptions } from '../../src/server/options.ts'
import { type Route, Router } from '../../src/server/router.ts'
import { ProxyServer } from '../../src/server/server.ts'
import { Group } from '../../src/upstream/group.ts'
import { GROUP_DEFAULTS, type GroupOptions } from '../../src/upstream/options.ts'
import { type AttemptRules, UpstreamHandler } from '../../src/upstream/upstream-handler.ts'
import { Arrivals, until } from './wait.ts'

/** Something with an address, an address, or an address with a weight or a priority. */
export type Server =
  | string
  | { readonly address: string; readonly weight?: number; readonly priority?: number }

export interface ProxyOptions {
  /** Servers of the one upstream group. */
  readonly to?: Server | readonly Server[]
  readonly group?: Partial<GroupOptions>
  /** What the route says otherwise than the group. */
  readonly rules?: Partial<AttemptRules>
  /** In front of the group. */
  readonly layers?: readonly Layer[]
  /** Routes instead of "everything to the group"; `upstream` is the group behind its layers. */
  readonly routes?: (upstream: Handler) => readonly Partial<Route>[]
  readonly listener?: Partial<Omit<ListenerOptions, 'timeouts' | 'limits'>>
  readonly timeouts?: Partial<ClientTimeouts>
  readonly limits?: Partial<Limits>
}

export class TestProxy {
  readonly records = new Arrivals<ExchangeRecord>('a record of an exchange')
  readonly warnings: string[] = []
  readonly group: Group
  readonly server: ProxyServer
  /** http://127.0.0.1:port, or unix:/path. */
  url = ''

  constructor(options: ProxyOptions) {
    const { to = [], layers = [], routes = upstream => [{ handler: upstream }] } = options
    const servers = [to].flat().map(serverAddress)
    this.group = new Group({ ...GROUP_DEFAULTS, name: 'test', servers, ...options.group })
    const handler = new Router(
      routes(stack(layers, new UpstreamHandler(this.group, options.rules))).map(wholeRoute),
    )
    const listener: ListenerOptions = {
      ...LISTENER_DEFAULTS,
      kind: 'proxy',
      address: { kind: 'tcp', host: '127.0.0.1', port: 0 },
      handler,
      ...options.listener,
      timeouts: { ...LISTENER_DEFAULTS.timeouts, ...options.timeouts },
      limits: { ...LIMITS, ...options.limits },
    }
    const services = {
      record: (record: ExchangeRecord) => this.records.push(record),
      warn: (line: string) => void this.warnings.push(line),
    }
    this.server = new ProxyServer([listener], services)
  }

  get port(): number {
    return Number(new URL(this.url).port)
  }

  /** `127.0.0.1:8080`: the Host that clients send. */
  get authority(): string {
    return new URL(this.url).host
  }

  /** The idle, open and queued connections of the first server, and the exchanges that run there. */
  get counters(): { idle: number; open: number; queued: number; busy: number } {
    const [endpoint] = this.group.endpoints
    const { idleConnections, openConnections, queued, busy } = endpoint
    return { idle: idleConnections, open: openConnections, queued, busy }
  }

  async start(): Promise<void> {
    const [bound] = await this.server.start()
    this.group.start(line => void this.warnings.push(line))
    this.url = bound.url
  }

  /** Ends everything and waits until nothing is left. */
  async close(): Promise<void> {
    this.server.close()
    this.group.close()
    await until(() => this.server.connections === 0, 'the client connections to be gone')
    await until(
      () => this.group.endpoints.every(endpoint => endpoint.openConnections === 0 && endpoint.busy === 0),
      'the upstream connections to be gone',
    )
  }
}

function serverAddress(server: Server) {
  return typeof server === 'string'
    ? parseServerAddress(server)
    : parseServerAddress(server.address, server.weight, server.priority)
}

function wholeRoute(route: Partial<Route>, index: number): Route {
  if (route.handler === undefined) throw new Error('a route needs a handler')
  return { hosts: [], paths: [], methods: [], place: `route ${index}`, ...route, handler: route.handler }
}

/** Starts a proxy that ends with the test. Faults inside it fail the test. */
export async function startProxy(t: TestContext, options: ProxyOptions): Promise<TestProxy> {
  const proxy = new TestProxy(options)
  await proxy.start()
  t.after(async () => {
    await proxy.close()
    assert.deepEqual(
      proxy.warnings.filter(line => line.includes('internal fault')),
      [],
    )
  })
  return proxy
}
