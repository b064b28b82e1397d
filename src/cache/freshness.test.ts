import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { HeaderList } from '../http/header-list.ts'
import { formatHttpDate } from '../http/http-date.ts'
import { SECONDS_MAX } from './cache-control.ts'
import { initialAge, lifetimeOf } from './freshness.ts'
import { CACHE_DEFAULTS, type CacheOptions } from './options.ts'
import { ageOf, type Policy } from './policy.ts'
import { controlOf } from './targeted.ts'

const NOW_MS = Date.parse('2026-11-20T12:00:00Z')
const at = (seconds: number): string => formatHttpDate(NOW_MS + seconds * 1000)

type Fields = readonly (readonly [string, string])[]

function lifetime(fields: Fields, options: Partial<CacheOptions> = {}, status = 200): string {
  const headers = HeaderList.from(fields)
  const all = { ...CACHE_DEFAULTS, ...options }
  const { seconds, from } = lifetimeOf(headers, status, controlOf(headers, all.targeted), NOW_MS, all)
  return `${from} ${seconds}`
}

const DATE = ['Date', at(0)] as const
const CC = (text: string) => ['Cache-Control', text] as const
const CDN = (text: string) => ['CDN-Cache-Control', text] as const

const LIFETIMES: readonly [string, Fields, string][] = [
  ['§4.2.1 s-maxage before all', [DATE, CC('max-age=1, s-maxage=2'), ['Expires', at(3)]], 's-maxage 2'],
  ['§4.2.1 max-age before Expires', [DATE, CC('max-age=1'), ['Expires', at(3)]], 'max-age 1'],
  ['§5.3 even when max-age is broken', [DATE, CC('max-age=x'), ['Expires', at(3)]], 'max-age 0'],
  ['§4.2.1 a broken s-maxage is over', [DATE, CC('max-age=1, s-maxage=x')], 's-maxage 0'],
  ['§4.2.1 several lines', [DATE, CC('public'), CC('max-age=1')], 'max-age 1'],
  ['§5.3 Expires', [DATE, ['Expires', at(3)]], 'expires 3'],
  ['§5.3 beside other directives', [DATE, CC('public'), ['Expires', at(3)]], 'expires 3'],
  [
    '§4.2.1 Expires is seen from Date',
    [
      ['Date', at(-100)],
      ['Expires', at(-40)],
    ],
    'expires 60',
  ],
  [
    '§4.2.1 Date in the future',
    [
      ['Date', at(100)],
      ['Expires', at(160)],
    ],
    'expires 60',
  ],
  ['§4.2.1 without Date', [['Expires', at(3)]], 'expires 3'],
  [
    'a broken Date is none',
    [
      ['Date', 'today'],
      ['Expires', at(3)],
    ],
    'expires 3',
  ],
  ['§5.3 in the past', [DATE, ['Expires', at(-1)]], 'expires 0'],
  ['§5.3 now', [DATE, ['Expires', at(0)]], 'expires 0'],
  ['§5.3 0', [DATE, ['Expires', '0']], 'expires 0'],
  ['§5.3 -1', [DATE, ['Expires', '-1']], 'expires 0'],
  ['§5.3 nothing', [DATE, ['Expires', '']], 'expires 0'],
  ['§5.3 no date', [DATE, ['Expires', 'Fri, 32 Nov 2099 12:00:00 GMT']], 'expires 0'],
  ['§4.2 no other zone than GMT', [DATE, ['Expires', 'Fri, 20 Nov 2026 14:00:00 EST']], 'expires 0'],
  ['§4.2 in any case', [DATE, ['Expires', 'fri, 20 nov 2026 12:00:05 gmt']], 'expires 5'],
  ['RFC 9110 §5.6.7 as in RFC 850', [DATE, ['Expires', 'Friday, 20-Nov-26 12:00:05 GMT']], 'expires 5'],
  ['RFC 9110 §5.6.7 as by asctime', [DATE, ['Expires', 'Fri Nov 20 12:00:05 2026']], 'expires 5'],
  ['§1.2.2 in 7000 years', [DATE, ['Expires', 'Fri, 31 Dec 9999 23:59:59 GMT']], `expires ${SECONDS_MAX}`],
  ['§4.2.1 twice the same', [DATE, ['Expires', at(3)], ['Expires', at(3)]], 'expires 3'],
  ['§4.2.1 the first, when it is the earliest', [DATE, ['Expires', at(3)], ['Expires', at(9)]], 'expires 3'],
  ['§4.2.1 over, when a later one is earlier', [DATE, ['Expires', at(9)], ['Expires', at(3)]], 'expires 0'],
  ['§4.2.1 over, when one is none', [DATE, ['Expires', at(9)], ['Expires', '0']], 'expires 0'],
  ['§4.2.2 a tenth', [DATE, ['Last-Modified', at(-1000)]], 'heuristic 100'],
  ['§4.2.2 whole seconds', [DATE, ['Last-Modified', at(-1009)]], 'heuristic 100'],
  ['§4.2.2 at most a day', [DATE, ['Last-Modified', at(-10_000_000)]], 'heuristic 86400'],
  ['§4.2.2 in the future', [DATE, ['Last-Modified', at(10)]], 'heuristic 0'],
  ['§4.2.2 not with explicit', [DATE, CC('max-age=0'), ['Last-Modified', at(-1000)]], 'max-age 0'],
  ['§4.2.2 not with a broken Expires', [DATE, ['Expires', 'x'], ['Last-Modified', at(-1000)]], 'expires 0'],
  ['§4.2.2 not with no-cache', [DATE, CC('no-cache'), ['Last-Modified', at(-1000)]], 'none 0'],
  ['no date at all', [DATE, ['Last-Modified', 'yesterday']], 'none 0'],
  ['nothing is said', [DATE], 'none 0'],
  ['RFC 9213 a targeted field', [DATE, CDN('max-age=9'), CC('max-age=1')], 'targeted 9'],
  ['RFC 9213 its s-maxage', [DATE, CDN('max-age=9, s-maxage=8')], 'targeted 8'],
  ['RFC 9213 parameters are ignored', [DATE, CDN('max-age=9;a=b')], 'targeted 9'],
  ['RFC 9213 the last of a name', [DATE, CDN('max-age=9, max-age=8')], 'targeted 8'],
  ['RFC 9213 of several lines', [DATE, CDN('x'), CDN('max-age=9')], 'targeted 9'],
  ['RFC 9213 not a String', [DATE, CDN('max-age="9"'), CC('max-age=1')], 'targeted 0'],
  ['RFC 9213 not a Decimal', [DATE, CDN('max-age=9.0'), CC('max-age=1')], 'targeted 0'],
  ['RFC 9213 not a Boolean', [DATE, CDN('max-age'), CC('max-age=1')], 'targeted 0'],
  ['RFC 9213 not negative', [DATE, CDN('max-age=-9'), CC('max-age=1')], 'targeted 0'],
  ['RFC 9213 not a list', [DATE, CDN('max-age=(9)'), CC('max-age=1')], 'targeted 0'],
  ['RFC 9213 false is not said', [DATE, CDN('no-store=?0, max-age=9')], 'targeted 9'],
  ['RFC 9213 §2.1 names have no capitals', [DATE, CDN('Max-Age=9'), CC('max-age=1')], 'max-age 1'],
  ['RFC 9213 §2.1 broken', [DATE, CDN('max-age=9, =x'), CC('max-age=1')], 'max-age 1'],
  ['RFC 9213 §2.1 empty', [DATE, CDN(''), CC('max-age=1')], 'max-age 1'],
]

