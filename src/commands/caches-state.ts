/**
 * What a running program says of one stored resource to `sluice explain`: a question and an answer of one line each,
 * written here and read here. Strategy: as in program-state.ts, who reads trusts nothing of it.
 */
import type { Heard, WorkerAnswer } from '../admin/ask-workers.ts'
import type { CacheAnswer, StoredHead, UrlParts } from '../cache/control.ts'
import { HeaderList } from '../http/header-list.ts'
import { ANSWER_BYTES_MAX } from './program-state.ts'

/** What a question begins with; the parts of the URL follow as JSON. */
const CACHES = 'caches '
/** Bytes of a question, its line end left out; a longer URL is not asked for. */
export const CACHES_QUESTION_BYTES_MAX = 16_000

/** Null: the URL is too long to be asked for. */
export function cachesQuestion(url: UrlParts): string | null {
  const line = CACHES + JSON.stringify(url)
  return line.length <= CACHES_QUESTION_BYTES_MAX ? line : null
}

/** Null for anything that `cachesQuestion` does not write. */
export function readCachesQuestion(line: string): UrlParts | null {
  if (!line.startsWith(CACHES)) return null
  const { host, port, target } = parsed(line.slice(CACHES.length)) as Unknown<UrlParts>
  const texts = typeof host === 'string' && typeof port === 'string' && typeof target === 'string'
  return texts ? { host, port, target } : null
}

/** One line without its end. Workers that do not fit are counted as silent. */
export function writeCaches({ workers, silent }: Heard): string {
  let left = ANSWER_BYTES_MAX - CACHES_QUESTION_BYTES_MAX
  const told = workers.filter(worker => {
    left -= Buffer.byteLength(JSON.stringify(worker)) + 1
    return left >= 0
  })
  return JSON.stringify({ workers: told, silent: silent + workers.length - told.length })
}

/** Null for anything that `writeCaches` does not write. */
export function readCaches(line: string): Heard | null {
  const { workers, silent } = parsed(line) as Unknown<Heard>
  return isListOf(workers, isWorkerAnswer) && isNumber(silent) ? { workers, silent } : null
}

type Unknown<T> = { readonly [Key in keyof T]?: unknown }

function parsed(text: string): object {
  try {
    return JSON.parse(text) ?? {}
  } catch {
    return {}
  }
}

const isText = (value: unknown): value is string => typeof value === 'string'
const isNumber = (value: unknown): value is number => typeof value === 'number'

function isListOf<T>(value: unknown, isOne: (each: unknown) => each is T): value is T[] {
  return Array.isArray(value) && value.every(isOne)
}

function isWorkerAnswer(value: unknown): value is WorkerAnswer {
  const { pid, caches } = (value ?? {}) as Unknown<WorkerAnswer>
  return isNumber(pid) && isListOf(caches, isCacheAnswer)
}

function isCacheAnswer(value: unknown): value is CacheAnswer {
  const { space, key, heads } = (value ?? {}) as Unknown<CacheAnswer>
  return isText(space) && isText(key) && isListOf(heads, isStoredHead)
}

function isStoredHead(value: unknown): value is StoredHead {
  const { key, extras, vary, status, fields, requestedMs, respondedMs, policy, etag, tags, contentBytes } =
    (value ?? {}) as Unknown<StoredHead>
  const texts = [key, extras, etag].every(isText) && isListOf(tags, isText)
  const numbers = [status, requestedMs, respondedMs, contentBytes].every(isNumber)
  return texts && numbers && isListOf(vary, isPair) && areFields(fields) && isPolicy(policy)
}

function isPair(value: unknown): value is [string, string] {
  return (
    Array.isArray(value) && value.length === 2 && isText(value[0]) && (isText(value[1]) || value[1] === null)
  )
}

/** Such as can stand in a head. */
function areFields(value: unknown): value is [string, string][] {
  if (!isListOf(value, isPair) || value.some(pair => pair[1] === null)) return false
  try {
    HeaderList.from(value)
    return true
  } catch {
    return false
  }
}

function isPolicy(value: unknown): value is StoredHead['policy'] {
  const { lifetimeS, lifetimeFrom, initialAgeS, noCache, mustRevalidate } = (value ?? {}) as Unknown<
    StoredHead['policy']
  >
  const flags = typeof noCache === 'boolean' && typeof mustRevalidate === 'boolean'
  return flags && isText(lifetimeFrom) && isNumber(lifetimeS) && isNumber(initialAgeS)
}
