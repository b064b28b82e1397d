/**
 * Conversations through a cache: a playbook with a cache in front of the servers, and a wall clock of its own.
 */
import assert from 'node:assert/strict'
import type { Clock } from '../../src/base/clock.ts'
import { Cache } from '../../src/cache/cache.ts'
import { MemoryStore } from '../../src/cache/memory-store.ts'
import { CACHE_DEFAULTS, type CacheOptions } from '../../src/cache/options.ts'
import { type Cast, conversation, type Peer, type PlaybookOptions } from './playbook.ts'

/** The wall of a playbook, 06 Nov 1994 08:49:37 GMT. */
const WALL_MS = 784_111_777_000

export interface CachedCast extends Cast {
  readonly cache: Cache
  /** Seconds go by on the wall; no timer runs. */
  ages(seconds: number): void
  /** Another client connects and sends these lines. */
  another(...lines: readonly string[]): Peer
  /** Keys that other processes are told to remove. */
  readonly removed: string[]
}

class WallClock implements Clock {
  coarseMs = 0
  nowMs = WALL_MS
  refresh(): void {}
  preciseMs(): number {
    return this.coarseMs
  }
  wallMs(): number {
    return this.nowMs
  }
}

/** A cache in memory that has begun. */
export function startedCache(
  options: Partial<CacheOptions>,
  clock: Clock,
  removed: string[] = [],
  warnings: string[] = [],
): Cache {
  const open = ({ memoryBytes, variantsMax }: CacheOptions) => new MemoryStore(memoryBytes, { variantsMax })
  const cache = new Cache({ ...CACHE_DEFAULTS, ...options }, 'test', open, clock)
  cache.start({
    workers: 1,
    warn: line => void warnings.push(line),
    removed: keys => void removed.push(...keys),
  })
  return cache
}

export function cached(
  name: string,
  options: Partial<CacheOptions> & { readonly book?: PlaybookOptions },
  play: (cast: CachedCast) => void,
): void {
  const { book: more = {}, ...told } = options
  const clock = new WallClock()
  const removed: string[] = []
  const cache = startedCache(told, clock, removed)
  conversation(name, { ...more, layers: [cache.layer] }, cast => {
    play({
      ...cast,
      cache,
      removed,
      ages: seconds => {
        clock.nowMs += seconds * 1000
      },
      another: (...lines) => {
        const peer = cast.book.connects()
        peer.sends(...lines)
        return peer
      },
    })
    assert.equal(cache.fillingBytes, 0, 'nothing is on its way any more')
    assert.equal(cache.fetches.size, 0, 'nothing is fetched any more')
    assert.equal(cache.underWay.size, 0, 'nothing may come to be stored any more')
  })
}

export interface Taken {
  readonly status: number
  readonly fields: Readonly<Record<string, string>>
  readonly body: string
  readonly text: string
}

/** The one answer, or request, that has come to this peer since the last look; names in lower case. */
export function takes(peer: Peer): Taken {
  const text = peer.takes()
  const end = text.indexOf('\r\n\r\n')
  assert.notEqual(end, -1, `a head has come: ${JSON.stringify(text)}`)
  const [first, ...lines] = text.slice(0, end).split('\r\n')
  const fields = Object.fromEntries(
    lines.map(line => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
    }),
  )
  return {
    status: Number(/^HTTP\/1\.1 (\d+)/.exec(first)?.[1] ?? 0),
    fields,
    body: text.slice(end + 4),
    text,
  }
}
