import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { HeaderList } from './header-list.ts'
import { formatHttpDate } from './http-date.ts'
import {
  evaluatePreconditions,
  ifRangeHolds,
  type PreconditionResult,
  type Recipient,
  type Validators,
} from './preconditions.ts'

const NOW_MS = Date.UTC(2026, 10, 20, 12)
const MODIFIED = 'Fri, 20 Nov 2026 10:00:00 GMT'
const BEFORE = 'Fri, 20 Nov 2026 09:59:59 GMT'
const AFTER = 'Fri, 20 Nov 2026 10:00:01 GMT'
const DATE_MS = Date.UTC(2026, 10, 20, 11)
const DATE = 'Fri, 20 Nov 2026 11:00:00 GMT'
const BEFORE_DATE = 'Fri, 20 Nov 2026 10:59:59 GMT'

const STRONG: Validators = { etag: '"a"', lastModified: MODIFIED, dateMs: DATE_MS }
const WEAK: Validators = { ...STRONG, etag: 'W/"a"' }
const TAG_ONLY: Validators = { ...STRONG, lastModified: '' }
const DATE_ONLY: Validators = { ...STRONG, etag: '' }
const NOTHING: Validators = { etag: '', lastModified: '', dateMs: DATE_MS }

type Fields = Readonly<Record<string, string | readonly string[]>>

const headersOf = (fields: Fields): HeaderList =>
  HeaderList.from(
    Object.entries(fields).flatMap(([name, values]) =>
      (typeof values === 'string' ? [values] : values).map(value => [name, value] as const),
    ),
  )

const ask = (
  method: string,
  fields: Fields,
  validators: Validators,
  recipient?: Recipient,
): PreconditionResult => evaluatePreconditions(method, headersOf(fields), validators, NOW_MS, recipient)

type Row = readonly [clause: string, fields: Fields, validators: Validators, result: PreconditionResult]

const IF_MATCH: readonly Row[] = [
  ['§13.1.1 "*"', { 'If-Match': '*' }, STRONG, 'proceed'],
  ['§13.1.1 "*" without tag', { 'If-Match': '*' }, NOTHING, 'proceed'],
  ['§13.1.1 the tag', { 'If-Match': '"a"' }, STRONG, 'proceed'],
  ['§13.1.1 one of several', { 'If-Match': '"x", "a"' }, STRONG, 'proceed'],
  ['§13.1.1 one of several lines', { 'If-Match': ['"x"', '"a"'] }, STRONG, 'proceed'],
  ['§13.1.1 none of them', { 'If-Match': '"x", "y"' }, STRONG, 'failed'],
  ['§13.1.1 strong comparison', { 'If-Match': 'W/"a"' }, STRONG, 'failed'],
  ['§13.1.1 strong comparison', { 'If-Match': '"a"' }, WEAK, 'failed'],
  ['§13.1.1 strong comparison', { 'If-Match': 'W/"a"' }, WEAK, 'failed'],
  ['§13.1.1 no tag to compare with', { 'If-Match': '"a"' }, DATE_ONLY, 'failed'],
  ['§13.1.1 otherwise false', { 'If-Match': 'a' }, STRONG, 'failed'],
  ['§13.1.1 otherwise false', { 'If-Match': '' }, STRONG, 'failed'],
  ['§13.1.1 "*" beside others', { 'If-Match': '*, "a"' }, STRONG, 'failed'],
]

const IF_UNMODIFIED_SINCE: readonly Row[] = [
  ['§13.1.4 equal', { 'If-Unmodified-Since': MODIFIED }, STRONG, 'proceed'],
  ['§13.1.4 earlier', { 'If-Unmodified-Since': AFTER }, STRONG, 'proceed'],
  ['§13.1.4 later', { 'If-Unmodified-Since': BEFORE }, STRONG, 'failed'],
  ['§13.1.4 not a date', { 'If-Unmodified-Since': 'yesterday' }, STRONG, 'proceed'],
  ['§13.1.4 a list of dates', { 'If-Unmodified-Since': [BEFORE, BEFORE] }, STRONG, 'proceed'],
  ['§13.1.4 no date to compare with', { 'If-Unmodified-Since': BEFORE }, TAG_ONLY, 'proceed'],
  ['§13.1.4 beside If-Match', { 'If-Match': '"a"', 'If-Unmodified-Since': BEFORE }, STRONG, 'proceed'],
]

