/**
 * What goes wrong when a cache stands in the wrong place of a route, or tells users apart wrongly.
 * Strategy: a layer behind a cache is not asked when the cache answers. Who decides per client has to stand in front of
 * it; what is written into an answer for one client must not be stored for all.
 */
import { variablesOf } from '../layers/template.ts'
import { fault, type Path, type Problem, pathText, warning } from './problems.ts'

type Fields = Readonly<Record<string, unknown>>

interface PlacedRoute {
  readonly route: Fields
  readonly path: Path
}

interface PlacedLayer {
  readonly name: string
  readonly options: unknown
  readonly path: Path
}

/** Who lets clients in or keeps them out. */
const GUARDS: readonly string[] = ['basicAuth', 'ipAllow', 'ipDeny']

const SAFE: readonly string[] = ['GET', 'HEAD', 'OPTIONS', 'TRACE']

/** Variables that are not the same for all who ask for one URL. */
const OF_CLIENTS: readonly string[] = ['client', 'header', 'cookie', 'id']

/** Never throws, whatever the data is. */
export function cacheProblems(routes: readonly PlacedRoute[]): Problem[] {
  const placed = routes.map(layersOf)
  const caches = placed.flatMap(layers => layers.filter(({ name }) => name === 'cache'))
  return [
    ...placed.flatMap(orderProblems),
    ...routes.flatMap((route, at) => methodProblems(route, placed[at])),
    ...caches.flatMap(keyProblems),
    ...caches.flatMap(storeProblems),
    ...sizeProblems(caches),
  ]
}

function layersOf({ route, path }: PlacedRoute): PlacedLayer[] {
  return listOf(route.layers).flatMap((layer, index) => {
    const entries = Object.entries(fieldsOf(layer))
    if (entries.length !== 1) return []
    const [[name, options]] = entries
    return [{ name, options, path: [...path, 'layers', index] }]
  })
}

function orderProblems(layers: readonly PlacedLayer[]): Problem[] {
  const at = layers.findIndex(({ name }) => name === 'cache')
  if (at === -1) return []
  const [before, cache, behind] = [layers.slice(0, at), layers[at], layers.slice(at + 1)]
  return [
    ...behind.flatMap(layer => behindCache(layer, cache)),
    ...before
      .filter(({ name }) => name === 'compress')
      .map(({ path }) =>
        warning(
          path,
          'every hit is compressed anew: put the cache in front of compress, so that it stores what was compressed',
          { see: cache.path },
        ),
      ),
  ]
}

/** RFC 9111 §4.4: what changes a resource removes what is stored of it, when it comes by the cache. */
function methodProblems({ route, path }: PlacedRoute, layers: readonly PlacedLayer[]): Problem[] {
  const methods = [route.method ?? []].flat()
  const safe = methods.length > 0 && methods.every(method => SAFE.includes(String(method)))
  if (!safe || route.to === undefined || !layers.some(({ name }) => name === 'cache')) return []
  return [
    warning(
      [...path, 'method'],
      'requests that change something do not get here, and what they make invalid stays stored: take method out, the cache passes them on',
    ),
  ]
}

function behindCache({ name, options, path }: PlacedLayer, cache: PlacedLayer): Problem[] {
  if (name === 'cache') return [fault(path, 'two caches in one route: keep one of them', { see: cache.path })]
  if (GUARDS.includes(name))
    return [
      fault(
        path,
        `what is stored would be given to everyone, whatever ${name} says: put ${name} in front of the cache`,
        { see: cache.path },
      ),
    ]
  if (name !== 'headers') return []
  return clientVariables(fieldsOf(options).response).map(variable =>
    warning(
      path,
      `{${variable}} of one client is stored in the answer for all: put this layer in front of the cache, or take the variable out`,
      { see: cache.path },
    ),
  )
}

function clientVariables(edits: unknown): string[] {
  const { set, add } = fieldsOf(edits)
  const texts = [...Object.values(fieldsOf(set)), ...Object.values(fieldsOf(add))]
  const used = texts.flatMap(text =>
    typeof text === 'string' ? variablesOf(text).map(name => name.split('.')[0]) : [],
  )
  return [...new Set(used.filter(name => OF_CLIENTS.includes(name)))]
}

function keyProblems({ options, path }: PlacedLayer): Problem[] {
  const at: Path = [...path, 'cache', 'key', 'headers']
  return listOf(fieldsOf(fieldsOf(options).key).headers).flatMap((name, index) => {
    const field = String(name).toLowerCase()
    if (field === 'cookie')
      return [
        warning(
          [...at, index],
          'nearly every client has other cookies, and none would ever hit: name those that matter with key: { cookies: [...] }',
        ),
      ]
    if (field !== 'authorization') return []
    return [
      warning(
        [...at, index],
        'each user gets a part of the store, and no more is stored than without it: a response to a request with Authorization is kept only when it says public, s-maxage or must-revalidate (RFC 9111 §3.5)',
      ),
    ]
  })
}

function storeProblems({ options, path }: PlacedLayer): Problem[] {
  const { memory, disk, ignore, key } = fieldsOf(options)
  const { headers, cookies } = fieldsOf(key)
  const nowhere =
    (memory === 0 || memory === '0') && disk === undefined
      ? [fault([...path, 'cache', 'memory'], 'nothing could be stored: write disk, or take memory: 0 out')]
      : []
  const at = listOf(ignore).indexOf('private')
  const shared = at !== -1 && listOf(headers).length === 0 && listOf(cookies).length === 0
  return shared
    ? [
        ...nowhere,
        warning(
          [...path, 'cache', 'ignore', at],
          'what is meant for one user is given to all: name with key what tells them apart, or take "private" out',
        ),
      ]
    : nowhere
}

/** One folder has one size. */
function sizeProblems(caches: readonly PlacedLayer[]): Problem[] {
  const sized = caches.flatMap(({ options, path }) => {
    const { disk } = fieldsOf(options)
    const { folder, size } = typeof disk === 'string' ? { folder: disk, size: undefined } : fieldsOf(disk)
    return typeof folder === 'string' ? [{ folder, size, path: [...path, 'cache', 'disk'] }] : []
  })
  return sized.flatMap(({ folder, size, path }, index) => {
    const other = sized.slice(0, index).find(each => each.folder === folder && each.size !== size)
    if (other === undefined) return []
    return [
      fault(
        path,
        `${pathText(other.path)} gives this folder another size: write the same, or another folder`,
        {
          see: other.path,
        },
      ),
    ]
  })
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {}
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? Array.from(value) : []
}
