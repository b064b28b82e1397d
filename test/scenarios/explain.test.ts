/**
 * `sluice explain` as a process, and beside a server that runs: what it says is what happens.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { type ExplainedListener, explanationOf } from '../../src/commands/explain/explanation.ts'
import { buildPlan } from '../../src/config/build.ts'
import type { ReadConfig } from '../../src/config/read-config.ts'
import type { ConfigData, RouteData } from '../../src/config/schema.ts'
import { ProxyServer } from '../../src/server/server.ts'
import { askedFrom } from '../support/explained.ts'
import { folderWith, get, hello, lines, result, start } from '../support/program.ts'

const CONFIG = `listeners:
  - listen: 127.0.0.1:0
    routes:
      - { host: a, respond: from a }
      - { path: /b, to: b }
upstreams: { b: 127.0.0.1:9 }
`

test('0 when a route takes it, 1 when none does, 2 for bad use or a bad config', async context => {
  const cwd = folderWith({ 'sluice.config.yaml': CONFIG, 'bad.yaml': 'listeners: []\n' })
  const explain = (...args: string[]) => result(context, ['explain', ...args], { cwd })
  const taken = await explain('a/x')
  assert.deepEqual([taken.code, taken.stderr], [0, ''])
  assert.match(taken.stdout, /^ {4}sluice\.config\.yaml:4:9 {2}takes it: host a$/m)
  const lost = await explain('c/x')
  assert.deepEqual([lost.code, lost.stderr], [1, ''])
  assert.match(lost.stdout, /^ {2}no route takes it$/m)
  const bad = await explain('a', '--config', 'bad.yaml')
  assert.deepEqual([bad.code, bad.stdout], [2, ''])
  assert.match(bad.stderr, /^bad\.yaml:1:12: listeners: an empty list/)
  for (const [args, words] of [
    [[], /^URL is missing: write for example: sluice explain http:/],
    [['a', 'b'], /^"b" is one too many: sluice explain takes one URL, here "a"$/m],
    [['a', '-X'], /^--method needs a value: write --method METHOD$/m],
    [['a', '-X', 'GET', '-X', 'PUT'], /^--method is given 2 times/m],
    [['a', '--clint', '1.2.3.4'], /^unknown flag --clint: did you mean --client\?$/m],
    [['a', '-Y'], /^unknown flag -Y/m],
    [['a', '-H', 'foo'], /^-H: "foo" is not a field: write 'name: value'$/m],
  ] as const) {
    const used = await explain(...args)
    assert.match(used.stderr, words)
    assert.deepEqual([used.code, used.stdout], [2, ''], args.join(' '))
  }
})

test('--json on stdout is one value, warnings stay on stderr', async context => {
  const cwd = folderWith({ 'c.yaml': `${CONFIG.replace('{ b:', '{ unused: 127.0.0.1:1, b:')}` })
  const args = ['explain', '--json', '--config', 'c.yaml', 'http://x/b', '-XPOST', '-Hx-a: b,c', '-Hx-a: d']
  const { code, stdout, stderr } = await result(context, args, { cwd })
  assert.equal(code, 0)
  assert.match(stderr, /^c\.yaml:6:14: warning: upstreams\.unused: no route leads here\n$/)
  const [listener]: ExplainedListener[] = JSON.parse(stdout).listeners
  assert.deepEqual(listener.serverRequest?.fields.slice(0, 3), [
    ['Host', 'x'],
    ['x-a', 'b,c'],
    ['x-a', 'd'],
  ])
})

test('nothing is connected to, looked up or listened on', async context => {
  const heard: net.Socket[] = []
  const server = net.createServer(socket => heard.push(socket)).listen(0, '127.0.0.1')
  context.after(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as net.AddressInfo
  const cwd = folderWith({
    // The port is in use: listening would fail. The second server has no address: looking it up would fail.
    'sluice.config.yaml': `upstreams: { a: 127.0.0.1:${port}, b: no-such-name.invalid }
listeners:
  - listen: 127.0.0.1:${port}
    routes: [{ path: /a, to: a }, { to: b }]
`,
  })
  for (const path of ['/a', '/b']) {
    const { code, stdout } = await result(context, ['explain', path], { cwd })
    assert.equal(code, 0)
    assert.match(stdout, /^ {2}the server would get:\n {4}GET \/[ab] HTTP\/1\.1$/m)
  }
  assert.equal(heard.length, 0)
})

test('the same config, explained and served', async context => {
  const text = `upstreams: { b: ${await hello(context, 'from b')} }
listeners:
  - listen: 127.0.0.1:0
    routes:
      - { host: a, path: /to, redirect: "http://{host}/{path}{query}" }
      - { host: a, respond: from a }
      - { path: /b, layers: [{ headers: { response: { set: { x-layer: "yes" } } } }], to: b }
`
  const cwd = folderWith({ 'sluice.config.yaml': text })
  const sluice = start(context, ['run', '--log', 'off'], { cwd })
  const url = await sluice.url()
  for (const [host, path] of [
    ['a', '/to?q=1'],
    ['a', '/'],
    ['c', '/b'],
    ['c', '/c'],
  ]) {
    const args = ['explain', '--json', path, '-H', `host: ${host}`]
    const { stdout } = await result(context, args, { cwd })
    const [{ answer, answeredBy }]: ExplainedListener[] = JSON.parse(stdout).listeners
    const served = await get(`${url}${path}`, { host })
    const explained = new Map(answer?.fields.map(([name, value]) => [name.toLowerCase(), value]))
    assert.equal(answer?.status, served.status)
    assert.equal(explained.get('location'), served.headers.location)
    assert.equal(explained.get('x-layer'), served.headers['x-layer'])
    if (answeredBy !== 'upstream') assert.equal(answer?.body, served.text)
  }
  assert.deepEqual(lines(sluice.stderr), [''])
})

/** Serves a config on a port of its own until the test ends. */
async function serving(context: TestContext, config: ConfigData): Promise<net.Socket> {
  const plan = buildPlan(config, FOUND)
  const server = new ProxyServer(plan.listeners, { record: null, warn: line => assert.fail(line) })
  const [{ url }] = await server.start()
  const socket = net.connect(Number(new URL(url).port), '127.0.0.1')
  context.after(() => {
    socket.destroy()
    server.close()
  })
  await once(socket, 'connect')
  return socket
}

