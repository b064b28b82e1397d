import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { HeaderList } from '../http/header-list.ts'
import { NO_DIRECTIVES } from './cache-control.ts'
import type { Entry, VaryField } from './entry.ts'
import { CACHE_DEFAULTS } from './options.ts'
import { judge } from './storable.ts'
import { chooseVariant, variesByAnything, variesNot, varyFields } from './vary.ts'

type Fields = readonly (readonly [string, string])[]

const list = (fields: Fields): HeaderList => HeaderList.from(fields)

/** Whether a response stored for one request, with this Vary, fits another. */
function fits(vary: string, first: Fields, second: Fields): boolean {
  const fields = varyFields(list([['Vary', vary]]), list(first))
  assert.ok(fields !== null)
  return variesNot(fields, list(second))
}

const one = (name: string, ...values: string[]): Fields => values.map(value => [name, value] as const)

/** Vary, values of the first request, values of the second → one fits the other, both ways. */
const PAIRS: readonly [string, string, readonly string[], readonly string[], boolean][] = [
  ['§4.1 the same', 'Foo', ['1'], ['1'], true],
  ['§4.1 another', 'Foo', ['1'], ['2'], false],
  ['§4.1 both absent', 'Foo', [], [], true],
  ['§4.1 one absent', 'Foo', [], ['1'], false],
  ['§4.1 absent is not empty', 'Foo', [], [''], false],
  ['§4.1 absent is not empty, of a list', 'Accept-Encoding', [], [''], false],
  ['§4.1 both empty', 'Foo', [''], [''], true],
  ['§4.1 lines combined', 'Foo', ['1', '2'], ['1, 2'], true],
  ['§4.1 lines in another order', 'Foo', ['1', '2'], ['2', '1'], false],
  ['§4.1 blanks where nobody knows', 'Foo', ['1,2'], ['1, 2'], false],
  ['§4.1 case where nobody knows', 'Foo', ['a'], ['A'], false],
  ['§4.1 case of cookies', 'Cookie', ['a=b'], ['a=B'], false],
  ['§4.1 case of credentials', 'Authorization', ['Basic eA=='], ['Basic EA=='], false],
  ['§12.5.3 blanks', 'Accept-Encoding', ['gzip,br'], ['gzip , \tbr'], true],
  ['§12.5.3 case', 'Accept-Encoding', ['GZIP, Br'], ['gzip, br'], true],
  ['§12.5.3 empty elements', 'Accept-Encoding', ['gzip,,br,'], ['gzip, br'], true],
  ['§12.5.3 lines', 'Accept-Encoding', ['gzip', 'br'], ['gzip, br'], true],
  ['§12.4.2 a weight of 1', 'Accept-Encoding', ['gzip;q=1.000, br'], ['gzip, br'], true],
  ['§12.4.2 one weight, two spellings', 'Accept-Encoding', ['gzip;Q=0.50'], ['gzip ; q=0.5'], true],
  ['§12.4.2 other weights', 'Accept-Encoding', ['gzip;q=0.5'], ['gzip;q=0.4'], false],
  ['§12.4.2 a weight of 0', 'Accept-Encoding', ['gzip;q=0'], ['gzip;q=0.000'], true],
  ['§12.4.2 0 is not 1', 'Accept-Encoding', ['gzip;q=0'], ['gzip'], false],
  ['§12.4.2 no weight', 'Accept-Encoding', ['gzip;q=x'], ['gzip;q=0'], false],
  ['§12.4.2 too large', 'Accept-Encoding', ['gzip;q=2'], ['gzip'], false],
  ['§12.5.4 the order of equals', 'Accept-Language', ['de, en'], ['en, de'], false],
  ['§12.5.4 what weights say already', 'Accept-Language', ['de;q=0.5, en'], ['en, de;q=0.5'], true],
  ['§12.5.4 equals among others', 'Accept-Language', ['a;q=0.5, b, c;q=0.5'], ['b, a;q=0.5, c;q=0.5'], true],
  ['§12.5.4 a name twice', 'Accept-Language', ['de;q=0.5, de'], ['de, de;q=0.5'], false],
  ['§12.5.4 fewer', 'Accept-Language', ['de, en'], ['de'], false],
  ['§12.5.2 case', 'Accept-Charset', ['UTF-8'], ['utf-8'], true],
  ['§12.5.1 blanks', 'Accept', ['text/html;q=0.5,a/b'], ['text/html; q=0.5 , a/b'], true],
  ['§12.5.1 case of types', 'Accept', ['Text/HTML'], ['text/html'], true],
  ['§12.5.1 case of values', 'Accept', ['a/b;c=D'], ['a/b;c=d'], false],
  ['§12.5.1 commas in quotes', 'Accept', ['a/b;c="x, y"'], ['a/b;c="x,y"'], false],
  ['§12.5.1 order', 'Accept', ['a/b, c/d'], ['c/d, a/b'], false],
]

