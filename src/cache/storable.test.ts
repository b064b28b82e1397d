import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { HeaderList } from '../http/header-list.ts'
import { formatHttpDate } from '../http/http-date.ts'
import { requestDirectives } from './cache-control.ts'
import { CACHE_DEFAULTS, type CacheOptions } from './options.ts'
import type { Policy } from './policy.ts'
import { type Answered, judge, judgeUpdated, STORING } from './storable.ts'

const NOW_MS = Date.parse('2026-11-20T12:00:00Z')
const at = (seconds: number): string => formatHttpDate(NOW_MS + seconds * 1000)

interface Given {
  readonly status?: number
  readonly request?: string
  /** Lines; Date of now is put in front unless there is one. */
  readonly response?: string
  readonly method?: string
  readonly options?: Partial<CacheOptions>
  /** How long the answer took. */
  readonly delayMs?: number
}

function fields(lines: string): HeaderList {
  const entries = lines
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '')
    .map(line => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)] as const)
  return HeaderList.from(entries)
}

function answered({
  status = 200,
  request = '',
  response = '',
  method = 'GET',
  delayMs = 0,
}: Given): Answered {
  const dated = /^Date:/im.test(response) ? response : `Date: ${at(0)}\n${response}`
  const headers = fields(dated)
  return {
    method,
    request: fields(request),
    directives: requestDirectives(fields(request)),
    head: { status, reason: '', version: 11, headers },
    requestedMs: NOW_MS - delayMs,
    respondedMs: NOW_MS,
  }
}

const judged = (given: Given) => judge(answered(given), { ...CACHE_DEFAULTS, ...given.options })

const CC = (text: string): string => `Cache-Control: ${text}`
const RULE = (ttlS: number, statuses: number[] | null = null, type: string | null = null) => ({
  rules: [
    {
      statuses: statuses === null ? null : new Set(statuses),
      type: type === null ? null : (each: string) => each === type,
      ttlS,
    },
  ],
})
const MODIFIED = `Last-Modified: ${at(-36_000)}`
const PART = 'Content-Range: bytes 0-9/100\nCache-Control: max-age=60'
const BASIC = 'Authorization: Basic eA=='

