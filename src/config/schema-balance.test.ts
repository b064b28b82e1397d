import assert from 'node:assert/strict'
import test from 'node:test'
import { type Balance, STICKY_DEFAULTS } from '../upstream/options.ts'
import { groupOptions } from './build-upstream.ts'
import { checkData } from './check.ts'
import { pathText } from './problems.ts'

const SECRET = '0123456789abcdef'

function check(upstream: Record<string, unknown>) {
  const shop = { servers: ['127.0.0.1:9000'], ...upstream }
  return checkData({ upstreams: { shop }, listeners: [{ listen: 0, routes: [{ to: 'shop' }] }] }, '.')
}

function built(balance: unknown): Balance {
  const { config, problems } = check({ balance })
  assert.ok(config, JSON.stringify(problems))
  return groupOptions('shop', config.upstreams?.['shop'] ?? '').balance
}

const GOOD: readonly (readonly [written: unknown, built: Balance])[] = [
  [undefined, 'round-robin'],
  ['round-robin', 'round-robin'],
  ['least-busy', 'least-busy'],
  ['random-two', 'random-two'],
  ['hash-client', 'hash-client'],
  ['hash-uri', 'hash-uri'],
  [{ hash: { header: 'x-user' } }, { hash: { header: 'x-user' } }],
  [{ hash: { cookie: 'session' } }, { hash: { cookie: 'session' } }],
  ['sticky', { sticky: STICKY_DEFAULTS }],
  [{ sticky: {} }, { sticky: STICKY_DEFAULTS }],
  [
    {
      sticky: {
        cookie: '__Secure-a',
        secret: SECRET,
        maxAge: '8h',
        path: '/shop',
        domain: 'example.com',
        sameSite: 'none',
        secure: true,
        otherwise: 'hash-client',
      },
    },
    {
      sticky: {
        cookie: '__Secure-a',
        secret: SECRET,
        maxAgeMs: 28_800_000,
        path: '/shop',
        domain: 'example.com',
        sameSite: 'none',
        secure: true,
        otherwise: 'hash-client',
      },
    },
  ],
]

test('every way to write it', () => {
  for (const [written, expected] of GOOD) assert.deepEqual(built(written), expected, JSON.stringify(written))
})

const BAD: readonly (readonly [balance: unknown, place: string, message: string])[] = [
  ['leastbusy', '', '"leastbusy" is not known here: did you mean "least-busy"?'],
  [
    'hash',
    '',
    '"hash" is not known here: write one of "round-robin", "least-busy", "random-two", "hash-client", "hash-uri", "sticky"',
  ],
  [7, '', '7 is not a way to spread requests: write for example "least-busy"'],
  [{}, '', 'write exactly one of hash and sticky'],
  [{ hash: { header: 'a' }, sticky: {} }, '', 'write exactly one of hash and sticky'],
  [{ 'least-busy': {} }, '["least-busy"]', 'unknown key "least-busy": write balance: \'least-busy\''],
  [{ hash: {} }, '.hash', 'write exactly one of header and cookie'],
  [{ hash: { header: 'a', cookie: 'b' } }, '.hash', 'write exactly one of header and cookie'],
  [
    { hash: 'client' },
    '.hash',
    '"client" is not an object with header or cookie: write for example { header: \'x-user\' }',
  ],
  [
    { hash: { header: 'x user' } },
    '.hash.header',
    '"x user" is not a header name: letters, digits and "-", for example "x-user"',
  ],
  [
    { hash: { cookie: 'a=b' } },
    '.hash.cookie',
    '"a=b" is not the name of a cookie: write for example "session"',
  ],
  [
    { sticky: { cookie: 'a;b' } },
    '.sticky.cookie',
    '"a;b" is not the name of a cookie: write for example "sluice"',
  ],
  [{ sticky: { name: 'a' } }, '.sticky.name', 'unknown key "name": write cookie'],
  [
    { sticky: { secret: 'short' } },
    '.sticky.secret',
    'a secret of 5 characters can be guessed: write at least 16 by chance',
  ],
  [{ sticky: { maxAge: '0s' } }, '.sticky.maxAge', '"0s" is no time to keep a cookie: write at least "1s"'],
  [
    { sticky: { path: 'shop' } },
    '.sticky.path',
    '"shop" is not the path of a cookie: write for example "/" or "/shop"',
  ],
  [
    { sticky: { path: '/; Secure' } },
    '.sticky.path',
    '"/; Secure" is not the path of a cookie: write for example "/" or "/shop"',
  ],
  [{ sticky: { domain: 'a b' } }, '.sticky.domain', '"a b" is not a domain: write for example "example.com"'],
  [{ sticky: { secure: 'yes' } }, '.sticky.secure', '"yes" is not true or false: write for example true'],
  [
    { sticky: { otherwise: 'sticky' } },
    '.sticky.otherwise',
    '"sticky" is not known here: write one of "round-robin", "least-busy", "random-two", "hash-client", "hash-uri"',
  ],
  [
    { sticky: { sameSite: 'none' } },
    '.sticky',
    'browsers take a cookie with sameSite "none" only when it is secure: write secure: true',
  ],
  [
    { sticky: { cookie: '__Secure-a' } },
    '.sticky',
    'browsers take a cookie called "__Secure-a" only when it is secure: write secure: true',
  ],
  [
    { sticky: { cookie: '__Host-a', secure: true, path: '/shop' } },
    '.sticky',
    'browsers take a cookie called "__Host-a" only with path "/" and without a domain',
  ],
]

