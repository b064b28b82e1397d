/**
 * What clients ask of caches (RFC 9111 §5.2.1): advisory, so nearly all of it is optional; what the response forbids,
 * no request can allow.
 */
import { type Case, FRESH, first, type Group, type Lines, optional, required, STALE, then } from '../case.ts'

/** Fresh for 100 s, and 60 s old. */
const AGED = ['Cache-Control: max-age=100', 'Age: 60']

const refuses = (name: string, clause: string, stored: Lines, asks: Lines): Case =>
  optional(name, clause, first(stored), then('origin', asks))
const accepts = (name: string, clause: string, stored: Lines, asks: Lines): Case =>
  optional(name, clause, first(stored), then('cache', asks))
const cannot = (name: string, clause: string, stored: Lines): Case =>
  required(name, clause, first(stored), then('origin', 'Cache-Control: max-stale'))

const GATEWAY_TIMEOUT = { from: 'proxy', status: 504 } as const

export const REQUESTS: Group = {
  name: 'request directives',
  cases: [
    refuses('no-cache', '§5.2.1.4', FRESH, 'Cache-Control: no-cache'),
    refuses('NO-CACHE in capitals', '§5.2', FRESH, 'Cache-Control: NO-CACHE'),
    refuses('no-cache behind another directive', '§5.2', FRESH, 'Cache-Control: foo="a, b", no-cache'),
    refuses('no-cache on the second line', '§5.2', FRESH, ['Cache-Control: foo', 'Cache-Control: no-cache']),
    refuses('Pragma: no-cache', '§5.4', FRESH, 'Pragma: no-cache'),
    refuses('max-age=0', '§5.2.1.1', FRESH, 'Cache-Control: max-age=0'),
    refuses('max-age=0 in the quoted form', '§5.2', FRESH, 'Cache-Control: max-age="0"'),
    refuses('max-age below the age', '§5.2.1.1', AGED, 'Cache-Control: max-age=30'),
    accepts('max-age above the age', '§5.2.1.1', AGED, 'Cache-Control: max-age=90'),
    refuses('max-age above the age, but stale', '§5.2.1.1', STALE, 'Cache-Control: max-age=90'),
    accepts('min-fresh that is kept', '§5.2.1.3', AGED, 'Cache-Control: min-fresh=20'),
    refuses('min-fresh that is not kept', '§5.2.1.3', AGED, 'Cache-Control: min-fresh=60'),
    refuses('min-fresh beyond the lifetime', '§5.2.1.3', AGED, 'Cache-Control: min-fresh=1000'),
    accepts('max-stale without a value', '§5.2.1.2', STALE, 'Cache-Control: max-stale'),
    accepts('max-stale above the staleness', '§5.2.1.2', STALE, 'Cache-Control: max-stale=100'),
    refuses('max-stale below the staleness', '§5.2.1.2', STALE, 'Cache-Control: max-stale=10'),
    refuses('max-stale=0', '§5.2.1.2', STALE, 'Cache-Control: max-stale=0'),
    accepts('max-stale and max-age', '§5.2.1.1', STALE, 'Cache-Control: max-age=90, max-stale=100'),
    optional(
      'max-stale: the answer says how old it is',
      '§4.2.4',
      first(STALE),
      then({ from: 'cache', fields: { Age: [60, 64] } }, 'Cache-Control: max-stale'),
    ),
    cannot('max-stale against must-revalidate', '§5.2.2.2', [
      'Cache-Control: max-age=10, must-revalidate',
      'Age: 60',
    ]),
    cannot('max-stale against proxy-revalidate', '§5.2.2.8', [
      'Cache-Control: max-age=10, proxy-revalidate',
      'Age: 60',
    ]),
    cannot('max-stale against s-maxage', '§5.2.2.10', ['Cache-Control: s-maxage=10', 'Age: 60']),
    cannot('max-stale against no-cache', '§5.2.2.4', 'Cache-Control: max-age=3600, no-cache'),
    cannot('max-stale against no-store', '§5.2.2.5', ['Cache-Control: max-age=10, no-store', 'Age: 60']),
    optional(
      'only-if-cached with nothing stored',
      '§5.2.1.7',
      then(GATEWAY_TIMEOUT, 'Cache-Control: only-if-cached'),
    ),
    accepts('only-if-cached with something stored', '§5.2.1.7', FRESH, 'Cache-Control: only-if-cached'),
    optional(
      'only-if-cached with something stale',
      '§5.2.1.7',
      first(STALE),
      then(GATEWAY_TIMEOUT, 'Cache-Control: only-if-cached'),
    ),
    optional(
      'only-if-cached with a variant for others',
      '§5.2.1.7',
      first([FRESH, 'Vary: Foo'], 'Foo: 1'),
      then(GATEWAY_TIMEOUT, ['Foo: 2', 'Cache-Control: only-if-cached']),
    ),
    accepts('only-if-cached and max-stale', '§5.2.1.7', STALE, 'Cache-Control: only-if-cached, max-stale'),
    optional(
      'only-if-cached and no-cache',
      '§5.2.1.7',
      first(FRESH),
      then(GATEWAY_TIMEOUT, 'Cache-Control: only-if-cached, no-cache'),
    ),
    optional('ONLY-IF-CACHED in capitals', '§5.2', then(GATEWAY_TIMEOUT, 'Cache-Control: ONLY-IF-CACHED')),
    accepts('unknown directives say nothing', '§5.2.3', FRESH, 'Cache-Control: foo, no-cachet, max-aged=0'),
    accepts(
      'directives of responses say nothing',
      '§5.2',
      FRESH,
      'Cache-Control: private, must-revalidate, s-maxage=0',
    ),
    required('directives of requests reach the origin', '§5.2', {
      ...first(FRESH, 'Cache-Control: foo="bar", max-age=17'),
      expect: { from: 'origin', asked: { 'Cache-Control': /(?=.*foo="bar").*max-age=17/ } },
    }),
    required('directives of responses reach the client', '§5.2', {
      ...first('Cache-Control: foo="bar, baz", max-age=17'),
      expect: { from: 'origin', fields: { 'Cache-Control': 'foo="bar, baz", max-age=17' } },
    }),
    required(
      'directives of responses reach the client from the cache',
      '§5.2',
      first('Cache-Control: foo="bar, baz", max-age=1700'),
      then({ from: 'cache', fields: { 'Cache-Control': 'foo="bar, baz", max-age=1700' } }),
    ),
  ],
}
