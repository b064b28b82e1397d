/**
 * Which stored response goes when room is needed: S3-FIFO (Yang et al., "FIFO queues are all you need for cache
 * eviction", SOSP 2023).
 * Strategy: what is new waits in a small queue; only what was asked for again while it was there comes into the main
 * queue, so that a crawler that asks for everything once pushes out nothing but what other crawlers left. What left the
 * small queue is remembered by a number (the ghost): when it comes back it has been asked for twice, and goes straight
 * to the main queue.
 *
 * Why not LRU lists: there a hit moves an entry to the front, which writes to six objects; here a hit adds one to a
 * number. Why not SLRU, which resists scans as well: it is two such lists.
 */
import { hashText } from '../base/hash.ts'

/** What can be put out. The fields belong to the queues. */
export interface Evictable {
  readonly key: string
  /** Bytes that it takes, overhead included. */
  size: number
  /** How often it was asked for since it came or was last spared, USES_MAX at most. */
  uses: number
  queue: FifoQueue | null
  newer: Evictable | null
  older: Evictable | null
}

/** More uses than that are not counted: what was popular once has to go some time. */
export const USES_MAX = 3

/** How much of all bytes is for what has not been asked for again yet. The paper found 10 % good for all traces. */
const SMALL_SHARE = 0.1

/**
 * How many entries may be spared for one that goes. Without an end to it, one that comes when all have been used would
 * wait until every one of a million had its turn, three times.
 */
const SPARED_MAX = 1_000

/** In the order in which they came; anything can leave from the middle. */
export class FifoQueue {
  bytes = 0
  count = 0
  oldest: Evictable | null = null
  newest: Evictable | null = null

  add(entry: Evictable): void {
    entry.queue = this
    entry.older = this.newest
    entry.newer = null
    if (this.newest === null) this.oldest = entry
    else this.newest.newer = entry
    this.newest = entry
    this.bytes += entry.size
    this.count++
  }

  remove(entry: Evictable): void {
    if (entry.older === null) this.oldest = entry.newer
    else entry.older.newer = entry.newer
    if (entry.newer === null) this.newest = entry.older
    else entry.newer.older = entry.older
    entry.queue = null
    entry.newer = null
    entry.older = null
    this.bytes -= entry.size
    this.count--
  }
}

/**
 * The numbers of what was met lately: here, of what left the small queue.
 * Strategy: two tables of fixed size; a number has one place, and whoever comes later takes it. That forgets a few too
 * early, and needs neither a queue nor an object for each.
 */
export class Ghost {
  readonly #numbers: Uint32Array
  readonly #turns: Uint32Array
  #turn = 0

  /** `places`: a power of two. */
  constructor(places: number) {
    this.#numbers = new Uint32Array(places)
    this.#turns = new Uint32Array(places)
  }

  remember(key: string): void {
    const number = hashText(key)
    const place = number & (this.#numbers.length - 1)
    this.#numbers[place] = number
    this.#turns[place] = ++this.#turn
  }

  /** True for what was remembered, and not too many others after it. */
  has(key: string): boolean {
    const number = hashText(key)
    const place = number & (this.#numbers.length - 1)
    const turn = this.#turns[place]
    return turn !== 0 && this.#numbers[place] === number && this.#turn - turn < this.#numbers.length
  }

  /** The same, and forgets it. */
  takes(key: string): boolean {
    if (!this.has(key)) return false
    this.#turns[hashText(key) & (this.#numbers.length - 1)] = 0
    return true
  }

  clear(): void {
    this.#turns.fill(0)
  }
}

/** For so many bytes of a store the ghost has one place of GHOST_PLACE_BYTES: it takes less than one in a hundred. */
const BYTES_PER_GHOST = 1024
const GHOST_PLACE_BYTES = 8
const GHOST_PLACES_MIN = 64
const GHOST_PLACES_MAX = 1024 * 1024

export class S3Fifo {
  /** What the entries may take: the ghost takes its part of `bytesMax`. */
  readonly roomBytes: number
  readonly ghostBytes: number
  #small = new FifoQueue()
  #main = new FifoQueue()
  readonly #ghost: Ghost

  constructor(bytesMax: number) {
    const wanted = Math.min(GHOST_PLACES_MAX, Math.max(GHOST_PLACES_MIN, bytesMax / BYTES_PER_GHOST))
    const places = 2 ** Math.floor(Math.log2(wanted))
    this.ghostBytes = places * GHOST_PLACE_BYTES
    this.roomBytes = Math.max(0, bytesMax - this.ghostBytes)
    this.#ghost = new Ghost(places)
  }

  get bytes(): number {
    return this.#small.bytes + this.#main.bytes
  }

  get count(): number {
    return this.#small.count + this.#main.count
  }

  /** Takes an entry in, in the place of `replaced` if there is one: what is popular stays so when its content changes. */
  add(entry: Evictable, replaced: Evictable | null): void {
    const known = replaced !== null && replaced.queue === this.#main
    if (replaced !== null) {
      entry.uses = replaced.uses
      this.remove(replaced)
    }
    const queue = known || this.#ghost.takes(entry.key) ? this.#main : this.#small
    queue.add(entry)
  }

  holds(entry: Evictable): boolean {
    return entry.queue !== null && (entry.queue === this.#small || entry.queue === this.#main)
  }

  /** What is not there any more does no harm. */
  remove(entry: Evictable): void {
    if (this.holds(entry)) entry.queue?.remove(entry)
  }

  /** Tells that the size of an entry is another now. */
  resize(entry: Evictable, size: number): void {
    if (entry.queue !== null) entry.queue.bytes += size - entry.size
    entry.size = size
  }

  /** The entry that has to go, for the caller to remove; null when there is none. */
  evict(): Evictable | null {
    const small = this.#small
    const main = this.#main
    for (let spared = 0; ; spared++) {
      const fromSmall =
        small.oldest !== null && (main.oldest === null || small.bytes > this.roomBytes * SMALL_SHARE)
      const entry = fromSmall ? small.oldest : main.oldest
      if (entry === null) return null
      if (entry.uses === 0 || spared >= SPARED_MAX) {
        if (fromSmall) this.#ghost.remember(entry.key)
        return entry
      }
      this.remove(entry)
      // The paper moves what was used twice while it was small. Here once is enough: the use that brought it in is not
      // counted.
      entry.uses = fromSmall ? 0 : entry.uses - 1
      main.add(entry)
    }
  }

  clear(): void {
    // New ones: what somebody still holds must not be taken out of them a second time.
    this.#small = new FifoQueue()
    this.#main = new FifoQueue()
    this.#ghost.clear()
  }
}
