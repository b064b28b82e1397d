import assert from 'node:assert/strict'
import test from 'node:test'
import { formatHttpDate } from './http-date.ts'

const DATES: readonly [timeMs: number, text: string][] = [
  [784111777000, 'Sun, 06 Nov 1994 08:49:37 GMT'],
  [784111777999, 'Sun, 06 Nov 1994 08:49:37 GMT'],
  [784111778000, 'Sun, 06 Nov 1994 08:49:38 GMT'],
  [0, 'Thu, 01 Jan 1970 00:00:00 GMT'],
  [Date.UTC(2024, 1, 29, 23, 59, 59, 500), 'Thu, 29 Feb 2024 23:59:59 GMT'],
  [Date.UTC(9999, 11, 31, 23, 59, 59), 'Fri, 31 Dec 9999 23:59:59 GMT'],
]

test('IMF-fixdate', () => {
  for (const [timeMs, text] of DATES) assert.equal(formatHttpDate(timeMs), text)
})

test('the same second gives the same text, a step back the earlier one', () => {
  assert.equal(formatHttpDate(5_999), formatHttpDate(5_000))
  assert.equal(formatHttpDate(4_999), 'Thu, 01 Jan 1970 00:00:04 GMT')
})
