/**
 * Request heads, clause by clause: what they mean, or why they are refused. One list for all who read requests:
 * the codec (src/http1/head-parser.test.ts), the session (src/server/refusals.test.ts) and the fuzzers.
 */
import type { ErrorCode } from '../../src/base/errors.ts'
import type { Framing } from '../../src/http/message.ts'
import { LIMITS } from '../../src/http1/limits.ts'

export interface ReadRequest {
  readonly method?: string
  readonly target?: string
  readonly version?: 10 | 11
  /** Beside Host: shop, when that is what the request has. */
  readonly fields?: readonly (readonly [string, string])[]
  readonly framing?: Framing
  /** Host as routes compare it. */
  readonly host?: string
}

export interface RequestCase {
  readonly clause: string
  /** latin1, one character a byte. */
  readonly text: string
  /** What is not said is as in `GET / HTTP/1.1`, `Host: shop`. */
  readonly gives: ReadRequest | ErrorCode
}

const row = (clause: string, text: string, gives: ReadRequest | ErrorCode): RequestCase => ({
  clause,
  text,
  gives,
})
const line = (clause: string, requestLine: string, gives: ReadRequest | ErrorCode): RequestCase =>
  row(clause, `${requestLine}\r\nHost: shop\r\n\r\n`, gives)
/** Field lines behind `Host: shop`, each with its line end. */
const fields = (clause: string, text: string, gives: ReadRequest | ErrorCode, version = '1.1'): RequestCase =>
  row(clause, `GET / HTTP/${version}\r\nHost: shop\r\n${text}\r\n`, gives)
const has = (...entries: readonly (readonly [string, string])[]): ReadRequest => ({ fields: entries })

const length = (bytes: number): Framing => ({ kind: 'length', bytes })
const CHUNKED: Framing = { kind: 'chunked' }

const LINES: readonly RequestCase[] = [
  line('the plainest request', 'GET / HTTP/1.1', {}),
  line('any token is a method, RFC 9110 §9.1', "!#$%&'*+-.^_`|~aZ09 /x HTTP/1.1", {
    method: "!#$%&'*+-.^_`|~aZ09",
    target: '/x',
  }),
  line('methods are case-sensitive, RFC 9110 §9.1', 'get / HTTP/1.1', { method: 'get' }),
  line('a method that begins like a common one', 'GETS / HTTP/1.1', { method: 'GETS' }),
  line('a method that only looks like the HTTP/2 preface', 'PRI / HTTP/1.1', { method: 'PRI' }),
  line('HTTP/1.0', 'HEAD / HTTP/1.0', { method: 'HEAD', version: 10 }),
  line('a higher minor version is read as 1.1, RFC 9112 §2.3', 'POST / HTTP/1.9', { method: 'POST' }),
  row('HTTP/1.0 needs no Host, RFC 9112 §3.2', 'GET / HTTP/1.0\r\n\r\n', { version: 10, host: '' }),
  row(
    'a few empty lines before the request line, RFC 9112 §2.2',
    '\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: shop\r\n\r\n',
    {},
  ),
  row('too many of them', '\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: shop\r\n\r\n', 'bad_request_line'),
  row('an empty line that is a bare LF', '\nGET / HTTP/1.1\r\nHost: shop\r\n\r\n', 'bad_line_end'),
  row('an empty line that is a bare CR', '\rGET / HTTP/1.1\r\nHost: shop\r\n\r\n', 'bad_line_end'),
  row('white space before the request line', ' GET / HTTP/1.1\r\nHost: shop\r\n\r\n', 'bad_method'),
  line('no method', '/ HTTP/1.1', 'bad_method'),
  line('a method that is not a token', 'GE(T / HTTP/1.1', 'bad_method'),
  line('a byte ≥ 0x80 in the method', 'G\xc9T / HTTP/1.1', 'bad_method'),
  line('a method without end', `${'M'.repeat(33)} / HTTP/1.1`, 'method_not_served'),
  row('a TLS handshake', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 'bad_method'),
  line('a tab in the place of a space, RFC 9112 §3', 'GET\t/ HTTP/1.1', 'bad_method'),
  line('two spaces before the target, RFC 9112 §3', 'GET  / HTTP/1.1', 'bad_request_line'),
  line('two spaces behind the target, RFC 9112 §3', 'GET /  HTTP/1.1', 'bad_version'),
  line('white space behind the version', 'GET / HTTP/1.1 ', 'bad_request_line'),
  line('no version, as in HTTP/0.9', 'GET /', 'bad_request_line'),
  line('no target', 'GET HTTP/1.1', 'bad_request_line'),
  line('a version in lower case, RFC 9112 §2.3', 'GET / http/1.1', 'bad_version'),
  line('another protocol', 'GET / HTCPCP/1.0', 'bad_version'),
  line('a version without minor', 'GET / HTTP/1', 'bad_version'),
  line('a minor of two digits', 'GET / HTTP/1.10', 'bad_request_line'),
  line('a version that is no number', 'GET / HTTP/x.1', 'bad_version'),
  line('HTTP/2', 'GET / HTTP/2.0', 'unsupported_version'),
  line('HTTP/0.9 by name', 'GET / HTTP/0.9', 'unsupported_version'),
  row('the HTTP/2 preface, RFC 9113 §3.4', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'unsupported_version'),
  row('a bare LF behind the request line', 'GET / HTTP/1.1\nHost: shop\r\n\r\n', 'bad_line_end'),
  row('a bare CR behind the request line', 'GET / HTTP/1.1\rHost: shop\r\n\r\n', 'bad_line_end'),
]

