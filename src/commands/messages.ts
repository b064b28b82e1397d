/**
 * What supervisor and worker say to each other over the channel between them. Plain data, sent as JSON.
 */
import type { ConfigData } from '../config/schema.ts'
import type { BoundAddress } from '../net/bound-address.ts'
import type { Counters } from '../server/counters.ts'
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
      readonly bound: readonly BoundAddress[]
      readonly sockets: number
    }
  | { readonly type: 'socket'; readonly listener: number }
  | { readonly type: 'drain'; readonly timeoutMs: number; readonly idleStays: boolean }
  | { readonly type: 'cut' }
  | { readonly type: 'reopen-log' }
  | { readonly type: 'ask-servers' }

export type FromWorker =
  | { readonly type: 'prepared'; readonly prepared: Prepared }
  /** Its faults are told; the program ends with this code if it has no other config. */
  | { readonly type: 'refused'; readonly code: 1 | 2; readonly files: readonly string[] }
  | { readonly type: 'listening' }
  | { readonly type: 'stopped' }
  | { readonly type: 'counters'; readonly counters: Counters }
  | { readonly type: 'servers'; readonly groups: readonly GroupState[] }
