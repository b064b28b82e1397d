/**
 * The `cache` layer in a config.
 * Strategy: what is left out follows the standard; what breaks it says so in its description, which is what editors
 * and documents show.
 */
import { createHash } from 'node:crypto'
import { resolve } from 'node:path'
import { z } from 'zod'
import { Cache, type OpenStore } from '../../cache/cache.ts'
import { DiskStore } from '../../cache/disk-store.ts'
import { MemoryStore } from '../../cache/memory-store.ts'
import { CACHE_DEFAULTS, type CacheOptions, type KeyOptions, type TtlRule } from '../../cache/options.ts'
import { TieredStore } from '../../cache/tiered-store.ts'
import { checkTypePattern, typeMatcher } from '../../layers/media-types.ts'
import { bytesOf, defined, msOf } from '../option-values.ts'
import { choice, count, duration, fieldName, list, object, size, text, wrongType } from '../schema-parts.ts'
import { type Behind, layerConfig } from './layer-config.ts'

/** Fits every disk that is worth a cache; one that grows until the disk is full takes the machine down with it. */
export const DISK_BYTES = 1024 ** 3
/** With less, a database without entries is too large already, and nothing would ever be stored. */
const DISK_BYTES_MIN = 1024 ** 2

const VARIANTS_MAX = 1000
/** Of a digest: enough that no two configs ever meet. */
const SPACE_DIGITS = 16

const folder = text('the name of a folder', './cache', name => {
  if (name === '' || name.includes('\0'))
    throw new RangeError(`${JSON.stringify(name)} is not the name of a folder: write for example "./cache"`)
})

const DISK = "'./cache', or { folder: './cache', size: '10GB' }"
const disk = z
  .union(
    [
      folder,
      object(
        {
          folder: folder.meta({
            description:
              'Made when it is missing; relative to the config file. Several caches may share one.',
          }),
          size: size(
            'How much may be stored there, all caches with this folder together.',
            '1GB',
            DISK_BYTES_MIN,
          ).optional(),
        },
        'a folder with its size',
        "{ folder: './cache', size: '10GB' }",
        { path: 'write folder', dir: 'write folder', max: 'write size', bytes: 'write size' },
      ),
    ],
    { error: wrongType('a folder', DISK) },
  )
  .meta({
    description: 'A folder for what shall outlive a restart, shared by all workers. Left out: memory only.',
  })

const notMemory = wrongType('a size', '"64MB", or 0 for none')
/** Numbers without a unit say nothing but none at all. */
const none = z
  .number({ error: notMemory })
  .min(0, { error: notMemory })
  .max(0, { error: notMemory }) as unknown as z.ZodType<0, 0>
const memory = z
  .union([size('', '64MB', 0), none], { error: notMemory })
  .meta({ description: 'How much is kept in memory, by all workers together; 0: nothing is.' })

const statusError = ({ input }: { readonly input?: unknown }) =>
  `${JSON.stringify(input) ?? 'nothing'} is not a status: write for example 404`
const status = z
  .number({ error: statusError })
  .int({ error: statusError })
  .min(200, { error: statusError })
  .max(599, { error: statusError })
const mediaType = text('a media type', 'image/*', checkTypePattern)

const rule = object(
  {
    status: z
      .union([status, list(status, 'statuses', '[404, 410]')], { error: statusError })
      .optional()
      .meta({ description: 'The statuses it is for. Left out: every status.' }),
    type: z
      .union([mediaType, list(mediaType, 'media types', "['image/*']")], {
        error: wrongType('a media type', "'image/*'"),
      })
      .optional()
      .meta({
        description: 'The media types it is for: `image/png`, `image/*`, `+json`. Left out: every type.',
      }),
    ttl: duration(
      'How long they are fresh; 0: they are not stored. Against the standard where the response itself says something else (RFC 9111 §4.2.1).',
      '1h',
    ),
  },
  'a rule',
  "{ type: 'image/*', ttl: '1h' }",
  {
    statuses: 'write status (it takes a list too)',
    types: 'write type (it takes a list too)',
    maxAge: 'write ttl',
  },
).superRefine(({ status, type }, context) => {
  if (status === undefined && type === undefined)
    context.addIssue({ code: 'custom', message: 'it would be for every response: write status or type' })
})

