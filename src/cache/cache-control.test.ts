import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { HeaderList } from '../http/header-list.ts'
import {
  allows,
  deltaSeconds,
  NO_DIRECTIVES,
  parseCacheControl,
  type RequestDirectives,
  requestDirectives,
  restricted,
  SECONDS_MAX,
  secondsOf,
} from './cache-control.ts'

/** Name, lines, what is read. `BAD`: an argument that is good for nothing. */
const BAD = Symbol('not by the grammar')
const READ: readonly [string, readonly string[], Readonly<Record<string, readonly unknown[]>>][] = [
  ['§5.2 a name', ['no-store'], { 'no-store': [null] }],
  ['§5.2 names in any case', ['No-Store, MAX-AGE=5'], { 'no-store': [null], 'max-age': ['5'] }],
  ['§5.2 case of arguments is kept', ['x=AbC'], { x: ['AbC'] }],
  ['§5.2 the quoted form', ['max-age="60"'], { 'max-age': ['60'] }],
  ['RFC 9110 §5.6.4 quoted pairs', ['x="a\\"b\\\\c"'], { x: ['a"b\\c'] }],
  ['RFC 9110 §5.6.1 empty elements', [' , ,no-store,,\t,'], { 'no-store': [null] }],
  ['RFC 9110 §5.6.1 no blanks', ['a,b'], { a: [null], b: [null] }],
  ['RFC 9110 §5.2 several lines', ['max-age=1', 'private'], { 'max-age': ['1'], private: [null] }],
  ['§4.2.1 repeated', ['max-age=1, max-age=2'], { 'max-age': ['1', '2'] }],
  ['commas in quotes', ['private="a, b", public'], { private: ['a, b'], public: [null] }],
  ['directives in quotes are text', ['x="max-age=9, no-store"'], { x: ['max-age=9, no-store'] }],
  ['single quotes are letters', ["max-age='5'"], { 'max-age': ["'5'"] }],
  ['semicolons separate', ['no-store; max-age=0;x'], { 'no-store': [null], 'max-age': ['0'], x: [null] }],
  ['semicolons in quotes do not', ['x="a;b"'], { x: ['a;b'] }],
  ['blanks before "="', ['max-age =60'], { 'max-age': [BAD] }],
  ['blanks behind "="', ['max-age= 60'], { 'max-age': [BAD] }],
  ['blanks in the place of "="', ['max-age 60, private x'], { 'max-age': [BAD], private: [BAD] }],
  ['nothing behind "="', ['max-age=, private='], { 'max-age': [BAD], private: [BAD] }],
  ['two arguments', ['max-age=1=2'], { 'max-age': [BAD] }],
  ['text behind a quoted string', ['max-age="1"2'], { 'max-age': [BAD] }],
  ['text before a quoted string', ['max-age=1"2"'], { 'max-age': [BAD] }],
  ['an open quote hides nothing', ['x="a, no-store'], { x: [BAD], 'no-store': [null] }],
  ['an open quote ends with its line', ['x="a', 'no-store"'], { x: [BAD], 'no-store': [BAD] }],
  ['an open quote behind a closed one', ['x="a,b", y="c, z'], { x: ['a,b'], y: [BAD], z: [null] }],
  ['a backslash at the end', ['x="a\\'], { x: [BAD] }],
  ['a quote that is escaped at the end', ['x="a\\", no-store'], { x: [BAD], 'no-store': [null] }],
  ['no name', ['=5, "x", ü, no-store'], { 'no-store': [null] }],
  ['letters beyond ASCII', ['x=ü'], { x: [BAD] }],
  ['nothing at all', [''], {}],
]

