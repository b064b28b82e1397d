/**
 * CDN-Cache-Control (RFC 9213): the directives that are meant for this cache in the place of those for all.
 * Strategy: nobody has to know it, so each rule comes behind a request that shows that the cache does.
 */
import { type Case, first, type Group, kept, type Lines, optional, required, then } from '../case.ts'

const SHOWS = ['Cache-Control: no-store', 'CDN-Cache-Control: max-age=3600']

const rule = (name: string, clause: string, fields: Lines): Case =>
  required(
    name,
    clause,
    first(SHOWS, { suffix: '?shows' }),
    then('cache', { suffix: '?shows' }),
    first(fields),
    then('origin'),
  )
/** Broken: as if it were not there, so that Cache-Control decides, which forbids. */
const broken = (name: string, value: string): Case =>
  rule(`broken: ${name}`, '9213 §2.1', ['Cache-Control: no-store', `CDN-Cache-Control: ${value}`])
/** Broken in what it says of this directive, which a strict reader does not take. */
const doubtful = (name: string, value: string): Case => ({ ...broken(name, value), kind: 'optional' })
const obeyed = (name: string, clause: string, fields: Lines): Case => kept(name, clause, fields)

export const TARGETED: Group = {
  name: 'targeted control',
  cases: [
    obeyed('max-age beats no-store', '9213 §2.2', SHOWS),
    obeyed('max-age beats max-age=0', '9213 §2.2', [
      'Cache-Control: max-age=0',
      'CDN-Cache-Control: max-age=3600',
    ]),
    obeyed('max-age beats s-maxage=0', '9213 §2.2', [
      'Cache-Control: s-maxage=0',
      'CDN-Cache-Control: max-age=3600',
    ]),
    obeyed('max-age beats private', '9213 §2.2', [
      'Cache-Control: private',
      'CDN-Cache-Control: max-age=3600',
    ]),
    obeyed('max-age beats Expires', '9213 §2.2', ['Expires: 0', 'CDN-Cache-Control: max-age=3600']),
    obeyed('s-maxage is understood', '9213 §2.2', [
      'Cache-Control: no-store',
      'CDN-Cache-Control: s-maxage=3600',
    ]),
    obeyed('unknown directives are ignored', '9213 §2.2', [
      'Cache-Control: no-store',
      'CDN-Cache-Control: foo, max-age=3600, bar=baz',
    ]),
    obeyed('parameters are ignored', '9213 §2.1', [
      'Cache-Control: no-store',
      'CDN-Cache-Control: max-age=3600;foo;bar=1',
    ]),
    obeyed('the last of two counts', '9651 §4.2.2', [
      'Cache-Control: no-store',
      'CDN-Cache-Control: max-age=0, max-age=3600',
    ]),
    obeyed('two lines are one', '9651 §4.2', [
      'Cache-Control: no-store',
      'CDN-Cache-Control: public',
      'CDN-Cache-Control: max-age=3600',
    ]),
    obeyed('a broken one falls back', '9213 §2.1', [
      'Cache-Control: max-age=3600',
      'CDN-Cache-Control: no-store, =',
    ]),
    obeyed('an empty one falls back', '9213 §2.1', ['Cache-Control: max-age=3600', 'CDN-Cache-Control:']),
    obeyed('none leaves it to heuristics', '9213 §3.1', [
      'Cache-Control: no-store',
      'CDN-Cache-Control: none',
      'Last-Modified: {now-10000000}',
    ]),
    optional(
      'is passed on',
      '9213 §3',
      first(SHOWS),
      then({ from: 'cache', fields: { 'CDN-Cache-Control': 'max-age=3600', 'Cache-Control': 'no-store' } }),
    ),
    rule('no-store', '9213 §2.2', ['Cache-Control: max-age=3600', 'CDN-Cache-Control: no-store']),
    rule('private', '9213 §2.2', ['Cache-Control: max-age=3600', 'CDN-Cache-Control: private']),
    rule('no-cache', '9213 §2.2', ['Cache-Control: max-age=3600', 'CDN-Cache-Control: no-cache']),
    rule('max-age=0', '9213 §2.2', ['Cache-Control: max-age=3600', 'CDN-Cache-Control: max-age=0']),
    rule('max-age below the age', '9213 §2.2', [
      'Cache-Control: max-age=3600',
      'CDN-Cache-Control: max-age=10',
      'Age: 60',
    ]),
    rule('no-store beats max-age', '9213 §2.2', [
      'Cache-Control: max-age=3600',
      'CDN-Cache-Control: max-age=3600, no-store',
    ]),
    rule('no-cache beats max-age', '9213 §2.2', [
      'Cache-Control: max-age=3600',
      'CDN-Cache-Control: max-age=3600, no-cache',
    ]),
    rule('s-maxage of Cache-Control is not looked at', '9213 §2.2', [
      'Cache-Control: s-maxage=3600',
      'CDN-Cache-Control: max-age=0',
    ]),
    rule('Expires is not looked at', '9213 §2.2', ['Expires: {now+3600}', 'CDN-Cache-Control: max-age=0']),
    rule('public of Cache-Control is not looked at', '9213 §2.2', [
      'Cache-Control: public, max-age=3600',
      'CDN-Cache-Control: private',
    ]),
    rule('the last of two counts, 0', '9651 §4.2.2', [
      'Cache-Control: max-age=3600',
      'CDN-Cache-Control: max-age=3600, max-age=0',
    ]),
    rule('no-store on the second line', '9651 §4.2', [
      'Cache-Control: max-age=3600',
      'CDN-Cache-Control: max-age=3600',
      'CDN-Cache-Control: no-store',
    ]),
    required(
      'must-revalidate: nothing stale in trouble',
      '9213 §2.2',
      first(SHOWS, { suffix: '?shows' }),
      then('cache', { suffix: '?shows' }),
      first(['Cache-Control: max-age=3600', 'CDN-Cache-Control: max-age=10, must-revalidate', 'Age: 60']),
      then({ from: 'any', status: [500, 502, 503, 504] }, {}, { dropped: true }),
    ),
    broken('a member without a name', 'max-age=3600, ='),
    broken('nothing behind the equals sign', 'max-age='),
    broken('a comma at the end', 'max-age=3600,'),
    broken('two commas', 'public,, max-age=3600'),
    broken('capitals', 'Max-Age=3600'),
    broken('white space around the equals sign', 'max-age = 3600'),
    broken('a space between members', 'public max-age=3600'),
    broken('a semicolon at the end', 'max-age=3600;'),
    broken('an open quote', 'max-age=3600, foo="a'),
    broken('a number of sixteen digits', 'max-age=3600, foo=1234567890123456'),
    broken('an open list', 'max-age=3600, foo=(a'),
    broken('a letter behind the number', 'max-age=3600s'),
    broken('a name that begins with a digit', 'max-age=3600, 1foo'),
    broken('high bytes', 'max-age=3600, foo="gr\xfc\xdfe"'),
    broken('the second line', 'max-age=3600\r\nCDN-Cache-Control: ='),
    broken('nothing', ''),
    doubtful('a string', 'max-age="3600"'),
    doubtful('a decimal', 'max-age=3600.5'),
    doubtful('a token', 'max-age=long'),
    doubtful('true', 'max-age'),
    doubtful('a negative number', 'max-age=-3600'),
    required(
      'other targets are not for us',
      '9213 §2.2',
      first(['Cache-Control: no-store', 'Other-Cache-Control: max-age=3600']),
      then('origin'),
    ),
    required(
      'other targets are passed through',
      '9213 §2.2',
      first(['Cache-Control: max-age=3600', 'Other-Cache-Control: no-store']),
      then({ from: 'cache', fields: { 'Other-Cache-Control': 'no-store' } }),
    ),
    obeyed('other targets forbid nothing', '9213 §2.2', [
      'Cache-Control: max-age=3600',
      'Other-Cache-Control: no-store',
    ]),
  ],
}
