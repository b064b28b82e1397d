import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LIMITS } from '../http1/limits.ts'
import { LISTENER_DEFAULTS } from '../server/options.ts'
import { Router } from '../server/router.ts'
import { GROUP_DEFAULTS } from '../upstream/options.ts'
import type { UpstreamHandler } from '../upstream/upstream-handler.ts'
import { type BuildContext, buildPlan } from './build.ts'
import { checkData } from './check.ts'
import { pathText } from './problems.ts'

const CONTEXT: BuildContext = { folder: '/etc/sluice', placeOf: path => `at ${pathText(path)}` }

function plan(data: unknown) {
  const { config, problems } = checkData(data, '.')
  assert.ok(config, JSON.stringify(problems))
  return buildPlan(config, CONTEXT)
}

const NOTHING_ELSE = { caches: [], admin: null }

test('what is left out is the default', () => {
  const { listeners, groups, routers, ...rest } = plan({
    upstreams: { shop: '127.0.0.1:9000' },
    listeners: [{ listen: 0, routes: [{ to: 'shop' }] }],
  })
  assert.equal(routers[0], listeners[0].handler)
  assert.deepEqual(rest, {
    caches: [],
    admin: null,
    drainTimeoutMs: 30_000,
    workers: 1,
    logFormat: null,
    logFile: null,
  })
  const [{ handler, ...listener }] = listeners
  assert.ok(handler instanceof Router)
  assert.deepEqual(listener, {
    ...LISTENER_DEFAULTS,
    address: { kind: 'tcp', host: '::', port: 0 },
    kind: 'proxy',
    limits: LIMITS,
  })
  const { servers, ...group } = groups[0].options
  assert.deepEqual(group, { ...GROUP_DEFAULTS, name: 'shop' })
  assert.deepEqual(servers, [
    {
      host: '127.0.0.1',
      port: 9000,
      unixPath: '',
      basePath: '',
      label: '127.0.0.1:9000',
      weight: 1,
      priority: 1,
    },
  ])
})

/** Every option, none with its default. */
const EVERYTHING = {
  upstreams: {
    shop: {
      servers: ['a', { address: 'http://b:81/x', weight: 3 }],
      balance: 'least-busy',
      host: 'upstream',
      connections: 10,
      idleConnections: 5,
      queue: 0,
      queueTimeout: '1ms',
      idleTimeout: '2ms',
      connectTimeout: '3ms',
      headTimeout: '4ms',
      bodyTimeout: '5ms',
      tunnelTimeout: '8ms',
      retryFor: '6ms',
      resolveTtl: '7ms',
      retry: { attempts: 5, on: ['timeout', 503], methods: 'all', tryTimeout: '8ms', budget: 9 },
      health: { failures: 4, on: ['reset', 500], outFor: '10ms', outForMax: '11ms' },
      check: {
        path: '/health?deep',
        method: 'POST',
        host: 'shop',
        headers: { 'x-check': '1' },
        status: [204, '3xx'],
        body: 'ready',
        interval: '12ms',
        timeout: '13ms',
        rise: 14,
        fall: 15,
      },
      slowStart: '16ms',
    },
  },
  listeners: [
    {
      listen: 'unix:/run/s.sock',
      routes: [{ to: 'shop' }],
      forwarded: 'forwarded',
      trust: ['10.0.0.0/8'],
      limits: { target: '1KB', head: '2KB', fields: 3, emptyLines: 4, chunkLine: '64B', trailer: '0' },
      timeouts: { head: '1s', idle: '2s', body: '3s', linger: '0s' },
      connections: 7,
      readAhead: '1MB',
      halfClose: 'serve',
    },
  ],
  log: { format: 'combined', file: 'access.log' },
  drainTimeout: '1m',
  workers: 4,
}

test('where it is ruled from', () => {
  const listeners = [{ listen: 0, routes: [{ respond: 'x' }] }]
  const loopback = { kind: 'tcp', host: '127.0.0.1', port: 8079 }
  for (const admin of ['127.0.0.1:8079' as const, { listen: 'localhost:8079' }])
    assert.deepEqual(plan({ listeners, admin }).admin, loopback)
})

