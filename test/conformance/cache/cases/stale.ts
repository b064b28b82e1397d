/**
 * Stale responses (RFC 9111 §4.2.4, RFC 5861): who may give them out, when, and who never.
 */
import {
  type Answer,
  type Case,
  FRESH,
  first,
  type Group,
  type Lines,
  lapsed,
  optional,
  required,
  SOON,
  STALE,
  shunned,
  then,
} from '../case.ts'

const ERRORS = [500, 502, 503, 504]
const FAILED = ERRORS
const AGE = 'Age: 60'
/** To be followed by a while. */
const says = (directives: string): readonly string[] => [`Cache-Control: ${directives}`]
/** Stale for 50 s. */
const aged = (directives: string): readonly string[] => [`Cache-Control: ${directives}`, AGE]
const DOWN: Answer = { dropped: true }
const broken = (status: number): Answer => ({ status, fields: 'Cache-Control: no-store' })

/** While the server gives no answer, the stale one is right. */
const survives = (name: string, clause: string, stored: Lines, trouble: Answer, asks: Lines = []): Case =>
  optional(name, clause, lapsed(stored), then({ from: 'any', status: 200, bodyOf: 0 }, asks, trouble))
/** While the server gives no answer, an error is right. */
const gives = (name: string, clause: string, stored: Lines, asks: Lines = []): Case =>
  required(name, clause, lapsed(stored), then({ from: 'any', status: FAILED }, asks, DOWN))
/** An error of the server goes to the client. */
const passes = (name: string, clause: string, stored: Lines, status = 503, asks: Lines = []): Case =>
  required(name, clause, lapsed(stored), then({ from: 'origin', status }, asks, broken(status)))
/** Nothing stale behind the client's back. */
const waits = (name: string, clause: string, directives: string): Case =>
  required(name, clause, lapsed([...says(directives), 'ETag: "a"']), then('origin'))

