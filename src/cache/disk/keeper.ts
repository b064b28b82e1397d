/**
 * The keeper: the thread that writes to a folder for its process, so that no disk, however slow or full, holds up
 * those who move bytes. Every process has one; they share the folder.
 * Strategy: changes come in batches, each a transaction; files are written before the transaction that names them
 * and removed after the one that forgets them. Evicting and sweeping go in small steps between batches, in one process at
 * a time. A database that turns out to be damaged is left aside; any other fault ends the keeper.
 */
import { join } from 'node:path'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { systemClock } from '../../base/clock.ts'
import { ContentFiles } from './content-files.ts'
import { Database, leaveAside, type Removed, sumsOf } from './database.ts'
import { faultWords, isBusy, isDamage } from './faults.ts'
import { hashOf } from './key-hash.ts'
import { Lock } from './lock.ts'
import type { Answer, Batch, Change, KeeperSays, Put, Question } from './messages.ts'

/** Where the keeper works, and within what. */
export interface KeeperData {
  readonly folder: string
  readonly bytesMax: number
  readonly leftoverMs: number
}

const TICK_MS = 1_000
const OPEN_WAIT_MS = 5_000
/** Rows removed in one transaction, so that others get to write in between. */
const STEP_ROWS = 200
const SHRINK_PAGES = 1_024
/** Evicting goes on until so much of the limit is free. */
const FREE_SHARE = 0.02
/** So far above the limit nothing more is taken in. */
const FULL_SHARE = 0.05

const STORED: ReadonlySet<Change['do']> = new Set(['put', 'update', 'remove', 'touch'])

const nowS = (): number => Math.floor(systemClock.wallMs() / 1000)
const pause = (): Promise<void> => new Promise(done => setImmediate(done))

class Keeper {
  readonly #port: MessagePort
  readonly #folder: string
  readonly #leftoverMs: number
  #bytesMax: number
  readonly #files: ContentFiles
  readonly #opening: Lock
  readonly #tidying: Lock
  #database: Database
  /** Work in steps that is under way: evicting and sweeping. */
  #tidies = false
  #sweepAtMs = 0
  #swept = false
  #closed = false
  #timer: NodeJS.Timeout

