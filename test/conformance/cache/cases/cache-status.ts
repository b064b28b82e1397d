/**
 * The Cache-Status field (RFC 9211): nobody has to send it; who does, says what happened.
 */
import {
  type Case,
  type Expect,
  FRESH,
  first,
  type Group,
  optional,
  required,
  STALE,
  type Step,
  then,
  unchanged,
} from '../case.ts'

/** One member: a String or Token, then parameters. */
const MEMBER =
  /^(?:"[^"\\]*"|[A-Za-z*][\w!#$%&'*+\-.^`|~:/]*)(?:; ?[a-z*][a-z0-9_\-.*]*(?:=(?:"(?:[^"\\]|\\["\\])*"|-?\d+(?:\.\d{1,3})?|\?[01]|[A-Za-z*][\w!#$%&'*+\-.^`|~:/]*))?)*$/

const says = (from: Expect['from'], pattern: RegExp, rest: Partial<Expect> = {}): Expect => ({
  from,
  ...rest,
  fields: { 'Cache-Status': pattern },
})
const tells = (name: string, clause: string, ...steps: readonly Step[]): Case =>
  optional(name, `9211 ${clause}`, ...steps)

const SHOWN: Step = { ...first(FRESH), expect: says('origin', /./) }

export const CACHE_STATUS: Group = {
  name: 'Cache-Status',
  cases: [
    tells('hit', '§2.1', first(FRESH), then(says('cache', /; ?hit(?:;|$)/))),
    tells('a hit has no fwd', '§2.1', first(FRESH), then(says('cache', /^(?!.*fwd=).*hit/))),
    tells(
      'a 304 from the store is a hit',
      '§2.1',
      first([FRESH, 'ETag: "a"']),
      then(says('cache', /; ?hit(?:;|$)/, { status: 304 }), 'If-None-Match: "a"'),
    ),
    tells(
      'a part from the store is a hit',
      '§2.1',
      first({ fields: FRESH, body: '0123456789' }),
      then(says('cache', /; ?hit(?:;|$)/, { status: 206, body: '0' }), 'Range: bytes=0-0'),
    ),
    tells(
      'HEAD from the store is a hit',
      '§2.1',
      first(FRESH),
      then(says('cache', /; ?hit(?:;|$)/), { method: 'HEAD' }),
    ),
    tells(
      'ttl of a hit',
      '§2.4',
      first('Cache-Control: max-age=100'),
      then(says('cache', /; ?ttl=(?:100|9\d)(?:;|$)/)),
    ),
    tells(
      'ttl of a hit that was old already',
      '§2.4',
      first(['Cache-Control: max-age=100', 'Age: 50']),
      then(says('cache', /; ?ttl=(?:50|4\d)(?:;|$)/)),
    ),
    tells(
      'ttl of something stale is negative',
      '§2.4',
      first(STALE),
      then(says('cache', /; ?hit.*; ?ttl=-5\d(?:;|$)/), 'Cache-Control: max-stale'),
    ),
    tells('fwd=uri-miss', '§2.2', { ...first(FRESH), expect: says('origin', /; ?fwd=(?:uri-)?miss(?:;|$)/) }),
    tells('a miss has no hit', '§2.1', { ...first(FRESH), expect: says('origin', /^(?!.*; ?hit).*fwd=/) }),
    tells(
      'fwd=vary-miss',
      '§2.2',
      first([FRESH, 'Vary: Foo'], 'Foo: 1'),
      then(says('origin', /; ?fwd=(?:vary-)?miss(?:;|$)/), 'Foo: 2'),
    ),
    tells('fwd=stale', '§2.2', first(STALE), then(says('origin', /; ?fwd=stale(?:;|$)/))),
    tells(
      'fwd=request',
      '§2.2',
      first(FRESH),
      then(says('origin', /; ?fwd=request(?:;|$)/), 'Cache-Control: no-cache'),
    ),
    tells('fwd=method', '§2.2', {
      ...first(FRESH, { method: 'POST', body: 'x' }),
      expect: says('origin', /; ?fwd=method(?:;|$)/),
    }),
    tells(
      'fwd-status of a validation',
      '§2.3',
      first([...STALE, 'ETag: "a"']),
      then(says('validation', /; ?fwd=stale.*; ?fwd-status=304(?:;|$)/), {}, unchanged()),
    ),
    tells('stored', '§2.5', { ...first(FRESH), expect: says('origin', /; ?stored(?:;|$)/) }),
    tells('not stored', '§2.5', {
      ...first('Cache-Control: no-store'),
      expect: says('origin', /^(?!.*; ?stored(?:;|$)).*fwd=/),
    }),
    tells('collapsed', '§2.6', {
      ...then(says('any', /collapsed|fwd=/, { askedTimes: [1, 1] }), {}, { fields: FRESH, delayMs: 300 }),
      times: 4,
    }),
    tells('what other caches said stays, before ours', '§2', {
      ...first([FRESH, 'Cache-Status: Origin; hit; ttl=5']),
      expect: says('origin', /^Origin; hit; ttl=5, ?\S/),
    }),
    tells(
      'what other caches said stays on a hit',
      '§2',
      first([FRESH, 'Cache-Status: Origin; hit; ttl=5']),
      then(says('cache', /^Origin; hit; ttl=5, ?[^,]*; ?hit[^,]*$/)),
    ),
    tells(
      'what we said of another request is not said again',
      '§2',
      first(FRESH),
      then(says('cache', /^(?!.*fwd=)[^,]*$/)),
    ),
    tells(
      'none on an answer of our own',
      '§2',
      SHOWN,
      then(
        { from: 'proxy', status: 504, fields: { 'Cache-Status': null } },
        { suffix: '?own', fields: 'Cache-Control: only-if-cached' },
      ),
    ),
    required('is a structured field on a miss', '9211 §2', SHOWN, {
      ...then(says('origin', MEMBER), { suffix: '?b' }),
    }),
    required('is a structured field on a hit', '9211 §2', SHOWN, then(says('cache', MEMBER))),
    required(
      'is a structured field whatever the target',
      '9211 §2',
      SHOWN,
      then(says('origin', MEMBER), { suffix: "?%22a=%5c'b;c,d" }),
    ),
    required(
      'is a structured field on a validation',
      '9211 §2',
      { ...first([...STALE, 'ETag: "a"']), expect: says('origin', /./) },
      then(says('validation', MEMBER), {}, unchanged()),
    ),
  ],
}
