/**
 * Several processes that serve as one: who gets which connection, what is lost when one dies, and what is not.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { folderWith, get, hello, origin, result, type Sluice, start } from '../support/program.ts'
import { startLoad } from '../support/steady-load.ts'
import { until } from '../support/wait.ts'

const CONFIG = {
  listeners: [{ listen: '127.0.0.1:0', routes: [{ respond: 'hello' }] }],
  log: { format: 'off' },
}

/** `sluice run` with this config and two workers. */
function startTwo(t: TestContext, config: object = CONFIG, args: string[] = []): Sluice {
  const cwd = folderWith({ 'sluice.config.json': JSON.stringify(config) })
  return start(t, ['run', '--workers', '2', ...args], { cwd })
}

/** The worker processes, in the order they were started. */
function workersOf({ child }: Sluice): number[] {
  return readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'latin1')
    .split(' ')
    .filter(text => text !== '')
    .map(Number)
}

/** A process that has ended may still wait to be looked after. */
function runs(pid: number): boolean {
  if (!existsSync(`/proc/${pid}/stat`)) return false
  return !/^\d+ \(.*\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))
}

/** Idle connections, and a way to ask how many of them are still there. */
async function connections(t: TestContext, url: string, count: number): Promise<net.Socket[]> {
  const { hostname, port } = new URL(url)
  const sockets = Array.from({ length: count }, () => net.connect(Number(port), hostname))
  t.after(() => {
    for (const socket of sockets) socket.destroy()
  })
  await Promise.all(
    sockets.map(async socket => {
      socket.on('error', () => {})
      await once(socket, 'connect')
      // An answer proves that a worker has it, and not only the kernel.
      socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
      await once(socket, 'data')
    }),
  )
  return sockets
}

test('connections spread evenly over the workers', async t => {
  const sluice = startTwo(t)
  const sockets = await connections(t, await sluice.url(), 400)
  // Who is killed takes its connections along: that is how many it had.
  process.kill(workersOf(sluice)[0], 'SIGKILL')
  await sluice.said('stderr', /^worker \d+ \(slot 0\) ended by SIGKILL/m)
  await until(() => sockets.some(socket => socket.destroyed), 'connections to break')
  const left = await stable(() => sockets.filter(socket => !socket.destroyed).length)
  // The kernel throws a coin for each: 200 ± 10. Ten times that is no bad luck any more.
  assert.ok(left > 100 && left < 300, `${400 - left} of 400 connections were on the first of two workers`)
})

async function stable(read: () => number): Promise<number> {
  for (let before = Number.NaN; ; ) {
    const now = read()
    if (now === before) return now
    before = now
    await new Promise(resolve => setTimeout(resolve, 100))
  }
}

test('a worker that is killed under load costs its own connections, and is back', async t => {
  const sluice = startTwo(t)
  const load = startLoad(t, await sluice.url(), { keeping: 150, renewing: 50 })
  await load.more(2_000)
  const [first, second] = workersOf(sluice)
  const killedMs = performance.now()
  process.kill(first, 'SIGKILL')
  await sluice.said('stderr', /^worker \d+ \(slot 0\) ended by SIGKILL after .*; the next starts at once$/m)
  await until(() => workersOf(sluice).length === 2 && !workersOf(sluice).includes(first), 'the next worker')
  await load.more(5_000)
  await load.stop()
  for (const { connectedMs, why } of load.failures)
    assert.ok(connectedMs < killedMs, `a connection made after the kill failed: ${why}`)
  // The other worker has about half of the 200 that are open at any time.
  assert.ok(load.failures.length < 150, `${load.failures.length} requests failed`)
  assert.equal(runs(second), true)
  sluice.signal('SIGTERM')
  assert.equal(await sluice.ended, 0)
  assert.match(sluice.stderr, /^served \d+ requests on \d+ connections by 3 workers/m)
})

test('no worker at all: connections wait in the kernel until one is back', async t => {
  const cwd = folderWith({ 'sluice.config.json': JSON.stringify(CONFIG) })
  const sluice = start(t, ['run'], { cwd })
  const url = await sluice.url()
  for (const count of [1, 2, 3]) {
    const [worker] = workersOf(sluice)
    process.kill(worker, 'SIGKILL')
    await until(() => !runs(worker), 'the worker to be gone')
    const answers = await Promise.all(Array.from({ length: 20 }, () => get(url)))
    assert.ok(answers.every(({ text }) => text === 'hello'))
    assert.equal(sluice.stderr.match(/ended by SIGKILL/g)?.length, count)
  }
})

