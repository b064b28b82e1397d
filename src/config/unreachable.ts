/**
 * Which routes no request can reach, because earlier ones of the same listener take everything.
 * Strategy: a route is every combination of one of its hosts, paths and methods; it is out of reach when each
 * combination is taken by some earlier route. The conditions are read as the router reads them. What several
 * earlier patterns only cover together (every letter of a wildcard, say) is not looked for.
 */
import { comparablePath, readHost } from '../http/request-target.ts'

export interface Conditions {
  readonly hosts: readonly string[]
  readonly paths: readonly string[]
  readonly methods: readonly string[]
}

interface HostTest {
  /** The host, or with a dot in front what it ends in. */
  readonly name: string
  readonly port: string
}

interface PathTest {
  readonly path: string
  readonly prefix: boolean
}

/** Lists never empty; null stands for "any". */
interface Tests {
  readonly hosts: readonly (HostTest | null)[]
  readonly paths: readonly (PathTest | null)[]
  readonly methods: readonly (string | null)[]
}

/**
 * For every route that no request reaches: its index, and the one earlier route that takes everything or null
 * when it takes several. A route that is null here is not known well enough to say anything.
 */
export function unreachableRoutes(
  routes: readonly (Conditions | null)[],
): { readonly route: number; readonly takenBy: number | null }[] {
  const tests = routes.map(route => (route === null ? null : testsOf(route)))
  const found: { route: number; takenBy: number | null }[] = []
  tests.forEach((later, route) => {
    if (later === null) return
    const earlier = tests.slice(0, route)
    const takenBy = earlier.findIndex(each => each !== null && takesAll([each], later))
    if (takenBy !== -1) found.push({ route, takenBy })
    else if (
      takesAll(
        earlier.filter(each => each !== null),
        later,
      )
    )
      found.push({ route, takenBy: null })
  })
  return found
}

function takesAll(earlier: readonly Tests[], later: Tests): boolean {
  return later.hosts.every(host =>
    later.paths.every(path =>
      later.methods.every(method => earlier.some(tests => takes(tests, host, path, method))),
    ),
  )
}

function takes(tests: Tests, host: HostTest | null, path: PathTest | null, method: string | null): boolean {
  return (
    tests.hosts.some(each => each === null || (host !== null && coversHost(each, host))) &&
    tests.paths.some(each => each === null || (path !== null && coversPath(each, path))) &&
    tests.methods.some(each => each === null || each === method)
  )
}

function coversHost(wide: HostTest, narrow: HostTest): boolean {
  if (wide.port !== '' && wide.port !== narrow.port) return false
  if (wide.name === narrow.name) return true
  return wide.name.startsWith('.') && narrow.name.length > wide.name.length && narrow.name.endsWith(wide.name)
}

function coversPath(wide: PathTest, narrow: PathTest): boolean {
  if (wide.path === narrow.path) return wide.prefix || !narrow.prefix
  return wide.prefix && narrow.path.startsWith(`${wide.path}/`)
}

function testsOf({ hosts, paths, methods }: Conditions): Tests {
  return {
    hosts: orAny(hosts, host => host === '*', hostTest),
    paths: orAny(paths, path => path === '*' || path === '/*', pathTest),
    methods: orAny(
      methods,
      () => false,
      method => method,
    ),
  }
}

function orAny<T>(
  conditions: readonly string[],
  isAny: (condition: string) => boolean,
  read: (condition: string) => T,
): (T | null)[] {
  return conditions.length === 0 || conditions.some(isAny) ? [null] : conditions.map(read)
}

function hostTest(pattern: string): HostTest {
  const wild = pattern.startsWith('*.')
  const { host, port } = readHost(wild ? pattern.slice(2) : pattern)
  return { name: wild ? `.${host}` : host, port }
}

/** `/folder/*` takes `/folder` too, so it stands as the prefix `/folder`. */
function pathTest(pattern: string): PathTest {
  const prefix = pattern.endsWith('/*')
  return {
    path: prefix ? comparablePath(pattern.slice(0, -1)).slice(0, -1) : comparablePath(pattern),
    prefix,
  }
}