const TARGETS: readonly RequestCase[] = [
  line('origin-form, as it came', 'GET /a/../%2e%2F//b;c?d=/?&\'"<>[]{}|\\^` HTTP/1.1', {
    target: '/a/../%2e%2F//b;c?d=/?&\'"<>[]{}|\\^`',
  }),
  line('absolute-form: the target wins, RFC 9112 §3.2.2', 'GET http://Other:8080/a?b HTTP/1.1', {
    target: 'http://Other:8080/a?b',
    host: 'other',
  }),
  line('absolute-form without a path', 'GET http://other HTTP/1.1', {
    target: 'http://other',
    host: 'other',
  }),
  line('asterisk-form is for OPTIONS, RFC 9112 §3.2.4', 'OPTIONS * HTTP/1.1', {
    method: 'OPTIONS',
    target: '*',
  }),
  line('asterisk-form elsewhere', 'GET * HTTP/1.1', 'bad_target_form'),
  line(
    'authority-form is for CONNECT, which is not served',
    'CONNECT shop:443 HTTP/1.1',
    'method_not_served',
  ),
  line('authority-form elsewhere, RFC 9112 §3.2.3', 'GET shop:80 HTTP/1.1', 'bad_target_form'),
  line('CONNECT with a path', 'CONNECT / HTTP/1.1', 'bad_target_form'),
  line('CONNECT without a port, RFC 9110 §9.3.6', 'CONNECT shop HTTP/1.1', 'bad_target'),
  line('absolute-form of another scheme', 'GET ftp://shop/ HTTP/1.1', 'bad_target'),
  line('absolute-form without a host, RFC 9110 §4.2.1', 'GET http:///a HTTP/1.1', 'bad_target'),
  line('absolute-form with user information, RFC 9110 §4.2.4', 'GET http://a@shop/ HTTP/1.1', 'bad_target'),
  line('neither a path nor a URL', 'GET index.html HTTP/1.1', 'bad_target'),
  line('a fragment, RFC 9112 §3.2', 'GET /a#b HTTP/1.1', 'bad_target'),
  line('a space', 'GET /a b HTTP/1.1', 'bad_version'),
  line('a tab', 'GET /a\tb HTTP/1.1', 'bad_target'),
  line('a NUL', 'GET /a\0 HTTP/1.1', 'bad_target'),
  line('DEL', 'GET /a\x7f HTTP/1.1', 'bad_target'),
  line('bytes ≥ 0x80', 'GET /\xc3\xa9 HTTP/1.1', 'bad_target'),
  line('the longest target, RFC 9112 §3', `GET /${'a'.repeat(LIMITS.targetBytesMax - 1)} HTTP/1.1`, {
    target: `/${'a'.repeat(LIMITS.targetBytesMax - 1)}`,
  }),
  line('one byte more: 414', `GET /${'a'.repeat(LIMITS.targetBytesMax)} HTTP/1.1`, 'target_too_long'),
]

