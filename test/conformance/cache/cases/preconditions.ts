/**
 * Preconditions of clients, answered from the store (RFC 9111 §4.3.2, RFC 9110 §13).
 * Strategy: whether a cache looks at them at all is optional; each rule about how it looks comes behind a request that
 * shows that it does.
 */
import {
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

const DAY = 'Tue, 15 Nov 1994 12:45:26 GMT'
const EARLIER = 'Mon, 14 Nov 1994 12:45:26 GMT'
const LATER = 'Wed, 16 Nov 1994 12:45:26 GMT'
const TAGGED = [FRESH, 'ETag: "a"']
const DATED = [FRESH, `Last-Modified: ${DAY}`]
const BOTH = [...TAGGED, `Last-Modified: ${DAY}`]

const NOT_MODIFIED: Expect = { from: 'cache', status: 304 }
const WHOLE: Expect = { from: 'cache', status: 200 }

const answers = (
  name: string,
  clause: string,
  stored: Lines,
  asks: Lines,
  expect: Expect = NOT_MODIFIED,
): Case => optional(name, clause, first(stored), then(expect, asks))
/** `shows`: a request that any cache answers with 304 that looks at such preconditions. */
const rule = (name: string, clause: string, stored: Lines, shows: Lines, asks: Lines, expect: Expect): Case =>
  required(name, clause, first(stored), then(NOT_MODIFIED, shows), then(expect, asks))

const tags = (
  name: string,
  asks: Lines,
  expect: Expect,
  stored: Lines = TAGGED,
  shows: Lines = 'If-None-Match: "a"',
): Case => rule(`If-None-Match: ${name}`, '9110 §13.1.2', stored, shows, asks, expect)
const dates = (name: string, asks: Lines, expect: Expect): Case =>
  rule(`If-Modified-Since: ${name}`, '9110 §13.1.3', DATED, `If-Modified-Since: ${DAY}`, asks, expect)
const carries = (name: string, value: string): Case =>
  rule(
    `304 carries ${name}`,
    '9110 §15.4.5',
    [...TAGGED, `${name}: ${value}`],
    'If-None-Match: "a"',
    'If-None-Match: "a"',
    {
      ...NOT_MODIFIED,
      fields: { [name]: value },
    },
  )
/** The origin alone may look at it. */
const passes = (name: string, asks: string, stored: Lines): Case =>
  required(name, '§4.3.2', first(stored), then({ from: 'any', status: 200 }, asks))

export const PRECONDITIONS: Group = {
  name: 'preconditions',
  cases: [
    answers('If-None-Match with the stored entity tag', '§4.3.2', TAGGED, 'If-None-Match: "a"'),
    answers('If-None-Match with another entity tag', '§4.3.2', TAGGED, 'If-None-Match: "b"', WHOLE),
    answers('If-Modified-Since with the stored date', '§4.3.2', DATED, `If-Modified-Since: ${DAY}`),
    answers('If-Modified-Since with a later date', '§4.3.2', DATED, `If-Modified-Since: ${LATER}`),
    answers(
      'If-Modified-Since with an earlier date',
      '§4.3.2',
      DATED,
      `If-Modified-Since: ${EARLIER}`,
      WHOLE,
    ),
    answers('If-Modified-Since, compared with Date', '§4.3.2', FRESH, 'If-Modified-Since: {now+100}'),
    answers('If-Modified-Since, earlier than Date', '§4.3.2', FRESH, 'If-Modified-Since: {now-100}', WHOLE),
    optional(
      'If-None-Match of a HEAD request',
      '9110 §13.2.2',
      first(TAGGED),
      then(NOT_MODIFIED, { method: 'HEAD', fields: 'If-None-Match: "a"' }),
    ),
    tags('weak against strong', 'If-None-Match: W/"a"', NOT_MODIFIED),
    tags(
      'strong against weak',
      'If-None-Match: "a"',
      NOT_MODIFIED,
      [FRESH, 'ETag: W/"a"'],
      'If-None-Match: W/"a"',
    ),
    tags('the second of a list', 'If-None-Match: "b", "a"', NOT_MODIFIED),
    tags('a list without white space', 'If-None-Match: "b","a","c"', NOT_MODIFIED),
    tags('a list with empty members', 'If-None-Match: ,, "a" ,', NOT_MODIFIED),
    tags('the second of two lines', ['If-None-Match: "b"', 'If-None-Match: "a"'], NOT_MODIFIED),
    tags('weak ones in a list', 'If-None-Match: W/"b", W/"a"', NOT_MODIFIED),
    tags('an asterisk', 'If-None-Match: *', NOT_MODIFIED),
    tags('capitals', 'If-None-Match: "A"', WHOLE),
    tags('a longer one', 'If-None-Match: "ab"', WHOLE),
    tags('a list of others', 'If-None-Match: "b", "c"', WHOLE),
    tags('a comma inside another', 'If-None-Match: "b,a"', WHOLE),
    tags(
      'the stored one has a comma',
      'If-None-Match: "b", "a,c"',
      NOT_MODIFIED,
      [FRESH, 'ETag: "a,c"'],
      'If-None-Match: "a,c"',
    ),
    tags(
      'If-Modified-Since is not looked at, it matches',
      ['If-None-Match: "b"', `If-Modified-Since: ${DAY}`],
      WHOLE,
      BOTH,
    ),
    tags(
      'If-Modified-Since is not looked at, it does not match',
      ['If-None-Match: "a"', `If-Modified-Since: ${EARLIER}`],
      NOT_MODIFIED,
      BOTH,
    ),
    dates('RFC 850', 'If-Modified-Since: Tuesday, 15-Nov-94 12:45:26 GMT', NOT_MODIFIED),
    dates('asctime', 'If-Modified-Since: Tue Nov 15 12:45:26 1994', NOT_MODIFIED),
    dates('RFC 850, earlier', 'If-Modified-Since: Monday, 14-Nov-94 12:45:26 GMT', WHOLE),
    dates('asctime, earlier', 'If-Modified-Since: Mon Nov 14 12:45:26 1994', WHOLE),
    dates('a word', 'If-Modified-Since: yesterday', WHOLE),
    dates('a number', 'If-Modified-Since: 2000000000', WHOLE),
    dates('nothing', 'If-Modified-Since:', WHOLE),
    dates('two lines', [`If-Modified-Since: ${DAY}`, `If-Modified-Since: ${DAY}`], {
      from: 'any',
      status: [200, 400],
    }),
    rule('304 carries Cache-Control', '9110 §15.4.5', TAGGED, 'If-None-Match: "a"', 'If-None-Match: "a"', {
      ...NOT_MODIFIED,
      fields: { 'Cache-Control': 'max-age=3600' },
    }),
    carries('Content-Location', '/elsewhere'),
    carries('Expires', 'Fri, 31 Dec 2099 23:59:59 GMT'),
    carries('Vary', 'Foo'),
    rule('304 carries ETag', '9110 §15.4.5', TAGGED, 'If-None-Match: "a"', 'If-None-Match: "a"', {
      ...NOT_MODIFIED,
      fields: { ETag: '"a"' },
    }),
    rule('304 carries Date', '9110 §15.4.5', TAGGED, 'If-None-Match: "a"', 'If-None-Match: "a"', {
      ...NOT_MODIFIED,
      fields: { Date: /GMT$/ },
    }),
    rule('304 carries Age', '§4', [...TAGGED, 'Age: 100'], 'If-None-Match: "a"', 'If-None-Match: "a"', {
      ...NOT_MODIFIED,
      fields: { Age: [100, 104] },
    }),
    required(
      'If-None-Match says nothing to a 404',
      '9110 §13.2.1',
      first({ status: 404, fields: TAGGED }),
      then({ from: 'cache', status: 404 }, 'If-None-Match: "a"'),
    ),
    required(
      'If-Modified-Since says nothing to a 301',
      '9110 §13.2.1',
      first({ status: 301, fields: [...DATED, 'Location: /'] }),
      then({ from: 'cache', status: 301 }, `If-Modified-Since: ${DAY}`),
    ),
    passes('If-Match is not for a cache', 'If-Match: "b"', TAGGED),
    passes('If-Match with a weak entity tag is not for a cache', 'If-Match: W/"a"', TAGGED),
    passes('If-Unmodified-Since is not for a cache', `If-Unmodified-Since: ${EARLIER}`, DATED),
    required('If-None-Match of a PUT reaches the origin', '§4.3.2', first(TAGGED), {
      ...then(
        { from: 'origin', asked: { 'If-None-Match': '*' } },
        { method: 'PUT', body: 'x', fields: 'If-None-Match: *' },
      ),
    }),
    required('If-Match of a PUT reaches the origin', '§4.3.2', first(TAGGED), {
      ...then(
        { from: 'origin', asked: { 'If-Match': '"b"' } },
        { method: 'PUT', body: 'x', fields: 'If-Match: "b"' },
      ),
    }),
    required('If-Unmodified-Since of a DELETE reaches the origin', '§4.3.2', first(DATED), {
      ...then(
        { from: 'origin', asked: { 'If-Unmodified-Since': DAY } },
        { method: 'DELETE', fields: `If-Unmodified-Since: ${DAY}` },
      ),
    }),
    required(
      'a precondition the origin answered with 304 stores nothing',
      '§3',
      then({ from: 'any', status: [304, 200] }, 'If-None-Match: "a"', {
        fields: TAGGED,
        conditional: { status: 304, fields: TAGGED },
      }),
      then({ from: 'any', status: 200, body: /^answer [12] / }, {}, TAGGED),
    ),
  ],
}
