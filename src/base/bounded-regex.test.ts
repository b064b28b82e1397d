import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { BoundedRegex } from './bounded-regex.ts'

/** What JavaScript finds, which is what is to be found here. */
const exec = (source: string, text: string) => {
  const match = new RegExp(source).exec(text)
  return match === null ? null : [...match]
}

const SAME: readonly [source: string, ...texts: string[]][] = [
  ['^/user/(\\d+)(.*)$', '/user/12/a', '/user/', '/user/7', '/users/7'],
  ['^/(en|de)(?:/(.*))?$', '/en', '/de/a/b', '/fr/a', '/en/'],
  ['\\.(jpe?g|png|gif)$', '/a.jpg', '/a.jpeg', '/a.png.txt', 'png'],
  [
    '^/blog/(?<year>\\d{4})/(?<month>\\d{1,2})/([\\w-]+?)(?:\\.html)?$',
    '/blog/2026/1/a-b.html',
    '/blog/26/1/a',
  ],
  ['a|ab|abc', 'abc', 'xab', 'b'],
  ['(?:a|ab)(?:c|bcd)(d*)', 'abcd', 'abcdd'],
  ['(a+)(a+)', 'aaaa', 'a'],
  ['(a+?)(a+)', 'aaaa'],
  ['(?:(a)|(b)|c)+', 'abc', 'cba', 'ab'],
  ['(?:(a)|b){2}', 'ab', 'ba', 'aa'],
  ['a{2,3}?', 'aaaa', 'a'],
  ['a{2,}', 'aaaa', 'a'],
  ['x{1}y{0,2}z', 'xyyz', 'xyyyz', 'xz'],
  ['[^/]+', '/ab/c', '///'],
  ['[a-c\\d.\\-\\]^]+', 'xa-3.]^', '-'],
  ['[\\w-]+-', 'a-b-c'],
  ['\\bfoo\\b', 'a foo b', 'afoo', 'foo'],
  ['\\Boo', 'foo', 'oo'],
  ['\\x41\\u0042\\t\\/\\.\\\\', 'AB\t/.\\'],
  ['.', '\n', '\r', '\u4e00', 'a'],
  ['[^a]', '\u4e00', 'a'],
  ['\\s\\S', '\xa0a', '  '],
  ['', '', 'a'],
  ['^$', '', 'a'],
  ['(|a)b', 'b', 'ab'],
  ['$|^a', 'a', 'b'],
  ['a|^', 'ba', 'a'],
]

test('the same matches and groups as JavaScript', () => {
  for (const [source, ...texts] of SAME)
    for (const text of texts)
      assert.deepEqual(new BoundedRegex(source).match(text), exec(source, text), `${source} on ${text}`)
  const { names, groups } = new BoundedRegex('(?<year>\\d)(x)(?<day>.)')
  assert.deepEqual([...names, groups], [['year', 1], ['day', 3], 3])
})

/** Expressions, built so that nothing empty is repeated. */
const solid: fc.Memo<string> = fc.memo(depth => {
  const atom = fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', '\\w', 'ab', '/')
  if (depth <= 1) return atom
  const inner = solid(depth - 1)
  return fc.oneof(
    atom,
    fc.tuple(inner, inner).map(([x, y]) => `(?:${x}|${y})`),
    fc.tuple(inner, inner).map(([x, y]) => x + y),
    inner.map(x => `(${x})`),
    fc.tuple(inner, fc.constantFrom('+', '+?', '{2}', '{1,2}', '{2,}?')).map(([x, q]) => `(?:${x})${q}`),
    fc
      .tuple(inner, fc.constantFrom('*', '*?', '?', '??', '{0,2}'), inner)
      .map(([x, q, y]) => `(${x})${q}${y}`),
  )
})

test('the same as JavaScript for any expression and text, and never more steps than promised', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '/'), maxLength: 9 })
  const ends = fc.tuple(fc.constantFrom('', '^'), fc.constantFrom('', '$'))
  fc.assert(
    fc.property(solid(4), ends, text, (middle, [start, end], given) => {
      const source = start + middle + end
      const regex = new BoundedRegex(source)
      assert.deepEqual(regex.match(given), exec(source, given))
      assert.ok(regex.steps <= regex.size * (given.length + 1))
    }),
    { numRuns: 3000 },
  )
})

