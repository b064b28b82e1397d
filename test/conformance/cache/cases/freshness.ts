/**
 * How long a response is fresh (RFC 9111 §4.2): explicit lifetimes and how they are written, Expires with dates of
 * every kind, heuristics.
 */
import {
  type Case,
  first,
  type Group,
  kept,
  optional,
  refused,
  required,
  STALE,
  shunned,
  then,
} from '../case.ts'

const OLD = 'Last-Modified: {now-10000000}'
/** Where a broken lifetime is ignored rather than honoured, this one would make it fresh. */
const OTHERWISE = 'Expires: {now+3600}'

const STATUSES = [200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501]

const expired = (name: string, value: string): Case =>
  refused(`Expires: ${name}`, '§5.3', `Expires: ${value}`)
/** What only a strict reader takes for broken (RFC 9110 §5.6.7: be robust). */
const doubtful = (name: string, value: string): Case =>
  shunned(`Expires: ${name}`, '§5.3', `Expires: ${value}`)
const valid = (name: string, value: string, clause = '9110 §5.6.7'): Case =>
  kept(`Expires: ${name}`, clause, `Expires: ${value}`)
/** The origin's clock is ahead of ours; what it says later has a later Date. */
const clocked = (name: string, fields: readonly string[]): Case =>
  required(
    name,
    '§4.2.1',
    first(fields),
    then('origin', {}, ['Cache-Control: max-age=60', 'Date: {now+7300}']),
  )
const broken = (value: string): Case =>
  shunned(`broken: ${value}`, '§4.2.1', [`Cache-Control: ${value}`, OLD])

