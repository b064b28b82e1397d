import assert from 'node:assert/strict'
import { availableParallelism } from 'node:os'
import { test } from 'node:test'
import type { Values } from './command.ts'
import { workersFaults, workersOf } from './workers-flag.ts'

const given = (text: string | null): Values => ({
  text: () => text,
  list: () => (text === null ? [] : [text]),
  has: () => text !== null,
  args: [],
})

test('the flag wins over the config; auto is one a core', () => {
  assert.equal(workersOf(given(null), 3), 3)
  assert.equal(workersOf(given('2'), 3), 2)
  assert.equal(workersOf(given('2'), 'auto'), 2)
  assert.equal(workersOf(given('auto'), 3), availableParallelism())
  assert.equal(workersOf(given(null), 'auto'), availableParallelism())
})

test('what is no number of workers is refused', () => {
  for (const text of [null, '1', '1024', 'auto']) assert.deepEqual(workersFaults(given(text)), [])
  for (const text of ['0', '1025', '-1', '1.5', '1e2', ' 1', 'AUTO', '99999'])
    assert.match(workersFaults(given(text))[0], /^--workers: ".*" is not a whole number from 1 to 1024/)
})