/** Each takes the engine of JavaScript exponential time, or a high power, on the text beside it. */
const ATTACKS: readonly [source: string, text: string][] = [
  ['(a+)+$', `${'a'.repeat(8000)}!`],
  ['(a|a)*b', 'a'.repeat(8000)],
  ['(a|aa)+$', `${'a'.repeat(8000)}!`],
  ['(x+x+)+y', 'x'.repeat(8000)],
  ['\\s*(\\w+\\s*)*$', `${'a'.repeat(8000)}!`],
  ['(\\d+)*x', '1'.repeat(8000)],
  ['(?:[^/]+/?)*x$', `${'a/'.repeat(4000)}`],
  ['^(([a-z])+.)+[A-Z]([a-z])+$', 'a'.repeat(8000)],
  ['(.*a){12}', `${'a'.repeat(8000)}!`],
  ['.*a.*b.*c.*d$', 'abc'.repeat(2700)],
  ['^/(.*)/(.*)/(.*)/(.*)/(.*)x$', '/'.repeat(8000)],
]

test('expressions that take exponential time elsewhere are bounded', () => {
  for (const [source, text] of ATTACKS) {
    const regex = new BoundedRegex(source)
    regex.match(text)
    assert.ok(regex.steps <= regex.size * (text.length + 1), `${source}: ${regex.steps} steps`)
  }
})

const REFUSED: readonly [source: string, message: RegExp][] = [
  ['(.*)*', /^at character 5: what is repeated here can be empty/],
  ['(a*)+', /can be empty/],
  ['(?:a?|b){3}', /can be empty/],
  ['(^|a)+', /can be empty/],
  ['(a)\\1', /^at character 4: "\\1" refers back to a group/],
  ['(?=a)', /looking ahead or behind/],
  ['(?!a)', /looking ahead or behind/],
  ['(?<=a)', /looking ahead or behind/],
  ['(?<a>x)(?<a>y)', /the group name a is given twice/],
  ['(a', /^at character 3: a "\)" is missing/],
  ['a)', /closes nothing/],
  ['[a', /a "\]" is missing/],
  ['[', /a "\]" is missing/],
  ['[]', /empty class/],
  ['[b-a]', /a range goes from/],
  ['[\\d-z]', /a range goes from/],
  ['*a', /nothing to repeat/],
  ['a**', /repetition of a repetition/],
  ['a+{2}', /repetition of a repetition/],
  ['^*', /an anchor cannot be repeated/],
  ['a{', /"\{" alone: write "\\\{"/],
  ['a}', /"\}" alone/],
  [']', /"\]" alone/],
  ['a{2,1}', /is no range/],
  ['a{0}', /is no range/],
  ['a{1001}', /is no range/],
  ['\\', /escapes nothing/],
  ['\\k', /"\\k" means nothing: write "k"/],
  ['\\p', /means nothing/],
  ['\\01', /octal/],
  ['\u20ac', /never comes as one character/],
  ['(?:a{900}){900}', /becomes more than 500 steps/],
  ['a{600}', /becomes more than 500 steps/],
  ['a'.repeat(1001), /it has 1001 characters: at most 1000/],
]

test('what is not read is refused with its place', () => {
  for (const [source, message] of REFUSED) assert.throws(() => new BoundedRegex(source), { message }, source)
})

test('whatever is written, it is compiled or refused with a message', () => {
  const source = fc.string({ unit: fc.constantFrom(...'ab()[]{}*+?|^$\\.-,1d'), maxLength: 12 })
  fc.assert(
    fc.property(
      source,
      fc.string({ unit: fc.constantFrom('a', 'b', '1', '-'), maxLength: 6 }),
      (text, given) => {
        let regex: BoundedRegex
        try {
          regex = new BoundedRegex(text)
        } catch (error) {
          assert.match((error as Error).message, /^(at character \d+: |it )/)
          return
        }
        // What is read here means the same to JavaScript.
        assert.deepEqual(regex.match(given), exec(text, given), text)
      },
    ),
    { numRuns: 5000 },
  )
})