const IF_NONE_MATCH: readonly Row[] = [
  ['§13.1.2 "*"', { 'If-None-Match': '*' }, STRONG, 'not-modified'],
  ['§13.1.2 "*" without tag', { 'If-None-Match': '*' }, NOTHING, 'not-modified'],
  ['§13.1.2 the tag', { 'If-None-Match': '"a"' }, STRONG, 'not-modified'],
  ['§13.1.2 one of several', { 'If-None-Match': '"x", "a"' }, STRONG, 'not-modified'],
  ['§13.1.2 one of several lines', { 'If-None-Match': ['"x"', 'W/"a"'] }, STRONG, 'not-modified'],
  ['§13.1.2 weak comparison', { 'If-None-Match': 'W/"a"' }, STRONG, 'not-modified'],
  ['§13.1.2 weak comparison', { 'If-None-Match': '"a"' }, WEAK, 'not-modified'],
  ['§13.1.2 weak comparison', { 'If-None-Match': 'W/"a"' }, WEAK, 'not-modified'],
  ['§13.1.2 none of them', { 'If-None-Match': '"x", "y"' }, STRONG, 'proceed'],
  ['§13.1.2 no tag to compare with', { 'If-None-Match': '"a"' }, DATE_ONLY, 'proceed'],
  ['§13.1.2 a tag that is none', { 'If-None-Match': '"a"' }, { ...STRONG, etag: 'a' }, 'proceed'],
  ['§13.1.2 otherwise true', { 'If-None-Match': 'a' }, { ...STRONG, etag: 'a' }, 'proceed'],
  ['§13.1.2 otherwise true', { 'If-None-Match': '' }, NOTHING, 'proceed'],
  ['§13.1.2 "*" beside others', { 'If-None-Match': '"a", *' }, STRONG, 'proceed'],
]

const IF_MODIFIED_SINCE: readonly Row[] = [
  ['§13.1.3 equal', { 'If-Modified-Since': MODIFIED }, STRONG, 'not-modified'],
  ['§13.1.3 earlier', { 'If-Modified-Since': AFTER }, STRONG, 'not-modified'],
  ['§13.1.3 later', { 'If-Modified-Since': BEFORE }, STRONG, 'proceed'],
  ['§5.6.7 another format', { 'If-Modified-Since': 'Fri Nov 20 10:00:00 2026' }, STRONG, 'not-modified'],
  [
    '§5.6.7 another format',
    { 'If-Modified-Since': 'Friday, 20-Nov-26 10:00:00 GMT' },
    STRONG,
    'not-modified',
  ],
  ['§13.1.3 not a date', { 'If-Modified-Since': '0' }, STRONG, 'proceed'],
  ['§13.1.3 several members', { 'If-Modified-Since': [AFTER, AFTER] }, STRONG, 'proceed'],
  ['§13.1.3 several members', { 'If-Modified-Since': `${AFTER}, ${AFTER}` }, STRONG, 'proceed'],
  ['§13.1.3 beside If-None-Match', { 'If-None-Match': '"x"', 'If-Modified-Since': AFTER }, STRONG, 'proceed'],
  ['§13.1.3 beside a broken one', { 'If-None-Match': 'x', 'If-Modified-Since': AFTER }, STRONG, 'proceed'],
  ['RFC 9111 §4.3.2 Date instead', { 'If-Modified-Since': DATE }, TAG_ONLY, 'not-modified'],
  ['RFC 9111 §4.3.2 Date instead', { 'If-Modified-Since': BEFORE_DATE }, TAG_ONLY, 'proceed'],
  [
    'RFC 9111 §4.3.2 Date instead of a broken one',
    { 'If-Modified-Since': DATE },
    { ...STRONG, lastModified: '0' },
    'not-modified',
  ],
]

test('a retrieval with one precondition', () => {
  for (const method of ['GET', 'HEAD'])
    for (const [clause, fields, validators, result] of [
      ...IF_MATCH,
      ...IF_UNMODIFIED_SINCE,
      ...IF_NONE_MATCH,
      ...IF_MODIFIED_SINCE,
    ])
      assert.equal(ask(method, fields, validators), result, `${method} ${clause} ${JSON.stringify(fields)}`)
})

test('RFC 9110 §13.2.2: what is not met says 412 to other methods, and dates of If-Modified-Since nothing', () => {
  for (const [clause, fields, validators, result] of [...IF_MATCH, ...IF_UNMODIFIED_SINCE, ...IF_NONE_MATCH])
    assert.equal(ask('PUT', fields, validators), result === 'proceed' ? 'proceed' : 'failed', clause)
  for (const [clause, fields, validators] of IF_MODIFIED_SINCE)
    assert.equal(ask('PUT', fields, validators), 'proceed', clause)
})

test('RFC 9110 §13.2.2: in this order', () => {
  // 412 comes before 304.
  assert.equal(ask('GET', { 'If-None-Match': '"a"', 'If-Match': '"x"' }, STRONG), 'failed')
  assert.equal(ask('GET', { 'If-None-Match': '"a"', 'If-Unmodified-Since': BEFORE }, STRONG), 'failed')
  assert.equal(ask('GET', { 'If-Modified-Since': AFTER, 'If-Unmodified-Since': BEFORE }, STRONG), 'failed')
  // What is met leads on to the next step.
  assert.equal(ask('GET', { 'If-None-Match': '"a"', 'If-Match': '"a"' }, STRONG), 'not-modified')
  assert.equal(ask('GET', { 'If-Modified-Since': MODIFIED, 'If-Match': '*' }, STRONG), 'not-modified')
  assert.equal(ask('GET', { 'If-None-Match': '"a"', 'If-Unmodified-Since': AFTER }, STRONG), 'not-modified')
})

