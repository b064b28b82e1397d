/** What a request gets of a stored response: status, fields, content, by clause. */
import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import type { Fields } from '../../test/support/reply-talk.ts'
import {
  asking,
  entryHead,
  HIT,
  MODIFIED,
  NOW_MS,
  PiecedBody,
  STORED_DATE,
} from '../../test/support/stored-answers.ts'
import { ProxyError } from '../base/errors.ts'
import { HeadOfMany } from '../http/shared-head.ts'
import { answerFromEntry } from './answer.ts'
import type { CacheOutcome } from './cache-status.ts'
import type { EntryHead } from './entry.ts'
import { CACHE_DEFAULTS, type CacheOptions } from './options.ts'

const CONTENT = Buffer.from('0123456789')
const FIELDS: Fields = [
  ['Content-Type', 'text/plain'],
  ['Content-Language', 'en'],
  ['Content-Location', '/there'],
  ['Cache-Control', 'max-age=60'],
  ['Expires', 'never'],
  ['Vary', 'Accept'],
  ['ETag', '"a"'],
  ['Last-Modified', MODIFIED],
  ['Set-Cookie', 'a=b'],
  ['Content-Digest', 'sha-256=:AAAA:'],
  ['Accept-Ranges', 'bytes'],
]

interface Given {
  readonly fields?: Fields
  readonly method?: string
  readonly stored?: Parameters<typeof entryHead>[0]
  readonly content?: Buffer
  readonly options?: CacheOptions
  readonly nowMs?: number
}

function answered({
  fields,
  method,
  stored,
  content = CONTENT,
  options = CACHE_DEFAULTS,
  nowMs = NOW_MS,
}: Given) {
  const { client, exchange } = asking(fields, method)
  const body = new PiecedBody(content)
  const head = entryHead({ fields: FIELDS, contentBytes: content.length, ...stored })
  answerFromEntry(exchange, { head, body }, HIT, nowMs, options)
  assert.equal(body.closed, 1, 'the body is given back')
  assert.equal(exchange.serving, null)
  assert.equal(client.calls.filter(call => call === 'end').length, 1)
  return { client, exchange, names: client.headers.entries().map(([name]) => name.toLowerCase()) }
}

/** One request of a table: what is stored is 200 with all FIELDS and 0123456789, unless it says otherwise. */
type Row = readonly [clause: string, fields: Fields, status: number, content: string, given?: Given]