describe('reading Cache-Control', () => {
  for (const [name, lines, expected] of READ)
    it(`${name}: ${lines.join(' | ')}`, () => {
      const found = parseCacheControl(lines)
      assert.deepEqual([...found.keys()].sort(), Object.keys(expected).sort())
      for (const [directive, expectedTexts] of Object.entries(expected))
        for (const [i, text] of expectedTexts.entries()) {
          const argument = found.get(directive)?.[i]
          if (text === BAD) assert.match(String(argument), /^=/)
          else assert.equal(argument, text)
        }
    })

  it('takes names of objects for names', () => {
    const found = parseCacheControl(['__proto__, constructor=1'])
    assert.deepEqual(
      [...found],
      [
        ['__proto__', [null]],
        ['constructor', ['1']],
      ],
    )
    assert.equal(parseCacheControl(['a']).has('constructor'), false)
  })

  it('never fails, and never takes the square of a hostile length', () => {
    const patterns = ['"', '\\"', 'a="', 'a="\\', ',', ';', ' ', '=', 'a=b,', '"a"', 'private="x', '\t,\t"']
    for (const pattern of patterns) {
      const line = pattern.repeat(200_000 / pattern.length)
      const started = process.cpuUsage()
      parseCacheControl([line])
      restricted(parseCacheControl([`private="${line}`]), 'private')
      // Reading it takes tens of milliseconds; its square would take minutes.
      assert.ok(process.cpuUsage(started).user < 5_000_000, `${pattern} repeated`)
    }
  })

  it('finds a restriction whatever stands around it, as long as it is not inside a quoted string', () => {
    const noise = fc.string({ unit: fc.constantFrom('a', '=', ' ', ';', '\\', '\t', 'ü'), maxLength: 12 })
    fc.assert(
      fc.property(fc.array(noise), fc.array(noise), (before, after) => {
        const found = parseCacheControl([[...before, ' No-Store ', ...after].join(',')])
        assert.ok(found.has('no-store'))
      }),
    )
  })

  it('reads back what is written by the grammar', () => {
    const token = fc.stringMatching(/^[a-z0-9!#$%&'*+.^_`|~-]{1,8}$/)
    const text = fc.string({ unit: fc.constantFrom('a', '"', '\\', ',', ';', '=', ' '), maxLength: 8 })
    const quoted = text.map(content => ({ content, written: `"${content.replace(/["\\]/g, '\\$&')}"` }))
    const plain = token.map(content => ({ content, written: content }))
    const directive = fc.tuple(token, fc.option(fc.oneof(quoted, plain)))
    fc.assert(
      fc.property(fc.array(directive, { maxLength: 6 }), directives => {
        const line = directives.map(([name, value]) => (value ? `${name}=${value.written}` : name)).join(', ')
        const expected = new Map<string, (string | null)[]>()
        for (const [name, value] of directives)
          expected.set(name, [...(expected.get(name) ?? []), value?.content ?? null])
        assert.deepEqual(parseCacheControl([line]), expected)
      }),
    )
  })
})

const SECONDS: readonly [string, string, number | null][] = [
  ['§1.2.2 a number', 'max-age=60', 60],
  ['§1.2.2 zero', 'max-age=0', 0],
  ['§1.2.2 leading zeros', 'max-age=0060', 60],
  ['§1.2.2 2^31', 'max-age=2147483648', SECONDS_MAX],
  ['§1.2.2 more', 'max-age=2147483649', SECONDS_MAX],
  ['§1.2.2 more than any number', `max-age=${'9'.repeat(400)}`, SECONDS_MAX],
  ['§5.2 quoted', 'max-age="60"', 60],
  ['not said', 'public', null],
  ['negative', 'max-age=-1', 0],
  ['with a sign', 'max-age=+5', 0],
  ['a fraction', 'max-age=1.5', 0],
  ['an exponent', 'max-age=1e3', 0],
  ['hexadecimal', 'max-age=0x10', 0],
  ['letters', 'max-age=abc', 0],
  ['digits and letters', 'max-age=60s', 0],
  ['without argument', 'max-age', 0],
  ['in single quotes', "max-age='60'", 0],
  ['blanks around "="', 'max-age = 60', 0],
  ['blanks in quotes', 'max-age=" 60"', 0],
  ['§4.2.1 twice the same', 'max-age=60, max-age=60', 60],
  ['§4.2.1 the first, when it is the least', 'max-age=60, max-age=3600', 60],
  ['§4.2.1 over, when a later one is less', 'max-age=3600, max-age=60', 0],
  ['§4.2.1 over, when a later one is no number', 'max-age=60, max-age=x', 0],
  ['§4.2.1 over, when the first is no number', 'max-age=x, max-age=60', 0],
]

describe('seconds of a response', () => {
  for (const [name, line, expected] of SECONDS)
    it(`${name}: ${line.slice(0, 40)}`, () =>
      assert.equal(secondsOf(parseCacheControl([line]), 'max-age'), expected))

  it('are whole, from 0 to 2^31, and nothing but digits', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.bigInt({ min: -9n, max: 10n ** 30n }).map(String)), text => {
        const seconds = deltaSeconds(text)
        if (seconds === null) return assert.doesNotMatch(text, /^[0-9]+$/)
        assert.ok(Number.isInteger(seconds) && seconds >= 0 && seconds <= SECONDS_MAX)
      }),
    )
  })

  it('never outlast any of the values that are there', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(), { minLength: 1, maxLength: 4 }), values => {
        const found = parseCacheControl(values.map(value => `max-age=${value}`))
        const seconds = secondsOf(found, 'max-age') ?? Number.NaN
        assert.ok(values.every(value => seconds <= value))
        assert.ok(seconds === 0 || seconds === values[0])
      }),
    )
  })
})

