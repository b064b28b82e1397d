/**
 * HEAD: answered from what GET stored, and what its own answers say of that (RFC 9110 §9.3.2, RFC 9111 §4.3.5).
 */
import { type Case, FRESH, first, type Group, type Lines, optional, required, STALE, then } from '../case.ts'

const HEAD = { method: 'HEAD' } as const
const ANEW = { method: 'HEAD', fields: 'Cache-Control: no-cache' } as const
const DAY = 'Tue, 15 Nov 1994 12:45:26 GMT'
const LATER = 'Wed, 16 Nov 1994 12:45:26 GMT'

/** HEAD goes to the origin, which says something that does not fit what is stored. */
const contradicts = (name: string, stored: Lines, told: Lines): Case =>
  optional(name, '§4.3.5', first(stored), then('origin', ANEW, told), then('origin'))

export const HEADS: Group = {
  name: 'HEAD',
  cases: [
    optional('is answered from what GET stored', '9110 §9.3.2', first(FRESH), then('cache', HEAD)),
    required(
      'has the fields of GET',
      '9110 §9.3.2',
      first([FRESH, 'X-Field: 1', 'ETag: "a"']),
      then({ from: 'cache', fields: { 'X-Field': '1', ETag: '"a"' } }, HEAD),
    ),
    optional(
      'says how long the content of GET is',
      '9110 §8.6',
      first({ fields: FRESH, body: '0123456789' }),
      then({ from: 'cache', fields: { 'Content-Length': '10' } }, HEAD),
    ),
    required('is not answered from something stale', '§4.2.4', first(STALE), then('origin', HEAD)),
    required(
      'is not answered from another variant',
      '§4.1',
      first([FRESH, 'Vary: Foo'], 'Foo: 1'),
      then('origin', { ...HEAD, fields: 'Foo: 2' }),
    ),
    required('GET is not answered from what HEAD got', '9110 §9.3.2', first(FRESH, HEAD), then('origin')),
    required(
      'GET is not answered from what HEAD got without a length',
      '9110 §9.3.2',
      first({ fields: FRESH, framing: 'chunked' }, HEAD),
      then('origin'),
    ),
    required(
      'POST is not answered from what HEAD got',
      '§4',
      first(FRESH, HEAD),
      then('origin', { method: 'POST', body: 'x' }),
    ),
    contradicts('another entity tag makes the stored one stale', [FRESH, 'ETag: "a"'], [FRESH, 'ETag: "b"']),
    contradicts(
      'another date makes the stored one stale',
      [FRESH, `Last-Modified: ${DAY}`],
      [FRESH, `Last-Modified: ${LATER}`],
    ),
    contradicts('another length makes the stored one stale', FRESH, [FRESH, 'Content-Length: 7']),
    contradicts(
      'another length makes the stored one stale, whatever its entity tag',
      [FRESH, 'ETag: "a"'],
      [FRESH, 'ETag: "a"', 'Content-Length: 7'],
    ),
    optional(
      'the same entity tag updates the stored fields',
      '§4.3.5',
      first({ fields: [FRESH, 'ETag: "a"'], body: '0123456789' }),
      then('origin', ANEW, { fields: [FRESH, 'ETag: "a"', 'X-New: 1'], body: '0123456789' }),
      then({ from: 'cache', fields: { 'X-New': '1' } }),
    ),
    optional(
      'the same entity tag makes the stored one fresh',
      '§4.3.5',
      first({ fields: [...STALE, 'ETag: "a"'], body: '0123456789' }),
      then('any', HEAD, { fields: [FRESH, 'ETag: "a"'], body: '0123456789' }),
      then('cache'),
    ),
    optional(
      'a failure changes nothing',
      '§4.3.5',
      first([FRESH, 'ETag: "a"']),
      then({ from: 'any' }, ANEW, { status: 503, fields: 'Cache-Control: no-store' }),
      then('cache'),
    ),
  ],
}
