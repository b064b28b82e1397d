/**
 * Age: what comes out, and how what comes in is read (RFC 9111 §4.2.3, §5.1).
 */
import {
  type Case,
  FRESH,
  first,
  type Group,
  optional,
  refused,
  required,
  STALE,
  shunned,
  then,
  unchanged,
} from '../case.ts'

/** What the cache makes of an Age of the origin. */
const read = (name: string, age: string | readonly string[], from: number): Case =>
  optional(
    name,
    '§5.1',
    first([FRESH, age].flat()),
    then({ from: 'cache', fields: { Age: [from, from + 3] } }),
  )

const DELAY_MS = 2100

export const AGE: Group = {
  name: 'Age',
  cases: [
    required(
      'is on every answer from the cache',
      '§4',
      first(FRESH),
      then({ from: 'cache', fields: { Age: [0, 3] } }),
    ),
    required(
      'is on an answer to HEAD',
      '§4',
      first(FRESH),
      then({ from: 'cache', fields: { Age: [0, 3] } }, { method: 'HEAD' }),
    ),
    required(
      'is on a redirect from the cache',
      '§4',
      first({ status: 301, fields: [FRESH, 'Location: /'] }),
      then({ from: 'cache', status: 301, fields: { Age: [0, 3] } }),
    ),
    required('grows while it is stored', '§4.2.3', first(FRESH), {
      ...then({ from: 'cache', fields: { Age: [2, 5] } }),
      waitMs: 2100,
    }),
    required(
      'the time of the origin’s caches counts',
      '§4.2.3',
      first([FRESH, 'Age: 100']),
      then({ from: 'cache', fields: { Age: [100, 104] } }),
    ),
    required(
      'the time of the origin’s caches and that in the store are added',
      '§4.2.3',
      first([FRESH, 'Age: 100']),
      { ...then({ from: 'cache', fields: { Age: [102, 105] } }), waitMs: 2100 },
    ),
    required(
      'counts from when the request went out',
      '§4.2.3',
      first({ fields: FRESH, delayMs: DELAY_MS }),
      then({ from: 'cache', fields: { Age: [2, 5] } }),
    ),
    required(
      'counts from when the request went out, and the origin’s caches',
      '§4.2.3',
      first({ fields: [FRESH, 'Age: 10'], delayMs: DELAY_MS }),
      then({ from: 'cache', fields: { Age: [12, 15] } }),
    ),
    refused('the way counts for freshness', '§4.2.3', {
      fields: ['Cache-Control: max-age=2'],
      delayMs: DELAY_MS,
    }),
    refused('the way and the origin’s caches count for freshness', '§4.2.3', {
      fields: ['Cache-Control: max-age=12', 'Age: 10'],
      delayMs: DELAY_MS,
    }),
    optional(
      'a Date that is older than it says',
      '§4.2.3',
      first([FRESH, 'Date: {now-100}']),
      then({ from: 'cache', fields: { Age: [100, 104] } }),
    ),
    optional(
      'an Age that is more than Date says',
      '§4.2.3',
      first([FRESH, 'Date: {now-100}', 'Age: 200']),
      then({ from: 'cache', fields: { Age: [200, 204] } }),
    ),
    optional(
      'a Date to come makes nothing younger',
      '§4.2.3',
      first([FRESH, 'Date: {now+1000}', 'Age: 50']),
      then({ from: 'cache', fields: { Age: [50, 54] } }),
    ),
    optional(
      'begins again after a validation',
      '§4.2.3',
      first([...STALE, 'ETag: "a"']),
      then('validation', {}, unchanged()),
      then({ from: 'cache', fields: { Age: [0, 3] } }),
    ),
    optional(
      'Age of a 304 counts',
      '§4.2.3',
      first([...STALE, 'ETag: "a"']),
      then('validation', {}, unchanged([FRESH, 'Age: 30', 'ETag: "a"'])),
      then({ from: 'cache', fields: { Age: [30, 34] } }),
    ),
    optional('an answer of the origin has none', '§5.1', {
      ...first(FRESH),
      expect: { from: 'origin', fields: { Age: null } },
    }),
    optional('an answer of the origin keeps its own', '§5.1', {
      ...first([FRESH, 'Age: 100']),
      expect: { from: 'origin', fields: { Age: [100, 104] } },
    }),
    read('a list: the first counts', 'Age: 100, 200', 100),
    read('a list: the first counts, and makes nothing stale', 'Age: 0, 7200', 0),
    read('two lines: the first counts', ['Age: 100', 'Age: 7200'], 100),
    read('zeros before it', 'Age: 00100', 100),
    read('a word is ignored', 'Age: old', 0),
    read('a negative number is ignored', 'Age: -7200', 0),
    read('a fraction is ignored', 'Age: 7200.5', 0),
    read('quotes are ignored', 'Age: "7200"', 0),
    read('a unit is ignored', 'Age: 7200s', 0),
    read('a sign is ignored', 'Age: +7200', 0),
    read('nothing is ignored', 'Age:', 0),
    read('a list that begins with a word is ignored', 'Age: x, 7200', 0),
    shunned('a list: the first makes it stale', '§5.1', ['Cache-Control: max-age=10', 'Age: 60, 0']),
    refused('31 bits', '§1.2.2', [FRESH, 'Age: 2147483648']),
    refused('32 bits', '§1.2.2', [FRESH, 'Age: 4294967296']),
    refused('64 bits', '§1.2.2', [FRESH, 'Age: 18446744073709551616']),
    refused('a hundred digits', '§1.2.2', [FRESH, `Age: ${'9'.repeat(100)}`]),
    required(
      'is never a fraction and never twice',
      '§5.1',
      first([FRESH, 'Age: 5', 'Age: 6']),
      then({ from: 'cache', fields: { Age: /^\d+$/ } }),
    ),
  ],
}
