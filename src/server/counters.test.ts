import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countExchange, noCounters, sumOf } from './counters.ts'

test('exchanges are counted by whose fault it was that they failed', () => {
  const counters = noCounters()
  for (const side of [null, null, 'client', 'proxy', 'upstream', 'upstream'] as const)
    countExchange(counters, side)
  const { exchanges, failedByClient, failedByProxy, failedByUpstream } = counters
  assert.deepEqual([exchanges, failedByClient, failedByProxy, failedByUpstream], [6, 1, 1, 2])
})

test('counters add up, and none is left out', () => {
  const ones = Object.fromEntries(Object.keys(noCounters()).map((name, index) => [name, index + 1]))
  const one = { ...noCounters(), ...ones }
  const twice = Object.fromEntries(Object.entries(one).map(([name, value]) => [name, value * 2]))
  assert.deepEqual(sumOf([one, one]), twice)
  assert.deepEqual(sumOf([]), noCounters())
})
