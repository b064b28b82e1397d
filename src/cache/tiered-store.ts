/**
 * A store in memory in front of one on disk.
 * Strategy: what comes goes to both, where it fits; what is looked for is found in memory or, if not there, on disk.
 * Memory knows all variants of a resource or none, so that whoever finds some there need not ask the disk for others:
 * when one has to go, all go, and a variant comes in alone only when there can be no other. What is found on disk comes
 * into memory when it is found there a second time: a crawler that reads the whole disk once would read all of it twice
 * otherwise, and push out what is in use.
 *
 * Several processes may share the disk. They tell each other what they have removed or purged, and that is removed from
 * memory here as well. That one of them has replaced a response they do not tell: the older one in memory may be used
 * here until it is stale, as any cache between us and the client might use it (RFC 9111 §4.2); then it is validated,
 * which finds out. To hear of every response that is stored anywhere would cost more than that is worth.
 */
import type { Entry, EntryHead } from './entry.ts'
import { MemoryEntry } from './memory-entry.ts'
import type { MemoryStore } from './memory-store.ts'
import { isSameVariant } from './purge.ts'
import { Ghost } from './s3-fifo.ts'
import type { Filling, Purge, Store, StoreStats } from './store.ts'

/** Larger resources stay on disk: they are read in large pieces, and beside those the way to the disk costs little. */
const PROMOTED_BYTES_MAX = 1024 * 1024
/** How many resources are brought into memory at once; others wait for a later use. */
const PROMOTIONS_MAX = 16
/** Of so many resources it is remembered that they were found on disk, or have variants. A power of two. */
const SEEN_PLACES = 8_192

export interface TieredStats extends StoreStats {
  readonly memory: StoreStats
  readonly disk: StoreStats
}

class TieredFilling implements Filling {
  readonly #store: TieredStore
  #memory: Filling | null
  #disk: Filling | null

  constructor(store: TieredStore, memory: Filling | null, disk: Filling | null) {
    this.#store = store
    this.#memory = memory
    this.#disk = disk
  }

  write(chunk: Buffer): boolean {
    this.#memory = writeTo(this.#memory, chunk)
    this.#disk = writeTo(this.#disk, chunk)
    return this.#memory !== null || this.#disk !== null
  }

  commit(head: EntryHead): Entry | null {
    return this.#store.takeIn(this.#memory, this.#disk, head)
  }

  abort(): void {
    this.#memory?.abort()
    this.#disk?.abort()
  }
}

/** Null when it has given up. */
function writeTo(filling: Filling | null, chunk: Buffer): Filling | null {
  if (filling === null || filling.write(chunk)) return filling
  filling.abort()
  return null
}

/** A resource on its way from disk to memory. */
interface Promotion {
  /** It has changed meanwhile. */
  overtaken: boolean
}

export class TieredStore implements Store {
  readonly #memory: MemoryStore
  readonly #disk: Store
  readonly #seen = new Ghost(SEEN_PLACES)
  /** Resources with more than one variant. What was forgotten of them costs a fetch, and nothing else. */
  readonly #varied = new Ghost(SEEN_PLACES)
  readonly #promotions = new Map<string, Promotion>()
  /** What has still to be done on disk, by key: nobody looks there before it is done. */
  readonly #pending = new Map<string, Promise<void>>()
  readonly #running = new Set<Promise<void>>()
  #closed = false

  /** `memory` has to be made with `allVariants`. */
  constructor(memory: MemoryStore, disk: Store) {
    this.#memory = memory
    this.#disk = disk
  }

  find(key: string): readonly Entry[] | Promise<readonly Entry[]> {
    const entries = this.#memory.find(key)
    if (entries.length > 0 || this.#closed) return entries
    const pending = this.#pending.get(key)
    if (pending !== undefined) return pending.then(() => this.find(key))
    const found = this.#disk.find(key)
    if (!(found instanceof Promise)) return this.#noticed(key, found)
    return found.then(onDisk => this.#noticed(key, onDisk))
  }

  /** Found on disk. */
  #noticed(key: string, entries: readonly Entry[]): readonly Entry[] {
    if (entries.length === 0) return entries
    if (!this.#seen.takes(key)) this.#seen.remember(key)
    else if (!this.#promotions.has(key) && this.#promotions.size < PROMOTIONS_MAX && !this.#closed) {
      const promotion = { overtaken: false }
      this.#promotions.set(key, promotion)
      this.#run(this.#promote(key, promotion).finally(() => this.#promotions.delete(key)))
    }
    return entries
  }

  async #promote(key: string, promotion: Promotion): Promise<void> {
    const entries = await this.#disk.find(key)
    try {
      const bytes = entries.reduce((sum, { body }) => sum + body.bytes, 0)
      if (bytes > PROMOTED_BYTES_MAX) return
      const fillings: [Filling, EntryHead][] = []
      // The oldest first: memory gives the newest first, as the disk does.
      for (const { head, body } of entries.toReversed()) {
        const filling = this.#memory.begin(head, body.bytes)
        if (filling === null) break
        fillings.push([filling, head])
        for (let at = 0; at < body.bytes && !promotion.overtaken; ) {
          const piece = await body.from(at)
          if (!filling.write(piece)) break
          at += piece.length
        }
      }
      const whole = fillings.length === entries.length && !promotion.overtaken && !this.#memory.has(key)
      if (!whole) for (const [filling] of fillings) filling.abort()
      else if (fillings.some(([filling, head]) => filling.commit(head) === null)) this.#forget(key)
    } catch {
      // It cannot be read: whoever needs it will find out, and say so.
    } finally {
      for (const { body } of entries) body.close()
    }
  }

  /** What is known of a resource in memory is not all, or not the newest. */
  #forget(key: string): void {
    this.#overtake(key)
    this.#memory.purge({ kind: 'key', key }, null)
  }

