/**
 * Stored responses in memory, bounded by bytes.
 * Strategy: one table from key to the list of its variants. A list is never changed but replaced, so that `find` is one
 * look-up that allocates nothing, and who holds a list may go on with it. What goes when room is needed is chosen by
 * S3-FIFO (s3-fifo.ts), which keeps what is asked for again through a scan of everything else. What takes long over a
 * million entries is done in slices, with the event loop between them.
 */
import { getHeapStatistics } from 'node:v8'
import type { Entry, EntryHead } from './entry.ts'
import { Gathered, MemoryEntry, sizeOf } from './memory-entry.ts'
import { isMeant, isSameVariant, madeStale } from './purge.ts'
import { S3Fifo, USES_MAX } from './s3-fifo.ts'
import type { Filling, Purge, Store, StoreStats } from './store.ts'

/**
 * The largest response, as a part of the store: one that comes may not push out more than that. Larger ones belong on
 * disk.
 */
const LARGEST_SHARE = 1 / 4

/** How many entries are looked at between two turns of the event loop; some milliseconds (bench/micro/cache-memory.ts). */
const SLICE_ENTRIES = 4_000

const NONE: readonly MemoryEntry[] = []

export interface MemoryStoreOptions {
  /** Variants kept of one resource: the oldest goes. */
  readonly variantsMax: number
  /** When one has to go, all variants of its resource go. */
  readonly allVariants?: boolean
  /** Entries that are kept as objects, ready for use; others are packed. */
  readonly unpackedMax?: number
  readonly entriesMax?: number
}

/**
 * Entries ready for use. A smaller store never packs any; in a larger one a use of an entry beyond them costs 2 µs more
 * (bench/micro/cache-store.bench.ts).
 */
const UNPACKED_MAX = 32_768

/**
 * Contents lie outside of the collector's heap, but what finds them lies inside, and Node ends a process whose heap is
 * full: entries may take half of it.
 */
const HEAP_BYTES_PER_ENTRY = 512
const ENTRIES_MAX = Math.floor(getHeapStatistics().heap_size_limit / 2 / HEAP_BYTES_PER_ENTRY)

/** What a purge says of a response on its way: null nothing, 'gone', or when its freshness ends. */
type Doom = number | 'gone' | null

class MemoryFilling implements Filling {
  readonly head: EntryHead
  doom: Doom = null
  readonly content = new Gathered()
  readonly #bytesMax: number
  readonly #store: MemoryStore

  constructor(store: MemoryStore, head: EntryHead, bytesMax: number) {
    this.#store = store
    this.head = head
    this.#bytesMax = bytesMax
  }

  write(chunk: Buffer): boolean {
    if (this.content.bytes + chunk.length > this.#bytesMax || !this.#store.takes(chunk.length)) return false
    this.content.add(chunk)
    return true
  }

  commit(head: EntryHead): Entry | null {
    return this.#store.takeIn(this, head)
  }

  abort(): void {
    this.#store.forget(this)
  }
}

export class MemoryStore implements Store {
  readonly #bytesMax: number
  readonly #objectBytesMax: number
  readonly #variantsMax: number
  readonly #allVariants: boolean
  readonly #entriesMax: number
  readonly #variants = new Map<string, readonly MemoryEntry[]>()
  readonly #byTag = new Map<string, Set<MemoryEntry>>()
  readonly #order: S3Fifo
  readonly #fillings = new Set<MemoryFilling>()
  /** Bytes in them. */
  #gathered = 0
  /** Those that are not packed, in a ring. */
  readonly #unpacked: (MemoryEntry | null)[]
  #unpackedAt = 0
  #turn = 0
  #evictions = 0
  #closed = false

  constructor(
    bytesMax: number,
    {
      variantsMax,
      allVariants = false,
      unpackedMax = UNPACKED_MAX,
      entriesMax = ENTRIES_MAX,
    }: MemoryStoreOptions,
  ) {
    this.#bytesMax = bytesMax
    this.#order = new S3Fifo(bytesMax)
    this.#objectBytesMax = Math.floor(this.#order.roomBytes * LARGEST_SHARE)
    this.#variantsMax = variantsMax
    this.#allVariants = allVariants
    this.#entriesMax = entriesMax
    this.#unpacked = new Array(unpackedMax).fill(null)
  }

