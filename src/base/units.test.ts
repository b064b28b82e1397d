import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  DURATION_MS_MAX,
  DURATION_PATTERN,
  formatDuration,
  formatSize,
  parseDuration,
  parseSize,
  SIZE_PATTERN,
} from './units.ts'

const DURATIONS: [text: string, ms: number][] = [
  ['250ms', 250],
  ['5s', 5000],
  ['2m', 120_000],
  ['1h', 3_600_000],
  ['1.5s', 1500],
  ['0s', 0],
  ['0', 0],
]

const SIZES: [text: string, bytes: number][] = [
  ['512B', 512],
  ['64KB', 65_536],
  ['10MB', 10_485_760],
  ['1GB', 1_073_741_824],
  ['0.5KB', 512],
  ['0', 0],
]

const BAD_DURATIONS: [text: string, message: string][] = [
  ['5', '"5" is not a duration: write for example "250ms", "5s", "2m" or "1h"'],
  ['', '"" is not a duration: write for example "250ms", "5s", "2m" or "1h"'],
  ['-5s', '"-5s" is not a duration: write for example "250ms", "5s", "2m" or "1h"'],
  ['5 s', '"5 s" is not a duration: write "5s"'],
  ['5S', '"5S" is not a duration: write "5s"'],
  ['5 minutes', '"5 minutes" is not a duration: write "5m"'],
  ['1d', '"1d" is not a duration: write for example "250ms", "5s", "2m" or "1h"'],
  ['1e3s', '"1e3s" is not a duration: write for example "250ms", "5s", "2m" or "1h"'],
  ['700h', '"700h" is longer than a timer can wait: write at most "596h"'],
]

const BAD_SIZES: [text: string, message: string][] = [
  ['64', '"64" is not a size: write for example "64KB", "10MB" or "1GB"'],
  ['64k', '"64k" is not a size: write "64KB"'],
  ['64kb', '"64kb" is not a size: write "64KB"'],
  ['10 MiB', '"10 MiB" is not a size: write "10MB"'],
  ['1TB', '"1TB" is not a size: write for example "64KB", "10MB" or "1GB"'],
  ['99999999999GB', '"99999999999GB" is larger than can be counted: write at most "1000000GB"'],
]

test('durations as written become milliseconds', () => {
  for (const [text, ms] of DURATIONS) assert.equal(parseDuration(text), ms, text)
})

test('sizes as written become bytes', () => {
  for (const [text, bytes] of SIZES) assert.equal(parseSize(text), bytes, text)
})

test('a bad duration says what to write', () => {
  for (const [text, message] of BAD_DURATIONS) assert.throws(() => parseDuration(text), { message })
})

test('a bad size says what to write', () => {
  for (const [text, message] of BAD_SIZES) assert.throws(() => parseSize(text), { message })
})

test('what is printed reads back as the same number', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: DURATION_MS_MAX }), ms => parseDuration(formatDuration(ms)) === ms),
  )
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 50 }), bytes => parseSize(formatSize(bytes)) === bytes),
  )
  assert.equal(formatDuration(90_000), '90s')
  assert.equal(formatDuration(0), '0s')
  assert.equal(formatSize(65_536), '64KB')
  assert.equal(formatSize(1500), '1500B')
})

test('the patterns of the JSON Schema accept what the parsers accept', () => {
  for (const [text] of DURATIONS) assert.match(text, new RegExp(DURATION_PATTERN))
  for (const [text] of SIZES) assert.match(text, new RegExp(SIZE_PATTERN))
  for (const [text] of BAD_DURATIONS.slice(0, -1)) assert.doesNotMatch(text, new RegExp(DURATION_PATTERN))
  for (const [text] of BAD_SIZES.slice(0, -1)) assert.doesNotMatch(text, new RegExp(SIZE_PATTERN))
})
