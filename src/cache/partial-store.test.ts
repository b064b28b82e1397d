/** Parts of responses: joined where they are surely of one content, never mixed, and bounded whatever comes. */
import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import type { Fields } from '../../test/support/reply-talk.ts'
import { asking, entryHead, HIT, NOW_MS } from '../../test/support/stored-answers.ts'
import { lastingCopy } from '../base/lasting.ts'
import { HeaderList } from '../http/header-list.ts'
import type { ByteRange } from '../http/range.ts'
import { answerFromPartial } from './answer.ts'
import type { EntryHead } from './entry.ts'
import { CACHE_DEFAULTS } from './options.ts'
import { type Partial, PartialStore, type Whole } from './partial-store.ts'

const MEGABYTE = 1_048_576
const WHOLE = Buffer.from(Array.from({ length: 100 }, (_, i) => i))
const NO_FIELDS = HeaderList.empty()
const KEY = entryHead().key

const TAGGED: Fields = [
  ['ETag', '"a"'],
  ['Content-Type', 'text/plain'],
]
const headOf = (changes: Parameters<typeof entryHead>[0] = {}): EntryHead =>
  entryHead({ fields: TAGGED, contentBytes: WHOLE.length, ...changes })

const newStore = (bytesMax = MEGABYTE): PartialStore => new PartialStore(bytesMax, CACHE_DEFAULTS)

interface Part {
  readonly head?: EntryHead
  readonly content?: Buffer
}

function add(
  store: PartialStore,
  first: number,
  last: number,
  { head = headOf(), content = WHOLE }: Part = {},
): Whole | null {
  return store.add(head, { first, last }, [lastingCopy(content.subarray(first, last + 1))])
}

const find = (store: PartialStore): Partial | null => store.find(KEY, '', NO_FIELDS)

function rangesOf(partial: Partial | null): string {
  return (partial?.ranges ?? []).map(({ first, last }) => `${first}-${last}`).join(' ')
}

/** What a reader gets of a range that is there. */
function read({ body }: Partial, { first, last }: ByteRange): Buffer {
  const parts: Buffer[] = []
  for (let at = first; at <= last; ) {
    const bytes = body.from(at) as Buffer
    parts.push(bytes)
    at += bytes.length
  }
  return Buffer.concat(parts).subarray(0, last - first + 1)
}

const RANGES: readonly (readonly [
  what: string,
  added: readonly (readonly [number, number])[],
  ranges: string,
])[] = [
  ['one', [[10, 19]], '10-19'],
  [
    'apart',
    [
      [10, 19],
      [30, 39],
    ],
    '10-19 30-39',
  ],
  [
    'in front',
    [
      [30, 39],
      [10, 19],
    ],
    '10-19 30-39',
  ],
  [
    'touching',
    [
      [10, 19],
      [20, 29],
    ],
    '10-29',
  ],
  [
    'touching in front',
    [
      [20, 29],
      [10, 19],
    ],
    '10-29',
  ],
  [
    'overlapping',
    [
      [10, 19],
      [15, 29],
    ],
    '10-29',
  ],
  [
    'inside',
    [
      [10, 29],
      [15, 19],
    ],
    '10-29',
  ],
  [
    'around',
    [
      [15, 19],
      [10, 29],
    ],
    '10-29',
  ],
  [
    'the same again',
    [
      [10, 19],
      [10, 19],
    ],
    '10-19',
  ],
  [
    'a bridge',
    [
      [10, 19],
      [30, 39],
      [20, 29],
    ],
    '10-39',
  ],
  [
    'over several',
    [
      [10, 11],
      [20, 21],
      [30, 31],
      [50, 60],
      [5, 40],
    ],
    '5-40 50-60',
  ],
]

for (const [what, added, ranges] of RANGES)
  test(`RFC 9111 §3.4: parts are joined: ${what}`, () => {
    const store = newStore()
    for (const [first, last] of added) assert.equal(add(store, first, last), null)
    const partial = find(store) as Partial
    assert.equal(rangesOf(partial), ranges)
    for (const range of partial.ranges)
      assert.deepEqual(read(partial, range), WHOLE.subarray(range.first, range.last + 1))
  })