const RANGE = (value: string): Fields => [['Range', value]]
const ROWS: readonly Row[] = [
  ['9111 §4 the stored status whole', [], 200, '0123456789'],
  ['9111 §4 another status', [], 404, '0123456789', { stored: { status: 404, reason: 'Not Found' } }],
  ['9110 §9.3.2 HEAD has no content', [], 200, '', { method: 'HEAD' }],
  ['9110 §13.1.2 the same tag', [['If-None-Match', '"a"']], 304, ''],
  ['9110 §13.1.2 the same tag, HEAD', [['If-None-Match', '"a"']], 304, '', { method: 'HEAD' }],
  ['9110 §13.1.2 weak comparison', [['If-None-Match', 'W/"a"']], 304, ''],
  ['9110 §13.1.2 one of several', [['If-None-Match', '"b", "a"']], 304, ''],
  ['9110 §13.1.2 any', [['If-None-Match', '*']], 304, ''],
  ['9110 §13.1.2 another tag', [['If-None-Match', '"b"']], 200, '0123456789'],
  ['9110 §13.1.3 not modified since', [['If-Modified-Since', MODIFIED]], 304, ''],
  [
    '9110 §13.1.3 modified since',
    [['If-Modified-Since', 'Fri, 04 Nov 1994 08:00:00 GMT']],
    200,
    '0123456789',
  ],
  [
    '9110 §13.1.3 the tag decides, not the date',
    [
      ['If-None-Match', '"b"'],
      ['If-Modified-Since', MODIFIED],
    ],
    200,
    '0123456789',
  ],
  [
    '9111 §4.3.2 without Last-Modified, Date counts',
    [['If-Modified-Since', STORED_DATE]],
    304,
    '',
    { stored: { fields: [['Content-Type', 'text/plain']] } },
  ],
  [
    '9111 §4.3.2 If-Match does not decide',
    [
      ['If-Match', '"b"'],
      ['If-None-Match', '"a"'],
    ],
    304,
    '',
  ],
  ['9111 §4.3.2 If-Match is for the origin', [['If-Match', '"b"']], 200, '0123456789'],
  [
    '9111 §4.3.2 If-Unmodified-Since as well',
    [['If-Unmodified-Since', 'Fri, 04 Nov 1994 08:00:00 GMT']],
    200,
    '0123456789',
  ],
  ['9110 §13.2.1 not for errors', [['If-None-Match', '"a"']], 404, '0123456789', { stored: { status: 404 } }],
  [
    '9110 §13.2.1 not for redirects',
    [['If-None-Match', '*']],
    301,
    '0123456789',
    { stored: { status: 301 } },
  ],
  ['9110 §13.2.1 for every success', [['If-None-Match', '"a"']], 304, '', { stored: { status: 203 } }],
  ['9110 §14.1.2 the first bytes', RANGE('bytes=0-3'), 206, '0123'],
  ['9110 §14.1.2 in the middle', RANGE('bytes=4-5'), 206, '45'],
  ['9110 §14.1.2 to the end', RANGE('bytes=7-'), 206, '789'],
  ['9110 §14.1.2 beyond the end', RANGE('bytes=7-99'), 206, '789'],
  ['9110 §14.1.2 the last bytes', RANGE('bytes=-2'), 206, '89'],
  ['9110 §14.1.2 more of the last than there are', RANGE('bytes=-99'), 206, '0123456789'],
  ['9110 §14.2 all of it is still a part', RANGE('bytes=0-'), 206, '0123456789'],
  ['9110 §15.3.7.2 touching ranges are one', RANGE('bytes=0-3,4-5'), 206, '012345'],
  ['9110 §15.3.7.2 one of several that there is', RANGE('bytes=2-3,50-60'), 206, '23'],
  ['9110 §15.5.17 behind the end', RANGE('bytes=10-'), 416, ''],
  ['9110 §15.5.17 the last none', RANGE('bytes=-0'), 416, ''],
  ['9110 §14.2 another unit', RANGE('lines=0-3'), 200, '0123456789'],
  ['9110 §14.1.1 not valid', RANGE('bytes=3-2'), 200, '0123456789'],
  ['9110 §14.1.1 nothing', RANGE('bytes='), 200, '0123456789'],
  ['9110 §14.2 two Range fields', [...RANGE('bytes=0-1'), ...RANGE('bytes=2-3')], 200, '0123456789'],
  ['9110 §14.2 HEAD has no ranges', RANGE('bytes=0-3'), 200, '', { method: 'HEAD' }],
  ['9110 §14.2 only of 200', RANGE('bytes=0-3'), 404, '0123456789', { stored: { status: 404 } }],
  ['9110 §14.2 nor of another success', RANGE('bytes=0-3'), 203, '0123456789', { stored: { status: 203 } }],
  ['9110 §14.2 content of no bytes', RANGE('bytes=0-3'), 200, '', { content: Buffer.alloc(0) }],
  ['9110 §13.2.2 304 before ranges', [...RANGE('bytes=0-3'), ['If-None-Match', '"a"']], 304, ''],
  ['9110 §13.2.2 304 before 416', [...RANGE('bytes=50-'), ['If-None-Match', '"a"']], 304, ''],
  ['9110 §13.1.5 the same tag', [...RANGE('bytes=0-3'), ['If-Range', '"a"']], 206, '0123'],
  ['9110 §13.1.5 a weak tag', [...RANGE('bytes=0-3'), ['If-Range', 'W/"a"']], 200, '0123456789'],
  ['9110 §13.1.5 another tag', [...RANGE('bytes=0-3'), ['If-Range', '"b"']], 200, '0123456789'],
  ['9110 §13.1.5 no 416 for another tag', [...RANGE('bytes=50-'), ['If-Range', '"b"']], 200, '0123456789'],
  ['9110 §13.1.5 the same date', [...RANGE('bytes=0-3'), ['If-Range', MODIFIED]], 206, '0123'],
  ['9110 §13.1.5 a later date', [...RANGE('bytes=0-3'), ['If-Range', STORED_DATE]], 200, '0123456789'],
  ['9110 §13.1.5 without Range', [['If-Range', '"b"']], 200, '0123456789'],
]