describe('§4.1 what matches', () => {
  for (const [name, field, first, second, expected] of PAIRS)
    it(`${name}: ${first.join(' | ')} and ${second.join(' | ')}`, () => {
      assert.equal(fits(field, one(field, ...first), one(field, ...second)), expected)
      assert.equal(fits(field, one(field, ...second), one(field, ...first)), expected)
    })

  it('names in any case, all of them, in any order', () => {
    const first: Fields = [
      ['A', '1'],
      ['b', '2'],
    ]
    assert.ok(
      fits('B,a', first, [
        ['a', '1'],
        ['B', '2'],
      ]),
    )
    assert.ok(
      !fits('B, A', first, [
        ['a', '1'],
        ['b', '3'],
      ]),
    )
    assert.ok(
      fits('B', first, [
        ['a', '9'],
        ['b', '2'],
      ]),
    )
    assert.ok(fits('', first, []))
    assert.deepEqual(
      varyFields(
        list([
          ['Vary', 'B,a'],
          ['Vary', 'A, ,b'],
        ]),
        list(first),
      ),
      [
        ['a', '1'],
        ['b', '2'],
      ],
    )
  })

  it('one that cannot be told matches nothing', () => {
    const many = Array.from({ length: 33 }, (_, i) => `x${i}`).join(',')
    for (const vary of ['*', 'a, *', '*, a', ' * ', '"a"', 'a b', 'a;b', 'ü', many]) {
      assert.equal(varyFields(list([['Vary', vary]]), list([])), null, vary)
      assert.equal(variesByAnything(list([['Vary', vary]])), true, vary)
    }
    const enough = Array.from({ length: 32 }, (_, i) => `x${i}`).join(',')
    assert.equal(varyFields(list([['Vary', `${enough},${enough}`]]), list([]))?.length, 32)
    assert.deepEqual(varyFields(list([]), list([])), [])
  })

  it('values of any length take no more than linear time', () => {
    for (const value of [
      'a,'.repeat(30_000),
      ' '.repeat(60_000),
      'a;q=0.5,'.repeat(8_000),
      ';'.repeat(60_000),
    ])
      assert.ok(fits('Accept-Language', one('Accept-Language', value), one('Accept-Language', value)))
  })

  const member = fc
    .tuple(
      fc.constantFrom('de', 'EN', 'en-GB', '*', 'fr', ''),
      fc.constantFrom('', ';q=0.5', '; q=1', ' ;Q=0.50', ';q=x', ';a'),
    )
    .map(parts => parts.join(''))
  const value = fc.array(member, { maxLength: 5 }).map(members => members.join(','))
  const field = fc.constantFrom(
    'accept',
    'accept-encoding',
    'accept-language',
    'accept-charset',
    'cookie',
    'foo',
  )
  const normal = (name: string, lines: readonly string[]): VaryField | undefined =>
    varyFields(list([['Vary', name]]), list(one(name, ...lines)))?.[0]

  it('a request always fits what was stored for it, and what is normalised stays as it is', () => {
    fc.assert(
      fc.property(field, fc.array(value, { maxLength: 3 }), (name, lines) => {
        const stored = normal(name, lines)
        assert.ok(stored !== undefined)
        assert.ok(variesNot([stored], list(one(name, ...lines))))
        if (stored[1] !== null) assert.equal(normal(name, [stored[1]])?.[1], stored[1])
      }),
    )
  })

  it('fits both ways or not at all', () => {
    fc.assert(
      fc.property(field, value, value, (name, first, second) => {
        const there = fits(name, one(name, first), one(name, second))
        assert.equal(there, fits(name, one(name, second), one(name, first)))
        assert.equal(there, normal(name, [first])?.[1] === normal(name, [second])?.[1])
      }),
    )
  })
})

