import assert from 'node:assert/strict'
import { test } from 'node:test'
import { didYouMean, editDistance, nearest } from './nearest.ts'

test('one slip is one step, two swapped letters too', () => {
  assert.equal(editDistance('servers', 'servers'), 0)
  assert.equal(editDistance('serverz', 'servers'), 1)
  assert.equal(editDistance('sevrers', 'servers'), 1)
  assert.equal(editDistance('', 'abc'), 3)
  assert.equal(editDistance('abc', ''), 3)
})

test('the nearest known word is offered, a far one is not', () => {
  const known = ['listen', 'routes', 'forwarded', 'to']
  assert.equal(nearest('lisen', known), 'listen')
  assert.equal(nearest('Routes', known), 'routes')
  assert.equal(nearest('forward', known), 'forwarded')
  assert.equal(nearest('colour', known), null)
  assert.equal(nearest('x', known), null)
  assert.equal(nearest('ot', known), 'to')
})

test('without a near word the known ones are listed', () => {
  assert.equal(didYouMean('shpo', ['shop', 'assets']), 'did you mean "shop"?')
  assert.equal(didYouMean('colour', ['shop', 'assets']), 'known here: shop, assets')
  assert.equal(didYouMean('colour', []), 'nothing is known here')
})
