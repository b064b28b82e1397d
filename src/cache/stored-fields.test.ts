import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { HeaderList } from '../http/header-list.ts'
import { formatHttpDate } from '../http/http-date.ts'
import { CACHE_DEFAULTS, type CacheOptions } from './options.ts'
import { fieldsToStore, tagsOf, updatedFields } from './stored-fields.ts'

const NOW_MS = Date.parse('2026-11-20T12:00:00Z')
const NOW = formatHttpDate(NOW_MS)
const EARLIER = formatHttpDate(NOW_MS - 60_000)

type Fields = readonly (readonly [string, string])[]

const stored = (fields: Fields, options: Partial<CacheOptions> = {}, bytes = -1): [string, string][] =>
  fieldsToStore(HeaderList.from(fields), NOW_MS, bytes, { ...CACHE_DEFAULTS, ...options }).entries()

const DATE = ['Date', EARLIER] as const

/** What a response has beside Date → what of it is stored. */
const STORED: readonly [string, Fields, Fields][] = [
  [
    '§3.1 what nobody knows',
    [
      ['X-Any', 'a'],
      ['x-any', 'b'],
    ],
    [
      ['X-Any', 'a'],
      ['x-any', 'b'],
    ],
  ],
  [
    '§3.1 Connection and what it names',
    [
      ['Connection', 'X-One, close'],
      ['X-One', 'a'],
      ['X-Two', 'b'],
    ],
    [['X-Two', 'b']],
  ],
  [
    '§3.1 several of them',
    [
      ['Connection', 'x-one'],
      ['connection', 'X-TWO'],
      ['X-One', 'a'],
      ['X-Two', 'b'],
    ],
    [],
  ],
  [
    'RFC 9110 §7.6.1 of one connection',
    [
      ['Keep-Alive', 'a'],
      ['Proxy-Connection', 'a'],
      ['TE', 'a'],
      ['Transfer-Encoding', 'chunked'],
      ['Upgrade', 'a'],
    ],
    [],
  ],
  [
    '§3.1 of one proxy',
    [
      ['Proxy-Authenticate', 'Basic'],
      ['Proxy-Authentication-Info', 'a'],
      ['Proxy-Authorization', 'a'],
    ],
    [],
  ],
  [
    '§5.1 Age',
    [
      ['Age', '5'],
      ['age', '6'],
    ],
    [],
  ],
  [
    'what it may be purged by',
    [
      ['Cache-Tag', 'a'],
      ['Surrogate-Key', 'b'],
    ],
    [],
  ],
  ['§3.4 Content-Range', [['Content-Range', 'bytes 0-1/9']], []],
  [
    '§5.2.2.7 private with names',
    [
      ['Cache-Control', 'private="set-COOKIE, x-one"'],
      ['Set-Cookie', 'a'],
      ['X-One', 'a'],
    ],
    [['Cache-Control', 'private="set-COOKIE, x-one"']],
  ],
  [
    '§5.2.2.7 in the token form',
    [
      ['Cache-Control', 'private=set-cookie'],
      ['Set-Cookie', 'a'],
    ],
    [['Cache-Control', 'private=set-cookie']],
  ],
  [
    '§5.2.2.4 no-cache with names',
    [
      ['Cache-Control', 'no-cache="x-one"'],
      ['X-One', 'a'],
      ['X-One', 'b'],
    ],
    [['Cache-Control', 'no-cache="x-one"']],
  ],
  [
    '§5.2.2.4 both',
    [
      ['Cache-Control', 'no-cache="x-one"'],
      ['Cache-Control', 'private=x-two'],
      ['X-One', 'a'],
      ['X-Two', 'b'],
    ],
    [
      ['Cache-Control', 'no-cache="x-one"'],
      ['Cache-Control', 'private=x-two'],
    ],
  ],
  [
    'RFC 9213 of a targeted field',
    [
      ['CDN-Cache-Control', 'max-age=9, private="x-one"'],
      ['X-One', 'a'],
    ],
    [['CDN-Cache-Control', 'max-age=9, private="x-one"']],
  ],
  [
    'RFC 9213 which counts alone',
    [
      ['CDN-Cache-Control', 'max-age=9'],
      ['Cache-Control', 'private=x-one'],
      ['X-One', 'a'],
    ],
    [
      ['CDN-Cache-Control', 'max-age=9'],
      ['Cache-Control', 'private=x-one'],
      ['X-One', 'a'],
    ],
  ],
  [
    'RFC 9213 §2.2 targeted fields are passed on',
    [
      ['Other-Cache-Control', 'no-store'],
      ['Surrogate-Control', 'max-age=9'],
    ],
    [
      ['Other-Cache-Control', 'no-store'],
      ['Surrogate-Control', 'max-age=9'],
    ],
  ],
  [
    'RFC 9211 §2 what other caches say',
    [
      ['Cache-Status', 'x; hit'],
      ['Via', '1.1 x'],
    ],
    [
      ['Cache-Status', 'x; hit'],
      ['Via', '1.1 x'],
    ],
  ],
  [
    'Set-Cookie, as the standard says',
    [
      ['Set-Cookie', 'a=b'],
      ['Set-Cookie', 'c=d'],
    ],
    [
      ['Set-Cookie', 'a=b'],
      ['Set-Cookie', 'c=d'],
    ],
  ],
]