const FIELDS: readonly RequestCase[] = [
  fields(
    'order and spelling are kept',
    'x-B:1\r\nX-a: 2\r\nx-b: 3\r\n',
    has(['x-B', '1'], ['X-a', '2'], ['x-b', '3']),
  ),
  fields(
    'white space around a value is not part of it, RFC 9110 §5.5',
    'A: \t b \t c\t \r\n',
    has(['A', 'b \t c']),
  ),
  fields('an empty value', 'A:\r\nB: \t\r\n', has(['A', ''], ['B', ''])),
  fields('a value of all that is allowed', 'A: !"#\x80\xa0\xff:,\t~\r\n', has(['A', '!"#\x80\xa0\xff:,\t~'])),
  fields('any token is a name, RFC 9110 §5.1', "!#$%&'*+-.^_`|~09: x\r\n", has(["!#$%&'*+-.^_`|~09", 'x'])),
  fields(
    'names that are nearly known ones',
    'Hos: a\r\nHost-: b\r\nDate1: c\r\n',
    has(['Hos', 'a'], ['Host-', 'b'], ['Date1', 'c']),
  ),
  fields('white space before the colon, RFC 9112 §5.1', 'A : b\r\n', 'bad_field_name'),
  fields('a tab before the colon', 'A\t: b\r\n', 'bad_field_name'),
  fields('white space inside a name', 'A b: c\r\n', 'bad_field_name'),
  fields('a line without a colon', 'A\r\n', 'bad_field_name'),
  fields('an empty name', ': a\r\n', 'bad_field_name'),
  fields('a name that is not a token', 'A(b): c\r\n', 'bad_field_name'),
  fields('a byte ≥ 0x80 in a name', 'A\xe9: c\r\n', 'bad_field_name'),
  fields('a NUL in a name', 'A\0: c\r\n', 'bad_field_name'),
  row(
    'white space before the first field, RFC 9112 §2.2',
    'GET / HTTP/1.1\r\n Host: shop\r\n\r\n',
    'folded_field',
  ),
  fields('obs-fold, RFC 9112 §5.2', 'A: b\r\n c\r\n', 'folded_field'),
  fields('obs-fold by a tab', 'A: b\r\n\tc\r\n', 'folded_field'),
  fields('a line of white space', 'A: b\r\n \r\n', 'folded_field'),
  fields('a bare LF behind a value', 'A: b\n', 'bad_line_end'),
  fields('a bare LF as the empty line', 'A: b\r\n\n', 'bad_line_end'),
  fields('a bare LF in the place of a name', 'A\nB: c\r\n', 'bad_line_end'),
  fields('a bare CR in a value, RFC 9112 §2.2', 'A: b\rc\r\n', 'bad_line_end'),
  fields('a bare CR at the end of a value', 'A: b\r\r\n', 'bad_line_end'),
  fields('a bare CR in a name', 'A\rB: c\r\n', 'bad_field_name'),
  fields('a bare CR as the empty line', 'A: b\r\n\rC: d\r\n', 'bad_line_end'),
  ...[0, 1, 8, 11, 12, 14, 27, 31, 127].map(byte =>
    fields(
      `control character ${byte} in a value, RFC 9110 §5.5`,
      `A: b${String.fromCharCode(byte)}c\r\n`,
      'bad_field_value',
    ),
  ),
  fields('as many fields as allowed', 'A: b\r\n'.repeat(LIMITS.fieldsMax - 1), {
    fields: new Array(LIMITS.fieldsMax - 1).fill(['A', 'b']),
  }),
  fields('one more: 431', 'A: b\r\n'.repeat(LIMITS.fieldsMax), 'too_many_fields'),
  fields('a head that is too large: 431', `A: ${'b'.repeat(LIMITS.headBytesMax)}\r\n`, 'head_too_large'),
  fields('a name without end: 431', 'A'.repeat(LIMITS.headBytesMax), 'head_too_large'),
]

const host = (clause: string, value: string, gives: ReadRequest | ErrorCode): RequestCase =>
  row(clause, `GET / HTTP/1.1\r\n${value}\r\n\r\n`, gives)

const HOSTS: readonly RequestCase[] = [
  host('a host with a port', 'Host: Shop.Example.:8080', {
    host: 'shop.example',
    fields: [['Host', 'Shop.Example.:8080']],
  }),
  host('an IPv6 address', 'hOST: [::1]:80', { host: '[::1]', fields: [['hOST', '[::1]:80']] }),
  host('an empty Host, RFC 9112 §3.2', 'Host:', { host: '', fields: [['Host', '']] }),
  host('no Host in HTTP/1.1, RFC 9112 §3.2', 'Hst: shop', 'missing_host'),
  host('several', 'Host: shop\r\nHost: shop', 'several_hosts'),
  row('several in HTTP/1.0', 'GET / HTTP/1.0\r\nHost: a\r\nhost: b\r\n\r\n', 'several_hosts'),
  ...[
    'a b',
    'a,b',
    'a@b',
    'a/b',
    'a?b',
    'a#b',
    'http://a',
    'a:b',
    'a:80:80',
    'a:65536',
    ':80',
    '[::1',
    '::1',
    '"a"',
    'a\\b',
    'h\xf6st',
  ].map(value => host(`an invalid Host: ${value}`, `Host: ${value}`, 'bad_host')),
  row('an invalid Host beside absolute-form', 'GET http://shop/ HTTP/1.1\r\nHost: a b\r\n\r\n', 'bad_host'),
]

/** Content-Length as it was written, so that the fields can be told. */
const sized = (clause: string, value: string, bytes: number): RequestCase =>
  fields(clause, `Content-Length: ${value}\r\n`, {
    fields: [['Content-Length', value]],
    framing: length(bytes),
  })