/** What is given → code of the table. */
const CASES: readonly [string, Given, string][] = [
  ['§3 a method that is not stored', { method: 'POST', response: CC('max-age=60') }, 'method'],
  ['§3 an answer to HEAD has no content', { method: 'HEAD', response: CC('max-age=60') }, 'method'],
  ['§3 a status that is not final', { status: 103, response: CC('max-age=60') }, 'interim'],
  ...[304, 407, 408, 412, 416, 417, 421, 426].map((status): [string, Given, string] => [
    `RFC 9110 §15 of one request: ${status}`,
    { status, response: CC('max-age=60') },
    'one-request',
  ]),
  ...[428, 429, 431, 511].map((status): [string, Given, string] => [
    `RFC 6585 ${status}`,
    { status, response: CC('public, max-age=60') },
    'status-forbids',
  ]),

  [
    '§5.2.1.5 no-store of the request',
    { request: CC('no-store'), response: CC('max-age=60') },
    'request-no-store',
  ],
  [
    'ignored by config',
    {
      request: CC('no-store'),
      response: CC('max-age=60'),
      options: { ignore: new Set(['request-directives']) },
    },
    'max-age',
  ],

  ['§5.2.2.5 no-store', { response: CC('no-store') }, 'no-store'],
  ['§5.2.2.5 no-store with max-age', { response: CC('max-age=60, no-store') }, 'no-store'],
  ['§5.2.2.5 no-store with an argument', { response: CC('max-age=60, no-store=x') }, 'no-store'],
  ['§5.2.2.5 no-store with public', { response: CC('public, max-age=60, no-store') }, 'no-store'],
  ['§5.2 no-store inside of a quoted string', { response: CC('max-age=60, x="no-store"') }, 'max-age'],
  [
    'no-store ignored by config',
    { response: CC('no-store, max-age=60'), options: { ignore: new Set(['no-store']) } },
    'max-age',
  ],
  [
    '§5.2.2.3 must-understand, understood',
    { response: CC('no-store, must-understand, max-age=60') },
    'max-age',
  ],
  [
    '§5.2.2.3 must-understand, not understood',
    { status: 299, response: CC('no-store, must-understand, max-age=60') },
    'must-understand',
  ],
  [
    '§5.2.2.3 even without no-store',
    { status: 599, response: CC('must-understand, max-age=60') },
    'must-understand',
  ],

  ['§5.2.2.7 private', { response: CC('private, max-age=60') }, 'private'],
  ['§5.2.2.7 private with s-maxage', { response: CC('private, s-maxage=60') }, 'private'],
  ['§5.2.2.7 private with public', { response: CC('public, private, max-age=60') }, 'private'],
  ['§5.2.2.7 private with names', { response: CC('private="set-cookie", max-age=60') }, 'max-age'],
  ['§5.2.2.7 private with nonsense', { response: CC('private="a b", max-age=60') }, 'private'],
  ['private behind a semicolon', { response: CC('max-age=60; private') }, 'private'],
  [
    'private ignored by config',
    { response: CC('private, max-age=60'), options: { ignore: new Set(['private']) } },
    'max-age',
  ],

  ['§3.5 Authorization', { request: BASIC, response: CC('max-age=60') }, 'authorization'],
  ['§3.5 with public', { request: BASIC, response: CC('max-age=60, public') }, 'max-age'],
  ['§3.5 with must-revalidate', { request: BASIC, response: CC('max-age=60, must-revalidate') }, 'max-age'],
  ['§3.5 with s-maxage', { request: BASIC, response: CC('s-maxage=60') }, 's-maxage'],
  [
    '§3.5 proxy-revalidate allows nothing',
    { request: BASIC, response: CC('max-age=60, proxy-revalidate') },
    'authorization',
  ],
  ['§3.5 a broken s-maxage allows nothing', { request: BASIC, response: CC('s-maxage=x') }, 'authorization'],
  [
    '§3.5 public with an argument allows nothing',
    { request: BASIC, response: CC('public=1, max-age=60') },
    'authorization',
  ],
  ['§3.5 a rule of the config allows nothing', { request: BASIC, options: RULE(60) }, 'authorization'],
  [
    '§3.5 ignoring private allows nothing',
    { request: BASIC, response: CC('private, max-age=60'), options: { ignore: new Set(['private']) } },
    'authorization',
  ],
  [
    'RFC 9213 §2.2 the targeted field has to allow it',
    { request: BASIC, response: `${CC('public')}\nCDN-Cache-Control: max-age=60` },
    'authorization',
  ],

  ['§4.1 Vary: *', { response: `${CC('max-age=60')}\nVary: *` }, 'vary-any'],
  ['§4.1 Vary: * among others', { response: `${CC('max-age=60')}\nVary: accept\nVary: x , *` }, 'vary-any'],
  ['§4.1 a Vary that cannot be read', { response: `${CC('max-age=60')}\nVary: "accept"` }, 'vary-any'],
  ['§4.1 Vary', { response: `${CC('max-age=60')}\nVary: accept` }, 'max-age'],
  [
    'Vary ignored by config',
    { response: `${CC('max-age=60')}\nVary: *`, options: { ignore: new Set(['vary']) } },
    'max-age',
  ],

  ['§7.3 Set-Cookie, as the standard says', { response: `${CC('max-age=60')}\nSet-Cookie: a=b` }, 'max-age'],
  [
    'Set-Cookie refused',
    { response: `${CC('max-age=60')}\nSet-Cookie: a=b`, options: { setCookie: 'refuse' } },
    'set-cookie',
  ],
  [
    'Set-Cookie refused, public',
    { response: `${CC('public, max-age=60')}\nSet-Cookie: a=b`, options: { setCookie: 'refuse' } },
    'max-age',
  ],
  [
    'Set-Cookie refused, but not kept',
    {
      response: `${CC('max-age=60, no-cache="set-cookie"')}\nSet-Cookie: a=b`,
      options: { setCookie: 'refuse' },
    },
    'max-age',
  ],

  ['a rule with 0', { response: CC('max-age=60'), options: RULE(0) }, 'ttl-zero'],
  ['a rule', { response: CC('max-age=60'), options: RULE(9) }, 'ttl-rule'],
  ['a rule for another status', { response: CC('max-age=60'), options: RULE(9, [404]) }, 'max-age'],
  ['a rule for this status', { status: 302, options: RULE(9, [404, 302]) }, 'ttl-rule'],
  [
    'a rule for a type',
    { response: 'Content-Type: Text/CSS ; charset=x', options: RULE(9, null, 'text/css') },
    'ttl-rule',
  ],
  ['a rule for no type', { response: CC('max-age=60'), options: RULE(9, null, 'text/css') }, 'max-age'],
  ['a rule does not lift no-store', { response: CC('no-store'), options: RULE(9) }, 'no-store'],

  ['§3.4 a part', { status: 206, response: `${PART}\nETag: "a"` }, 'max-age'],
  ['§3.4 a part with a weak ETag', { status: 206, response: `${PART}\nETag: W/"a"` }, 'part'],
  ['§3.4 a part with a date', { status: 206, response: `${PART}\n${MODIFIED}` }, 'part'],
  ['§3.4 a part without validator', { status: 206, response: PART }, 'part'],
  [
    '§3.4 a part of what length',
    { status: 206, response: `Content-Range: bytes 0-9/*\n${CC('max-age=60')}\nETag: "a"` },
    'part',
  ],
  [
    '§3.4 parts',
    {
      status: 206,
      response: `Content-Type: multipart/byteranges; boundary=x\n${CC('max-age=60')}\nETag: "a"`,
    },
    'part',
  ],
  [
    '§3.4 of another unit',
    { status: 206, response: `Content-Range: rows 0-9/100\n${CC('max-age=60')}\nETag: "a"` },
    'part',
  ],
  [
    '§3.4 a broken Content-Range',
    { status: 206, response: `Content-Range: bytes 9-0/100\n${CC('max-age=60')}\nETag: "a"` },
    'part',
  ],
  [
    '§3.4 two Content-Range',
    { status: 206, response: `Content-Range: bytes 0-9/100\n${PART}\nETag: "a"` },
    'part',
  ],

  ['§3 a status without lifetime', { status: 302, response: MODIFIED }, 'status'],
  ['§3 one that nobody knows', { status: 299, response: MODIFIED }, 'status'],
  ['§3 the same with max-age', { status: 299, response: CC('max-age=60') }, 'max-age'],
  ['§3 the same with Expires', { status: 302, response: `Expires: ${at(60)}` }, 'expires'],
  ['§3 the same with public', { status: 302, response: `${CC('public')}\n${MODIFIED}` }, 'heuristic'],
  ['§3 no-cache is no lifetime', { status: 302, response: `${CC('no-cache')}\nETag: "a"` }, 'status'],
  ['§4.2.2 defaultTtl is no lifetime of theirs', { status: 500, options: { defaultTtlS: 60 } }, 'status'],
  ['§3 nothing is said', {}, 'no-lifetime'],
  ['§3 nothing is said, but there is an ETag', { response: 'ETag: "a"' }, 'no-lifetime'],
  ['§5.2.3 an unknown directive says nothing', { response: CC('immutable') }, 'no-lifetime'],

  ['§5.2.2.4 no-cache and nothing to validate by', { response: CC('no-cache, max-age=60') }, 'useless'],
  ['§5.2.2.4 no-cache with an ETag', { response: `${CC('no-cache')}\nETag: "a"` }, 'validated-only'],
  ['§5.2.2.4 no-cache with max-age', { response: `${CC('no-cache, max-age=60')}\nETag: "a"` }, 'max-age'],
  ['§5.2.2.2 over, must-revalidate, no validator', { response: CC('max-age=0, must-revalidate') }, 'useless'],
  ['§5.2.2.10 over by s-maxage, no validator', { response: CC('s-maxage=0') }, 'useless'],
  ['over, but it may be used stale', { response: CC('max-age=0') }, 'max-age'],
  ['public and nothing else', { response: CC('public') }, 'useless'],
  ['public with an ETag', { response: `${CC('public')}\nETag: "a"` }, 'validated-only'],

  ['RFC 9213 §2.2 a targeted field', { response: 'CDN-Cache-Control: max-age=60' }, 'targeted'],
  [
    'RFC 9213 §2.2 it lifts no-store',
    { response: `${CC('no-store')}\nCDN-Cache-Control: max-age=60` },
    'targeted',
  ],
  [
    'RFC 9213 §2.2 it says no-store',
    { response: `${CC('max-age=60')}\nCDN-Cache-Control: no-store` },
    'no-store',
  ],
  [
    'RFC 9213 §2.2 it says private',
    { response: `${CC('max-age=60')}\nCDN-Cache-Control: private` },
    'private',
  ],
  ['RFC 9213 §2.1 empty', { response: `${CC('no-store')}\nCDN-Cache-Control:` }, 'no-store'],
  ['RFC 9213 §2.1 broken', { response: `${CC('no-store')}\nCDN-Cache-Control: max-age=60, &` }, 'no-store'],
  [
    'RFC 9213 §3.1 none',
    { response: `${CC('no-store')}\nCDN-Cache-Control: none\n${MODIFIED}` },
    'heuristic',
  ],
  [
    'RFC 9213 §2.2 Expires is ignored',
    { response: `Expires: ${at(60)}\nCDN-Cache-Control: none` },
    'no-lifetime',
  ],
  ['RFC 9213 §2.2 of others', { response: `${CC('no-store')}\nOther-Cache-Control: max-age=60` }, 'no-store'],

  ['§5.2.2.10 s-maxage', { response: CC('s-maxage=60') }, 's-maxage'],
  ['§5.2.2.1 max-age', { response: CC('max-age=60') }, 'max-age'],
  ['§5.3 Expires', { response: `Expires: ${at(60)}` }, 'expires'],
  ['§4.2.2 heuristic', { response: MODIFIED }, 'heuristic'],
  ['§4.2.2 default', { options: { defaultTtlS: 60 } }, 'default-ttl'],
  ['§4.2.2 Pragma of a response', { response: `Pragma: no-cache\n${MODIFIED}` }, 'no-lifetime'],
  ['§5.4 Pragma beside max-age', { response: `Pragma: no-cache\n${CC('max-age=60')}` }, 'max-age'],
]

