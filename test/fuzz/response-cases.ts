/**
 * Response heads, clause by clause: what they mean, or why they are refused. Codes are those of the codec; that
 * the fault is the upstream server's, and so a 502, is said by the session (src/upstream/upstream-session.test.ts).
 */
import type { ErrorCode } from '../../src/base/errors.ts'
import type { Framing } from '../../src/http/message.ts'
import { LIMITS } from '../../src/http1/limits.ts'

export interface ReadResponse {
  readonly status?: number
  readonly reason?: string
  readonly version?: 10 | 11
  readonly fields?: readonly (readonly [string, string])[]
  readonly framing?: Framing
}

export interface ResponseCase {
  readonly clause: string
  /** Method of the request that it answers. */
  readonly method: string
  /** latin1, one character a byte. */
  readonly text: string
  /** What is not said is as in `HTTP/1.1 200 OK` without fields. */
  readonly gives: ReadResponse | ErrorCode
}

const row = (
  clause: string,
  text: string,
  gives: ReadResponse | ErrorCode,
  method = 'GET',
): ResponseCase => ({
  clause,
  method,
  text,
  gives,
})
const line = (clause: string, statusLine: string, gives: ReadResponse | ErrorCode): ResponseCase =>
  row(clause, `${statusLine}\r\n\r\n`, gives)
/** Field lines behind the status line, each with its line end. */
const fields = (
  clause: string,
  text: string,
  gives: ReadResponse | ErrorCode,
  method = 'GET',
): ResponseCase => row(clause, `HTTP/1.1 200 OK\r\n${text}\r\n`, gives, method)

const length = (bytes: number): Framing => ({ kind: 'length', bytes })
const NONE: Framing = { kind: 'none' }
const CHUNKED: Framing = { kind: 'chunked' }
const UNTIL_CLOSE: Framing = { kind: 'until-close' }

const LINES: readonly ResponseCase[] = [
  line('the plainest answer ends with its connection, RFC 9112 §6.3', 'HTTP/1.1 200 OK', {
    framing: UNTIL_CLOSE,
  }),
  line('HTTP/1.0', 'HTTP/1.0 404 Not Found', { status: 404, reason: 'Not Found', version: 10 }),
  line('a higher minor version, RFC 9112 §2.3', 'HTTP/1.8 200 OK', {}),
  line('an empty phrase, RFC 9112 §4', 'HTTP/1.1 200 ', { reason: '' }),
  line('no phrase and no space before it, as some servers send', 'HTTP/1.1 200', { reason: '' }),
  line('a phrase of all that is allowed', 'HTTP/1.1 200  \tD\xe9j\xe0: vu!\xff ', {
    reason: ' \tD\xe9j\xe0: vu!\xff ',
  }),
  line('a status that is not registered', 'HTTP/1.1 999 X', { status: 999, reason: 'X' }),
  line('no HTTP at all', '220 mail.example.com ESMTP', 'bad_version'),
  line('HTTP in lower case, RFC 9112 §2.3', 'http/1.1 200 OK', 'bad_version'),
  line('a name that begins like HTTP', 'HTTPS/1.1 200 OK', 'bad_version'),
  line('HTTP/2', 'HTTP/2.0 200 OK', 'unsupported_version'),
  line('ICY', 'ICY 200 OK', 'bad_version'),
  line('two spaces', 'HTTP/1.1  200 OK', 'bad_request_line'),
  line('a tab', 'HTTP/1.1\t200 OK', 'bad_request_line'),
  line('two digits, RFC 9112 §4', 'HTTP/1.1 20 OK', 'bad_request_line'),
  line('four digits', 'HTTP/1.1 2000 OK', 'bad_request_line'),
  line('no digits', 'HTTP/1.1 OK', 'bad_request_line'),
  line('no status', 'HTTP/1.1', 'bad_request_line'),
  line('a status below 100', 'HTTP/1.1 099 OK', 'bad_request_line'),
  line('a phrase that is not parted', 'HTTP/1.1 200OK', 'bad_request_line'),
  line('a tab before the phrase', 'HTTP/1.1 200\tOK', 'bad_request_line'),
  line('a NUL in the phrase', 'HTTP/1.1 200 O\0K', 'bad_request_line'),
  line('DEL in the phrase', 'HTTP/1.1 200 O\x7fK', 'bad_request_line'),
  line('a bare CR in the phrase', 'HTTP/1.1 200 O\rK', 'bad_line_end'),
  row('a bare LF behind the phrase', 'HTTP/1.1 200 OK\nA: b\r\n\r\n', 'bad_line_end'),
  row('a bare LF behind the status', 'HTTP/1.1 200\nA: b\r\n\r\n', 'bad_line_end'),
  row('an empty line before the status line', '\r\nHTTP/1.1 200 OK\r\n\r\n', 'bad_version'),
  line('a phrase without end', `HTTP/1.1 200 ${'x'.repeat(LIMITS.headBytesMax)}`, 'head_too_large'),
]

