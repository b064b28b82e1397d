import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import {
  CONNECTION,
  CONTENT_LENGTH,
  DATE,
  HOP_BY_HOP,
  HOST,
  idOf,
  recogniseName,
  TE,
  UNKNOWN,
} from './field-names.ts'
import { HeaderList, trimBlanks } from './header-list.ts'

const list = (...entries: readonly (readonly [string, string])[]): HeaderList => HeaderList.from(entries)

test('values are found in any case, in order, joined as a list', () => {
  const headers = list(['X', '1'], ['Host', 'a'], ['x', '2'], ['Y', ''], ['HOST', 'b'])
  assert.equal(headers.get('x'), '1, 2')
  assert.deepEqual(headers.getAll('X'), ['1', '2'])
  assert.equal(headers.get('host'), 'a, b')
  assert.deepEqual(headers.getAll('hOsT'), ['a', 'b'])
  assert.equal(headers.get('Y'), '')
  assert.equal(headers.get('z'), null)
  assert.equal(headers.get('date'), null)
  assert.deepEqual(headers.getAll('Date'), [])
  for (const [name, there] of [
    ['X', true],
    ['y', true],
    ['host', true],
    ['z', false],
    ['date', false],
  ] as const)
    assert.equal(headers.has(name), there, name)
})

test('known names by their number', () => {
  const headers = list(['Date', 'd'], ['content-length', '12'], ['Date', 'e'])
  assert.equal(headers.mask, DATE | CONTENT_LENGTH)
  assert.equal(headers.countKnown(idOf('date')), 2)
  assert.equal(headers.countKnown(idOf('host')), 0)
  assert.equal(headers.firstKnown(idOf('date')), 'd')
  assert.equal(headers.firstKnown(idOf('host')), null)
  assert.deepEqual(headers.known(idOf('date')), ['d', 'e'])
  assert.equal(headers.firstKnownNumber(idOf('content-length')), 12)
})

test('whether the first value is a word, in any case', () => {
  const is = (value: string) =>
    list(['Connection', value], ['Connection', 'other']).firstKnownIs(idOf('connection'), 'keep-alive')
  for (const value of ['keep-alive', 'Keep-Alive', 'KEEP-ALIVE']) assert.equal(is(value), true, value)
  for (const value of [
    '',
    'keep-aliv',
    'keep-alives',
    'keep alive',
    'keep\xadalive',
    'kEEP-ALIV\xe5',
    'keep-alive,',
  ])
    assert.equal(is(value), false, value)
  assert.equal(list().firstKnownIs(idOf('connection'), ''), false)
})

const NUMBERS: readonly (readonly [value: string, number: number])[] = [
  ['0', 0],
  ['007', 7],
  ['9007199254740991', 9007199254740991],
  ['9007199254740992', Number.POSITIVE_INFINITY],
  ['9'.repeat(400), Number.POSITIVE_INFINITY],
  ...['', '-1', '+1', '1.0', '1e3', '0x1', '1 1', '1,1', 'x', '\xb2'].map(value => [value, -1] as const),
]

test('numbers', () => {
  for (const [value, number] of NUMBERS)
    assert.equal(list(['Content-Length', value]).firstKnownNumber(idOf('content-length')), number, value)
  assert.equal(list().firstKnownNumber(idOf('content-length')), -1)
})

test('nothing goes in unchecked: no field can become two', () => {
  const headers = list(['A', '1'])
  for (const name of ['', 'a b', 'a:', 'a\r\nb', 'a\n', '\xe9', ' a', 'a\0', '\u0141'])
    assert.throws(() => headers.add(name, 'x'), { code: 'bad_field_name' }, JSON.stringify(name))
  for (const value of ['a\r\nB: c', 'a\nb', 'a\r', '\0', '\x7f', '\x0b', '\u010a', '\u0100', '\u{1f600}'])
    for (const put of ['add', 'set'] as const)
      assert.throws(() => headers[put]('A', value), { code: 'bad_field_value' }, JSON.stringify(value))
  assert.throws(() => HeaderList.from([['A', '\n']]), { code: 'bad_field_value' })
  assert.equal(headers.text, 'A: 1\r\n')
})

