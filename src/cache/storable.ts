/**
 * Whether a response may be stored, by which clause, and with which policy (RFC 9111 §3, §4.2).
 * Strategy: a table in the order of §3, read from the top; the first row that fits decides. It is printed into the
 * docs, and every answer says which row it was.
 */
import { AUTHORIZATION } from '../http/field-names.ts'
import type { HeaderList } from '../http/header-list.ts'
import type { ResponseHead } from '../http/message.ts'
import { parseContentRange } from '../http/range.ts'
import {
  allows,
  type Directives,
  deltaSeconds,
  type RequestDirectives,
  restricted,
  secondsOf,
} from './cache-control.ts'
import { bounded, initialAge, isHeuristicallyCacheable, type Lifetime, lifetimeOf } from './freshness.ts'
import type { CacheOptions } from './options.ts'
import type { LifetimeSource, Policy } from './policy.ts'
import { withheldFields } from './stored-fields.ts'
import { controlOf } from './targeted.ts'
import { variesByAnything } from './vary.ts'

/** Why a response is stored or not: keys of the table STORING. */
export type StoreCode = string

export interface Answered {
  readonly method: string
  /** The request that it answers, as the client sent it. */
  readonly request: HeaderList
  readonly directives: RequestDirectives
  readonly head: ResponseHead
  readonly requestedMs: number
  readonly respondedMs: number
}

export interface Judgement {
  readonly code: StoreCode
  /** Null: not stored. */
  readonly policy: Policy | null
  /** The arithmetic: `max-age=60, age 3`. */
  readonly detail: string
}

/** What the rows ask for. */
interface Facts {
  readonly method: string
  readonly request: HeaderList
  readonly requested: RequestDirectives
  readonly status: number
  readonly headers: HeaderList
  readonly directives: Directives
  readonly lifetime: Lifetime
  readonly policy: Policy
  readonly options: CacheOptions
}

interface Row {
  readonly stored: boolean
  readonly clause: string
  readonly words: string
  fits(facts: Facts): boolean
}

const no = (clause: string, words: string, fits: Row['fits']): Row => ({ stored: false, clause, words, fits })
const yes = (clause: string, words: string, from: LifetimeSource): Row => ({
  stored: true,
  clause,
  words,
  fits: ({ lifetime }) => lifetime.from === from,
})