  find(key: string): readonly Entry[] {
    const entries = this.#variants.get(key)
    if (entries === undefined) return NONE
    // All of them count as used: which one it will be is not known here, and they are few.
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i]
      if (entry.uses < USES_MAX) entry.uses++
      if (entry.isPacked) this.#unpack(entry)
    }
    return entries
  }

  #unpack(entry: MemoryEntry): void {
    this.#order.resize(entry, entry.unpack())
    this.#keepUnpacked(entry)
    this.#makeRoom()
  }

  /** The one that was unpacked longest ago is packed for it: hot ones are unpacked again by their next use. */
  #keepUnpacked(entry: MemoryEntry): void {
    const place = this.#unpackedAt++ % this.#unpacked.length
    const oldest = this.#unpacked[place]
    if (oldest !== null) {
      oldest.unpackedPlace = -1
      this.#order.resize(oldest, oldest.pack())
    }
    this.#unpacked[place] = entry
    entry.unpackedPlace = place
  }

  begin(head: EntryHead, contentBytes: number): Filling | null {
    const room = this.#objectBytesMax - sizeOf(head)
    if (this.#closed || contentBytes > room || room < 0) return null
    const filling = new MemoryFilling(this, head, contentBytes < 0 ? room : contentBytes)
    this.#fillings.add(filling)
    return filling
  }

  forget(filling: MemoryFilling): void {
    if (this.#fillings.delete(filling)) this.#gathered -= filling.content.bytes
  }

  /** For fillings: there is room for so many bytes more that are not stored yet. What is stored is not evicted for them. */
  takes(bytes: number): boolean {
    if (this.#gathered + bytes > this.#bytesMax) return false
    this.#gathered += bytes
    return true
  }

  /** For fillings: the content is whole. Null when it is not, or when it has been purged or closed meanwhile. */
  takeIn(filling: MemoryFilling, head: EntryHead): Entry | null {
    const { content, doom } = filling
    const isOpen = this.#fillings.has(filling)
    this.forget(filling)
    if (!isOpen || doom === 'gone' || content.bytes !== head.contentBytes) return null
    const kept = doom === null ? head : madeStale(head, doom)
    const entry = new MemoryEntry(kept, content.laidOut(), ++this.#turn)
    const others = this.#variants.get(head.key) ?? NONE
    const replaced = others.find(other => isSameVariant(other.head, head)) ?? null
    this.#order.add(entry, replaced)
    if (replaced !== null) this.#letGo(replaced)
    const left = [entry, ...others.filter(other => other !== replaced)]
    // The list first: making room may have to take from it.
    this.#variants.set(head.key, left)
    this.#rememberTags(entry)
    this.#keepUnpacked(entry)
    for (const oldest of left.slice(this.#variantsMax)) this.#evict(oldest)
    this.#makeRoom()
    return entry
  }

  #makeRoom(): void {
    while (this.#order.bytes > this.#order.roomBytes || this.#order.count > this.#entriesMax) {
      const victim = this.#order.evict()
      if (victim === null) return
      const all = this.#allVariants ? this.peek(victim.key) : [victim as MemoryEntry]
      for (const entry of all) this.#evict(entry)
    }
  }

  #evict(entry: MemoryEntry): void {
    this.#evictions++
    this.remove(entry)
  }

  has(key: string): boolean {
    return this.#variants.has(key)
  }

  /** As `find`, but it does not count as a use. */
  peek(key: string): readonly MemoryEntry[] {
    return this.#variants.get(key) ?? NONE
  }

  remove(entry: Entry): void {
    if (!(entry instanceof MemoryEntry) || !this.#order.holds(entry)) return
    const { key } = entry
    const entries = this.#variants.get(key) ?? NONE
    const left = entries.filter(other => other !== entry)
    if (left.length === 0) this.#variants.delete(key)
    else this.#variants.set(key, left)
    this.#order.remove(entry)
    this.#letGo(entry)
  }

  update(entry: Entry, head: EntryHead): void {
    if (!(entry instanceof MemoryEntry) || !this.#order.holds(entry)) {
      // Whoever answers from it goes on with the new head; it is not stored any more, and stays so.
      entry.head = head
      return
    }
    this.#forgetTags(entry)
    this.#order.resize(entry, entry.withHead(head))
    if (entry.unpackedPlace < 0) this.#keepUnpacked(entry)
    this.#rememberTags(entry)
    for (const other of this.#variants.get(entry.key) ?? NONE)
      if (other !== entry && isSameVariant(other.head, head)) this.remove(other)
    this.#makeRoom()
  }

  /** Nothing here points to it any more; who reads it goes on. */
  #letGo(entry: MemoryEntry): void {
    this.#forgetTags(entry)
    if (entry.unpackedPlace >= 0) this.#unpacked[entry.unpackedPlace] = null
    entry.unpackedPlace = -1
  }

  #rememberTags(entry: MemoryEntry): void {
    for (const tag of entry.tags) {
      const tagged = this.#byTag.get(tag)
      if (tagged === undefined) this.#byTag.set(tag, new Set([entry]))
      else tagged.add(entry)
    }
  }

  #forgetTags(entry: MemoryEntry): void {
    for (const tag of entry.tags) {
      const tagged = this.#byTag.get(tag)
      tagged?.delete(entry)
      if (tagged?.size === 0) this.#byTag.delete(tag)
    }
  }

  purge(what: Purge, staleAtMs: number | null): number | Promise<number> {
    // What is on its way was asked for before the purge: it must not come in after it as if nothing had happened.
    for (const filling of this.#fillings)
      if (isMeant(what, filling.head)) filling.doom = worse(filling.doom, staleAtMs ?? 'gone')
    if (what.kind === 'all' && staleAtMs === null) return this.#clear()
    const last = this.#turn
    let count = 0
    const one = (entry: MemoryEntry): void => {
      if (entry.turn > last || !isMeant(what, entry)) return
      count++
      if (staleAtMs === null) this.remove(entry)
      else entry.makeStale(staleAtMs)
    }
    const done = inSlices(this.#candidates(what), found => {
      if (found instanceof MemoryEntry) one(found)
      else found.forEach(one)
      return true
    })
    return done === null ? count : done.then(() => count)
  }

  /** All that are meant are among them. They may change meanwhile: iterators of tables allow it. */
  #candidates(what: Purge): Iterator<readonly MemoryEntry[] | MemoryEntry> {
    if (what.kind === 'key') return (this.#variants.get(what.key) ?? NONE).values()
    if (what.kind === 'tag') return (this.#byTag.get(what.tag) ?? NONE).values()
    return this.#variants.values()
  }

  #clear(): number {
    const { count } = this.#order
    this.#variants.clear()
    this.#byTag.clear()
    this.#unpacked.fill(null)
    this.#order.clear()
    return count
  }

  list(prefix: string, countMax: number): readonly EntryHead[] | Promise<readonly EntryHead[]> {
    const heads: EntryHead[] = []
    const done = inSlices(this.#variants.values(), entries => {
      if (entries[0].key.startsWith(prefix)) heads.push(...entries.map(({ head }) => head))
      return heads.length < countMax
    })
    return done === null ? heads.slice(0, countMax) : done.then(() => heads.slice(0, countMax))
  }

  stats(): StoreStats {
    const { bytes, count } = this.#order
    return { entries: count, bytes, bytesMax: this.#bytesMax, evictions: this.#evictions }
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#fillings.clear()
    this.#gathered = 0
    this.#clear()
  }
}

function worse(one: Doom, other: Exclude<Doom, null>): Doom {
  if (one === null) return other
  return one === 'gone' || other === 'gone' ? 'gone' : Math.min(one, other)
}

/** Visits all; null when it was done at once, else a promise for its end. `visit` ends it early by giving false. */
function inSlices<T>(items: Iterator<T>, visit: (item: T) => boolean): Promise<void> | null {
  if (slice(items, visit)) return null
  return new Promise((resolve, reject) => {
    const goOn = (): void => {
      try {
        if (slice(items, visit)) resolve()
        else setImmediate(goOn)
      } catch (error) {
        reject(error)
      }
    }
    setImmediate(goOn)
  })
}

/** True when the end was reached. */
function slice<T>(items: Iterator<T>, visit: (item: T) => boolean): boolean {
  for (let left = SLICE_ENTRIES; left > 0; left--) {
    const { done, value } = items.next()
    if (done || !visit(value)) return true
  }
  return false
}
