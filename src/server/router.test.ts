import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { ProxyError } from '../base/errors.ts'
import type { Exchange } from '../exchange/exchange.ts'
import type { Handler } from '../exchange/handler.ts'
import { readHost } from '../http/request-target.ts'
import { type Route, Router } from './router.ts'

const NOBODY: Handler = { handle: () => assert.fail('not to be called') }

interface Conditions {
  host?: string
  path?: string
  method?: string
}

/** Lists are written with spaces. */
function route(place: string, { host = '', path = '', method = '' }: Conditions): Route {
  const list = (text: string) => text.split(' ').filter(item => item !== '')
  return { hosts: list(host), paths: list(path), methods: list(method), handler: NOBODY, place }
}

/** `METHOD url` or `METHOD host target` → place of the route, or the code of the error. */
function ask(router: Router, method: string, hostField: string, target: string): string | null {
  const { host, port } = readHost(hostField)
  try {
    return router.find(method, host, port, target)?.place ?? null
  } catch (error) {
    assert.ok(error instanceof ProxyError, String(error))
    return error.code
  }
}

const SHOP = [
  route('port', { host: 'shop.example.com:8443' }),
  route('static', { host: 'shop.example.com', path: '/static/*' }),
  route('write', { host: 'shop.example.com', method: 'POST PUT' }),
  route('home', { host: 'Shop.Example.Com', path: '/ /index.html' }),
  route('below', { host: '*.example.com' }),
  route('old', { host: 'old.example.org other.example.org:80' }),
  route('six', { host: '[2001:db8::1]' }),
  route('health', { path: '/health' }),
  route('wild port', { host: '*.example.org:81' }),
]

const CASES: readonly [method: string, host: string, target: string, place: string | null][] = [
  // Exact hosts, any case, with a dot at the end; the first route that matches wins.
  ['GET', 'shop.example.com', '/static/a.css', 'static'],
  ['GET', 'SHOP.example.COM', '/static/a.css', 'static'],
  ['GET', 'shop.example.com.', '/static/a.css', 'static'],
  ['POST', 'shop.example.com', '/static/a.css', 'static'],
  ['POST', 'shop.example.com', '/a', 'write'],
  ['post', 'shop.example.com', '/a', 'below'],
  ['GET', 'shop.example.com', '/', 'home'],
  ['GET', 'shop.example.com', '/index.html?x', 'home'],
  ['GET', 'shop.example.com', '/Index.html', 'below'],
  // Ports.
  ['GET', 'shop.example.com:8443', '/static/a.css', 'port'],
  ['GET', 'shop.example.com:08443', '/static/a.css', 'port'],
  ['GET', 'shop.example.com:8444', '/static/a.css', 'static'],
  ['GET', 'other.example.org', '/', 'old'],
  ['GET', 'other.example.org:', '/', 'old'],
  ['GET', 'other.example.org:80', '/', 'old'],
  ['GET', 'other.example.org:81', '/', 'wild port'],
  ['GET', 'other.example.org:82', '/', null],
  ['GET', 'x.example.org:81', '/', 'wild port'],
  ['GET', 'x.example.org', '/', null],
  // Wildcards take any depth, not the bare name, and end at a dot.
  ['GET', 'a.example.com', '/', 'below'],
  ['GET', 'a.b.c.example.com', '/', 'below'],
  ['GET', 'example.com', '/', null],
  ['GET', 'badexample.com', '/', null],
  ['GET', '.example.com', '/', null],
  // Other hosts, and none.
  ['GET', '[2001:DB8:0::1]', '/', 'six'],
  ['GET', 'example.net', '/health', 'health'],
  ['GET', 'old.example.org', '/health', 'old'],
  ['GET', '', '/health', 'health'],
  ['GET', '', '/', null],
  // Absolute-form: the path of the target; what it says about the host is the caller's to read.
  ['GET', 'shop.example.com', 'http://shop.example.com/static/x', 'static'],
  ['GET', 'shop.example.com', 'http://shop.example.com', 'home'],
  // Asterisk-form and authority-form have no path.
  ['OPTIONS', 'shop.example.com', '*', 'below'],
  ['CONNECT', 'shop.example.com', 'shop.example.com:443', 'below'],
  // A folder and what only looks like it.
  ['GET', 'shop.example.com', '/static', 'static'],
  ['GET', 'shop.example.com', '/static/', 'static'],
  ['GET', 'shop.example.com', '/static?x', 'static'],
  ['GET', 'shop.example.com', '/statics', 'below'],
  ['GET', 'shop.example.com', '/a/static/x', 'below'],
  // Second spellings.
  ['GET', 'shop.example.com', '/%73tatic/x', 'static'],
  ['GET', 'shop.example.com', '//static/x', 'static'],
  ['GET', 'shop.example.com', '/a/../static/x', 'static'],
  ['GET', 'shop.example.com', '/a/%2e%2e/static/x', 'static'],
  ['GET', 'shop.example.com', '/static%2fx', 'static'],
  ['GET', 'shop.example.com', '/static;v=1/x', 'static'],
  ['GET', 'shop.example.com', '\\static\\x', 'below'],
  ['GET', 'shop.example.com', '/\\static\\x', 'static'],
  ['GET', 'shop.example.com', '/static/../x', 'below'],
  ['GET', 'shop.example.com', '/static/%2e%2e/x', 'below'],
  ['GET', 'shop.example.com', '/static/..;/x', 'bad_target'],
  ['GET', 'a.example.com', '/static/..;/x', 'below'],
]

