/**
 * What a cache does with many at once (RFC 9111 §4), and that nobody gets what is another's.
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
  type Step,
  then,
} from '../case.ts'

const AT_ONCE = 6
/** So many requests at once, while the origin takes its time. */
const together = (fields: Lines, expect: Expect, asks: Lines = []): Step => ({
  ...then(expect, asks, { fields, delayMs: 400 }),
  times: AT_ONCE,
})
/** What comes back is for one client alone: each asks the origin. */
const each = (name: string, clause: string, fields: Lines, asks: Lines = []): Case =>
  required(name, clause, together(fields, { from: 'any', askedTimes: [AT_ONCE, AT_ONCE] }, asks))

export const OTHER: Group = {
  name: 'many at once',
  cases: [
    optional(
      'many requests for one missing answer ask the origin once',
      '§4',
      together(FRESH, { from: 'origin', askedTimes: [1, 1] }),
    ),
    optional(
      'and the next is answered from the cache',
      '§4',
      together(FRESH, { from: 'origin' }),
      then('cache'),
    ),
    optional(
      'many that vary alike ask the origin once',
      '§4',
      together([FRESH, 'Vary: Foo'], { from: 'origin', askedTimes: [1, 1] }, 'Foo: 1'),
    ),
    optional('many for one redirect ask the origin once', '§4', {
      ...then(
        { from: 'origin', askedTimes: [1, 1] },
        {},
        { status: 301, fields: [FRESH, 'Location: /'], delayMs: 400 },
      ),
      times: AT_ONCE,
    }),
    each('no-store is for one', '§5.2.2.5', 'Cache-Control: no-store'),
    each('private is for one', '§5.2.2.7', 'Cache-Control: private, max-age=3600'),
    each('no-cache is for one', '§5.2.2.4', 'Cache-Control: no-cache'),
    each('Vary: * is for one', '§4.1', [FRESH, 'Vary: *']),
    each('an answer to Authorization is for one', '§3.5', FRESH, 'Authorization: Basic {n}'),
    each('variants are for those who asked for them', '§4.1', [FRESH, 'Vary: Foo'], 'Foo: {n}'),
    each(
      'cookies that are named by Vary are for those who have them',
      '§4.1',
      [FRESH, 'Vary: Cookie'],
      'Cookie: id={n}',
    ),
    required(
      'an answer nobody may keep is for one, whatever was told before',
      '§5.2.2.5',
      first(['Cache-Control: max-age=10', 'Age: 60']),
      together('Cache-Control: no-store', { from: 'any', askedTimes: [AT_ONCE, AT_ONCE] }),
    ),
    required('many unsafe requests all reach the origin', '§4', {
      ...then(
        { from: 'origin', askedTimes: [AT_ONCE, AT_ONCE] },
        { method: 'POST', body: 'x' },
        { fields: FRESH, delayMs: 300 },
      ),
      times: AT_ONCE,
    }),
    required(
      'an answer that breaks off is whole for nobody',
      '§3.3',
      { ...then({ from: 'anything' }, {}, { fields: FRESH, cutAfter: 20, delayMs: 300 }), times: 3 },
      then('origin'),
    ),
    optional('many requests for a failing server all get an answer', '§4', {
      ...then(
        { from: 'origin', status: 503 },
        {},
        { status: 503, fields: 'Cache-Control: no-store', delayMs: 300 },
      ),
      times: AT_ONCE,
    }),
    optional('a long answer for many at once is whole for all', '§4', {
      ...then('origin', {}, { fields: FRESH, body: '0123456789abcdef'.repeat(20_000), delayMs: 300 }),
      times: AT_ONCE,
    }),
  ],
}
