/**
 * A whole program with a cache, killed at any moment while clients fetch and people purge, and started again over the
 * same folder: what it serves is what its server once made for that URL, and never what an answered purge has removed.
 * Strategy: each answer of the server has a version, and its content follows from path and version, so that anything
 * mixed, torn or misplaced is seen, in answers that break off too. Right after a start memory is empty: what is a hit
 * then was on the disk when everything died.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import type net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { askAdmin } from '../../src/admin/admin-client.ts'
import type { PurgeView } from '../../src/admin/views.ts'
import type { ListenAddress } from '../../src/server/options.ts'
import type { Random } from '../fuzz/random.ts'
import { contentOf } from './stored.ts'
import { pause, within } from './wait.ts'

const BIN = fileURLToPath(new URL('../../src/bin.ts', import.meta.url))
/** As in program.ts. */
const COMPILE_CACHE = fileURLToPath(new URL('../../node_modules/.cache/compile', import.meta.url))
const PATHS = 24
const CLIENTS = 6
const SIZES = [0, 60, 1_000, 30_000, 33_000, 140_000, 300_000]
/** Keys are the same whatever port it listens on. */
const HOST = 'shop.example'
/** Killed at most so long after everything that was stored has been asked for. */
const LIFE_MS = 250
const START_TIMEOUT_MS = 30_000

interface Got {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly content: Buffer
  /** False: the answer broke off. */
  readonly whole: boolean
}

/** What the server makes of a path at a version. */
const madeOf = (path: number, version: number): Buffer =>
  contentOf(SIZES[(path + version) % SIZES.length], path * 1_000_003 + version)

export class ProgramCrashes {
  /** Processes killed. */
  kills = 0
  lives = 0
  hits = 0
  /** Hits before anything was fetched anew. */
  hitsFromDisk = 0
  readonly #folder = mkdtempSync(join(tmpdir(), 'sluice-program-crash-'))
  readonly #random: Random
  readonly #server: http.Server
  /** The last version that was made of each path. */
  readonly #versions: number[] = Array(PATHS).fill(0)
  /** Up to this version a purge that was answered has removed what was stored. */
  readonly #purged: number[] = Array(PATHS).fill(0)
  readonly #agent = new http.Agent({ keepAlive: true, maxSockets: CLIENTS })
  #child: ChildProcess | null = null
  /** Of all its processes, for each has the pipes. */
  #ended: Promise<unknown> = Promise.resolve()
  #said = ''
  #dies = false

  private constructor(random: Random) {
    this.#random = random
    this.#server = http.createServer((request, response) => void this.#answer(request, response))
  }