for (const [clause, fields, status, content, given] of ROWS)
  test(`${clause}: ${status}`, () => {
    const { client } = answered({ fields, ...given })
    assert.deepEqual([client.status, client.bytes.toString()], [status, content])
    const length = client.headers.get('content-length')
    // RFC 9110 §8.6: the length of what is sent, for HEAD of what GET would get; none with 304.
    if (status === 304) assert.equal(length, null)
    else if (given?.method !== 'HEAD') assert.equal(length, String(content.length))
    else assert.equal(length, '10')
  })

const ALL = [
  'content-location',
  'cache-control',
  'expires',
  'vary',
  'etag',
  'date',
  'set-cookie',
  'age',
  'cache-status',
]
const SENT: readonly (readonly [clause: string, fields: Fields, more: readonly string[]])[] = [
  ['9110 §15.4.5 304: nothing of the content', [['If-None-Match', '"a"']], []],
  [
    '9110 §15.3.7 206: all but what is true of the whole only',
    RANGE('bytes=0-3'),
    ['accept-ranges', 'content-language', 'content-length', 'content-range', 'content-type', 'last-modified'],
  ],
  [
    '9110 §15.3.7 206 with If-Range: what the client has is left out',
    [...RANGE('bytes=0-3'), ['If-Range', '"a"']],
    ['content-length', 'content-range'],
  ],
  [
    '9110 §15.3.7.2 several parts have no Content-Range',
    RANGE('bytes=0-1,4-5'),
    ['accept-ranges', 'content-language', 'content-length', 'content-type', 'last-modified'],
  ],
]

for (const [clause, fields, more] of SENT)
  test(`fields: ${clause}`, () => {
    assert.deepEqual(answered({ fields }).names.sort(), [...ALL, ...more].sort())
  })

test('RFC 9110 §15.4.5: without a tag Last-Modified guides the update', () => {
  const stored = { fields: FIELDS.filter(([name]) => name !== 'ETag') }
  const { client } = answered({ fields: [['If-Modified-Since', MODIFIED]], stored })
  assert.equal(client.headers.get('last-modified'), MODIFIED)
})

test('RFC 9110 §15.5.17: 416 tells the length, and is for nobody else', () => {
  const { client } = answered({ fields: RANGE('bytes=10-') })
  assert.deepEqual(client.lines, [
    'Cache-Control: no-store',
    'Content-Length: 0',
    'Content-Range: bytes */10',
    'ETag: "a"',
    'Cache-Status: sluice; hit; ttl=60',
  ])
})

test('RFC 9110 §8.6: 204 has no length', () => {
  const { client } = answered({ stored: { status: 204 }, content: Buffer.alloc(0) })
  assert.deepEqual([client.status, client.headers.get('content-length')], [204, null])
})

/** Reads multipart/byteranges strictly; null: it is not as it has to be. */
function partsOf(type: string, content: Buffer): [type: string, range: string, bytes: string][] {
  const boundary = /^multipart\/byteranges; boundary=([0-9a-f]{32})$/.exec(type)?.[1]
  const text = content.toString('latin1')
  const end = `\r\n--${boundary}--\r\n`
  assert.ok(boundary !== undefined && text.startsWith(`--${boundary}\r\n`) && text.endsWith(end), 'whole')
  return text
    .slice(`--${boundary}\r\n`.length, -end.length)
    .split(`\r\n--${boundary}\r\n`)
    .map(part => {
      const [, partType, range, bytes] =
        /^Content-Type: (.*)\r\nContent-Range: (bytes \d+-\d+\/\d+)\r\n\r\n(.*)$/s.exec(part) ?? []
      return [partType, range, bytes]
    })
}

