import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { HeaderList } from '../http/header-list.ts'
import { formatHttpDate } from '../http/http-date.ts'
import type { Entry, VaryField } from './entry.ts'
import { headUpdates, updatedBy } from './stored-fields.ts'

const NOW_MS = Date.parse('2026-11-20T12:00:00Z')
const EARLIER = formatHttpDate(NOW_MS - 60_000)

type Fields = readonly (readonly [string, string])[]

const LAST_MONTH = 'Tue, 20 Oct 2026 12:00:00 GMT'

function entry(
  etag: string,
  lastModified = '',
  dateMs = NOW_MS,
  status = 200,
  vary: readonly VaryField[] = [],
): Entry {
  return {
    head: {
      key: 'http://a:80/',
      extras: '',
      vary,
      status,
      reason: '',
      headers: HeaderList.from([['Date', formatHttpDate(dateMs)]]),
      requestedMs: NOW_MS,
      respondedMs: NOW_MS,
      policy: {
        lifetimeS: 0,
        lifetimeFrom: 'none',
        initialAgeS: 0,
        noCache: false,
        mustRevalidate: false,
        staleWhileRevalidateS: 0,
        staleIfErrorS: 0,
      },
      etag,
      lastModified,
      tags: [],
      contentBytes: 5,
    },
    body: { bytes: 5, from: () => Buffer.alloc(5), close() {} },
  }
}

const answer = (status: number, fields: Fields) => ({
  status,
  reason: '',
  version: 11 as const,
  headers: HeaderList.from(fields),
})

describe('§4.3.4 which a 304 speaks of', () => {
  const a = entry('"a"', LAST_MONTH, NOW_MS - 9000)
  const b = entry('"b"', LAST_MONTH)
  const weak = entry('W/"a"', '', NOW_MS - 5000)
  const dated = entry('', LAST_MONTH, NOW_MS - 7000)
  const bare = entry('')
  const unquoted = entry('a')
  const german = entry('W/"b"', LAST_MONTH, NOW_MS - 9000, 200, [['accept-language', 'de']])
  const french = entry('"b"', LAST_MONTH, NOW_MS, 200, [['accept-language', 'fr']])
  const LM = ['Last-Modified', LAST_MONTH] as const
  const CASES: readonly [string, Fields, readonly Entry[], readonly Entry[]][] = [
    ['the same strong tag', [['ETag', '"a"']], [a, b], [a]],
    ['all with the same strong tag', [['ETag', '"a"'], LM], [a, b, entry('"x"'), a], [a, a]],
    ['no other strong tag', [['ETag', '"c"'], LM], [a, b], []],
    ['a strong tag is no weak one', [['ETag', '"a"']], [weak], []],
    ['a weak tag, compared weakly', [['ETag', 'W/"b"']], [a, b], [b]],
    ['a weak tag: the most recent', [['ETag', 'W/"a"']], [a, weak], [weak]],
    ['no other weak tag', [['ETag', 'W/"c"'], LM], [a, weak], []],
    ['a date', [LM], [dated], [dated]],
    ['a date: the most recent', [LM], [a, dated], [dated]],
    ['another date', [['Last-Modified', EARLIER]], [a, dated], []],
    ['a tag without quotes', [['ETag', 'a']], [unquoted, a], [unquoted]],
    ['another without quotes', [['ETag', 'b']], [unquoted], []],
    ['no validator, one without', [], [bare], [bare]],
    ['no validator, but only one was asked for', [], [a], [a]],
    ['no validator, several were asked for', [], [a, b], []],
    ['§8.8.1 a strong tag of another variant', [['ETag', '"b"']], [german, french], [french]],
    ['§8.8.1 a weak tag of two variants', [['ETag', 'W/"b"']], [german, french], [german]],
    ['§8.8.1 a weak tag of another variant', [['ETag', 'W/"b"']], [french], []],
    ['§8.8.1 a date of two variants', [LM], [german, french], [german]],
    ['no validator, another variant', [], [french], []],
    ['nothing was asked for', [['ETag', '"a"']], [], []],
  ]
  for (const [name, fields, asked, expected] of CASES)
    it(name, () => {
      const found = updatedBy(answer(304, fields), asked, HeaderList.from([['Accept-Language', 'de']]))
      assert.equal(found.length, expected.length)
      for (const [i, each] of found.entries()) assert.equal(each, expected[i])
    })
})

describe('§4.3.5 what an answer to HEAD does', () => {
  const LM = ['Last-Modified', LAST_MONTH] as const
  const CASES: readonly [string, number, Fields, Entry, string][] = [
    ['the same', 200, [['ETag', '"a"'], LM, ['Content-Length', '5']], entry('"a"', LAST_MONTH), 'update'],
    ['nothing to compare', 200, [], entry('"a"', LAST_MONTH), 'update'],
    ['another tag', 200, [['ETag', '"b"'], LM], entry('"a"', LAST_MONTH), 'invalidate'],
    ['a tag where there was none', 200, [['ETag', '"b"']], entry(''), 'invalidate'],
    [
      'another date',
      200,
      [
        ['ETag', '"a"'],
        ['Last-Modified', EARLIER],
      ],
      entry('"a"', LAST_MONTH),
      'invalidate',
    ],
    [
      'another length',
      200,
      [
        ['ETag', '"a"'],
        ['Content-Length', '6'],
      ],
      entry('"a"'),
      'invalidate',
    ],
    ['another status is stored', 200, [], entry('', '', NOW_MS, 404), 'invalidate'],
    ['not 200', 404, [['ETag', '"b"']], entry('"a"'), 'nothing'],
    ['an error', 503, [['ETag', '"b"']], entry('"a"'), 'nothing'],
  ]
  for (const [name, status, fields, stored, expected] of CASES)
    it(name, () => assert.equal(headUpdates(answer(status, fields), stored), expected))
})
