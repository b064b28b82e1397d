/**
 * Which route takes a request: routes are tried in the order written, and the first that matches wins.
 * Strategy: conditions are compiled once; for every host that a route names, the routes that could take it stand
 * ready in a list, so a request looks its host up and asks a few routes; the path is made comparable only when
 * one of them has a condition on it. Explaining goes through the same decision.
 */
import { ProxyError } from '../base/errors.ts'
import type { Exchange } from '../exchange/exchange.ts'
import type { Handler } from '../exchange/handler.ts'
import { comparablePath, pathOf, readHost } from '../http/request-target.ts'

/** Conditions of one kind are alternatives, those of different kinds have to hold together; none means any. */
export interface Route {
  /**
   * `example.com`, `*.example.com` (names below it at any depth, not itself) or either with `:port`, which holds
   * for the port that the client wrote, 80 when it wrote none. Letters in any case.
   */
  readonly hosts: readonly string[]
  /**
   * `/path` (that path alone), `/folder/*` (everything below the folder, and `/folder` itself: who guards a
   * folder does not mean to leave its door open) or `*`. Compared as comparablePath says, letters exactly.
   */
  readonly paths: readonly string[]
  /** Compared exactly (RFC 9110 §9.1: methods are case-sensitive). */
  readonly methods: readonly string[]
  readonly handler: Handler
  /** Where the route stands in the configuration, for people. */
  readonly place: string
}

/** The condition that a request did not meet, the first of host, path and method. */
export type Lost = 'host' | 'path' | 'method'

/** A route that did not take a request. */
export interface LostRoute {
  readonly route: Route
  readonly lost: Lost
  /** The same for people: `shop.example.com is not *.example.net`. */
  readonly why: string
}

export interface Trace {
  readonly route: Route | null
  /** The routes that were tried before it (all of them, if there is none) and why each did not match. */
  readonly tried: readonly LostRoute[]
}

export class Router implements Handler {
  /** All routes, with all their conditions. */
  readonly #routes: readonly Candidate[]
  /** For the hosts that routes name: the routes that could take a request for it. */
  readonly #byHost: ReadonlyMap<string, readonly Candidate[]>
  /** For all other hosts. */
  readonly #others: readonly Candidate[]

  /** Throws Error, with a message for the writer of the configuration, for a condition that cannot be met. */
  constructor(routes: readonly Route[]) {
    this.#routes = routes.map(compileRoute)
    const exact = this.#routes.flatMap(route => route.hosts ?? []).filter(test => !test.wild)
    this.#byHost = new Map(exact.map(test => [test.name, candidatesFor(this.#routes, test.name)]))
    this.#others = candidatesFor(this.#routes, null)
  }

  handle(exchange: Exchange): void {
    const { method, target } = exchange.request
    let route: Route | null
    try {
      route = this.find(method, exchange.host, exchange.hostPort, target)
    } catch (error) {
      if (!(error instanceof ProxyError)) throw error
      exchange.reply.fail(error)
      return
    }
    if (route === null) exchange.reply.fail(noRoute(exchange))
    else route.handler.handle(exchange)
  }

  /**
   * The route for a request, or null. `host` and `hostPort` as `readHost` gives them, `target` as it came.
   * Throws ProxyError bad_target for a path that has no safe reading.
   */
  find(method: string, host: string, hostPort: string, target: string): Route | null {
    const candidates = this.#byHost.size === 0 ? this.#others : (this.#byHost.get(host) ?? this.#others)
    for (let i = 0; i < candidates.length; i++)
      if (whyNot(candidates[i], method, host, hostPort, target) === null) return candidates[i].route
    return null
  }

  /** The same decision with its reasons. Arguments and errors are those of `find`. */
  trace(method: string, host: string, hostPort: string, target: string): Trace {
    const tried: LostRoute[] = []
    for (const candidate of this.#routes) {
      const lost = whyNot(candidate, method, host, hostPort, target)
      if (lost === null) return { route: candidate.route, tried }
      const why = wordsOf(candidate.route, lost, { method, host, hostPort, target })
      tried.push({ route: candidate.route, lost, why })
    }
    return { route: null, tried }
  }
}

/** A route compiled: null where any value will do. */
interface Candidate {
  readonly route: Route
  readonly hosts: readonly HostTest[] | null
  readonly paths: readonly PathTest[] | null
  readonly methods: readonly string[] | null
}

interface HostTest {
  /** The host itself; when `wild`, what it has to end in, beginning with a dot. */
  readonly name: string
  readonly wild: boolean
  /** '' when the port does not matter. */
  readonly port: string
}

interface PathTest {
  readonly exact: string
  /** What the path may begin with instead, ending in a slash; null for an exact path. */
  readonly prefix: string | null
}

/** The decision about one route. */
function whyNot(
  route: Candidate,
  method: string,
  host: string,
  hostPort: string,
  target: string,
): Lost | null {
  if (route.hosts !== null && !takesHost(route.hosts, host, hostPort)) return 'host'
  if (route.paths !== null && !takesPath(route.paths, pathToCompare(target))) return 'path'
  if (route.methods !== null && !route.methods.includes(method)) return 'method'
  return null
}

interface Wanted {
  readonly method: string
  readonly host: string
  readonly hostPort: string
  readonly target: string
}