const RESTRICTED: readonly [string, string, unknown][] = [
  ['not said', 'max-age=1', null],
  ['§5.2.2.7 unqualified', 'private', 'all'],
  ['§5.2.2.7 one name', 'private="Set-Cookie"', ['set-cookie']],
  ['§5.2.2.7 names', 'private="a, B ,,c"', ['a', 'b', 'c']],
  ['§5.2.2.7 token form', 'private=set-cookie', ['set-cookie']],
  ['twice', 'private=a, private="b"', ['a', 'b']],
  ['qualified and not', 'private="a", private', 'all'],
  ['an empty list', 'private=""', 'all'],
  ['an empty argument', 'private=', 'all'],
  ['no names', 'private="a b"', 'all'],
  ['an open quote', 'private="a, max-age=60', 'all'],
  ['blanks around "="', 'private = "a"', 'all'],
  ['blanks in the place of "="', 'private a', 'all'],
  ['the rest cannot be read without it', 'private="Content-Encoding"', 'all'],
  ['the rest cannot be chosen without it', 'private="x, vary"', 'all'],
]

describe('what private and no-cache speak of', () => {
  for (const [name, line, expected] of RESTRICTED)
    it(`${name}: ${line}`, () => {
      assert.deepEqual(restricted(parseCacheControl([line]), 'private'), expected)
      const other = line.replaceAll('private', 'no-cache')
      assert.deepEqual(restricted(parseCacheControl([other]), 'no-cache'), expected)
    })
})

it('what allows something has to be written as it is defined', () => {
  assert.equal(allows(parseCacheControl(['public']), 'public'), true)
  for (const line of ['public=1', 'public, public="x"', 'public no', 'publicly', ''])
    assert.equal(allows(parseCacheControl([line]), 'public'), false, line)
})

const REQUESTS: readonly [
  string,
  readonly (readonly [string, string])[],
  Partial<RequestDirectives> | null,
][] = [
  ['says nothing', [['Host', 'a']], null],
  ['says nothing to caches', [['Cache-Control', 'no-transform, x']], null],
  ['§5.2.1.1 max-age', [['Cache-Control', 'max-age=5']], { maxAgeS: 5 }],
  ['§5.2.1.1 no number: nothing old', [['Cache-Control', 'max-age=-1']], { maxAgeS: 0 }],
  ['§5.2.1.2 max-stale', [['cache-control', 'max-stale=5']], { maxStaleS: 5 }],
  ['§5.2.1.2 of any age', [['Cache-Control', 'max-stale']], { maxStaleS: Number.POSITIVE_INFINITY }],
  ['§5.2.1.2 no number: none', [['Cache-Control', 'max-stale=x, no-store']], { noStore: true }],
  ['§5.2.1.2 the least', [['Cache-Control', 'max-stale, max-stale=9, max-stale=5']], { maxStaleS: 5 }],
  ['§5.2.1.3 min-fresh', [['Cache-Control', 'min-fresh=5']], { minFreshS: 5 }],
  ['§5.2.1.3 the most', [['Cache-Control', 'min-fresh=5, min-fresh=7, min-fresh=x']], { minFreshS: 7 }],
  ['§5.2.1.3 no number', [['Cache-Control', 'min-fresh=x']], {}],
  ['§5.2.1.4 no-cache', [['Cache-Control', 'No-Cache']], { noCache: true }],
  ['§5.2.1.5 no-store', [['Cache-Control', 'no-store']], { noStore: true }],
  ['§5.2.1.7 only-if-cached', [['Cache-Control', 'only-if-cached']], { onlyIfCached: true }],
  ['RFC 5861 §4', [['Cache-Control', 'stale-if-error=60']], { staleIfErrorS: 60 }],
  ['§5.4 Pragma', [['Pragma', 'x, no-cache']], { noCache: true }],
  ['§5.4 Pragma knows nothing else', [['Pragma', 'no-store, max-age=0']], null],
  [
    '§5.4 Pragma beside Cache-Control',
    [
      ['Pragma', 'no-cache'],
      ['Cache-Control', 'max-age=9'],
    ],
    { maxAgeS: 9 },
  ],
  [
    'several lines',
    [
      ['Cache-Control', 'max-age=9'],
      ['Cache-Control', 'no-store'],
    ],
    { maxAgeS: 9, noStore: true },
  ],
]

describe('what a request asks', () => {
  for (const [name, fields, expected] of REQUESTS)
    it(name, () => {
      const read = requestDirectives(HeaderList.from(fields))
      if (expected === null) assert.equal(read, NO_DIRECTIVES)
      else assert.deepEqual(read, { ...NO_DIRECTIVES, ...expected })
    })
})
