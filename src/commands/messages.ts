/**
 * What supervisor and worker say to each other over the channel between them. Plain data, sent as JSON.
 */
import type { CacheAnswer, CacheQuestion } from '../cache/control.ts'
import type { ConfigData } from '../config/schema.ts'
import type { BoundAddress } from '../net/bound-address.ts'
import type { Counters } from '../server/counters.ts'
import type { ListenAddress } from '../server/options.ts'
import type { GroupState } from '../upstream/group-state.ts'

/** A config that was read and checked, with all that is needed to serve it without its file. */
export interface Prepared {
  readonly config: ConfigData
  /** What relative names in it are relative to. */
  readonly folder: string
  /** Path in the config → `file:line:column`, for the parts whose place is asked for. */
  readonly places: Readonly<Record<string, string>>
  /** The files it was read from. */
  readonly files: readonly string[]
  readonly addresses: readonly BoundAddress[]
  readonly workers: number
  /** Where people ask, or null. */
  readonly admin: ListenAddress | null
  readonly drainTimeoutMs: number
}

export type ToWorker =
  | { readonly type: 'prepare' }
  /** Its sockets follow, one message each. */
  | {
      readonly type: 'serve'
      /** Null for the worker that prepared it. */
      readonly prepared: Prepared | null
      readonly slot: number
      /** How many share what is allowed in memory. */
      readonly workers: number
      readonly bound: readonly BoundAddress[]
      readonly sockets: number
    }
  | { readonly type: 'socket'; readonly listener: number }
  | { readonly type: 'drain'; readonly timeoutMs: number; readonly idleStays: boolean }
  | { readonly type: 'cut' }
  | { readonly type: 'reopen-log' }
  | { readonly type: 'ask-servers' }
  /** Another worker has removed these keys from a cache of this space. */
  | { readonly type: 'removed'; readonly space: string; readonly keys: readonly string[] }
  | { readonly type: 'ask-caches'; readonly id: number; readonly question: CacheQuestion }

export type FromWorker =
  | { readonly type: 'prepared'; readonly prepared: Prepared }
  /** Its faults are told; the program ends with this code if it has no other config. */
  | { readonly type: 'refused'; readonly code: 1 | 2; readonly files: readonly string[] }
  | { readonly type: 'listening' }
  | { readonly type: 'stopped' }
  | { readonly type: 'counters'; readonly counters: Counters }
  | { readonly type: 'servers'; readonly groups: readonly GroupState[] }
  | { readonly type: 'removed'; readonly space: string; readonly keys: readonly string[] }
  | { readonly type: 'caches'; readonly id: number; readonly answers: readonly CacheAnswer[] }
