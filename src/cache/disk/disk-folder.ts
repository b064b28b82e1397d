/**
 * A folder as one process uses it: a reader, a keeper, and what is on its way to the keeper.
 * Strategy: what changes is known here at once (`changed`) and forgotten when the keeper has stored it, so that this
 * process sees its own changes and never waits for a disk. The folder is on, or off with one line on stderr and a
 * try every minute; while it is off nothing is found. What was to be removed and could not be is made up for
 * before anything is found again.
 */
import { join, resolve } from 'node:path'
import { type Clock, systemClock } from '../../base/clock.ts'
import type { EntryHead, StoredBody } from '../entry.ts'
import { makeFolder } from './content-files.ts'
import { FORMAT, leaveAside } from './database.ts'
import { faultWords, isBusy, isDamage } from './faults.ts'
import { KeeperLink } from './keeper-link.ts'
import type { Answer, Change, KeeperSays, Question } from './messages.ts'
import { Reader, type Row } from './reader.ts'

/** Bytes on their way to the keeper; with more, nothing is taken in until it has caught up. */
const WAITING_BYTES_MAX = 64 * 1024 * 1024
/** Batches of changes on their way; a disk that is so far behind is turned off. */
const WAITING_BATCHES_MAX = 10_000
const RETRY_MS = 60_000
/** Use is written down at most so often, for an entry. */
const TOUCH_S = 60
const TOUCHED_MAX = 10_000
const TOUCH_DELAY_MS = 1_000
const WARN_PAUSE_MS = 60_000
/** A file being filled that was not written to for so long is left over. */
const LEFTOVER_MS = 600_000
/** Who wants a content that is still being written gets it as a miss when that takes so long. */
const KEPT_WAIT_MS = 2_000
/** A disk that does not answer must not hold up the end of the program. */
const CLOSE_TIMEOUT_MS = 5_000

export interface FolderOptions {
  readonly folder: string
  /** Of all that is stored there, by whomever. */
  readonly bytesMax: number
  readonly warn: (line: string) => void
  readonly clock?: Clock
  readonly retryMs?: number
  readonly leftoverMs?: number
}

/** A stored response of a resource, as this process knows it. */
export interface Variant {
  readonly head: EntryHead
  readonly name: string
  /** A new one for each who reads; null when it is not there any more. */
  readonly body: () => StoredBody | null
  /** Null: it is where it belongs. Else the batch it goes with, for one whose content is being written to a file. */
  readonly pendingBatch: number | null
}

/** What a change does besides reaching the keeper. */
interface Effect {
  /** Of content. */
  readonly bytes?: number
  /** The resource that is changed, and its variants from now on. */
  readonly hash?: Uint8Array
  readonly variants?: readonly Variant[]
  /** It must not be lost: what it takes away may not come back. */
  readonly removes?: boolean
}

interface Asked {
  readonly removes: boolean
  readonly done: (answer: Answer | null) => void
}

interface Sent {
  readonly bytes: number
  readonly resources: readonly string[]
}

type State = 'opening' | 'on' | 'off' | 'closed'

const nameOf = (hash: Uint8Array): string =>
  Buffer.from(hash.buffer, hash.byteOffset, hash.length).toString('latin1')

/** Of this process, by their path: caches that share a folder share it. */
const folders = new Map<string, DiskFolder>()

export class DiskFolder {
  /** Settled when it is on, or turned off, for the first time. */
  readonly ready: Promise<void>
  /** Another one whenever what was under way is lost: fillings of an older one have to give up. */
  generation = 0
  readonly #options: Required<FolderOptions>
  readonly #path: string
  readonly #spaces = new Map<string, number>()
  #state: State = 'opening'
  #keeper: KeeperLink | null = null
  #reader: Reader | null = null
  #full = false

  /** The batch that is being put together, and what it holds. */
  #batch = 1
  #changes: Change[] = []
  #bytes = 0
  #resources: string[] = []
  readonly #sent = new Map<number, Sent>()
  #waitingBytes = 0
  #keptBatch = 0
  readonly #changed = new Map<string, { readonly batch: number; readonly variants: readonly Variant[] }>()
  readonly #keptWaiters: { batch: number; done: (kept: boolean) => void }[] = []
  readonly #asked = new Map<number, Asked>()
  #asks = 0

