import assert from 'node:assert/strict'
import { STATUS_CODES } from 'node:http'
import test from 'node:test'
import { ERRORS } from '../base/errors.ts'
import { reasonOf } from './status.ts'

test('every status of the error table has a phrase', () => {
  for (const [code, row] of Object.entries(ERRORS)) assert.notEqual(reasonOf(row.status), '', code)
})

test('agrees with Node where both follow the registry', () => {
  // Node keeps phrases of older documents and a joke.
  const older = new Set([302, 413, 418, 422, 509])
  for (const [status, phrase] of Object.entries(STATUS_CODES)) {
    if (!older.has(Number(status))) assert.equal(reasonOf(Number(status)), phrase)
  }
})

test('an unknown status has an empty phrase', () => {
  for (const status of [0, 299, 599, 999]) assert.equal(reasonOf(status), '')
})