describe('§3.1 what is stored', () => {
  for (const [name, fields, expected] of STORED)
    it(name, () =>
      assert.deepEqual(stored([DATE, ...fields]), [[...DATE], ...expected.map(each => [...each])]),
    )

  it('RFC 9110 §6.6.1 always a Date, and one', () => {
    assert.deepEqual(stored([['X', 'a']]), [
      ['X', 'a'],
      ['Date', NOW],
    ])
    assert.deepEqual(
      stored([
        ['Date', 'today'],
        ['X', 'a'],
      ]),
      [
        ['Date', NOW],
        ['X', 'a'],
      ],
    )
    assert.deepEqual(stored([DATE, ['X', 'a'], ['date', NOW]]), [[...DATE], ['X', 'a']])
    // One in an old format is one.
    assert.deepEqual(stored([['Date', 'Friday, 20-Nov-26 12:00:05 GMT']]), [
      ['Date', 'Friday, 20-Nov-26 12:00:05 GMT'],
    ])
    // Connection cannot take it away.
    assert.deepEqual(stored([['Connection', 'date'], DATE]), [[...DATE]])
  })

  it('Content-Length of what is stored', () => {
    assert.deepEqual(stored([DATE], {}, 5), [[...DATE], ['Content-Length', '5']])
    assert.deepEqual(stored([['Content-Length', '9'], DATE], {}, 0), [['Content-Length', '0'], [...DATE]])
    assert.deepEqual(stored([['Content-Length', '9'], DATE]), [['Content-Length', '9'], [...DATE]])
  })

  it('leaves the head alone, which still goes to the client', () => {
    const fields: Fields = [
      ['Connection', 'x'],
      ['X', 'a'],
      ['Age', '5'],
      ['Cache-Control', 'private=y'],
      ['Y', 'b'],
    ]
    const headers = HeaderList.from(fields)
    fieldsToStore(headers, NOW_MS, 5, CACHE_DEFAULTS)
    assert.deepEqual(headers.entries(), fields)
  })

  it('keeps what private and no-cache name when the config ignores them', () => {
    const fields: Fields = [DATE, ['Cache-Control', 'private=x, no-cache=y'], ['X', 'a'], ['Y', 'b']]
    const names = (options: Partial<CacheOptions>) => stored(fields, options).map(([name]) => name)
    assert.deepEqual(names({ ignore: new Set(['private']) }), ['Date', 'Cache-Control', 'X'])
    assert.deepEqual(names({ ignore: new Set(['no-cache']) }), ['Date', 'Cache-Control', 'Y'])
  })
})

