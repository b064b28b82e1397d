/**
 * What the schema cannot see: how the parts of a config fit together.
 * Strategy: these checks run on data that may have faults of other kinds, so that everything is told at once;
 * they look at what they understand and leave the rest to the schema.
 */
import type { ListenAddress } from '../server/options.ts'
import { parseAdminAddress, parseListenAddress } from './addresses.ts'
import { cacheProblems } from './cache-checks.ts'
import { doubts } from './doubts.ts'
import { layerFault } from './layers/build-layer.ts'
import { NOTHING_BEHIND } from './layers/layer-config.ts'
import { didYouMean } from './nearest.ts'
import { checkHostPattern, checkMethod, checkPathPattern } from './patterns.ts'
import { fault, messageOf, type Path, type Problem, pathText, warning } from './problems.ts'
import { stickyProblems } from './sticky-checks.ts'
import { type Conditions, unreachableRoutes } from './unreachable.ts'

type Fields = Readonly<Record<string, unknown>>

/** Never throws, whatever the data is. `folder`: what names of files in it are relative to. */
export function crossChecks(data: unknown, folder: string): Problem[] {
  if (!isFields(data)) return []
  const upstreams = isFields(data.upstreams) ? Object.keys(data.upstreams) : []
  const listeners = listOf(data.listeners)
  const routes = listeners.flatMap((listener, index) => routesOf(listener, ['listeners', index]))
  return [
    ...routes.flatMap(({ route, path }) => targetProblems(route, path, upstreams)),
    ...routes.flatMap(({ route, path }) => attemptProblems(route, path)),
    ...routes.flatMap(({ route, path }) => layerProblems(route, path, folder)),
    ...routes.flatMap(({ route, path }) => preflightProblems(route, path)),
    ...cacheProblems(routes),
    ...listeners.flatMap((listener, index) => reachProblems(listener, ['listeners', index])),
    ...listenProblems(listeners),
    ...adminProblems(data.admin, listeners),
    ...stickyProblems(
      fieldsOf(data.upstreams),
      routes.map(({ route, path }) => ({ listener: Number(path[1]), host: route.host, to: route.to })),
    ),
    ...doubts(data),
    ...unusedUpstreams(
      routes.map(({ route }) => route.to),
      upstreams,
    ),
  ]
}

function routesOf(listener: unknown, above: Path): { route: Fields; path: Path }[] {
  return listOf(fieldsOf(listener).routes).flatMap((route, index) =>
    isFields(route) ? [{ route, path: [...above, 'routes', index] }] : [],
  )
}

const TARGETS = ['to', 'redirect', 'respond']

function targetProblems(route: Fields, path: Path, upstreams: readonly string[]): Problem[] {
  const given = TARGETS.filter(target => route[target] !== undefined)
  if (given.length === 0)
    return [fault(path, "nothing says who answers: write to: '...', redirect: '...' or respond: '...'")]
  const several =
    given.length > 1
      ? [fault([...path, given[1]], `${given.join(' and ')} in one route: keep one of them`, { at: 'key' })]
      : []
  return typeof route.to === 'string' && !upstreams.includes(route.to)
    ? [...several, unknownUpstream(route.to, path, upstreams)]
    : several
}

/** What only makes sense where a server is asked. */
function attemptProblems(route: Fields, path: Path): Problem[] {
  if (route.to !== undefined) return []
  return ['timeouts', 'retry']
    .filter(key => route[key] !== undefined)
    .map(key =>
      fault([...path, key], `${key} is for routes that ask a server: write to: '...' or take it out`, {
        at: 'key',
      }),
    )
}

function unknownUpstream(name: string, path: Path, upstreams: readonly string[]): Problem {
  const address = `upstreams: { shop: ${JSON.stringify(name)} } and to: 'shop'`
  const remedy = /[:/]/.test(name)
    ? `to takes a name: write ${address}`
    : upstreams.length === 0
      ? `write upstreams: { ${JSON.stringify(name)}: '127.0.0.1:9000' }`
      : didYouMean(name, upstreams)
  return fault([...path, 'to'], `no upstream is called ${JSON.stringify(name)}: ${remedy}`)
}

/** The layers check more than the schema can: whether their options make sense together. */
function layerProblems(route: Fields, path: Path, folder: string): Problem[] {
  return listOf(route.layers).flatMap((layer, index) => {
    const found = layerFault(layer, { folder, behind: NOTHING_BEHIND, caches: [] })
    return found === null ? [] : [fault([...path, 'layers', index, ...found.path], found.message)]
  })
}

