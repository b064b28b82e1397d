/**
 * The program as a person meets it: real processes, real sockets, exit codes, signals.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext, test } from 'node:test'

const BIN = new URL('../../src/bin.ts', import.meta.url).pathname
const folders: string[] = []
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

function folderWith(files: Record<string, string> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-cli-'))
  folders.push(folder)
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  return folder
}

/** A running `sluice`. */
class Sluice {
  readonly child: ChildProcess
  stdout = ''
  stderr = ''
  /** Exit code, or the name of the signal that ended it. */
  readonly ended: Promise<number | string>

  constructor(child: ChildProcess) {
    this.child = child
    child.stdout?.on('data', chunk => {
      this.stdout += chunk
    })
    child.stderr?.on('data', chunk => {
      this.stderr += chunk
    })
    this.ended = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string)
  }

  /** Waits until the text is there. */
  async said(stream: 'stdout' | 'stderr', pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this[stream])
      if (match) return match
      const over = await Promise.race([
        this.ended.then(() => true),
        new Promise<false>(go => setTimeout(go, 10, false)),
      ])
      if (over && !pattern.test(this[stream]))
        assert.fail(`ended without ${pattern}:\n${this.stdout}\n${this.stderr}`)
    }
  }

  /** URL of the first listener, without a slash at its end. */
  async url(): Promise<string> {
    return (await this.said('stdout', /^listening (http:\/\/\S+) \(proxy\)$/m))[1]
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name)
  }

  logLines(): Record<string, unknown>[] {
    const lines = this.stdout.split('\n').filter(line => line.startsWith('{'))
    return lines.map(line => JSON.parse(line))
  }
}

interface StartOptions {
  cwd?: string
  nodeFlags?: string[]
  /** False: nobody reads what it prints. */
  read?: boolean
}

function start(
  context: TestContext,
  args: string[],
  { cwd, nodeFlags = [], read = true }: StartOptions = {},
): Sluice {
  const child = spawn(process.execPath, [...nodeFlags, BIN, ...args], { cwd: cwd ?? folderWith() })
  const sluice = new Sluice(child)
  if (!read) child.stdout?.removeAllListeners('data').pause()
  context.after(async () => {
    child.kill('SIGKILL')
    child.stdout?.resume()
    await sluice.ended
  })
  return sluice
}

/** Runs it to its end. */
async function result(context: TestContext, args: string[], options?: StartOptions) {
  const sluice = start(context, args, options)
  const code = await sluice.ended
  return { code, stdout: sluice.stdout, stderr: sluice.stderr }
}

async function origin(context: TestContext, answer: http.RequestListener): Promise<string> {
  const server = http.createServer(answer)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  context.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `127.0.0.1:${(server.address() as net.AddressInfo).port}`
}

const hello = (context: TestContext, text = 'hello') => origin(context, (_, response) => response.end(text))

async function get(
  url: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; text: string; headers: http.IncomingHttpHeaders }> {
  const request = http.get(url, { agent: false, headers })
  const [response] = (await once(request, 'response')) as [http.IncomingMessage]
  let text = ''
  for await (const chunk of response) text += chunk
  return { status: response.statusCode ?? 0, text, headers: response.headers }
}

const lines = (text: string): string[] => text.trimEnd().split('\n')

test('--version and --help are on stdout, with an example for every command', async context => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  assert.deepEqual(await result(context, ['--version']), { code: 0, stdout: `${version}\n`, stderr: '' })
  const overview = await result(context, ['--help'])
  assert.equal(overview.code, 0)
  for (const command of ['run', 'check', 'proxy']) {
    assert.match(overview.stdout, new RegExp(`^  sluice ${command} `, 'm'))
    const help = await result(context, [command, '--help'])
    assert.equal(help.code, 0)
    assert.equal(help.stderr, '')
    assert.match(help.stdout, new RegExp(`^Example:\n  sluice ${command} `, 'm'))
  }
  assert.doesNotMatch(overview.stdout, /forward|workers|explain/)
})

