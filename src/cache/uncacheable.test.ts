import assert from 'node:assert/strict'
import test from 'node:test'
import { Uncacheable } from './uncacheable.ts'

test('what was added is remembered for its time', () => {
  const uncacheable = new Uncacheable(10_000)
  assert.equal(uncacheable.has('a', 0), false)
  uncacheable.add('a', 5000)
  assert.equal(uncacheable.has('a', 5000), true)
  assert.equal(uncacheable.has('b', 5000), false)
  assert.equal(uncacheable.has('a', 14_999), true)
  assert.equal(uncacheable.has('a', 15_000), false)
  // Adding it again begins its time anew.
  uncacheable.add('a', 20_000)
  uncacheable.add('a', 25_000)
  assert.equal(uncacheable.has('a', 34_999), true)
})

test('a flood of others makes it forgotten, and takes a bounded memory', () => {
  const uncacheable = new Uncacheable(10_000)
  uncacheable.add('a', 0)
  for (let number = 0; number < 9999; number++) uncacheable.add(String(number), 0)
  assert.equal(uncacheable.has('a', 1), true)
  uncacheable.add('one more', 0)
  assert.equal(uncacheable.has('a', 1), false)
  assert.equal(uncacheable.has('one more', 1), true)
})

test('long ones are not remembered: ten thousand of them would be a hundred megabytes', () => {
  const uncacheable = new Uncacheable(10_000)
  uncacheable.add('x'.repeat(1000), 0)
  uncacheable.add('x'.repeat(1001), 0)
  assert.equal(uncacheable.has('x'.repeat(1000), 1), true)
  assert.equal(uncacheable.has('x'.repeat(1001), 1), false)
})
