/**
 * Bodies, clause by clause: their content and trailers, or why they are refused.
 */
import type { ErrorCode } from '../../src/base/errors.ts'
import type { Framing } from '../../src/http/message.ts'
import { LIMITS } from '../../src/http1/limits.ts'

export interface ReadBody {
  readonly content: string
  /** Without the forbidden ones; not there when none is left. */
  readonly trailers?: readonly (readonly [string, string])[]
  /** The bytes end before the body does: it is cut short. */
  readonly short?: true
}

export interface BodyCase {
  readonly clause: string
  readonly framing: Framing
  /** latin1, one character a byte. */
  readonly text: string
  readonly gives: ReadBody | ErrorCode
}

const row = (framing: Framing, clause: string, text: string, gives: ReadBody | ErrorCode): BodyCase => ({
  clause,
  framing,
  text,
  gives,
})
const chunked = (clause: string, text: string, gives: ReadBody | ErrorCode): BodyCase =>
  row({ kind: 'chunked' }, clause, text, gives)
/** Content hello, then these trailer lines, each with its line end. */
const trailed = (clause: string, lines: string, gives: readonly [string, string][] | ErrorCode): BodyCase => {
  const trailers = typeof gives === 'string' || gives.length === 0 ? {} : { trailers: gives }
  const read = typeof gives === 'string' ? gives : { content: 'hello', ...trailers }
  return chunked(clause, `5\r\nhello\r\n0\r\n${lines}\r\n`, read)
}

const PLAIN: readonly BodyCase[] = [
  row({ kind: 'none' }, 'no body', '', { content: '' }),
  row({ kind: 'length', bytes: 0 }, 'a length of nothing', '', { content: '' }),
  row({ kind: 'length', bytes: 5 }, 'a length', 'h\0\xff\r\n', { content: 'h\0\xff\r\n' }),
  row({ kind: 'length', bytes: 6 }, 'a length that is cut short', 'hello', { content: 'hello', short: true }),
]

const CHUNKS: readonly BodyCase[] = [
  chunked('one chunk, RFC 9112 §7.1', '5\r\nhello\r\n0\r\n\r\n', { content: 'hello' }),
  chunked('several chunks', '1\r\nh\r\n4\r\nello\r\n0\r\n\r\n', { content: 'hello' }),
  chunked('no content', '0\r\n\r\n', { content: '' }),
  chunked('content that looks like framing', '7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n', { content: '\r\n0\r\n\r\n' }),
  chunked(
    'sizes in either case, with zeros in front',
    '00A\r\n0123456789\r\n00b\r\n0123456789A\r\n000\r\n\r\n',
    {
      content: '01234567890123456789A',
    },
  ),
  chunked('cut short in a chunk', '5\r\nhel', { content: 'hel', short: true }),
  chunked('cut short before the last chunk', '5\r\nhello\r\n', { content: 'hello', short: true }),
  chunked('cut short before the last line', '5\r\nhello\r\n0\r\n', { content: 'hello', short: true }),
  chunked('cut short in the trailers', '0\r\nA: b\r\n', { content: '', short: true }),
  ...['', ' 5', '\t5', '-5', '+5', '0x5', '5h', 'g', '\xb2', '"5"', '5.0', '_5'].map(size =>
    chunked(`a size that is not hexadecimal: "${size}"`, `${size}\r\nhello\r\n0\r\n\r\n`, 'bad_chunk'),
  ),
  chunked('the size of a chunk beyond what can be counted', '20000000000000\r\n', 'bad_chunk'),
  chunked('a size that would be 0 in 64 bits', '10000000000000000\r\n\r\n', 'bad_chunk'),
  chunked('a size without end', `${'0'.repeat(LIMITS.chunkLineBytesMax + 1)}5\r\nhello\r\n`, 'bad_chunk'),
  chunked('a size of as many digits as a line holds', `${'0'.repeat(LIMITS.chunkLineBytesMax - 1)}\r\n\r\n`, {
    content: '',
  }),
  chunked('white space behind the size', '5 \r\nhello\r\n0\r\n\r\n', 'bad_chunk'),
  chunked('a bare LF behind the size', '5\nhello\r\n0\r\n\r\n', 'bad_chunk'),
  chunked('a bare CR behind the size', '5\rhello\r\n0\r\n\r\n', 'bad_chunk'),
  chunked('a bare LF behind the content', '5\r\nhello\n0\r\n\r\n', 'bad_chunk'),
  chunked('a bare CR behind the content', '5\r\nhello\r0\r\n\r\n', 'bad_chunk'),
  chunked('nothing behind the content', '5\r\nhello0\r\n\r\n', 'bad_chunk'),
  chunked('a chunk that is longer than its size', '4\r\nhello\r\n0\r\n\r\n', 'bad_chunk'),
  chunked('an empty line in front', '\r\n5\r\nhello\r\n0\r\n\r\n', 'bad_chunk'),
  chunked('a bare LF behind the last chunk', '0\n\r\n', 'bad_chunk'),
]

