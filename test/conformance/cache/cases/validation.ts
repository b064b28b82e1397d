/**
 * How stale responses are validated (RFC 9111 §4.3), and what a 304 changes in what is stored (§3.2, §4.3.4).
 */
import {
  ANYTHING,
  type Answer,
  type Case,
  type FieldCheck,
  FRESH,
  first,
  type Group,
  type Lines,
  lapsed,
  optional,
  required,
  SOON,
  STALE,
  then,
  unchanged,
} from '../case.ts'

const TAG = 'ETag: "a"'
const DAY = 'Tue, 15 Nov 1994 12:45:26 GMT'
const TAGGED = [SOON, TAG]
const DATED = [SOON, `Last-Modified: ${DAY}`]

/** The cache asks whether what it has is still right: what it says to the origin. */
const asks = (kind: typeof required, name: string, stored: Lines, asked: Record<string, FieldCheck>): Case =>
  kind(name, '§4.3.1', lapsed(stored), then({ from: 'validation', asked }, {}, unchanged()))

/** After a 304 with these fields, and while what it made is fresh. */
const after = (
  name: string,
  clause: string,
  stored: Lines,
  confirmed: Answer | Lines,
  fields: Record<string, FieldCheck>,
): Case =>
  required(
    name,
    clause,
    lapsed(stored),
    then('validation', {}, confirming(confirmed)),
    then({ from: 'cache', fields }),
  )

const confirming = (confirmed: Answer | Lines): Answer =>
  typeof confirmed === 'string' || Array.isArray(confirmed)
    ? unchanged(confirmed as Lines)
    : { ...unchanged(), conditional: { status: 304, ...(confirmed as Answer) } }

/** After a 304 with these fields the next request has to go to the origin. */
const stops = (name: string, clause: string, confirmed: Lines): Case =>
  required(name, clause, lapsed(TAGGED), then('validation', {}, unchanged(confirmed)), then('origin'))