describe('§4.2.1 lifetime', () => {
  for (const [name, fields, expected] of LIFETIMES) it(name, () => assert.equal(lifetime(fields), expected))

  it('RFC 9213 §2.2 the first target that is whole decides', () => {
    const targeted = ['mine-cache-control', 'cdn-cache-control']
    const mine = (text: string) => ['Mine-Cache-Control', text] as const
    assert.equal(lifetime([CDN('max-age=9'), mine('max-age=8')], { targeted }), 'targeted 8')
    assert.equal(lifetime([CDN('max-age=9'), mine('')], { targeted }), 'targeted 9')
    assert.equal(lifetime([CDN('max-age=9'), mine('x')], { targeted }), 'none 0')
    assert.equal(lifetime([CDN('max-age=9'), CC('max-age=1')], { targeted: [] }), 'max-age 1')
  })

  it('§4.2.2 heuristics as the config says', () => {
    const fields: Fields = [DATE, ['Last-Modified', at(-1000)]]
    assert.equal(lifetime(fields, { heuristicFraction: 0.5 }), 'heuristic 500')
    assert.equal(lifetime(fields, { heuristicMaxS: 7 }), 'heuristic 7')
    assert.equal(lifetime(fields, { heuristicFraction: 0 }), 'none 0')
    assert.equal(lifetime(fields, { heuristicFraction: 0, defaultTtlS: 5 }), 'default 5')
    assert.equal(lifetime(fields, { defaultTtlS: 5 }), 'heuristic 100')
    assert.equal(lifetime([...fields, CC('no-cache')], { defaultTtlS: 5 }), 'none 0')
    assert.equal(lifetime([...fields, CC('no-cache')], { ignore: new Set(['no-cache']) }), 'heuristic 100')
    assert.equal(lifetime(fields, {}, 302), 'none 0')
    assert.equal(lifetime([...fields, CC('public')], {}, 302), 'heuristic 100')
  })

  it('a rule takes the place of everything', () => {
    const rules = [{ statuses: null, type: (type: string) => type === 'text/css', ttlS: 5 }]
    assert.equal(lifetime([DATE, CC('max-age=9'), ['Content-Type', 'TEXT/css']], { rules }), 'rule 5')
    assert.equal(lifetime([DATE, CC('max-age=9')], { rules }), 'max-age 9')
  })
})

