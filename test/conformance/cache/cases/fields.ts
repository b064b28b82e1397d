/**
 * What is stored of a response (RFC 9111 §3.1): every field, but for those of one connection or one proxy; trailers and
 * interim answers stay apart.
 */
import {
  ANYTHING,
  type Case,
  FRESH,
  first,
  type Group,
  type Lines,
  optional,
  required,
  then,
} from '../case.ts'

/** The field comes back as it was. */
const returns = (name: string, value: string, lines: Lines = `${name}: ${value}`): Case =>
  required(
    `${name} is stored`,
    '§3.1',
    first([FRESH, lines].flat()),
    then({ from: 'cache', fields: { [name]: value } }),
  )
/** The field does not come back. */
const leaves = (name: string, clause: string, lines: Lines, field: string): Case =>
  required(name, clause, first([FRESH, lines].flat()), then({ from: 'cache', fields: { [field]: null } }))

export const FIELDS: Group = {
  name: 'stored fields',
  cases: [
    returns('X-Unknown', 'a, "b"; c'),
    returns('Content-Type', 'text/plain;charset=utf-8'),
    returns('Content-Language', 'de'),
    returns('Content-Encoding', 'x-own'),
    returns('Content-Location', '/elsewhere'),
    returns('Content-Disposition', 'attachment; filename="a.txt"'),
    returns('Content-Security-Policy', "default-src 'self'"),
    returns('Access-Control-Allow-Origin', 'http://a.test'),
    returns('Link', '</a>; rel=preload'),
    returns('ETag', '"a"'),
    returns('Last-Modified', 'Tue, 15 Nov 1994 12:45:26 GMT'),
    returns('Expires', 'Fri, 31 Dec 2099 23:59:59 GMT'),
    returns('Allow', 'GET, HEAD'),
    returns('Retry-After', '120'),
    returns('WWW-Authenticate', 'Basic realm="a"'),
    returns('Strict-Transport-Security', 'max-age=31536000'),
    returns('Surrogate-Capability', 'a'),
    returns('X-Many', '1, 2', ['X-Many: 1', 'X-Many: 2']),
    returns('X-Empty', '', 'X-Empty:'),
    returns('X-Latin', 'gr\xfc\xdfe'),
    returns('X-Long', 'x'.repeat(2000)),
    optional(
      'Set-Cookie does not keep from storing',
      '§7.3',
      first([FRESH, 'Set-Cookie: a=1', 'Set-Cookie: b=2']),
      then({ from: 'cache', fields: { 'Set-Cookie': 'a=1, b=2' } }),
    ),
    optional(
      'Date stays that of the origin',
      '§3.1',
      first(['Cache-Control: max-age=4000000000', 'Date: Wed, 01 Jan 2020 00:00:00 GMT']),
      then({ from: 'cache', fields: { Date: 'Wed, 01 Jan 2020 00:00:00 GMT' } }),
    ),
    optional(
      'an answer without a Date gets one',
      '9110 §6.6.1',
      first({ fields: FRESH, undated: true }),
      then({ from: 'cache', fields: { Date: /GMT$/ } }),
    ),
    leaves('a field that Connection names', '§3.1', ['Connection: X-Hop', 'X-Hop: 1'], 'X-Hop'),
    leaves(
      'a field that Connection names in capitals',
      '§3.1',
      ['Connection: close, X-HOP', 'X-Hop: 1'],
      'X-Hop',
    ),
    leaves(
      'fields that two lines of Connection name',
      '§3.1',
      ['Connection: X-Hop', 'Connection: X-Bop', 'X-Bop: 1'],
      'X-Bop',
    ),
    leaves('Keep-Alive', '9110 §7.6.1', 'Keep-Alive: timeout=5, max=7', 'Keep-Alive'),
    leaves('Proxy-Connection', '9110 §7.6.1', 'Proxy-Connection: keep-alive', 'Proxy-Connection'),
    leaves('Upgrade', '9110 §7.6.1', ['Connection: Upgrade', 'Upgrade: h2c'], 'Upgrade'),
    leaves('Proxy-Authenticate', '§3.1', 'Proxy-Authenticate: Basic realm="a"', 'Proxy-Authenticate'),
    leaves(
      'Proxy-Authentication-Info',
      '§3.1',
      'Proxy-Authentication-Info: nextnonce="a"',
      'Proxy-Authentication-Info',
    ),
    leaves('Proxy-Authorization', '§3.1', 'Proxy-Authorization: Basic YTpi', 'Proxy-Authorization'),
    required(
      'trailers do not become fields',
      '§3.1',
      first({ fields: FRESH, trailers: 'X-Trailer: 1' }),
      then({ from: 'cache', fields: { 'X-Trailer': null } }),
    ),
    required('trailers do not become fields of the first answer', '§3.1', {
      ...first({ fields: FRESH, trailers: 'X-Trailer: 1' }),
      expect: { from: 'origin', fields: { 'X-Trailer': null } },
    }),
    required(
      'a trailer does not replace a field',
      '§3.1',
      first({ fields: [FRESH, 'X-Field: head'], trailers: 'X-Field: trailer' }),
      then({ from: 'cache', fields: { 'X-Field': 'head' } }),
    ),
    required(
      'a trailer does not lengthen the lifetime',
      '§3.1',
      first({
        fields: 'Cache-Control: max-age=0',
        trailers: ['Cache-Control: max-age=3600', 'X-Trailer: 1'],
      }),
      then('origin'),
    ),
    required(
      'an early hint is not the answer',
      '§3',
      first({ fields: FRESH, early: '103 Link: </a>; rel=preload' }),
      then({ from: 'cache', status: 200, fields: { Link: null } }),
    ),
    required(
      'what an early hint says of caching is not for the answer',
      '§3',
      first({ fields: 'Cache-Control: no-store', early: '103 Cache-Control: max-age=3600' }),
      then('origin'),
    ),
    required(
      '102 is not the answer',
      '§3',
      first({ fields: FRESH, early: ['102 X-Early: 1', '103 X-Early: 2'] }),
      then({ from: 'cache', status: 200, fields: { 'X-Early': null } }),
    ),
    required(
      'a body cut short is not stored',
      '§3.3',
      { ...first({ fields: FRESH, cutAfter: 10 }), expect: ANYTHING },
      then('origin'),
    ),
    required(
      'a chunked body cut short is not stored',
      '§3.3',
      { ...first({ fields: FRESH, cutAfter: 10, framing: 'chunked' }), expect: ANYTHING },
      then('origin'),
    ),
    required(
      'a body cut short before its first byte is not stored',
      '§3.3',
      { ...first({ fields: FRESH, cutAfter: 0 }), expect: ANYTHING },
      then('origin'),
    ),
    required(
      'a body cut short does not replace what is stored',
      '§3.3',
      first([FRESH, 'ETag: "a"']),
      { ...then(ANYTHING, 'Cache-Control: no-cache', { fields: FRESH, cutAfter: 10 }) },
      then({ from: 'any', status: 200, body: /^answer [13] / }),
    ),
  ],
}
