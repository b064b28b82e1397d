/**
 * `sluice explain` beside the program that serves the config: what it knows of its servers, and what becomes of an
 * explanation when that program is gone, hangs, or is not ours.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Explanation } from '../../src/commands/explain/explanation.ts'
import { QUESTION, readState } from '../../src/commands/program-state.ts'
import { stateFolders } from '../../src/commands/state-place.ts'
import { answer, type ScriptedOrigin, startOrigin } from '../support/origin.ts'
import { folderWith, get, lines, result, type Sluice, start } from '../support/program.ts'
import { until, WAIT_MS } from '../support/wait.ts'

/** A folder with a config, and a place for sockets that no other test has. */
class Site {
  readonly cwd: string
  readonly runtime = folderWith()
  #t: TestContext

  constructor(t: TestContext, config: object) {
    this.#t = t
    this.cwd = folderWith({ 'sluice.config.json': JSON.stringify(config) })
  }

  get options() {
    return { cwd: this.cwd, env: { XDG_RUNTIME_DIR: this.runtime, TMPDIR: this.runtime } }
  }

  write(config: object): void {
    writeFileSync(join(this.cwd, 'sluice.config.json'), JSON.stringify(config))
  }

  run(...args: string[]): Sluice {
    return start(this.#t, ['run', '--log', 'off', ...args], this.options)
  }

  async text(...args: string[]): Promise<string> {
    return (await result(this.#t, ['explain', ...args], this.options)).stdout
  }

  async data(...args: string[]): Promise<Explanation> {
    return JSON.parse(await this.text('--json', ...args))
  }

  /** Files of sockets that are there. */
  get sockets(): string[] {
    const folder = join(this.runtime, 'sluice')
    return existsSync(folder) ? readdirSync(folder).map(name => join(folder, name)) : []
  }
}

const ok = (_request: unknown, wire: { send(text: string): void }) => wire.send(answer('ok'))
const AFTER_START = /its servers as after a start /

function shop(servers: readonly (ScriptedOrigin | string)[], upstream: object = {}): object {
  const addresses = servers.map(each => (typeof each === 'string' ? each : each.address))
  return {
    upstreams: { shop: { servers: addresses, ...upstream } },
    listeners: [{ listen: '127.0.0.1:0', routes: [{ to: 'shop' }] }],
  }
}

/** An address that refuses. */
async function nobody(t: TestContext): Promise<string> {
  const origin = await startOrigin(t, ok)
  const { address } = origin
  await origin.close()
  return address
}

/** Asks until the explanation is as it should be. */
async function explainedUntil(
  site: Site,
  pattern: RegExp,
  meanwhile: () => Promise<unknown>,
): Promise<string> {
  const endMs = performance.now() + 2 * WAIT_MS
  for (;;) {
    await meanwhile()
    const text = await site.text('/')
    if (pattern.test(text)) return text
    assert.ok(performance.now() < endMs, `never ${pattern}:\n${text}`)
  }
}

test('a server dies: both workers say so', async t => {
  const flaky = await startOrigin(t, (_request, wire) => wire.reset())
  const steady = await startOrigin(t, ok)
  const site = new Site(t, shop([flaky, steady], { health: { outFor: '9s', outForMax: '5m' } }))
  const sluice = site.run('--workers', '2')
  const url = await sluice.url()
  const title = new RegExp(
    `upstream shop, round-robin, its servers as the running sluice \\(pid ${sluice.child.pid}, 2 workers\\) says {2}\\(`,
  )
  assert.match(await site.text('/'), title)
  const outs = () => sluice.stderr.match(/is out/g)?.length
  for (let times = 0; outs() !== 2 && times < 1_000; times++) assert.equal((await get(url)).status, 200)
  const out = await site.text('/')
  assert.match(out, title)
  assert.match(
    out,
    new RegExp(
      `^ +${flaky.address} +weight 1 +out for \\d\\.\\ds more: 3 failures in a row, the last upstream_reset +0 running$`,
      'm',
    ),
  )
  assert.match(
    out,
    new RegExp(
      `${steady.address} +weight 1 +in +0 running +<- this request: .*each worker takes its own turn`,
    ),
  )
})

test('a server that comes back is in again', async t => {
  const flaky = await startOrigin(t, (_request, wire) => wire.reset())
  // Longer than an explanation needs on a busy machine.
  const health = { failures: 1, outFor: '3s', outForMax: '3s' }
  const site = new Site(t, shop([flaky, await startOrigin(t, ok)], { health }))
  const url = await site.run('--workers', '2').url()
  const ask = async () => {
    for (let i = 0; i < 10; i++) assert.equal((await get(url)).status, 200)
  }
  await explainedUntil(site, /out for .*upstream_reset/, ask)
  flaky.script = ok
  await explainedUntil(site, new RegExp(`${flaky.address} +weight 1 +in +0 running`), ask)
})

test('only one of two workers knows: it is said how many', async t => {
  const site = new Site(t, shop([await nobody(t), await startOrigin(t, ok)], { health: { failures: 1 } }))
  const url = await site.run('--workers', '2').url()
  // One request is in one worker; its turn may have been the other server.
  const text = await explainedUntil(site, /out for/, () => get(url))
  assert.match(text, /the last connect_refused \(in 1 of 2 workers\) +0 running/)
  const data = await site.data('/')
  assert.deepEqual(data.running && { workers: data.running.workers, upToDate: data.running.upToDate }, {
    workers: 2,
    upToDate: true,
  })
  assert.deepEqual(data.listeners[0].upstream?.servers[0].live?.outIn, 1)
})

test('a key goes to whom it goes in the running program', async t => {
  const [one, two] = [await startOrigin(t, ok), await startOrigin(t, ok)]
  const config = shop([one, two], { balance: 'hash-client', health: { failures: 1, outFor: '5m' } })
  const site = new Site(t, config)
  const pick = async () => (await site.data('/')).listeners[0].upstream
  const named = (await pick())?.servers.find(({ picked }) => picked)?.address
  const [dead, alive] = named === one.address ? [one, two] : [two, one]
  const [down, up] = [dead.address, alive.address]
  await dead.close()
  const url = await site.run().url()
  assert.equal((await get(url)).status, 200)
  const upstream = await pick()
  assert.equal(upstream?.servers.find(({ picked }) => picked)?.address, up)
  assert.equal(upstream?.why, `client 127.0.0.1: ${down} is out`)
  assert.equal(alive.requests.all.length, 1)
})

test('how many exchanges run, over all workers', async t => {
  const silent = await startOrigin(t, () => {})
  const site = new Site(t, shop([silent]))
  const url = await site.run().url()
  const asked = [get(url), get(url)].map(each => each.catch(() => {}))
  await silent.requests.count(2)
  assert.match(await site.text('/'), /weight 1 {2}in {2}2 running {2}<- this request: it is the only one/)
  for (const request of silent.requests.all) request.wire.send(answer('ok'))
  await Promise.all(asked)
})

test('no program runs, or one from flags, or one that has ended: as after a start', async t => {
  const origin = await startOrigin(t, ok)
  const site = new Site(t, shop([origin]))
  assert.match(await site.text('/'), AFTER_START)
  const proxy = start(t, ['proxy', '--listen', '127.0.0.1:0', '--to', origin.address], site.options)
  await proxy.url()
  assert.deepEqual(site.sockets, [])
  const sluice = site.run()
  await sluice.url()
  assert.equal(site.sockets.length, 1)
  sluice.signal('SIGTERM')
  assert.equal(await sluice.ended, 0)
  assert.deepEqual(site.sockets, [])
  const { running, notes, listeners } = await site.data('a/', '--client', '127.0.0.1')
  assert.deepEqual([running, notes, listeners[0].upstream?.live], [null, [], false])
})

test('killed, it leaves a file: nobody is there, and the next program takes its place', async t => {
  const site = new Site(t, shop([await startOrigin(t, ok)]))
  const killed = site.run()
  await killed.url()
  killed.signal('SIGKILL')
  await killed.ended
  assert.equal(site.sockets.length, 1)
  assert.match(await site.text('/'), AFTER_START)
  const next = site.run()
  await next.url()
  assert.equal((await site.data('/')).running?.pid, next.child.pid)
  assert.equal(next.stderr, '')
})

test('a second program with the same config leaves the first its socket, whatever its name for the file', async t => {
  const site = new Site(t, shop([await startOrigin(t, ok)]))
  const first = site.run()
  await first.url()
  const link = join(folderWith(), 'link.json')
  symlinkSync(join(site.cwd, 'sluice.config.json'), link)
  const second = site.run('--config', link)
  await second.url()
  assert.equal(second.stderr, '')
  second.signal('SIGTERM')
  assert.equal(await second.ended, 0)
  assert.equal((await site.data('/', '--config', link)).running?.pid, first.child.pid)
  const third = site.run()
  await third.url()
  first.signal('SIGTERM')
  assert.equal(await first.ended, 0)
  third.signal('SIGHUP')
  await third.said('stderr', /^reloaded: /m)
  assert.equal((await site.data('/')).running?.pid, third.child.pid, 'a reload takes what is free by now')
})

test('a config that has changed since, and after the reload', async t => {
  const [one, two] = [await startOrigin(t, ok), await startOrigin(t, ok)]
  const site = new Site(t, shop([one]))
  const sluice = site.run()
  await sluice.url()
  const [socket] = site.sockets
  const { ino } = lstatSync(socket)
  site.write(shop([one, two]))
  const text = await site.text('/')
  assert.match(
    text,
    /^ {2}the running sluice \(pid \d+, 1 worker\) serves another config than the file has now: SIGHUP makes it read the file$/m,
  )
  assert.match(text, new RegExp(`${two.address} +weight 1 +not known to it`))
  sluice.signal('SIGHUP')
  await sluice.said('stderr', /^reloaded: /m)
  assert.equal(lstatSync(socket).ino, ino, 'the socket stays')
  const { running, listeners } = await site.data('/')
  assert.equal(running?.upToDate, true)
  assert.deepEqual(
    listeners[0].upstream?.servers.map(({ state }) => state),
    ['in', 'in'],
  )
})

test('a file that is another behind its link after a reload', async t => {
  const origin = await startOrigin(t, ok)
  const site = new Site(t, shop([origin]))
  const next = folderWith({ 'sluice.config.json': JSON.stringify(shop([origin])) })
  const link = join(folderWith(), 'current')
  symlinkSync(site.cwd, link)
  const sluice = site.run('--config', join(link, 'sluice.config.json'))
  await sluice.url()
  const [before] = site.sockets
  const moved = join(link, '..', 'moved')
  symlinkSync(next, moved)
  renameSync(moved, link)
  sluice.signal('SIGHUP')
  await until(() => site.sockets.length === 1 && site.sockets[0] !== before, 'the other socket')
  const { running } = await site.data('/', '--config', join(link, 'sluice.config.json'))
  assert.equal(running?.pid, sluice.child.pid)
})

test('a program that is stopped does not hang an explanation, nor does a worker that is', async t => {
  const site = new Site(t, shop([await startOrigin(t, ok)]))
  const sluice = site.run('--workers', '2')
  await sluice.url()
  const { pid } = sluice.child
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1')
  const worker = Number(children.split(' ')[0])
  // 0 would be this test and all around it.
  assert.ok(worker > 1, 'a worker')
  process.kill(worker, 'SIGSTOP')
  t.after(() => process.kill(worker, 'SIGKILL'))
  const silent = /as the running sluice \(pid \d+, 2 workers, 1 of them silent\) says/
  assert.match(await site.text('/'), silent)
  sluice.signal('SIGSTOP')
  const text = await site.text('/')
  assert.match(text, AFTER_START)
  assert.match(text, /^ {2}the running sluice does not say how its servers are: /m)
  sluice.signal('SIGCONT')
  process.kill(worker, 'SIGCONT')
  await explainedUntil(site, /2 workers\) says/, async () => {})
})

/** What comes back for these bytes until the end. */
async function told(path: string, bytes: string | Buffer | null): Promise<string> {
  const socket = net.connect({ path })
  let text = ''
  socket.on('data', chunk => {
    text += chunk
  })
  socket.on('error', () => {})
  if (bytes !== null) socket.write(bytes)
  await new Promise(resolve => socket.on('close', resolve))
  return text
}

test('rubbish on the socket, silence, and too many at once', async t => {
  const site = new Site(t, shop([await startOrigin(t, ok)]))
  const sluice = site.run()
  await sluice.url()
  const [path] = site.sockets
  // Who says too little is waited for: all at once.
  const little = [null, '', QUESTION, 'serv']
  const answers = await Promise.all(little.map(bytes => told(path, bytes)))
  assert.deepEqual(answers, ['', '', '', ''])
  for (const bytes of [
    '\n',
    'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
    `${QUESTION}\r\n`,
    `${QUESTION}\n${QUESTION}\n`,
    'x'.repeat(1_000_000),
    Buffer.alloc(100, 0xff),
    '{"__proto__":{}}\n',
  ])
    assert.equal(await told(path, bytes), '', String(bytes).slice(0, 40))
  const idle = Array.from({ length: 8 }, () => net.connect({ path }))
  for (const each of idle) each.on('error', () => {})
  await Promise.all(idle.map(each => once(each, 'connect')))
  assert.equal(await told(path, `${QUESTION}\n`), '', 'one too many')
  for (const each of idle) each.destroy()
  // The server hears of their end a turn later.
  let line = ''
  for (let times = 0; line === '' && times < 1_000; times++) line = await told(path, `${QUESTION}\n`)
  assert.equal(readState(line)?.workers.length, 1)
  assert.equal(sluice.stderr, '')
  sluice.signal('SIGTERM')
  assert.equal(await sluice.ended, 0)
})

test('only this user may ask', async t => {
  const site = new Site(t, shop([await startOrigin(t, ok)]))
  await site.run().url()
  const [path] = site.sockets
  assert.equal(lstatSync(path).mode & 0o777, 0o600)
  assert.equal(lstatSync(join(path, '..')).mode & 0o777, 0o700)
})

test('a folder that others can write to, or that is a link, is not used: it serves, and says so once', async t => {
  const origin = await startOrigin(t, ok)
  const foreign: readonly [make: (path: string) => void, says: RegExp][] = [
    [
      path => {
        mkdirSync(path)
        chmodSync(path, 0o777)
      },
      /: \S+\/sluice is open to other users: chmod 700 \S+\/sluice$/,
    ],
    [path => symlinkSync(folderWith(), path), /: \S+\/sluice is not a folder$/],
    [path => writeFileSync(path, ''), /: \S+\/sluice is not a folder$/],
  ]
  for (const [make, says] of foreign) {
    const site = new Site(t, shop([origin]))
    make(join(site.runtime, 'sluice'))
    const sluice = site.run()
    assert.equal((await get(await sluice.url())).text, 'ok')
    await sluice.said('stderr', /^sluice explain cannot ask this program: .*\n/)
    sluice.signal('SIGHUP')
    await sluice.said('stderr', /^reloaded: /m)
    const said = lines(sluice.stderr).filter(line => /explain/.test(line))
    assert.equal(said.length, 1)
    assert.match(said[0], says)
    assert.match(await site.text('/'), AFTER_START)
  }
})

test('a socket that somebody planted in a folder of theirs is not asked', async t => {
  const site = new Site(t, shop([await startOrigin(t, ok)]))
  await site.run().url()
  const [path] = site.sockets
  chmodSync(join(path, '..'), 0o755)
  assert.match(await site.text('/'), AFTER_START)
})

test('without a folder of the login, that of the user for temporary files', async t => {
  const site = new Site(t, shop([await startOrigin(t, ok)]))
  const options = { cwd: site.cwd, env: { XDG_RUNTIME_DIR: '/nowhere', TMPDIR: site.runtime } }
  const sluice = start(t, ['run', '--log', 'off'], options)
  await sluice.url()
  assert.ok(existsSync(join(site.runtime, `sluice-${process.getuid?.()}`)))
  // A login has a folder that the service of the same user has not.
  assert.equal((await site.data('/')).running?.pid, sluice.child.pid)
  assert.equal(stateFolders({ XDG_RUNTIME_DIR: 'relative' }).length, 1)
})

test('a path that is too long for a socket: it serves, and says so once', async t => {
  const site = new Site(t, shop([await startOrigin(t, ok)]))
  const long = join(site.runtime, 'x'.repeat(120))
  mkdirSync(long)
  const options = { cwd: site.cwd, env: { XDG_RUNTIME_DIR: long } }
  const sluice = start(t, ['run', '--log', 'off'], options)
  assert.equal((await get(await sluice.url())).text, 'ok')
  await sluice.said('stderr', /^sluice explain cannot ask this program: \S+ is too long for a socket/)
  assert.deepEqual(readdirSync(join(long, 'sluice')), [])
  assert.match((await result(t, ['explain', '/'], options)).stdout, AFTER_START)
})
