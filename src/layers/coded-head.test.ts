import assert from 'node:assert/strict'
import test from 'node:test'
import { HeaderList } from '../http/header-list.ts'
import type { ResponseHead } from '../http/message.ts'
import { addVary, answerWeakly, codedTrailers, type Judgement, judge, markCoded } from './coded-head.ts'
import { DEFAULT_TYPES, typeMatcher } from './media-types.ts'

type Fields = readonly (readonly [string, string])[]

const head = (fields: Fields, status = 200): ResponseHead => ({
  status,
  reason: '',
  version: 11,
  headers: HeaderList.from(fields),
})
const linesOf = (headers: HeaderList) => headers.text.split('\r\n').slice(0, -1)

const HTML = ['Content-Type', 'text/html'] as const
const matches = typeMatcher(DEFAULT_TYPES)

const JUDGEMENTS: readonly [name: string, fields: Fields, status: number, judgement: Judgement][] = [
  ['a page of unknown length', [HTML], 200, 'code'],
  ['parameters of the type', [['content-type', 'Text/HTML ; charset=utf-8']], 200, 'code'],
  ['long enough', [HTML, ['Content-Length', '1000']], 200, 'code'],
  ['too short', [HTML, ['Content-Length', '999']], 200, 'leave'],
  ['empty', [HTML, ['Content-Length', '0']], 200, 'leave'],
  ['an error page', [HTML], 404, 'code'],
  ['a fault of the server', [HTML], 500, 'code'],
  ['no type', [['Content-Length', '5000']], 200, 'leave'],
  ['an empty type', [['Content-Type', '']], 200, 'leave'],
  ['a picture', [['Content-Type', 'image/png']], 200, 'leave'],
  ['101', [HTML], 101, 'leave'],
  ['103', [HTML], 103, 'leave'],
  ['204', [HTML], 204, 'leave'],
  ['205', [HTML], 205, 'leave'],
  ['304 with a type', [HTML], 304, 'vary'],
  ['304 without', [], 304, 'vary'],
  ['304 of a picture', [['Content-Type', 'image/png']], 304, 'leave'],
  ['206', [HTML, ['Content-Range', 'bytes 0-9/100']], 206, 'vary'],
  ['several parts', [['Content-Type', 'multipart/byteranges; boundary=x']], 206, 'leave'],
  ['Content-Range whatever the status', [HTML, ['Content-Range', 'bytes 0-9/100']], 200, 'vary'],
  ['coded already', [HTML, ['Content-Encoding', 'gzip']], 200, 'vary'],
  ['coded by an unknown coding', [HTML, ['content-encoding', 'identity']], 200, 'vary'],
  ['no-transform', [HTML, ['Cache-Control', 'no-transform']], 200, 'leave'],
  ['no-transform among others', [HTML, ['Cache-Control', 'public, No-Transform, max-age=5']], 200, 'leave'],
  [
    'no-transform in a second field',
    [HTML, ['Cache-Control', 'public'], ['Cache-Control', 'no-transform']],
    200,
    'leave',
  ],
  ['a word like it', [HTML, ['Cache-Control', 'no-transformation']], 200, 'code'],
]

test('which answers may be coded', () => {
  for (const [name, fields, status, judgement] of JUDGEMENTS)
    assert.equal(judge(head(fields, status), matches, 1000), judgement, name)
  assert.equal(judge(head([HTML, ['Content-Length', '0']]), matches, 0), 'leave', 'nothing is never coded')
})

const VARIES: readonly [before: Fields, after: string[]][] = [
  [[], ['Vary: Accept-Encoding']],
  [[['Vary', 'Origin']], ['Vary: Origin, Accept-Encoding']],
  [[['vary', 'accept-encoding, Origin']], ['vary: accept-encoding, Origin']],
  [[['Vary', '*']], ['Vary: *']],
  [[['Vary', 'Origin, *']], ['Vary: Origin, *']],
  [[['Vary', '']], ['Vary: Accept-Encoding']],
  [
    [
      ['Vary', 'A'],
      ['X', '1'],
      ['Vary', 'B'],
    ],
    ['Vary: A, B, Accept-Encoding', 'X: 1'],
  ],
  [
    [
      ['Vary', 'A'],
      ['Vary', 'ACCEPT-ENCODING'],
    ],
    ['Vary: A', 'Vary: ACCEPT-ENCODING'],
  ],
]

test('Vary is merged into what stands there', () => {
  for (const [before, after] of VARIES) {
    const { headers } = head(before)
    addVary(headers)
    assert.deepEqual(linesOf(headers), after)
    addVary(headers)
    assert.deepEqual(linesOf(headers), after, 'and not twice')
  }
})

const CODED: readonly [name: string, before: Fields, after: string[]][] = [
  ['a strong tag becomes weak', [['ETag', '"abc"']], ['ETag: W/"abc"']],
  ['a weak one stays', [['etag', 'W/"abc"']], ['etag: W/"abc"']],
  ['what is no tag goes', [['ETag', 'abc']], []],
  [
    'no length',
    [
      ['Content-Length', '5000'],
      ['X', '1'],
    ],
    ['X: 1'],
  ],
  ['no ranges', [['Accept-Ranges', 'bytes']], []],
  [
    'no digest',
    [
      ['Content-MD5', 'a'],
      ['Digest', 'sha-256=a'],
      ['Repr-Digest', 'sha-256=:a:'],
      ['content-digest', 'sha-256=:a:'],
    ],
    [],
  ],
  [
    'everything else as it was',
    [
      ['Set-Cookie', 'a'],
      ['Last-Modified', 'x'],
      ['Set-Cookie', 'b'],
    ],
    ['Set-Cookie: a', 'Last-Modified: x', 'Set-Cookie: b'],
  ],
]

test('the head of a coded answer', () => {
  for (const [name, before, after] of CODED) {
    const answer = head(before)
    markCoded(answer, 'br')
    assert.deepEqual(
      linesOf(answer.headers),
      [...after, 'Content-Encoding: br', 'Vary: Accept-Encoding'],
      name,
    )
    assert.ok(!answer.headers.has('content-length'))
  }
})

const WEAKLY: readonly [tag: string, ifNoneMatch: string | null, after: string][] = [
  ['"abc"', 'W/"abc"', 'W/"abc"'],
  ['"abc"', '"x", W/"abc"', 'W/"abc"'],
  ['"abc"', '"abc"', '"abc"'],
  ['"abc"', 'W/"abcd"', '"abc"'],
  ['"abc"', '*', '"abc"'],
  ['"abc"', null, '"abc"'],
  ['W/"abc"', 'W/"abc"', 'W/"abc"'],
]

test('a 304 has the tag under which the client holds the answer', () => {
  for (const [tag, ifNoneMatch, after] of WEAKLY) {
    const answer = head([['ETag', tag]], 304)
    answerWeakly(answer, ifNoneMatch)
    assert.equal(answer.headers.get('etag'), after, `${tag} ${ifNoneMatch}`)
  }
})

test('digests that come as trailers go, other trailers stay', () => {
  const trailers = HeaderList.from([
    ['Repr-Digest', 'sha-256=:a:'],
    ['X-Checksum', '1'],
  ])
  assert.deepEqual(linesOf(codedTrailers(trailers)), ['X-Checksum: 1'])
  const others = HeaderList.from([['X-Checksum', '1']])
  assert.equal(codedTrailers(others), others)
})