  static async begin(random: Random, diskSize: string): Promise<ProgramCrashes> {
    const crashes = new ProgramCrashes(random)
    crashes.#server.listen(0, '127.0.0.1')
    await once(crashes.#server, 'listening')
    const { port } = crashes.#server.address() as net.AddressInfo
    const cache = { memory: '2MB', disk: { folder: './store', size: diskSize }, finish: '1MB' }
    const config = {
      upstreams: { shop: `127.0.0.1:${port}` },
      admin: `unix:${crashes.#admin.path}`,
      workers: 2,
      log: { format: 'off' },
      listeners: [{ listen: '127.0.0.1:0', routes: [{ layers: [{ cache }], to: 'shop' }] }],
    }
    writeFileSync(join(crashes.#folder, 'sluice.config.json'), JSON.stringify(config))
    return crashes
  }

  get #admin(): ListenAddress & { kind: 'unix' } {
    return { kind: 'unix', path: join(this.#folder, 'admin.sock') }
  }

  /** Some answers are soon stale, so that others take their place and 304 renews them; some come in pieces. */
  async #answer({ url = '', headers }: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const path = Number(url.slice(1))
    const known = Number(headers['if-none-match']?.split('-')[1]?.slice(0, -1) ?? 0)
    const maxAge = path % 4 === 0 ? 'max-age=0, stale-while-revalidate=1' : 'max-age=600'
    const fields = (version: number) => ({ ETag: `"${path}-${version}"`, 'Cache-Control': maxAge })
    if (known > this.#purged[path] && this.#random.once(2)) {
      response.writeHead(304, fields(known)).end()
      return
    }
    const version = ++this.#versions[path]
    const content = madeOf(path, version)
    const length = this.#random.once(2) ? { 'Content-Length': content.length } : {}
    response.writeHead(200, { ...fields(version), ...length })
    for (let at = 0; at < content.length && !response.destroyed; at += 20_000) {
      response.write(content.subarray(at, at + 20_000))
      if (this.#random.once(8)) await pause(2)
    }
    response.end()
  }

  /** Starts it, looks at what was kept, lets clients and a purger at it, and kills all of it. */
  async life(): Promise<void> {
    const child = await this.#start()
    const port = Number(/listening http:\/\/127\.0\.0\.1:(\d+) \(proxy\)/.exec(this.#said)?.[1])
    try {
      for (let path = 0; path < PATHS; path++) if (await this.#fetch(port, path)) this.hitsFromDisk++
      const clients = [...Array(CLIENTS).keys()].map(() => this.#ask(port))
      const work = Promise.all([...clients, this.#purge()])
      // What fails in it is told below.
      work.catch(() => {})
      await pause(this.#random.below(LIFE_MS))
      if (this.#random.once(2)) {
        this.#dies = true
        this.#kill(this.#random.of(workersOf(child)))
        await pause(this.#random.below(LIFE_MS))
      }
      await this.#killAll()
      await within(work, 'the clients')
    } finally {
      await this.#killAll()
    }
    this.lives++
    const faults = this.#said.split('\n').filter(line => line.startsWith('cache:'))
    assert.deepEqual(faults, [], 'killing leaves no damage that somebody would have to be told of')
  }

  async #start(): Promise<ChildProcess> {
    const child = spawn(process.execPath, [BIN, 'run'], {
      cwd: this.#folder,
      env: { ...process.env, NODE_COMPILE_CACHE: COMPILE_CACHE, XDG_RUNTIME_DIR: this.#folder },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child = child
    this.#ended = once(child, 'close')
    this.#said = ''
    this.#dies = false
    const started = new Promise<void>((resolve, reject) => {
      const hear = (text: string): void => {
        this.#said += text
        if (/\(proxy\)/.test(this.#said) && /\(admin\)/.test(this.#said)) resolve()
      }
      for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', hear)
      this.#ended.then(() => reject(new Error(`it ended:\n${this.#said}`)), reject)
    })
    await within(started, 'the program to listen', START_TIMEOUT_MS)
    return child
  }

  #kill(pid: number): void {
    try {
      process.kill(pid, 'SIGKILL')
      this.kills++
    } catch {
      // It ended a moment ago.
    }
  }

  async #killAll(): Promise<void> {
    const child = this.#child
    if (child === null) return
    this.#child = null
    this.#dies = true
    const all = [child.pid as number, ...workersOf(child)]
    // The supervisor first or last: workers without one end by themselves, unless they are killed before.
    if (this.#random.once(2)) all.reverse()
    for (const pid of all) this.#kill(pid)
    await within(this.#ended, 'the end of all processes')
  }

  async #ask(port: number): Promise<void> {
    while (!this.#dies) await this.#fetch(port, this.#random.below(PATHS))
  }

  /** True: it was a hit. */
  async #fetch(port: number, path: number): Promise<boolean> {
    const purged = this.#purged[path]
    let got: Got
    try {
      got = await this.#get(port, `/${path}`)
    } catch (error) {
      assert.ok(this.#dies, `nobody was killed, and /${path}: ${(error as Error).message}`)
      return false
    }
    const { status, headers, content, whole } = got
    if (this.#dies && status >= 500) return false
    assert.equal(status, 200, `/${path}: ${content.toString('latin1', 0, 200)}`)
    assert.ok(whole || this.#dies, `nobody was killed, and /${path} broke off`)
    const [, of, version] = (/^"(\d+)-(\d+)"$/.exec(String(headers.etag)) ?? []).map(Number)
    assert.equal(of, path, `/${path} was answered with ${headers.etag}`)
    const wanted = madeOf(path, version)
    assert.ok(!whole || content.length === wanted.length, `the length of ${headers.etag}`)
    assert.ok(content.equals(wanted.subarray(0, content.length)), `the content of ${headers.etag}`)
    const isHit = /; hit\b/.test(String(headers['cache-status']))
    if (isHit) this.hits++
    assert.ok(!isHit || version > purged, `${headers.etag} was purged up to ${purged} and is a hit`)
    return isHit
  }

  #get(port: number, path: string): Promise<Got> {
    return new Promise((resolve, reject) => {
      const request = http.get({ port, path, agent: this.#agent, headers: { Host: HOST } })
      request.on('error', reject)
      request.on('response', response => {
        const chunks: Buffer[] = []
        response.on('data', chunk => chunks.push(chunk))
        response.on('error', () => {})
        response.on('close', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            content: Buffer.concat(chunks),
            whole: response.complete,
          }),
        )
      })
    })
  }

  /** What an answered purge has removed is gone, from memory and disk, whoever is killed afterwards. */
  async #purge(): Promise<void> {
    while (!this.#dies) {
      const path = this.#random.below(PATHS)
      const version = this.#versions[path]
      const question = { path: '/cache/purge', body: { url: `http://${HOST}/${path}` } }
      try {
        const { silent } = (await askAdmin(this.#admin, question)) as PurgeView
        if (silent === 0) this.#purged[path] = version
      } catch (error) {
        assert.ok(this.#dies, `nobody was killed, and a purge: ${(error as Error).message}`)
      }
      await pause(this.#random.below(40))
    }
  }

  async end(): Promise<void> {
    await this.#killAll()
    this.#agent.destroy()
    this.#server.closeAllConnections()
    this.#server.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** Processes that the supervisor has begun and that run. */
function workersOf({ pid }: ChildProcess): number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1')
    return text.split(' ').filter(Boolean).map(Number)
  } catch {
    return []
  }
}