const FRAMINGS: readonly RequestCase[] = [
  sized('a length, RFC 9112 §6.3', '5', 5),
  sized('a length of nothing', '0', 0),
  sized('leading zeros are digits, RFC 9110 §8.6', '0005', 5),
  sized('the largest length', '9007199254740991', 9007199254740991),
  fields('the length of a GET', 'content-length: 3\r\n', {
    fields: [['content-length', '3']],
    framing: length(3),
  }),
  ...[
    '+5',
    '-5',
    '0x5',
    '5.0',
    '5e0',
    '5 5',
    '5;',
    'five',
    '5\xb2',
    '',
    '9007199254740992',
    '9'.repeat(400),
  ].map(value =>
    fields(
      `Content-Length that is no number: ${value.slice(0, 30)}`,
      `Content-Length: ${value}\r\n`,
      'bad_content_length',
    ),
  ),
  fields('Content-Length as a list, even of equal values', 'Content-Length: 5, 5\r\n', 'bad_content_length'),
  fields(
    'Content-Length repeated, even with equal values',
    'Content-Length: 5\r\nContent-length: 5\r\n',
    'bad_content_length',
  ),
  fields(
    'Content-Length repeated, with other values',
    'Content-Length: 5\r\nContent-Length: 6\r\n',
    'bad_content_length',
  ),
  fields('chunked', 'Transfer-Encoding: chunked\r\n', {
    ...has(['Transfer-Encoding', 'chunked']),
    framing: CHUNKED,
  }),
  fields('chunked in any case, RFC 9112 §7', 'TRANSFER-ENCODING:   cHUNKED  \r\n', {
    ...has(['TRANSFER-ENCODING', 'cHUNKED']),
    framing: CHUNKED,
  }),
  fields(
    'Transfer-Encoding beside Content-Length, RFC 9112 §6.3',
    'Transfer-Encoding: chunked\r\nContent-Length: 5\r\n',
    'conflicting_framing',
  ),
  fields('the other way round', 'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', 'conflicting_framing'),
  fields(
    'beside a bad Content-Length too',
    'Content-Length: x\r\nTransfer-Encoding: x\r\n',
    'conflicting_framing',
  ),
  fields(
    'Transfer-Encoding in HTTP/1.0, RFC 9112 §6.1',
    'Transfer-Encoding: chunked\r\n',
    'bad_transfer_encoding',
    '1.0',
  ),
  fields('chunked that is not last', 'Transfer-Encoding: chunked, gzip\r\n', 'bad_transfer_encoding'),
  fields('no chunked at all', 'Transfer-Encoding: gzip\r\n', 'bad_transfer_encoding'),
  fields('identity is gone, RFC 9112 §7', 'Transfer-Encoding: identity\r\n', 'bad_transfer_encoding'),
  fields('chunked twice', 'Transfer-Encoding: chunked, chunked\r\n', 'bad_transfer_encoding'),
  fields(
    'chunked twice, in two fields',
    'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n',
    'bad_transfer_encoding',
  ),
  ...[
    '',
    ',',
    'chunked,',
    ', chunked',
    '"chunked"',
    'chunked;q=1',
    'chunked chunked',
    'xchunked',
    'chunke',
    "'chunked'",
    'chunked\x80',
    'chunked\xa0',
    'chunked\x85',
    '\xa0chunked',
    '\tchunked',
    'chunked\t',
    'chunked \t ',
  ].map(value =>
    fields(`an odd spelling: ${value}`, `Transfer-Encoding: ${value}\r\n`, 'bad_transfer_encoding'),
  ),
  fields('a vertical tab around chunked', 'Transfer-Encoding: \x0bchunked\r\n', 'bad_field_value'),
  fields(
    'an unknown coding before chunked: 501, RFC 9112 §6.1',
    'Transfer-Encoding: gzip, chunked\r\n',
    'unknown_transfer_coding',
  ),
  fields(
    'an unknown coding in a field of its own',
    'Transfer-Encoding: x-own\r\nTransfer-Encoding: chunked\r\n',
    'unknown_transfer_coding',
  ),
]

const EXPECTATIONS: readonly RequestCase[] = [
  fields(
    '100-continue, in any case, RFC 9110 §10.1.1',
    'Expect: 100-Continue\r\n',
    has(['Expect', '100-Continue']),
  ),
  fields('an unknown expectation: 417', 'Expect: cake\r\n', 'unknown_expectation'),
  fields('and beside a known one', 'Expect: 100-continue, cake\r\n', 'unknown_expectation'),
  fields('in HTTP/1.0 it is ignored', 'Expect: cake\r\n', { ...has(['Expect', 'cake']), version: 10 }, '1.0'),
]

export const REQUEST_CASES: readonly RequestCase[] = [
  ...LINES,
  ...TARGETS,
  ...FIELDS,
  ...HOSTS,
  ...FRAMINGS,
  ...EXPECTATIONS,
]