const parameter = text('the name of a parameter', 'page', name => {
  if (name === '' || /[&=#]/.test(name))
    throw new RangeError(`${JSON.stringify(name)} is not the name of a parameter: write for example "page"`)
})
const parameters = list(parameter, 'parameters', "['page']")
const QUERY = "'all', 'none', { only: ['page'] } or { without: ['utm_source'] }"
const notQuery = wrongType('a choice of parameters', QUERY)
const allOrNone = text<'all' | 'none'>(
  'a choice of parameters',
  'all',
  word => {
    if (word !== 'all' && word !== 'none') throw new RangeError(notQuery({ input: word }))
  },
  { enum: ['all', 'none'] },
)
const query = z
  .union(
    [
      allOrNone,
      object(
        {
          only: parameters.optional().meta({ description: 'These and no others.' }),
          without: parameters.optional().meta({ description: 'All but these.' }),
        },
        'an object with only or without',
        "{ only: ['page'] }",
      ).superRefine(({ only, without }, context) => {
        if ((only === undefined) === (without === undefined))
          context.addIssue({ code: 'custom', message: 'write one of only and without' })
      }),
    ],
    { error: notQuery },
  )
  .meta({
    description:
      'Which parameters of the query tell resources apart: `all`, `none`, `{ only: [...] }` or `{ without: [...] }`. Anything but `all` is against the standard (RFC 9111 §2): write it only where the others change nothing.',
  })

const cookieName = text('the name of a cookie', 'language', name => {
  if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name))
    throw new RangeError(`${JSON.stringify(name)} is not the name of a cookie: write for example "language"`)
})

const key = object(
  {
    query: query.optional(),
    sortQuery: z
      .boolean({ error: wrongType('true or false', 'true') })
      .optional()
      .meta({
        description:
          'Whether `?a=1&b=2` and `?b=2&a=1` are one resource. Against the standard (RFC 3986 §6.2): write it only where their order changes nothing.',
      }),
    headers: list(fieldName, 'header names', "['x-country']").optional().meta({
      description: 'Fields of the request whose values tell responses apart, as if Vary named them.',
    }),
    cookies: list(cookieName, 'names of cookies', "['language']")
      .optional()
      .meta({ description: 'Cookies of the request whose values tell responses apart.' }),
  },
  'an object with query, sortQuery, headers or cookies',
  "{ query: { without: ['utm_source'] } }",
  { header: 'write headers, a list', cookie: 'write cookies, a list', params: 'write query' },
).meta({ description: 'What belongs to the key beside host, port and path.' })

const part = z
  .number({ error: wrongType('a part of 1', '0.1') })
  .min(0, { error: wrongType('a part of 1', '0.1') })
  .max(1, { error: wrongType('a part of 1', '0.1') })

const notHeuristic = wrongType('a heuristic', "false, or { fraction: 0.1, most: '24h' }")
/** Off; on goes without saying. */
const off = z
  .boolean({ error: notHeuristic })
  .refine(value => !value, { error: notHeuristic })
  .meta({ const: false }) as unknown as z.ZodType<false, false>
const heuristic = z
  .union(
    [
      off,
      object(
        {
          fraction: part.optional().meta({
            description: 'This part of the time since Last-Modified counts as fresh.',
            examples: [0.1],
          }),
          most: duration('The longest freshness that is concluded so.', '24h').optional(),
        },
        'an object with fraction or most',
        "{ fraction: 0.1, most: '24h' }",
        { max: 'write most', percent: 'write fraction: 0.1 for 10 %' },
      ),
    ],
    { error: notHeuristic },
  )
  .meta({
    description:
      'How fresh a response is that does not say so but has Last-Modified (RFC 9111 §4.2.2); `false`: not at all.',
  })

export const IGNORED = [
  'request-directives',
  'no-store',
  'private',
  'no-cache',
  'vary',
  'must-revalidate',
] as const