describe('storing', () => {
  for (const [name, given, code] of CASES)
    it(`${name} → ${code}`, () => {
      const judgement = judged(given)
      assert.equal(judgement.code, code)
      assert.equal(judgement.policy !== null, STORING[code].stored)
    })

  it('has a case for every row of the table', () => {
    const asked = new Set(CASES.map(([, , code]) => code))
    assert.deepEqual(
      Object.keys(STORING).filter(code => !asked.has(code)),
      [],
    )
  })

  it('has a clause and a sentence in every row', () => {
    for (const [code, { clause, words }] of Object.entries(STORING)) {
      assert.match(clause, /^(RFC \d+ §|config )/, code)
      assert.match(words, /^(Vary|[a-z]).*[^.]$/, code)
    }
  })

  for (const status of [200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 451, 501])
    it(`RFC 9110 §15.1 ${status} is heuristically cacheable`, () =>
      assert.equal(judged({ status, response: MODIFIED }).code, 'heuristic'))
  for (const status of [
    201, 202, 205, 207, 299, 302, 303, 305, 307, 400, 401, 403, 409, 422, 500, 502, 503, 504,
  ])
    it(`RFC 9110 §15.1 ${status} is not`, () => {
      assert.equal(judged({ status, response: MODIFIED }).code, 'status')
      assert.equal(judged({ status, response: CC('max-age=60') }).code, 'max-age')
    })
})