test('RFC 9110 §15.3.7.3: the union that is the whole is given as such, and forgotten', () => {
  const store = newStore()
  add(store, 50, 99)
  const whole = add(store, 0, 60)
  assert.deepEqual(Buffer.concat(whole?.pieces ?? []), WHOLE)
  assert.equal(whole?.head.contentBytes, 100)
  assert.equal(find(store), null)
  assert.equal(store.bytes, 0)
})

test('a single part that is all there is, is a whole', () => {
  assert.deepEqual(Buffer.concat(add(newStore(), 0, 99)?.pieces ?? []), WHOLE)
})

test('RFC 9111 §3.4: fields of the newer response take the place of the stored', () => {
  const store = newStore()
  add(store, 0, 49, { head: headOf({ fields: [...TAGGED, ['X-Old', 'kept'], ['X-Both', 'old']] }) })
  // As the answer to If-Range: without the type.
  const fields: Fields = [
    ['ETag', '"a"'],
    ['X-Both', 'new'],
  ]
  const whole = add(store, 50, 99, { head: headOf({ fields, respondedMs: NOW_MS + 5000 }) })
  const { headers, respondedMs } = (whole as Whole).head
  assert.equal(respondedMs, NOW_MS + 5000)
  assert.deepEqual(
    ['content-type', 'x-old', 'x-both', 'content-length'].map(name => headers.get(name)),
    ['text/plain', 'kept', 'new', '100'],
  )
})

test('RFC 9110 §15.3.7: the answer to If-Range lacks fields, so it joins a part or is not kept', () => {
  const store = newStore()
  const bare = headOf({ fields: [['ETag', '"a"']] })
  const addBare = (first: number, last: number, head = bare) =>
    store.add(head, { first, last }, [lastingCopy(WHOLE.subarray(first, last + 1))], true)
  assert.equal(addBare(0, 99), null)
  assert.equal(find(store), null)
  add(store, 0, 49)
  assert.equal(addBare(50, 99, headOf({ fields: [['ETag', '"b"']] })), null)
  assert.equal(rangesOf(find(store)), '0-49')
  assert.equal(addBare(50, 99)?.head.headers.get('content-type'), 'text/plain')
})

const OTHER = Buffer.from(WHOLE.map(byte => 255 - byte))
const REPLACES: readonly (readonly [what: string, part: Part])[] = [
  ['another tag', { head: headOf({ fields: [['ETag', '"b"']] }), content: OTHER }],
  ['another length', { head: headOf({ contentBytes: 101 }) }],
  ['other bytes where they overlap', { content: OTHER }],
]

for (const [what, part] of REPLACES)
  test(`RFC 9110 §15.3.7.3: never mixed: ${what}`, () => {
    const store = newStore()
    add(store, 0, 49)
    assert.equal(add(store, 40, 89, part), null)
    const partial = find(store) as Partial
    assert.equal(rangesOf(partial), '40-89')
    assert.deepEqual(read(partial, { first: 40, last: 89 }), (part.content ?? WHOLE).subarray(40, 90))
  })

const REFUSED: readonly (readonly [what: string, head: EntryHead, range: ByteRange, bytes: number])[] = [
  ['no tag', headOf({ fields: [] }), { first: 0, last: 9 }, 10],
  ['a weak tag', headOf({ fields: [['ETag', 'W/"a"']] }), { first: 0, last: 9 }, 10],
  ['a tag that is none', headOf({ fields: [['ETag', 'a']] }), { first: 0, last: 9 }, 10],
  ['beyond the end', headOf(), { first: 95, last: 100 }, 6],
  ['fewer bytes than it says', headOf(), { first: 0, last: 9 }, 9],
  ['more bytes than it says', headOf(), { first: 0, last: 9 }, 11],
  ['no bytes', headOf(), { first: 10, last: 9 }, 0],
]

for (const [what, head, range, bytes] of REFUSED)
  test(`not kept: ${what}`, () => {
    const store = newStore()
    add(store, 20, 29)
    assert.equal(store.add(head, range, [lastingCopy(Buffer.alloc(bytes))]), null)
    assert.equal(rangesOf(find(store)), '20-29', 'and nothing is lost')
  })