/** A browser asks with OPTIONS before it asks for what it wants. */
function preflightProblems(route: Fields, path: Path): Problem[] {
  const methods = [route.method ?? []].flat()
  const allows = listOf(route.layers).some(layer => isFields(layer) && layer.cors !== undefined)
  return allows && methods.length > 0 && !methods.includes('OPTIONS')
    ? [warning([...path, 'method'], 'preflights for the cors layer do not get here: add "OPTIONS"')]
    : []
}

function reachProblems(listener: unknown, above: Path): Problem[] {
  const routes = listOf(fieldsOf(listener).routes)
  return unreachableRoutes(routes.map(conditionsOf)).map(({ route, takenBy }) => {
    const path = [...above, 'routes', route]
    if (takenBy === null)
      return fault(
        path,
        'no request gets here: the routes above take all of them: move this route up or take it out',
      )
    const other = [...above, 'routes', takenBy]
    return fault(
      path,
      `no request gets here: ${pathText(other)} takes all of them: move this route above it or take it out`,
      { see: other },
    )
  })
}

/** Null for a route whose conditions have faults of their own. */
function conditionsOf(route: unknown): Conditions | null {
  if (!isFields(route)) return null
  const hosts = textsOf(route.host, checkHostPattern)
  const paths = textsOf(route.path, checkPathPattern)
  const methods = textsOf(route.method, checkMethod)
  return hosts && paths && methods ? { hosts, paths, methods } : null
}

function textsOf(value: unknown, check: (text: string) => void): string[] | null {
  if (value === undefined) return []
  const texts = Array.isArray(value) ? value : [value]
  const sound =
    texts.length > 0 && texts.every(text => typeof text === 'string' && messageOf(() => check(text)) === null)
  return sound ? texts : null
}

function listenProblems(listeners: readonly unknown[]): Problem[] {
  const addresses = listeners.map(listener => addressOf(listener))
  return addresses.flatMap((address, index) => {
    const other =
      address === null
        ? -1
        : addresses.slice(0, index).findIndex(each => each !== null && collide(each, address))
    if (other === -1) return []
    const see = ['listeners', other, 'listen']
    return [
      fault(
        ['listeners', index, 'listen'],
        `${pathText(see)} listens there already: choose another port, or put all routes under one listener`,
        { see },
      ),
    ]
  })
}

/** Two of one program that want a port would say that another program has it. */
function adminProblems(admin: unknown, listeners: readonly unknown[]): Problem[] {
  const address = addressOf(isFields(admin) ? admin : { listen: admin }, parseAdminAddress)
  if (address === null) return []
  const other = listeners.findIndex(listener => {
    const taken = addressOf(listener)
    return taken !== null && collide(taken, address)
  })
  if (other === -1) return []
  const see = ['listeners', other, 'listen']
  return [fault(['admin'], `${pathText(see)} listens there already: choose another port`, { see })]
}

function addressOf(listener: unknown, parse = parseListenAddress): ListenAddress | null {
  const { listen } = fieldsOf(listener)
  if (typeof listen !== 'string' && typeof listen !== 'number') return null
  try {
    return parse(listen)
  } catch {
    return null
  }
}

function collide(one: ListenAddress, other: ListenAddress): boolean {
  if (one.kind === 'unix' || other.kind === 'unix')
    return one.kind === other.kind && 'path' in one && 'path' in other && one.path === other.path
  if (one.port !== other.port || one.port === 0) return false
  const hosts = [one.host, other.host]
  // Every IPv6 interface means every IPv4 interface as well; 0.0.0.0 means IPv4 only.
  return (
    one.host === other.host ||
    hosts.includes('::') ||
    (hosts.includes('0.0.0.0') && !hosts.some(host => host.includes(':')))
  )
}

function unusedUpstreams(used: readonly unknown[], upstreams: readonly string[]): Problem[] {
  return upstreams
    .filter(name => !used.includes(name))
    .map(name => warning(['upstreams', name], 'no route leads here', { at: 'key' }))
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function fieldsOf(value: unknown): Fields {
  return isFields(value) ? value : {}
}

function listOf(value: unknown): readonly unknown[] {
  // A list with holes has undefined in them.
  return Array.isArray(value) ? Array.from(value) : []
}