test('everything that can be said reaches the core', () => {
  const { listeners, groups, routers, ...rest } = plan(EVERYTHING)
  assert.equal(routers.length, 1)
  assert.deepEqual(rest, {
    ...NOTHING_ELSE,
    drainTimeoutMs: 60_000,
    workers: 4,
    logFormat: 'combined',
    logFile: '/etc/sluice/access.log',
  })
  const { handler: _, ...listener } = listeners[0]
  assert.deepEqual(listener, {
    address: { kind: 'unix', path: '/run/s.sock' },
    kind: 'proxy',
    forwarded: 'forwarded',
    trust: ['10.0.0.0/8'],
    limits: {
      targetBytesMax: 1024,
      headBytesMax: 2048,
      fieldsMax: 3,
      emptyLinesMax: 4,
      chunkLineBytesMax: 64,
      trailerBytesMax: 0,
    },
    timeouts: { headTimeoutMs: 1000, idleTimeoutMs: 2000, bodyTimeoutMs: 3000, lingerTimeoutMs: 0 },
    connectionsMax: 7,
    readAheadBytesMax: 1_048_576,
    halfClose: 'serve',
  })
  const { servers, ...group } = groups[0].options
  assert.deepEqual(group, {
    name: 'shop',
    balance: 'least-busy',
    host: 'upstream',
    connectionsMax: 10,
    idleConnectionsMax: 5,
    queueMax: 0,
    queueTimeoutMs: 1,
    idleTimeoutMs: 2,
    connectTimeoutMs: 3,
    headTimeoutMs: 4,
    bodyTimeoutMs: 5,
    tunnelTimeoutMs: 8,
    retryForMs: 6,
    resolveTtlMs: 7,
    retry: { attempts: 5, again: true, on: new Set(['timeout', 503]), methods: 'all', tryTimeoutMs: 8 },
    retryBudget: 9,
    health: { failures: 4, on: new Set(['reset', 500]), outForMs: 10, outForMaxMs: 11 },
    check: {
      path: '/health?deep',
      method: 'POST',
      host: 'shop',
      headers: { 'x-check': '1' },
      statuses: [204, 3],
      body: 'ready',
      intervalMs: 12,
      timeoutMs: 13,
      rise: 14,
      fall: 15,
    },
    slowStartMs: 16,
  })
  assert.deepEqual(
    servers.map(server => [server.label, server.basePath, server.weight]),
    [
      ['a', '', 1],
      ['b:81', '/x', 3],
    ],
  )
})

test('a route says otherwise than its upstream, and only what it says', () => {
  const { listeners, groups } = plan({
    upstreams: { shop: { servers: ['a', 'b'], headTimeout: '2s', retry: { on: ['connect', 503] } } },
    listeners: [
      {
        listen: 0,
        routes: [
          { path: '/slow', to: 'shop', timeouts: { head: '5m', total: '6m' }, retry: { attempts: 1 } },
          { path: '/quick', to: 'shop', timeouts: { connect: '1s', body: '2s' } },
          { to: 'shop' },
        ],
      },
    ],
  })
  const router = listeners[0].handler as Router
  const handlerOf = (path: string) => router.find('GET', 'h', '', path)?.handler as UpstreamHandler
  const { options } = groups[0]
  assert.deepEqual(handlerOf('/slow').rules, {
    timeouts: { connectTimeoutMs: 5000, headTimeoutMs: 300_000, bodyTimeoutMs: 60_000 },
    retry: { ...options.retry, attempts: 1, again: true },
    totalTimeoutMs: 360_000,
  })
  assert.deepEqual(handlerOf('/quick').rules, {
    timeouts: { connectTimeoutMs: 1000, headTimeoutMs: 2000, bodyTimeoutMs: 2000 },
    retry: options.retry,
    totalTimeoutMs: null,
  })
  assert.deepEqual(handlerOf('/').rules, { timeouts: options, retry: options.retry, totalTimeoutMs: null })
  assert.ok(['/slow', '/quick', '/'].every(path => handlerOf(path).group === groups[0]))
})

test('no more connections are kept idle than there may be', () => {
  const { groups } = plan({
    upstreams: { shop: { servers: ['a'], connections: 2 } },
    listeners: [{ listen: 0, routes: [{ to: 'shop' }] }],
  })
  assert.equal(groups[0].options.idleConnectionsMax, 2)
})

test('routes keep their conditions, their order and their place', () => {
  const { listeners } = plan({
    upstreams: { shop: ['a', 'b'] },
    listeners: [
      {
        listen: 0,
        routes: [
          { host: 'a.example', path: '/x/*', method: ['GET', 'HEAD'], respond: 'x' },
          { host: ['b.example', '*.c.example'], redirect: '/y' },
          { to: 'shop' },
        ],
      },
    ],
  })
  const router = listeners[0].handler as Router
  const place = (method: string, host: string, target: string) => router.find(method, host, '', target)?.place
  assert.equal(place('GET', 'a.example', '/x/1'), 'at listeners[0].routes[0]')
  assert.equal(place('POST', 'a.example', '/x/1'), 'at listeners[0].routes[2]')
  assert.equal(place('POST', 'z.c.example', '/'), 'at listeners[0].routes[1]')
})

test('workers are a number or auto, and nothing else', () => {
  const config = (workers: unknown) => ({ listeners: [{ listen: 0, routes: [{ respond: 'x' }] }], workers })
  for (const workers of [1, 1024, 'auto']) assert.equal(plan(config(workers)).workers, workers)
  for (const workers of [0, -1, 1.5, 1025, '2', 'all', null, true]) {
    const { config: checked, problems } = checkData(config(workers), '/etc/sluice')
    assert.equal(checked, null)
    assert.match(problems[0].message, / is not a whole number from 1 to 1024/)
  }
})