  #removalBatch = 0
  /** Something that was to be removed may still be there. */
  #removalLost = false
  readonly #touched = new Set<number>()
  #touchTimer: NodeJS.Timeout | null = null
  #retryTimer: NodeJS.Timeout | null = null
  #told = false
  #complaints = 0
  #complainedMs = Number.NEGATIVE_INFINITY
  #settleReady: () => void = () => {}
  #settleClosed: () => void = () => {}

  /** The folder at this path; `close` it once for every call. The limit of who opens last holds. */
  static open(space: string, options: FolderOptions): DiskFolder {
    const path = join(resolve(options.folder), `v${FORMAT}`)
    let folder = folders.get(path)
    if (folder === undefined) {
      folder = new DiskFolder(path, options)
      folders.set(path, folder)
    } else folder.#change({ do: 'set-bytes-max', bytesMax: options.bytesMax })
    folder.#spaces.set(space, (folder.#spaces.get(space) ?? 0) + 1)
    return folder
  }

  private constructor(path: string, options: FolderOptions) {
    this.#path = path
    this.#options = { clock: systemClock, retryMs: RETRY_MS, leftoverMs: LEFTOVER_MS, ...options }
    this.ready = new Promise(done => {
      this.#settleReady = done
    })
    this.#open()
  }

  /** The number that goes with the next change. */
  get batch(): number {
    return this.#batch
  }

  get path(): string {
    return this.#path
  }

  /** False: nothing is stored now. */
  takes(bytes: number): boolean {
    return this.#state === 'on' && !this.#full && this.#waitingBytes + bytes <= WAITING_BYTES_MAX
  }

  /** What this process has changed and the keeper has not stored yet; null: look at the rows. */
  changed(hash: Uint8Array): readonly Variant[] | null {
    return this.#changed.size === 0 ? null : (this.#changed.get(nameOf(hash))?.variants ?? null)
  }

  /** None while it is off. */
  rows(hash: Uint8Array): readonly Row[] {
    return this.#read([], reader => reader.rows(hash))
  }

  /** Content that stands in this row, unchecked; null: it is gone. */
  content(row: Row): Uint8Array | null {
    return this.#read(null, reader => reader.content(row))
  }

  #read<Result>(nothing: Result, read: (reader: Reader) => Result): Result {
    if (this.#reader === null || this.#state !== 'on') return nothing
    try {
      return read(this.#reader)
    } catch (error) {
      this.#readingFailed(error)
      return nothing
    }
  }

  #readingFailed(error: unknown): void {
    // Another process is repairing what a crash left: a moment later it can be read again.
    if (isBusy(error)) return
    this.#closeReader()
    if (isDamage(error)) this.#change({ do: 'replace-damaged', why: faultWords(error) })
    else this.#turnOff(faultWords(error))
  }

