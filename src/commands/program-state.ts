/**
 * What a running program says of itself to `sluice explain`: one line of JSON, written here and read here.
 * Strategy: who reads trusts nothing of it, as it may come from another version; what is not whole is nothing.
 */
import type { GroupState, ServerState } from '../upstream/group-state.ts'

export interface WorkerState {
  readonly pid: number
  readonly groups: readonly GroupState[]
}

export interface ProgramState {
  readonly version: string
  /** Of the supervisor. */
  readonly pid: number
  /** `digestOf` the config that is served. */
  readonly config: string
  readonly workers: readonly WorkerState[]
  /** Workers that did not answer in time, or whose answer did not fit. */
  readonly silent: number
}

export const QUESTION = 'servers'
export const ANSWER_BYTES_MAX = 8 * 1024 * 1024

/** For all that is not of workers, with room to spare. */
const FRAME_BYTES_MAX = 4096

/** One line without its end. Workers that do not fit are counted as silent. */
export function writeState(state: ProgramState): string {
  let left = ANSWER_BYTES_MAX - FRAME_BYTES_MAX
  const workers = state.workers.filter(worker => {
    left -= Buffer.byteLength(JSON.stringify(worker)) + 1
    return left >= 0
  })
  const silent = state.silent + state.workers.length - workers.length
  return JSON.stringify({ ...state, workers, silent })
}

/** Null for anything that `writeState` does not write. */
export function readState(line: string): ProgramState | null {
  let state: unknown
  try {
    state = JSON.parse(line)
  } catch {
    return null
  }
  return isProgramState(state) ? state : null
}

type Unknown<T> = { readonly [Key in keyof T]?: unknown }

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0

function isListOf<T>(value: unknown, isOne: (each: unknown) => each is T): value is T[] {
  return Array.isArray(value) && value.every(isOne)
}

function isProgramState(value: unknown): value is ProgramState {
  const { version, pid, config, workers, silent } = (value ?? {}) as Unknown<ProgramState>
  const words = typeof version === 'string' && typeof config === 'string'
  return words && isCount(pid) && isCount(silent) && isListOf(workers, isWorkerState)
}

function isWorkerState(value: unknown): value is WorkerState {
  const { pid, groups } = (value ?? {}) as Unknown<WorkerState>
  return isCount(pid) && isListOf(groups, isGroupState)
}

function isGroupState(value: unknown): value is GroupState {
  const { name, servers } = (value ?? {}) as Unknown<GroupState>
  return typeof name === 'string' && isListOf(servers, isServerState)
}

function isServerState(value: unknown): value is ServerState {
  const { address, state, out, busy, weight } = (value ?? {}) as Unknown<ServerState>
  const words = typeof address === 'string' && typeof state === 'string' && typeof out === 'boolean'
  return words && isCount(busy) && typeof weight === 'number' && weight > 0
}
