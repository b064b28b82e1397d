import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { type EntityTag, parseEntityTag, parseEntityTags, strongMatch, weakMatch } from './entity-tag.ts'

const strong = (opaque: string): EntityTag => ({ weak: false, opaque })
const weak = (opaque: string): EntityTag => ({ weak: true, opaque })

test('RFC 9110 §8.8.3: one tag', () => {
  assert.deepEqual(parseEntityTag('"xyzzy"'), strong('"xyzzy"'))
  assert.deepEqual(parseEntityTag('W/"xyzzy"'), weak('"xyzzy"'))
  assert.deepEqual(parseEntityTag('""'), strong('""'))
  assert.deepEqual(parseEntityTag('W/""'), weak('""'))
  assert.deepEqual(parseEntityTag('"a,b\\;\xfc!~"'), strong('"a,b\\;\xfc!~"'))
  // A backslash escapes nothing: the tag ends at the quote behind it.
  assert.deepEqual(parseEntityTag('"a\\"'), strong('"a\\"'))
})

test('RFC 9110 §8.8.3: what is not a tag', () => {
  const broken = [
    '',
    'a',
    '*',
    '"',
    '"a',
    'a"',
    'W/',
    'W/a',
    'w/"a"',
    'W/ "a"',
    'W"a"',
    "'a'",
    '"a""',
    '"a" ',
    ' "a"',
  ]
  for (const text of [...broken, '"a b"', '"a\tb"', '"a\x7f"', '"a\x00"', '"a", "b"', '"ā"'])
    assert.equal(parseEntityTag(text), null, text)
})

const LISTS: readonly (readonly [value: string, tags: '*' | readonly EntityTag[] | null])[] = [
  ['*', '*'],
  ['"a"', [strong('"a"')]],
  ['"a", W/"b","c"', [strong('"a"'), weak('"b"'), strong('"c"')]],
  ['"a,b", "c"', [strong('"a,b"'), strong('"c"')]],
  ['"W/", W/","', [strong('"W/"'), weak('","')]],
  // RFC 9110 §5.6.1.2: empty members.
  ['', []],
  [' , ,\t,', []],
  [', "a",, ,"b" ,', [strong('"a"'), strong('"b"')]],
  // RFC 9110 §13.1.1: "*" beside others is not valid.
  ['*, "a"', null],
  ['"a", *', null],
  ['*, *', null],
  ['"*"', [strong('"*"')]],
  ['"a" "b"', null],
  ['"a""b"', null],
  ['"a"W/"b"', null],
  ['a', null],
  ['"a", b', null],
  ['"a", "b', null],
  ['"a", w/"b"', null],
  ['"a"; "b"', null],
]

test('lists of tags', () => {
  for (const [value, tags] of LISTS) assert.deepEqual(parseEntityTags(value), tags, value)
})

test('RFC 9110 §8.8.3.2: the table of comparisons', () => {
  const rows: readonly (readonly [EntityTag, EntityTag, boolean, boolean])[] = [
    [weak('"1"'), weak('"1"'), false, true],
    [weak('"1"'), weak('"2"'), false, false],
    [weak('"1"'), strong('"1"'), false, true],
    [strong('"1"'), strong('"1"'), true, true],
    [strong('"1"'), strong('"2"'), false, false],
    [strong('"a"'), strong('"A"'), false, false],
  ]
  for (const [one, other, isStrong, isWeak] of rows) {
    assert.equal(strongMatch(one, other), isStrong)
    assert.equal(strongMatch(other, one), isStrong)
    assert.equal(weakMatch(one, other), isWeak)
    assert.equal(weakMatch(other, one), isWeak)
  }
})

test('what was put into a list comes out of it', () => {
  const tag = fc.tuple(fc.constantFrom('', 'W/'), fc.stringMatching(/^[!#-~\x80-\xff]{0,6}$/))
  fc.assert(
    fc.property(fc.array(tag), fc.constantFrom(',', ', ', ' ,,\t'), (tags, separator) => {
      const written = tags.map(([prefix, inner]) => `${prefix}"${inner}"`)
      const expected = tags.map(([prefix, inner]) => ({ weak: prefix !== '', opaque: `"${inner}"` }))
      assert.deepEqual(parseEntityTags(written.join(separator)), expected)
      for (const [i, text] of written.entries()) assert.deepEqual(parseEntityTag(text), expected[i])
    }),
  )
})

test('hostile lists take a time that grows with their length only', () => {
  // The square of a million would not come to its end in time.
  for (const text of ['"', ',', ' ', 'W/', '"",', '"a"', '" ', 'W/"'])
    assert.ok(parseEntityTags(text.repeat(1_000_000)) !== '*')
})
