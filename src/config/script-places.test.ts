import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findPlace, type Place, trustedPlaces } from './places.ts'
import { type Path, pathText } from './problems.ts'
import { readJsonPlaces, readScript, type ScriptReading } from './script-places.ts'

const read = (text: string): ScriptReading => {
  const reading = readScript(text, true)
  assert.ok(!('message' in reading), 'message' in reading ? reading.message : '')
  return reading
}

/** The text that stands at a place, up to the end of its line. */
const textAt = (text: string, { line, column }: Place): string => text.split('\n')[line - 1].slice(column - 1)

interface Case {
  what: string
  text: string
  data: unknown
  /** Path → how the text goes on at its place. */
  places: [path: Path, startsWith: string][]
}

const CASES: Case[] = [
  {
    what: 'literals',
    text: `export default { a: { 'b-c': [1, 'x', [true]] } } satisfies object`,
    data: { a: { 'b-c': [1, 'x', [true]] } },
    places: [
      [['a'], `{ 'b-c'`],
      [['a', 'b-c'], '[1'],
      [['a', 'b-c', 1], `'x'`],
      [['a', 'b-c', 2, 0], 'true'],
    ],
  },
  {
    what: 'through defineConfig, casts and parentheses',
    text: `import { defineConfig as config } from 'sluice'\nexport default (config({ a: <number>(1 as const)!, b: \`t\` }))`,
    data: { a: 1, b: 't' },
    places: [
      [['a'], '1 as const'],
      [['b'], '`t`'],
    ],
  },
  {
    what: 'layer calls, also under another name',
    text: `import { headers as h } from 'sluice'\nexport default { layers: [h({ response: { set: {} } })] }`,
    data: { layers: [{ headers: { response: { set: {} } } }] },
    places: [
      [['layers', 0], 'h({'],
      [['layers', 0, 'headers', 'response', 'set'], '{} }'],
    ],
  },
  {
    what: 'constants, shorthand and spreads',
    text: `const routes = [{ to: 'a' }]\nconst common = { listen: 1, trust: [] }\nexport const more = [{ to: 'b' }, ...routes]\nexport default { listeners: [{ ...common, routes: more }], routes }`,
    data: {
      listeners: [{ listen: 1, trust: [], routes: [{ to: 'b' }, { to: 'a' }] }],
      routes: [{ to: 'a' }],
    },
    places: [
      [['listeners', 0, 'listen'], '1, trust'],
      [['listeners', 0, 'routes', 0, 'to'], `'b'`],
      [['listeners', 0, 'routes', 1, 'to'], `'a' }]`],
      [['routes', 0], `{ to: 'a' }]`],
    ],
  },
  {
    what: 'an exported name and module.exports',
    text: `const config = { a: 1 }\nexport { config as default }`,
    data: { a: 1 },
    places: [[['a'], '1 }']],
  },
  {
    what: 'what is computed ends the way: the nearest literal around it',
    text: `const n = Number('3')\nexport default { a: { b: n + 1 }, c: [1, 2].map(x => ({ x })) }`,
    data: { a: { b: 4 }, c: [{ x: 1 }, { x: 2 }] },
    places: [
      [['a', 'b'], 'n + 1'],
      [['a', 'b', 'deeper'], 'n + 1'],
      [['c', 1, 'x'], '[1, 2].map'],
      [['missing', 'key'], '{ a: {'],
    ],
  },
  {
    what: 'behind a spread nobody can see, keys before it are not claimed',
    text: `const env = JSON.parse('{"a":2}')\nexport default { a: 1, ...env, b: [...env.x ?? [], { c: 1 }] }`,
    data: { a: 2, b: [{ c: 1 }] },
    places: [
      [['a'], '{ a: 1'],
      [['b', 0, 'c'], '[...env'],
    ],
  },
  {
    what: 'a list that was changed after it was written claims no item',
    text: `const routes = [{ to: 'a' }, { to: 'b' }]\nroutes.reverse()\nexport default { routes, other: 1 }`,
    data: { routes: [{ to: 'b' }, { to: 'a' }], other: 1 },
    places: [
      [['routes', 0, 'to'], '[{ to'],
      [['other'], '1 }'],
    ],
  },
  {
    what: 'a list that has grown claims no item',
    text: `const routes = [{ to: 'a' }]\nroutes.unshift({ to: 'b' })\nexport default { routes }`,
    data: { routes: [{ to: 'b' }, { to: 'a' }] },
    places: [[['routes', 0], '[{ to']],
  },
  {
    what: 'a value that was changed after it was written is not claimed',
    text: `const config = { a: { b: 1, c: 2 } }\nconfig.a.b = 3\nexport default config`,
    data: { a: { b: 3, c: 2 } },
    places: [
      [['a', 'b'], '{ b: 1'],
      [['a', 'c'], '2 }'],
    ],
  },
  {
    what: 'constants that name each other',
    text: `const a = b\nconst b = a\nexport default { a }`,
    data: { a: 1 },
    places: [[['a', 'x'], 'a\n'.trim()]],
  },
]

