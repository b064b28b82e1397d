/**
 * What a shared cache may answer, from the text of RFC 9111 and 5861, written apart from the cache.
 * Strategy: an answer names the word it relies on (`v`) and where its content is from (`X-N`). When the word was given
 * for this very request, the origin has decided, and only the content is compared. Otherwise it is reuse, and each rule
 * is asked whether it forbids that. Where the standard leaves room, the model takes the side of the cache: what it
 * complains of is wrong.
 */
import { type Answered, type Asked, type Event, type Fields, kindOf, type World } from './cache-world.ts'

export interface Received {
  readonly status: number
  readonly fields: Fields
  readonly body: string
  /** False: the connection was broken before its end. */
  readonly whole: boolean
  /** When its head came. */
  readonly headMs: number
}

/** null: it may be; else what is wrong with it. */
export function fault(got: Received, asked: Asked, world: World): string | null {
  const control = directives(got.fields.get('cache-control'))
  const word = world.answers.get(Number(control.get('v')))
  if (word === undefined) return ownAnswerFault(got, asked, world)
  if (word.path !== asked.path) return `the answer for ${word.path}`
  const content = world.answers.get(Number(got.fields.get('x-n') ?? word.id))
  if (content === undefined) return 'content that no server sent'
  const reused = word.forId !== asked.id
  return (
    contentFault(got, asked, content) ??
    conditionFault(got, asked, word, reused) ??
    (content.forId !== asked.id ? keepingFault(content, asked, got, reused) : null) ??
    purgedFault(content, asked, got, world) ??
    (reused ? reuseFault(got, asked, word, content, world) : null)
  )
}

/** What the proxy says by itself. */
function ownAnswerFault({ status, fields }: Received, asked: Asked, { troubles }: World): string | null {
  const trouble = troubles.some(each => each.step >= asked.step)
  const onlyIfCached = directives(asked.fields.get('cache-control')).has('only-if-cached')
  const safe = asked.method === 'GET' || asked.method === 'HEAD'
  if (fields.has('x-unsafe')) return safe ? 'the answer to an unsafe request' : null
  if (status === 416 && asked.fields.has('range')) return null
  if (status === 412 && asked.fields.has('if-match')) return null
  // RFC 9111 §5.2.1.7.
  if (status === 504 && onlyIfCached) return null
  if (status >= 500 && trouble) return null
  return `${status} out of nowhere (${[...fields.keys()].join(' ')})`
}

function contentFault(got: Received, { method, path }: Asked, content: Answered): string | null {
  const { status, fields, body, whole } = got
  if (content.path !== path) return `the content of ${content.path}`
  if (method === 'HEAD' || status === 304) return body === '' ? null : 'content where there is none'
  const origin = content.content
  if (!whole && content.cutStep === null) return 'broken off, though the origin sent all of it'
  if (status !== 206) {
    const right = whole ? body === origin : origin.startsWith(body)
    if (whole && content.cutStep !== null && content.status !== 206)
      return 'whole, though the origin broke off'
    return right ? null : `other content: ${body.slice(0, 60)}`
  }
  const range = fields.get('content-range')
  if (range !== undefined) return whole ? partFault(range, body, origin) : null
  const boundary = /boundary=(\S+)/.exec(fields.get('content-type') ?? '')?.[1]
  if (boundary === undefined) return '206 without Content-Range'
  for (const part of body.split(`--${boundary}`).slice(1, -1)) {
    const [, of = '', text = ''] = /content-range: ([^\r]*)[\s\S]*?\r\n\r\n([\s\S]*)\r\n$/i.exec(part) ?? []
    const wrong = partFault(of, text, origin)
    if (wrong !== null) return wrong
  }
  return null
}

function partFault(range: string, body: string, whole: string): string | null {
  const [, first, last, total] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(range) ?? []
  if (Number(total) !== whole.length) return `Content-Range ${range} of ${whole.length}`
  return body === whole.slice(Number(first), Number(last) + 1) ? null : `other bytes than ${range}`
}

/** RFC 9110 §13.1.2, §13.1.3: 304 only for what the client has. */
function conditionFault(got: Received, asked: Asked, word: Answered, reused: boolean): string | null {
  if (got.status !== 304) return null
  const none = asked.fields.get('if-none-match')
  const since = asked.fields.get('if-modified-since')
  if (none === undefined && since === undefined) return '304 to a request without conditions'
  if (!reused && word.status === 304) return null
  const { path } = asked
  const etag = got.fields.get('etag') ?? word.fields.get('etag')
  if (none !== undefined) {
    const held = none.replaceAll('W/', '')
    return none === '*' || (etag !== undefined && held.includes(etag.replace('W/', '')))
      ? null
      : `304 with ${etag} for ${none}`
  }
  const modified = word.fields.get('last-modified')
  if (modified === undefined) return kindOf(path).validators === 'none' ? '304 without a date' : null
  return Date.parse(modified) <= Date.parse(since as string) ? null : `304 for ${since}`
}