  constructor(port: MessagePort, { folder, bytesMax, leftoverMs }: KeeperData) {
    this.#port = port
    this.#folder = folder
    this.#bytesMax = bytesMax
    this.#leftoverMs = leftoverMs
    this.#files = new ContentFiles(folder)
    this.#opening = new Lock(join(folder, 'opening.lock'))
    this.#tidying = new Lock(join(folder, 'tidying.lock'))
    const [database, afresh] = this.#open()
    this.#database = database
    this.#say({ say: 'open', afresh })
    this.#timer = setInterval(() => this.#guard(() => this.#tick()), TICK_MS)
    port.on('message', (batch: Batch) => this.#guard(() => this.#take(batch)))
    setImmediate(() => this.#tick())
  }

  /** Opens the database, or leaves what is there aside and begins a new one. */
  #open(damage = ''): [Database, string] {
    if (!this.#opening.take(OPEN_WAIT_MS)) throw new Error('database is locked (opening.lock)')
    try {
      try {
        return [new Database(this.#folder), damage]
      } catch (error) {
        if (!isDamage(error)) throw error
        const aside = leaveAside(this.#folder)
        const why = `its database cannot be used (${faultWords(error)}) and was left aside as ${aside}`
        return [new Database(this.#folder), why]
      }
    } finally {
      this.#opening.release()
    }
  }

  /** Nothing that fails in here may pass unnoticed: damage is repaired, anything else ends the keeper. */
  #guard(work: () => void): void {
    if (this.#closed) return
    try {
      this.#repairing(work)
    } catch (error) {
      this.#fail(error)
    }
  }

  #fail(error: unknown): void {
    this.#end()
    this.#say({ say: 'failed', why: faultWords(error) })
    this.#port.close()
  }

  #end(): void {
    this.#closed = true
    clearInterval(this.#timer)
    for (const end of [
      () => this.#files.dropAll(),
      () => this.#database.close(),
      () => this.#opening.close(),
      () => this.#tidying.close(),
    ])
      try {
        end()
      } catch {
        // It ends all the same; what is left over is swept by the next one.
      }
  }

  /** Another process may have replaced it before us: then its new one is opened. */
  #replaceDamaged(why: string): void {
    this.#files.makeFolders()
    const locked = this.#opening.take(OPEN_WAIT_MS)
    const inPlace = this.#database.isInPlace()
    this.#database.close()
    if (locked && inPlace) leaveAside(this.#folder)
    this.#opening.release()
    const [database, afresh] = this.#open(`its database is damaged (${why}) and was left aside as damaged.db`)
    this.#database = database
    this.#swept = false
    this.#say({ say: 'open', afresh })
  }

  #say(words: KeeperSays): void {
    this.#port.postMessage(words)
  }

  #take({ number, changes }: Batch): void {
    if (!this.#database.isInPlace()) this.#replaceVanished()
    const wholes = this.#writeFiles(changes)
    this.#repairing(() => this.#storeAll(changes, wholes))
    const over = this.#database.usedBytes() - this.#bytesMax
    this.#say({ say: 'kept', number, full: over > this.#bytesMax * FULL_SHARE })
    if (over > 0) this.#beginTidying()
    for (const change of changes) {
      if (change.do === 'answer') void this.#answer(change.number, change.question)
      else if (change.do === 'set-bytes-max') this.#bytesMax = change.bytesMax
      else if (change.do === 'close') this.#close()
    }
  }

  #storeAll(changes: readonly Change[], wholes: ReadonlyMap<string, Uint8Array>): void {
    const damaged = changes.find(change => change.do === 'replace-damaged')
    if (damaged !== undefined) this.#replaceDamaged(damaged.why)
    const stored = changes.filter(change => STORED.has(change.do))
    if (stored.length === 0) return
    const names = this.#database.transaction(() => stored.flatMap(change => this.#store(change, wholes)))
    this.#forget(names)
  }

  /** What was to be stored is lost with what was stored: the cache begins empty. */
  #repairing(work: () => void): void {
    try {
      work()
    } catch (error) {
      if (!isDamage(error)) throw error
      this.#replaceDamaged(faultWords(error))
    }
  }

  /** Somebody took the folder or the database away while we ran. */
  #replaceVanished(): void {
    this.#database.close()
    this.#files.dropAll()
    this.#files.makeFolders()
    const [database, afresh] = this.#open('its files were taken away')
    this.#database = database
    this.#say({ say: 'open', afresh })
  }

  #writeFiles(changes: readonly Change[]): Map<string, Uint8Array> {
    const wholes = new Map<string, Uint8Array>()
    for (const change of changes)
      if (change.do === 'write') this.#files.write(change.name, change.bytes)
      else if (change.do === 'drop') this.#files.drop(change.name)
      else if (change.do === 'put' && change.content === null) {
        const whole = this.#files.finish(change.name)
        if (whole?.bytes === change.contentBytes) wholes.set(change.name, whole.sums)
        else if (whole !== null) this.#files.remove(change.name)
      }
    return wholes
  }

  #store(change: Change, wholes: ReadonlyMap<string, Uint8Array>): Removed[] {
    if (change.do === 'put') return this.#put(change, wholes)
    if (change.do === 'remove') return this.#database.remove(change.hash, change.name)
    if (change.do === 'update')
      return this.#database.update(change.hash, change.name, change.variant, change.head, change.tags)
    if (change.do === 'touch') for (const id of change.ids) this.#database.touch(id, change.usedS)
    return []
  }

