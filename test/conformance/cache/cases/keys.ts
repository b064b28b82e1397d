/**
 * Which requests are for the same stored response (RFC 9111 §2, §4): the target URI, and the fields that Vary names (§4.1).
 */
import { type Case, FRESH, first, type Group, optional, type Request, required, then } from '../case.ts'

/** Two targets of two resources. */
const apart = (name: string, clause: string, one: Request, other: Request): Case =>
  required(name, clause, first(FRESH, one), then('origin', other))
/** Two spellings of one. */
const alike = (name: string, clause: string, one: Request, other: Request): Case =>
  optional(name, clause, first(FRESH, one), then('cache', other))

const varying = (vary: string | readonly string[]): readonly string[] => [FRESH, vary].flat()
type Lines = string | readonly string[]
const differs = (name: string, clause: string, vary: Lines, one: Lines, other: Lines): Case =>
  required(name, clause, first(varying(vary), { fields: one }), then('origin', { fields: other }))
const matches = (name: string, clause: string, vary: Lines, one: Lines, other: Lines): Case =>
  optional(name, clause, first(varying(vary), { fields: one }), then('cache', { fields: other }))

export const KEYS: Group = {
  name: 'keys',
  cases: [
    apart('another path', '§4', { suffix: '/a' }, { suffix: '/b' }),
    apart('another query', '§4', { suffix: '?a=1' }, { suffix: '?a=2' }),
    apart('a query and none', '§4', { suffix: '?a=1' }, {}),
    apart('an empty query and none', '9110 §4.2.3', { suffix: '?' }, {}),
    apart('a query in another order', '9110 §4.2.3', { suffix: '?a=1&b=2' }, { suffix: '?b=2&a=1' }),
    apart('a path in capitals', '9110 §4.2.3', { suffix: '/a' }, { suffix: '/A' }),
    apart('a slash at the end', '9110 §4.2.3', { suffix: '/a' }, { suffix: '/a/' }),
    apart('a second slash', '9110 §4.2.3', { suffix: '/a/b' }, { suffix: '/a//b' }),
    apart('an escaped slash', '9110 §4.2.3', { suffix: '/a/b' }, { suffix: '/a%2Fb' }),
    apart('an escaped question mark', '9110 §4.2.3', { suffix: '/a?b' }, { suffix: '/a%3Fb' }),
    apart('an escaped ampersand', '9110 §4.2.3', { suffix: '?a&b' }, { suffix: '?a%26b' }),
    apart('plus and an escaped space', '9110 §4.2.3', { suffix: '?a+b' }, { suffix: '?a%20b' }),
    apart('another host', '§4', {}, { fields: 'Host: other.test' }),
    apart('another port', '§4', { fields: 'Host: cache.test:81' }, { fields: 'Host: cache.test:82' }),
    apart('a host below another', '§4', { fields: 'Host: a.test' }, { fields: 'Host: www.a.test' }),
    alike(
      'a host in capitals',
      '9110 §4.2.3',
      { fields: 'Host: cache.test' },
      { fields: 'Host: CACHE.Test' },
    ),
    alike(
      'the usual port said',
      '9110 §4.2.3',
      { fields: 'Host: cache.test' },
      { fields: 'Host: cache.test:80' },
    ),
    alike('an escape in capitals', '9110 §4.2.3', { suffix: '/%c3%a9' }, { suffix: '/%C3%A9' }),
    alike('an escape that nobody needs', '9110 §4.2.3', { suffix: '/~a' }, { suffix: '/%7ea' }),
    alike('a long target', '§2', { suffix: `?${'a'.repeat(3500)}` }, { suffix: `?${'a'.repeat(3500)}` }),
    apart(
      'long targets that differ at their end',
      '§4',
      { suffix: `?${'a'.repeat(3500)}b` },
      { suffix: `?${'a'.repeat(3500)}c` },
    ),
    required(
      'of several that match, the most recent',
      '§4',
      first([FRESH, 'Date: {now-60}']),
      then('origin', 'Cache-Control: no-cache'),
      then({ from: 'cache', bodyOf: 1 }),
    ),
  ],
}