/** RFC 9111 §3: what may not be kept for others. */
function keepingFault(from: Answered, asked: Asked, got: Received, reused: boolean): string | null {
  const control = controlOf(from, got.fields)
  if (from.method !== 'GET') return `the answer to ${from.method}`
  if (directives(from.request.get('cache-control')).has('no-store')) return 'an answer to no-store (§5.2.1.5)'
  if (control.has('no-store')) return 'a response with no-store (§5.2.2.5)'
  if (control.get('private') === '') return 'a private response (§5.2.2.7)'
  // RFC 9111 §3.5.
  if (
    from.request.has('authorization') &&
    !['public', 's-maxage', 'must-revalidate'].some(each => control.has(each))
  )
    return 'a response to Authorization (§3.5)'
  const secret = ['private', 'no-cache'].some(each => control.get(each)?.includes('x-secret'))
  if (
    secret &&
    reused &&
    got.fields.get('x-secret') === from.fields.get('x-secret') &&
    from.fields.has('x-secret')
  )
    return 'a field that was not to be kept (§5.2.2.4, §5.2.2.7)'
  const explicit =
    ['max-age', 's-maxage', 'public'].some(each => control.has(each)) || from.fields.has('expires')
  if (!explicit && ![200, 204, 206, 404, 410].includes(from.status))
    return `a ${from.status} that says nothing (§3)`
  if (reused && from.cutStep !== null && from.cutStep < asked.step && from.status !== 206)
    return 'a response that was broken off (§3.3)'
  // RFC 9111 §4.1. What was validated for this request the origin has chosen.
  return reused ? varyFault(from, asked) : null
}

function varyFault({ fields, request }: Answered, asked: Asked): string | null {
  const vary = fields.get('vary') ?? ''
  if (vary === '*') return 'a response with Vary: * (§4.1)'
  for (const name of vary.toLowerCase().split(', '))
    if (name !== '' && request.get(name) !== asked.fields.get(name)) return `another ${name} (§4.1)`
  return null
}

function purgedFault(content: Answered, asked: Asked, got: Received, { purges }: World): string | null {
  const gone = purges.some(each => !each.soft && isBetween(each, content, asked))
  return gone && got.status !== 304 && content.forId !== asked.id ? 'content that was purged' : null
}

const isBetween = (event: Event, answer: Answered, asked: Asked): boolean =>
  (event.path === '*' || event.path === answer.path) &&
  answer.headStep < event.step &&
  event.step < asked.step

/** RFC 9111 §4: used again without a word of the origin for this request. */
function reuseFault(
  got: Received,
  asked: Asked,
  word: Answered,
  content: Answered,
  world: World,
): string | null {
  const control = controlOf(word, got.fields)
  if (control.has('no-store')) return 'what was updated with no-store (§5.2.2.5)'
  if (control.get('private') === '') return 'what was updated as private (§5.2.2.7)'
  if (control.get('no-cache') === '') return 'no-cache without validation (§5.2.2.4)'
  if (world.invalidations.some(each => isBetween(each, word, asked))) return 'what was made invalid (§4.4)'
  const age = agesOf(word, got.headMs)
  const said = got.fields.get('age')
  // RFC 9111 §4, §5.1.
  if (said === undefined && word.headStep < asked.step) return 'no Age (§4)'
  if (Number(said ?? 0) < Math.floor(age.leastS))
    return `Age ${said}, and it is at least ${age.leastS} (§4.2.3)`
  if (Number(said ?? 0) > age.mostS + 1) return `Age ${said}, and it is at most ${age.mostS} (§4.2.3)`
  let lifetimeS = lifetimeOf(word, got, content)
  for (const purge of world.purges)
    if (purge.soft && isBetween(purge, word, asked))
      lifetimeS = Math.min(lifetimeS, agesOf(word, purge.ms).mostS)
  return freshnessFault(asked, control, age.leastS, lifetimeS, world)
}