test('the supervisor is killed: its workers finish what runs and end', async t => {
  let answer = () => {}
  const asked = Promise.withResolvers<void>()
  const to = await origin(t, (_, response) => {
    answer = () => response.end('late')
    asked.resolve()
  })
  const config = {
    ...CONFIG,
    upstreams: { slow: to },
    listeners: [{ listen: '127.0.0.1:0', routes: [{ to: 'slow' }] }],
  }
  const sluice = startTwo(t, config)
  const url = await sluice.url()
  const workers = workersOf(sluice)
  const running = get(url)
  await asked.promise
  sluice.signal('SIGKILL')
  await sluice.said('stderr', /^the supervisor is gone: this worker finishes what runs and ends$/m)
  await assert.rejects(get(url), { code: 'ECONNREFUSED' })
  answer()
  assert.equal((await running).text, 'late')
  await until(() => !workers.some(runs), 'the workers to end')
})

test('signals to the whole process group, as Ctrl-C in a terminal sends them, end it in order', async t => {
  let answer = () => {}
  const asked = Promise.withResolvers<void>()
  const to = await origin(t, (_, response) => {
    answer = () => response.end('late')
    asked.resolve()
  })
  const sluice = start(t, ['proxy', '--workers', '2', '--listen', '127.0.0.1:0', '--to', to, '--log', 'off'])
  const running = get(await sluice.url())
  await asked.promise
  for (const worker of workersOf(sluice))
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR2'] as const) process.kill(worker, signal)
  sluice.signal('SIGINT')
  await sluice.said('stderr', /^SIGINT: finishing/m)
  answer()
  assert.equal((await running).text, 'late')
  assert.equal(await sluice.ended, 0)
  assert.doesNotMatch(sluice.stderr, /ended by/)
})

test('a bug in a worker ends that worker only', async t => {
  // A config that brings a bug along, to be met when the test says so.
  const cwd = folderWith({
    'sluice.config.mjs': `process.on('SIGURG', () => { throw new Error('a bug') })
      export default ${JSON.stringify(CONFIG)}`,
  })
  const sluice = start(t, ['run', '--workers', '2'], { cwd })
  const url = await sluice.url()
  const [first, second] = workersOf(sluice)
  process.kill(first, 'SIGURG')
  await sluice.said('stderr', /^a worker failed, and this is a fault of its own: a bug$/m)
  await sluice.said('stderr', new RegExp(`^worker ${first} \\(slot 0\\) ended by code 1 after `, 'm'))
  assert.equal((await get(url)).text, 'hello')
  assert.equal(runs(second), true)
})

test('a second program on the same port is refused, and the first is not disturbed', async t => {
  const sluice = startTwo(t)
  const url = await sluice.url()
  const args = ['proxy', '--to', '127.0.0.1:1', '--listen', new URL(url).host]
  const { code, stderr } = await result(t, args)
  assert.equal(code, 1)
  assert.match(stderr, /^cannot listen on 127\.0\.0\.1:\d+: another program has the port/)
  assert.equal((await get(url)).text, 'hello')
})

test('the port is free for the next program at once', async t => {
  const first = startTwo(t)
  const url = await first.url()
  await connections(t, url, 50)
  first.signal('SIGTERM')
  await first.said('stderr', /^SIGTERM: finishing/m)
  const to = await hello(t, 'second')
  const second = start(t, ['proxy', '--workers', '2', '--listen', new URL(url).host, '--to', to])
  assert.equal(await second.url(), url)
  assert.equal((await get(url)).text, 'second')
})

test('a unix socket with two workers', async t => {
  const folder = folderWith()
  const path = join(folder, 'a.sock')
  const config = { ...CONFIG, listeners: [{ listen: `unix:${path}`, routes: [{ respond: 'hello' }] }] }
  const sluice = startTwo(t, config)
  await sluice.said('stdout', /^listening unix:/m)
  const ask = async () => {
    const socket = net.connect({ path })
    socket.end('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    socket.setEncoding('latin1')
    let text = ''
    for await (const chunk of socket) text += chunk
    return text
  }
  for (const worker of [null, ...workersOf(sluice)]) {
    if (worker !== null) process.kill(worker, 'SIGKILL')
    assert.match(await ask(), /^HTTP\/1\.1 200 /)
  }
  sluice.signal('SIGTERM')
  assert.equal(await sluice.ended, 0)
  assert.equal(existsSync(path), false)
})

test('lines of several workers reach a slow reader of the log whole', async t => {
  const to = await hello(t)
  const sluice = start(t, ['proxy', '--workers', '2', '--listen', '127.0.0.1:0', '--to', to, '--log', 'json'])
  const url = await sluice.url()
  sluice.child.stdout?.pause()
  const load = startLoad(t, url, { keeping: 20, renewing: 20 })
  // More than a pipe holds, so that the workers meet a full one all the time.
  await load.more(3_000)
  sluice.child.stdout?.resume()
  await load.more(2_000)
  await load.stop()
  sluice.signal('SIGTERM')
  assert.equal(await sluice.ended, 0)
  const lines = sluice.stdout.trimEnd().split('\n').slice(1)
  assert.equal(lines.length, load.answered)
  for (const line of lines) assert.equal(JSON.parse(line).status, 200)
})