test('the error does not repeat the bad value', () => {
  assert.throws(
    () => list(['A', 'secret\n']),
    error => !String(error).includes('secret'),
  )
})

test('white space around a value is left away', () => {
  assert.equal(list(['A', ' \t b c \t']).text, 'A: b c\r\n')
  assert.equal(list(['A', ' \t']).text, 'A: \r\n')
})

test('set puts one in the place of the first', () => {
  const headers = list(['A', '1'], ['B', '2'], ['a', '3'])
  headers.set('A', '4')
  assert.equal(headers.text, 'A: 4\r\nB: 2\r\n')
  headers.set('c', '5')
  assert.equal(headers.text, 'A: 4\r\nB: 2\r\nc: 5\r\n')
  headers.set('HOST', 'h')
  headers.set('Host', 'i')
  assert.equal(headers.get('host'), 'i')
  assert.equal(headers.countKnown(idOf('host')), 1)
})

test('remove takes all of a name', () => {
  const headers = list(['A', '1'], ['Host', 'x'], ['a', '3'], ['B', '2'])
  headers.remove('A')
  headers.remove('nothing')
  assert.equal(headers.text, 'Host: x\r\nB: 2\r\n')
  headers.remove('host')
  assert.equal(headers.mask, 0)
  headers.removeAll(new Set(['b', 'c']))
  assert.equal(headers.text, '')
})

test('a copy is its own', () => {
  const headers = list(['Host', 'a'])
  const copy = headers.copy()
  copy.set('Host', 'b')
  copy.add('Date', 'd')
  assert.equal(headers.text, 'Host: a\r\n')
  assert.equal(headers.mask, HOST)
  assert.equal(copy.text, 'Host: b\r\nDate: d\r\n')
})

test('text without some known names', () => {
  const headers = list(['Host', 'a'], ['X', '1'], ['TE', 'x'], ['Date', 'd'], ['Y', '2'])
  assert.equal(headers.textWithout(0), headers.text)
  assert.equal(headers.textWithout(CONNECTION), headers.text)
  assert.equal(headers.textWithout(HOST | TE), 'X: 1\r\nDate: d\r\nY: 2\r\n')
  assert.equal(headers.textWithout(TE | DATE), 'Host: a\r\nX: 1\r\nY: 2\r\n')
})

test('lines that were added last count like those that were read', () => {
  const read = () => new HeaderList('Host: a\r\nX: 1\r\n', [idOf('host'), 0, 6, 7, 9], HOST)
  const added = read()
  added.addChecked('Via', idOf('via'), '1.1 x')
  added.addChecked('Own', UNKNOWN, 'o')
  added.add('Date', 'd')
  assert.equal(added.firstKnown(idOf('via')), '1.1 x')
  assert.equal(added.textWithout(HOST), 'X: 1\r\nVia: 1.1 x\r\nOwn: o\r\nDate: d\r\n')
  const other = read()
  other.add('Date', 'd')
  other.add('Y', '2')
  assert.equal(other.textWithout(HOST | DATE), 'X: 1\r\nY: 2\r\n')
  assert.equal(other.text, 'Host: a\r\nX: 1\r\nDate: d\r\nY: 2\r\n')
  assert.equal(other.get('date'), 'd')
})

test('blanks are trimmed in one pass, however many stand inside', () => {
  const value = `a${' '.repeat(200_000)}b`
  const startedMs = performance.now()
  assert.equal(trimBlanks(` \t${value}\t`), value)
  assert.equal(list(['A', value], ['B', '1']).getAll('A')[0], value)
  assert.ok(performance.now() - startedMs < 500)
  for (const text of ['', ' ', '\t \t']) assert.equal(trimBlanks(text), '')
  assert.equal(trimBlanks('\xa0\x0ba\u2003'), '\xa0\x0ba\u2003')
})

// A list is what an array of entries would be, whatever is done to it.
const NAMES = ['Host', 'host', 'X', 'x', 'Date', 'TE', 'Y-Z', 'content-length', 'x^', 'x~', 'X^']
const change = fc.oneof(
  fc.tuple(
    fc.constantFrom('add', 'set', 'setChecked'),
    fc.constantFrom(...NAMES),
    fc.constantFrom('', '1', 'a b', '\xe9'),
  ),
  fc.tuple(fc.constant('remove'), fc.constantFrom(...NAMES), fc.constant('')),
  fc.tuple(fc.constant('look'), fc.constantFrom(...NAMES), fc.constant('')),
)