  #put(put: Put, wholes: ReadonlyMap<string, Uint8Array>): Removed[] {
    const sums = put.content === null ? wholes.get(put.name) : sumsOf(put.content)
    // Its file was not whole, because the folder was taken away meanwhile.
    if (sums === undefined) return []
    return this.#database.put(put, sums, nowS())
  }

  #forget(names: readonly string[]): void {
    for (const name of names) this.#files.remove(name)
  }

  async #answer(number: number, question: Question): Promise<void> {
    let answer: Answer = 0
    try {
      answer = await this.#find(question)
    } catch (error) {
      this.#guard(() => {
        throw error
      })
    }
    this.#say({ say: 'answer', number, answer })
  }

  #find(question: Question): Answer | Promise<Answer> {
    const { space } = question
    if (question.ask === 'settled') return this.#settle()
    if (question.ask === 'stats') return this.#database.stats(space, this.#bytesMax)
    if (question.ask === 'list') return this.#database.list(space, question.prefix, question.countMax)
    return this.#purge(question)
  }

  /** What is meant is settled first, so that what is stored while it goes on is left alone. */
  async #purge({ space, what, staleAtMs }: Extract<Question, { ask: 'purge' }>): Promise<number> {
    const database = this.#database
    const ids = database.idsOf(space, what, key => hashOf(space, key))
    for (let at = 0; at < ids.length && database === this.#database && !this.#closed; at += STEP_ROWS) {
      const step = ids.slice(at, at + STEP_ROWS)
      const names = database.lastingTransaction(() => {
        if (staleAtMs === null) return step.flatMap(id => database.removeRow(id))
        for (const id of step) database.makeStale(id, staleAtMs)
        return []
      })
      this.#forget(names)
      await pause()
    }
    return ids.length
  }

  async #settle(): Promise<number> {
    this.#beginTidying()
    while (!this.#closed && this.#tidies) await pause()
    return 0
  }

  #tick(): void {
    if (!this.#database.isInPlace()) this.#replaceVanished()
    const nowMs = systemClock.wallMs()
    if (this.#database.usedBytes() > this.#bytesMax || nowMs >= this.#sweepAtMs) this.#beginTidying()
  }

  #beginTidying(): void {
    if (this.#tidies || !this.#tidying.take(0)) return
    this.#tidies = true
    const end = (): void => {
      this.#tidies = false
      if (!this.#closed) this.#tidying.release()
    }
    this.#tidy().then(end, (error: unknown) => {
      end()
      // Somebody else writes for long: the next tick tries again.
      if (!isBusy(error))
        this.#guard(() => {
          throw error
        })
    })
  }

  async #evict(): Promise<void> {
    if (this.#database.usedBytes() <= this.#bytesMax) return
    while (!this.#closed) {
      const database = this.#database
      const tooMany = database.usedBytes() - this.#bytesMax * (1 - FREE_SHARE)
      if (tooMany <= 0) return
      let evicted: readonly Removed[] = []
      const names = database.transaction(() => {
        evicted = database.evict(tooMany, STEP_ROWS)
        return evicted
      })
      this.#forget(names)
      database.shrink(SHRINK_PAGES)
      // Empty, and still too large: the limit is smaller than a database without rows.
      if (evicted.length === 0) return
      await pause()
    }
  }

  async #tidy(): Promise<void> {
    await this.#evict()
    const nowMs = systemClock.wallMs()
    if (nowMs < this.#sweepAtMs) return
    this.#sweepAtMs = nowMs + this.#leftoverMs + TICK_MS
    this.#files.sweepFilling(nowMs - this.#leftoverMs)
    if (!this.#swept) await this.#sweepContents(nowMs - this.#leftoverMs)
  }

  /** Once: files whose row was lost with a process that died between the two. */
  async #sweepContents(olderThanMs: number): Promise<void> {
    for (const folder of this.#files.contentFolders()) {
      if (this.#closed) return
      this.#files.sweepContents(folder, olderThanMs, name => this.#database.hasFile(name))
      await pause()
    }
    this.#swept = true
  }

  #close(): void {
    this.#end()
    this.#say({ say: 'closed' })
    this.#port.close()
  }
}

if (parentPort !== null) {
  const port = parentPort
  try {
    new Keeper(port, workerData as KeeperData)
  } catch (error) {
    port.postMessage({ say: 'failed', why: faultWords(error) } satisfies KeeperSays)
  }
}