export const VALIDATION: Group = {
  name: 'validation',
  cases: [
    asks(required, 'the entity tag is sent', TAGGED, { 'If-None-Match': '"a"' }),
    asks(required, 'a weak entity tag is sent as it is', [SOON, 'ETag: W/"a"'], {
      'If-None-Match': 'W/"a"',
    }),
    asks(required, 'an empty entity tag is sent', [SOON, 'ETag: ""'], { 'If-None-Match': '""' }),
    asks(required, 'an entity tag with a comma is sent', [SOON, 'ETag: "a, b"'], {
      'If-None-Match': '"a, b"',
    }),
    asks(required, 'an entity tag with a backslash is sent', [SOON, 'ETag: "a\\b"'], {
      'If-None-Match': '"a\\b"',
    }),
    asks(required, 'an entity tag of high bytes is sent', [SOON, 'ETag: "gr\xfc\xdfe"'], {
      'If-None-Match': '"gr\xfc\xdfe"',
    }),
    asks(required, 'the entity tag is sent though there is a date', [...DATED, TAG], {
      'If-None-Match': '"a"',
    }),
    asks(optional, 'the date is sent beside the entity tag', [...DATED, TAG], { 'If-Modified-Since': DAY }),
    asks(optional, 'the date is sent alone', DATED, { 'If-Modified-Since': DAY, 'If-None-Match': null }),
    asks(optional, 'no-cache: it is asked each time', ['Cache-Control: no-cache', TAG], {
      'If-None-Match': '"a"',
    }),
    asks(optional, 'max-age=0: it is asked each time', ['Cache-Control: max-age=0', TAG], {
      'If-None-Match': '"a"',
    }),
    optional(
      'without a validator there is no precondition',
      '§4.3.1',
      lapsed(SOON),
      then({ from: 'origin', asked: { 'If-None-Match': null, 'If-Modified-Since': null } }),
    ),
    optional(
      'a request that may not be answered from the store is asked as a validation',
      '§5.2.1.4',
      first([FRESH, TAG]),
      then({ from: 'validation', asked: { 'If-None-Match': '"a"' } }, 'Cache-Control: no-cache', unchanged()),
    ),
    optional(
      'a 304 makes it fresh again',
      '§4.3.4',
      lapsed(TAGGED),
      then('validation', {}, unchanged()),
      then('cache'),
    ),
    required(
      'a client without preconditions gets no 304',
      '§4.3.3',
      lapsed(TAGGED),
      then({ from: 'validation', status: 200 }, {}, unchanged()),
    ),
    required(
      'a full answer is what the client gets',
      '§4.3.3',
      lapsed(TAGGED),
      then({ from: 'validation', bodyOf: 1, status: 200 }),
    ),
    required(
      'a full answer takes the place of the stored one',
      '§4.3.3',
      lapsed(TAGGED),
      then({ from: 'validation', bodyOf: 1 }, {}, [FRESH, 'ETag: "b"']),
      then({ from: 'cache', bodyOf: 1, fields: { ETag: '"b"' } }),
    ),
    required(
      'a full answer that may not be stored is not given to others',
      '§3',
      lapsed(TAGGED),
      then({ from: 'validation', bodyOf: 1 }, {}, 'Cache-Control: no-store'),
      then('origin'),
    ),
    required(
      'a 404 is a full answer',
      '§4.3.3',
      lapsed(TAGGED),
      then({ from: 'validation', bodyOf: 1, status: 404 }, {}, { status: 404, fields: FRESH }),
    ),
    required(
      'a 410 takes the place of the stored one',
      '§4.3.3',
      lapsed(TAGGED),
      then({ from: 'validation', bodyOf: 1, status: 410 }, {}, { status: 410, fields: FRESH }),
      then({ from: 'cache', bodyOf: 1, status: 410 }),
    ),
    after('a 304 adds fields', '§3.2', TAGGED, [FRESH, TAG, 'X-New: 1'], { 'X-New': '1' }),
    after('a 304 replaces fields', '§3.2', [...TAGGED, 'X-Old: 1'], [FRESH, TAG, 'X-Old: 2'], {
      'X-Old': '2',
    }),
    after(
      'a 304 replaces all lines of a field',
      '§3.2',
      [...TAGGED, 'X-Old: 1', 'X-Old: 2'],
      [FRESH, TAG, 'X-Old: 3'],
      { 'X-Old': '3' },
    ),
    after(
      'a 304 replaces fields in other letters',
      '§3.2',
      [...TAGGED, 'X-Old: 1'],
      [FRESH, TAG, 'x-OLD: 2'],
      { 'X-Old': '2' },
    ),
    after('a 304 leaves fields it does not have', '§3.2', [...TAGGED, 'X-Old: 1'], [FRESH, TAG], {
      'X-Old': '1',
    }),
    after('a 304 replaces Cache-Control', '§3.2', TAGGED, ['Cache-Control: max-age=7200', TAG], {
      'Cache-Control': 'max-age=7200',
    }),
    after(
      'a 304 replaces Content-Type',
      '§3.2',
      [...TAGGED, 'Content-Type: text/plain'],
      [FRESH, TAG, 'Content-Type: text/html'],
      { 'Content-Type': 'text/html' },
    ),
    after(
      'a 304 replaces Content-Language',
      '§3.2',
      [...TAGGED, 'Content-Language: de'],
      [FRESH, TAG, 'Content-Language: en'],
      { 'Content-Language': 'en' },
    ),
    after(
      'a 304 replaces Last-Modified',
      '§3.2',
      [...DATED, TAG],
      [FRESH, TAG, 'Last-Modified: Wed, 16 Nov 1994 12:45:26 GMT'],
      { 'Last-Modified': 'Wed, 16 Nov 1994 12:45:26 GMT' },
    ),
    after(
      'a 304 replaces Expires',
      '§3.2',
      [...TAGGED, 'Expires: 0'],
      [FRESH, TAG, 'Expires: Fri, 31 Dec 2099 23:59:59 GMT'],
      { Expires: 'Fri, 31 Dec 2099 23:59:59 GMT' },
    ),
    after(
      'a 304 replaces Set-Cookie',
      '§3.2',
      [...TAGGED, 'Set-Cookie: a=1'],
      [FRESH, TAG, 'Set-Cookie: a=2'],
      { 'Set-Cookie': 'a=2' },
    ),
    after(
      'a 304 does not replace Content-Length',
      '§3.2',
      TAGGED,
      [FRESH, TAG, 'Content-Length: 7', 'X-New: 1'],
      { 'X-New': '1' },
    ),
    after(
      'a field of the 304 for one connection is not stored',
      '§3.1',
      TAGGED,
      [FRESH, TAG, 'Connection: X-Hop', 'X-Hop: 1'],
      { 'X-Hop': null },
    ),
    after(
      'Proxy-Authenticate of a 304 is not stored',
      '§3.1',
      TAGGED,
      [FRESH, TAG, 'Proxy-Authenticate: Basic realm="a"'],
      { 'Proxy-Authenticate': null },
    ),
    after('a 304 for a date alone', '§4.3.4', DATED, [FRESH, `Last-Modified: ${DAY}`, 'X-New: 1'], {
      'X-New': '1',
    }),
    after(
      'a 304 for a weak entity tag',
      '§4.3.4',
      [SOON, 'ETag: W/"a"'],
      [FRESH, 'ETag: W/"a"', 'X-New: 1'],
      { 'X-New': '1' },
    ),
    required(
      'the client who caused it gets the new fields',
      '§3.2',
      lapsed([...TAGGED, 'X-Old: 1']),
      then(
        { from: 'validation', fields: { 'X-Old': '2', 'X-New': '3' } },
        {},
        unchanged([FRESH, TAG, 'X-Old: 2', 'X-New: 3']),
      ),
    ),
    optional(
      'a 304 that names no validator',
      '§4.3.4',
      lapsed(TAGGED),
      then({ from: 'validation', fields: { 'X-New': '1' } }, {}, unchanged([FRESH, 'X-New: 1'])),
    ),
    required(
      'a 304 for another strong entity tag updates nothing',
      '§4.3.4',
      lapsed(TAGGED),
      then(ANYTHING, {}, unchanged([FRESH, 'ETag: "b"', 'X-New: 1'])),
      then({ from: 'any', fields: { 'X-New': null } }),
    ),
    optional(
      'a 304 for another strong entity tag: it is fetched anew',
      '§4.3.4',
      lapsed(TAGGED),
      then({ from: 'any', status: 200, bodyOf: 1 }, {}, unchanged([FRESH, 'ETag: "b"'])),
    ),
    stops('a 304 with no-store', '§5.2.2.5', [TAG, 'Cache-Control: no-store, max-age=3600']),
    stops('a 304 with private', '§5.2.2.7', [TAG, 'Cache-Control: private, max-age=3600']),
    stops('a 304 with no-cache', '§5.2.2.4', [TAG, 'Cache-Control: no-cache, max-age=3600']),
    stops('a 304 with max-age=0', '§3.2', [TAG, 'Cache-Control: max-age=0']),
    stops('a 304 that is stale by its Age', '§4.2.3', [TAG, ...STALE]),
    stops('a 304 with an Expires that is over', '§3.2', [TAG, 'Cache-Control: public', 'Expires: {now-10}']),
    required(
      'a client’s entity tag that is not the stored one gets no 304 that is about ours',
      '§4.3.2',
      lapsed(TAGGED),
      { ...then('validation', {}, unchanged([SOON, TAG])), restMs: 2100 },
      then({ from: 'validation', status: 200 }, 'If-None-Match: "b"', unchanged([FRESH, TAG])),
    ),
    optional(
      'a client’s entity tag that is the stored one gets the 304',
      '§4.3.2',
      lapsed(TAGGED),
      then({ from: 'any', status: 304 }, 'If-None-Match: "a"', unchanged([FRESH, TAG])),
    ),
    optional(
      'variants that do not match are offered for validation',
      '§4.3.1',
      first([FRESH, 'Vary: Foo', 'ETag: "a"'], 'Foo: 1'),
      then('origin', 'Foo: 2', [FRESH, 'Vary: Foo', 'ETag: "b"']),
      then(
        { from: 'validation', bodyOf: 1, asked: { 'If-None-Match': /"a".*"b"|"b".*"a"/ } },
        'Foo: 3',
        unchanged([FRESH, 'Vary: Foo', 'ETag: "b"']),
      ),
    ),
    required(
      'each variant is validated with its own entity tag',
      '§4.3.1',
      first([SOON, 'Vary: Foo', 'ETag: "a"'], 'Foo: 1'),
      { ...then('any', 'Foo: 2', [SOON, 'Vary: Foo', 'ETag: "b"']), restMs: 2100 },
      then(
        { from: 'validation', bodyOf: 1, asked: { 'If-None-Match': /"b"/ } },
        'Foo: 2',
        unchanged([FRESH, 'ETag: "b"']),
      ),
    ),
    optional(
      'a validation has the fields of the request',
      '§4.3.1',
      lapsed([...TAGGED, 'Vary: Foo'], 'Foo: 1'),
      then({ from: 'validation', asked: { Foo: '1' } }, 'Foo: 1', unchanged()),
    ),
    optional('many requests for something stale make one validation', '§4', lapsed(TAGGED), {
      ...then(
        { from: 'validation', askedTimes: [1, 1] },
        {},
        { ...unchanged(), conditional: { status: 304, fields: FRESH, delayMs: 400 } },
      ),
      times: 8,
    }),
  ],
}