test('RFC 9111 §4.1: parts are found by the fields they vary by, and by extras', () => {
  const store = newStore()
  const vary = (value: string | null) => [['accept-language', value]] as const
  add(store, 0, 9, { head: headOf({ vary: vary('en') }) })
  add(store, 20, 29, { head: headOf({ vary: vary(null) }) })
  add(store, 40, 49, { head: headOf({ extras: 'x' }) })
  const by = (fields: Fields, extras = '') => rangesOf(store.find(KEY, extras, HeaderList.from(fields)))
  assert.equal(by([['Accept-Language', 'en']]), '0-9')
  assert.equal(by([]), '20-29')
  assert.equal(by([['Accept-Language', 'de']]), '')
  assert.equal(by([], 'x'), '40-49')
  assert.equal(rangesOf(store.find('http://other:80/', '', NO_FIELDS)), '')
})

test('variants are not joined, though they have one tag', () => {
  const store = newStore()
  add(store, 0, 49, { head: headOf({ vary: [['accept', 'a']] }) })
  assert.equal(add(store, 50, 99, { head: headOf({ vary: [['accept', 'b']] }) }), null)
})

test('a reader goes on with what it found, whatever becomes of it', () => {
  const store = newStore()
  add(store, 0, 49)
  const partial = find(store) as Partial
  add(store, 0, 49, { content: OTHER })
  store.clear()
  assert.deepEqual(read(partial, { first: 0, last: 49 }), WHOLE.subarray(0, 50))
  assert.throws(() => partial.body.from(50))
})

test('a key is removed with all its variants', () => {
  const store = newStore()
  add(store, 0, 9)
  add(store, 0, 9, { head: headOf({ extras: 'x' }) })
  add(store, 0, 9, { head: headOf({ key: 'http://other:80/' }) })
  store.removeKey(KEY)
  store.removeKey('http://nobody:80/')
  assert.equal(store.find(KEY, '', NO_FIELDS) ?? store.find(KEY, 'x', NO_FIELDS), null)
  assert.notEqual(store.find('http://other:80/', '', NO_FIELDS), null)
  store.clear()
  assert.equal(store.bytes, 0)
})

test('what was not used for longest makes room', () => {
  const keyOf = (name: string) => `http://${name}:80/`
  const one = newStore()
  add(one, 0, 9, { head: headOf({ key: keyOf('a') }) })
  const store = newStore(4.5 * one.bytes)
  for (const name of ['a', 'b', 'c', 'd']) add(store, 0, 9, { head: headOf({ key: keyOf(name) }) })
  store.find(keyOf('a'), '', NO_FIELDS)
  add(store, 0, 9, { head: headOf({ key: keyOf('e') }) })
  const there = ['a', 'b', 'c', 'd', 'e'].filter(name => store.find(keyOf(name), '', NO_FIELDS) !== null)
  assert.deepEqual(there, ['a', 'c', 'd', 'e'])
})

test('what is larger than all the room is not kept', () => {
  const store = newStore(2_000)
  const content = Buffer.alloc(4_000)
  store.add(headOf({ contentBytes: 5_000 }), { first: 0, last: 3_999 }, [lastingCopy(content)])
  assert.deepEqual([find(store), store.bytes], [null, 0])
})

test('property: parts of one content in any order are that content; memory stays below the limit', () => {
  const range = fc.tuple(fc.nat(99), fc.nat(99)).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const)
  fc.assert(
    fc.property(fc.array(range, { minLength: 1, maxLength: 40 }), ranges => {
      const store = newStore()
      const there = new Set<number>()
      for (const [first, last] of ranges) {
        const whole = add(store, first, last)
        for (let at = first; at <= last; at++) there.add(at)
        assert.equal(whole !== null, there.size === 100)
        if (whole === null) continue
        assert.deepEqual(Buffer.concat(whole.pieces), WHOLE)
        there.clear()
      }
      const partial = find(store)
      const got = (partial?.ranges ?? []).flatMap(({ first, last }) => [...WHOLE.subarray(first, last + 1)])
      assert.deepEqual(
        got,
        [...there].sort((a, b) => a - b),
      )
      for (const each of partial?.ranges ?? [])
        assert.deepEqual(read(partial as Partial, each), WHOLE.subarray(each.first, each.last + 1))
    }),
  )
})

