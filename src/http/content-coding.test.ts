import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { chooseCoding, readAcceptEncoding } from './content-coding.ts'

const OFFERS = ['zstd', 'br', 'gzip'] as const

const CHOICES: readonly [field: string | null, chosen: string | null, why: string][] = [
  [null, null, 'who does not ask may not know how to undo it'],
  ['', null, 'an empty field wants no coding'],
  ['gzip', 'gzip', 'one'],
  ['gzip, deflate, br, zstd', 'zstd', 'what browsers send: ours is the order'],
  ['gzip, deflate, br', 'br', 'ours is the order among those that are taken'],
  ['br;q=0.9, gzip', 'gzip', 'the weight wins over our order'],
  ['gzip;q=0.5, br;q=0.501', 'br', 'three decimals'],
  ['GZIP', 'gzip', 'names in any case'],
  ['x-gzip', 'gzip', 'its old name'],
  ['gzip;Q=0.5', 'gzip', 'the parameter in any case'],
  ['gzip ; q=0.5 ,', 'gzip', 'white space and empty elements'],
  ['gzip;q=0', null, 'refused'],
  ['gzip;q=0.000', null, 'refused with decimals'],
  ['*', 'zstd', 'all'],
  ['*;q=0', null, 'nothing, not even as it is: that is what is sent all the same'],
  ['gzip;q=0, *', 'zstd', 'all but one'],
  ['zstd;q=0, br;q=0, *;q=0.1', 'gzip', 'the rest'],
  ['gzip, *;q=0', 'gzip', 'one and no other'],
  ['identity', null, 'as it is'],
  ['identity, gzip;q=0.5', null, 'rather as it is'],
  ['identity;q=0.5, gzip;q=0.5', 'gzip', 'of equals the smaller one'],
  ['identity;q=0', null, 'nothing that we could do'],
  ['identity;q=0, gzip;q=0.1', 'gzip', 'anything rather than as it is'],
  ['deflate, compress', null, 'what we do not make'],
  ['gzip;q=1.5', null, 'no weight'],
  ['gzip;q=', null, 'no weight'],
  ['gzip;q=-1', null, 'no weight'],
  ['gzip;q=0.1234', null, 'too many decimals'],
  ['gzip;level=9', null, 'no such parameter'],
  ['gzip;q=1;q=0', null, 'two weights'],
  ['gzip;q=0, gzip', 'gzip', 'the higher of two'],
  ['gzipped, notgzip, gz ip', null, 'other names'],
  ['"gzip"', null, 'a quoted string is no coding'],
]

test('the coding is the one the client wants most, and of equals our first', () => {
  for (const [field, chosen, why] of CHOICES)
    assert.equal(chooseCoding(field, OFFERS), chosen, `${field}: ${why}`)
})

test('nothing is chosen where nothing is offered', () => {
  assert.equal(chooseCoding('*', []), null)
  assert.equal(chooseCoding('gzip', ['br']), null)
})

const coding = fc.constantFrom('gzip', 'br', 'zstd', 'x-gzip', 'identity', '*', 'deflate')
const weight = fc.integer({ min: 0, max: 1000 }).map(thousandths => thousandths / 1000)

test('property: what is chosen is offered, not refused, and nothing offered weighs more', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(coding, weight), { minLength: 1, maxLength: 6 }), list => {
      const field = list.map(([name, q]) => `${name};q=${q}`).join(', ')
      const weights = readAcceptEncoding(field)
      const weightOf = (name: string) => weights.get(name) ?? weights.get('*') ?? 0
      const chosen = chooseCoding(field, OFFERS)
      if (chosen !== null) assert.ok(weightOf(chosen) > 0, field)
      const chosenWeight = chosen === null ? (weights.get('identity') ?? 0) : weightOf(chosen)
      for (const offer of OFFERS) assert.ok(weightOf(offer) <= chosenWeight, `${field}: ${offer}`)
    }),
  )
})

test('property: any text at all gives an offer or null', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 60 }), field => {
      const chosen = chooseCoding(field, OFFERS)
      assert.ok(chosen === null || OFFERS.includes(chosen))
    }),
  )
})

test('a long field is read in one pass', () => {
  const startedAt = performance.now()
  assert.equal(chooseCoding(`${'x;q=0.5,'.repeat(8000)}${' '.repeat(30_000)}gzip`, OFFERS), 'gzip')
  assert.ok(performance.now() - startedAt < 2000)
})