export const FRESHNESS: Group = {
  name: 'freshness',
  cases: [
    kept('max-age', '§4.2.1', 'Cache-Control: max-age=3600'),
    refused('max-age=0', '§4.2.1', 'Cache-Control: max-age=0'),
    refused('max-age below the age', '§4.2', STALE),
    refused('max-age and age are the same', '§4.2', ['Cache-Control: max-age=60', 'Age: 60']),
    required('max-age runs out while it is stored', '§4.2', first('Cache-Control: max-age=1'), {
      ...then('origin'),
      waitMs: 2100,
    }),
    required('Expires runs out while it is stored', '§4.2', first('Expires: {now+2}'), {
      ...then('origin'),
      waitMs: 3100,
    }),
    optional('max-age has not run out', '§4.2', first('Cache-Control: max-age=10'), {
      ...then('cache'),
      waitMs: 1100,
    }),
    refused('s-maxage=0 beats max-age', '§5.2.2.10', 'Cache-Control: max-age=3600, s-maxage=0'),
    refused('s-maxage=0 before max-age', '§5.2.2.10', 'Cache-Control: s-maxage=0, max-age=3600'),
    refused('s-maxage below the age beats max-age', '§5.2.2.10', [
      'Cache-Control: max-age=3600, s-maxage=10',
      'Age: 60',
    ]),
    refused('s-maxage=0 beats Expires', '§5.3', ['Cache-Control: s-maxage=0', OTHERWISE]),
    refused('S-MaxAge in capitals', '§5.2', 'Cache-Control: max-age=3600, S-MaxAge=0'),
    kept('s-maxage beats max-age=0', '§5.2.2.10', 'Cache-Control: max-age=0, s-maxage=3600'),
    kept('s-maxage beats Expires', '§5.3', ['Cache-Control: s-maxage=3600', 'Expires: 0']),
    refused('max-age=0 beats Expires', '§5.3', ['Cache-Control: max-age=0', OTHERWISE]),
    refused('max-age below the age beats Expires', '§5.3', [...STALE, OTHERWISE]),
    refused('Max-Age in capitals', '§5.2', ['Cache-Control: Max-Age=0', OTHERWISE]),
    refused('max-age behind an unknown directive', '§5.2', [
      'Cache-Control: foo="max-age=3600", max-age=0',
      OTHERWISE,
    ]),
    refused('max-age=0 on the second line', '§5.2', [
      'Cache-Control: public',
      'Cache-Control: max-age=0',
      OTHERWISE,
    ]),
    kept('max-age beats an Expires that is over', '§5.3', [
      'Cache-Control: max-age=3600',
      'Expires: {now-3600}',
    ]),
    kept('max-age beats a broken Expires', '§5.3', ['Cache-Control: max-age=3600', 'Expires: 0']),
    kept('MAX-AGE in capitals', '§5.2', 'Cache-Control: MAX-AGE=3600'),
    kept('max-age on the second line', '§5.2', ['Cache-Control: public', 'Cache-Control: max-age=3600']),
    kept('max-age behind empty members', '§5.2', 'Cache-Control: ,, ,max-age=3600,'),
    kept(
      'max-age behind unknown directives',
      '§5.2.3',
      'Cache-Control: foo, bar=1, baz="x, y", max-age=3600',
    ),
    kept('max-age behind a quoted one', '§5.2', 'Cache-Control: foo="max-age=0", max-age=3600'),
    kept('max-age in the quoted form', '§5.2', 'Cache-Control: max-age="3600"'),
    kept('s-maxage in the quoted form', '§5.2', 'Cache-Control: s-maxage="3600"'),
    shunned('max-age=0 in the quoted form', '§5.2', ['Cache-Control: max-age="0"', OTHERWISE]),
    kept('max-age with zeros before it', '§1.2.2', 'Cache-Control: max-age=0003600'),
    kept('max-age of 31 bits', '§1.2.2', 'Cache-Control: max-age=2147483648'),
    kept('max-age of 32 bits', '§1.2.2', 'Cache-Control: max-age=4294967297'),
    kept('max-age of 64 bits', '§1.2.2', 'Cache-Control: max-age=18446744073709551616'),
    kept('max-age of a hundred digits', '§1.2.2', `Cache-Control: max-age=${'9'.repeat(100)}`),
    shunned('max-age twice, the first is 0', '§4.2.1', ['Cache-Control: max-age=0, max-age=3600', OTHERWISE]),
    shunned('max-age on two lines, the first is 0', '§4.2.1', [
      'Cache-Control: max-age=0',
      'Cache-Control: max-age=3600',
    ]),
    shunned('s-maxage twice, the first is 0', '§4.2.1', 'Cache-Control: s-maxage=0, s-maxage=3600'),
    ...[
      'max-age=abc',
      'max-age=-1',
      'max-age=1.5',
      'max-age=',
      'max-age',
      'max-age=3600s',
      'max-age=0x1000',
    ].map(broken),
    ...[
      'max-age=1e4',
      "max-age='3600'",
      'max-age="36',
      's-maxage=abc',
      's-maxage=-3600',
      'max-age=+3600',
    ].map(broken),
    shunned('a broken s-maxage beside max-age', '§4.2.1', 'Cache-Control: max-age=0, s-maxage=abc'),
    valid('in the future', '{now+3600}', '§4.2.1'),
    valid('RFC 850', '{now+3600 rfc850}'),
    valid('asctime', '{now+3600 asctime}'),
    valid('in lower case', '{now+3600 lower}', '§4.2'),
    valid('in capitals', '{now+3600 upper}', '§4.2'),
    valid('far in the future', 'Fri, 31 Dec 9999 23:59:59 GMT', '§5.3'),
    kept('Expires without a Date', '§4.2.1', { fields: 'Expires: {now+3600}', undated: true }),
    expired('in the past', '{now-3600}'),
    expired('now', '{now}'),
    expired('in the past, RFC 850', '{now-3600 rfc850}'),
    expired('in the past, asctime', '{now-3600 asctime}'),
    expired('in the last century, RFC 850', 'Sunday, 06-Nov-94 08:49:37 GMT'),
    refused(
      'Expires: sixty years ahead in two digits is the past',
      '9110 §5.6.7',
      'Expires: {now+1893456000 rfc850}',
    ),
    expired('0', '0'),
    expired('-1', '-1'),
    expired('nothing', ''),
    expired('a word', 'never'),
    expired('a number', '{now+3600 unix}'),
    expired('ISO 8601', '{now+3600 iso}'),
    doubtful('in quotes', '{now+3600 quoted}'),
    doubtful('zone UTC', '{now+3600 utc}'),
    doubtful('zone EST', '{now+86400 est}'),
    doubtful('an offset', '{now+3600 offset}'),
    doubtful('without a zone', '{now+3600 zoneless}'),
    doubtful('dots in the time', '{now+3600 dotted}'),
    doubtful('no seconds', '{now+3600 short}'),
    doubtful('February 30', 'Tue, 30 Feb 2038 10:00:00 GMT'),
    doubtful('25 o’clock', 'Fri, 01 Jan 2038 25:00:00 GMT'),
    shunned('Expires on two lines, the first is over', '§4.2.1', [
      'Expires: {now-3600}',
      'Expires: {now+3600}',
    ]),
    shunned('Expires on two lines, the first is broken', '§4.2.1', ['Expires: 0', 'Expires: {now+3600}']),
    clocked('Expires before Date, both to come', ['Date: {now+7200}', 'Expires: {now+3600}']),
    clocked('Expires is Date, both to come', ['Date: {now+3600}', 'Expires: {now+3600}']),
    shunned('a Date that is older than max-age', '§4.2.3', ['Cache-Control: max-age=60', 'Date: {now-3600}']),
    kept('a Date to come', '§4.2.3', ['Cache-Control: max-age=60', 'Date: {now+3600}']),
    kept('a broken Date', '§4.2.3', ['Cache-Control: max-age=60', 'Date: yesterday']),
    kept('no Date', '§4.2.3', { fields: 'Cache-Control: max-age=60', undated: true }),
    ...STATUSES.map(status => kept(`heuristic, status ${status}`, '§4.2.2', { status, fields: OLD })),
    kept('heuristic with a query', '§4.2.2', OLD, { suffix: '?a' }),
    kept('heuristic by public, status 302', '§5.2.2.9', {
      status: 302,
      fields: [OLD, 'Cache-Control: public'],
    }),
    kept('heuristic by public, status 599', '§5.2.2.9', {
      status: 599,
      fields: [OLD, 'Cache-Control: public'],
    }),
    refused('no heuristic beside max-age', '§4.2.2', ['Cache-Control: max-age=0', OLD]),
    refused('no heuristic beside s-maxage', '§4.2.2', ['Cache-Control: s-maxage=0', OLD]),
    refused('no heuristic beside max-age that is over', '§4.2.2', [...STALE, OLD]),
    refused('no heuristic beside Expires', '§4.2.2', ['Expires: {now-10}', OLD]),
    refused('no heuristic beside a broken Expires', '§5.3', ['Expires: 0', OLD]),
    refused('no heuristic beside no-cache', '§5.2.2.4', ['Cache-Control: no-cache', OLD]),
    shunned('no heuristic from a change just now', '§4.2.2', ['Last-Modified: {now}', 'Age: 1']),
    shunned('no heuristic from a change to come', '§4.2.2', ['Last-Modified: {now+10000000}', 'Age: 1']),
    shunned('no heuristic from a broken date', '§4.2.2', ['Last-Modified: long ago', 'Age: 1']),
    refused('no-cache beats max-age', '§5.2.2.4', 'Cache-Control: no-cache, max-age=3600'),
    refused('no-cache behind max-age', '§5.2.2.4', 'Cache-Control: max-age=3600, no-cache'),
    refused('no-cache beats s-maxage', '§5.2.2.4', 'Cache-Control: no-cache, s-maxage=3600'),
    refused('no-cache beats Expires', '§5.2.2.4', ['Cache-Control: no-cache', OTHERWISE]),
    refused('NO-CACHE in capitals', '§5.2', 'Cache-Control: NO-CACHE, max-age=3600'),
    refused('no-cache on the second line', '§5.2', [
      'Cache-Control: max-age=3600',
      'Cache-Control: no-cache',
    ]),
    refused('no-cache beside immutable', '§5.2.2.4', 'Cache-Control: max-age=3600, no-cache, immutable'),
    refused(
      'no-cache with and without a field name',
      '§5.2.2.4',
      'Cache-Control: max-age=60, no-cache="x", no-cache',
    ),
    required(
      'no-cache with a field name: the field is not used again',
      '§5.2.2.4',
      first(['Cache-Control: max-age=3600, no-cache="X-Once"', 'X-Once: 1']),
      then({ from: 'any', fields: { 'X-Once': null } }),
    ),
    required(
      'no-cache with several field names: none of them is used again',
      '§5.2.2.4',
      first(['Cache-Control: max-age=3600, no-cache="x-once, X-Twice"', 'X-Once: 1', 'X-Twice: 2']),
      then({ from: 'any', fields: { 'X-Once': null, 'X-Twice': null } }),
    ),
    optional(
      'no-cache with a field name: the rest is used',
      '§5.2.2.4',
      first(['Cache-Control: max-age=3600, no-cache="X-Once"', 'X-Once: 1', 'X-Other: 2']),
      then({ from: 'cache', fields: { 'X-Once': null, 'X-Other': '2' } }),
    ),
    kept('Pragma of a response says nothing', '§5.4', ['Cache-Control: max-age=3600', 'Pragma: no-cache']),
    kept('Warning says nothing', '§5.5', [
      'Cache-Control: max-age=3600',
      'Warning: 110 - "Response is stale"',
    ]),
    kept('must-revalidate while it is fresh', '§5.2.2.2', 'Cache-Control: max-age=3600, must-revalidate'),
    kept('proxy-revalidate while it is fresh', '§5.2.2.8', 'Cache-Control: max-age=3600, proxy-revalidate'),
  ],
}
