/**
 * What a purge means, the same for every store: which heads are meant, what becomes of a head that is made stale, and
 * which stored responses are the same variant.
 */
import type { EntryHead } from './entry.ts'
import { ageOf } from './policy.ts'
import type { Purge } from './store.ts'

export function isMeant(what: Purge, head: Pick<EntryHead, 'key' | 'tags'>): boolean {
  switch (what.kind) {
    case 'key':
      return head.key === what.key
    case 'prefix':
      return head.key.startsWith(what.prefix)
    case 'tag':
      return head.tags.includes(what.tag)
    case 'all':
      return true
  }
}

/** The same of what is on its way: while its head has not come (null), any tag may be meant. */
export function isOnItsWayMeant(what: Purge, key: string, head: EntryHead | null): boolean {
  if (what.kind === 'tag' && head === null) return true
  return isMeant(what, head ?? { key, tags: [] })
}

/**
 * The head of a response whose freshness ends at `staleAtMs` (wall clock), or the same head when it ended before. What
 * the response allows to be done with it when stale (RFC 5861) counts from there.
 */
export function madeStale(head: EntryHead, staleAtMs: number): EntryHead {
  const ageS = ageOf(head.policy, head.respondedMs, staleAtMs)
  if (ageS >= head.policy.lifetimeS) return head
  return { ...head, policy: { ...head.policy, lifetimeS: ageS } }
}

/** Whether one takes the place of the other: the same resource, chosen by the same fields with the same values. */
export function isSameVariant(one: EntryHead, other: EntryHead): boolean {
  if (one === other) return true
  if (one.key !== other.key || one.extras !== other.extras || one.vary.length !== other.vary.length)
    return false
  for (const [name, value] of one.vary)
    if (!other.vary.some(each => each[0] === name && each[1] === value)) return false
  return true
}