const age = (fields: Fields, delayMs = 0): number =>
  initialAge(HeaderList.from(fields), NOW_MS - delayMs, NOW_MS).seconds

const AGES: readonly [string, Fields, number, number][] = [
  ['none', [DATE], 0, 0],
  ['§4.2.3 Age', [DATE, ['Age', '5']], 0, 5],
  ['§4.2.3 response_delay', [DATE], 1500, 1.5],
  ['§4.2.3 both', [DATE, ['Age', '5']], 1500, 6.5],
  ['§4.2.3 apparent_age', [['Date', at(-100)]], 0, 100],
  [
    '§4.2.3 the larger: Date',
    [
      ['Date', at(-100)],
      ['Age', '5'],
    ],
    0,
    100,
  ],
  [
    '§4.2.3 the larger: Age',
    [
      ['Date', at(-100)],
      ['Age', '500'],
    ],
    0,
    500,
  ],
  [
    '§4.2.3 Date in the future',
    [
      ['Date', at(100)],
      ['Age', '5'],
    ],
    0,
    5,
  ],
  ['Date of the second before', [['Date', at(-1)]], 0, 0],
  ['Date of two seconds before', [['Date', at(-2)]], 0, 2],
  ['no Date', [['Age', '5']], 0, 5],
  [
    'a broken Date',
    [
      ['Date', 'x'],
      ['Age', '5'],
    ],
    0,
    5,
  ],
  ['a clock set back meanwhile', [DATE], -5000, 0],
  ['§5.1 a list: the first', [DATE, ['Age', '5, 9']], 0, 5],
  ['§5.1 repeated: the first', [DATE, ['Age', '5'], ['Age', '9']], 0, 5],
  ['§5.1 a list: the first is none', [DATE, ['Age', 'x, 9']], 0, 0],
  ['RFC 9110 §5.6.1 empty elements', [DATE, ['Age', ', 5']], 0, 5],
  ['§5.1 negative', [DATE, ['Age', '-5']], 0, 0],
  ['§5.1 no number', [DATE, ['Age', 'old']], 0, 0],
  ['§5.1 a fraction', [DATE, ['Age', '5.5']], 0, 0],
  ['§5.1 quoted', [DATE, ['Age', '"5"']], 0, 0],
  ['§5.1 with a parameter', [DATE, ['Age', '5;a=b']], 0, 0],
  ['§5.1 empty', [DATE, ['Age', '']], 0, 0],
  ['§1.2.2 too large', [DATE, ['Age', '9'.repeat(30)]], 0, SECONDS_MAX],
  ['§1.2.2 overflow', [DATE, ['Age', '2147483648']], 5000, SECONDS_MAX],
  ['§1.2.2 a Date of 1900', [['Date', 'Mon, 01 Jan 1900 00:00:00 GMT']], 0, SECONDS_MAX],
]

