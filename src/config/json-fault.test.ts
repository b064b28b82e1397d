import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { findJsonFault } from './json-fault.ts'

const CASES: [text: string, place: string, message: string][] = [
  ['', '1:1', 'the file is empty'],
  ['{\n  "a": 1,\n}', '2:9', 'a comma before "}": JSON has none behind the last item: take it out'],
  ['[1, 2,\n]', '1:6', 'a comma before "]": JSON has none behind the last item: take it out'],
  ['{ // note\n}', '1:3', 'a comment: JSON has none: take it out, or write the config in YAML or TypeScript'],
  [
    '{ "a": 1 /* x */ }',
    '1:10',
    'a comment: JSON has none: take it out, or write the config in YAML or TypeScript',
  ],
  ['# note\n{}', '1:1', 'a comment: JSON has none: take it out, or write the config in YAML or TypeScript'],
  ['{ a: 1 }', '1:3', 'the key a stands in double quotes in JSON: write "a"'],
  ["{ 'a': 1 }", '1:3', 'single quotes: write "a"'],
  ['{ "a": \'b\' }', '1:8', 'single quotes: write "b"'],
  ['{ "a": yes }', '1:8', 'yes is not a value: text stands in double quotes: write "yes"'],
  ['{ "a": 1 "b": 2 }', '1:10', '"\\"" where a comma or "}" belongs'],
  ['{ "a" 1 }', '1:7', '"1" where a colon behind the key belongs'],
  ['{ "a": }', '1:8', '"}" where a value belongs'],
  ['{ "a": 01 }', '1:9', '"1" where a comma or "}" belongs'],
  ['{ "a": [1, 2', '1:13', 'the file ends where a comma or "]" belongs'],
  ['{ "a": "b\n}', '1:8', 'this text has no closing quote in its line'],
  [
    '{ "a": "C:\\x" }',
    '1:8',
    'this text holds a control character or an unknown escape: write "\\\\" for one backslash',
  ],
  ['{} {}', '1:4', '"{" behind the end of the config: take it out'],
]

test('the first fault of text that is not JSON', () => {
  for (const [text, place, message] of CASES) {
    const fault = findJsonFault(text)
    assert.ok(fault, text)
    assert.deepEqual([`${fault.place.line}:${fault.place.column}`, fault.message], [place, message], text)
    assert.throws(() => JSON.parse(text), text)
  }
})

test('it finds nothing wrong with what JSON.parse takes, and something with what it refuses', () => {
  fc.assert(
    fc.property(
      fc.jsonValue(),
      fc.nat(4),
      (value, indent) => findJsonFault(JSON.stringify(value, null, indent)) === null,
    ),
  )
  const pieces = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"a"',
    '1',
    '-',
    '1e5',
    'null',
    'x',
    ' ',
    '\n',
    '"',
    '\\u00e9',
    '/',
  )
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 12 }), tokens => {
      const text = tokens.join('')
      let valid = true
      try {
        JSON.parse(text)
      } catch {
        valid = false
      }
      return (findJsonFault(text) === null) === valid
    }),
    { numRuns: 3000 },
  )
})
