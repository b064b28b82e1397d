import assert from 'node:assert/strict'
import test from 'node:test'
import { HeaderList } from './header-list.ts'
import { connectionOptions, dropConnectionFields, hasConnectionOption, listHas } from './hop-by-hop.ts'

const connection = (...values: readonly string[]): HeaderList =>
  HeaderList.from([['A', '1'], ...values.map(value => ['Connection', value] as const), ['B', '2']])

const OPTIONS: readonly (readonly [values: readonly string[], options: readonly string[]])[] = [
  [[], []],
  [['close'], ['close']],
  [['Keep-Alive'], ['keep-alive']],
  [[''], []],
  [[' , ,'], []],
  [['close,keep-alive'], ['close', 'keep-alive']],
  [['A ,\tb\t, C'], ['a', 'b', 'c']],
  [
    ['a', 'b, CLOSE'],
    ['a', 'b', 'close'],
  ],
  // No-break space is no white space of HTTP: this is another option.
  [['close\xa0'], ['close\xa0']],
]

for (const [values, options] of OPTIONS)
  test(`Connection: ${JSON.stringify(values)}`, () => {
    const headers = connection(...values)
    assert.deepEqual(connectionOptions(headers), options)
    for (const option of ['close', 'keep-alive', 'a', 'b', 'c', 'upgrade'])
      assert.equal(hasConnectionOption(headers, option), options.includes(option), option)
  })

test('options that only look alike', () => {
  for (const value of ['clos', 'closed', 'xclose', 'close;', '"close"', 'keep_alive', 'keep alive'])
    for (const option of ['close', 'keep-alive'])
      assert.equal(hasConnectionOption(connection(value), option), false, value)
})

function left(...entries: readonly (readonly [string, string])[]): string[] {
  const headers = HeaderList.from(entries)
  dropConnectionFields(headers)
  return headers.entries().map(([name]) => name)
}

test('what Connection names goes, in any case and wherever it stands', () => {
  assert.deepEqual(left(['X', '1'], ['Connection', 'x, Y'], ['y', '2'], ['Z', '3'], ['X', '4']), [
    'Connection',
    'Z',
  ])
  assert.deepEqual(left(['Connection', 'x'], ['X', '1'], ['Connection', 'y'], ['Y', '2']), [
    'Connection',
    'Connection',
  ])
  assert.deepEqual(left(['X', '1'], ['Y', '2']), ['X', 'Y'])
})

test('options that are no fields take none', () => {
  for (const value of ['close', 'keep-alive', 'Close, Keep-Alive'])
    assert.deepEqual(left(['Close', '1'], ['Connection', value]), ['Close', 'Connection'])
})

test('what a message needs stays, and what is left out by mask anyway', () => {
  const names = [
    'Host',
    'Content-Length',
    'Via',
    'Date',
    'TE',
    'Upgrade',
    'Keep-Alive',
    'Proxy-Connection',
    'Connection',
  ]
  const all = names.join(', ')
  const entries = names.map(name => [name, name === 'Connection' ? `${all}, x` : '1'] as const)
  assert.deepEqual(left(...entries, ['X', '1']), names)
  assert.deepEqual(left(['Transfer-Encoding', 'chunked'], ['Connection', 'Transfer-Encoding']), [
    ...['Transfer-Encoding', 'Connection'],
  ])
})

test('many names cost no more than one pass over the fields', () => {
  const value = Array.from({ length: 5000 }, (_, i) => `x${i}`).join()
  const entries = Array.from({ length: 90 }, (_, i) => [`x${i * 50}`, 'v'] as const)
  const startedMs = performance.now()
  assert.deepEqual(left(['Connection', value], ...entries, ['y', '1']), ['Connection', 'y'])
  assert.ok(performance.now() - startedMs < 500)
})

test('members of a list, parameters ignored', () => {
  for (const value of ['trailers', 'Trailers', 'gzip, trailers', ' trailers ;q=1', 'a;q=0.5 ,\tTRAILERS\t;x'])
    assert.equal(listHas(value, 'trailers'), true, value)
  for (const value of ['', 'trailer', 'trailers2', 'gzip;trailers', 'a=trailers', 'trailers\xa0'])
    assert.equal(listHas(value, 'trailers'), false, value)
})