  /** Somebody found this row. */
  used(row: Row): void {
    const nowS = Math.floor(this.#options.clock.wallMs() / 1000)
    if (nowS - row.used < TOUCH_S || this.#touched.size >= TOUCHED_MAX) return
    this.#touched.add(row.id)
    this.#touchTimer ??= setTimeout(() => this.#touch(), TOUCH_DELAY_MS).unref()
  }

  #touch(): void {
    if (this.#touchTimer !== null) clearTimeout(this.#touchTimer)
    this.#touchTimer = null
    const usedS = Math.floor(this.#options.clock.wallMs() / 1000)
    this.#change({ do: 'touch', ids: [...this.#touched], usedS })
    this.#touched.clear()
  }

  /** A file could not be opened, whatever lies in it. */
  cannotOpen(error: unknown): void {
    this.#complain(`a stored response in ${this.#path} cannot be opened: ${faultWords(error)}`)
  }

  /** A row or a file is not what was stored. `why` is '' when it merely is not there. */
  removeDamaged(hash: Uint8Array, name: string, why: string): void {
    this.change({ do: 'remove', hash, name }, {})
    if (why !== '') this.#complain(`a stored response in ${this.#path} was damaged and is removed: ${why}`)
  }

  /** At most once a minute, with how many there were. */
  #complain(text: string): void {
    const { clock, warn } = this.#options
    this.#complaints++
    if (clock.preciseMs() - this.#complainedMs < WARN_PAUSE_MS) return
    this.#complainedMs = clock.preciseMs()
    warn(`cache: ${text} (${this.#complaints} such so far)`)
  }

  /** Gives the number of the batch that it goes with. */
  change(change: Change, { bytes = 0, hash, variants, removes = false }: Effect): number {
    if (this.#state !== 'on') {
      this.#removalLost ||= removes
      return 0
    }
    if (hash !== undefined && variants !== undefined) {
      const resource = nameOf(hash)
      this.#changed.set(resource, { batch: this.#batch, variants })
      this.#resources.push(resource)
    }
    this.#bytes += bytes
    this.#waitingBytes += bytes
    if (removes) this.#removalBatch = this.#batch
    this.#change(change)
    return this.#batch
  }

  #change(change: Change): void {
    if (this.#keeper === null) return
    if (this.#changes.push(change) === 1) setImmediate(() => this.#send())
  }

  #send(): void {
    if (this.#changes.length === 0 || this.#keeper === null) return
    const number = this.#batch++
    this.#sent.set(number, { bytes: this.#bytes, resources: this.#resources })
    this.#keeper.send({ number, changes: this.#changes })
    this.#changes = []
    this.#bytes = 0
    this.#resources = []
    if (this.#sent.size > WAITING_BATCHES_MAX) this.#turnOff('the disk is too slow for what is to be stored')
  }

  /** Null: the folder is off, or was turned off meanwhile. */
  ask(question: Question): Promise<Answer | null> {
    const removes = question.ask === 'purge'
    if (this.#state === 'off') this.#removalLost ||= removes
    if (this.#keeper === null) return Promise.resolve(null)
    if (this.#touched.size > 0) this.#touch()
    const number = ++this.#asks
    return new Promise(done => {
      this.#asked.set(number, { removes, done })
      this.#change({ do: 'answer', number, question })
      this.#hold()
    })
  }

  /** Whether what went with this batch is stored; a client does not wait for long. */
  kept(batch: number): Promise<boolean> {
    if (batch <= this.#keptBatch) return Promise.resolve(true)
    if (this.#state !== 'on') return Promise.resolve(false)
    return new Promise(done => {
      const timer = setTimeout(() => done(false), KEPT_WAIT_MS)
      this.#keptWaiters.push({
        batch,
        done: kept => {
          clearTimeout(timer)
          done(kept)
        },
      })
      this.#hold()
    })
  }

  #hold(): void {
    const waits = this.#state !== 'on' || this.#asked.size > 0 || this.#keptWaiters.length > 0
    this.#keeper?.hold(waits)
  }

  #open(): void {
    this.#state = 'opening'
    try {
      makeFolder(this.#path)
      const { bytesMax, leftoverMs } = this.#options
      this.#keeper = new KeeperLink({ folder: this.#path, bytesMax, leftoverMs }, words => this.#heard(words))
    } catch (error) {
      this.#turnOff(faultWords(error))
    }
  }

  #heard(words: KeeperSays): void {
    if (words.say === 'open') void this.#opened(words.afresh)
    else if (words.say === 'kept') this.#kept(words.number, words.full)
    else if (words.say === 'failed') this.#turnOff(words.why)
    else if (words.say === 'closed') this.#settleClosed()
    else {
      this.#asked.get(words.number)?.done(words.answer)
      this.#asked.delete(words.number)
      this.#hold()
    }
  }

  async #opened(afresh: string): Promise<void> {
    const { warn } = this.#options
    if (afresh !== '') {
      warn(`cache: ${this.#path} begins empty: ${afresh}`)
      this.generation++
      this.#changed.clear()
    }
    this.#closeReader()
    try {
      this.#reader = new Reader(this.#path)
    } catch (error) {
      return this.#turnOff(faultWords(error))
    }
    if (this.#state !== 'opening') return
    if (!(await this.#makeUpForRemovals())) return
    this.#state = 'on'
    if (this.#told) warn(`cache: ${this.#path} is on again`)
    this.#told = false
    this.#hold()
    this.#settleReady()
  }

  /** What was removed while it was off is not known any more: everything goes. False: it is off again. */
  async #makeUpForRemovals(): Promise<boolean> {
    while (this.#removalLost) {
      this.#removalLost = false
      for (const space of this.#spaces.keys()) {
        const answer = await this.ask({ ask: 'purge', space, what: { kind: 'all' }, staleAtMs: null })
        if (answer === null) return false
      }
    }
    return this.#state === 'opening'
  }

  #kept(number: number, full: boolean): void {
    this.#full = full
    this.#keptBatch = number
    const sent = this.#sent.get(number)
    this.#sent.delete(number)
    this.#waitingBytes -= sent?.bytes ?? 0
    for (const resource of sent?.resources ?? [])
      if (this.#changed.get(resource)?.batch === number) this.#changed.delete(resource)
    while (this.#keptWaiters.length > 0 && this.#keptWaiters[0].batch <= number)
      this.#keptWaiters.shift()?.done(true)
    this.#hold()
  }

  #turnOff(why: string): void {
    this.#settleClosed()
    if (this.#state === 'closed') return
    const { warn, retryMs } = this.#options
    this.#removalLost ||= this.#removalBatch > this.#keptBatch
    this.#forget()
    this.#state = 'off'
    if (!this.#told)
      warn(
        `cache: ${this.#path} is turned off, nothing is stored there: ${why}; tried again every ${retryMs / 1000} s`,
      )
    this.#told = true
    this.#retryTimer = setTimeout(() => this.#open(), retryMs).unref()
    this.#settleReady()
  }

  /** Ends the keeper and lets go of everything that was on its way. */
  #forget(): void {
    this.#keeper?.end()
    this.#keeper = null
    this.#closeReader()
    this.generation++
    this.#full = false
    this.#changes = []
    this.#bytes = 0
    this.#waitingBytes = 0
    this.#resources = []
    this.#sent.clear()
    this.#changed.clear()
    this.#touched.clear()
    for (const { removes, done } of this.#asked.values()) {
      this.#removalLost ||= removes
      done(null)
    }
    this.#asked.clear()
    for (const { done } of this.#keptWaiters.splice(0)) done(false)
  }

  #closeReader(): void {
    this.#reader?.close()
    this.#reader = null
  }

  /** The last one to close waits until all is stored. */
  async close(space: string): Promise<void> {
    const uses = (this.#spaces.get(space) ?? 1) - 1
    if (uses > 0) this.#spaces.set(space, uses)
    else this.#spaces.delete(space)
    if (this.#spaces.size > 0 || this.#state === 'closed') return
    folders.delete(this.#path)
    if (this.#retryTimer !== null) clearTimeout(this.#retryTimer)
    if (this.#touchTimer !== null) clearTimeout(this.#touchTimer)
    await this.#closeKeeper()
    this.#forget()
    if (this.#removalLost) this.#leaveAside()
  }

  async #closeKeeper(): Promise<void> {
    this.#closeReader()
    this.#state = 'closed'
    this.#settleReady()
    if (this.#keeper === null) return
    this.#hold()
    const closed = new Promise<void>(done => {
      this.#settleClosed = done
    })
    this.#change({ do: 'close' })
    this.#send()
    const timer = setTimeout(this.#settleClosed, CLOSE_TIMEOUT_MS)
    await closed
    clearTimeout(timer)
  }

  /** What was to be removed must not be found by the next one who opens the folder. */
  #leaveAside(): void {
    try {
      leaveAside(this.#path)
    } catch {
      // The disk that could not remove an entry cannot do this either: there is nothing left to try.
    }
  }
}
