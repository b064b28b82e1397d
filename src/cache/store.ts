/**
 * Where stored responses lie.
 * Strategy: a store knows keys, sizes and age of use, and nothing of the rules of HTTP; what it gives it gives at once
 * where it can. A store never fails a request: what goes wrong inside it is a miss, said once on stderr.
 */
import type { Entry, EntryHead } from './entry.ts'

/** Takes one response in. Exactly one of commit and abort ends it. */
export interface Filling {
  /** Lasting bytes: kept, not copied. False: the store gives up (too large, no room, fault); call nothing more but abort. */
  write(chunk: Buffer): boolean
  /** The content is whole: from now on it is found, in the place of what was stored under the same key, extras and vary. Gives what was stored; close its body. */
  commit(head: EntryHead): Entry | null
  abort(): void
}

/** What is to be purged: one resource, all whose key begins so, all with a tag, everything. `key` and `prefix` are keys as cache-key.ts makes them. */
export type Purge =
  | { readonly kind: 'key'; readonly key: string }
  | { readonly kind: 'prefix'; readonly prefix: string }
  | { readonly kind: 'tag'; readonly tag: string }
  | { readonly kind: 'all' }

export interface StoreStats {
  readonly entries: number
  /** What they take, heads and overhead included, and what they may. */
  readonly bytes: number
  readonly bytesMax: number
  readonly evictions: number
}

export interface Store {
  /** All variants stored under a key, the newest first; close their bodies. */
  find(key: string): readonly Entry[] | Promise<readonly Entry[]>
  /** Null: it would not be kept. `contentBytes`: -1 when it is not known yet. */
  begin(head: EntryHead, contentBytes: number): Filling | null
  /** Puts another head on what is stored, the content staying as it is. */
  update(entry: Entry, head: EntryHead): void
  /** Removes one variant. */
  remove(entry: Entry): void
  /**
   * Removes what is meant or, with `staleAtMs`, makes it stale from then on (its lifetime ends at its age at that time
   * of the wall clock). Gives how many.
   */
  purge(what: Purge, staleAtMs: number | null): number | Promise<number>
  /** Heads whose key begins so, in any order, at most so many. */
  list(prefix: string, countMax: number): readonly EntryHead[] | Promise<readonly EntryHead[]>
  stats(): StoreStats | Promise<StoreStats>
  close(): Promise<void>
}