  #overtake(key: string): void {
    const promotion = this.#promotions.get(key)
    if (promotion !== undefined) promotion.overtaken = true
  }

  begin(head: EntryHead, contentBytes: number): Filling | null {
    if (this.#closed) return null
    const memory = this.#memory.begin(head, contentBytes)
    const disk = this.#disk.begin(head, contentBytes)
    return memory === null && disk === null ? null : new TieredFilling(this, memory, disk)
  }

  /** For fillings: the content is whole. */
  takeIn(memory: Filling | null, disk: Filling | null, head: EntryHead): Entry | null {
    const { key } = head
    this.#overtake(key)
    const onDisk = disk?.commit(head) ?? null
    const varies = head.vary.length > 0 || head.extras !== ''
    if (varies) this.#varied.remember(key)
    const alone = onDisk !== null && !this.#memory.has(key) && (varies || this.#varied.has(key))
    const entry = alone ? null : (memory?.commit(head) ?? null)
    if (alone) memory?.abort()
    if (entry === null) {
      // An older one in memory would hide the one on disk.
      if (onDisk !== null) this.#forget(key)
      return onDisk
    }
    // And an older one on disk would come back when this one has gone.
    if (onDisk === null)
      this.#later(
        key,
        each => isSameVariant(each.head, head),
        each => this.#disk.remove(each),
      )
    else onDisk.body.close()
    return entry
  }

  update(entry: Entry, head: EntryHead): void {
    const { head: old } = entry
    this.#overtake(old.key)
    if (entry instanceof MemoryEntry) {
      this.#memory.update(entry, head)
      this.#later(
        old.key,
        each => isTwin(each.head, old),
        each => this.#disk.update(each, head),
      )
      return
    }
    this.#disk.update(entry, head)
    const twin = this.#memory.peek(old.key).find(each => isTwin(each.head, old))
    if (twin !== undefined) this.#memory.update(twin, head)
  }

  remove(entry: Entry): void {
    const { head } = entry
    this.#overtake(head.key)
    if (entry instanceof MemoryEntry) {
      this.#memory.remove(entry)
      this.#later(
        head.key,
        each => isTwin(each.head, head),
        each => this.#disk.remove(each),
      )
      return
    }
    this.#disk.remove(entry)
    const twin = this.#memory.peek(head.key).find(each => isTwin(each.head, head))
    if (twin !== undefined) this.#memory.remove(twin)
  }

  /** Does something to what is stored on disk under a key, before anybody looks there again. */
  #later(key: string, isMeant: (entry: Entry) => boolean, work: (entry: Entry) => void): void {
    const before = this.#pending.get(key)
    const doing = (async () => {
      await before
      const entries = await this.#disk.find(key)
      for (const entry of entries) {
        if (isMeant(entry)) work(entry)
        entry.body.close()
      }
    })().finally(() => {
      if (this.#pending.get(key) === doing) this.#pending.delete(key)
    })
    this.#pending.set(key, doing)
    this.#run(doing)
  }

  /** Remembers what is under way until it has ended. */
  #run(work: Promise<void>): void {
    const running = work
      .catch(() => {})
      .finally(() => {
        this.#running.delete(running)
      })
    this.#running.add(running)
  }

  async purge(what: Purge, staleAtMs: number | null): Promise<number> {
    for (const promotion of this.#promotions.values()) promotion.overtaken = true
    const inMemory = this.#memory.purge(what, staleAtMs)
    // One resource is gone from both at once (RFC 9111 §4.4).
    const atOnce = what.kind === 'key' ? this.#disk.purge(what, staleAtMs) : 0
    // What was still to be done there comes first: an update must not make fresh what this makes stale.
    await Promise.all(this.#pending.values())
    const onDisk = await this.#disk.purge(what, staleAtMs)
    // Nearly all that lies in memory lies on disk too, and counts once.
    return Math.max(await inMemory, await atOnce, onDisk)
  }

  async list(prefix: string, countMax: number): Promise<readonly EntryHead[]> {
    const heads = [...(await this.#disk.list(prefix, countMax))]
    const known = new Set(heads.map(variantOf))
    for (const head of await this.#memory.list(prefix, countMax))
      if (!known.has(variantOf(head))) heads.push(head)
    return heads.slice(0, countMax)
  }

  async stats(): Promise<TieredStats> {
    const memory = this.#memory.stats()
    const disk = await this.#disk.stats()
    return {
      entries: Math.max(memory.entries, disk.entries),
      bytes: memory.bytes + disk.bytes,
      bytesMax: memory.bytesMax + disk.bytesMax,
      evictions: disk.evictions,
      memory,
      disk,
    }
  }

  /** Resolves when nothing is under way between the two. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running)
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const promotion of this.#promotions.values()) promotion.overtaken = true
    await this.idle()
    await this.#memory.close()
    await this.#disk.close()
  }
}

/** The same response, not only the same variant. */
function isTwin(one: EntryHead, other: EntryHead): boolean {
  const { requestedMs, respondedMs, etag, contentBytes } = one
  return (
    requestedMs === other.requestedMs &&
    respondedMs === other.respondedMs &&
    etag === other.etag &&
    contentBytes === other.contentBytes &&
    isSameVariant(one, other)
  )
}

const variantOf = ({ key, extras, vary }: EntryHead): string => JSON.stringify([key, extras, vary])
