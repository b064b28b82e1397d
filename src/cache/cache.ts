/**
 * One cache of a config: its options, its store, what is being fetched for it.
 * Strategy: it is made without beginning anything, and opens its store when it starts; until then, and after a fault,
 * it stores nothing and everything is passed on.
 */
import type { Clock } from '../base/clock.ts'
import { systemClock } from '../base/clock.ts'
import type { Layer } from '../exchange/handler.ts'
import { CacheHandler } from './cache-layer.ts'
import type { Fetch } from './fetch.ts'
import type { CacheOptions } from './options.ts'
import { PartialStore } from './partial-store.ts'
import { Removals } from './removals.ts'
import type { Purge, Store } from './store.ts'
import { Uncacheable } from './uncacheable.ts'

/** Of the bytes in memory, what parts of responses may take. */
const PARTIAL_SHARE = 0.25

/** What becomes of what is on its way when it is purged: it is not stored; `removed`: nor is what was stored before. */
export type Doom = 'removed' | 'stale'

/** A response that is on its way and may be stored. */
export interface UnderWay {
  isMeant(what: Purge): boolean
  doom(doom: Doom): void
}

/** What a cache is told when its process begins to serve. */
export interface CacheStart {
  /** How many processes share what the options say. */
  readonly workers: number
  /** For the person who reads the log. */
  warn(line: string): void
  /** A store opens in the background, and finds nothing before this has settled. */
  opening?(ready: Promise<void>): void
  /** These keys were removed here, and other processes have to hear of it. */
  removed(keys: readonly string[]): void
}

/** The bytes in memory are those of this process. `space` tells caches apart that share a place on disk. */
export type OpenStore = (options: CacheOptions, space: string, start: CacheStart) => Store

export class Cache {
  readonly options: CacheOptions
  readonly space: string
  readonly clock: Clock
  readonly layer: Layer
  /** Null: not begun, or ended. */
  store: Store | null = null
  /** Parts of responses, when there is memory for them. */
  partials: PartialStore | null = null
  readonly uncacheable: Uncacheable
  /** What is being fetched, by key and extras; several when variants differ. */
  readonly fetches = new Map<string, Fetch[]>()
  /** All that may come to be stored. */
  readonly underWay = new Set<UnderWay>()
  readonly removals = new Removals()
  /** Requests that it was asked for, and those that it answered without a server. */
  readonly counts = { asked: 0, hits: 0 }
  /** Bytes of responses on their way into the store. */
  fillingBytes = 0
  #open: OpenStore
  #start: CacheStart | null = null

  constructor(options: CacheOptions, space: string, open: OpenStore, clock: Clock = systemClock) {
    this.options = options
    this.space = space
    this.clock = clock
    this.#open = open
    this.uncacheable = new Uncacheable(options.uncacheableMs)
    this.layer = next => new CacheHandler(this, next)
  }

  start(start: CacheStart): void {
    this.#start = start
    const bytes = this.options.memoryBytes / start.workers
    const partialBytes = Math.floor(bytes * PARTIAL_SHARE)
    const options = { ...this.options, memoryBytes: Math.floor(bytes) - partialBytes }
    this.store = this.#open(options, this.space, start)
    this.partials = partialBytes > 0 ? new PartialStore(partialBytes, this.options) : null
  }

  /** Others who ask for the same may join it. */
  list(id: string, fetch: Fetch): void {
    const running = this.fetches.get(id)
    if (running === undefined) this.fetches.set(id, [fetch])
    else running.push(fetch)
  }

  unlist(id: string, fetch: Fetch): void {
    const rest = this.fetches.get(id)?.filter(each => each !== fetch) ?? []
    if (rest.length > 0) this.fetches.set(id, rest)
    else this.fetches.delete(id)
  }

  /** Removes what an unsafe request made invalid (RFC 9111 §4.4), here and in other processes. */
  invalidate(keys: readonly string[]): void {
    if (this.store === null) return
    this.removed(keys)
    this.#start?.removed(keys)
  }

  /** Another process has removed these keys. */
  removed(keys: readonly string[]): void {
    for (const key of keys) this.#purge({ kind: 'key', key }, null)
  }

  /** Purges, in this process only. Gives how many stored responses were meant. */
  async purge(what: Purge, soft: boolean): Promise<number> {
    return await this.#purge(what, soft ? this.clock.wallMs() : null)
  }

  async close(): Promise<void> {
    const { store } = this
    this.store = null
    await store?.close()
  }

  #purge(what: Purge, staleAtMs: number | null): number | Promise<number> {
    // What is on its way may have been made before: it is passed on, and not kept.
    this.removals.add(what)
    const doom = staleAtMs === null ? 'removed' : 'stale'
    for (const each of [...this.underWay]) if (each.isMeant(what)) each.doom(doom)
    if (what.kind === 'key') this.partials?.removeKey(what.key)
    else this.partials?.clear()
    return this.store?.purge(what, staleAtMs) ?? 0
  }
}