const shape = {
  memory: memory.optional(),
  disk: disk.optional(),
  maxObject: size('Larger responses are passed on and not stored.', '16MB', 0).optional(),
  filling: size(
    'Responses on their way into the store, together and in each worker; with more, others pass by.',
    '64MB',
    0,
  ).optional(),
  finish: size(
    'When a client leaves: a response that has at most so much left is fetched to its end all the same.',
    '1MB',
    0,
  ).optional(),
  defaultTtl: duration(
    'How long a response is fresh that says nothing of it and has no Last-Modified. Left out: it is not stored.',
    '1m',
  ).optional(),
  heuristic: heuristic.optional(),
  rules: list(rule, 'rules', "[{ type: 'image/*', ttl: '1h' }]")
    .optional()
    .meta({ description: 'Freshness by status or type; the first rule that fits counts.' }),
  key: key.optional(),
  staleWhileRevalidate: duration(
    'How long after its freshness a response is served while it is validated behind the clients, where it does not say so itself (RFC 5861 §3).',
    '30s',
  ).optional(),
  staleIfError: duration(
    'How long after its freshness a response is served when its server answers 500, 502, 503 or 504, where it does not say so itself (RFC 5861 §4).',
    '5m',
  ).optional(),
  staleWhenDown: duration(
    'How long after its freshness a response is served while no server can be reached (RFC 9111 §4.2.4); never what says must-revalidate.',
    '24h',
  ).optional(),
  ignore: list(choice('A rule of the standard.', IGNORED), 'rules', "['request-directives']")
    .optional()
    .meta({
      description:
        'Rules that are not kept. Each is against the standard: `request-directives` (clients cannot ask for fresher, RFC 9111 §5.2.1), `no-store`, `private`, `no-cache` (what a response says is not heeded, §5.2.2), `vary` (one variant for all, §4.1), `must-revalidate` (stale all the same, §5.2.2.2).',
    }),
  methods: list(choice('A method.', ['GET', 'HEAD']), 'methods', "['GET', 'HEAD']")
    .optional()
    .meta({ description: 'Methods that are answered from the store: `GET` and `HEAD` unless written.' }),
  targeted: z
    .array(fieldName, { error: wrongType('a list of header names', "['CDN-Cache-Control']") })
    .optional()
    .meta({
      description:
        'Fields that speak to this cache in the place of Cache-Control; the first that is there and whole counts (RFC 9213). `CDN-Cache-Control` unless written; `[]`: none.',
    }),
  setCookie: choice(
    'What becomes of responses with Set-Cookie: `store` keeps them with their cookie where they may be stored (RFC 9111 §7.3), `refuse` does not keep them.',
    ['store', 'refuse'],
  ).optional(),
  status: choice(
    'How much Cache-Status tells clients (RFC 9211): nothing, what happened, or with key and reason.',
    ['off', 'short', 'full'],
  ).optional(),
  variants: count('Variants kept of one resource.', 64, 1, VARIANTS_MAX).optional(),
  uncacheable: duration(
    'How long it is remembered that a resource cannot be stored: meanwhile its requests do not wait for each other.',
    '10s',
  ).optional(),
}

const schema = object(shape, 'a set of options', "{ memory: '256MB', disk: './cache' }", {
  size: "write memory: '64MB' or disk: { folder: './cache', size: '1GB' }",
  path: 'write disk',
  dir: 'write disk',
  ttl: 'write defaultTtl, or rules',
  maxAge: 'write defaultTtl, or rules',
  max: 'write maxObject',
  maxSize: 'write maxObject',
  vary: "write key: { headers: ['...'] }",
  query: 'write key: { query: ... }',
  cookies: 'write key: { cookies: [...] }',
  headers: 'write key: { headers: [...] }',
  stale: 'write staleWhileRevalidate, staleIfError or staleWhenDown',
  tags: 'responses name theirs in Cache-Tag or Surrogate-Key',
}).meta({ description: 'Answers from what is stored of earlier responses (RFC 9111).' })

export type CacheData = z.output<typeof schema>

const secondsOf = (written: string | undefined): number | undefined =>
  written === undefined ? undefined : (msOf(written) ?? 0) / 1000

