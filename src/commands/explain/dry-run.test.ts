/**
 * Layers, balancers and limits as an explanation meets them: the code that serves decides.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { askedFrom, explained, explanationFor } from '../../../test/support/explained.ts'
import type { Explanation } from './explanation.ts'
import { textOf } from './text.ts'

const GUARDED = `upstreams: { a: { servers: [a:1, b:1, { address: c:1, priority: 2 }], balance: hash-client, retry: { attempts: 2 } } }
listeners:
  - listen: 8080
    routes:
      - path: /in
        layers:
          - ipAllow: [10.0.0.0/8]
          - basicAuth: { realm: shop, users: { alice: geheim } }
          - rewrite: { stripPrefix: /in }
        timeouts: { head: 1s, total: 9s }
        retry: { on: [connect, 503], methods: all }
        to: a
      - path: /cors
        layers: [{ cors: { origins: ["https://shop.example.com"] } }]
        to: a
`

test('layers that deny, ask for a password, answer a preflight, or let pass', async () => {
  const credentials = `authorization: Basic ${Buffer.from('alice:geheim').toString('base64')}`
  const preflight = ['-H', 'origin: https://shop.example.com', '-H', 'access-control-request-method: PUT']
  const cases: readonly [args: string[], answers: string | null, status: number][] = [
    [['a/in', '--client', '192.0.2.7'], 'ipAllow', 403],
    [['a/in', '--client', '10.1.1.1'], 'basicAuth', 401],
    [['a/in/x', '--client', '10.1.1.1', '-H', credentials], null, 404],
    [['a/in', '--client', '10.1.1.1', '-H', credentials], null, 200],
    [['a/cors', '-X', 'OPTIONS', ...preflight], 'cors', 204],
  ]
  for (const [args, answers, status] of cases) {
    const explanation = await explained(GUARDED, args)
    const [{ layers, answer, serverRequest, answeredBy }] = explanation.listeners
    const at = layers.findIndex(layer => layer.answers)
    assert.deepEqual([layers[at]?.name ?? null, answer?.status], [answers, status], args.join(' '))
    assert.ok(layers.every((layer, index) => layer.reached === (at === -1 || index <= at)))
    assert.equal(serverRequest !== null, status === 200)
    if (answers !== null) assert.equal(answeredBy, 'layer')
    for (const secret of ['geheim', credentials.slice(-8)]) {
      assert.ok(!JSON.stringify(explanation).includes(secret))
      assert.ok(!textOf(explanation).includes(secret))
    }
  }
})

test('what layers change, who the key stands for, and what the route says otherwise', async () => {
  const credentials = `authorization: Basic ${Buffer.from('alice:geheim').toString('base64')}`
  const [listener] = (await explained(GUARDED, ['a/in', '--client', '10.1.1.1', '-H', credentials])).listeners
  assert.deepEqual(
    listener.layers.map(({ changes }) => changes),
    [[], ['- authorization: (secret)'], ['target /in → /']],
  )
  assert.deepEqual(listener.layers[1].options, { realm: 'shop', users: '(secret)' })
  assert.equal(listener.serverRequest?.target, '/')
  assert.equal(listener.upstream?.why, 'client 10.1.1.1 stands for it')
  assert.deepEqual(
    listener.upstream?.servers.map(({ address, priority }) => `${address} ${priority}`),
    ['a:1 1', 'b:1 1', 'c:1 2'],
  )
  assert.deepEqual(
    listener.limits.filter(({ from }) => from !== 'default').map(({ of, name, value }) => [of, name, value]),
    [
      ['route', 'timeouts.head', '1s'],
      ['route', 'timeouts.total', '9s'],
      ['upstream', 'retry.attempts', '2'],
      ['route', 'retry.on', 'connect 503'],
      ['route', 'retry.methods', 'all'],
    ],
  )
})

test('a sticky cookie is given, and the secret that it is made with is not shown', async () => {
  const text = `upstreams: { a: { servers: [a:1, b:1], balance: { sticky: { cookie: at, secret: geheimgeheimgeheimgeheimgeheim } } } }
listeners: [{ listen: 8080, routes: [{ to: a }] }]
`
  const first = await explained(text, ['x'])
  const [{ answer, upstream }] = first.listeners
  const cookie = answer?.fields.find(([name]) => name === 'Set-Cookie')?.[1] ?? ''
  assert.match(cookie, /^at=/)
  assert.deepEqual(upstream?.balance, { sticky: { cookie: 'at', secret: '(secret)' } })
  const again = await explained(text, ['x', '-H', `cookie: ${cookie.split(';')[0]}`])
  const picked = (each: Explanation) => each.listeners[0].upstream?.servers.find(server => server.picked)
  assert.deepEqual(picked(again), picked(first))
  assert.match(again.listeners[0].upstream?.why ?? '', /^cookie at.* stands for it$/)
  assert.ok(!JSON.stringify([first, again]).includes('geheim'))
})

test('whatever is asked for, there is an answer, and a route only for what can be served', async () => {
  const odd = fc.string({
    unit: fc.constantFrom('a', '/', ':', '%', '2', 'F', '.', ';', '?', '#', '@', ' ', '[', '\\', 'é', '\0'),
  })
  const value = fc.oneof(
    odd,
    fc.constantFrom('', '0', '5', 'chunked', 'gzip, chunked', '100-continue', 'close', 'websocket'),
  )
  const name = fc.oneof(
    odd,
    fc.constantFrom(
      ...['host', 'content-length', 'transfer-encoding', 'connection', 'upgrade', 'expect', 'te'],
    ),
  )
  const request = fc.record({
    url: fc.tuple(fc.constantFrom('', 'a', 'http://a', 'http://[::1]:8080/in', '/cors'), odd),
    method: fc.oneof(odd, fc.constantFrom('GET', 'HEAD', 'POST', 'CONNECT', 'TRACE')),
    fields: fc.array(fc.tuple(name, value), { maxLength: 3 }),
  })
  const property = fc.asyncProperty(request, async ({ url, method, fields }) => {
    const headers = fields.flatMap(([name, value]) => ['-H', `${name}:${value}`])
    const asked = askedFrom([`/${url.join('')}`.slice(1) || '/', `-X${method || 'GET'}`, ...headers])
    if ('faults' in asked) return assert.ok(asked.faults.length > 0)
    const explanation = await explanationFor(GUARDED, asked)
    const [{ answer, answeredBy, route, serverRequest }] = explanation.listeners
    assert.ok(answer !== null && answer.status >= 200)
    assert.equal(serverRequest !== null, answeredBy === 'upstream')
    if (route === null) assert.ok(answer.status >= 400 || answeredBy === 'proxy')
    assert.ok(textOf(explanation).length > 0)
  })
  await fc.assert(property, { numRuns: 300 })
})