describe('§4.2.3 age on arrival', () => {
  for (const [name, fields, delayMs, expected] of AGES)
    it(name, () => assert.equal(age(fields, delayMs), expected))
})

describe('arithmetic', () => {
  const junk = fc.string({ unit: fc.constantFrom(...'0123456789-+., ;="eExX'), maxLength: 25 })
  const date = fc.oneof(
    fc.integer({ min: -3e9, max: 3e9 }).map(at),
    fc.constantFrom('0', '-1', 'Thu, 01 Jan 1970 00:00:00 GMT', 'Fri, 31 Dec 9999 23:59:59 GMT', ''),
    junk,
  )
  const control = fc
    .array(fc.tuple(fc.constantFrom('max-age', 's-maxage', 'public', 'no-cache', 'x'), fc.option(junk)))
    .map(directives =>
      directives.map(([name, value]) => (value === null ? name : `${name}=${value}`)).join(','),
    )
  const field = fc.oneof(
    fc.tuple(fc.constantFrom('Date', 'Expires', 'Last-Modified'), date),
    fc.tuple(fc.constant('Age'), junk),
    fc.tuple(fc.constantFrom('Cache-Control', 'CDN-Cache-Control'), control),
  )
  const fields = fc.array(field, { maxLength: 8 })
  const odd = fc.oneof(fc.double(), fc.constantFrom(Number.NaN, -1, Number.POSITIVE_INFINITY))

  it('gives lifetimes from 0 to 2^31, whatever is said', () => {
    fc.assert(
      fc.property(
        fields,
        fc.option(odd),
        odd,
        odd,
        (given, defaultTtlS, heuristicMaxS, heuristicFraction) => {
          const headers = HeaderList.from(given)
          const options = { ...CACHE_DEFAULTS, defaultTtlS, heuristicMaxS, heuristicFraction }
          const control = controlOf(headers, options.targeted)
          const { seconds } = lifetimeOf(headers, 200, control, NOW_MS, options)
          assert.ok(seconds >= 0 && seconds <= SECONDS_MAX, String(seconds))
        },
      ),
    )
  })

  it('gives ages from 0 to 2^31, and never less than Age says', () => {
    fc.assert(
      fc.property(fields, fc.integer({ min: -1e6, max: 1e12 }), fc.nat(), (given, delayMs, said) => {
        const seconds = age(given, delayMs)
        assert.ok(seconds >= 0 && seconds <= SECONDS_MAX, String(seconds))
        assert.ok(age([['Age', String(said)], ...given], delayMs) >= said)
      }),
    )
  })

  it('makes an answer older the longer it took, and the longer it lies', () => {
    const step = fc.nat({ max: 1e9 })
    fc.assert(
      fc.property(fields, step, step, step, step, (given, delayMs, slowerMs, sinceMs, laterMs) => {
        const quick = age(given, delayMs)
        const slow = age(given, delayMs + slowerMs)
        assert.ok(slow >= quick)
        const policy = { initialAgeS: quick } as Policy
        const before = ageOf(policy, NOW_MS, NOW_MS + sinceMs)
        assert.ok(ageOf(policy, NOW_MS, NOW_MS + sinceMs + laterMs) >= before)
        assert.ok(before >= quick)
        // A clock that is set back makes nothing younger than it came.
        assert.equal(ageOf(policy, NOW_MS, NOW_MS - laterMs), quick)
      }),
    )
  })
})
