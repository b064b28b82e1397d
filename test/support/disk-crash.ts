/**
 * Processes that fill a folder and are killed while they do; what is found afterwards is compared with what each key
 * must hold.
 * Strategy: a content follows from its ETag, so that anything mixed, torn or misplaced is seen; what a purge has
 * removed may never come back. Killing leaves no damage that a checksum would have to find: not one line may be said.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DiskStore } from '../../src/cache/disk-store.ts'
import type { Entry, EntryHead } from '../../src/cache/entry.ts'
import type { Random } from '../fuzz/random.ts'
import { contentOf, headOf, keyOf, readFrom } from './stored.ts'
import { Arrivals, pause, within } from './wait.ts'

export const CRASH_KEYS = 40
const SIZES = [0, 40, 1_000, 1_001, 30_000, 33_000, 140_000, 300_000]
const FILLER = fileURLToPath(new URL('disk-filler.ts', import.meta.url))
/** Killed at most so long after the folder was opened. */
const LIFE_MS = 60

export interface FillerOrders {
  readonly folder: string
  readonly seed: number
  readonly bytesMax: number
}

export type FillerWords =
  | { readonly say: 'ready' | 'open' }
  | { readonly say: 'line'; readonly line: string }
  | { readonly say: 'purged'; readonly number: number; readonly seed: number; readonly turn: number }

export function crashContent(number: number, seed: number, turn: number): Buffer {
  return contentOf(SIZES[(seed + turn * 7) % SIZES.length], Math.imul(seed, 1_000_003) + turn * 64 + number)
}

export const crashHead = (number: number, seed: number, turn: number, bytes: number): EntryHead =>
  headOf(`/${number}`, bytes, { etag: `"${number}-${seed}-${turn}"` })

class Filler {
  readonly #child: ChildProcess
  readonly #exit: Promise<unknown>
  readonly #words = new Arrivals<FillerWords>('a word of the filler')

  constructor(compiled: string) {
    this.#child = fork(FILLER, { execArgv: [], env: { ...process.env, NODE_COMPILE_CACHE: compiled } })
    this.#child.on('message', (words: FillerWords) => this.#words.push(words))
    this.#exit = new Promise(done => this.#child.on('exit', done))
  }

  get heard(): readonly FillerWords[] {
    return this.#words.all
  }

  /** The first word is that it is ready, the second that it has opened the folder. */
  async said(count: number): Promise<void> {
    await this.#words.count(count)
  }

  start(orders: FillerOrders): void {
    this.#child.send(orders)
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await within(this.#exit, 'the end of the filler')
  }
}

export class Crashes {
  kills = 0
  found = 0
  readonly #folder = mkdtempSync(join(tmpdir(), 'sluice-crash-'))
  /** What was compiled once: most of a round would be spent on it. */
  readonly #compiled = mkdtempSync(join(tmpdir(), 'sluice-compiled-'))
  readonly #bytesMax: number
  readonly #spare: Filler[] = []
  readonly #running: Filler[] = []
  /** Number and seed → the last turn whose response a purge has removed. */
  readonly #purged = new Map<string, number>()
  readonly #lines: string[] = []
  #seed = 1

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
    // Threads of this process look there too.
    process.env['NODE_COMPILE_CACHE'] = this.#compiled
  }

  /** So many at once fill the folder and are killed; then all that is there is read. */
  async round(random: Random, count: number): Promise<void> {
    while (this.#spare.length < count * 2) this.#spare.push(new Filler(this.#compiled))
    const fillers = this.#spare.splice(0, count)
    this.#running.push(...fillers)
    for (const filler of fillers) {
      await filler.said(1)
      filler.start({ folder: this.#folder, seed: this.#seed++, bytesMax: this.#bytesMax })
    }
    // Some die while they open it, most while they fill.
    if (!random.once(5)) await Promise.all(fillers.map(filler => filler.said(2)))
    await pause(random.below(LIFE_MS))
    for (const filler of fillers) {
      await filler.kill()
      this.#hear(filler.heard)
    }
    this.#running.length = 0
    this.kills += count
    await this.#readAll()
  }

  #hear(words: readonly FillerWords[]): void {
    for (const each of words)
      if (each.say === 'purged') this.#purged.set(`${each.number}-${each.seed}`, each.turn)
      else if (each.say === 'line') this.#lines.push(each.line)
  }

  #open(leftoverMs?: number): DiskStore {
    const warn = (line: string): void => void this.#lines.push(line)
    return DiskStore.open({
      folder: this.#folder,
      bytesMax: this.#bytesMax,
      space: 'crash',
      warn,
      leftoverMs,
    })
  }

  async #readAll(): Promise<void> {
    const store = this.#open()
    await store.ready
    for (let number = 0; number < CRASH_KEYS; number++)
      for (const entry of await store.find(keyOf(`/${number}`))) await this.#check(number, entry)
    await store.close()
    assert.deepEqual(this.#lines, [])
  }

  async #check(number: number, entry: Entry): Promise<void> {
    const [, of, seed, turn] = (/^"(\d+)-(\d+)-(\d+)"$/.exec(entry.head.etag) ?? []).map(Number)
    assert.equal(of, number, `${entry.head.key} holds ${entry.head.etag}`)
    const purged = this.#purged.get(`${number}-${seed}`) ?? 0
    assert.ok(turn > purged, `${entry.head.etag} was purged at turn ${purged}`)
    const wanted = crashContent(number, seed, turn)
    assert.equal(entry.head.contentBytes, wanted.length)
    assert.equal(entry.head.headers.get('content-length'), String(wanted.length))
    assert.ok((await readFrom(entry)).equals(wanted), `the content of ${entry.head.etag}`)
    entry.body.close()
    this.found++
  }

  /** Leftovers go, and nothing else: what is found has its file, and there is no other file. */
  async end(): Promise<void> {
    await Promise.all([...this.#spare, ...this.#running].map(filler => filler.kill()))
    try {
      const store = this.#open(-1)
      await store.ready
      await store.settled()
      await store.close()
      await this.#readAll()
      assert.deepEqual(readdirSync(join(this.#folder, 'v1', 'filling')), [])
    } finally {
      rmSync(this.#folder, { recursive: true, force: true })
      rmSync(this.#compiled, { recursive: true, force: true })
    }
  }
}