test('bad use ends with 2 and says what to write', async context => {
  const cases: [args: string[], stderr: RegExp][] = [
    [[], /^Commands:/m],
    [['prxy'], /^"prxy" is not a command: did you mean "proxy"\?$/m],
    [['forward', '--listen', ':8888'], /^sluice forward is not in this version yet$/m],
    [['--to', 'x'], /^"--to" stands where the command belongs/m],
    [
      ['run', '--workers', '4'],
      /^--workers is not in this version yet: take it out\nsee: sluice run --help$/m,
    ],
    [['run', '--watch'], /^--watch is not in this version yet/m],
    [['run', 'x.yaml'], /^"x.yaml" belongs to no flag: a config file is named with --config x.yaml$/m],
    [['proxy'], /^--to is missing: say who answers, for example: sluice proxy --to 127.0.0.1:9000\n$/],
    [
      ['proxy', '--lisen', ':80', '--to', 'a'],
      /^unknown flag --lisen: did you mean --listen\?\nsee: sluice proxy --help\n$/,
    ],
    [['proxy', '--to', 'a', '--cache=/tmp'], /^--cache is not in this version yet/m],
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
    '--balance: "fast" is not known here: write one of "round-robin", "least-busy"',
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
  assert.equal(sluice.stderr, 'SIGTERM: finishing what runs, at most 30s; once more ends it at once\n')
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

/** An origin that answers when the test says so. */
async function slowOrigin(
  context: TestContext,
): Promise<{ to: string; asked: Promise<void>; answer(): void }> {
  let answer = () => {}
  let ask = () => {}
  const asked = new Promise<void>(resolve => {
    ask = resolve
  })
  const to = await origin(context, (_, response) => {
    answer = () => response.end('late')
    ask()
  })
  return { to, asked, answer: () => answer() }
}

test('SIGTERM lets a running exchange finish and takes no new connection', async context => {
  const slow = await slowOrigin(context)
  const sluice = start(context, ['proxy', '--listen', '127.0.0.1:0', '--to', slow.to])
  const url = await sluice.url()
  const running = get(url)
  await slow.asked
  sluice.signal('SIGTERM')
  await sluice.said('stderr', /^SIGTERM: finishing/m)
  await assert.rejects(get(url), { code: 'ECONNREFUSED' })
  slow.answer()
  assert.equal((await running).text, 'late')
  assert.equal(await sluice.ended, 0)
  assert.equal(sluice.logLines().length, 1)
})

test('a second signal ends it at once, with 1', async context => {
  const slow = await slowOrigin(context)
  const sluice = start(context, ['proxy', '--listen', '127.0.0.1:0', '--to', slow.to])
  const running = get(await sluice.url())
  running.catch(() => {})
  await slow.asked
  sluice.signal('SIGINT')
  await sluice.said('stderr', /^SIGINT: finishing/m)
  sluice.signal('SIGINT')
  assert.equal(await sluice.ended, 1)
  assert.match(sluice.stderr, /^asked again: ended at once$/m)
  await assert.rejects(running)
})

test('what is not finished in time is cut, and said', async context => {
  const slow = await slowOrigin(context)
  const sluice = start(context, [
    'proxy',
    '--listen',
    '127.0.0.1:0',
    '--to',
    slow.to,
    '--drain-timeout',
    '200ms',
  ])
  get(await sluice.url()).catch(() => {})
  await slow.asked
  sluice.signal('SIGTERM')
  assert.equal(await sluice.ended, 0)
  assert.match(sluice.stderr, /^1 connection was cut after 200ms$/m)
})

test('SIGHUP changes nothing and says so', async context => {
  const sluice = start(context, ['proxy', '--listen', '127.0.0.1:0', '--to', await hello(context)])
  const url = await sluice.url()
  sluice.signal('SIGHUP')
  await sluice.said('stderr', /^SIGHUP: reload is not in this version yet/m)
  assert.equal((await get(url)).status, 200)
})

test('--log-file, opened again by SIGUSR2', async context => {
  const cwd = folderWith()
  const file = join(cwd, 'access.log')
  const sluice = start(
    context,
    [
      'proxy',
      '--listen',
      '127.0.0.1:0',
      '--to',
      await hello(context),
      '--log-file',
      'access.log',
      '--log',
      'combined',
    ],
    { cwd },
  )
  const url = await sluice.url()
  const holds = async (path: string, text: RegExp) => {
    while (!existsSync(path) || !text.test(readFileSync(path, 'utf8')))
      await new Promise(resolve => setTimeout(resolve, 20))
  }
  await get(`${url}/one`)
  await holds(file, /^127\.0\.0\.1 - - \[.*\] "GET \/one HTTP\/1\.1" 200 5 "-" "-"\n$/)
  renameSync(file, `${file}.1`)
  sluice.signal('SIGUSR2')
  await holds(file, /^$/)
  await get(`${url}/two`)
  await holds(file, /GET \/two/)
  assert.doesNotMatch(readFileSync(`${file}.1`, 'utf8'), /two/)
  assert.equal(lines(sluice.stdout).length, 1)
})

test('a log file that cannot be opened', async context => {
  const { code, stderr } = await result(context, [
    'proxy',
    '--to',
    '127.0.0.1:1',
    '--listen',
    '127.0.0.1:0',
    '--log-file',
    'no/such/folder.log',
  ])
  assert.equal(code, 1)
  assert.match(stderr, /^cannot open the log file .*no\/such\/folder\.log: ENOENT/)
})

test('nobody reads the log: requests go on, and the program ends when asked', async context => {
  const sluice = start(context, ['proxy', '--listen', '127.0.0.1:0', '--to', await hello(context)], {
    read: false,
  })
  // The one line that has to be read.
  const [chunk] = await once(sluice.child.stdout as NodeJS.ReadableStream, 'data')
  sluice.child.stdout?.pause()
  const url = /http:\/\/\S+/.exec(String(chunk))?.[0] ?? ''
  const agent = new http.Agent({ keepAlive: true, maxSockets: 10 })
  context.after(() => agent.destroy())
  // More than a pipe and the reader's buffer hold.
  const target = `${url}/${'x'.repeat(4000)}`
  for (let round = 0; round < 40; round++) {
    await Promise.all(
      Array.from({ length: 10 }, async () => {
        const [response] = (await once(http.get(target, { agent }), 'response')) as [http.IncomingMessage]
        assert.equal(response.statusCode, 200)
        response.resume()
        await once(response, 'end')
      }),
    )
  }
  sluice.signal('SIGTERM')
  await once(sluice.child, 'exit')
  assert.equal(sluice.child.exitCode, 0)
})

test('whoever read the log is gone: requests go on', async context => {
  const sluice = start(context, ['proxy', '--listen', '127.0.0.1:0', '--to', await hello(context)])
  const url = await sluice.url()
  sluice.child.stdout?.destroy()
  for (let i = 0; i < 3; i++) {
    assert.equal((await get(url)).status, 200)
    await new Promise(resolve => setTimeout(resolve, 120))
  }
  await sluice.said('stderr', /^log stdout: nobody reads it any more: lines are lost until it works again$/m)
  sluice.signal('SIGTERM')
  assert.equal(await sluice.ended, 0)
})

test('no server answers: 502, and the log says why', async context => {
  const sluice = start(context, ['proxy', '--listen', '127.0.0.1:0', '--to', '127.0.0.1:1'])
  assert.equal((await get(await sluice.url())).status, 502)
  await sluice.said('stdout', /"error":"connect_refused"/)
})
