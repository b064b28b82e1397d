/**
 * A store in memory that answers late at random, and knows what it gave and did not get back.
 */
import { markLasting } from '../../src/base/lasting.ts'
import type { Entry, EntryHead, StoredBody } from '../../src/cache/entry.ts'
import { MemoryStore } from '../../src/cache/memory-store.ts'
import type { Filling, Purge, Store } from '../../src/cache/store.ts'
import type { Random } from '../fuzz/random.ts'

/** One in so many finds, and reads, is a promise. */
const LATE = 3

export class WatchedStore implements Store {
  readonly #store: MemoryStore
  readonly #random: Random
  openBodies = 0
  openFillings = 0
  /** What must not happen: a body closed or read after it was closed, a filling ended twice. */
  readonly faults: string[] = []

  constructor(bytesMax: number, random: Random) {
    this.#store = new MemoryStore(bytesMax, { variantsMax: 8 })
    this.#random = random
  }

  find(key: string): readonly Entry[] | Promise<readonly Entry[]> {
    const find = (): readonly Entry[] => this.#store.find(key).map(entry => new WatchedEntry(this, entry))
    return this.#random.once(LATE) ? this.#later(find) : find()
  }

  #later<T>(call: () => T): Promise<T> {
    const { promise, resolve } = Promise.withResolvers<void>()
    setTimeout(resolve, this.#random.below(3))
    return promise.then(call)
  }

  /** A small piece, now or later. */
  read(body: StoredBody, at: number): Buffer | Promise<Buffer> {
    const bytes = body.from(at) as Buffer
    const piece = markLasting(bytes.subarray(0, 20_000))
    return this.#random.once(LATE) ? this.#later(() => piece) : piece
  }

  begin(head: EntryHead, contentBytes: number): Filling | null {
    const filling = this.#store.begin(head, contentBytes)
    if (filling === null) return null
    this.openFillings++
    let over = false
    const end = (): void => {
      if (over) this.faults.push('a filling was ended twice')
      else this.openFillings--
      over = true
    }
    return {
      write: chunk => filling.write(chunk),
      commit: whole => {
        end()
        const entry = filling.commit(whole)
        return entry === null ? null : new WatchedEntry(this, entry)
      },
      abort: () => {
        end()
        filling.abort()
      },
    }
  }

  update(entry: Entry, head: EntryHead): void {
    this.#store.update((entry as WatchedEntry).entry, head)
  }

  remove(entry: Entry): void {
    this.#store.remove((entry as WatchedEntry).entry)
  }

  purge(what: Purge, staleAtMs: number | null): number | Promise<number> {
    return this.#store.purge(what, staleAtMs)
  }

  list(prefix: string, countMax: number): readonly EntryHead[] | Promise<readonly EntryHead[]> {
    return this.#store.list(prefix, countMax)
  }

  stats() {
    return this.#store.stats()
  }

  close(): Promise<void> {
    return this.#store.close()
  }
}

class WatchedEntry implements Entry {
  head: EntryHead
  readonly entry: Entry
  readonly body: StoredBody

  constructor(store: WatchedStore, entry: Entry) {
    this.head = entry.head
    this.entry = entry
    const { body } = entry
    let open = true
    store.openBodies++
    this.body = {
      bytes: body.bytes,
      from: at => {
        if (!open) store.faults.push('a body was read after it was closed')
        return store.read(body, at)
      },
      close: () => {
        if (!open) store.faults.push('a body was closed twice')
        else store.openBodies--
        open = false
      },
    }
  }
}
