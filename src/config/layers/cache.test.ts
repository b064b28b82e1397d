/** What people write about a cache: what it becomes, and what they read when it is wrong or stands in the wrong place. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CACHE_DEFAULTS, type CacheOptions } from '../../cache/options.ts'
import { buildPlan } from '../build.ts'
import { checkData } from '../check.ts'
import { pathText } from '../problems.ts'
import type { RouteData } from '../schema.ts'

const PATH = 'listeners[0].routes[0].'

function problems(level: 'fault' | 'warning', ...layers: unknown[]): string[] {
  const data = { upstreams: { shop: 'a:1' }, listeners: [{ listen: 0, routes: [{ layers, to: 'shop' }] }] }
  return checkData(data, '/srv')
    .problems.filter(problem => problem.level === level)
    .map(({ path, message }) => `${pathText(path).replace(PATH, '')}: ${message}`)
}

const faults = (cache: unknown): string[] =>
  problems('fault', { cache }).map(line => line.replace(/^layers\[0\]\.cache\.?/, ''))

function plan(...routes: RouteData[]) {
  const config = { upstreams: { shop: 'a:1', other: 'b:1' }, listeners: [{ listen: 0, routes }] }
  return buildPlan(config, { folder: '/srv', placeOf: () => '' })
}

const cachesOf = (...routes: RouteData[]) => plan(...routes).caches

const optionsOf = (cache: object): CacheOptions => cachesOf({ layers: [{ cache }], to: 'shop' })[0].options

test('what is left out is the default', () => {
  assert.deepEqual(faults({}), [])
  assert.deepEqual(optionsOf({}), CACHE_DEFAULTS)
})

const MB = 1024 ** 2
const WRITTEN: readonly [written: object, options: Partial<CacheOptions>][] = [
  [{ memory: '1GB' }, { memoryBytes: 1024 * MB }],
  [
    { memory: 0, disk: 'c' },
    { memoryBytes: 0, disk: { folder: '/srv/c', bytes: 1024 * MB } },
  ],
  [
    { memory: '0', disk: '/c' },
    { memoryBytes: 0, disk: { folder: '/c', bytes: 1024 * MB } },
  ],
  [{ disk: { folder: './c', size: '2MB' } }, { disk: { folder: '/srv/c', bytes: 2 * MB } }],
  [
    { maxObject: '1MB', filling: '2MB', finish: '0' },
    { objectBytesMax: MB, fillingBytesMax: 2 * MB, finishBytesMax: 0 },
  ],
  [{ defaultTtl: '1500ms' }, { defaultTtlS: 1.5 }],
  [{ defaultTtl: '0' }, { defaultTtlS: 0 }],
  [{ heuristic: false }, { heuristicFraction: 0 }],
  [{ heuristic: { fraction: 0.2 } }, { heuristicFraction: 0.2 }],
  [{ heuristic: { most: '1h' } }, { heuristicMaxS: 3600 }],
  [
    { staleWhileRevalidate: '1s', staleIfError: '2s', staleWhenDown: '0' },
    { staleWhileRevalidateS: 1, staleIfErrorS: 2, staleWhenDownS: 0 },
  ],
  [{ ignore: ['vary', 'no-cache'] }, { ignore: new Set(['vary', 'no-cache'] as const) }],
  [{ methods: ['GET'] }, { methods: new Set(['GET']) }],
  [{ targeted: ['Sluice-Cache-Control'] }, { targeted: ['sluice-cache-control'] }],
  [{ targeted: [] }, { targeted: [] }],
  [
    { setCookie: 'refuse', status: 'full' },
    { setCookie: 'refuse', status: 'full' },
  ],
  [
    { variants: 2, uncacheable: '1m' },
    { variantsMax: 2, uncacheableMs: 60_000 },
  ],
  [
    { key: { query: 'none', sortQuery: true, headers: ['X-A'], cookies: ['Lang'] } },
    { key: { query: 'none', sortQuery: true, headers: ['x-a'], cookies: ['Lang'] } },
  ],
  [{ key: { query: { only: ['a'] } } }, { key: { ...CACHE_DEFAULTS.key, query: { only: new Set(['a']) } } }],
  [
    { key: { query: { without: ['u'] } } },
    { key: { ...CACHE_DEFAULTS.key, query: { without: new Set(['u']) } } },
  ],
]

test('what is written is what the cache is told', () => {
  for (const [written, options] of WRITTEN) {
    assert.deepEqual(faults(written), [], JSON.stringify(written))
    assert.deepEqual(optionsOf(written), { ...CACHE_DEFAULTS, ...options }, JSON.stringify(written))
  }
})

test('every option of the cache can be written', () => {
  const written = new Set(WRITTEN.flatMap(([, options]) => Object.keys(options)))
  const others = Object.keys(CACHE_DEFAULTS).filter(name => !written.has(name))
  assert.deepEqual(others, ['rules'], 'rules have a test of their own')
})

test('rules say how long by status or type', () => {
  const { rules } = optionsOf({
    rules: [
      { status: 404, ttl: '10s' },
      { status: [301, 308], type: ['image/*', '+json'], ttl: '1h' },
      { type: 'text/html', ttl: '0' },
    ],
  })
  assert.deepEqual(
    rules.map(({ statuses, ttlS }) => [statuses && [...statuses], ttlS]),
    [
      [[404], 10],
      [[301, 308], 3600],
      [null, 0],
    ],
  )
  assert.equal(rules[0].type, null)
  assert.deepEqual(
    ['image/png', 'application/x+json', 'text/html'].map(type => rules[1].type?.(type)),
    [true, true, false],
  )
})

const BAD: readonly [cache: unknown, fault: RegExp][] = [
  [true, /^: true is not a set of options: write for example/],
  [{ memory: '64' }, /^memory: "64" is not a size/],
  [{ memory: 64 }, /^memory: 64 is not a size: write for example "64MB", or 0 for none$/],
  [{ memory: 0 }, /^memory: nothing could be stored: write disk, or take memory: 0 out$/],
  [{ disk: true }, /^disk: true is not a folder: write for example '\.\/cache', or \{ folder/],
  [{ disk: '' }, /^disk: "" is not the name of a folder/],
  [{ disk: { folder: 'c', size: '0' } }, /^disk\.size: "0" is too little/],
  [{ disk: { folder: 'c', size: '1KB' } }, /^disk\.size: "1KB" is too little: write at least "1MB"$/],
  [{ disk: { folder: 'c', max: '1GB' } }, /^disk\.max: unknown key "max": write size$/],
  [{ maxObject: 'lots' }, /^maxObject: "lots" is not a size/],
  [{ defaultTtl: 60 }, /^defaultTtl: 60 is not a duration/],
  [{ heuristic: true }, /^heuristic: true is not a heuristic: write for example false, or \{ fraction/],
  [{ heuristic: { fraction: 10 } }, /^heuristic\.fraction: 10 is not a part of 1: write for example 0\.1$/],
  [{ rules: [] }, /^rules: an empty list/],
  [{ rules: [{ ttl: '1h' }] }, /^rules\[0\]: it would be for every response: write status or type$/],
  [{ rules: [{ status: 404 }] }, /^rules\[0\]\.ttl: missing/],
  [{ rules: [{ status: 99, ttl: '1h' }] }, /^rules\[0\]\.status: 99 is not a status/],
  [{ rules: [{ type: 'png', ttl: '1h' }] }, /^rules\[0\]\.type: "png" is not a media type/],
  [
    { key: { query: 'some' } },
    /^key\.query: "some" is not a choice of parameters: write for example 'all', 'none', \{ only/,
  ],
  [{ key: { query: { only: [] } } }, /^key\.query\.only: an empty list/],
  [{ key: { query: { only: ['a'], without: ['b'] } } }, /^key\.query: write one of only and without$/],
  [{ key: { query: {} } }, /^key\.query: write one of only and without$/],
  [{ key: { query: { only: ['a=b'] } } }, /^key\.query\.only\[0\]: "a=b" is not the name of a parameter/],
  [{ key: { headers: ['a b'] } }, /^key\.headers\[0\]/],
  [{ key: { cookies: ['a=b'] } }, /^key\.cookies\[0\]: "a=b" is not the name of a cookie/],
  [{ ignore: ['nostore'] }, /^ignore\[0\]: "nostore" is not known here: did you mean "no-store"\?$/],
  [{ methods: ['POST'] }, /^methods\[0\]: "POST" is not known here: write one of "GET", "HEAD"$/],
  [{ targeted: ['a b'] }, /^targeted\[0\]/],
  [{ setCookie: 'drop' }, /^setCookie: "drop" is not known here: write one of "store", "refuse"$/],
  [{ variants: 0 }, /^variants: 0 is not a whole number from 1 to 1000/],
  [{ ttl: '1h' }, /unknown key "ttl": write defaultTtl, or rules$/],
  [{ size: '1GB' }, /unknown key "size": write memory/],
]

test('what cannot be is told with its place and what to write instead', () => {
  for (const [cache, fault] of BAD) {
    const [first, ...more] = faults(cache)
    assert.match(first ?? '', fault, JSON.stringify(cache))
    assert.deepEqual(more, [], JSON.stringify(cache))
  }
})

const AUTH = { basicAuth: { users: { a: 'b' } } }
const named = (name: string) => ({ headers: { response: { set: { 'x-a': name } } } })

test('who decides per client stands in front of the cache', () => {
  for (const guard of [AUTH, { ipAllow: ['10.0.0.0/8'] }, { ipDeny: ['10.0.0.0/8'] }]) {
    const [name] = Object.keys(guard)
    assert.deepEqual(problems('fault', guard, { cache: {} }), [])
    assert.deepEqual(problems('fault', { cache: {} }, { bodyLimit: '1MB' }, guard), [
      `layers[2]: what is stored would be given to everyone, whatever ${name} says: put ${name} in front of the cache`,
    ])
  }
})

test('one cache a route', () => {
  assert.deepEqual(problems('fault', { cache: {} }, { compress: {} }, { cache: {} }), [
    'layers[2]: two caches in one route: keep one of them',
  ])
})

const DOUBTS: readonly [layers: unknown[], warning: RegExp | null][] = [
  [[{ cache: {} }, { compress: {} }], null],
  [[{ compress: {} }, { cache: {} }], /^layers\[0\]: every hit is compressed anew/],
  [
    [{ cache: {} }, named('{client}')],
    /^layers\[1\]: \{client\} of one client is stored in the answer for all/,
  ],
  [[{ cache: {} }, named('{header.x-user} {path}')], /\{header\}/],
  [[named('{client}'), { cache: {} }], null],
  [[{ cache: {} }, named('{path}')], null],
  [
    [{ cache: { key: { headers: ['Cookie'] } } }],
    /^layers\[0\]\.cache\.key\.headers\[0\]: .* name those that matter/,
  ],
  [
    [{ cache: { key: { headers: ['x-a', 'authorization'] } } }],
    /^layers\[0\]\.cache\.key\.headers\[1\]: each user/,
  ],
  [
    [{ cache: { ignore: ['vary', 'private'] } }],
    /^layers\[0\]\.cache\.ignore\[1\]: what is meant for one user/,
  ],
  [[{ cache: { ignore: ['private'], key: { cookies: ['session'] } } }], null],
]

test('what is hardly meant is told', () => {
  for (const [layers, warning] of DOUBTS) {
    const found = problems('warning', ...layers)
    assert.deepEqual(problems('fault', ...layers), [])
    if (warning === null) assert.deepEqual(found, [], JSON.stringify(layers))
    else {
      assert.equal(found.length, 1, JSON.stringify(layers))
      assert.match(found[0], warning)
    }
  }
})

test('a route that only reads hears of no change', () => {
  const found = (method: string[] | undefined, layers: object[]) =>
    checkData(
      {
        upstreams: { a: 'a' },
        listeners: [{ listen: 0, routes: [{ method, layers, to: 'a' }, { to: 'a' }] }],
      },
      '/srv',
    ).problems.map(({ path, message }) => `${pathText(path).replace(PATH, '')}: ${message}`)
  assert.match(
    found(['GET', 'HEAD'], [{ cache: {} }])[0],
    /^method: requests that change something do not get here/,
  )
  assert.deepEqual(found(['GET', 'POST'], [{ cache: {} }]), [])
  assert.deepEqual(found(['GET'], [{ compress: {} }]), [])
})

test('a folder has one size', () => {
  const route = (path: string, size: string) => ({
    path,
    layers: [{ cache: { disk: { folder: 'c', size } } }],
    respond: 'x',
  })
  const sizes = (one: string, other: string) =>
    checkData({ listeners: [{ listen: 0, routes: [route('/a', one), route('/b', other)] }] }, '/srv').problems
  assert.deepEqual(sizes('1GB', '1GB'), [])
  assert.match(sizes('1GB', '2GB')[0].message, /gives this folder another size/)
})

const spaces = (...routes: RouteData[]): string[] => cachesOf(...routes).map(({ space }) => space)

test('caches share what is stored when the same lies behind them, and only then', () => {
  const base: RouteData = { layers: [{ cache: {} }, { rewrite: { addPrefix: '/v1' } }], to: 'shop' }
  const [space] = spaces(base)
  assert.match(space, /^shop-[0-9a-f]{16}$/)
  const same: RouteData[] = [
    { ...base, host: 'other.example' },
    { ...base, layers: [{ bodyLimit: '1MB' }, ...base.layers!] },
    { ...base, layers: [{ cache: { memory: '1GB', disk: 'c', defaultTtl: '1h' } }, base.layers![1]] },
  ]
  for (const route of same) assert.deepEqual(spaces(route), [space])
  const others: RouteData[] = [
    { ...base, to: 'other' },
    { ...base, layers: [{ cache: {} }] },
    { ...base, layers: [{ cache: {} }, { rewrite: { addPrefix: '/v2' } }] },
    // Who tells less apart would give away what belongs to others.
    { ...base, layers: [{ cache: { key: { query: 'none' } } }, base.layers![1]] },
    { ...base, layers: [{ cache: { ignore: ['private'] } }, base.layers![1]] },
    { ...base, layers: [{ cache: { setCookie: 'refuse' } }, base.layers![1]] },
    { layers: base.layers, respond: 'x' },
    { layers: base.layers, respond: 'y' },
    { layers: base.layers, redirect: '/x' },
  ]
  const found = [space, ...others.flatMap(route => spaces(route))]
  assert.equal(new Set(found).size, found.length)
})
