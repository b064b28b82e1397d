/**
 * What people ask of the caches of a process: what is stored, what goes. Plain data, as it goes between processes.
 * Strategy: a URL becomes a key in each cache for itself, as each has its own way to make one. What is told is bounded,
 * and says when there is more.
 */
import { allInClass, TARGET } from '../base/ascii.ts'
import { HeaderList } from '../http/header-list.ts'
import { readHost } from '../http/request-target.ts'
import type { Cache } from './cache.ts'
import { cacheKey } from './cache-key.ts'
import type { EntryHead } from './entry.ts'
import type { StoreStats } from './store.ts'

/** The parts of a URL that a key is made of; see `urlParts`. */
export interface UrlParts {
  readonly host: string
  readonly port: string
  /** Path and query. */
  readonly target: string
}

/** What is to be purged, as people name it. */
export type PurgeWish =
  | { readonly kind: 'url'; readonly url: UrlParts }
  | { readonly kind: 'prefix'; readonly url: UrlParts }
  | { readonly kind: 'tag'; readonly tag: string }
  | { readonly kind: 'all' }

export type CacheQuestion =
  | { readonly ask: 'stats' }
  /** What begins with this URL, or everything. */
  | { readonly ask: 'list'; readonly prefix: UrlParts | null; readonly countMax: number }
  /** All variants of one resource. */
  | { readonly ask: 'show'; readonly url: UrlParts }
  /** Soft: it becomes stale, and is validated before it is used again. */
  | { readonly ask: 'purge'; readonly what: PurgeWish; readonly soft: boolean }

/** The head of a stored response, with its fields as pairs. */
export interface StoredHead extends Omit<EntryHead, 'headers'> {
  /** Media type, without parameters. */
  readonly type: string
  /** Of one resource; left out of lists. */
  readonly fields: readonly (readonly [name: string, value: string])[]
}

/** What one cache of one process says. */
export interface CacheAnswer {
  readonly space: string
  /** Requests that it was asked for in this process, and those that it answered without a server. */
  readonly asked: number
  readonly hits: number
  /** Null: it has not begun, or has ended. */
  readonly stats: StoreStats | null
  /** Folder on disk that it shares with other processes, or null. */
  readonly disk: string | null
  /** Of a question for one URL: its key here, else ''. */
  readonly key: string
  readonly heads: readonly StoredHead[]
  /** There are more heads than are told. */
  readonly more: boolean
  /** How many stored responses were purged, or made stale. */
  readonly purged: number
}

/** Heads that one answer holds. */
export const HEADS_MAX = 10_000
/** Characters of all heads in it, as JSON. */
const HEAD_CHARS_MAX = 4_000_000

/** What all caches of this process say, in the order of the config. Never rejects for a store that has a fault. */
export async function answerCaches(
  caches: readonly Cache[],
  question: CacheQuestion,
): Promise<CacheAnswer[]> {
  return await Promise.all(caches.map(cache => answerOf(cache, question)))
}

async function answerOf(cache: Cache, question: CacheQuestion): Promise<CacheAnswer> {
  const { store, space, options } = cache
  const found = store === null ? NOTHING : await resultOf(cache, question)
  return {
    space,
    ...cache.counts,
    disk: options.disk?.folder ?? null,
    stats: (await store?.stats()) ?? null,
    ...NOTHING,
    ...found,
  }
}

type Result = Pick<CacheAnswer, 'key' | 'heads' | 'more' | 'purged'>

const NOTHING: Result = { key: '', heads: [], more: false, purged: 0 }

async function resultOf(cache: Cache, question: CacheQuestion): Promise<Partial<Result>> {
  const { options } = cache
  switch (question.ask) {
    case 'stats':
      return {}
    case 'list': {
      const { prefix } = question
      const countMax = Math.min(question.countMax, HEADS_MAX)
      const begins = prefix === null ? '' : prefixOf(prefix)
      // One more than is told, to know whether there are more.
      const found = await cache.store!.list(begins, countMax + 1)
      return bounded(
        found.map(head => storedHead(head, false)),
        countMax,
      )
    }
    case 'show': {
      const key = keyOf(cache, question.url)
      const entries = await cache.store!.find(key)
      const heads = entries.map(({ head }) => storedHead(head, true))
      for (const { body } of entries) body.close()
      return { key, ...bounded(heads, options.variantsMax) }
    }
    case 'purge': {
      const { what, soft } = question
      if (what.kind === 'tag' || what.kind === 'all') return { purged: await cache.purge(what, soft) }
      if (what.kind === 'prefix')
        return { purged: await cache.purge({ kind: 'prefix', prefix: prefixOf(what.url) }, soft) }
      const key = keyOf(cache, what.url)
      return { key, purged: await cache.purge({ kind: 'key', key }, soft) }
    }
  }
}

function bounded(heads: readonly StoredHead[], countMax: number): Pick<Result, 'heads' | 'more'> {
  let left = HEAD_CHARS_MAX
  const told = heads.slice(0, countMax).filter(head => {
    left -= JSON.stringify(head).length
    return left >= 0
  })
  return { heads: told, more: told.length < heads.length }
}

const keyOf = ({ options }: Cache, { host, port, target }: UrlParts): string =>
  cacheKey(host, port, target, options.key)

/** In the spelling of keys; a query in it counts as it is written, whatever the key leaves out. */
const prefixOf = ({ host, port, target }: UrlParts): string =>
  cacheKey(host, port, target, { query: 'all', sortQuery: false, headers: [], cookies: [] })

function storedHead({ headers, ...head }: EntryHead, withFields: boolean): StoredHead {
  const type = (headers.get('Content-Type') ?? '').split(';')[0].trim().toLowerCase()
  return { ...head, type, fields: withFields ? headers.entries() : [] }
}

/** As the store has it. Throws for fields that no store holds. */
export function entryHead({ fields, type: _, ...head }: StoredHead): EntryHead {
  return { ...head, headers: HeaderList.from(fields) }
}

/**
 * What a client that asks for this URL says: host and target. `http://` may be missing; TLS ends in front of us, so
 * `https://` without a port means what comes in without one.
 * @throws RangeError whose message says what to write instead.
 */
export function urlParts(url: string): UrlParts {
  const quoted = JSON.stringify(url.length > 100 ? `${url.slice(0, 97)}...` : url)
  const [, scheme, authority, path] = /^(?:([A-Za-z][A-Za-z0-9+.-]*):\/\/)?([^/?#]*)([^#]*)/s.exec(url)!
  if (scheme !== undefined && !/^https?$/i.test(scheme))
    throw new RangeError(`${quoted}: only answers to http are stored: write http://${authority}${path}`)
  if (authority === '') throw new RangeError(`${quoted} names no host: write http://host:port/path`)
  const name = tried(() => readHost(asSent(authority)))
  // What clients send is ASCII; what else is written is meant as UTF-8 (RFC 3987 §3.1).
  const sent = path.replace(/[^\0-\x7f]+/g, letters => encodeURIComponent(letters))
  const target = sent.startsWith('/') ? sent : `/${sent}`
  if (name === null || name.host === '' || !allInClass(target, TARGET))
    throw new RangeError(`${quoted} is not a URL: write http://host:port/path`)
  // RFC 9110 §4.2.1: without a port it is 80.
  return { host: name.host, port: name.port || '80', target }
}

/** A name in other letters goes over the wire in ASCII (RFC 5890). */
const asSent = (authority: string): string =>
  /[^\0-\x7f]/.test(authority) ? new URL(`http://${authority}`).host : authority

function tried<T>(call: () => T): T | null {
  try {
    return call()
  } catch {
    return null
  }
}
