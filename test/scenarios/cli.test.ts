/**
 * The command line as a person meets it: what it says, what it serves, what it ends with.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import http from 'node:http'
import net from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { startHttpOrigin } from '../support/origin.ts'
import { folderWith, get, hello, lines, origin, result, start } from '../support/program.ts'

test('--version and --help are on stdout, with an example for every command', async context => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  assert.deepEqual(await result(context, ['--version']), { code: 0, stdout: `${version}\n`, stderr: '' })
  const overview = await result(context, ['--help'])
  assert.equal(overview.code, 0)
  for (const command of ['run', 'check', 'explain', 'proxy']) {
    assert.match(overview.stdout, new RegExp(`^  sluice ${command} `, 'm'))
    const help = await result(context, [command, '--help'])
    assert.equal(help.code, 0)
    assert.equal(help.stderr, '')
    assert.match(help.stdout, new RegExp(`^Example:\n  sluice ${command} `, 'm'))
  }
  assert.doesNotMatch(overview.stdout, /forward|receive/)
})

test('bad use ends with 2 and says what to write', async context => {
  const cases: [args: string[], stderr: RegExp][] = [
    [[], /^Commands:/m],
    [['prxy'], /^"prxy" is not a command: did you mean "proxy"\?$/m],
    [['forward', '--listen', ':8888'], /^sluice forward is not in this version yet$/m],
    [['--to', 'x'], /^"--to" stands where the command belongs/m],
    [
      ['proxy', '--to', '127.0.0.1:1', '--workers', '0'],
      /^--workers: "0" is not a whole number from 1 to 1024 and not "auto": write for example "2"/,
    ],
    [['proxy', '--to', 'a', '--watch'], /^unknown flag --watch: /m],
    [['run', 'x.yaml'], /^"x.yaml" belongs to no flag: a config file is named with --config x.yaml$/m],
    [['proxy'], /^--to is missing: say who answers, for example: sluice proxy --to 127.0.0.1:9000\n$/],
    [
      ['proxy', '--lisen', ':80', '--to', 'a'],
      /^unknown flag --lisen: did you mean --listen\?\nsee: sluice proxy --help\n$/,
    ],
    [['proxy', '--to', 'a', '--cache', '/tmp'], /^"\/tmp" belongs to no flag: write --cache=\/tmp$/m],
    [['proxy', '--to', 'a', '--cache='], /^--cache= has no value: write --cache=DIR, or only --cache$/m],
    [['proxy', '--to', 'a', '--admin', ':8079'], /^--admin: ":8079" can be reached from other machines/m],
    [['proxy', '--to', '--listen', ':80'], /^--to needs a value: write --to URL$/m],
    [['proxy', '--to', 'a', '--debug=yes'], /^--debug stands alone: take "=yes" away$/m],
    [
      ['proxy', '--to', 'a', '--log', 'json', '--log', 'short'],
      /^--log is given 2 times: it takes one value$/m,
    ],
    [['run', '--config', 'nowhere.ts'], /^nowhere.ts:1:1: there is no such file$/m],
    [['run'], /^no config in .*: write sluice.config.ts/m],
  ]
  await Promise.all(
    cases.map(async ([args, stderr]) => {
      const found = await result(context, args)
      assert.match(found.stderr, stderr, args.join(' '))
      assert.deepEqual([found.code, found.stdout], [2, ''], args.join(' '))
    }),
  )
})

test('proxy names every bad flag at once', async context => {
  const args =
    'proxy --to https://x --listen 99999 --host a/b --balance fast --retry-for 5 --set-header foo --log jsn'
  const { code, stderr } = await result(context, [...args.split(' '), '--drain-timeout', '1 s'])
  assert.equal(code, 2)
  assert.deepEqual(lines(stderr), [
    '--log: "jsn" is not known here: did you mean "json"?',
    `--set-header: "foo" is not a header: write 'name: value'`,
    '--to: "https://x": TLS to upstream servers is not served yet: write "http://x" if the server takes plain HTTP',
    '--balance: "fast" is not known here: write one of "round-robin", "least-busy", "random-two", "hash-client", "hash-uri", "sticky"',
    '--retry-for: "5" is not a duration: write for example "250ms", "5s", "2m" or "1h"',
    '--listen: "99999": a port is a number from 0 to 65535',
    '--host: "a/b" is more than a host: write only the name, for example "a"',
    '--drain-timeout: "1 s" is not a duration: write "1s"',
  ])
})

test('an older Node is told which one is needed', async context => {
  const older = `data:text/javascript,Object.defineProperty(process,'versions',{value:{...process.versions,node:'20.11.1'}})`
  const { code, stderr } = await result(context, ['run'], { nodeFlags: ['--import', older] })
  assert.equal(code, 2)
  assert.match(stderr, /^sluice needs Node\.js 22\.18 or newer; this is 20\.11\.1 \(.*\)\n$/)
})

test('check: nothing to say about a good config, every fault of a bad one', async context => {
  const good = folderWith({
    'sluice.config.yaml': 'listeners:\n  - listen: 0\n    routes: [{ respond: hello }]\n',
  })
  assert.deepEqual(await result(context, ['check'], { cwd: good }), {
    code: 0,
    stdout: 'sluice.config.yaml: no faults (1 listener, 1 route, 0 upstreams)\n',
    stderr: '',
  })
  const bad = folderWith({
    'bad.json':
      '{\n  "upstreams": { "spare": "127.0.0.1:1" },\n  "listeners": [\n    { "lisen": 1, "routes": [{ "to": "shop" }] }\n  ]\n}\n',
  })
  const found = await result(context, ['check', '--config', 'bad.json'], { cwd: bad })
  assert.deepEqual([found.code, found.stdout], [2, ''])
  assert.deepEqual(lines(found.stderr), [
    'bad.json:2:18: warning: upstreams.spare: no route leads here',
    'bad.json:4:7: listeners[0]: unknown key "lisen": did you mean "listen"?',
    'bad.json:4:38: listeners[0].routes[0].to: no upstream is called "shop": known here: spare',
    '2 faults in bad.json',
  ])
  assert.deepEqual(
    (await result(context, ['run', '--config', 'bad.json'], { cwd: bad })).stderr,
    found.stderr,
  )
})

test('proxy: --compress compresses what --set-header leaves to it', async context => {
  const text = 'a line of a page\n'.repeat(500)
  const { address: to } = await startHttpOrigin(context, (_, response) =>
    response.writeHead(200, { 'content-type': 'text/plain' }).end(text),
  )
  const listen = ['proxy', '--listen', '127.0.0.1:0', '--to', to, '--compress']
  for (const [flags, coding] of [
    [[], 'gzip'],
    [['--set-header', 'cache-control: no-transform'], null],
  ] as const) {
    const url = await start(context, [...listen, ...flags]).url()
    const response = await fetch(url, { headers: { 'accept-encoding': 'gzip' } })
    assert.deepEqual([response.headers.get('content-encoding'), await response.text()], [coding, text])
  }
})

test('proxy: requests pass, fields are set, every exchange has a line', async context => {
  const to = await hello(context)
  const sluice = start(context, [
    'proxy',
    '--listen',
    '127.0.0.1:0',
    '--to',
    to,
    '--set-header',
    'x-served-by: sluice',
    '--set-header',
    'x-a: b',
  ])
  const url = await sluice.url()
  const { status, text, headers } = await get(`${url}/a?b=c`, { host: 'shop.example.com' })
  assert.deepEqual([status, text, headers['x-served-by'], headers['x-a']], [200, 'hello', 'sluice', 'b'])
  await sluice.said('stdout', /^\{.*\}$/m)
  const [line] = sluice.logLines()
  assert.deepEqual(
    {
      method: line.method,
      host: line.host,
      target: line.target,
      status: line.status,
      bytes: line.responseBytes,
      upstream: line.upstream,
      client: line.client,
    },
    {
      method: 'GET',
      host: 'shop.example.com',
      target: '/a?b=c',
      status: 200,
      bytes: 5,
      upstream: to,
      client: '127.0.0.1',
    },
  )
  assert.ok(Math.abs(Date.parse(String(line.time)) - Date.now()) < 10_000)
  sluice.signal('SIGTERM')
  assert.equal(await sluice.ended, 0)
  assert.deepEqual(lines(sluice.stderr), [
    'SIGTERM: finishing what runs, at most 30s; once more ends it at once',
    'served 1 request on 1 connection by 1 worker',
  ])
})

test('proxy: several servers take turns, only the named hosts are served', async context => {
  const [one, two, three] = await Promise.all(['1', '2', '3'].map(text => hello(context, text)))
  const sluice = start(context, [
    'proxy',
    '--listen',
    '127.0.0.1:0',
    '--to',
    `${one},${two}`,
    '--to',
    three,
    '--host',
    'a.example',
    '--host',
    '*.b.example',
    '--log',
    'off',
  ])
  const url = await sluice.url()
  const seen: string[] = []
  for (let i = 0; i < 6; i++) seen.push((await get(url, { host: i % 2 ? 'a.example' : 'x.b.example' })).text)
  assert.deepEqual(seen.sort(), ['1', '1', '2', '2', '3', '3'])
  assert.equal((await get(url, { host: 'c.example' })).status, 404)
  assert.equal(lines(sluice.stdout).length, 1)
})

test('proxy: a server that is not up yet is waited for', async context => {
  const probe = net.createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as net.AddressInfo
  probe.close()
  await once(probe, 'close')
  const sluice = start(context, [
    'proxy',
    '--listen',
    '127.0.0.1:0',
    '--to',
    `127.0.0.1:${port}`,
    '--retry-for',
    '20s',
  ])
  const answer = get(await sluice.url())
  await new Promise(resolve => setTimeout(resolve, 300))
  const late = http.createServer((_, response) => response.end('here now')).listen(port, '127.0.0.1')
  context.after(() => late.close())
  assert.equal((await answer).text, 'here now')
})

test('run: the config file here, with redirect and fixed answers', async context => {
  const to = await origin(context, (request, response) => response.end(request.url))
  const cwd = folderWith({
    'sluice.config.ts': `import { defineConfig, headers } from 'sluice'
const upstreams = { shop: { servers: ['${to}'] } }
export default defineConfig({
  upstreams,
  listeners: [
    { listen: '127.0.0.1:0', routes: [
      { path: '/old/*', redirect: 'https://new.example{path}{query}' },
      { path: '/health', method: 'GET', respond: { status: 203, body: 'fine', headers: { 'x-a': 'b' } } },
      { path: '/shop/*', layers: [headers({ response: { set: { 'x-b': 'c' } } })], to: 'shop' },
    ] },
    { listen: 'unix:second.sock', routes: [{ respond: 'second' }] },
  ],
})
`,
  })
  const sluice = start(context, ['run'], { cwd })
  const url = await sluice.url()
  await sluice.said('stdout', /^listening unix:second\.sock \(proxy\)$/m)
  const redirect = await get(`${url}/old/a?b`)
  assert.deepEqual([redirect.status, redirect.headers.location], [302, 'https://new.example/old/a?b'])
  const health = await get(`${url}/health`)
  assert.deepEqual([health.status, health.text, health.headers['x-a']], [203, 'fine', 'b'])
  const shop = await get(`${url}/shop/x`)
  assert.deepEqual([shop.text, shop.headers['x-b']], ['/shop/x', 'c'])
  assert.equal((await get(`${url}/else`)).status, 404)
  sluice.signal('SIGINT')
  assert.equal(await sluice.ended, 0)
  assert.ok(!existsSync(join(cwd, 'second.sock')))
})

test('a port in use: 1, and how to find who has it', async context => {
  const address = await hello(context)
  const port = address.split(':')[1]
  const { code, stdout, stderr } = await result(context, [
    'proxy',
    '--to',
    '127.0.0.1:1',
    '--listen',
    address,
  ])
  assert.deepEqual([code, stdout], [1, ''])
  assert.match(
    stderr,
    new RegExp(`^cannot listen on ${address}: another program has the port; see which: \\w+ .*${port}.*\\n$`),
  )
})

test('an address that this machine does not have', async context => {
  const { code, stderr } = await result(context, ['proxy', '--to', '127.0.0.1:1', '--listen', '192.0.2.1:0'])
  assert.equal(code, 1)
  assert.match(stderr, /^cannot listen on 192\.0\.2\.1:0: this machine has no address 192\.0\.2\.1/)
})

test('no server answers: 502, and the log says why', async context => {
  const sluice = start(context, ['proxy', '--listen', '127.0.0.1:0', '--to', '127.0.0.1:1'])
  assert.equal((await get(await sluice.url())).status, 502)
  await sluice.said('stdout', /"error":"connect_refused"/)
})
