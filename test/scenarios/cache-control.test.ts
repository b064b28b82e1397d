/**
 * How people rule the cache of a running program: they look, they purge, and every worker obeys.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { askAdmin } from '../../src/admin/admin-client.ts'
import type { EntriesView, PurgeView, StatsView } from '../../src/admin/views.ts'
import type { Explanation } from '../../src/commands/explain/explanation.ts'
import { parseAdminAddress } from '../../src/config/addresses.ts'
import { folderWith, get, lines, origin, result, type Sluice, start } from '../support/program.ts'
import { until, WAIT_MS } from '../support/wait.ts'

const WORKERS = 2

/** A program with a cache in front of a server that counts what it is asked. */
class Site {
  readonly cwd: string
  readonly runtime = folderWith()
  readonly sluice: Sluice
  #t: TestContext

  constructor(t: TestContext, cwd: string, sluice: (site: Site) => Sluice) {
    this.#t = t
    this.cwd = cwd
    this.sluice = sluice(this)
  }

  get options() {
    return { cwd: this.cwd, env: { XDG_RUNTIME_DIR: this.runtime, TMPDIR: this.runtime } }
  }

  async admin(): Promise<string> {
    return (await this.sluice.said('stdout', /^listening (?:http:\/\/)?(\S+) \(admin\)$/m))[1]
  }