/** Stored, those of the 304, what is stored then; Date apart. */
const UPDATES: readonly [string, Fields, Fields, Fields][] = [
  [
    '§3.2 one in the place of the other',
    [
      ['X', 'a'],
      ['Y', 'b'],
    ],
    [['x', 'c']],
    [
      ['Y', 'b'],
      ['x', 'c'],
    ],
  ],
  [
    '§3.2 all of a name',
    [
      ['X', 'a'],
      ['x', 'b'],
    ],
    [
      ['X', 'c'],
      ['X', 'd'],
    ],
    [
      ['X', 'c'],
      ['X', 'd'],
    ],
  ],
  [
    '§3.2 a new one',
    [['X', 'a']],
    [['Y', 'b']],
    [
      ['X', 'a'],
      ['Y', 'b'],
    ],
  ],
  ['§3.2 none', [['X', 'a']], [], [['X', 'a']]],
  [
    '§3.2 not Content-Length',
    [['Content-Length', '5']],
    [['Content-Length', '0']],
    [['Content-Length', '5']],
  ],
  [
    '§3.2 not Content-Encoding',
    [['Content-Encoding', 'br']],
    [['Content-Encoding', 'gzip']],
    [['Content-Encoding', 'br']],
  ],
  ['§3.2 nor where there was none', [['X', 'a']], [['Content-Encoding', 'gzip']], [['X', 'a']]],
  ['§3.2 not Content-Range', [['X', 'a']], [['Content-Range', 'bytes 0-1/2']], [['X', 'a']]],
  ['§3.2 Content-Type', [['Content-Type', 'a/b']], [['Content-Type', 'c/d']], [['Content-Type', 'c/d']]],
  ['§3.2 not ETag', [['ETag', '"a"']], [['ETag', 'W/"a"']], [['ETag', '"a"']]],
  [
    '§3.2 ETag where there was none',
    [['X', 'a']],
    [['ETag', 'W/"a"']],
    [
      ['X', 'a'],
      ['ETag', 'W/"a"'],
    ],
  ],
  [
    '§3.1 nothing that is not stored',
    [['X', 'a']],
    [
      ['Age', '5'],
      ['Connection', 'y'],
      ['Y', 'b'],
      ['Proxy-Authenticate', 'c'],
      ['Cache-Tag', 'd'],
      ['Keep-Alive', 'e'],
    ],
    [['X', 'a']],
  ],
  [
    '§5.2.2.7 what the 304 withholds',
    [['X', 'a']],
    [
      ['Cache-Control', 'private=x'],
      ['X', 'b'],
    ],
    [['Cache-Control', 'private=x']],
  ],
  [
    '§5.2.2.4 what the stored withholds',
    [['Cache-Control', 'no-cache=x']],
    [['X', 'b']],
    [['Cache-Control', 'no-cache=x']],
  ],
  [
    '§5.2.2.4 withheld no more',
    [['Cache-Control', 'no-cache=x']],
    [
      ['Cache-Control', 'max-age=5'],
      ['X', 'b'],
    ],
    [
      ['Cache-Control', 'max-age=5'],
      ['X', 'b'],
    ],
  ],
  [
    'Set-Cookie, as the standard says',
    [['Set-Cookie', 'a=b']],
    [['Set-Cookie', 'c=d']],
    [['Set-Cookie', 'c=d']],
  ],
]

describe('§3.2 what an update makes of them', () => {
  const updated = (before: Fields, fresh: Fields, options: Partial<CacheOptions> = {}): [string, string][] =>
    updatedFields(HeaderList.from(before), HeaderList.from(fresh), NOW_MS, {
      ...CACHE_DEFAULTS,
      ...options,
    }).entries()
  const undated = (fields: [string, string][]) => fields.filter(([name]) => name !== 'Date')

  for (const [name, before, fresh, expected] of UPDATES)
    it(name, () => assert.deepEqual(undated(updated([DATE, ...before], fresh)), expected))

  it('Date is that of the answer that validated it, or its arrival', () => {
    assert.deepEqual(updated([DATE], []), [['Date', NOW]])
    assert.deepEqual(updated([['Date', NOW]], [DATE]), [[...DATE]])
    assert.deepEqual(updated([DATE], [['Date', 'x']]), [['Date', NOW]])
  })

  it("one client's cookie is not put on what others get, when the config refuses it", () => {
    const refuse: Partial<CacheOptions> = { setCookie: 'refuse' }
    assert.deepEqual(undated(updated([DATE], [['Set-Cookie', 'a=b']], refuse)), [])
    const shared: Fields = [
      ['Cache-Control', 'public'],
      ['Set-Cookie', 'a=b'],
    ]
    assert.deepEqual(undated(updated([DATE], shared, refuse)), shared)
  })

  it('leaves both as they were', () => {
    const before = HeaderList.from([DATE, ['ETag', '"a"']])
    const fresh = HeaderList.from([
      ['ETag', '"a"'],
      ['Age', '5'],
    ])
    updatedFields(before, fresh, NOW_MS, CACHE_DEFAULTS)
    assert.deepEqual(before.entries(), [[...DATE], ['ETag', '"a"']])
    assert.deepEqual(fresh.entries(), [
      ['ETag', '"a"'],
      ['Age', '5'],
    ])
  })
})

it('tags: those of both fields, each once, bounded', () => {
  const tags = (...fields: Fields) => tagsOf(HeaderList.from(fields))
  assert.deepEqual(tags(), [])
  assert.deepEqual(tags(['Cache-Tag', 'a, b c ,,a'], ['cache-tag', 'D']), ['a', 'b c', 'D'])
  assert.deepEqual(tags(['Surrogate-Key', 'a  b,c'], ['Cache-Tag', 'a']), ['a', 'b,c'])
  assert.deepEqual(tags(['Cache-Tag', `${'x'.repeat(256)}, ${'x'.repeat(257)}`]), ['x'.repeat(256)])
  assert.equal(tags(['Cache-Tag', Array.from({ length: 100 }, (_, i) => i).join(',')]).length, 64)
})