const NOW_MS = Date.parse('2026-11-20T12:00:00Z')

function entry(name: string, vary: readonly VaryField[], date: string, extras = ''): Entry {
  const headers = list([
    ['Date', date],
    ['Cache-Control', 'max-age=60'],
    ['X-Name', name],
  ])
  const head = { status: 200, reason: '', version: 11 as const, headers }
  const answered = { method: 'GET', request: list([]), directives: NO_DIRECTIVES, head }
  const { policy } = judge({ ...answered, requestedMs: NOW_MS, respondedMs: NOW_MS }, CACHE_DEFAULTS)
  assert.ok(policy !== null)
  return {
    head: {
      key: 'http://a:80/',
      extras,
      vary,
      status: 200,
      reason: '',
      headers,
      requestedMs: NOW_MS,
      respondedMs: NOW_MS,
      policy,
      etag: '',
      lastModified: '',
      tags: [],
      contentBytes: 0,
    },
    body: { bytes: 0, from: () => Buffer.alloc(0), close() {} },
  }
}

describe('choosing among variants', () => {
  const OLD = 'Fri, 20 Nov 2026 11:00:00 GMT'
  const NEW = 'Fri, 20 Nov 2026 11:30:00 GMT'
  const chosen = (entries: readonly Entry[], request: Fields, extras = ''): string | null =>
    chooseVariant(entries, extras, list(request))?.head.headers.get('x-name') ?? null

  it('§4.1 the one that fits', () => {
    const entries = [
      entry('de', [['accept-language', 'de']], OLD),
      entry('en', [['accept-language', 'en']], NEW),
    ]
    assert.equal(chosen(entries, [['Accept-Language', 'DE']]), 'de')
    assert.equal(chosen(entries, [['Accept-Language', 'fr']]), null)
    assert.equal(chosen(entries, []), null)
    assert.equal(chosen([], []), null)
  })

  it('§4 the most recent by Date, then the one the store gives first', () => {
    assert.equal(chosen([entry('old', [], OLD), entry('new', [], NEW)], []), 'new')
    assert.equal(chosen([entry('new', [], NEW), entry('old', [], OLD)], []), 'new')
    assert.equal(chosen([entry('first', [], NEW), entry('second', [], NEW)], []), 'first')
  })

  it('§4.1 one that says what it varies by before one that forgot to', () => {
    const entries = [entry('default', [], NEW), entry('de', [['accept-language', 'de']], OLD)]
    assert.equal(chosen(entries, [['Accept-Language', 'de']]), 'de')
    assert.equal(chosen(entries.toReversed(), [['Accept-Language', 'de']]), 'de')
    assert.equal(chosen(entries, [['Accept-Language', 'en']]), 'default')
  })

  it('only with the same extras', () => {
    const entries = [entry('one', [], NEW, 'user=1'), entry('two', [], OLD, 'user=2')]
    assert.equal(chosen(entries, [], 'user=2'), 'two')
    assert.equal(chosen(entries, [], ''), null)
  })
})
