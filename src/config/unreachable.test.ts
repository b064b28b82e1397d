import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readHost } from '../http/request-target.ts'
import { Router } from '../server/router.ts'
import { type Conditions, unreachableRoutes } from './unreachable.ts'

const route = (host: string | string[], path: string | string[] = [], method: string[] = []): Conditions => ({
  hosts: [host].flat(),
  paths: [path].flat(),
  methods: method,
})

const ANY = route([])

const CASES: [
  what: string,
  routes: (Conditions | null)[],
  wanted: [route: number, takenBy: number | null][],
][] = [
  ['a route for everything', [ANY, route('a')], [[1, 0]]],
  ['a star is everything', [route('*', '/*'), route('a', '/b')], [[1, 0]]],
  ['the same twice', [route('a', '/b'), route('A.', '/b')], [[1, 0]]],
  ['the special before the general', [route('a', '/b'), route('a'), ANY], []],
  [
    'a wildcard takes names below it, not itself',
    [route('*.a.b'), route('x.a.b'), route('x.y.a.b'), route('a.b')],
    [
      [1, 0],
      [2, 0],
    ],
  ],
  ['a wildcard takes a narrower one', [route('*.b'), route('*.a.b'), route('*.c')], [[1, 0]]],
  [
    'a host takes itself with a port, not the other way round',
    [route('a:80'), route('a'), route('a:81')],
    [[2, 1]],
  ],
  [
    'a folder takes itself and all below',
    [route('a', '/x/*'), route('a', '/x'), route('a', '/x/y/*'), route('a', '/xy')],
    [
      [1, 0],
      [2, 0],
    ],
  ],
  ['a path alone does not take its folder', [route('a', '/x'), route('a', '/x/*')], []],
  ['methods', [route('a', [], ['GET', 'HEAD']), route('a', [], ['HEAD']), route('a')], [[1, 0]]],
  ['every alternative has to be taken', [route(['a', 'b']), route(['b', 'c']), route(['a', 'b'])], [[2, 0]]],
  ['several routes together', [route('a'), route('b'), route(['b', 'a'])], [[2, null]]],
  ['a route that is not understood takes nothing', [null, route('a'), null], []],
]

test('routes that no request reaches', () => {
  for (const [what, routes, wanted] of CASES) {
    assert.deepEqual(
      unreachableRoutes(routes).map(({ route, takenBy }) => [route, takenBy]),
      wanted,
      what,
    )
  }
})

test('the router never picks a route that is said to be out of reach', () => {
  const some = <T>(values: readonly T[]) => fc.uniqueArray(fc.constantFrom(...values), { maxLength: 2 })
  const conditions = fc.record({
    hosts: some(['a.b', '*.b', '*.a.b', 'a.b:80', 'x.a.b:81', '*']),
    paths: some(['/', '/x', '/x/*', '/x/y', '/x/y/*', '/*']),
    methods: some(['GET', 'POST']),
  })
  const requests = fc.tuple(
    fc.constantFrom('a.b', 'x.a.b', 'y.b', 'x.a.b:81', 'a.b:80', 'z'),
    fc.constantFrom('/', '/x', '/x/', '/x/y', '/x/y/z', '/xy'),
    fc.constantFrom('GET', 'POST', 'PUT'),
  )
  fc.assert(
    fc.property(
      fc.array(conditions, { minLength: 1, maxLength: 5 }),
      fc.array(requests, { maxLength: 20 }),
      (routes, asked) => {
        const handler = { handle() {} }
        const router = new Router(routes.map((each, index) => ({ ...each, handler, place: String(index) })))
        const out = new Set(unreachableRoutes(routes).map(each => String(each.route)))
        for (const [host, path, method] of asked) {
          const name = readHost(host)
          assert.ok(!out.has(router.find(method, name.host, name.port, path)?.place ?? ''))
        }
      },
    ),
    { numRuns: 1000 },
  )
})
