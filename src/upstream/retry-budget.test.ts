import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Clock } from '../base/clock.ts'
import { RESERVE, RESERVE_PAUSE_MS, RetryBudget, SAVED_MAX } from './retry-budget.ts'

const clockAt = (coarseMs: number): Clock => ({
  coarseMs,
  refresh() {},
  preciseMs: () => coarseMs,
  wallMs: () => 0,
})

function takes(budget: RetryBudget, most: number): number {
  let taken = 0
  while (taken < most && budget.covers()) {
    budget.take()
    taken++
  }
  return taken
}

test('a group that has served nothing yet has its reserve', () => {
  assert.equal(takes(new RetryBudget(20, clockAt(5)), 100), RESERVE)
})

test('five requests earn one retry', () => {
  const budget = new RetryBudget(20, clockAt(5))
  takes(budget, 100)
  for (let i = 0; i < 4; i++) budget.earn()
  assert.equal(takes(budget, 100), 0)
  budget.earn()
  assert.equal(takes(budget, 100), 1)
})

test('what is saved has a limit', () => {
  const budget = new RetryBudget(100, clockAt(5))
  for (let i = 0; i < 10_000; i++) budget.earn()
  assert.ok(takes(budget, 10_000) <= SAVED_MAX + 1)
})

test('the reserve is full again after a pause, and only then', () => {
  const clock = clockAt(5)
  const budget = new RetryBudget(20, clock)
  takes(budget, 100)
  clock.coarseMs += RESERVE_PAUSE_MS - 1
  assert.equal(takes(budget, 100), 0)
  clock.coarseMs += 1
  assert.equal(takes(budget, 100), RESERVE)
})

test('0 is none at all', () => {
  const budget = new RetryBudget(0, clockAt(5))
  for (let i = 0; i < 1000; i++) budget.earn()
  assert.equal(takes(budget, 100), 0)
})

test('requests that all fail: never more sent than the budget says, in whatever order they come', () => {
  const steps = fc.array(fc.boolean(), { maxLength: 500 })
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 100 }), (order, percent) => {
      const budget = new RetryBudget(percent, clockAt(5))
      let requests = 0
      let sent = 0
      for (const comes of order) {
        if (comes) {
          budget.earn()
          requests++
          sent++
        } else sent += takes(budget, 1)
        assert.ok(sent <= requests * (1 + percent / 100) + RESERVE, `${sent} for ${requests}`)
      }
    }),
  )
})