test('attack: thousands of single bytes take a bounded place and bounded time', () => {
  const total = 100_000
  const content = lastingCopy(Buffer.alloc(total, 7))
  const head = headOf({ contentBytes: total })
  const apart = newStore()
  for (let at = 0; at < 10_000; at += 2)
    apart.add(head, { first: at, last: at }, [content.subarray(at, at + 1)])
  assert.equal(find(apart)?.ranges.length, 64)
  assert.ok(apart.bytes < 100_000, `${apart.bytes} bytes for 64`)
  const sideBySide = newStore()
  for (let at = 0; at < 30_000; at++)
    sideBySide.add(head, { first: at, last: at }, [content.subarray(at, at + 1)])
  assert.equal(rangesOf(find(sideBySide)), '0-29999')
  assert.ok(sideBySide.bytes < 60_000, `${sideBySide.bytes} bytes for 30 000`)
})

test('attack: a byte of a large memory does not keep that memory', () => {
  const store = newStore()
  const large = lastingCopy(Buffer.alloc(500_000))
  for (const name of ['a', 'b', 'c', 'd', 'e'])
    store.add(headOf({ key: name }), { first: 3, last: 3 }, [large.subarray(0, 1)])
  assert.ok(store.bytes < 10_000, `${store.bytes} bytes for 5`)
  const { body } = store.find('a', '', NO_FIELDS) as Partial
  assert.ok((body.from(3) as Buffer).buffer.byteLength < 100)
})

test('attack: any number of variants of one resource are few', () => {
  const store = newStore()
  for (let i = 0; i < 1000; i++) add(store, 0, 9, { head: headOf({ vary: [['user-agent', String(i)]] }) })
  const there = Array.from({ length: 1000 }, (_, i) =>
    store.find(KEY, '', HeaderList.from([['User-Agent', String(i)]])),
  )
  assert.equal(there.filter(partial => partial !== null).length, 16)
  assert.notEqual(there[999], null)
})

const SERVED: readonly (readonly [clause: string, fields: Fields, method: string, content: string | null])[] =
  [
    ['§3.3 wholly within', [['Range', 'bytes=10-14']], 'GET', '10-14'],
    ['§3.3 all that is there', [['Range', 'bytes=10-19']], 'GET', '10-19'],
    ['§3.3 several', [['Range', 'bytes=10-11,90-99']], 'GET', 'several'],
    ['§3.3 to the end', [['Range', 'bytes=95-']], 'GET', '95-99'],
    ['§3.3 the last', [['Range', 'bytes=-5']], 'GET', '95-99'],
    ['§3.3 not wholly', [['Range', 'bytes=10-20']], 'GET', null],
    ['§3.3 one of them not', [['Range', 'bytes=10-11,50-51']], 'GET', null],
    ['§3.3 the whole', [], 'GET', null],
    ['§3.3 HEAD', [['Range', 'bytes=10-14']], 'HEAD', null],
    ['§3.3 behind the end: the origin knows', [['Range', 'bytes=100-']], 'GET', null],
    [
      '9110 §13.1.5 the same tag',
      [
        ['Range', 'bytes=10-14'],
        ['If-Range', '"a"'],
      ],
      'GET',
      '10-14',
    ],
    [
      '9110 §13.1.5 another tag',
      [
        ['Range', 'bytes=10-14'],
        ['If-Range', '"b"'],
      ],
      'GET',
      null,
    ],
    [
      '9110 §13.2.2 conditions first',
      [
        ['Range', 'bytes=10-14'],
        ['If-None-Match', '"a"'],
      ],
      'GET',
      null,
    ],
  ]

for (const [clause, fields, method, content] of SERVED)
  test(`a request answered from parts: ${clause}: ${content}`, () => {
    const store = newStore()
    add(store, 10, 19)
    add(store, 90, 99)
    const { client, exchange } = asking(fields, method)
    const done = answerFromPartial(exchange, find(store) as Partial, HIT, NOW_MS, CACHE_DEFAULTS)
    assert.equal(done, content !== null)
    if (content === null) {
      assert.deepEqual(client.calls, [])
      assert.equal(exchange.notes.cache, '')
      return
    }
    assert.deepEqual([client.status, client.calls.at(-1)], [206, 'end'])
    const [first, last] = content.split('-').map(Number)
    if (content === 'several')
      assert.match(client.headers.get('content-type') ?? '', /^multipart\/byteranges/)
    else {
      assert.equal(client.headers.get('content-range'), `bytes ${content}/100`)
      assert.deepEqual(client.bytes, WHOLE.subarray(first, last + 1))
    }
  })