/** What the request has, against the conditions as they were written. */
function wordsOf(route: Route, lost: Lost, { method, host, hostPort, target }: Wanted): string {
  if (lost === 'method') return `${method} is ${neither(route.methods)}`
  if (lost === 'path') {
    const path = pathToCompare(target)
    const written = pathOf(target)
    const meaning = path === written || path === '' ? '' : ` (the meaning of ${shown(written)})`
    return `${path === '' ? 'a request without a path' : shown(path)}${meaning} is ${neither(route.paths)}`
  }
  if (host === '') return `the request names no host, and this route is for ${route.hosts.join(', ')}`
  const byPort = route.hosts.some(condition => condition.includes(':'))
  const port = byPort ? `:${hostPort === '' ? '80' : hostPort}` : ''
  return `${shown(host + port)} is ${neither(route.hosts)}`
}

const neither = (conditions: readonly string[]): string =>
  conditions.length === 1 ? `not ${conditions[0]}` : `none of ${conditions.join(', ')}`

let lastTarget = ''
let lastPath = ''

/** Several routes ask for the path of one target: it is made once. */
function pathToCompare(target: string): string {
  if (target !== lastTarget) {
    lastPath = comparablePath(target)
    lastTarget = target
  }
  return lastPath
}

function takesHost(tests: readonly HostTest[], host: string, hostPort: string): boolean {
  for (let i = 0; i < tests.length; i++) {
    const test = tests[i]
    // RFC 9110 §4.2.1: without a port it is 80.
    if (test.port !== '' && test.port !== (hostPort === '' ? '80' : hostPort)) continue
    if (isName(test, host)) return true
  }
  return false
}

function isName(test: HostTest, host: string): boolean {
  return test.wild ? host.length > test.name.length && host.endsWith(test.name) : host === test.name
}

function takesPath(tests: readonly PathTest[], path: string): boolean {
  for (let i = 0; i < tests.length; i++) {
    const test = tests[i]
    if (path === test.exact || (test.prefix !== null && path.startsWith(test.prefix))) return true
  }
  return false
}

/**
 * The routes that could take a request for this host, or for a host that no route names (null), in their order
 * and up to the first that takes whatever comes. What is certain is not asked again.
 */
function candidatesFor(routes: readonly Candidate[], host: string | null): Candidate[] {
  const candidates: Candidate[] = []
  for (const route of routes) {
    const tests = route.hosts?.filter(test => (host === null ? test.wild : isName(test, host))) ?? null
    if (tests?.length === 0) continue
    const certain = tests === null || (host !== null && tests.some(test => test.port === ''))
    const candidate = { ...route, hosts: certain ? null : tests }
    candidates.push(candidate)
    if (certain && candidate.paths === null && candidate.methods === null) break
  }
  return candidates
}

function compileRoute(route: Route): Candidate {
  return {
    route,
    hosts: orAny(route.hosts, compileHost),
    paths: orAny(route.paths, compilePath),
    methods: route.methods.length === 0 ? null : route.methods,
  }
}

/** Null when there is no condition or one that takes everything. */
function orAny<T>(
  conditions: readonly string[],
  compile: (condition: string) => T | null,
): readonly T[] | null {
  const tests = conditions.map(compile)
  return tests.length === 0 || tests.includes(null) ? null : (tests as readonly T[])
}

function compileHost(condition: string): HostTest | null {
  if (condition === '*') return null
  const wild = condition.startsWith('*.')
  try {
    const { host, port } = readHost(wild ? condition.slice(2) : condition)
    if (/^[^.*][^*]*$/.test(host)) return { name: wild ? `.${host}` : host, wild, port }
  } catch {}
  throw new Error(
    `host "${condition}": write a name, "*.name", an IPv4 address or [IPv6], each with ":port" if need be`,
  )
}

function compilePath(condition: string): PathTest | null {
  if (condition === '*' || condition === '/*') return null
  const prefix = condition.endsWith('/*') ? condition.slice(0, -1) : null
  const plain = prefix ?? condition
  if (!plain.startsWith('/') || plain.includes('*') || plain.includes('?'))
    throw new Error(`path "${condition}": write "/path", "/folder/*" or "*"`)
  const compared = comparableCondition(condition, plain)
  if (prefix === null) return { exact: compared, prefix: null }
  return compared === '/' ? null : { exact: compared.slice(0, -1), prefix: compared }
}

function comparableCondition(condition: string, plain: string): string {
  try {
    return comparablePath(plain)
  } catch (error) {
    throw new Error(`path "${condition}": ${(error as ProxyError).message}`)
  }
}

const SHOWN_LENGTH_MAX = 200

/** Host and target were checked when they were read: visible ASCII. */
function noRoute(exchange: Exchange): ProxyError {
  const port = exchange.hostPort === '' ? '' : `:${exchange.hostPort}`
  const host = exchange.host === '' ? 'no host' : `host "${shown(exchange.host + port)}"`
  const path = pathOf(exchange.request.target) || '*'
  return new ProxyError(
    'no_route',
    `It looked for ${exchange.request.method} on ${host} with path "${shown(path)}".`,
  )
}

const shown = (text: string): string =>
  text.length <= SHOWN_LENGTH_MAX ? text : `${text.slice(0, SHOWN_LENGTH_MAX)}...`