export const VARY: Group = {
  name: 'Vary',
  cases: [
    differs('another value', '§4.1', 'Vary: Foo', 'Foo: 1', 'Foo: 2'),
    differs('a value where there was none', '§4.1', 'Vary: Foo', [], 'Foo: 1'),
    differs('no value where there was one', '§4.1', 'Vary: Foo', 'Foo: 1', []),
    differs('an empty value where there was none', '§4.1', 'Vary: Foo', [], 'Foo:'),
    differs('no value where there was an empty one', '§4.1', 'Vary: Foo', 'Foo:', []),
    differs('a value that begins the same', '§4.1', 'Vary: Foo', 'Foo: 1', 'Foo: 12'),
    differs('a value in capitals', '§4.1', 'Vary: Foo', 'Foo: a', 'Foo: A'),
    differs('a list in another order', '§4.1', 'Vary: Foo', 'Foo: 1, 2', 'Foo: 2, 1'),
    differs('one more member', '§4.1', 'Vary: Foo', 'Foo: 1', 'Foo: 1, 1'),
    differs('one more line', '§4.1', 'Vary: Foo', 'Foo: 1', ['Foo: 1', 'Foo: 2']),
    differs('the name in capitals', '§4.1', 'Vary: FOO', 'foo: 1', 'foo: 2'),
    differs('the second name', '§4.1', 'Vary: Bar, Foo', 'Foo: 1', 'Foo: 2'),
    differs('the second name without a space', '§4.1', 'Vary: Bar,Foo', 'Foo: 1', 'Foo: 2'),
    differs('a name behind empty members', '§4.1', 'Vary: ,, Foo', 'Foo: 1', 'Foo: 2'),
    differs('a name on the first of two lines', '§4.1', ['Vary: Foo', 'Vary: Bar'], 'Foo: 1', 'Foo: 2'),
    differs('a name on the second of two lines', '§4.1', ['Vary: Bar', 'Vary: Foo'], 'Foo: 1', 'Foo: 2'),
    differs('one of two names', '§4.1', 'Vary: Foo, Bar', ['Foo: 1', 'Bar: 1'], ['Foo: 1', 'Bar: 2']),
    differs(
      'values that moved between fields',
      '§4.1',
      'Vary: Foo, Bar',
      ['Foo: 1', 'Bar: 2'],
      ['Foo: 2', 'Bar: 1'],
    ),
    differs('Cookie', '§4.1', 'Vary: Cookie', 'Cookie: a=1', 'Cookie: a=2'),
    differs('Accept-Language', '§4.1', 'Vary: Accept-Language', 'Accept-Language: de', 'Accept-Language: en'),
    differs('User-Agent', '§4.1', 'Vary: User-Agent', 'User-Agent: a', 'User-Agent: b'),
    differs('Origin', '§4.1', 'Vary: Origin', 'Origin: http://a.test', 'Origin: http://b.test'),
    differs('an asterisk', '§4.1', 'Vary: *', [], []),
    differs('an asterisk before names', '§4.1', 'Vary: *, Foo', 'Foo: 1', 'Foo: 1'),
    differs('an asterisk behind names', '§4.1', 'Vary: Foo, *', 'Foo: 1', 'Foo: 1'),
    differs('an asterisk on the second line', '§4.1', ['Vary: Foo', 'Vary: *'], 'Foo: 1', 'Foo: 1'),
    matches('the same value', '§4.1', 'Vary: Foo', 'Foo: 1', 'Foo: 1'),
    matches('absent both times', '§4.1', 'Vary: Foo', [], []),
    matches('empty both times', '§4.1', 'Vary: Foo', 'Foo:', 'Foo:'),
    matches('the names in other letters', '§4.1', 'Vary: fOO', 'Foo: 1', 'FOO: 1'),
    matches(
      'two fields, the same values',
      '§4.1',
      'Vary: Foo, Bar',
      ['Foo: 1', 'Bar: 2'],
      ['Bar: 2', 'Foo: 1'],
    ),
    matches(
      'a field that is not named differs',
      '§4.1',
      'Vary: Foo',
      ['Foo: 1', 'Bar: 1'],
      ['Foo: 1', 'Bar: 2'],
    ),
    matches('white space around the value', '§4.1', 'Vary: Foo', 'Foo: 1', 'Foo:  1  '),
    matches('white space in a list', '§4.1', 'Vary: Accept', 'Accept: a/b,c/d', 'Accept: a/b,  c/d'),
    matches('one line or two', '§4.1', 'Vary: Foo', 'Foo: 1, 2', ['Foo: 1', 'Foo: 2']),
    matches(
      'a language in capitals',
      '§4.1',
      'Vary: Accept-Language',
      'Accept-Language: en',
      'Accept-Language: EN',
    ),
    matches('an empty Vary', '§4.1', 'Vary:', 'Foo: 1', 'Foo: 2'),
    optional(
      'several variants are kept',
      '§4.1',
      first(varying('Vary: Foo'), 'Foo: 1'),
      then('origin', 'Foo: 2', varying('Vary: Foo')),
      then({ from: 'cache', bodyOf: 0 }, 'Foo: 1'),
      then({ from: 'cache', bodyOf: 1 }, 'Foo: 2'),
    ),
    required(
      'each variant for its own requests',
      '§4.1',
      first(varying('Vary: Foo'), 'Foo: 1'),
      then('origin', 'Foo: 2', varying('Vary: Foo')),
      then({ from: 'cache', bodyOf: 1 }, 'Foo: 2'),
    ),
    optional(
      'a variant is better than an answer that forgot its Vary',
      '§4.1',
      first(varying('Vary: Foo'), 'Foo: 1'),
      then('origin', 'Foo: 2'),
      then({ from: 'cache', bodyOf: 0 }, 'Foo: 1'),
    ),
    optional(
      'a Vary that came later is heeded',
      '§4.1',
      first(['Cache-Control: max-age=60', 'Date: {now-5}'], 'Foo: 1'),
      then('origin', ['Foo: 1', 'Cache-Control: no-cache'], varying('Vary: Foo')),
      then('origin', 'Foo: 2'),
    ),
  ],
}