const EXTENSIONS: readonly BodyCase[] = [
  chunked('an extension is dropped, RFC 9112 §7.1.1', '5;a=b\r\nhello\r\n0;c\r\n\r\n', { content: 'hello' }),
  chunked('white space around it', '5 \t; a = "b\\"c;d" ; e\r\nhello\r\n0\t;\r\n\r\n', { content: 'hello' }),
  chunked('bytes ≥ 0x80 in it', '5;\xe9=\xff\r\nhello\r\n0\r\n\r\n', { content: 'hello' }),
  chunked('the longest line', `5;${'a'.repeat(LIMITS.chunkLineBytesMax - 3)}\r\nhello\r\n0\r\n\r\n`, {
    content: 'hello',
  }),
  chunked(
    'one byte more',
    `5;${'a'.repeat(LIMITS.chunkLineBytesMax - 2)}\r\nhello\r\n0\r\n\r\n`,
    'bad_chunk',
  ),
  chunked(
    'white space without end',
    `5${' '.repeat(LIMITS.chunkLineBytesMax)};\r\nhello\r\n0\r\n\r\n`,
    'bad_chunk',
  ),
  chunked('an extension without its semicolon', '5 a\r\nhello\r\n0\r\n\r\n', 'bad_chunk'),
  chunked('a bare LF in an extension', '5;a\nhello\r\n0\r\n\r\n', 'bad_chunk'),
  chunked('a bare LF in a quoted one', '5;a="\n"\r\nhello\r\n0\r\n\r\n', 'bad_chunk'),
  chunked('a bare CR in an extension', '5;a\rb\r\nhello\r\n0\r\n\r\n', 'bad_chunk'),
  chunked('a NUL in an extension', '5;a\0\r\nhello\r\n0\r\n\r\n', 'bad_chunk'),
]

// RFC 9110 §6.5.1.
const FORBIDDEN = [
  ...[
    'Content-Length: 5',
    'TRANSFER-ENCODING: chunked',
    'Host: a',
    'Connection: close',
    'TE: x',
    'Trailer: A',
  ],
  ...['Authorization: a', 'Cookie: a', 'set-cookie: a', 'Cache-Control: no-store', 'Content-Type: text/html'],
  ...[
    'Content-Encoding: gzip',
    'Content-Range: bytes 0-1/2',
    'Location: /',
    'Expires: 0',
    'Vary: *',
    'Range: a',
  ],
  ...[
    'X-Forwarded-For: a',
    'Forwarded: for=a',
    'Via: 1.1 a',
    'Max-Forwards: 1',
    'Upgrade: a',
    'Keep-Alive: a',
  ],
]

const TRAILERS: readonly BodyCase[] = [
  trailed('trailers, RFC 9112 §7.1.2', 'X-Sum: 1\r\ny:\t\xe9 \r\n', [
    ['X-Sum', '1'],
    ['y', '\xe9'],
  ]),
  trailed('forbidden ones are dropped', `A: b\r\n${FORBIDDEN.join('\r\n')}\r\nC: d\r\n`, [
    ['A', 'b'],
    ['C', 'd'],
  ]),
  trailed('all of them are', 'Content-Length: 7\r\n', []),
  trailed('also one that would be framing', 'Transfer-Encoding: gzip\r\n', []),
  trailed('white space before the colon', 'A : b\r\n', 'bad_trailers'),
  trailed('a folded line', 'A: b\r\n c\r\n', 'bad_trailers'),
  trailed('white space before the first', ' A: b\r\n', 'bad_trailers'),
  trailed('a line without a colon', 'A\r\n', 'bad_trailers'),
  trailed('an empty name', ': a\r\n', 'bad_trailers'),
  trailed('a NUL', 'A: \0\r\n', 'bad_trailers'),
  trailed('a bare LF', 'A: b\n', 'bad_trailers'),
  trailed('a bare LF as the last line', '\n', 'bad_trailers'),
  trailed('a bare CR', 'A: b\rc\r\n', 'bad_trailers'),
  trailed('a bare CR as the last line', '\r', 'bad_trailers'),
  trailed('too many', 'A: b\r\n'.repeat(LIMITS.fieldsMax + 1), 'bad_trailers'),
  trailed('too large', `A: ${'b'.repeat(LIMITS.trailerBytesMax)}\r\n`, 'bad_trailers'),
  trailed('as large as allowed', `A: ${'b'.repeat(LIMITS.trailerBytesMax - 7)}\r\n`, [
    ['A', 'b'.repeat(LIMITS.trailerBytesMax - 7)],
  ]),
]

export const BODY_CASES: readonly BodyCase[] = [...PLAIN, ...CHUNKS, ...EXTENSIONS, ...TRAILERS]