test('which route takes a request', () => {
  const router = new Router(SHOP)
  for (const [method, host, target, place] of CASES)
    assert.equal(ask(router, method, host, target), place, `${method} ${host} ${target}`)
})

test('conditions are made comparable like targets', () => {
  const router = new Router([
    route('accent', { path: '/caf\u00e9' }),
    route('encoded', { path: '/a%2Db/%7e/*' }),
    route('space', { path: '/two%20words' }),
    route('star', { path: '/a%2ab' }),
  ])
  assert.equal(ask(router, 'GET', 'x', '/caf%c3%a9'), 'accent')
  assert.equal(ask(router, 'GET', 'x', '/a-b/~/c'), 'encoded')
  assert.equal(ask(router, 'GET', 'x', '/two%20words'), 'space')
  assert.equal(ask(router, 'GET', 'x', '/a*b'), 'star')
})

test('the conditions that take everything', () => {
  for (const conditions of [
    {},
    { path: '*' },
    { path: '/*' },
    { host: '*' },
    { path: '/a *' },
    { host: 'a *' },
  ]) {
    const router = new Router([route('any', conditions)])
    for (const target of ['/', '/a/..;/b', '*', 'http://h/'])
      assert.equal(ask(router, 'OPTIONS', 'b', target), 'any', JSON.stringify(conditions))
  }
  assert.equal(ask(new Router([]), 'GET', 'a', '/'), null)
})

test('conditions that cannot be met are refused with what to write instead', () => {
  const cases: readonly [Conditions, RegExp][] = [
    [{ host: 'a/b' }, /host "a\/b": write a name, "\*\.name"/],
    [{ host: 'http://a' }, /host "http:\/\/a"/],
    [{ host: '*.' }, /host "\*\."/],
    [{ host: 'a.*.b' }, /host "a\.\*\.b"/],
    [{ host: '*a' }, /host "\*a"/],
    [{ host: '.a' }, /host "\.a"/],
    [{ host: 'a:70000' }, /host "a:70000"/],
    [{ path: 'static' }, /path "static": write "\/path", "\/folder\/\*"/],
    [{ path: '/a*' }, /path "\/a\*"/],
    [{ path: '/a/*/b' }, /path "\/a\/\*\/b"/],
    [{ path: '/a?b' }, /path "\/a\?b"/],
    [{ path: '/a/..;/b' }, /path "\/a\/\.\.;\/b": The request target is not valid/],
    [{ path: '* b' }, /path "b"/],
  ]
  for (const [conditions, message] of cases)
    assert.throws(() => new Router([route('x', conditions)]), { message }, JSON.stringify(conditions))
})

test('a trace lists the routes before the one that took it, and why', () => {
  const router = new Router(SHOP)
  const trace = (method: string, host: string, target: string) => {
    const { route: found, tried } = router.trace(method, host, '', target)
    return [...tried.map(each => `${each.route.place}: ${each.lost}`), found?.place ?? 'none']
  }
  assert.deepEqual(trace('GET', 'shop.example.com', '/a'), [
    'port: host',
    'static: path',
    'write: method',
    'home: path',
    'below',
  ])
  assert.deepEqual(trace('GET', 'example.net', '/').at(-1), 'none')
  assert.equal(trace('GET', 'example.net', '/').length, SHOP.length + 1)
})

