/**
 * What may be stored (RFC 9111 §3): methods, statuses, and the directives that forbid or allow it.
 */
import { FRESH, first, type Group, kept, optional, refused, required, shunned, then } from '../case.ts'

/** RFC 9110 §15.1. */
const HEURISTIC = [200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501]
const OTHERS = [201, 202, 302, 303, 307, 400, 401, 403, 406, 409, 415, 418, 422, 451, 500, 502, 503, 504]
/** RFC 6585 says of each that it MUST NOT be stored by a cache. */
const FORBIDDEN = [
  [428, '6585 §3'],
  [429, '6585 §4'],
  [431, '6585 §5'],
  [511, '6585 §6'],
] as const
/** Nobody has defined these. */
const UNKNOWN = [299, 399, 499, 599]
const OLD = 'Last-Modified: {now-10000000}'

export const STORING: Group = {
  name: 'storing',
  cases: [
    refused('no-store', '§5.2.2.5', 'Cache-Control: no-store'),
    refused('no-store beside max-age', '§5.2.2.5', 'Cache-Control: max-age=3600, no-store'),
    refused('no-store beside s-maxage', '§5.2.2.5', 'Cache-Control: s-maxage=3600, no-store'),
    refused('no-store beside public', '§5.2.2.5', 'Cache-Control: public, no-store, max-age=3600'),
    refused('no-store in capitals', '§5.2', 'Cache-Control: No-STORE, max-age=3600'),
    refused('no-store on a line of its own', '§5.2', [
      'Cache-Control: max-age=3600',
      'Cache-Control: no-store',
    ]),
    refused('no-store behind empty members', '§5.2', 'Cache-Control: max-age=3600,, ,\tno-store'),
    refused('no-store behind a quoted comma', '§5.2', 'Cache-Control: max-age=3600, x="a, b", no-store'),
    refused('no-store behind a quoted quote', '§5.2', 'Cache-Control: max-age=3600, x="a\\", b", no-store'),
    refused(
      'no-store beside an unknown directive',
      '§5.2.3',
      'Cache-Control: max-age=3600, foo=bar, no-store',
    ),
    shunned('no-store with an argument', '§5.2.2.5', 'Cache-Control: max-age=3600, no-store=1'),
    refused('no-store, name of the field in lower case', '§5.2', 'cache-control: max-age=3600, no-store'),
    kept(
      'no-store inside a quoted argument is not a directive',
      '§5.2',
      'Cache-Control: max-age=3600, x="no-store"',
    ),
    kept(
      'no-store inside a quoted list is not a directive',
      '§5.2',
      'Cache-Control: max-age=3600, x="a, no-store, b"',
    ),
    kept('unknown directives are ignored', '§5.2.3', 'Cache-Control: max-age=3600, no-storage, my-no-store'),
    refused('private', '§5.2.2.7', 'Cache-Control: private'),
    refused('private beside max-age', '§5.2.2.7', 'Cache-Control: max-age=3600, private'),
    refused('private beside s-maxage', '§5.2.2.7', 'Cache-Control: s-maxage=3600, private'),
    refused('private beside public', '§3', 'Cache-Control: public, private, max-age=3600'),
    refused('private in capitals', '§5.2', 'Cache-Control: PRIVATE, max-age=3600'),
    refused(
      'private with an unknown extension',
      '§5.2.3',
      'Cache-Control: private, community="UCI", max-age=3600',
    ),
    required(
      'private with a field name: that field is kept from others',
      '§5.2.2.7',
      first(['Cache-Control: max-age=3600, private="X-Secret"', 'X-Secret: of one user']),
      then({ from: 'any', fields: { 'X-Secret': null } }),
    ),
    required(
      'private with several field names: all are kept from others',
      '§5.2.2.7',
      first([
        'Cache-Control: max-age=3600, private="x-one, X-TWO"',
        'X-One: of one user',
        'X-Two: of one user',
      ]),
      then({ from: 'any', fields: { 'X-One': null, 'X-Two': null } }),
    ),
    required(
      'private with a field name as a token: that field is kept from others',
      '§5.2.2.7',
      first(['Cache-Control: max-age=3600, private=X-Secret', 'X-Secret: of one user']),
      then({ from: 'any', fields: { 'X-Secret': null } }),
    ),
    optional(
      'private with a field name: the rest is stored',
      '§5.2.2.7',
      first(['Cache-Control: max-age=3600, private="X-Secret"', 'X-Secret: of one user', 'X-Other: of all']),
      then({ from: 'cache', fields: { 'X-Secret': null, 'X-Other': 'of all' } }),
    ),
    refused(
      'private with and without a field name',
      '§5.2.2.7',
      'Cache-Control: max-age=60, private="x", private',
    ),
    refused('nothing that allows it, status 201', '§3', { status: 201, fields: OLD }),
    refused('nothing that allows it, status 302', '§3', { status: 302, fields: [OLD, 'Location: /'] }),
    refused('nothing that allows it, status 403', '§3', { status: 403, fields: OLD }),
    refused('nothing that allows it, status 500', '§3', { status: 500, fields: OLD }),
    refused('nothing that allows it, status 503', '§3', { status: 503, fields: OLD }),
    refused('nothing that allows it, an unknown status', '§3', { status: 599, fields: OLD }),
    refused('must-understand, a status nobody knows', '§3', {
      status: 299,
      fields: 'Cache-Control: max-age=3600, must-understand',
    }),
    refused('must-understand and no-store, a status nobody knows', '§5.2.2.3', {
      status: 599,
      fields: 'Cache-Control: max-age=3600, must-understand, no-store',
    }),
    kept('must-understand, status 200', '§5.2.2.3', 'Cache-Control: max-age=3600, must-understand'),
    kept(
      'must-understand takes no-store back, status 200',
      '§5.2.2.3',
      'Cache-Control: max-age=3600, must-understand, no-store',
    ),
    kept('must-understand takes no-store back, status 404', '§5.2.2.3', {
      status: 404,
      fields: 'Cache-Control: no-store, max-age=3600, must-understand',
    }),
    ...HEURISTIC.map(status => kept(`status ${status} with max-age`, '§3', { status, fields: FRESH })),
    ...OTHERS.map(status => kept(`status ${status} with max-age`, '§3', { status, fields: FRESH })),
    ...FORBIDDEN.map(([status, clause]) =>
      refused(`status ${status} with max-age`, clause, { status, fields: FRESH }),
    ),
    ...UNKNOWN.map(status =>
      kept(`status ${status}, which nobody knows, with max-age`, '§3', { status, fields: FRESH }),
    ),
    kept('s-maxage alone', '§3', 'Cache-Control: s-maxage=3600'),
    kept('Expires alone', '§3', 'Expires: {now+3600}'),
    kept('status 302 with Expires', '§3', { status: 302, fields: ['Expires: {now+3600}', 'Location: /'] }),
    kept('status 503 with s-maxage', '§3', { status: 503, fields: 'Cache-Control: s-maxage=3600' }),
    kept('a target with a query', '§4.2.2', FRESH, { suffix: '?a=1&b=2' }),
    optional(
      'an answer without a body',
      '§3',
      first({ body: '', fields: FRESH }),
      then({ from: 'cache', body: '' }),
    ),
    kept('a chunked answer', '§3', { framing: 'chunked', fields: FRESH }),
    kept('an answer that ends with its connection', '§3', { framing: 'close', fields: FRESH }),
    required(
      'POST is written through',
      '§4',
      first(FRESH, { method: 'POST', body: 'x' }),
      then('origin', { method: 'POST', body: 'x' }),
    ),
    required(
      'PUT is written through',
      '§4',
      first(FRESH, { method: 'PUT', body: 'x' }),
      then('origin', { method: 'PUT', body: 'x' }),
    ),
    required(
      'DELETE is written through',
      '§4',
      first(FRESH, { method: 'DELETE' }),
      then('origin', { method: 'DELETE' }),
    ),
    required(
      'PATCH is written through',
      '§4',
      first(FRESH, { method: 'PATCH', body: 'x' }),
      then('origin', { method: 'PATCH', body: 'x' }),
    ),
    required(
      'an unknown method is written through',
      '§4',
      first(FRESH, { method: 'FOO' }),
      then('origin', { method: 'FOO' }),
    ),
    required(
      'OPTIONS is not answered from what GET stored',
      '§4',
      first(FRESH),
      then('origin', { method: 'OPTIONS' }),
    ),
    required(
      'POST does not get what GET stored',
      '§4',
      first(FRESH),
      then('origin', { method: 'POST', body: 'x' }),
    ),
    required(
      'an unknown method does not get what GET stored',
      '§3',
      first(FRESH),
      then('origin', { method: 'FOO' }),
    ),
    required('GET does not get what OPTIONS got', '§3', first(FRESH, { method: 'OPTIONS' }), then('origin')),
    required(
      'GET does not get what an unknown method got',
      '§3',
      first(FRESH, { method: 'FOO' }),
      then('origin'),
    ),
    required(
      'GET does not get what PUT got',
      '§3',
      first(FRESH, { method: 'PUT', body: 'x' }),
      then('origin'),
    ),
    required('GET does not get what DELETE got', '§3', first(FRESH, { method: 'DELETE' }), then('origin')),
    required(
      'GET does not get what POST got without Content-Location',
      '9110 §9.3.3',
      first(FRESH, { method: 'POST', body: 'x' }),
      then('origin'),
    ),
    refused('a request with Authorization', '§3.5', FRESH, 'Authorization: Basic YTpi'),
    required(
      'what a request with Authorization got is not for one without',
      '§3.5',
      first(FRESH, 'Authorization: Basic YTpi'),
      then('origin'),
    ),
    required(
      'what a request with Authorization got is not for another user',
      '§3.5',
      first(FRESH, 'Authorization: Basic YTpi'),
      then('origin', 'Authorization: Basic Yzpk'),
    ),
    refused(
      'a request with Authorization, Expires',
      '§3.5',
      'Expires: {now+3600}',
      'Authorization: Basic YTpi',
    ),
    refused(
      'a request with Authorization, immutable',
      '§3.5',
      'Cache-Control: max-age=3600, immutable',
      'Authorization: Bearer x',
    ),
    kept(
      'a request with Authorization, public',
      '§3.5',
      'Cache-Control: max-age=3600, public',
      'Authorization: Basic YTpi',
    ),
    kept(
      'a request with Authorization, s-maxage',
      '§3.5',
      'Cache-Control: s-maxage=3600',
      'Authorization: Basic YTpi',
    ),
    kept(
      'a request with Authorization, must-revalidate',
      '§3.5',
      'Cache-Control: max-age=3600, must-revalidate',
      'Authorization: Basic YTpi',
    ),
    optional(
      'what anybody may have is for a request with Authorization too',
      '§3.5',
      first(FRESH),
      then('cache', 'Authorization: Basic YTpi'),
    ),
    // Directives of requests are advisory (§5.2.1), this one too.
    shunned('a request with no-store', '§5.2.1.5', FRESH, 'Cache-Control: no-store'),
    optional(
      'what a request with no-store got is not for others',
      '§5.2.1.5',
      first(FRESH, 'Cache-Control: no-store'),
      then('origin'),
    ),
    optional(
      'what a request with NO-STORE got is not for others',
      '§5.2',
      first(FRESH, 'Cache-Control: NO-STORE'),
      then('origin'),
    ),
    optional(
      'a request with no-store may be answered by what is stored',
      '§5.2.1.5',
      first(FRESH),
      then('cache', 'Cache-Control: no-store'),
    ),
    shunned('no-cache without a validator is asked for each time', '§5.2.2.4', 'Cache-Control: no-cache'),
  ],
}