test('RFC 9110 §14.6, §15.3.7.2: several parts, in the order asked for', () => {
  const { client } = answered({ fields: RANGE('bytes=8-9, 0-1, -5') })
  assert.deepEqual(partsOf(client.headers.get('content-type') ?? '', client.bytes), [
    ['text/plain', 'bytes 5-9/10', '56789'],
    ['text/plain', 'bytes 0-1/10', '01'],
  ])
  assert.equal(client.headers.get('content-length'), String(client.bytes.length))
})

test('a boundary cannot be known before: each answer has another', () => {
  const types = new Set(
    Array.from({ length: 20 }, () =>
      answered({ fields: RANGE('bytes=0-1,4-5') }).client.headers.get('content-type'),
    ),
  )
  assert.equal(types.size, 20)
})

test('property: whatever ranges are asked for, what comes is what Buffer.subarray would give', () => {
  const position = fc.nat(130)
  const spec = fc.oneof(
    fc.tuple(position, position).map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`),
    position.map(first => `${first}-`),
    position.map(suffix => `-${suffix}`),
  )
  const content = fc.uint8Array({ minLength: 1, maxLength: 120 }).map(bytes => Buffer.from(bytes))
  fc.assert(
    fc.property(content, fc.array(spec, { minLength: 1, maxLength: 4 }), (bytes, specs) => {
      const { client } = answered({ fields: RANGE(`bytes=${specs.join(',')}`), content: bytes })
      checkRanges(client, bytes, specs)
    }),
    { numRuns: 500 },
  )
})

function checkRanges(
  client: ReturnType<typeof answered>['client'],
  bytes: Buffer,
  specs: readonly string[],
): void {
  const wanted = new Set(specs.flatMap(spec => placesOf(spec, bytes.length)))
  if (client.status === 416) {
    assert.equal(wanted.size, 0)
    return
  }
  if (client.status === 200) {
    assert.ok(specs.length > 1, 'one range is never refused')
    assert.deepEqual(client.bytes, bytes)
    return
  }
  const type = client.headers.get('content-type') ?? ''
  const single = client.headers.get('content-range')
  const parts: [string, string][] =
    single !== null
      ? [[single, client.bytes.toString('latin1')]]
      : partsOf(type, client.bytes).map(([, range, part]) => [range, part])
  const got: number[] = []
  for (const [range, part] of parts) {
    const [, first, last, total] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(range)?.map(Number) ?? []
    assert.equal(total, bytes.length)
    assert.equal(part, bytes.subarray(first, last + 1).toString('latin1'))
    for (let at = first; at <= last; at++) got.push(at)
  }
  assert.deepEqual(new Set(got), wanted)
  assert.equal(got.length, wanted.size, 'no byte twice')
}

/** Places that a range names in content of so many bytes. */
function placesOf(spec: string, bytes: number): number[] {
  const [first, last] = spec.split('-')
  const from = first === '' ? Math.max(0, bytes - Number(last)) : Number(first)
  const to = first === '' || last === '' ? bytes - 1 : Math.min(bytes - 1, Number(last))
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i)
}

const AGES: readonly (readonly [clause: string, initialAgeS: number, sinceMs: number, age: string])[] = [
  ['9111 §4.2.3 at once', 0, 0, '0'],
  ['9111 §5.1 whole seconds', 0, 999, '0'],
  ['9111 §5.1 whole seconds', 0, 1000, '1'],
  ['9111 §4.2.3 what it came with counts', 12.5, 60_500, '73'],
  ['9111 §4.2.3 a clock that was set back', 5, -90_000, '5'],
  ['9111 §1.2.2 too large', 1e12, 0, '2147483648'],
]

for (const [clause, initialAgeS, sinceMs, age] of AGES)
  test(`Age: ${clause}: ${age}`, () => {
    const { policy } = entryHead()
    const stored = { policy: { ...policy, initialAgeS }, fields: FIELDS }
    for (const fields of [[], RANGE('bytes=0-1'), [['If-None-Match', '"a"']] as const])
      assert.equal(answered({ fields, stored, nowMs: NOW_MS + sinceMs }).client.headers.get('age'), age)
  })

test('RFC 9211 §2: Cache-Status comes behind what caches before us said, as much as is wanted', () => {
  const stored = { fields: [['Cache-Status', 'origin-cache; hit']] as const }
  const said = (status: CacheOptions['status']) =>
    answered({ stored, options: { ...CACHE_DEFAULTS, status } }).client.headers.get('cache-status')
  assert.equal(said('off'), 'origin-cache; hit')
  assert.equal(said('short'), 'origin-cache; hit, sluice; hit; ttl=60')
  assert.equal(said('full'), 'origin-cache; hit, sluice; hit; ttl=60; key="http://shop:80/"; detail=fresh')
})

test('attack: a key cannot break out of Cache-Status', () => {
  const key = 'http://shop:80/"\\\r\nSet-Cookie: a=b\r\n\r\n\u010d\u010a'
  const { client, exchange } = asking()
  const options: CacheOptions = { ...CACHE_DEFAULTS, status: 'full' }
  answerFromEntry(
    exchange,
    { head: entryHead(), body: new PiecedBody(CONTENT) },
    { ...HIT, key },
    NOW_MS,
    options,
  )
  assert.deepEqual(
    client.headers.entries().map(([name]) => name),
    ['Content-Type', 'Date', 'Content-Length', 'Age', 'Cache-Status'],
  )
  assert.match(client.headers.get('cache-status') ?? '', /^[ -~]+$/)
})

test('the log word is noted when somebody observes, and not else', () => {
  const head = entryHead()
  for (const startedAtMs of [0, 1])
    for (const fields of [[], RANGE('bytes=0-1')] as const) {
      const { exchange } = asking(fields)
      exchange.notes.startedAtMs = startedAtMs
      answerFromEntry(exchange, { head, body: new PiecedBody(CONTENT) }, HIT, NOW_MS, CACHE_DEFAULTS)
      assert.equal(exchange.notes.cache, startedAtMs === 0 ? '' : 'hit')
    }
})

/** What is said of an entry that is asked for again and again. */
function saidOf(head: EntryHead, changes: Partial<CacheOutcome>, nowMs: number, options = CACHE_DEFAULTS) {
  const { client, exchange } = asking()
  let shared: unknown = null
  const { head: hear } = client
  client.head = told => {
    shared = told instanceof HeadOfMany ? told.shared : null
    hear.call(client, told)
  }
  answerFromEntry(exchange, { head, body: new PiecedBody(CONTENT) }, { ...HIT, ...changes }, nowMs, options)
  return { shared, text: client.headers.text, word: exchange.notes.cache }
}

const FULL: CacheOptions = { ...CACHE_DEFAULTS, status: 'full' }

test('a head is remembered from the second time on, for as long as its Age holds', () => {
  const head = entryHead()
  const say = (ttlS: number, sinceMs: number) => saidOf(head, { ttlS }, NOW_MS + sinceMs, FULL)
  const [first, second] = [say(60, 100), say(60, 200)]
  assert.notEqual(second.shared, first.shared, 'only what is asked for twice')
  assert.equal(say(60, 300).shared, second.shared)
  assert.equal(say(60.9, 999).shared, second.shared, 'a part of a second is not told')
  assert.match(say(60, 1000).text, /Age: 1\r\n/)
})

const STALE: Partial<CacheOutcome> = { hit: false, fwd: 'stale' }

const CHANGES: readonly (readonly [what: string, changes: SaidChanges, expected: RegExp])[] = [
  ['a clock that was set back', { sinceMs: -500, respondedMs: NOW_MS - 2000 }, /Age: 1\r\n/],
  ['the next second', { sinceMs: 1000 }, /Age: 1\r\n/],
  ['what is left of its freshness', { outcome: { ttlS: 59 } }, /ttl=59/],
  ['nothing known of it', { outcome: { ttlS: null } }, /hit; key/],
  ['a forwarded request', { outcome: { hit: false, fwd: 'stale' } }, /sluice; fwd=stale; ttl/],
  ['why it was forwarded', { base: STALE, outcome: { ...STALE, fwd: 'miss' } }, /fwd=miss/],
  ['its status', { base: STALE, outcome: { ...STALE, fwdStatus: 304 } }, /fwd=stale; fwd-status=304/],
  ['stored', { base: STALE, outcome: { ...STALE, stored: true } }, /ttl=60; stored/],
  ['collapsed', { base: STALE, outcome: { ...STALE, collapsed: true } }, /ttl=60; collapsed/],
  ['the reason', { outcome: { detail: 'stale-if-error' } }, /detail=stale-if-error/],
  ['the key', { outcome: { key: 'http://other:80/' } }, /key="http:\/\/other:80\/"/],
  ['no hit', { outcome: { hit: false } }, /sluice; ttl/],
  ['a cache that says less', { options: CACHE_DEFAULTS }, /ttl=60\r\n$/],
  ['another head in the same place', { fields: [['X', 'updated']] }, /^X: updated/],
]

interface SaidChanges {
  readonly sinceMs?: number
  readonly respondedMs?: number
  /** What is remembered, and what is to be said. */
  readonly base?: Partial<CacheOutcome>
  readonly outcome?: Partial<CacheOutcome>
  readonly options?: CacheOptions
  readonly fields?: Fields
}

for (const [
  what,
  { sinceMs = 0, respondedMs = NOW_MS, base = {}, outcome = {}, options = FULL, fields },
  expected,
] of CHANGES)
  test(`what is remembered is not told where it is not true: ${what}`, () => {
    const head = entryHead({ respondedMs })
    for (let i = 0; i < 3; i++) assert.doesNotMatch(saidOf(head, base, NOW_MS, FULL).text, expected)
    const other = fields === undefined ? head : entryHead({ fields })
    assert.match(saidOf(other, outcome, NOW_MS + sinceMs, options).text, expected)
  })

test('what the log says is that of the moment', () => {
  const head = entryHead()
  const wordOf = (detail: string) => saidOf(head, { detail }, NOW_MS).word
  for (let round = 0; round < 3; round++)
    assert.deepEqual([wordOf('fresh'), wordOf('fresh'), wordOf('max-stale')], ['hit', 'hit', 'hit max-stale'])
})

test('large content in one piece goes out in pieces that a slow client can take in time', () => {
  const { client } = answered({ content: Buffer.alloc(200_000) })
  assert.deepEqual(
    client.parts.map(({ length }) => length),
    [65_536, 65_536, 65_536, 3_392],
  )
})

test('content that is not there at once: the client hears nothing until its first bytes, and it can fail', async () => {
  const told: string[] = []
  const { client, exchange } = asking()
  const body = new PiecedBody(CONTENT, 4)
  body.later = true
  const unreadable = (error: ProxyError) => void told.push(error.code)
  answerFromEntry(exchange, { head: entryHead(), body }, HIT, NOW_MS, CACHE_DEFAULTS, unreadable)
  assert.deepEqual([client.calls, body.asked], [[], [0]])
  await body.fails(new ProxyError('upstream_body_short'))
  assert.deepEqual([told, client.calls, body.closed], [['upstream_body_short'], [], 1])
})

test('content that comes piece by piece comes whole, and is asked for once', async () => {
  const { client, exchange } = asking(RANGE('bytes=1-8'))
  const body = new PiecedBody(CONTENT, 4)
  body.later = true
  answerFromEntry(exchange, { head: entryHead(), body }, HIT, NOW_MS, CACHE_DEFAULTS)
  for (let i = 0; i < 3; i++) await body.arrives()
  assert.deepEqual([client.bytes.toString(), body.asked, body.closed], ['12345678', [1, 4, 8], 1])
})
