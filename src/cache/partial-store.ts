/**
 * Parts of responses (RFC 9111 §3.3, §3.4): kept in memory only, until they are a whole.
 * Strategy: parts that share a strong validator are joined as they come; what they say of each other is checked and not
 * trusted, and what does not fit replaces what was there. Bounded by bytes: what was not used for longest goes first.
 */
import { parseEntityTag } from '../http/entity-tag.ts'
import type { HeaderList } from '../http/header-list.ts'
import type { ByteRange } from '../http/range.ts'
import { bytesAt, combine, memoryOf, type Run, runAt, runOf } from './byte-runs.ts'
import type { EntryHead, StoredBody, VaryField } from './entry.ts'
import type { CacheOptions } from './options.ts'
import { updatedFields } from './stored-fields.ts'
import { variesNot } from './vary.ts'

/** Ranges of one representation that do not touch; a part that would make one more is not kept. */
const RANGES_MAX = 64
/** Variants of one resource of which there are parts. */
const VARIANTS_MAX = 16
/** What a head takes besides its text, roughly. */
const HEAD_OVERHEAD_BYTES = 1024

/** What is there of one representation. `head` is that of the whole: status 200, without Content-Range, `contentBytes` the total. */
export interface Partial {
  readonly head: EntryHead
  /** Sorted, apart from each other. */
  readonly ranges: readonly ByteRange[]
  /** `from(at)` for bytes that are there. */
  readonly body: StoredBody
}

/** The whole that parts have become. */
export interface Whole {
  readonly head: EntryHead
  readonly pieces: readonly Buffer[]
}

interface Kept {
  readonly head: EntryHead
  readonly runs: readonly Run[]
  readonly memory: number
}

export class PartialStore {
  readonly #bytesMax: number
  readonly #options: CacheOptions
  #bytes = 0
  /** By key; the newest first. */
  readonly #byKey = new Map<string, readonly Kept[]>()
  /** In the order of their use, the latest last. */
  readonly #used = new Set<Kept>()

  constructor(bytesMax: number, options: CacheOptions) {
    this.#bytesMax = bytesMax
    this.#options = options
  }

  /** Memory that is taken, overhead included. */
  get bytes(): number {
    return this.#bytes
  }

  /** The parts that fit this request (extras and Vary as for entries), or null. */
  find(key: string, extras: string, request: HeaderList): Partial | null {
    const kept = this.#byKey.get(key)?.find(each => fits(each.head, extras, request))
    if (kept === undefined) return null
    this.#used.delete(kept)
    this.#used.add(kept)
    return { head: kept.head, ranges: kept.runs, body: new PartialBody(kept) }
  }

  /**
   * Adds the content of a 206 with a strong validator, which joins what is there when that is the same (RFC 9111 §3.4)
   * and replaces it otherwise. Gives the whole once there is one (and forgets it). `pieces`: lasting.
   * `lacksFields`: it answers a request with If-Range, and fields of the representation may have been left out because the
   * client has them (RFC 9110 §15.3.7): it can only join what is there.
   */
  add(head: EntryHead, range: ByteRange, pieces: readonly Buffer[], lacksFields = false): Whole | null {
    const fresh = range.last < head.contentBytes ? runOf(range, pieces) : null
    // RFC 9110 §15.3.7.3: only what has a strong validator in common can be put together.
    if (fresh === null || parseEntityTag(head.etag)?.weak !== false) return null
    const before = this.#byKey.get(head.key)?.find(each => isSameVariant(each.head, head)) ?? null
    const joined = before !== null && isSameContent(before.head, head) ? combine(before.runs, fresh) : null
    if (joined !== null && joined.length > RANGES_MAX) return null
    if (joined === null && lacksFields) return null
    if (before !== null) this.#drop(before)
    const runs = joined ?? [fresh]
    const together = before !== null && joined !== null ? updatedHead(before.head, head, this.#options) : head
    if (runs[0].first === 0 && runs[0].last === head.contentBytes - 1)
      return { head: together, pieces: runs[0].pieces }
    this.#keep({ head: together, runs, memory: memoryOf(runs) + headMemory(together) })
    return null
  }

  removeKey(key: string): void {
    for (const kept of this.#byKey.get(key) ?? []) this.#drop(kept)
  }

  clear(): void {
    this.#byKey.clear()
    this.#used.clear()
    this.#bytes = 0
  }

  #keep(kept: Kept): void {
    if (kept.memory > this.#bytesMax) return
    const { key } = kept.head
    const others = this.#byKey.get(key) ?? []
    if (others.length >= VARIANTS_MAX) this.#drop(others[others.length - 1])
    this.#byKey.set(key, [kept, ...(this.#byKey.get(key) ?? [])])
    this.#used.add(kept)
    this.#bytes += kept.memory
    for (const oldest of this.#used) {
      if (this.#bytes <= this.#bytesMax) break
      this.#drop(oldest)
    }
  }

  #drop(kept: Kept): void {
    const { key } = kept.head
    const left = (this.#byKey.get(key) ?? []).filter(each => each !== kept)
    if (left.length === 0) this.#byKey.delete(key)
    else this.#byKey.set(key, left)
    if (this.#used.delete(kept)) this.#bytes -= kept.memory
  }
}

/** Bytes of a snapshot: what is added or removed meanwhile does not change it. */
class PartialBody implements StoredBody {
  readonly bytes: number
  readonly #runs: readonly Run[]

  constructor({ head, runs }: Kept) {
    this.bytes = head.contentBytes
    this.#runs = runs
  }

  from(at: number): Buffer {
    const run = runAt(this.#runs, at)
    if (run === null) throw new Error(`No part holds byte ${at}.`)
    return bytesAt(run, at)
  }

  close(): void {}
}

function fits(head: EntryHead, extras: string, request: HeaderList): boolean {
  return head.extras === extras && variesNot(head.vary, request)
}

function isSameVariant(one: EntryHead, other: EntryHead): boolean {
  return one.extras === other.extras && isSameVary(one.vary, other.vary)
}

function isSameVary(one: readonly VaryField[], other: readonly VaryField[]): boolean {
  const values = new Map(one)
  return one.length === other.length && other.every(([name, value]) => values.get(name) === value)
}

/** RFC 9110 §15.3.7.3; a tag that stands for contents of two lengths is no validator. */
function isSameContent(one: EntryHead, other: EntryHead): boolean {
  return one.etag === other.etag && one.contentBytes === other.contentBytes
}

/** RFC 9111 §3.4: the stored fields, updated with those of the new response. */
function updatedHead(stored: EntryHead, fresh: EntryHead, options: CacheOptions): EntryHead {
  return {
    ...fresh,
    headers: updatedFields(stored.headers, fresh.headers, fresh.respondedMs, options),
    lastModified: fresh.lastModified === '' ? stored.lastModified : fresh.lastModified,
    tags: fresh.tags.length === 0 ? stored.tags : fresh.tags,
  }
}

function headMemory({ key, extras, headers }: EntryHead): number {
  return HEAD_OVERHEAD_BYTES + key.length + extras.length + 2 * headers.text.length
}