  async command(...args: string[]) {
    return await result(this.#t, ['cache', ...args, '--admin', await this.admin()], this.options)
  }

  async json<T>(...args: string[]): Promise<T> {
    const { stdout, stderr } = await this.command(...args, '--json')
    assert.equal(stderr, '')
    return JSON.parse(stdout)
  }

  /** Asks the endpoint about a URL until the answer is as it should be. */
  async untilShown(url: string, isRight: (view: EntriesView) => boolean | Promise<boolean>): Promise<void> {
    const address = parseAdminAddress(await this.admin())
    const path = `/cache/entry?${new URLSearchParams({ url })}`
    const endMs = performance.now() + WAIT_MS
    while (!(await isRight((await askAdmin(address, { path, body: null })) as EntriesView)))
      assert.ok(performance.now() < endMs, `waited ${WAIT_MS} ms for ${url} to be as it should`)
  }

  /** Asks until every worker has the path; each connection is a new one, and goes to either. */
  async fill(url: string): Promise<void> {
    await this.untilShown(url, async ({ entries }) => {
      if (entries[0]?.workers.length === WORKERS) return true
      await get(url)
      return false
    })
  }
}

async function site(t: TestContext, some: object = {}, cache: object = {}): Promise<Site> {
  const counting = { asked: 0 }
  const server = await origin(t, (request, response) => {
    counting.asked++
    response.setHeader('Cache-Control', 'max-age=3600')
    response.setHeader('Cache-Tag', `all, ${request.url?.slice(1)}`)
    response.end(`answer ${counting.asked}`)
  })
  const config = {
    upstreams: { shop: server },
    admin: '127.0.0.1:0',
    workers: WORKERS,
    listeners: [{ listen: '127.0.0.1:0', routes: [{ layers: [{ cache }], to: 'shop' }] }],
    ...some,
  }
  const cwd = folderWith({ 'sluice.config.json': JSON.stringify(config) })
  return new Site(t, cwd, ({ options }) => start(t, ['run', '--log', 'off'], options))
}

async function post(url: string): Promise<void> {
  const request = http.request(url, { method: 'POST', agent: false }).end()
  const [response] = (await once(request, 'response')) as [http.IncomingMessage]
  response.resume()
  await once(response, 'end')
}

test('what is purged is gone from every worker', async t => {
  const program = await site(t)
  const url = await program.sluice.url()
  await program.fill(`${url}/a`)
  await program.fill(`${url}/b`)
  const text = (await program.command('purge', `${url}/a`)).stdout
  assert.equal(text, '2 responses purged, in 2 workers together\n')
  const { entries } = await program.json<EntriesView>('ls')
  assert.deepEqual(
    entries.map(({ key, workers }) => [key, workers.length]),
    [[`${url}/b`, WORKERS]],
  )
  const before = (await get(`${url}/b`)).text
  assert.notEqual((await get(`${url}/a`)).text, before)
  assert.deepEqual(await program.json<PurgeView>('purge', '--tag', 'b', '--soft'), {
    purged: 2,
    workers: 2,
    silent: 0,
  })
  const [stale] = (await program.json<EntriesView>('show', `${url}/b`)).entries
  assert.ok(stale.freshS <= 0)
  await program.json<PurgeView>('purge', '--prefix', url)
  const { caches } = await program.json<StatsView>('stats')
  assert.deepEqual(
    caches[0].workers.map(worker => worker.entries),
    [0, 0],
  )
})

test('an unsafe request to one worker counts in all (RFC 9111 §4.4)', async t => {
  const program = await site(t)
  const url = await program.sluice.url()
  await program.fill(`${url}/a`)
  await post(`${url}/a`)
  await program.untilShown(`${url}/a`, ({ entries }) => entries.length === 0)
})

test('a change that comes by another route to the same servers counts too, with one worker or more', async t => {
  const routes = [
    { method: 'GET', layers: [{ cache: {} }], to: 'shop' },
    { layers: [{ cache: {} }, { compress: {} }], to: 'shop' },
  ]
  const program = await site(t, { listeners: [{ listen: '127.0.0.1:0', routes }] })
  const url = await program.sluice.url()
  await program.fill(`${url}/a`)
  await post(`${url}/a`)
  await program.untilShown(`${url}/a`, ({ entries }) => entries.length === 0)
})

test('tables for people', async t => {
  const program = await site(t, { workers: 1 })
  const url = await program.sluice.url()
  await get(`${url}/a`)
  const [head, row, ...more] = lines((await program.command('ls')).stdout)
  assert.match(head, /^STATUS {2}SIZE {2,}AGE {2,}FRESH {2,}KEY {2,}VARIANT$/)
  assert.match(row, new RegExp(`^200 +8 B +\\d+ s +5\\d m +${url}/a$`))
  assert.deepEqual(more, [])
  assert.match((await program.command('ls', `${url}/b`)).stdout, /^nothing is stored$/m)
  const shown = (await program.command('show', `${url}/a`)).stdout
  assert.match(shown, /^ {2}age +\d+ s of 3600 s by max-age: fresh for 5\d m$/m)
  assert.match(shown, /^ {2}tags +all, a$/m)
  const missing = await program.command('show', `${url}/b`)
  assert.deepEqual([missing.code, missing.stdout], [1, 'nothing is stored for this URL\n'])
  const aimless = (await program.command('purge', `${url}/*`)).stdout
  assert.match(
    aimless,
    /^0 responses purged\n\* stands for itself in a URL: sluice cache purge --prefix http\S+\/ /,
  )
  const missed = (await program.command('purge', `${url}/b`)).stdout
  assert.match(missed, /^0 responses purged\nnothing was stored for this URL/)
  await get(`${url}/a`)
  assert.match(
    (await program.command('stats')).stdout,
    /^shop-[0-9a-f]{16} {2}\d+ +1 of 2 \(50 %\) {2}memory {2}1 {8}\S+ K?B of \S+ MB {2}0$/m,
  )
})

test('a reload keeps the endpoint, moves it, or takes it away; an address that is taken changes nothing', async t => {
  const program = await site(t, { workers: 1 })
  const admin = await program.admin()
  const file = join(program.cwd, 'sluice.config.json')
  const config = JSON.parse(readFileSync(file, 'utf8'))
  const reload = async (next: object, said: RegExp) => {
    writeFileSync(file, JSON.stringify({ ...config, ...next }))
    program.sluice.stderr = ''
    program.sluice.signal('SIGHUP')
    await program.sluice.said('stderr', said)
  }
  await reload({ drainTimeout: '1s' }, /reloaded/)
  assert.equal((await result(t, ['cache', 'stats', '--admin', admin])).code, 0)
  const taken = (await program.sluice.url()).slice('http://'.length)
  await reload({ admin: taken }, /another program has the port[\s\S]*the old config goes on/)
  assert.equal((await result(t, ['cache', 'stats', '--admin', admin])).code, 0)
  const path = join(program.runtime, 'admin.sock')
  await reload({ admin: { listen: `unix:${path}` } }, /reloaded/)
  await program.sluice.said('stdout', /^listening unix:.*admin\.sock \(admin\)$/m)
  assert.equal((await result(t, ['cache', 'stats', '--admin', `unix:${path}`])).code, 0)
  assert.equal((await result(t, ['cache', 'stats', '--admin', admin])).code, 1)
  assert.equal((await result(t, ['cache', 'stats'], program.options)).code, 0, 'the config says where')
  await reload({ admin: undefined }, /reloaded/)
  const gone = await result(t, ['cache', 'stats', '--admin', `unix:${path}`])
  assert.match(gone.stderr, /^nobody answers at unix:/)
})

test('an admin address that is taken ends the start, with the reason', async t => {
  const taken = await origin(t, (_, response) => response.end())
  const { code, stderr } = await result(t, [
    'proxy',
    '--to',
    'a:1',
    '--listen',
    '127.0.0.1:0',
    '--admin',
    taken,
  ])
  assert.equal(code, 1)
  assert.match(stderr, /cannot listen on 127\.0\.0\.1:\d+: another program has the port/)
})

test('sluice proxy --cache, with --compress: each client gets what it takes', async t => {
  let asked = 0
  const server = await origin(t, (_, response) => {
    asked++
    response.setHeader('Cache-Control', 'max-age=3600')
    response.setHeader('Content-Type', 'text/plain')
    response.end('x'.repeat(10_000))
  })
  const sluice = start(t, [
    'proxy',
    '--to',
    server,
    '--listen',
    '127.0.0.1:0',
    '--cache',
    '--compress',
    '--log',
    'json',
  ])
  const url = await sluice.url()
  const codings: (string | undefined)[] = []
  for (const coding of ['gzip', 'identity', 'gzip', 'identity']) {
    const { headers, text } = await get(url, { 'accept-encoding': coding })
    codings.push(headers['content-encoding'])
    if (coding === 'identity') assert.equal(text.length, 10_000)
    else assert.ok(text.length < 1000)
  }
  assert.deepEqual(codings, ['gzip', undefined, 'gzip', undefined])
  assert.equal(asked, 2, 'one a variant')
  await until(() => sluice.logLines().length === 4, 'four log lines')
  const words = sluice.logLines().map(({ cache }) => String(cache).split(' ')[0])
  assert.deepEqual(words, ['miss', 'miss', 'hit', 'hit'])
})

test('sluice proxy --cache=DIR: what was stored is there after a restart', async t => {
  let asked = 0
  const server = await origin(t, (_, response) => {
    asked++
    response.setHeader('Cache-Control', 'max-age=600')
    response.end(`answer ${asked}`)
  })
  const cwd = folderWith()
  const told: string[] = []
  for (const port of ['0', 'same']) {
    const listen = port === '0' ? '127.0.0.1:0' : told[0].slice('http://'.length)
    const sluice = start(
      t,
      ['proxy', '--to', server, '--listen', listen, '--cache=./store', '--log', 'off'],
      { cwd },
    )
    const url = await sluice.url()
    told.push(url)
    // The key of the second is that of the first: the same host and port.
    assert.equal((await get(`${url}/a`)).text, 'answer 1')
    sluice.signal('SIGTERM')
    assert.equal(await sluice.ended, 0, sluice.stderr)
  }
  assert.equal(asked, 1)
})

test('explain says what is stored, whether it answers, and why', async t => {
  const program = await site(t, { workers: 1 })
  const url = await program.sluice.url()
  const explained = async (...args: string[]): Promise<Explanation> =>
    JSON.parse((await result(t, ['explain', `${url}/a`, '--json', ...args], program.options)).stdout)
  const nothing = (await explained()).listeners[0].cache
  assert.deepEqual(nothing?.stored, [])
  assert.equal(nothing?.key, `${url}/a`)
  await get(`${url}/a`)
  const [fresh] = (await explained()).listeners[0].cache?.stored ?? []
  assert.deepEqual([fresh.chosen, fresh.use, fresh.clause], [true, 'fresh', 'RFC 9111 §4.2'])
  assert.match(fresh.arithmetic, /lifetime 3600 s by max-age; fresh for/)
  const [asked] = (await explained('-H', 'cache-control: no-cache')).listeners[0].cache?.stored ?? []
  assert.deepEqual([asked.use, asked.clause], ['validate', 'RFC 9111 §5.2.1.4'])
  const post = (await explained('-X', 'POST')).listeners[0].cache
  assert.match(post?.passedBy ?? '', /^POST is not answered from the store$/)
  const withUser = (await explained('-H', 'authorization: Basic eDp5')).listeners[0].cache
  assert.ok(withUser?.storing.some(({ stored, clause }) => !stored && clause === 'RFC 9111 §3.5'))
  assert.ok(!JSON.stringify(await explained('-H', 'authorization: Basic eDp5')).includes('eDp5'))
  const { stdout } = await result(t, ['explain', `${url}/a`], program.options)
  assert.match(stdout, /^ {6}it answers: it is fresh \(RFC 9111 §4\.2\)$/m)
  program.sluice.signal('SIGKILL')
  await program.sluice.ended
  const alone = (await explained()).listeners[0].cache
  assert.equal(alone?.stored, null)
  assert.match(alone?.note ?? '', /^no running sluice serves this config here/)
})