const FOUND: ReadConfig = {
  file: 'c',
  folder: '/',
  config: null,
  faults: [],
  warnings: [],
  files: [],
  placeOf: path => String(path.at(-1)),
}

/** The first line and the last of the answer; the connection is kept. */
async function ask(socket: net.Socket, head: Buffer): Promise<{ status: number; body: string }> {
  socket.write(head)
  let text = ''
  for (;;) {
    text += (await once(socket, 'data'))[0]
    const end = text.indexOf('\r\n\r\n')
    const length = Number(/^content-length: (\d+)/im.exec(text)?.[1])
    if (end !== -1 && Buffer.byteLength(text) >= end + 4 + length)
      return { status: Number(text.slice(9, 12)), body: text.slice(end + 4) }
  }
}

test('for any config and request, the route that is said to win is the one that serves', async context => {
  const oneOf = (...values: string[]) => fc.constantFrom(...values)
  const some = (value: fc.Arbitrary<string>) => fc.array(value, { minLength: 1, maxLength: 2 })
  const conditions = fc.record(
    {
      host: some(oneOf('a', 'b.a', 'a:81', '*.a', '*.a:81', '*', '[::1]')),
      path: some(oneOf('/', '/p', '/p/*', '/q/r', '/*')),
      method: some(oneOf('GET', 'POST')),
    },
    { requiredKeys: [] },
  )
  const request = fc.record({
    method: oneOf('GET', 'POST', 'PUT', 'OPTIONS'),
    host: oneOf('a', 'A:81', 'b.a', 'x.b.a:80', 'c', '', '[0::1]'),
    path: oneOf('/', '/p', '/p/x', '/%70/../q//r', '/p;x=1/y?z', '/p/..;/x'),
  })
  const property = fc.asyncProperty(
    fc.array(conditions, { minLength: 1, maxLength: 6 }),
    fc.array(request, { minLength: 1, maxLength: 6 }),
    async (routes, requests) => {
      const config: ConfigData = {
        listeners: [
          {
            listen: '127.0.0.1:0',
            routes: routes.map((route, index): RouteData => ({ ...route, respond: `route ${index}` })),
          },
        ],
      }
      const socket = await serving(context, config)
      for (const { method, host, path } of requests) {
        const asked = askedFrom([path, '-X', method, '-H', `host: ${host}`])
        assert.ok(!('faults' in asked))
        const [{ route, answer, tried }] = (await explanationOf(config, FOUND, asked)).listeners
        const served = await ask(socket, asked.head)
        assert.equal(answer?.status, served.status)
        assert.equal(answer?.body, served.body)
        assert.equal(route === null, served.status !== 200)
        if (route !== null) assert.equal(`route ${route.place}`, served.body)
        if (route !== null) assert.equal(String(tried.length), route.place)
      }
      socket.destroy()
    },
  )
  await fc.assert(property, { numRuns: 60 })
})

test('the example for production: who is let in, what is asked of whom', async context => {
  const config = new URL('../../examples/production.config.ts', import.meta.url).pathname
  const asked = async (...args: string[]) => {
    const { stdout } = await result(context, ['explain', '--config', config, '--json', ...args])
    return JSON.parse(stdout).listeners[0] as ExplainedListener
  }
  const api = await asked('http://shop.example.com:8080/api/x')
  assert.deepEqual(
    [api.upstream?.name, api.serverRequest?.target, api.answer?.status],
    ['api', '/api/x', 200],
  )
  const stranger = await asked('http://shop.example.com:8080/admin/', '--client', '192.0.2.1')
  assert.deepEqual([stranger.answeredBy, stranger.error?.code], ['layer', 'client_not_allowed'])
  const staff = ['http://shop.example.com:8080/admin/', '--client', '10.1.2.3']
  assert.equal((await asked(...staff)).error?.code, 'credentials_missing')
  const credentials = Buffer.from('alice:only an example').toString('base64')
  const alice = await asked(...staff, '-H', `Authorization: Basic ${credentials}`)
  assert.deepEqual([alice.answeredBy, alice.upstream?.name], ['upstream', 'shop'])
})
