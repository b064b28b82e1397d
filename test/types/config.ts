/**
 * What the types of a config accept and refuse. Nothing here runs: `tsc` is the test (`npm run check`), and a
 * line under `@ts-expect-error` that compiles is an error.
 */
import {
  basicAuth,
  bodyLimit,
  type CacheOptions,
  type Config,
  cache,
  compress,
  cors,
  defineConfig,
  errorPages,
  headers,
  ipAllow,
  ipDeny,
  type Listener,
  type Route,
  rewrite,
  type Upstream,
} from 'sluice'

const shop: Upstream = {
  servers: ['127.0.0.1:9000', { address: '127.0.0.1:9001', weight: 2 }],
  balance: 'least-busy',
  retry: { attempts: 3, on: ['connect', 'reset', 503], budget: 10 },
  health: { failures: 5, outFor: '5s' },
  check: { path: '/health', status: [200, '3xx'], interval: '2s' },
  slowStart: '30s',
}

/** Every way to spread requests. */
export const balances: Upstream[] = [
  { servers: ['a', { address: 'b', priority: 2 }], balance: 'random-two' },
  { servers: ['a'], balance: 'hash-client' },
  { servers: ['a'], balance: 'hash-uri' },
  { servers: ['a'], balance: { hash: { header: 'x-user' } } },
  { servers: ['a'], balance: { hash: { cookie: 'session' } } },
  { servers: ['a'], balance: 'sticky' },
  { servers: ['a'], balance: { sticky: { cookie: 'at', maxAge: '8h', otherwise: 'hash-client' } } },
  // @ts-expect-error: no balancer is called so
  { servers: ['a'], balance: 'leastbusy' },
  // @ts-expect-error: one key, not two
  { servers: ['a'], balance: { hash: { header: 'x-user', cookie: 'session' } } },
  // @ts-expect-error: one way, not two
  { servers: ['a'], balance: { hash: { header: 'x-user' }, sticky: {} } },
]

export const good = defineConfig({
  upstreams: { shop, assets: '127.0.0.1:9002', images: ['127.0.0.1:9003', '127.0.0.1:9004'] },
  listeners: [
    {
      listen: ':8080',
      timeouts: { head: '30s', idle: '1.5m' },
      limits: { head: '64KB', fields: 200 },
      routes: [
        {
          host: 'shop.example.com',
          path: '/static/*',
          method: ['GET', 'HEAD'],
          layers: [compress()],
          to: 'assets',
        },
        {
          path: '/api/*',
          layers: [
            compress({
              encodings: ['br', 'gzip'],
              types: ['text/*', '+json'],
              minimum: '1KB',
              level: { br: 5 },
            }),
          ],
          to: 'shop',
        },
        {
          host: ['a.example.com', '*.b.example.com'],
          layers: [headers({ response: { set: { 'x-a': 'b' } } })],
          to: 'shop',
        },
        { host: 'old.example.com', redirect: 'https://shop.example.com{path}' },
        { host: 'older.example.com', redirect: { to: 'https://shop.example.com{path}', status: 308 } },
        {
          path: '/staff/*',
          layers: [
            ipAllow(['private', '2001:db8::/32']),
            ipDeny(['10.0.0.7']),
            cors({
              origins: ['https://app.example.com'],
              methods: ['GET'],
              credentials: true,
              maxAge: '10m',
            }),
            basicAuth({ realm: 'staff', users: { alice: '$scrypt$' }, file: 'users.txt', passOn: true }),
          ],
          to: 'shop',
        },
        { path: '/report', to: 'shop', timeouts: { total: '5m' }, retry: { methods: 'all' } },
        { path: '/health', respond: 'fine' },
        { path: '/gone', respond: { status: 410, body: 'gone', headers: { 'x-a': 'b' } } },
      ],
    },
    { listen: 8081, routes: [{ to: 'images' }] },
  ],
  log: { format: 'json', file: 'access.log' },
  drainTimeout: '30s',
  workers: 'auto',
})

/** Parts can be written apart; what they lead to is checked where they are put together. */
const route: Route<'shop'> = { path: '/a', to: 'shop' }
const listener: Listener<'shop'> = { listen: ':80', routes: [route] }
export const parts: Config<'shop'> = defineConfig({ upstreams: { shop }, listeners: [listener] })

export const unknownUpstream = defineConfig({
  upstreams: { shop, assets: shop },
  listeners: [
    {
      listen: ':8080',
      routes: [
        { path: '/a', to: 'shop' },
        // @ts-expect-error: no upstream is called nope
        { path: '/b', to: 'nope' },
      ],
    },
  ],
})

export const noUpstreams = defineConfig({
  listeners: [
    {
      listen: ':8080',
      routes: [
        // @ts-expect-error: there is no upstream at all
        { to: 'shop' },
      ],
    },
  ],
})

export const severalTargets = defineConfig({
  upstreams: { shop },
  listeners: [
    {
      listen: ':8080',
      routes: [
        // @ts-expect-error: to and redirect exclude each other
        { to: 'shop', redirect: 'https://shop.example.com' },
        // @ts-expect-error: nothing says who answers
        { host: 'shop.example.com' },
      ],
    },
  ],
})

const listeners: Listener<'shop'>[] = [{ listen: ':8080', routes: [{ to: 'shop' }] }]

// @ts-expect-error: it is called drainTimeout
export const misspelledTop = defineConfig({ upstreams: { shop }, listeners, drainTimout: '30s' })

