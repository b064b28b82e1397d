/**
 * What the admin endpoint says, as data: answers of workers, laid together.
 * Strategy: each worker has its own memory, and the disk is everybody's; what is stored under the same key, extras and
 * Vary in one space is one thing to people, whoever holds it.
 */
import type { StoredHead } from '../cache/control.ts'
import { ageOf } from '../cache/policy.ts'
import type { StoreStats } from '../cache/store.ts'
import type { Heard, WorkerAnswer } from './ask-workers.ts'

/** Fields may be added to these types; none changes its meaning. */
export interface StatsView {
  readonly caches: readonly CacheView[]
  readonly workers: number
  /** Workers that did not answer in time. */
  readonly silent: number
}

export interface CacheView {
  readonly cache: string
  /** Folder on disk, or null. */
  readonly disk: string | null
  readonly workers: readonly WorkerView[]
}

export interface WorkerView extends StoreStats {
  readonly pid: number
  /** Requests that it was asked for, and those that it answered without a server. */
  readonly asked: number
  readonly hits: number
  /** Of a store that is both; the disk is everybody's. */
  readonly memory?: StoreStats
  readonly disk?: StoreStats
}

export interface EntryView {
  readonly cache: string
  readonly key: string
  /** What tells it from other variants: fields of Vary with their values (null: absent), and what the config adds. */
  readonly vary: readonly (readonly [name: string, value: string | null])[]
  readonly extras: string
  readonly status: number
  readonly type: string
  readonly bytes: number
  readonly ageS: number
  /** What is left of its freshness; negative: stale for so long. */
  readonly freshS: number
  readonly lifetimeS: number
  readonly lifetimeFrom: string
  readonly etag: string
  readonly tags: readonly string[]
  readonly stored: string
  /** Processes that have it. */
  readonly workers: readonly number[]
  /** Of one that is shown alone; else empty. */
  readonly fields: readonly (readonly [name: string, value: string])[]
}

export interface EntriesView {
  readonly entries: readonly EntryView[]
  /** There are more than are told. */
  readonly more: boolean
  readonly workers: number
  readonly silent: number
}

export interface PurgeView {
  /** In all workers: one that several have in memory counts once for each. */
  readonly purged: number
  readonly workers: number
  readonly silent: number
}

export function statsView({ workers, silent }: Heard): StatsView {
  const caches = (workers[0]?.caches ?? []).map(({ space, disk }, at) => ({
    cache: space,
    disk,
    workers: workers.flatMap(({ pid, caches }) => {
      const { stats = null, asked = 0, hits = 0 } = caches[at]?.space === space ? caches[at] : {}
      return stats === null ? [] : [{ pid, asked, hits, ...stats }]
    }),
  }))
  return { caches, workers: workers.length, silent }
}

export function entriesView({ workers, silent }: Heard, nowMs: number, countMax: number): EntriesView {
  const found = new Map<string, { head: StoredHead; space: string; pids: Set<number> }>()
  for (const { pid, space, head } of workers.flatMap(headsOf)) {
    const id = JSON.stringify([space, head.key, head.extras, head.vary])
    const other = found.get(id)
    if (other === undefined) found.set(id, { head, space, pids: new Set([pid]) })
    else {
      other.pids.add(pid)
      if (head.respondedMs > other.head.respondedMs) other.head = head
    }
  }
  const entries = [...found.values()].map(({ head, space, pids }) => entryView(head, space, [...pids], nowMs))
  const told = entries.sort(byKey).slice(0, countMax)
  const more = told.length < entries.length || workers.some(({ caches }) => caches.some(each => each.more))
  return { entries: told, more, workers: workers.length, silent }
}

const byKey = (one: EntryView, other: EntryView): number =>
  one.key < other.key ? -1 : one.key > other.key ? 1 : other.stored.localeCompare(one.stored)

function headsOf({ pid, caches }: WorkerAnswer): { pid: number; space: string; head: StoredHead }[] {
  return caches.flatMap(({ space, heads }) => heads.map(head => ({ pid, space, head })))
}

function entryView(head: StoredHead, cache: string, workers: readonly number[], nowMs: number): EntryView {
  const { key, vary, extras, status, policy, respondedMs, etag, tags, fields, contentBytes } = head
  const ageS = ageOf(policy, respondedMs, nowMs)
  return {
    cache,
    key,
    vary,
    extras,
    status,
    type: head.type,
    bytes: contentBytes,
    ageS: Math.floor(ageS),
    freshS: Math.floor(policy.lifetimeS - ageS),
    lifetimeS: policy.lifetimeS,
    lifetimeFrom: policy.lifetimeFrom,
    etag,
    tags,
    stored: new Date(respondedMs).toISOString(),
    workers,
    fields,
  }
}

export function purgeView({ workers, silent }: Heard): PurgeView {
  const purged = workers
    .flatMap(({ caches }) => caches.map(each => each.purged))
    .reduce((sum, count) => sum + count, 0)
  return { purged, workers: workers.length, silent }
}
