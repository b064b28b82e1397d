import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ERRORS, type ErrorCode } from '../base/errors.ts'
import { type Condition, RETRY_DEFAULTS, type RetryOptions } from './options.ts'
import {
  conditionOf,
  decideRetry,
  type FailedAttempt,
  isRepeatable,
  RETRY_TABLE,
  resendsSent,
} from './retry.ts'

/** A GET that was sent and reset, with everything left that a retry could want. */
const RESET: FailedAttempt = {
  condition: 'reset',
  busy: false,
  stale: false,
  sent: true,
  repeatable: true,
  bodyKept: true,
  answered: false,
  attemptsLeft: 2,
  othersLeft: true,
  budgetLeft: true,
}
const NOT_SENT = { condition: 'connect' as Condition, sent: false }
const AGAIN = { ...RETRY_DEFAULTS, again: true }

/** What is different from RESET → step and why. One for each row of the table, in its order, and some beside it. */
const CASES: readonly [string, Partial<FailedAttempt>, RetryOptions, string][] = [
  ['a stale connection', { stale: true }, RETRY_DEFAULTS, 'fresh: the kept connection was stale'],
  ['that nobody asked to retry', { stale: true }, { ...RETRY_DEFAULTS, on: new Set() }, 'fresh'],
  ['without attempts', { stale: true, attemptsLeft: 0, budgetLeft: false }, RETRY_DEFAULTS, 'fresh'],
  ['of a POST', { stale: true, repeatable: false }, RETRY_DEFAULTS, 'give-up: its method'],
  ['of a large PUT', { stale: true, bodyKept: false }, RETRY_DEFAULTS, 'give-up: more than 65536 bytes'],
  ['a full queue', { busy: true, condition: null }, RETRY_DEFAULTS, 'elsewhere: the server is busy'],
  ['full queues', { busy: true, condition: null, othersLeft: false }, AGAIN, 'give-up: all servers are busy'],
  ['no kind of fault', { condition: null }, RETRY_DEFAULTS, 'give-up: retry.on does not name'],
  ['one not asked for', { condition: 503 }, RETRY_DEFAULTS, 'give-up: retry.on does not name'],
  ['connect', NOT_SENT, RETRY_DEFAULTS, 'elsewhere: nothing of it was sent'],
  [
    'connect of a POST, all used up',
    { ...NOT_SENT, repeatable: false, attemptsLeft: 0, budgetLeft: false },
    RETRY_DEFAULTS,
    'elsewhere',
  ],
  ['connect, all down', { ...NOT_SENT, othersLeft: false }, AGAIN, 'give-up: all servers were asked'],
  [
    'connect after a 503 elsewhere',
    { ...NOT_SENT, othersLeft: false, answered: true },
    RETRY_DEFAULTS,
    'again: nobody else accepts, but a server had answered',
  ],
  [
    'without attempts',
    { ...NOT_SENT, othersLeft: false, answered: true, attemptsLeft: 0 },
    AGAIN,
    'give-up: all servers were asked',
  ],
  ['connect, not asked for', NOT_SENT, { ...AGAIN, on: new Set(['reset']) }, 'give-up: retry.on'],
  ['a POST', { repeatable: false }, RETRY_DEFAULTS, 'give-up: its method is not idempotent'],
  ['a large body', { bodyKept: false }, RETRY_DEFAULTS, 'give-up: more than 65536 bytes of its body'],
  ['no attempts', { attemptsLeft: 0 }, RETRY_DEFAULTS, 'give-up: its attempts are used up'],
  ['one server', { othersLeft: false }, RETRY_DEFAULTS, 'give-up: all servers were asked'],
  ['no budget', { budgetLeft: false }, RETRY_DEFAULTS, 'give-up: the retry budget is used up'],
  ['another server', {}, RETRY_DEFAULTS, 'elsewhere: another server may do better'],
  ['one server, attempts written', { othersLeft: false }, AGAIN, 'again: all servers were asked once'],
]

for (const [name, changes, retry, expected] of CASES)
  test(`${name}: ${expected}`, () => {
    const { step, why } = decideRetry({ ...RESET, ...changes }, retry)
    assert.ok(`${step}: ${why}`.startsWith(expected), `${step}: ${why}`)
  })

test('every row of the table is met by a case', () => {
  const met = new Set(CASES.map(([, changes, retry]) => decideRetry({ ...RESET, ...changes }, retry)))
  assert.equal(met.size, RETRY_TABLE.length)
})

test('whatever happened: never twice what may not be repeated, never beyond what is left', () => {
  const attempt = fc.record({
    condition: fc.constantFrom<Condition | null>(null, 'connect', 'reset', 'timeout', 502, 503),
    busy: fc.boolean(),
    stale: fc.boolean(),
    sent: fc.boolean(),
    repeatable: fc.boolean(),
    bodyKept: fc.boolean(),
    answered: fc.boolean(),
    attemptsLeft: fc.integer({ min: -1, max: 3 }),
    othersLeft: fc.boolean(),
    budgetLeft: fc.boolean(),
  })
  fc.assert(
    fc.property(attempt, fc.boolean(), (failed, again) => {
      // What fills a queue was not sent, and a stale connection was written to.
      fc.pre(!(failed.busy && failed.sent) && !(failed.stale && !failed.sent))
      const { step } = decideRetry(failed, { ...RETRY_DEFAULTS, again })
      if (step === 'give-up') return
      assert.ok(!failed.sent || (failed.repeatable && failed.bodyKept), 'safe')
      assert.ok(step !== 'elsewhere' || failed.othersLeft, 'there is another')
      const bounded = failed.attemptsLeft > 0 && failed.budgetLeft
      assert.ok(!failed.sent || step === 'fresh' || bounded, 'bounded')
    }),
  )
})

test('RFC 9110 §9.2.2: which methods may be repeated', () => {
  for (const method of ['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'TRACE'])
    assert.ok(isRepeatable(method, RETRY_DEFAULTS), method)
  for (const method of ['POST', 'PATCH', 'CONNECT', 'get', 'REPORT']) {
    assert.ok(!isRepeatable(method, RETRY_DEFAULTS), method)
    assert.ok(isRepeatable(method, { ...RETRY_DEFAULTS, methods: 'all' }), method)
  }
})

test('bodies are kept only where they may be wanted', () => {
  assert.equal(resendsSent(RETRY_DEFAULTS, 2), true)
  assert.equal(resendsSent(RETRY_DEFAULTS, 1), false)
  assert.equal(resendsSent(AGAIN, 1), true)
  assert.equal(resendsSent({ ...AGAIN, attempts: 1 }, 2), false)
  assert.equal(resendsSent({ ...AGAIN, on: new Set<Condition>(['connect']) }, 2), false)
})

test('no fault of a client or of our own is tried again', () => {
  for (const code of Object.keys(ERRORS) as ErrorCode[])
    if (ERRORS[code].side !== 'upstream') assert.equal(conditionOf(code), null, code)
})