const TABLE: Readonly<Record<string, Row>> = {
  method: no('RFC 9111 §3', 'only answers to GET are stored', ({ method }) => method !== 'GET'),
  interim: no('RFC 9111 §3', 'the status is not final', ({ status }) => status < 200),
  'one-request': no(
    'RFC 9110 §15',
    'the status speaks of one request or one connection, not of the resource',
    ({ status }) => OF_ONE_REQUEST.has(status),
  ),
  'status-forbids': no('RFC 6585 §3 to §6', 'its status must not be stored', ({ status }) =>
    FORBIDDEN.has(status),
  ),
  'request-no-store': no(
    'RFC 9111 §5.2.1.5',
    'the request says no-store',
    ({ requested, options }) => requested.noStore && !options.ignore.has('request-directives'),
  ),
  'must-understand': no(
    'RFC 9111 §5.2.2.3',
    'it says must-understand, and the status is not one that this cache knows',
    ({ directives, status }) => directives.has('must-understand') && !UNDERSTOOD.has(status),
  ),
  'no-store': no('RFC 9111 §5.2.2.5', 'it says no-store', facts => saysNoStore(facts)),
  private: no(
    'RFC 9111 §5.2.2.7',
    'it says private: it is for one user',
    ({ directives, options }) =>
      restricted(directives, 'private') === 'all' && !options.ignore.has('private'),
  ),
  authorization: no(
    'RFC 9111 §3.5',
    'the request has Authorization, and none of public, must-revalidate, s-maxage allows to share the answer',
    ({ request, directives }) => (request.mask & AUTHORIZATION) !== 0 && !mayBeShared(directives),
  ),
  'vary-any': no(
    'RFC 9111 §4.1',
    'Vary says "*", names too many fields, or cannot be read: no other request would fit',
    ({ headers, options }) => !options.ignore.has('vary') && variesByAnything(headers),
  ),
  'set-cookie': no('config setCookie', 'it sets a cookie, and setCookie is "refuse"', facts =>
    setsCookie(facts),
  ),
  'ttl-zero': no(
    'config rules',
    'a rule of the config says 0',
    ({ lifetime }) => lifetime.from === 'rule' && lifetime.seconds === 0,
  ),
  part: no(
    'RFC 9111 §3.4',
    'a part without strong ETag, or whose Content-Range says not where it belongs, could never become a whole',
    ({ status, headers }) => status === 206 && !isUsablePart(headers),
  ),
  status: no(
    'RFC 9111 §3',
    'nothing says how long it is fresh, and its status is not heuristically cacheable',
    ({ lifetime, status, directives }) =>
      lifetime.from === 'none' && !isHeuristicallyCacheable(status) && !allows(directives, 'public'),
  ),
  'no-lifetime': no(
    'RFC 9111 §4.2.2',
    'nothing says how long it is fresh, and the config has no defaultTtl',
    ({ lifetime, directives }) =>
      lifetime.from === 'none' &&
      !['no-cache', 'must-revalidate', 'public'].some(name => directives.has(name)),
  ),
  useless: no(
    'RFC 9111 §4',
    'it must be validated before each use, and has nothing to be validated by',
    ({ lifetime, policy, headers }) =>
      !hasValidator(headers) &&
      (policy.noCache ||
        lifetime.from === 'none' ||
        (policy.mustRevalidate && policy.lifetimeS <= policy.initialAgeS)),
  ),
  targeted: yes('RFC 9213 §2.2', 'fresh for as long as the targeted field says', 'targeted'),
  's-maxage': yes('RFC 9111 §5.2.2.10', 'fresh for as long as s-maxage says', 's-maxage'),
  'max-age': yes('RFC 9111 §5.2.2.1', 'fresh for as long as max-age says', 'max-age'),
  expires: yes('RFC 9111 §5.3', 'fresh until the time in Expires', 'expires'),
  heuristic: yes('RFC 9111 §4.2.2', 'fresh for a part of the time since Last-Modified', 'heuristic'),
  'ttl-rule': yes('config rules', 'fresh for as long as a rule of the config says', 'rule'),
  'default-ttl': yes('config defaultTtl', 'fresh for as long as defaultTtl says', 'default'),
  'validated-only': yes('RFC 9111 §3', 'it may be kept, and is validated before each use', 'none'),
}

/** The table: whether it is stored, the clause, and the sentence for people. Docs are printed from it. */
export const STORING: Readonly<
  Record<StoreCode, { readonly stored: boolean; readonly clause: string; readonly words: string }>
> = TABLE

const ROWS = Object.entries(TABLE)

/**
 * Statuses that say something of one request's preconditions (304, 412), range (416), expectation (417) or proxy
 * (407), or of its connection (408, 421, and 426, whose Upgrade is not stored): stored, they would answer requests that
 * have none of it.
 */
const OF_ONE_REQUEST: ReadonlySet<number> = new Set([304, 407, 408, 412, 416, 417, 421, 426])

/** RFC 6585 §3 to §6: each says that responses with it MUST NOT be stored by a cache. */
const FORBIDDEN: ReadonlySet<number> = new Set([428, 429, 431, 511])

/** RFC 9111 §3: recognised, and all that its definition says of caches is done. RFC 9110 §15, 451 of RFC 7725. */
const UNDERSTOOD: ReadonlySet<number> = new Set([
  200, 201, 202, 203, 204, 205, 206, 300, 301, 302, 303, 307, 308, 400, 401, 402, 403, 404, 405, 406, 409,
  410, 411, 413, 414, 415, 422, 451, 500, 501, 502, 503, 504, 505,
])

/** RFC 9111 §5.2.2.3: must-understand of a status that is understood makes no-store be ignored. */
const saysNoStore = ({ directives, options }: Facts): boolean =>
  directives.has('no-store') && !directives.has('must-understand') && !options.ignore.has('no-store')