const POLICIES: readonly [string, Given, Partial<Policy>][] = [
  ['no-cache', { response: `${CC('no-cache, max-age=60')}\nETag: "a"` }, { noCache: true, lifetimeS: 60 }],
  ['no-cache, qualified', { response: CC('no-cache="a", max-age=60') }, { noCache: false }],
  [
    'no-cache, twice',
    { response: `${CC('no-cache="a", no-cache, max-age=60')}\nETag: "a"` },
    { noCache: true },
  ],
  [
    'no-cache ignored',
    { response: CC('no-cache, max-age=60'), options: { ignore: new Set(['no-cache']) } },
    { noCache: false },
  ],
  ['must-revalidate', { response: CC('max-age=60, must-revalidate') }, { mustRevalidate: true }],
  ['proxy-revalidate', { response: CC('max-age=60, proxy-revalidate') }, { mustRevalidate: true }],
  ['§5.2.2.10 s-maxage', { response: CC('max-age=60, s-maxage=9') }, { mustRevalidate: true, lifetimeS: 9 }],
  [
    'must-revalidate ignored',
    { response: CC('s-maxage=9'), options: { ignore: new Set(['must-revalidate']) } },
    { mustRevalidate: false },
  ],
  [
    'neither',
    { response: CC('max-age=60') },
    { mustRevalidate: false, noCache: false, staleIfErrorS: 0, staleWhileRevalidateS: 0 },
  ],
  [
    'a rule leaves must-revalidate',
    { response: CC('max-age=60, must-revalidate'), options: RULE(9) },
    { mustRevalidate: true, lifetimeS: 9 },
  ],
  [
    'RFC 5861 §3',
    { response: CC('max-age=60, stale-while-revalidate=30') },
    { staleWhileRevalidateS: 30, staleIfErrorS: 0 },
  ],
  [
    'RFC 5861 §4',
    { response: CC('max-age=60, stale-if-error=30') },
    { staleIfErrorS: 30, staleWhileRevalidateS: 0 },
  ],
  [
    'RFC 5861 from the config',
    { response: CC('max-age=60'), options: { staleIfErrorS: 5, staleWhileRevalidateS: 6 } },
    { staleIfErrorS: 5, staleWhileRevalidateS: 6 },
  ],
  [
    'RFC 5861 the response counts before the config',
    {
      response: CC('max-age=60, stale-if-error=0, stale-while-revalidate=x'),
      options: { staleIfErrorS: 5, staleWhileRevalidateS: 6 },
    },
    { staleIfErrorS: 0, staleWhileRevalidateS: 0 },
  ],
  [
    '§4.2.4 not against must-revalidate',
    {
      response: CC('max-age=60, must-revalidate, stale-if-error=30, stale-while-revalidate=30'),
      options: { staleIfErrorS: 5 },
    },
    { staleIfErrorS: 0, staleWhileRevalidateS: 0 },
  ],
  [
    '§4.2.4 not against s-maxage',
    { response: CC('s-maxage=60, stale-while-revalidate=30') },
    { staleWhileRevalidateS: 0 },
  ],
  [
    'RFC 9213 targeted',
    { response: `${CC('max-age=5, must-revalidate')}\nCDN-Cache-Control: max-age=60, stale-if-error=9` },
    { lifetimeFrom: 'targeted', lifetimeS: 60, mustRevalidate: false, staleIfErrorS: 9 },
  ],
]