function apply(model: [string, string][], [what, name, value]: [string, string, string]): [string, string][] {
  const same = ([other]: [string, string]) => other.toLowerCase() === name.toLowerCase()
  const first = model.findIndex(same)
  if (what === 'remove') return model.filter(entry => !same(entry))
  if (what === 'look') return model
  if (what === 'add' || first < 0) return [...model, [name, value]]
  return model.flatMap((entry, at) =>
    at === first ? [[name, value] as [string, string]] : same(entry) ? [] : [entry],
  )
}

test('any changes: as an array of entries would do it', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 12 }), changes => {
      const headers = HeaderList.empty()
      let model: [string, string][] = []
      for (const each of changes) {
        const [what, name, value] = each
        if (what === 'look') headers.firstKnown(idOf('host'))
        else if (what === 'setChecked') headers.setChecked(name, recogniseName(name), value)
        else headers[what as 'add'](name, value)
        model = apply(model, each as [string, string, string])
        const without = model.filter(([other]) => !/^(host|te)$/i.test(other))
        assert.equal(headers.textWithout(HOST | TE), without.map(([n, v]) => `${n}: ${v}\r\n`).join(''))
        const copy = headers.copyWithout(HOST | TE)
        assert.deepEqual(copy.entries(), without)
        assert.deepEqual(copy.getAll('host'), [])
        assert.deepEqual(
          copy.getAll('date'),
          without.filter(([n]) => n.toLowerCase() === 'date').map(([, v]) => v),
        )
        assert.equal(headers.hasAny(new Set([name.toLowerCase()])), headers.getAll(name).length > 0)
        assert.deepEqual(
          headers.getAll(name),
          model.filter(([n]) => n.toLowerCase() === name.toLowerCase()).map(([, v]) => v),
        )
      }
      assert.deepEqual(headers.entries(), model)
      assert.equal(headers.text, model.map(([name, value]) => `${name}: ${value}\r\n`).join(''))
    }),
    { seed: 1, numRuns: 500 },
  )
})

test('what removeAll leaves is the list that would be made of the rest', () => {
  const fields: [string, string][] = [
    ['X-First', '1'],
    ['Connection', 'keep-alive'],
    ['Host', 'a.example'],
    ['x-first', '2'],
    ['Date', 'now'],
    ['Cache-Control', 'no-cache'],
    ['Content-Length', '5'],
    ['X-Firsts', ''],
  ]
  const names = fields.map(([name]) => name.toLowerCase())
  for (let chosen = 0; chosen < 1 << fields.length; chosen++) {
    const removed = new Set(names.filter((_, index) => (chosen & (1 << index)) !== 0))
    const list = HeaderList.from(fields)
    list.removeAll(removed)
    const rest = HeaderList.from(fields.filter(([name]) => !removed.has(name.toLowerCase())))
    assert.equal(list.text, rest.text)
    assert.equal(list.mask, rest.mask)
    for (const name of names) assert.deepEqual(list.getAll(name), rest.getAll(name))
    // The places of what is left are right too: what is taken out next is what is meant.
    list.set('Date', 'then')
    rest.set('Date', 'then')
    list.remove('host')
    rest.remove('host')
    assert.equal(list.text, rest.text)
    assert.equal(list.textWithout(HOP_BY_HOP), rest.textWithout(HOP_BY_HOP))
  }
})

test('a name is found whole and in any case, known or not', () => {
  const list = HeaderList.from([
    ['X-Tag', ' one '],
    ['X-Tags', 'two'],
    ['x', 'X-Tag: three'],
    ['X-TAG', 'four'],
    ['X-Ta', 'g: five'],
  ])
  assert.deepEqual(list.getAll('x-tag'), ['one', 'four'])
  assert.equal(list.get('X-Tag'), 'one, four')
  assert.equal(list.has('x-t'), false)
})