test('a trace says in words what was asked for and what would have been taken', () => {
  const cases: readonly [
    conditions: { host?: string; path?: string; method?: string },
    request: [method: string, host: string, port: string, target: string],
    why: string,
  ][] = [
    [{ host: '*.a' }, ['GET', 'a', '', '/'], 'a is not *.a'],
    [{ host: 'a b' }, ['GET', 'c', '', '/'], 'c is none of a, b'],
    [{ host: 'a:81' }, ['GET', 'a', '', '/'], 'a:80 is not a:81'],
    [{ host: 'a:81 b' }, ['GET', 'a', '82', '/'], 'a:82 is none of a:81, b'],
    [{ host: 'a' }, ['GET', '', '', '/'], 'the request names no host, and this route is for a'],
    [{ path: '/p/*' }, ['GET', 'a', '', '/pq?/p/'], '/pq is not /p/*'],
    [
      { path: '/p /q' },
      ['GET', 'a', '', '/%70/;x/..//r'],
      '/r (the meaning of /%70/;x/..//r) is none of /p, /q',
    ],
    [{ path: '/p' }, ['OPTIONS', 'a', '', '*'], 'a request without a path is not /p'],
    [{ path: '/p' }, ['GET', 'a', '', `/${'q'.repeat(300)}`], `/${'q'.repeat(199)}... is not /p`],
    [{ method: 'GET HEAD' }, ['POST', 'a', '', '/'], 'POST is none of GET, HEAD'],
  ]
  for (const [conditions, request, why] of cases) {
    const { tried } = new Router([route('x', conditions)]).trace(...request)
    assert.deepEqual(
      tried.map(each => each.why),
      [why],
    )
  }
})

test('finding and tracing never disagree', () => {
  const oneOf = (...values: string[]) => fc.constantFrom(...values)
  const conditions = fc.record({
    host: oneOf('', '', 'a', 'b', 'a:81', '*.a', '*.a:81', 'a b.a', 'x.a *.b', '*'),
    path: oneOf('', '', '/', '/p', '/p/*', '/p /q/*', '*'),
    method: oneOf('', '', 'GET', 'POST PUT'),
  })
  const request = fc.tuple(
    oneOf('GET', 'POST', 'HEAD'),
    oneOf('', 'a', 'b', 'x.a', 'b.a', 'x.b', 'c'),
    oneOf('', '80', '81'),
    oneOf('/', '/p', '/p/x', '/q', '/%70', '/p/..;/x', '*', 'http://a/p'),
  )
  const outcome = (decide: () => Route | null): string | null => {
    try {
      return decide()?.place ?? null
    } catch (error) {
      return (error as ProxyError).code
    }
  }
  fc.assert(
    fc.property(fc.array(conditions, { maxLength: 8 }), request, (list, [method, host, port, target]) => {
      const router = new Router(list.map((each, i) => route(String(i), each)))
      const found = outcome(() => router.find(method, host, port, target))
      assert.equal(
        found,
        outcome(() => router.trace(method, host, port, target).route),
      )
    }),
    { numRuns: 3000 },
  )
})

function exchangeFor(
  host: string,
  hostPort: string,
  target: string,
): { exchange: Exchange; faults: string[] } {
  const faults: string[] = []
  const reply = { fail: (error: ProxyError) => faults.push(`${error.code}: ${error.detail}`) }
  const exchange = { host, hostPort, request: { method: 'GET', target }, reply } as unknown as Exchange
  return { exchange, faults }
}

test('the handler of the route gets the exchange', () => {
  const handled: Exchange[] = []
  const handler: Handler = { handle: exchange => void handled.push(exchange) }
  const { exchange, faults } = exchangeFor('a', '', '/')
  new Router([{ ...route('x', { host: 'a' }), handler }]).handle(exchange)
  assert.deepEqual([handled[0] === exchange, faults], [true, []])
})

test('no route: the answer names what was looked for', () => {
  const router = new Router([route('x', { host: 'a', path: '/x' })])
  const cases: readonly [host: string, port: string, target: string, fault: string][] = [
    ['b', '', '/y?z', 'no_route: It looked for GET on host "b" with path "/y".'],
    ['b', '81', '/%79/', 'no_route: It looked for GET on host "b:81" with path "/%79/".'],
    ['', '', '/y', 'no_route: It looked for GET on no host with path "/y".'],
    ['b', '', '*', 'no_route: It looked for GET on host "b" with path "*".'],
    [
      'b',
      '',
      `/${'y'.repeat(300)}`,
      `no_route: It looked for GET on host "b" with path "/${'y'.repeat(199)}...".`,
    ],
    [
      'a',
      '',
      '/x/.;/',
      'bad_target: A dot segment with parameters means different paths to different servers.',
    ],
  ]
  for (const [host, port, target, fault] of cases) {
    const { exchange, faults } = exchangeFor(host, port, target)
    router.handle(exchange)
    assert.deepEqual(faults, [fault])
  }
})

test('a fault of the program itself is not taken for one of the request', () => {
  const broken: Handler = {
    handle() {
      throw new TypeError('broken')
    },
  }
  const { exchange } = exchangeFor('a', '', '/')
  assert.throws(() => new Router([{ ...route('x', {}), handler: broken }]).handle(exchange), TypeError)
})