/** Options of a checked config → what the cache takes. `base`: what relative names are relative to. */
export function cacheOptions(given: CacheData, base: string): CacheOptions {
  const { heuristic } = given
  const heuristicFraction = heuristic === false ? 0 : heuristic?.fraction
  return {
    ...CACHE_DEFAULTS,
    ...defined({
      memoryBytes: given.memory === 0 ? 0 : bytesOf(given.memory),
      disk: given.disk === undefined ? undefined : diskOf(given.disk, base),
      objectBytesMax: bytesOf(given.maxObject),
      fillingBytesMax: bytesOf(given.filling),
      finishBytesMax: bytesOf(given.finish),
      defaultTtlS: secondsOf(given.defaultTtl),
      heuristicFraction,
      heuristicMaxS: heuristic === false ? undefined : secondsOf(heuristic?.most),
      rules: given.rules?.map(ruleOf),
      staleWhileRevalidateS: secondsOf(given.staleWhileRevalidate),
      staleIfErrorS: secondsOf(given.staleIfError),
      staleWhenDownS: secondsOf(given.staleWhenDown),
      ignore: given.ignore === undefined ? undefined : new Set(given.ignore),
      methods: given.methods === undefined ? undefined : new Set<string>(given.methods),
      targeted: given.targeted?.map(name => name.toLowerCase()),
      setCookie: given.setCookie,
      status: given.status,
      variantsMax: given.variants,
      uncacheableMs: msOf(given.uncacheable),
    }),
    key: keyOf(given.key ?? {}),
  }
}

function diskOf(given: NonNullable<CacheData['disk']>, base: string): CacheOptions['disk'] {
  const { folder, size = undefined } = typeof given === 'string' ? { folder: given } : given
  return { folder: resolve(base, folder), bytes: bytesOf(size) ?? DISK_BYTES }
}

function ruleOf({ status, type, ttl }: NonNullable<CacheData['rules']>[number]): TtlRule {
  return {
    statuses: status === undefined ? null : new Set([status].flat()),
    type: type === undefined ? null : typeMatcher([type].flat()),
    ttlS: secondsOf(ttl) ?? 0,
  }
}

function keyOf({
  query = 'all',
  sortQuery = false,
  headers = [],
  cookies = [],
}: NonNullable<CacheData['key']>): KeyOptions {
  return {
    query:
      typeof query === 'string'
        ? query
        : query.only === undefined
          ? { without: new Set(query.without) }
          : { only: new Set(query.only) },
    sortQuery,
    headers: headers.map(name => name.toLowerCase()),
    cookies,
  }
}

/** Called when a worker begins to serve: memory, a disk, or memory in front of a disk. */
const storeOf: OpenStore = ({ memoryBytes, disk, variantsMax }, space, start) => {
  if (disk === null) return new MemoryStore(memoryBytes, { variantsMax })
  const { folder, bytes } = disk
  const onDisk = DiskStore.open({
    folder,
    bytesMax: bytes,
    space,
    variantsMax,
    warn: line => start.warn(line),
  })
  start.opening?.(onDisk.ready)
  if (memoryBytes === 0) return onDisk
  return new TieredStore(new MemoryStore(memoryBytes, { variantsMax, allVariants: true }), onDisk)
}

/** Nothing is opened or begun before `start`. */
export const cacheConfig = layerConfig(schema, (given, { folder, behind, caches, openStore = storeOf }) => {
  const cache = new Cache(cacheOptions(given, folder), spaceOf(given, behind), openStore as OpenStore)
  caches.push(cache)
  return cache.layer
})

/**
 * What two caches may share: those with the same space have the same behind them, and tell resources and users apart
 * alike. It names entries on the disk, so it stays the same over restarts, and whatever sizes and times are set to.
 */
function spaceOf({ key, ignore, setCookie, methods }: CacheData, { name, parts }: Behind): string {
  const text = JSON.stringify([parts, key ?? {}, [...(ignore ?? [])].sort(), setCookie ?? '', methods ?? []])
  return `${name}-${createHash('sha256').update(text).digest('hex').slice(0, SPACE_DIGITS)}`
}

/**
 * Whether what changes behind one may be stored by the other: they ask the same upstream. Their spaces may differ, as
 * after a reload.
 */
export const sameServers = (one: string, other: string): boolean =>
  one.slice(0, -SPACE_DIGITS) === other.slice(0, -SPACE_DIGITS)
