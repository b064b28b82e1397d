import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findPlace, trustedPlaces } from './places.ts'
import type { Path } from './problems.ts'
import { readYaml } from './yaml-places.ts'

const TEXT = `common: &common
  listen: 8080
  trust: [ 10.0.0.0/8 ]
listeners:
  - <<: *common
    routes:
      - to: shop
  - *common
  - { <<: [*common], listen: 81 }
empty:
`

const PLACES: [path: Path, at: 'key' | 'value', place: string][] = [
  [['common', 'listen'], 'value', '2:11'],
  [['listeners', 0, 'listen'], 'value', '2:11'],
  [['listeners', 0, 'listen'], 'key', '2:3'],
  [['listeners', 0, 'routes', 0, 'to'], 'value', '7:13'],
  [['listeners', 1, 'trust', 0], 'value', '3:12'],
  [['listeners', 2, 'listen'], 'value', '9:30'],
  [['listeners', 2, 'trust', 0], 'value', '3:12'],
  [['empty'], 'key', '10:1'],
  [['nowhere', 'at', 'all'], 'value', '1:1'],
]

test('places, through anchors and merge keys', () => {
  const { data, places, faults } = readYaml(TEXT)
  assert.deepEqual(faults, [])
  const root = trustedPlaces(places, data)
  for (const [path, at, wanted] of PLACES) {
    const { line, column } = findPlace(root, path, at)
    assert.equal(`${line}:${column}`, wanted, path.join('.'))
  }
})

test('what YAML refuses has a place', () => {
  const cases: [text: string, wanted: string][] = [
    ['a: 1\na: 2\n', '2:1: this key is written twice here: keep one'],
    ['a:\n\tb: 1\n', '2:1: a tab: YAML indents with spaces'],
    ['a: 1\n---\nb: 2\n', '2:1: a second document begins here: a config is one document'],
    [
      'a: *missing\n',
      '1:4: *missing stands for nothing: write &missing before what it stands for, further up',
    ],
    ['? [odd, key]\n: 1\n', '1:3: a key that is not a name'],
    ['a: !custom x\n', '1:4: Unresolved tag: !custom'],
    ['a: "x\n', '2:1: Missing closing "quote'],
  ]
  for (const [text, wanted] of cases) {
    const [{ place, message }] = readYaml(text).faults
    assert.equal(`${place.line}:${place.column}: ${message}`, wanted)
  }
})

test('a file that grows without end when it is expanded is refused', () => {
  const levels = Array.from(
    { length: 9 },
    (_, level) =>
      `${'abcdefghi'[level + 1] ?? 'z'}: &${'abcdefghi'[level + 1] ?? 'z'} [${`*${'abcdefghi'[level]}, `.repeat(9)}]`,
  )
  const { faults } = readYaml(`a: &a [x, x]\n${levels.join('\n')}\n`)
  assert.deepEqual(
    faults.map(fault => fault.message),
    ['Excessive alias count indicates a resource exhaustion attack'],
  )
})