export const misspelledUpstream = defineConfig({
  // @ts-expect-error: it is called balance
  upstreams: { shop: { servers: ['127.0.0.1:9000'], balanced: 'least-busy' } },
  listeners,
})

export const misspelledListener = defineConfig({
  upstreams: { shop },
  // @ts-expect-error: it is called forwarded
  listeners: [{ listen: ':8080', forwardd: 'none', routes: [{ to: 'shop' }] }],
})

export const misspelledRoute = defineConfig({
  upstreams: { shop },
  // @ts-expect-error: it is called path
  listeners: [{ listen: ':8080', routes: [{ pth: '/a', to: 'shop' }] }],
})

/** Values: one upstream a line, because one error is told for each. */
export const upstreams: Record<string, Upstream> = {
  // @ts-expect-error: no such balancer
  one: { servers: ['127.0.0.1:9000'], balance: 'random' },
  // @ts-expect-error: a duration carries its unit
  two: { servers: ['127.0.0.1:9000'], headTimeout: 5000 },
  // @ts-expect-error: days are no unit
  three: { servers: ['127.0.0.1:9000'], idleTimeout: '1d' },
  // @ts-expect-error: a server is text or has an address
  four: [9000],
  // @ts-expect-error: no such condition
  five: { servers: ['127.0.0.1:9000'], retry: { on: ['refused'] } },
  // @ts-expect-error: a class of statuses is written 2xx
  six: { servers: ['127.0.0.1:9000'], check: { path: '/', status: '200' } },
}

export const routes: Route[] = [
  // @ts-expect-error: 418 redirects nobody
  { redirect: { to: 'https://shop.example.com', status: 418 } },
  // @ts-expect-error: the budget is the upstream's
  { retry: { budget: 10 }, to: 'shop' },
  // @ts-expect-error: the headers layer has no such side
  { layers: [headers({ answer: { set: {} } })], to: 'shop' },
  // @ts-expect-error: the coding is called br
  { layers: [compress({ encodings: ['brotli'] })], to: 'shop' },
  // @ts-expect-error: a level is of one coding
  { layers: [compress({ level: 6 })], to: 'shop' },
  // @ts-expect-error: a size carries its unit
  { layers: [compress({ minimum: 1024 })], to: 'shop' },
]

export const edits: Route = {
  layers: [
    rewrite({ stripPrefix: '/api', addPrefix: '/v2' }),
    rewrite({ replace: { '/old': '/new' } }),
    rewrite({ regex: '^/user/(\\d+)$', to: '/u?id=$1' }),
    bodyLimit('10MB'),
    errorPages({
      404: { file: './404.html', onlyIfAccepted: true },
      '5xx': { body: '{status}', status: 200 },
    }),
    { bodyLimit: '1.5GB' },
  ],
  to: 'shop',
}

export const wrongEdits: Route[] = [
  // @ts-expect-error: it is called stripPrefix
  { layers: [rewrite({ prefix: '/api' })], to: 'shop' },
  // @ts-expect-error: a size carries its unit
  { layers: [bodyLimit(10_000_000)], to: 'shop' },
  // @ts-expect-error: a size carries its unit as MB, not M
  { layers: [bodyLimit('10M')], to: 'shop' },
  // @ts-expect-error: a page is an object with file or body
  { layers: [errorPages({ 404: './404.html' })], to: 'shop' },
  // @ts-expect-error: it is called onlyIfAccepted
  { layers: [errorPages({ 404: { body: 'x', accept: true } })], to: 'shop' },
  // @ts-expect-error: networks come as a list
  { layers: [ipAllow('10.0.0.0/8')], to: 'shop' },
  // @ts-expect-error: a password is text
  { layers: [basicAuth({ users: { alice: 1234 } })], to: 'shop' },
  // @ts-expect-error: origins are required
  { layers: [cors({ credentials: true })], to: 'shop' },
  // @ts-expect-error: a duration carries its unit
  { layers: [cors({ origins: ['*'], maxAge: 600 })], to: 'shop' },
]

export const sizes: Listener = {
  listen: ':8080',
  // @ts-expect-error: a size carries its unit as KB, not k
  readAhead: '64k',
  routes: [],
}

/** Every way to write a cache. */
export const caches: CacheOptions[] = [
  {},
  { memory: 0, disk: './cache' },
  { memory: '1GB', disk: { folder: './cache', size: '10GB' }, maxObject: '64MB' },
  { heuristic: false, key: { query: 'none', headers: ['x-country'] } },
  { heuristic: { fraction: 0.2 }, key: { query: { only: ['page'] }, cookies: ['language'] } },
  {
    rules: [
      { status: [404, 410], ttl: '10s' },
      { type: 'image/*', ttl: '1h' },
    ],
    ignore: ['request-directives'],
  },
  // @ts-expect-error: on goes without saying
  { heuristic: true },
  // @ts-expect-error: a number has no unit
  { memory: 64 },
  // @ts-expect-error: a rule says how long
  { rules: [{ status: 404 }] },
  // @ts-expect-error: no rule of the standard is called so
  { ignore: ['nostore'] },
  // @ts-expect-error: nothing else is answered from a store
  { methods: ['POST'] },
  // @ts-expect-error: there is no such option
  { ttl: '1h' },
]

export const ruled = defineConfig({
  admin: '127.0.0.1:8079',
  listeners: [{ listen: 1, routes: [{ layers: [cache(), cache({ status: 'full' })], respond: 'x' }] }],
})