export const STALENESS: Group = {
  name: 'stale',
  cases: [
    survives('no server: what is stale', '§4.2.4', SOON, DOWN),
    survives('no server: what is stale by Expires', '§4.2.4', 'Expires: {now+1}', DOWN),
    survives('no server, stale-if-error', '5861 §4', says('max-age=1, stale-if-error=3600'), DOWN),
    optional(
      'no server: the answer says how old it is',
      '§5.1',
      first(STALE),
      then({ from: 'any', status: 200, bodyOf: 0, fields: { Age: [60, 75] } }, {}, DOWN),
    ),
    gives('no server, must-revalidate', '§5.2.2.2', says('max-age=1, must-revalidate')),
    gives('no server, MUST-REVALIDATE in capitals', '§5.2', says('max-age=1, MUST-REVALIDATE')),
    gives('no server, proxy-revalidate', '§5.2.2.8', says('max-age=1, proxy-revalidate')),
    gives('no server, s-maxage', '§5.2.2.10', says('s-maxage=1')),
    gives('no server, no-cache', '§5.2.2.4', says('no-cache')),
    gives('no server, no-store', '§5.2.2.5', says('no-store')),
    gives('no server, private', '§5.2.2.7', says('private, max-age=1')),
    gives(
      'no server, must-revalidate and stale-if-error',
      '§5.2.2.2',
      says('max-age=1, must-revalidate, stale-if-error=3600'),
    ),
    gives(
      'no server, must-revalidate and a request with max-stale',
      '§5.2.2.2',
      says('max-age=1, must-revalidate'),
      'Cache-Control: max-stale',
    ),
    gives('no server, no-cache and stale-if-error', '§5.2.2.4', says('no-cache, stale-if-error=3600')),
    gives('no server, another variant', '§4.1', [SOON, 'Vary: Foo'], 'Foo: 1'),
    required(
      'no server, what was fresh with must-revalidate and has been validated',
      '§5.2.2.2',
      lapsed([...says('max-age=1, must-revalidate'), 'ETag: "a"']),
      {
        ...then(
          'validation',
          {},
          { conditional: { status: 304, fields: says('max-age=1, must-revalidate') }, fields: FRESH },
        ),
        restMs: 2100,
      },
      then({ from: 'any', status: FAILED }, {}, DOWN),
    ),
    ...ERRORS.map(status =>
      survives(
        `stale-if-error, status ${status}`,
        '5861 §4',
        says('max-age=1, stale-if-error=3600'),
        broken(status),
      ),
    ),
    survives('stale-if-error in capitals', '§5.2', says('max-age=1, Stale-If-Error=3600'), broken(503)),
    survives(
      'stale-if-error in the quoted form',
      '§5.2',
      says('max-age=1, stale-if-error="3600"'),
      broken(503),
    ),
    survives(
      'stale-if-error of the request',
      '5861 §4',
      SOON,
      broken(503),
      'Cache-Control: stale-if-error=3600',
    ),
    survives(
      'stale-if-error while it is validated',
      '5861 §4',
      [...says('max-age=1, stale-if-error=3600'), 'ETag: "a"'],
      broken(503),
    ),
    optional(
      'stale-if-error: the answer says how old it is',
      '5861 §4',
      lapsed(says('max-age=1, stale-if-error=3600')),
      then({ from: 'any', status: 200, bodyOf: 0, fields: { Age: [2, 6] } }, {}, broken(503)),
    ),
    optional(
      'stale-if-error: what is stored stays',
      '5861 §4',
      lapsed(says('max-age=1, stale-if-error=3600')),
      then({ from: 'any', status: 200, bodyOf: 0 }, {}, { status: 503, fields: FRESH }),
      then({ from: 'origin', status: 200 }),
    ),
    {
      ...passes('stale-if-error that is over', '5861 §4', aged('max-age=10, stale-if-error=10')),
      kind: 'optional',
    },
    passes('stale-if-error is not about 404', '§4.2.4', says('max-age=1, stale-if-error=3600'), 404),
    passes('stale-if-error is not about 403', '§4.2.4', says('max-age=1, stale-if-error=3600'), 403),
    passes(
      'stale-if-error against must-revalidate',
      '§5.2.2.2',
      says('max-age=1, stale-if-error=3600, must-revalidate'),
    ),
    passes(
      'stale-if-error against proxy-revalidate',
      '§5.2.2.8',
      says('max-age=1, stale-if-error=3600, proxy-revalidate'),
    ),
    passes('stale-if-error against s-maxage', '§5.2.2.10', says('s-maxage=1, stale-if-error=3600')),
    passes('stale-if-error against no-cache', '§5.2.2.4', says('no-cache, stale-if-error=3600')),
    passes(
      'stale-if-error of the request against must-revalidate',
      '§5.2.2.2',
      says('max-age=1, must-revalidate'),
      503,
      'Cache-Control: stale-if-error=3600',
    ),
    optional(
      'stale-while-revalidate: at once, and asked behind the client’s back',
      '5861 §3',
      lapsed([...says('max-age=1, stale-while-revalidate=3600'), 'ETag: "a"']),
      then({ from: 'background', fields: { Age: [2, 6] } }),
    ),
    optional(
      'stale-while-revalidate in the quoted form',
      '§5.2',
      lapsed(says('max-age=1, stale-while-revalidate="3600"')),
      then('background'),
    ),
    optional(
      'stale-while-revalidate: the next has the new one',
      '5861 §3',
      lapsed(says('max-age=1, stale-while-revalidate=3600')),
      then('background'),
      { ...then({ from: 'cache', bodyOf: 1 }), waitMs: 300 },
    ),
    optional(
      'stale-while-revalidate: after a 304 it is fresh',
      '5861 §3',
      lapsed([...says('max-age=1, stale-while-revalidate=3600'), 'ETag: "a"']),
      then('background', {}, { fields: FRESH, conditional: { status: 304, fields: FRESH } }),
      { ...then({ from: 'cache', bodyOf: 0, fields: { Age: [0, 3] } }), waitMs: 300 },
    ),
    optional(
      'stale-while-revalidate: many requests ask the origin once',
      '5861 §3',
      lapsed(says('max-age=1, stale-while-revalidate=3600')),
      { ...then({ from: 'background', askedTimes: [1, 1] }, {}, { fields: FRESH, delayMs: 300 }), times: 8 },
    ),
    required(
      'stale-while-revalidate: an answer says how old it is',
      '§4',
      lapsed(says('max-age=1, stale-while-revalidate=3600')),
      then({ from: 'background', fields: { Age: [2, 6] } }),
    ),
    required(
      'stale-while-revalidate that is over',
      '5861 §3',
      first(aged('max-age=10, stale-while-revalidate=10')),
      then('origin'),
    ),
    waits('stale-while-revalidate=0', '5861 §3', 'max-age=1, stale-while-revalidate=0'),
    waits('stale-while-revalidate with a broken number', '§4.2.4', 'max-age=1, stale-while-revalidate=long'),
    waits('stale-while-revalidate without a number', '§4.2.4', 'max-age=1, stale-while-revalidate'),
    waits(
      'stale-while-revalidate with a negative number',
      '§4.2.4',
      'max-age=1, stale-while-revalidate=-3600',
    ),
    waits(
      'stale-while-revalidate against must-revalidate',
      '§5.2.2.2',
      'max-age=1, stale-while-revalidate=3600, must-revalidate',
    ),
    waits(
      'stale-while-revalidate against proxy-revalidate',
      '§5.2.2.8',
      'max-age=1, stale-while-revalidate=3600, proxy-revalidate',
    ),
    waits('stale-while-revalidate against s-maxage', '§5.2.2.10', 's-maxage=1, stale-while-revalidate=3600'),
    waits('stale-while-revalidate against no-cache', '§5.2.2.4', 'no-cache, stale-while-revalidate=3600'),
    waits('stale-if-error while the server works', '§4.2.4', 'max-age=1, stale-if-error=3600'),
    shunned('immutable allows nothing stale', '§4.2.4', aged('max-age=10, immutable')),
  ],
}
