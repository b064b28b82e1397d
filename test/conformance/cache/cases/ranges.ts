/**
 * Parts of responses (RFC 9110 §14, §15.3.7; RFC 9111 §3.3, §3.4): out of a stored whole, and a whole out of parts.
 */
import {
  type Answer,
  type Case,
  type Expect,
  FRESH,
  first,
  type Group,
  type Lines,
  optional,
  required,
  then,
} from '../case.ts'

const BODY = '0123456789abcdefghij'
const TAGGED = [FRESH, 'ETag: "a"']
const DAY = 'Tue, 15 Nov 1994 12:45:26 GMT'
const whole = (fields: Lines = TAGGED): Answer => ({
  body: BODY,
  fields: [fields, 'Accept-Ranges: bytes'].flat(),
})
/** An origin that gives the part that is asked for. */
const parts = (fields: Lines = TAGGED): Answer => ({ body: BODY, fields, ranges: true })

const partial = (body: string, contentRange: string): Expect => ({
  from: 'cache',
  status: 206,
  body,
  fields: { 'Content-Range': contentRange },
})
const FIRST_TEN = partial(BODY.slice(0, 10), 'bytes 0-9/20')
const WHOLE: Expect = { from: 'cache', status: 200, body: BODY, fields: { 'Content-Range': null } }
const UNSATISFIABLE: Expect = { from: 'proxy', status: 416, fields: { 'Content-Range': 'bytes */20' } }

/** The cache passes the range on, and the part that comes. */
const PART: Expect = { from: 'origin', status: 206, body: /^0123456789$/, asked: { Range: /./ } }

const answers = (name: string, range: string, expect: Expect): Case =>
  optional(name, '9110 §14.2', first(whole()), then(expect, `Range: ${range}`))
/** Comes behind a request that shows that the cache gives parts. */
const rule = (name: string, clause: string, asks: Lines, expect: Expect, stored: Lines = TAGGED): Case =>
  required(name, clause, first(whole(stored)), then(FIRST_TEN, 'Range: bytes=0-9'), then(expect, asks))
/** After these two parts, a client wants the whole, which the origin alone has. */
const apart = (name: string, clause: string, one: Answer, other: Answer): Case =>
  required(
    name,
    clause,
    then(PART, 'Range: bytes=0-9', one),
    then({ ...PART, body: /^[a-j]/ }, 'Range: bytes=10-19', other),
    then({ from: 'origin', status: 200, body: BODY }, {}, { body: BODY, fields: FRESH }),
  )
/** What comes of a 206 that is not what was asked for. */
const odd = (name: string, clause: string, contentRange: string, range = 'bytes=0-9'): Case =>
  required(
    name,
    clause,
    then({ from: 'any', asked: { Range: range } }, `Range: ${range}`, {
      status: 206,
      body: BODY.slice(0, 10),
      fields: [...TAGGED, contentRange],
    }),
    then({ from: 'origin', status: 200, body: BODY }, {}, whole()),
  )