function freshnessFault(
  asked: Asked,
  control: ReadonlyMap<string, string>,
  ageS: number,
  lifetimeS: number,
  { troubles }: World,
): string | null {
  const wish = directives(asked.fields.get('cache-control'))
  const staleS = ageS - lifetimeS
  const times = `age ${ageS} s, lifetime ${lifetimeS} s`
  const trouble = troubles.filter(
    each => (each.path === '*' || each.path === asked.path) && each.step >= asked.step,
  )
  const maxStale = wish.get('max-stale')
  const allowedS = maxStale === undefined ? -1 : maxStale === '' ? Number.POSITIVE_INFINITY : Number(maxStale)
  // When there is trouble, a cache may give what it has.
  if (trouble.length === 0) {
    const noCache = wish.has('no-cache') || (asked.fields.has('pragma') && !asked.fields.has('cache-control'))
    if (noCache) return 'reused for no-cache (§5.2.1.4)'
    if (wish.has('max-age') && ageS > Number(wish.get('max-age')) + Math.max(0, allowedS))
      return `older than max-age (§5.2.1.1): ${times}`
    if (wish.has('min-fresh') && -staleS < Number(wish.get('min-fresh')))
      return `less than min-fresh (§5.2.1.3): ${times}`
  }
  if (staleS <= allowedS && mayBeStale(control)) return null
  if (staleS < 0) return null
  // RFC 9111 §4.2.4.
  if (!mayBeStale(control)) return `stale and must not be (§4.2.4): ${times}`
  // RFC 5861 §3, §4.
  if (staleS <= Number(control.get('stale-while-revalidate') ?? -1)) return null
  if (trouble.length > 0 && staleS <= Number(control.get('stale-if-error') ?? -1)) return null
  if (trouble.some(each => each.down)) return null
  return `stale (§4.2): ${times}`
}

const mayBeStale = (control: ReadonlyMap<string, string>): boolean =>
  control.get('no-cache') !== '' &&
  !['must-revalidate', 'proxy-revalidate', 's-maxage'].some(each => control.has(each))

/** current_age (§4.2.3), between what is sure and what a cautious cache may take it for. */
function agesOf({ fields, requestedMs, headMs }: Answered, nowMs: number): { leastS: number; mostS: number } {
  const apparentMs = Math.max(0, headMs - Date.parse(fields.get('date') ?? '') - 999)
  const toldMs = Number(fields.get('age') ?? 0) * 1000
  const least = Math.max(apparentMs, toldMs) + nowMs - headMs
  const most = Math.max(apparentMs + 1_998, toldMs + headMs - requestedMs) + nowMs - headMs
  return { leastS: least / 1000, mostS: most / 1000 }
}

/** freshness_lifetime (§4.2.1), at most. */
function lifetimeOf(word: Answered, { fields }: Received, content: Answered): number {
  const control = controlOf(word, fields)
  for (const name of ['s-maxage', 'max-age']) if (control.has(name)) return Number(control.get(name))
  if (fields.has('cdn-cache-control')) return 0
  const dateMs = Date.parse(word.fields.get('date') ?? '')
  // A 304 to a client leaves some of it out.
  const expires = fields.get('expires') ?? content.fields.get('expires')
  // §4.2: a length of time; what was over when it was sent has none.
  if (expires !== undefined) return Math.max(0, (Date.parse(expires) - dateMs) / 1000)
  const modified = fields.get('last-modified') ?? content.fields.get('last-modified')
  // RFC 9111 §4.2.2, with the tenth that this cache takes.
  return modified === undefined ? 0 : Math.min(86_400, (dateMs - Date.parse(modified)) / 10_000)
}

/**
 * RFC 9213 §2.2: a targeted field stands in the place of Cache-Control. What a 304 or HEAD does not speak of stays as it
 * was stored (RFC 9111 §3.2), and is seen in the answer.
 */
function controlOf({ fields, status, method }: Answered, got: Fields): ReadonlyMap<string, string> {
  const updates = status === 304 || method === 'HEAD'
  const targeted = fields.get('cdn-cache-control') ?? (updates ? got.get('cdn-cache-control') : undefined)
  return directives(targeted ?? fields.get('cache-control'))
}

/** Names in lower case → argument without quotes, '' when there is none; the first of each counts. */
export function directives(value: string | undefined): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const [, name, quoted, plain] of (value ?? '').matchAll(/([\w-]+)(?:=(?:"([^"]*)"|([^,\s]*)))?/g))
    if (!found.has(name.toLowerCase())) found.set(name.toLowerCase(), quoted ?? plain ?? '')
  return found
}
