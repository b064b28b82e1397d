/**
 * What a cache of the route makes of the request: its key, what the running program has stored for it, whether that
 * may be used and by which clause, and what answers would be stored.
 * Strategy: nothing is decided here. Key, variant, use and storing come from the functions that serve; what is stored
 * comes from the running program, when one serves this config.
 */
import type { Heard } from '../../admin/ask-workers.ts'
import { systemClock } from '../../base/clock.ts'
import type { Cache } from '../../cache/cache.ts'
import { requestDirectives } from '../../cache/cache-control.ts'
import { cacheKey } from '../../cache/cache-key.ts'
import { entryHead, type StoredHead, type UrlParts } from '../../cache/control.ts'
import type { Entry, StoredBody } from '../../cache/entry.ts'
import { requestExtras } from '../../cache/request-extras.ts'
import { arithmetic, decideUse, REUSE } from '../../cache/reuse.ts'
import { judge, STORING } from '../../cache/storable.ts'
import { chooseVariant } from '../../cache/vary.ts'
import { HeaderList } from '../../http/header-list.ts'
import type { Step } from './dry-run.ts'
import { maskedField } from './masking.ts'

/** Fields may be added to these types; none changes its meaning. */
export interface ExplainedCache {
  readonly place: string
  /** What `sluice cache` calls it. */
  readonly name: string
  readonly key: string
  /** What tells variants apart beside Vary, of this request: what the config adds, and an origin unlike the key's; '': nothing. */
  readonly extras: string
  /** Why the store is not looked into at all, or ''. */
  readonly passedBy: string
  /** What the running program has for the key, variant by variant; null when none was asked. */
  readonly stored: readonly ExplainedVariant[] | null
  /** Why nothing is known of it, or ''. */
  readonly note: string
  /** Answers a server might give to this request, and what would become of them. */
  readonly storing: readonly ExplainedStoring[]
}

export interface ExplainedVariant {
  readonly status: number
  readonly bytes: number
  /** Fields it was chosen by, with their values. */
  readonly vary: readonly (readonly [name: string, value: string | null])[]
  readonly extras: string
  /** How many workers have it. */
  readonly workers: number
  /** It is the one that this request gets. */
  readonly chosen: boolean
  /** What may be done with it for this request. */
  readonly use: string
  readonly clause: string
  readonly words: string
  readonly arithmetic: string
}

export interface ExplainedStoring {
  /** `200 with Cache-Control: max-age=60`. */
  readonly answer: string
  readonly stored: boolean
  readonly clause: string
  readonly words: string
}

/** The parts of the URL that the cache makes its key of. */
export const partsOf = ({ host, hostPort, originTarget }: Step): UrlParts => ({
  host,
  port: hostPort,
  target: originTarget,
})

/** `heard`: what the running program says of this URL, or why it says nothing. */
export function explainedCache(
  cache: Cache,
  step: Step,
  place: string,
  heard: Heard | string,
): ExplainedCache {
  const { options, space } = cache
  const { host, hostPort, originTarget, headers, forwardedLines } = step
  const key = cacheKey(host, hostPort, originTarget, options.key)
  const extras = requestExtras({ host, hostPort, forwardedLines, request: { headers } }, options.key)
  return {
    place,
    name: space,
    key,
    extras: maskedExtras(extras),
    passedBy: passedBy(cache, step),
    stored: typeof heard === 'string' ? null : variants(cache, step, key, extras, heard),
    note: typeof heard === 'string' ? heard : '',
    storing: storing(cache, step),
  }
}

/** Values in it may be secrets: that of Authorization, or of a session's cookie. */
const maskedExtras = (extras: string): string => (extras === '' ? '' : '(of this request)')

function passedBy({ options }: Cache, { method, hasBody, upgrade }: Step): string {
  if (!options.methods.has(method)) return `${method} is not answered from the store`
  if (hasBody) return 'it has a body'
  return upgrade === '' ? '' : 'it asks for an upgrade'
}

/** A body that nobody reads. */
const NO_BODY: StoredBody = { bytes: 0, from: () => Buffer.alloc(0), close() {} }

function variants(
  cache: Cache,
  step: Step,
  key: string,
  extras: string,
  { workers }: Heard,
): ExplainedVariant[] {
  const found = new Map<string, { entry: Entry; workers: number }>()
  const heads = workers.flatMap(({ caches }) => headsIn(caches, cache.space, key))
  for (const head of heads) {
    const id = JSON.stringify([head.extras, head.vary])
    const other = found.get(id)
    const entry = { head: entryHead(head), body: NO_BODY }
    if (other === undefined) found.set(id, { entry, workers: 1 })
    else {
      other.workers++
      // Workers that share a disk have the same; of others the newest is told.
      if (head.respondedMs > other.entry.head.respondedMs) other.entry = entry
    }
  }
  const all = [...found.values()].sort((a, b) => b.entry.head.respondedMs - a.entry.head.respondedMs)
  const chosen = chooseVariant(
    all.map(each => each.entry),
    extras,
    step.headers,
  )
  return all.map(each => explainedVariant(cache, step, each, chosen))
}

/** Caches of one space share what is behind them, but each worker's may hold something else. */
function headsIn(
  caches: Heard['workers'][number]['caches'],
  space: string,
  key: string,
): readonly StoredHead[] {
  return caches.find(each => each.space === space && each.key === key)?.heads ?? []
}

function explainedVariant(
  { options }: Cache,
  { headers }: Step,
  { entry, workers }: { readonly entry: Entry; readonly workers: number },
  chosen: Entry | null,
): ExplainedVariant {
  const { head } = entry
  const nowMs = systemClock.wallMs()
  const code = decideUse(head, requestDirectives(headers), nowMs, options)
  const { use, clause, words } = REUSE[code]
  return {
    status: head.status,
    bytes: head.contentBytes,
    vary: head.vary.map(([name, value]) => [name, value === null ? null : maskedField(name, value)]),
    extras: maskedExtras(head.extras),
    workers,
    chosen: entry === chosen,
    use,
    clause,
    words,
    arithmetic: arithmetic(head, nowMs),
  }
}

/** What servers say most often. */
const EXAMPLES: readonly (readonly [status: number, fields: readonly (readonly [string, string])[]])[] = [
  [200, []],
  [200, [['Last-Modified', 'Thu, 01 Jan 2026 00:00:00 GMT']]],
  [200, [['Cache-Control', 'max-age=60']]],
  [200, [['Cache-Control', 'public, max-age=60']]],
  [
    200,
    [
      ['Cache-Control', 'max-age=60'],
      ['Set-Cookie', 'a=b'],
    ],
  ],
  [404, []],
]

function storing({ options }: Cache, { method, headers }: Step): ExplainedStoring[] {
  const nowMs = systemClock.wallMs()
  return EXAMPLES.map(([status, fields]) => {
    const head = { status, reason: '', version: 11 as const, headers: HeaderList.from(fields) }
    const times = { requestedMs: nowMs, respondedMs: nowMs }
    const asked = { method, request: headers, directives: requestDirectives(headers), head, ...times }
    const { code, detail } = judge(asked, options)
    const { stored, clause, words } = STORING[code]
    const said = fields.map(([name, value]) => `${name}: ${value}`).join(', ')
    return {
      answer: said === '' ? `${status}` : `${status} with ${said}`,
      stored,
      clause,
      words: stored ? `${words} (${detail})` : words,
    }
  })
}