export const RANGES: Group = {
  name: 'ranges',
  cases: [
    answers('the first bytes', 'bytes=0-9', FIRST_TEN),
    answers('one byte', 'bytes=0-0', partial('0', 'bytes 0-0/20')),
    answers('from the middle on', 'bytes=15-', partial('fghij', 'bytes 15-19/20')),
    answers('the last bytes', 'bytes=-5', partial('fghij', 'bytes 15-19/20')),
    answers('more last bytes than there are', 'bytes=-100', partial(BODY, 'bytes 0-19/20')),
    answers('beyond the end', 'bytes=15-100', partial('fghij', 'bytes 15-19/20')),
    answers('behind the end', 'bytes=20-', UNSATISFIABLE),
    answers('no last bytes', 'bytes=-0', UNSATISFIABLE),
    answers('the unit in capitals', 'Bytes=0-9', FIRST_TEN),
    answers('several parts', 'bytes=0-1,10-11', {
      from: 'cache',
      status: 206,
      body: /bytes 0-1\/20[\s\S]*\r\n01\r\n[\s\S]*bytes 10-11\/20[\s\S]*\r\nab\r\n/i,
      fields: { 'Content-Type': /^multipart\/byteranges; *boundary=/ },
    }),
    answers('several parts, one behind the end', 'bytes=0-1,40-50', {
      from: 'cache',
      status: 206,
      body: /01/,
    }),
    answers('several parts, all behind the end', 'bytes=30-31,40-50', UNSATISFIABLE),
    optional(
      'an unknown unit is not looked at',
      '9110 §14.2',
      first(whole()),
      then({ from: 'any', status: [200, 416] }, 'Range: lines=0-9', whole()),
    ),
    optional(
      'a range without sense is not obeyed',
      '9110 §14.2',
      first(whole()),
      then({ from: 'any', status: [200, 416] }, 'Range: bytes=9-0', whole()),
    ),
    rule('no Content-Range in the head of several parts', '9110 §15.3.7.2', 'Range: bytes=0-1,10-11', {
      from: 'cache',
      fields: { 'Content-Range': null },
      body: /01/,
      status: [200, 206],
    }),
    rule('a part says which', '9110 §15.3.7.1', 'Range: bytes=5-9', partial('56789', 'bytes 5-9/20')),
    rule('a part is as long as it says', '9110 §15.3.7', 'Range: bytes=5-9', {
      ...partial('56789', 'bytes 5-9/20'),
      fields: { 'Content-Length': '5' },
    }),
    rule('a part carries ETag', '9110 §15.3.7', 'Range: bytes=5-9', {
      ...partial('56789', ''),
      fields: { ETag: '"a"', 'Cache-Control': 'max-age=3600', Date: /GMT$/ },
    }),
    rule(
      'a part carries Expires, Vary and Content-Location',
      '9110 §15.3.7',
      'Range: bytes=5-9',
      {
        ...partial('56789', ''),
        fields: { Expires: 'Fri, 31 Dec 2099 23:59:59 GMT', Vary: 'Foo', 'Content-Location': '/a' },
      },
      [...TAGGED, 'Expires: Fri, 31 Dec 2099 23:59:59 GMT', 'Vary: Foo', 'Content-Location: /a'],
    ),
    rule(
      'a part carries other fields',
      '9110 §15.3.7',
      'Range: bytes=5-9',
      { ...partial('56789', ''), fields: { 'Content-Language': 'de', 'Content-Encoding': 'x-own' } },
      [...TAGGED, 'Content-Language: de', 'Content-Encoding: x-own'],
    ),
    rule(
      'a part carries Age',
      '§4',
      'Range: bytes=5-9',
      { ...partial('56789', ''), fields: { Age: [100, 104] } },
      [...TAGGED, 'Age: 100'],
    ),
    rule(
      'numbers of any size',
      '9110 §14.1.2',
      'Range: bytes=10-99999999999999999999999',
      partial('abcdefghij', 'bytes 10-19/20'),
    ),
    rule(
      'last bytes of any number',
      '9110 §14.1.2',
      'Range: bytes=-99999999999999999999999',
      partial(BODY, 'bytes 0-19/20'),
    ),
    required(
      'a HEAD request is not answered in part',
      '9110 §14.2',
      first(whole()),
      then(FIRST_TEN, 'Range: bytes=0-9'),
      then({ from: 'cache', status: 200 }, { method: 'HEAD', fields: 'Range: bytes=0-9' }),
    ),
    rule('If-Range with the stored entity tag', '9110 §13.1.5', ['Range: bytes=0-9', 'If-Range: "a"'], {
      ...FIRST_TEN,
      fields: { 'Content-Range': 'bytes 0-9/20' },
    }),
    rule('If-Range with another entity tag', '9110 §13.1.5', ['Range: bytes=0-9', 'If-Range: "b"'], WHOLE),
    rule('If-Range with a weak entity tag', '9110 §13.1.5', ['Range: bytes=0-9', 'If-Range: W/"a"'], WHOLE),
    rule(
      'If-Range with the stored entity tag, which is weak',
      '9110 §13.1.5',
      ['Range: bytes=0-9', 'If-Range: W/"a"'],
      WHOLE,
      [FRESH, 'ETag: W/"a"'],
    ),
    rule(
      'If-Range with another date',
      '9110 §13.1.5',
      ['Range: bytes=0-9', 'If-Range: Wed, 16 Nov 1994 12:45:26 GMT'],
      WHOLE,
      [FRESH, `Last-Modified: ${DAY}`],
    ),
    rule(
      'If-Range with an earlier date',
      '9110 §13.1.5',
      ['Range: bytes=0-9', 'If-Range: Mon, 14 Nov 1994 12:45:26 GMT'],
      WHOLE,
      [FRESH, `Last-Modified: ${DAY}`],
    ),
    rule(
      'If-Range with a date, when there is only an entity tag',
      '9110 §13.1.5',
      ['Range: bytes=0-9', `If-Range: ${DAY}`],
      WHOLE,
    ),
    rule('If-Range without Range', '9110 §13.1.5', 'If-Range: "b"', WHOLE),
    optional(
      'If-Range with the stored date',
      '9110 §13.1.5',
      first(whole([FRESH, `Last-Modified: ${DAY}`])),
      then(FIRST_TEN, ['Range: bytes=0-9', `If-Range: ${DAY}`]),
    ),
    required(
      'If-None-Match comes before Range',
      '9110 §13.2.2',
      first(whole()),
      then(FIRST_TEN, 'Range: bytes=0-9'),
      then({ from: 'cache', status: 304 }, 'If-None-Match: "a"'),
      then({ from: 'cache', status: 304 }, ['Range: bytes=0-9', 'If-None-Match: "a"']),
    ),
    required(
      'a stored 404 has no parts',
      '9110 §14.2',
      first({ ...whole(), status: 404 }),
      then({ from: 'cache', status: 404, body: BODY }, 'Range: bytes=0-9'),
    ),
    required(
      'a part is not a whole',
      '§3.3',
      then('any', 'Range: bytes=0-9', parts()),
      then({ from: 'any', status: 200, body: BODY }, {}, whole()),
    ),
    required(
      'a part is not another part',
      '§3.3',
      then('any', 'Range: bytes=0-9', parts()),
      then(
        { from: 'any', status: [200, 206], body: /^(?:56789abcde|0123456789abcdefghij)$/ },
        'Range: bytes=5-14',
        parts(),
      ),
    ),
    required(
      'a part without a lifetime is not kept',
      '§4.2',
      then(PART, 'Range: bytes=0-9', parts(['Cache-Control: max-age=10', 'Age: 60', 'ETag: "a"'])),
      then({ from: 'origin', status: [200, 206], body: /^0123456789/ }, 'Range: bytes=0-9', parts()),
    ),
    required(
      'a part with no-store is not kept',
      '§5.2.2.5',
      then(PART, 'Range: bytes=0-9', parts(['Cache-Control: no-store', 'ETag: "a"'])),
      then({ from: 'origin', status: [200, 206], body: /^0123456789/ }, 'Range: bytes=0-9', parts()),
    ),
    optional(
      'a part of a part',
      '§3.3',
      then('any', 'Range: bytes=0-9', parts()),
      then(partial('2345', 'bytes 2-5/20'), 'Range: bytes=2-5', parts()),
    ),
    optional(
      'a range of something that is not stored',
      '9110 §14.2',
      then(
        { from: 'any', status: 206, body: BODY.slice(5, 10), fields: { 'Content-Range': 'bytes 5-9/20' } },
        'Range: bytes=5-9',
        parts(),
      ),
    ),
    optional(
      'two parts make a whole',
      '§3.4',
      then('any', 'Range: bytes=0-9', parts()),
      then('any', 'Range: bytes=10-19', parts()),
      then(WHOLE, {}, whole()),
    ),
    optional(
      'two parts make a whole, the second one first',
      '§3.4',
      then('any', 'Range: bytes=10-19', parts()),
      then('any', 'Range: bytes=0-9', parts()),
      then(WHOLE, {}, whole()),
    ),
    optional(
      'two parts that overlap make a whole',
      '§3.4',
      then('any', 'Range: bytes=0-12', parts()),
      then('any', 'Range: bytes=8-19', parts()),
      then(WHOLE, {}, whole()),
    ),
    apart('parts with other entity tags are not put together', '§3.4', parts(), parts([FRESH, 'ETag: "b"'])),
    apart(
      'parts with weak entity tags are not put together',
      '§3.4',
      parts([FRESH, 'ETag: W/"a"']),
      parts([FRESH, 'ETag: W/"a"']),
    ),
    apart('parts without validators are not put together', '§3.4', parts(FRESH), parts(FRESH)),
    apart('a part with an entity tag and one without are not put together', '§3.4', parts(), parts(FRESH)),
    apart('parts of wholes of other lengths are not put together', '§3.4', parts(), {
      status: 206,
      body: 'abcdefghij',
      fields: [...TAGGED, 'Content-Range: bytes 10-19/30'],
    }),
    apart('parts with a gap are not a whole', '§3.3', parts(), {
      status: 206,
      body: 'bcdefghij',
      fields: [...TAGGED, 'Content-Range: bytes 11-19/20'],
    }),
    odd('a 206 of an unknown unit', '9110 §14.4', 'Content-Range: lines 0-9/20', 'lines=0-9'),
    odd('a 206 whose range runs backwards', '9110 §14.4', 'Content-Range: bytes 9-0/20'),
    odd('a 206 whose range is longer than the whole', '9110 §14.4', 'Content-Range: bytes 0-9/5'),
    odd('a 206 without Content-Range', '§3.3', 'X-None: 1'),
    odd('a 206 of unknown length', '§3.3', 'Content-Range: bytes 0-9/*'),
    odd('a 206 with a range that is a word', '9110 §14.4', 'Content-Range: bytes all'),
    odd('a 206 that calls its part the whole', '§3.3', 'Content-Range: bytes 0-19/20', 'bytes=0-19'),
  ],
}