test('what is wrong is told with its place and with what to write', () => {
  for (const [balance, place, message] of BAD) {
    const told = check({ balance }).problems.map(each => `${pathText(each.path)}: ${each.message}`)
    assert.deepEqual(told, [`upstreams.shop.balance${place}: ${message}`])
  }
})

test('priorities are whole numbers from 1', () => {
  for (const priority of [0, 1.5, -1, '2', null]) {
    const { problems } = check({ servers: ['a', { address: 'b', priority }] })
    assert.match(problems[0].message, /is not a whole number from 1 to 1000: write for example 2/)
    assert.equal(pathText(problems[0].path), 'upstreams.shop.servers[1].priority')
  }
  const { config } = check({ servers: ['a', { address: 'b', priority: 2 }] })
  const { servers } = groupOptions('shop', config?.upstreams?.['shop'] ?? '')
  assert.deepEqual(
    servers.map(({ priority }) => priority),
    [1, 2],
  )
})

/** Two sticky upstreams; what their check says. */
function stickyPair(
  one: unknown,
  other: unknown,
  hosts: readonly unknown[] = [undefined, undefined],
): string[] {
  const upstreams = { a: { servers: ['a'], balance: one }, b: { servers: ['b'], balance: other } }
  const routes = ['a', 'b'].map((to, i) => ({ path: `/${to}`, host: hosts[i], to }))
  const listeners = [{ listen: 0, routes: routes.map(route => JSON.parse(JSON.stringify(route))) }]
  const { config, problems } = checkData({ upstreams, listeners }, '.')
  assert.ok(config !== null, JSON.stringify(problems))
  return problems.map(({ path, message }) => `${pathText(path)}: ${message}`)
}

test('two sticky upstreams under one host with one cookie are warned of', () => {
  const told = [
    'upstreams.b.balance: upstreams.a.balance sets the cookie "sluice" for the same host too, so each takes it from the other: give one of them another name',
  ]
  assert.deepEqual(stickyPair('sticky', 'sticky'), told)
  assert.deepEqual(stickyPair('sticky', { sticky: { cookie: 'sluice', path: '/' } }), told)
  assert.deepEqual(stickyPair('sticky', 'sticky', ['x.example', ['x.example', 'y.example']]), told)
  const domain = { sticky: { domain: 'example.com' } }
  assert.deepEqual(stickyPair(domain, domain, ['x.example.com', 'y.example.com']), told)
})

test('and those that do not meet are not', () => {
  assert.deepEqual(stickyPair('sticky', { sticky: { cookie: 'other' } }), [])
  assert.deepEqual(stickyPair({ sticky: { path: '/a' } }, { sticky: { path: '/b' } }), [])
  assert.deepEqual(stickyPair('sticky', 'sticky', ['x.example', 'y.example']), [])
  assert.deepEqual(stickyPair('sticky', 'hash-uri'), [])
})
