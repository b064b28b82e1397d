/** What can be written wrong about retries, health, checks and timeouts, and what a person reads about it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkData } from './check.ts'
import { pathText } from './problems.ts'

function problemsOf(upstream: object, route: object = { to: 'shop' }): string[] {
  const data = {
    upstreams: { shop: { servers: ['a', 'b'], ...upstream } },
    listeners: [{ listen: 0, routes: [route] }],
  }
  return checkData(data, '.').problems.map(({ path, message }) => `${pathText(path)}: ${message}`)
}

const HERE = 'upstreams.shop'
const CASES: readonly [object, string][] = [
  [
    { retry: { attempts: 0 } },
    `${HERE}.retry.attempts: 0 is not a whole number from 1 to 20: write for example 3`,
  ],
  [
    { retry: { on: ['refused'] } },
    `${HERE}.retry.on[0]: "refused" is not known here: write "connect", "reset", "timeout" or a status from 502 to 504`,
  ],
  [
    { retry: { on: ['reset', 404] } },
    `${HERE}.retry.on[1]: 404 is not known here: write "connect", "reset", "timeout" or a status from 502 to 504`,
  ],
  [
    { retry: { on: 'reset' } },
    `${HERE}.retry.on: "reset" is not a list of faults: write for example ['connect', 'reset', 503]`,
  ],
  [
    { retry: { methods: 'any' } },
    `${HERE}.retry.methods: "any" is not known here: write one of "idempotent", "all"`,
  ],
  [
    { retry: { tryTimeout: '2s' } },
    `${HERE}.retry.tryTimeout: nothing is tried again when this time is over: write on: ['connect', 'reset', 'timeout']`,
  ],
  [
    { retry: { tryTimeout: '0s', on: ['timeout'] } },
    `${HERE}.retry.tryTimeout: "0s" leaves no time at all: write for example "10s"`,
  ],
  [
    { retry: { budget: 120 } },
    `${HERE}.retry.budget: 120 is not a whole number from 0 to 100: write for example 20`,
  ],
  [
    { retry: { retries: 2 } },
    `${HERE}.retry.retries: unknown key "retries": write attempts (it counts the first time too)`,
  ],
  [
    { retry: 3 },
    `${HERE}.retry: 3 is not an object with retries: write for example { attempts: 3, on: ['connect', 'reset', 503] }`,
  ],
  [
    { health: { on: [404] } },
    `${HERE}.health.on[0]: 404 is not known here: write "connect", "reset", "timeout" or a status from 500 to 599`,
  ],
  [
    { health: { failures: -1 } },
    `${HERE}.health.failures: -1 is not a whole number from 0 to 1000000: write for example 3`,
  ],
  [{ health: { path: '/up' } }, `${HERE}.health.path: unknown key "path": write check: { path: '/health' }`],
  [{ healthCheck: {} }, `${HERE}.healthCheck: unknown key "healthCheck": write check: { path: '/health' }`],
  [{ check: { path: 'health' } }, `${HERE}.check.path: "health" is not a path: write for example "/health"`],
  [{ check: { path: '/a b' } }, `${HERE}.check.path: "/a b" is not a path: write for example "/health"`],
  [
    { check: { path: '/\r\nX: 1' } },
    `${HERE}.check.path: "/\\r\\nX: 1" is not a path: write for example "/health"`,
  ],
  [
    { check: { path: '/', host: 'a\r\nX: 1' } },
    `${HERE}.check.host: "a\\r\\nX: 1" is not a host: write for example "shop.example.com"`,
  ],
  [
    { check: { path: '/', status: 20 } },
    `${HERE}.check.status: 20 is not a status: write for example 200 or "2xx"`,
  ],
  [
    { check: { path: '/', status: 'ok' } },
    `${HERE}.check.status: "ok" is not a status: write for example 200 or "2xx"`,
  ],
  [
    { check: { body: 'ok' } },
    `${HERE}.check.body: nothing is asked without a path: write path: '/health' beside body`,
  ],
  [
    { check: { path: '/', method: 'HEAD', body: 'ok' } },
    `${HERE}.check.body: an answer to HEAD has no body: write method: 'GET'`,
  ],
  [
    { check: { path: '/', headers: { Host: 'x' } } },
    `${HERE}.check.headers.Host: write host: '...' beside headers`,
  ],
  [
    { check: { path: '/', headers: { 'Transfer-Encoding': 'chunked' } } },
    `${HERE}.check.headers["Transfer-Encoding"]: "Transfer-Encoding" is written by Sluice itself, as the message needs it: take it out`,
  ],
  [
    { check: { path: '/', headers: { expect: '100-continue' } } },
    `${HERE}.check.headers.expect: a check has no body to wait with: take it out`,
  ],
  [{ check: { uri: '/' } }, `${HERE}.check.uri: unknown key "uri": write path`],
  [{ check: { interval: '0' } }, `${HERE}.check.interval: "0" leaves no time at all: write for example "5s"`],
  [{ slowStart: 30 }, `${HERE}.slowStart: 30 is not a duration: write for example "0s"`],
]

for (const [upstream, expected] of CASES)
  test(JSON.stringify(upstream), () => assert.deepEqual(problemsOf(upstream), [expected]))

const ROUTE = 'listeners[0].routes[0]'
const ROUTES: readonly [object, string[]][] = [
  [{ to: 'shop', timeouts: { head: '5s', total: '1m' }, retry: { attempts: 1 } }, []],
  [
    { respond: 'x', timeouts: { total: '1m' }, retry: {} },
    [
      `${ROUTE}.timeouts: timeouts is for routes that ask a server: write to: '...' or take it out`,
      `${ROUTE}.retry: retry is for routes that ask a server: write to: '...' or take it out`,
      'upstreams.shop: no route leads here',
    ],
  ],
  [
    { to: 'shop', retry: { budget: 5 } },
    [`${ROUTE}.retry.budget: unknown key "budget": it belongs to the upstream, whose routes share it`],
  ],
  [
    { to: 'shop', timeouts: { try: '5s' } },
    [`${ROUTE}.timeouts.try: unknown key "try": write retry: { tryTimeout: '...' }`],
  ],
]
for (const [route, expected] of ROUTES)
  test(JSON.stringify(route), () => assert.deepEqual(problemsOf({}, route), expected))

test('everything that is fine', () => {
  const upstreams = [
    { retry: { attempts: 1, on: [], methods: 'all', budget: 0 } },
    { retry: { on: ['timeout', 502, 503, 504], tryTimeout: '1s' } },
    { health: { failures: 0 }, check: {}, slowStart: '0s' },
    { health: { on: ['connect', 500, 599] } },
    {
      check: {
        path: '/a?b=c',
        status: [200, '3xx'],
        method: 'OPTIONS',
        host: '[::1]:80',
        headers: { 'x-a': 'b' },
      },
    },
  ]
  for (const upstream of upstreams) assert.deepEqual(problemsOf(upstream), [])
})
