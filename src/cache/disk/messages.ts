/**
 * What a process says to its keeper, the thread that writes, and what the keeper says back.
 */
import type { Purge, StoreStats } from '../store.ts'

/** A stored response that is put in the place of the one under the same key and variant. */
export interface Put {
  readonly do: 'put'
  readonly hash: Uint8Array
  readonly space: string
  readonly key: string
  readonly variant: string
  /** Random, new for each content; its file is called so. */
  readonly name: string
  readonly head: string
  readonly tags: readonly string[]
  readonly variantsMax: number
  readonly contentBytes: number
  /** Null: it was written piece by piece. */
  readonly content: Uint8Array | null
}

export type Question =
  | { readonly ask: 'purge'; readonly space: string; readonly what: Purge; readonly staleAtMs: number | null }
  | { readonly ask: 'list'; readonly space: string; readonly prefix: string; readonly countMax: number }
  | { readonly ask: 'stats'; readonly space: string }
  /** Answered when nothing is left to be evicted. */
  | { readonly ask: 'settled'; readonly space: string }

export type Change =
  | { readonly do: 'write'; readonly name: string; readonly bytes: Uint8Array }
  | { readonly do: 'drop'; readonly name: string }
  | Put
  | {
      readonly do: 'update'
      readonly hash: Uint8Array
      readonly name: string
      readonly variant: string
      readonly head: string
      readonly tags: readonly string[]
    }
  | { readonly do: 'remove'; readonly hash: Uint8Array; readonly name: string }
  | { readonly do: 'touch'; readonly ids: readonly number[]; readonly usedS: number }
  | { readonly do: 'answer'; readonly number: number; readonly question: Question }
  /** Reading failed in a way that says that the database is damaged. */
  | { readonly do: 'replace-damaged'; readonly why: string }
  | { readonly do: 'set-bytes-max'; readonly bytesMax: number }
  | { readonly do: 'close' }

export interface Batch {
  readonly number: number
  readonly changes: readonly Change[]
}

/** A row as it is listed: not checked yet. */
export interface ListedRow {
  readonly space: string
  readonly key: string
  readonly name: string
  readonly head: string
  readonly contentBytes: number
  readonly sums: Uint8Array
  readonly seal: number
}

export type Answer = number | StoreStats | readonly ListedRow[]

export type KeeperSays =
  /** `afresh`: why everything begins anew, or '' when what was there is used. */
  | { readonly say: 'open'; readonly afresh: string }
  /** This batch and all before it are stored. `full`: more would pass the limit before there is room. */
  | { readonly say: 'kept'; readonly number: number; readonly full: boolean }
  | { readonly say: 'answer'; readonly number: number; readonly answer: Answer }
  | { readonly say: 'failed'; readonly why: string }
  | { readonly say: 'closed' }