describe('the policy of a response', () => {
  for (const [name, given, expected] of POLICIES)
    it(name, () => {
      const { policy } = judged(given)
      assert.ok(policy !== null)
      assert.deepEqual({ ...policy, ...expected }, policy)
    })

  it('says where its numbers come from', () => {
    assert.equal(judged({ response: `${CC('max-age=60')}\nAge: 3` }).detail, 'max-age=60, age 3 (Age)')
    assert.equal(judged({ response: CC('s-maxage=60'), delayMs: 1500 }).detail, 's-maxage=60, age 1.5')
    assert.equal(
      judged({ response: `Date: ${at(-90)}\nExpires: ${at(30)}` }).detail,
      'Expires 120 s after Date, age 90 (by Date)',
    )
    assert.equal(
      judged({ response: 'CDN-Cache-Control: max-age=60' }).detail,
      'cdn-cache-control max-age=60, age 0',
    )
    assert.equal(judged({ response: MODIFIED }).detail, '3600 s for 36000 s since Last-Modified, age 0')
    assert.equal(judged({ options: RULE(9) }).detail, 'a rule of the config says 9 s, age 0')
    assert.equal(judged({ options: { defaultTtlS: 9 } }).detail, 'defaultTtl 9 s, age 0')
    assert.equal(judged({}).detail, 'no lifetime said, age 0')
  })
})

describe('after a validation', () => {
  const stored = fields(`Date: ${at(0)}\nCache-Control: max-age=60\nETag: "a"`)

  it('§4.2.3 the age is that of the answer which validated it', () => {
    const { policy } = judgeUpdated(
      answered({ status: 304, response: 'Age: 7' }),
      200,
      stored,
      CACHE_DEFAULTS,
    )
    assert.equal(policy?.initialAgeS, 7)
    assert.equal(policy.lifetimeS, 60)
  })

  it('what must not be stored any more has no policy', () => {
    const now = fields(`Date: ${at(0)}\nCache-Control: no-store\nETag: "a"`)
    const { code, policy } = judgeUpdated(answered({ status: 304 }), 200, now, CACHE_DEFAULTS)
    assert.equal(code, 'no-store')
    assert.equal(policy, null)
  })

  it('§4.3.5 an answer to HEAD counts as well', () => {
    const { code } = judgeUpdated(answered({ method: 'HEAD' }), 200, stored, CACHE_DEFAULTS)
    assert.equal(code, 'max-age')
  })
})