for (const { what, text, data, places } of CASES) {
  test(what, () => {
    const root = trustedPlaces(read(text).places, data)
    for (const [path, start] of places) {
      const found = textAt(text, findPlace(root, path, 'value'))
      assert.ok(found.startsWith(start), `${pathText(path)} is said to stand at "${found}"`)
    }
  })
}

test('keys have places of their own', () => {
  const text = `const to = 'a'\nexport default { 'x-y': { to } }`
  const root = trustedPlaces(read(text).places, { 'x-y': { to: 'a' } })
  assert.deepEqual(findPlace(root, ['x-y'], 'key'), { line: 2, column: 18 })
  assert.deepEqual(findPlace(root, ['x-y', 'to'], 'key'), { line: 2, column: 27 })
  assert.deepEqual(findPlace(root, ['x-y', 'to'], 'value'), { line: 1, column: 12 })
})

test('a config that is something else altogether claims nothing', () => {
  assert.equal(trustedPlaces(read('export default { a: 1 }').places, ['a']), null)
  assert.deepEqual(findPlace(null, ['a'], 'value'), { line: 1, column: 1 })
  assert.equal(read('export const a = 1').places, null)
})

test('imports, modules, syntax that is no type, keys written twice', () => {
  const reading = read(
    `import a, { b as c } from './x.ts'\nimport * as d from 'y'\nnamespace E { export const f = 1 }\nexport default { g: 1, g: 2 }`,
  )
  assert.equal(reading.isModule, true)
  assert.deepEqual(
    reading.imports.map(each => [each.source, each.names.map(name => name.name)]),
    [
      ['./x.ts', ['default', 'b']],
      ['y', ['*']],
    ],
  )
  assert.deepEqual(reading.unsupported, { place: { line: 3, column: 1 }, what: 'a namespace' })
  assert.deepEqual(reading.repeated, [{ key: 'g', place: { line: 4, column: 24 } }])
  assert.equal(read('declare enum F { a }\nexport default {}').unsupported, null)
  assert.equal(read('module.exports = {}').isModule, false)
})

test('a syntax error has its place and no place in its words', () => {
  assert.deepEqual(readScript('export default {\n  a: 1 b: 2 }', false), {
    place: { line: 2, column: 8 },
    message: 'Unexpected token, expected ","',
  })
})

test('places in JSON', () => {
  const text = '{\n  "a": [1, { "b": null }]\n}'
  const root = trustedPlaces(readJsonPlaces(text).places, JSON.parse(text))
  assert.deepEqual(findPlace(root, ['a', 1, 'b'], 'key'), { line: 2, column: 14 })
  assert.deepEqual(findPlace(root, ['a', 1, 'b'], 'value'), { line: 2, column: 19 })
})