test('RFC 9111 §4.3.2: a cache leaves out what is for origin servers', () => {
  for (const [clause, fields, validators] of [...IF_MATCH, ...IF_UNMODIFIED_SINCE])
    assert.equal(ask('GET', fields, validators, 'cache'), 'proceed', clause)
  assert.equal(ask('GET', { 'If-None-Match': '"a"', 'If-Match': '"x"' }, STRONG, 'cache'), 'not-modified')
})

test('RFC 9110 §13.2.1: methods that select no representation', () => {
  for (const method of ['OPTIONS', 'TRACE', 'CONNECT'])
    assert.equal(ask(method, { 'If-Match': '"x"', 'If-None-Match': '*' }, STRONG), 'proceed')
})

test('a request without conditions goes on', () => {
  for (const validators of [STRONG, NOTHING])
    assert.equal(ask('GET', { Accept: '*/*' }, validators), 'proceed')
  assert.equal(ask('GET', { 'If-Range': '"x"', Range: 'bytes=0-1' }, STRONG), 'proceed')
})

const IF_RANGE: readonly (readonly [
  clause: string,
  value: string,
  validators: Validators,
  holds: boolean,
])[] = [
  ['§13.1.5 the tag', '"a"', STRONG, true],
  ['§13.1.5 another tag', '"b"', STRONG, false],
  ['§13.1.5 strong comparison', 'W/"a"', STRONG, false],
  ['§13.1.5 strong comparison', '"a"', WEAK, false],
  ['§13.1.5 strong comparison', 'W/"a"', WEAK, false],
  ['§13.1.5 no tag', '"a"', DATE_ONLY, false],
  ['§13.1.5 a list', '"a", "b"', STRONG, false],
  ['§13.1.5 "*" means nothing here', '*', STRONG, false],
  ['§13.1.5 a broken tag', '"a', { ...STRONG, etag: '"a' }, false],
  ['§13.1.5 the date', MODIFIED, STRONG, true],
  ['§13.1.5 a date without tag', MODIFIED, DATE_ONLY, true],
  ['§13.1.5 exact, not later', AFTER, STRONG, false],
  ['§13.1.5 exact, not earlier', BEFORE, STRONG, false],
  ['§13.1.5 another format', 'Fri Nov 20 10:00:00 2026', STRONG, true],
  ['§13.1.5 no date', MODIFIED, TAG_ONLY, false],
  ['§13.1.5 not a date', '0', STRONG, false],
  ['§13.1.5 nothing', '', NOTHING, false],
  ['§13.1.5 what is broken alike is not equal', '0', { ...STRONG, lastModified: '0' }, false],
  ['§8.8.2.2 made a second later', MODIFIED, { ...STRONG, dateMs: Date.UTC(2026, 10, 20, 10, 0, 1) }, true],
  ['§8.8.2.2 made in that second', MODIFIED, { ...STRONG, dateMs: Date.UTC(2026, 10, 20, 10) }, false],
  ['§8.8.2.2 made before it', MODIFIED, { ...STRONG, dateMs: Date.UTC(2026, 10, 20, 9) }, false],
  ['§8.8.2.2 made nobody knows when', MODIFIED, { ...STRONG, dateMs: Number.NaN }, false],
]

test('RFC 9110 §13.1.5: If-Range', () => {
  for (const [clause, value, validators, holds] of IF_RANGE)
    assert.equal(ifRangeHolds(value, validators, NOW_MS), holds, `${clause}: ${value}`)
})

test('a date decides by itself alone: not modified since exactly when it is not later', () => {
  const second = fc.integer({ min: 0, max: 4_000_000_000 })
  fc.assert(
    fc.property(second, fc.integer({ min: -2, max: 2 }), (modified, ahead) => {
      const since = formatHttpDate(Math.max(0, modified + ahead) * 1000)
      const validators = { ...STRONG, lastModified: formatHttpDate(modified * 1000) }
      const isLater = modified > Math.max(0, modified + ahead)
      const cached = ask('GET', { 'If-Modified-Since': since }, validators)
      const kept = ask('GET', { 'If-Unmodified-Since': since }, validators)
      assert.equal(cached, isLater ? 'proceed' : 'not-modified')
      assert.equal(kept, isLater ? 'failed' : 'proceed')
    }),
  )
})

test('whatever a client writes has an answer', () => {
  const value = fc.stringMatching(/^[!-~]{0,12}$/)
  fc.assert(
    fc.property(value, value, value, value, (match, noneMatch, since, etag) => {
      const fields = { 'If-Match': match, 'If-None-Match': noneMatch, 'If-Modified-Since': since }
      ask('GET', fields, { etag, lastModified: since, dateMs: DATE_MS })
      ask('GET', { 'If-None-Match': noneMatch }, { etag, lastModified: '', dateMs: DATE_MS })
      ifRangeHolds(match, { etag, lastModified: since, dateMs: DATE_MS }, NOW_MS)
    }),
  )
})