/** RFC 9111 §3.5. A directive that is not written as it is defined allows nothing. */
const mayBeShared = (directives: Directives): boolean =>
  allows(directives, 'public') ||
  allows(directives, 'must-revalidate') ||
  (directives.get('s-maxage')?.every(text => deltaSeconds(text) !== null) ?? false)

const setsCookie = ({ headers, directives, options }: Facts): boolean =>
  options.setCookie === 'refuse' &&
  headers.has('set-cookie') &&
  !allows(directives, 'public') &&
  !withheldFields(directives, options).includes('set-cookie')

/** RFC 9111 §3.4, RFC 9110 §15.3.7: one range, of a known whole, with what tells that it is the same whole. */
function isUsablePart(headers: HeaderList): boolean {
  const ranges = headers.getAll('content-range')
  const range = ranges.length === 1 ? parseContentRange(ranges[0]) : null
  return range?.kind === 'part' && range.total !== null && isStrongTag(headers.get('etag'))
}

/** RFC 9110 §8.8.3: quoted, without W/. Of dates it is never known whether they are strong (§8.8.2.2). */
const isStrongTag = (etag: string | null): boolean => etag !== null && /^"[^"]*"$/.test(etag)

const hasValidator = (headers: HeaderList): boolean =>
  (headers.get('etag') ?? '') !== '' || (headers.get('last-modified') ?? '') !== ''

/** What was decided, for people: clause, words and arithmetic. */
export const whyJudged = ({ code, detail }: Judgement): string =>
  `${STORING[code].clause}: ${STORING[code].words}; ${detail}`

/** For final answers to GET of status 200, 206 or any other; not for 304. */
export function judge(answered: Answered, options: CacheOptions): Judgement {
  return judgeFields(answered, answered.head.status, answered.head.headers, options)
}

/**
 * What a stored response of this status is allowed to be used for now that `answered`, a 304 or an answer to HEAD, has
 * put its fields on it: `headers` as `updatedFields` gives them. Its age is that of `answered` (RFC 9111 §4.2.3: time
 * since the last validation). Policy null: it has to go.
 */
export function judgeUpdated(
  answered: Answered,
  status: number,
  headers: HeaderList,
  options: CacheOptions,
): Judgement {
  return judgeFields({ ...answered, method: 'GET' }, status, headers, options)
}

function judgeFields(
  answered: Answered,
  status: number,
  headers: HeaderList,
  options: CacheOptions,
): Judgement {
  const { head, method, request, directives: requested, requestedMs, respondedMs } = answered
  const control = controlOf(headers, options.targeted)
  const lifetime = lifetimeOf(headers, status, control, respondedMs, options)
  const age = initialAge(head.headers, requestedMs, respondedMs)
  const { directives } = control
  const policy = compile(directives, lifetime, age.seconds, options)
  const facts: Facts = { method, request, requested, status, headers, directives, lifetime, policy, options }
  // The last row fits whatever the others leave.
  const [code, row] = ROWS.find(([, each]) => each.fits(facts)) ?? ROWS[ROWS.length - 1]
  return { code, policy: row.stored ? policy : null, detail: `${lifetime.words}, ${age.words}` }
}

function compile(
  directives: Directives,
  lifetime: Lifetime,
  initialAgeS: number,
  options: CacheOptions,
): Policy {
  // The qualified form does not forbid use: the fields that it names are not stored (see stored-fields.ts).
  const noCache = restricted(directives, 'no-cache') === 'all' && !options.ignore.has('no-cache')
  // RFC 9111 §5.2.2.10: s-maxage says proxy-revalidate as well.
  const mustRevalidate =
    ['must-revalidate', 'proxy-revalidate', 's-maxage'].some(name => directives.has(name)) &&
    !options.ignore.has('must-revalidate')
  const mayBeStale = !noCache && !mustRevalidate
  const window = (name: string, configuredS: number): number =>
    mayBeStale ? bounded(secondsOf(directives, name) ?? configuredS) : 0
  return {
    lifetimeS: lifetime.seconds,
    lifetimeFrom: lifetime.from,
    initialAgeS,
    noCache,
    mustRevalidate,
    staleWhileRevalidateS: window('stale-while-revalidate', options.staleWhileRevalidateS),
    staleIfErrorS: window('stale-if-error', options.staleIfErrorS),
  }
}
