/**
 * Requests and all that a person reads about them.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { askedFrom, explained } from '../../../test/support/explained.ts'
import type { Explanation } from './explanation.ts'
import { textOf } from './text.ts'

const SHOP = `upstreams:
  shop:
    servers:
      - 127.0.0.1:9000
      - { address: shop.internal:9001, weight: 2 }
    headTimeout: 10s
  assets: http://assets.internal/base
listeners:
  - listen: 127.0.0.1:8080
    timeouts: { idle: 5s }
    routes:
      - { host: [old.example.com, older.example.com], redirect: "https://shop.example.com{path}{query}" }
      - host: shop.example.com
        path: /static/*
        layers:
          - headers: { request: { set: { x-from: sluice, authorization: Bearer 1 }, remove: [x-old] } }
          - headers: { response: { set: { x-served-by: sluice } } }
        to: assets
      - { host: "*.example.com", method: [POST, PUT], to: shop }
      - { host: shop.example.com, path: /hello, respond: hello }
      - { host: "shop.example.com:81", to: shop }
      - { host: shop.example.com, path: /api/*, to: shop }
  - listen: 8081
    routes: [{ path: /status, respond: { status: 204 } }]
`

const whole: readonly { what: string; args: readonly string[]; says: string }[] = [
  {
    what: 'to an upstream, through layers',
    args: ['http://shop.example.com:8080/static/a.css?v=1', '-H', 'x-old: 1', '--client', '192.0.2.7'],
    says: `GET http://shop.example.com:8080/static/a.css?v=1 from 192.0.2.7

listener 127.0.0.1:8080  (shop.yaml:9:13)
  routes, in this order:
    shop.yaml:12:9  no: host: shop.example.com is none of old.example.com, older.example.com
    shop.yaml:13:9  takes it: host shop.example.com, path /static/*
  layers, in this order:
    shop.yaml:16:13  headers { request: { set: { "x-from": "sluice", authorization: "(secret)" }, remove: ["x-old"] } }
      - x-old: 1
      + x-from: sluice
      + authorization: (secret)
    shop.yaml:17:13  headers { response: { set: { "x-served-by": "sluice" } } }
  time limits and retries:
    listener timeouts.head   30s                        default
    listener timeouts.body   1m                         default
    listener timeouts.idle   5s                         shop.yaml:10:23
    upstream queueTimeout    10s                        default
    upstream connectTimeout  5s                         default
    upstream headTimeout     1m                         default
    upstream bodyTimeout     1m                         default
    upstream retryFor        0s                         default
    upstream retry.attempts  3, each to another server  default
    upstream retry.on        connect reset              default
    upstream retry.methods   idempotent                 default
    upstream retry.budget    20 of 100 requests         default
  upstream assets, round-robin, its servers as after a start  (shop.yaml:7:11):
    assets.internal  weight 1  in  <- this request: it is the only one
  the server would get:
    GET /base/static/a.css?v=1 HTTP/1.1
    Host: shop.example.com:8080
    x-from: sluice
    authorization: (secret)
    X-Forwarded-For: 192.0.2.7
    X-Forwarded-Host: shop.example.com:8080
    X-Forwarded-Proto: http
    Via: 1.1 sluice
  the client would get, were the answer of the server an empty 200:
    HTTP/1.1 200 OK
    Content-Length: 0
    Via: 1.1 sluice
    x-served-by: sluice`,
  },
  {
    what: 'every reason to lose, and a server picked among several',
    args: ['http://shop.example.com:8080/%61pi/x', '--client', '::1'],
    says: `GET http://shop.example.com:8080/%61pi/x from ::1

listener 127.0.0.1:8080  (shop.yaml:9:13)
  routes, in this order:
    shop.yaml:12:9  no: host: shop.example.com is none of old.example.com, older.example.com
    shop.yaml:13:9  no: path: /api/x (the meaning of /%61pi/x) is not /static/*
    shop.yaml:19:9  no: method: GET is none of POST, PUT
    shop.yaml:20:9  no: path: /api/x (the meaning of /%61pi/x) is not /hello
    shop.yaml:21:9  no: host: shop.example.com:8080 is not shop.example.com:81
    shop.yaml:22:9  takes it: host shop.example.com, path /api/*
  time limits and retries:
    listener timeouts.head   30s                        default
    listener timeouts.body   1m                         default
    listener timeouts.idle   5s                         shop.yaml:10:23
    upstream queueTimeout    10s                        default
    upstream connectTimeout  5s                         default
    upstream headTimeout     10s                        shop.yaml:6:18
    upstream bodyTimeout     1m                         default
    upstream retryFor        0s                         default
    upstream retry.attempts  3, each to another server  default
    upstream retry.on        connect reset              default
    upstream retry.methods   idempotent                 default
    upstream retry.budget    20 of 100 requests         default
  upstream shop, round-robin, its servers as after a start  (shop.yaml:3:5):
    127.0.0.1:9000      weight 1  in
    shop.internal:9001  weight 2  in  <- this request: servers take turns by their weights, and nobody had a turn yet
  the server would get:
    GET /%61pi/x HTTP/1.1
    Host: shop.example.com:8080
    X-Forwarded-For: ::1
    X-Forwarded-Host: shop.example.com:8080
    X-Forwarded-Proto: http
    Via: 1.1 sluice
  the client would get, were the answer of the server an empty 200:
    HTTP/1.1 200 OK
    Content-Length: 0
    Via: 1.1 sluice`,
  },
  {
    what: 'a redirect, with the very Location',
    args: ['older.example.com:8080/a?b#c', '--client', '192.0.2.7'],
    says: `GET http://older.example.com:8080/a?b from 192.0.2.7
  clients keep "#c" to themselves

listener 127.0.0.1:8080  (shop.yaml:9:13)
  routes, in this order:
    shop.yaml:12:9  takes it: host old.example.com or older.example.com
  time limits and retries:
    listener timeouts.head  30s  default
    listener timeouts.body  1m   default
    listener timeouts.idle  5s   shop.yaml:10:23
  the route redirects:
    HTTP/1.1 302 Found
    Location: https://shop.example.com/a?b
    Content-Type: text/plain; charset=utf-8
    Content-Length: 44

    This is now at https://shop.example.com/a?b`,
  },
  {
    what: 'no route, and nothing said about host, port and client: every listener',
    args: ['/x'],
    says: `GET /x from 127.0.0.1
  the URL names no host: -H 'host: NAME' gives one
  the client is taken to be 127.0.0.1: --client IP says otherwise

listener 127.0.0.1:8080  (shop.yaml:9:13)
  routes, in this order:
    shop.yaml:12:9  no: host: the request names no host, and this route is for old.example.com, older.example.com
    shop.yaml:13:9  no: host: the request names no host, and this route is for shop.example.com
    shop.yaml:19:9  no: host: the request names no host, and this route is for *.example.com
    shop.yaml:20:9  no: host: the request names no host, and this route is for shop.example.com
    shop.yaml:21:9  no: host: the request names no host, and this route is for shop.example.com:81
    shop.yaml:22:9  no: host: the request names no host, and this route is for shop.example.com
  no route takes it
  the proxy itself answers (no_route):
    HTTP/1.1 404 Not Found
    Content-Type: text/plain; charset=utf-8
    Cache-Control: no-store
    X-Content-Type-Options: nosniff
    Proxy-Status: sluice; error=destination_not_found; details="No route of this listener takes this request. It looked for GET on no host with path \\"/x\\"."
    Content-Length: 124

    404 Not Found

    No route of this listener takes this request.
    It looked for GET on no host with path "/x".

    sluice: no_route

listener 8081  (shop.yaml:23:13)
  routes, in this order:
    shop.yaml:24:14  no: path: /x is not /status
  no route takes it
  the proxy itself answers (no_route):
    HTTP/1.1 404 Not Found
    Content-Type: text/plain; charset=utf-8
    Cache-Control: no-store
    X-Content-Type-Options: nosniff
    Proxy-Status: sluice; error=destination_not_found; details="No route of this listener takes this request. It looked for GET on no host with path \\"/x\\"."
    Content-Length: 124

    404 Not Found

    No route of this listener takes this request.
    It looked for GET on no host with path "/x".

    sluice: no_route`,
  },
  {
    what: 'a request that is smuggled',
    args: [
      ...['http://shop.example.com:8080/', '-X', 'POST', '--client', '192.0.2.7'],
      ...['-H', 'content-length: 4', '-H', 'transfer-encoding: chunked'],
    ],
    says: `POST http://shop.example.com:8080/ from 192.0.2.7

listener 127.0.0.1:8080  (shop.yaml:9:13)
  no route was asked: the request is answered before
  the proxy itself answers (conflicting_framing):
    HTTP/1.1 400 Bad Request
    Content-Type: text/plain; charset=utf-8
    Cache-Control: no-store
    X-Content-Type-Options: nosniff
    Proxy-Status: sluice; error=http_request_error; details="Transfer-Encoding and Content-Length exclude each other."
    Content-Length: 103
    Connection: close

    400 Bad Request

    Transfer-Encoding and Content-Length exclude each other.

    sluice: conflicting_framing`,
  },
]

for (const { what, args, says } of whole)
  test(what, async () => assert.equal(textOf(await explained(SHOP, args)), says))

test('which listeners are asked', async () => {
  const cases: readonly [url: string, listeners: string[], note: RegExp | null][] = [
    ['http://a:8081/', ['8081'], null],
    ['a:8080/', ['127.0.0.1:8080'], null],
    ['a/', ['127.0.0.1:8080', '8081'], null],
    ['http://a/', ['127.0.0.1:8080', '8081'], /^no listener has port 80: every listener is asked$/],
    ['https://a', ['127.0.0.1:8080', '8081'], /^no listener has port 443: every listener is asked$/],
  ]
  for (const [url, listeners, note] of cases) {
    const { listeners: found, notes } = await explained(SHOP, [url])
    assert.deepEqual(
      found.map(({ listen }) => listen),
      listeners,
      url,
    )
    assert.equal(notes.filter(each => note?.test(each) ?? /no listener/.test(each)).length, note ? 1 : 0, url)
  }
})

test('what cannot be served is told by the code that the parser gives', async () => {
  const at = 'http://shop.example.com:8080/'
  const cases: readonly [code: string, ...args: string[]][] = [
    ['bad_version', `${at}a b`],
    ['bad_target', `${at}ä`],
    ['bad_target', `${at}a/..%2Fb`],
    ['bad_host', 'http://shop_,x:8080/'],
    ['bad_host', 'http://[::1:8080/'],
    ['bad_method', at, '-X', '(GET)'],
    ['bad_target_form', at, '-X', 'CONNECT'],
    ['bad_target_form', '*'],
    ['several_hosts', at, '-H', 'host: a', '-H', 'host: b'],
    ['bad_host', at, '-H', 'host: a b'],
    ['bad_field_name', at, '-H', 'x y: z'],
    ['bad_field_name', at, '-H', 'content-length : 1'],
    ['folded_field', at, '-H', ' x: z'],
    ['bad_field_value', at, '-H', 'x: \u0001'],
    ['bad_content_length', at, '-H', 'content-length: 1', '-H', 'content-length: 1'],
    ['unknown_transfer_coding', at, '-H', 'transfer-encoding: gzip, chunked'],
    ['unknown_expectation', at, '-H', 'expect: tea'],
    ['target_too_long', at + 'a'.repeat(9000)],
    ['head_too_large', at, '-H', `x: ${'a'.repeat(40_000)}`],
    ['too_many_fields', at, ...Array.from({ length: 101 }, () => ['-H', 'x: y']).flat()],
  ]
  for (const [code, ...args] of cases) {
    const explanation = await explained(SHOP, args)
    const [{ error, answer, route, answeredBy }] = explanation.listeners
    assert.deepEqual([error?.code, route, answeredBy], [code, null, 'proxy'], args.join(' ').slice(0, 200))
    assert.ok((answer?.status ?? 0) >= 400)
    assert.ok(textOf(explanation).includes(`the proxy itself answers (${code})`))
  }
})

test('bad use names every fault', () => {
  const cases: readonly [args: string[], faults: string[]][] = [
    [
      ['ftp://a/b', '-H', 'foo', '--client', 'x'],
      [
        '"ftp://a/b": ftp is not served: write http://a/b',
        `-H: "foo" is not a field: write 'name: value'`,
        '--client: "x" is not an IP address: write for example "192.0.2.7"',
      ],
    ],
    [['http:///x'], ['"http:///x" names no host: write http://host/path, or /path']],
    [
      ['http://a:b@c/'],
      [`"http://a:b@c/": clients do not send "a:b@" but a field made of it: write -H 'authorization: ...'`],
    ],
    [
      ['a', '-H', 'x: y\r\nz: w', '-X', 'GET\n'],
      [
        '"GET\\n": a line end would begin another field: take it out',
        '"x: y\\r\\nz: w": a line end would begin another field: take it out',
      ],
    ],
  ]
  for (const [args, faults] of cases) assert.deepEqual(askedFrom(args), { faults })
})

test('OPTIONS * with Max-Forwards is answered before any route', async () => {
  const args = ['*', '-X', 'OPTIONS', '-H', 'host: a', '-H', 'max-forwards: 0']
  const [listener] = (await explained(SHOP, args)).listeners
  assert.deepEqual([listener.answeredBy, listener.answer?.status, listener.tried], ['proxy', 200, []])
})

test('the JSON has this shape', async () => {
  const explanation = await explained(SHOP, ['http://shop.example.com:8080/api/', '-X', 'HEAD'])
  const [listener] = explanation.listeners
  const expected: Explanation = {
    file: 'shop.yaml',
    request: { method: 'HEAD', target: '/api/', authority: 'shop.example.com:8080', client: '127.0.0.1' },
    notes: ['the client is taken to be 127.0.0.1: --client IP says otherwise'],
    running: null,
    listeners: [
      {
        listen: '127.0.0.1:8080',
        place: 'shop.yaml:9:13',
        tried: listener.tried,
        route: { place: 'shop.yaml:22:9', hosts: ['shop.example.com'], paths: ['/api/*'], methods: [] },
        layers: [],
        cache: null,
        answeredBy: 'upstream',
        error: null,
        upstream: {
          name: 'shop',
          place: 'shop.yaml:3:5',
          balance: 'round-robin',
          servers: [
            { address: '127.0.0.1:9000', weight: 1, priority: 1, state: 'in', live: null, picked: false },
            { address: 'shop.internal:9001', weight: 2, priority: 1, state: 'in', live: null, picked: true },
          ],
          live: false,
          why: 'servers take turns by their weights, and nobody had a turn yet',
        },
        serverRequest: {
          method: 'HEAD',
          target: '/api/',
          fields: [
            ['Host', 'shop.example.com:8080'],
            ['X-Forwarded-For', '127.0.0.1'],
            ['X-Forwarded-Host', 'shop.example.com:8080'],
            ['X-Forwarded-Proto', 'http'],
            ['Via', '1.1 sluice'],
          ],
        },
        limits: listener.limits,
        answer: {
          status: 200,
          reason: 'OK',
          fields: [
            ['Content-Length', '0'],
            ['Via', '1.1 sluice'],
          ],
          body: '',
        },
      },
    ],
  }
  assert.deepEqual(JSON.parse(JSON.stringify(explanation)), expected)
  assert.deepEqual(listener.tried[0], {
    place: 'shop.yaml:12:9',
    lost: 'host',
    why: 'shop.example.com is none of old.example.com, older.example.com',
  })
  assert.deepEqual(listener.limits[5], {
    of: 'upstream',
    name: 'headTimeout',
    value: '10s',
    from: 'shop.yaml:6:18',
  })
})

test('a redirect that needs a host, a server that must not be climbed out of', async () => {
  const text = `upstreams: { a: http://a.internal/base }
listeners:
  - listen: 1
    routes:
      - { path: /to, redirect: "https://{host}/" }
      - { to: a }
`
  const [redirect] = (await explained(text, ['/to'])).listeners
  assert.deepEqual([redirect.route?.place, redirect.error?.code], ['shop.yaml:5:9', 'missing_host'])
  const [climbing] = (await explained(text, ['a/../../b'])).listeners
  assert.deepEqual(
    [climbing.route?.place, climbing.answeredBy, climbing.answer?.status, climbing.serverRequest],
    ['shop.yaml:6:9', 'proxy', 400, null],
  )
})

test('a trusted proxy, a unix socket and the Host of the server', async () => {
  const text = `upstreams: { a: { servers: [a.internal], host: upstream } }
listeners:
  - { listen: "unix:/tmp/never-bound.sock", trust: [10.0.0.0/8], routes: [{ to: a }] }
  - { listen: 8080, trust: [10.0.0.0/8], routes: [{ to: a }] }
`
  const args = ['shop.example.com', '-H', 'x-forwarded-for: 192.0.2.9', '--client', '10.1.2.3']
  const [unix, tcp] = (await explained(text, args)).listeners
  const field = (listener: typeof unix, wanted: string) =>
    listener.serverRequest?.fields.find(([name]) => name === wanted)?.[1]
  assert.equal(field(tcp, 'X-Forwarded-For'), '192.0.2.9, 10.1.2.3')
  assert.equal(field(tcp, 'Host'), 'a.internal')
  assert.notEqual(field(unix, 'X-Forwarded-For'), '10.1.2.3')
})

test('the documents name every field of the JSON', async () => {
  const document = readFileSync(new URL('../../../docs/explain.md', import.meta.url), 'utf8')
  const names = new Set<string>()
  const collect = (data: unknown): void => {
    if (Array.isArray(data)) data.forEach(collect)
    else if (typeof data === 'object' && data !== null)
      for (const [name, value] of Object.entries(data)) {
        names.add(name)
        if (name !== 'options') collect(value)
      }
  }
  collect(await explained(SHOP, ['http://shop.example.com:8080/static/x']))
  collect(await explained(SHOP, ['/x']))
  for (const name of names) assert.match(document, new RegExp(`[\`.]${name}(?:\\[\\])?\``), name)
})