const FIELDS: readonly ResponseCase[] = [
  fields('order, spelling and bytes ≥ 0x80 are kept', 'x-B:1\r\nSet-Cookie: a=\xff\r\nset-cookie:\tb\t\r\n', {
    fields: [
      ['x-B', '1'],
      ['Set-Cookie', 'a=\xff'],
      ['set-cookie', 'b'],
    ],
  }),
  fields('obs-fold, RFC 9112 §5.2', 'A: b\r\n c\r\n', 'folded_field'),
  fields('white space before the first field', ' A: b\r\n', 'folded_field'),
  fields('white space before the colon, RFC 9112 §5.1', 'Content-Length : 5\r\n', 'bad_field_name'),
  fields('an empty name', ': b\r\n', 'bad_field_name'),
  fields('a line without a colon', 'A\r\n', 'bad_field_name'),
  fields('a NUL in a value', 'A: \0\r\n', 'bad_field_value'),
  fields('a bare LF', 'A: b\n', 'bad_line_end'),
  fields('a bare CR', 'A: b\rc\r\n', 'bad_line_end'),
  fields('too many fields', 'A: b\r\n'.repeat(LIMITS.fieldsMax + 1), 'too_many_fields'),
  fields('a head that is too large', `A: ${'b'.repeat(LIMITS.headBytesMax)}\r\n`, 'head_too_large'),
]

const CL5 = [['Content-Length', '5']] as const
const TE = [['Transfer-Encoding', 'chunked']] as const
/** An answer with this status and Content-Length: 5. */
const ofStatus = (clause: string, status: number, framing: Framing): ResponseCase =>
  row(clause, `HTTP/1.1 ${status} \r\nContent-Length: 5\r\n\r\n`, {
    status,
    reason: '',
    fields: CL5,
    framing,
  })

const FRAMINGS: readonly ResponseCase[] = [
  fields('a length', 'Content-Length: 5\r\n', { fields: CL5, framing: length(5) }),
  fields('chunked', 'Transfer-Encoding: chunked\r\n', { fields: TE, framing: CHUNKED }),
  fields(
    'chunked with a tab, that some take for another coding',
    'Transfer-Encoding: chunked\t\r\n',
    'bad_transfer_encoding',
  ),
  fields(
    'no body to HEAD, RFC 9112 §6.3 rule 1',
    'Content-Length: 5\r\n',
    { fields: CL5, framing: NONE },
    'HEAD',
  ),
  fields('nor chunked to HEAD', 'Transfer-Encoding: chunked\r\n', { fields: TE, framing: NONE }, 'HEAD'),
  fields('nor anything to HEAD', '', { framing: NONE }, 'HEAD'),
  ofStatus('no body with 204', 204, NONE),
  ofStatus('no body with 304', 304, NONE),
  ofStatus('no body with 1xx', 103, NONE),
  ofStatus('but one with 205', 205, length(5)),
  ofStatus('and with errors', 500, length(5)),
  fields(
    'both framings, RFC 9112 §6.3 rule 3',
    'Transfer-Encoding: chunked\r\nContent-Length: 5\r\n',
    'conflicting_framing',
  ),
  fields(
    'both framings to HEAD',
    'Transfer-Encoding: chunked\r\nContent-Length: 5\r\n',
    'conflicting_framing',
    'HEAD',
  ),
  fields('a bad length', 'Content-Length: -5\r\n', 'bad_content_length'),
  fields('a list of lengths', 'Content-Length: 5,5\r\n', 'bad_content_length'),
  fields('lengths that are repeated', 'Content-Length: 5\r\nContent-Length: 5\r\n', 'bad_content_length'),
  fields('a coding that is not chunked', 'Transfer-Encoding: gzip\r\n', 'bad_transfer_encoding'),
  fields('chunked that is not last', 'Transfer-Encoding: chunked, gzip\r\n', 'bad_transfer_encoding'),
  fields(
    'chunked twice',
    'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n',
    'bad_transfer_encoding',
  ),
  fields('an unknown coding', 'Transfer-Encoding: gzip, chunked\r\n', 'unknown_transfer_coding'),
  row(
    'chunked in HTTP/1.0',
    'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n',
    'bad_transfer_encoding',
  ),
]

export const RESPONSE_CASES: readonly ResponseCase[] = [...LINES, ...FIELDS, ...FRAMINGS]
