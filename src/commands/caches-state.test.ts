/** What one process says to another of what is stored: read back as it was written, and nothing else is believed. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Heard } from '../admin/ask-workers.ts'
import {
  CACHES_QUESTION_BYTES_MAX,
  cachesQuestion,
  readCaches,
  readCachesQuestion,
  writeCaches,
} from './caches-state.ts'
import { ANSWER_BYTES_MAX } from './program-state.ts'

const URL = { host: 'a', port: '80', target: '/b?c' }

test('a question comes back as it was asked, unless it is too long', () => {
  const question = cachesQuestion(URL) ?? ''
  assert.deepEqual(readCachesQuestion(question), URL)
  const long = (length: number) => cachesQuestion({ ...URL, target: 'x'.repeat(length) })
  const frame = (long(0) ?? '').length
  assert.equal(long(CACHES_QUESTION_BYTES_MAX - frame)?.length, CACHES_QUESTION_BYTES_MAX)
  assert.equal(long(CACHES_QUESTION_BYTES_MAX - frame + 1), null)
})

test('what is no question is none', () => {
  for (const line of [
    '',
    'servers',
    'caches ',
    'caches {',
    'caches null',
    'caches {"host":"a"}',
    'caches [1]',
    'caches {"host":1,"port":"","target":""}',
  ])
    assert.equal(readCachesQuestion(line), null, line)
})

const HEAD = {
  key: 'k',
  extras: '',
  vary: [['accept', null]] as [string, string | null][],
  status: 200,
  reason: 'OK',
  requestedMs: 1,
  respondedMs: 2,
  policy: {
    lifetimeS: 1,
    lifetimeFrom: 'max-age',
    initialAgeS: 0,
    noCache: false,
    mustRevalidate: false,
    staleWhileRevalidateS: 0,
    staleIfErrorS: 0,
  } as const,
  etag: '',
  lastModified: '',
  tags: [],
  contentBytes: 1,
  type: 'text/html',
  fields: [['A', 'b']] as [string, string][],
}
const CACHE = {
  space: 's',
  asked: 0,
  hits: 0,
  stats: null,
  disk: null,
  key: 'k',
  heads: [HEAD],
  more: false,
  purged: 0,
}
const HEARD: Heard = { workers: [{ pid: 1, caches: [CACHE] }], silent: 0 }

test('an answer comes back as it was written; workers that do not fit are silent', () => {
  assert.deepEqual(readCaches(writeCaches(HEARD)), HEARD)
  const fields: [string, string][] = [['A', 'x'.repeat(3_000_000)]]
  const large = { pid: 1, caches: [{ ...CACHE, heads: [{ ...HEAD, fields }] }] }
  const line = writeCaches({ workers: [large, large, large], silent: 1 })
  assert.ok(Buffer.byteLength(line) <= ANSWER_BYTES_MAX)
  const { workers, silent } = readCaches(line)!
  assert.deepEqual([workers.length, silent], [2, 2])
})

/** Every place in the data, as the keys that lead there. */
function places(data: unknown, above: readonly string[] = []): string[][] {
  if (typeof data !== 'object' || data === null) return [[...above]]
  return [[...above], ...Object.entries(data).flatMap(([key, value]) => places(value, [...above, key]))]
}

/** Fields that an explanation does not look at. */
const UNREAD = /^(?:asked|hits|stats|disk|more|purged|type|reason|lastModified|stale\w+S)$/

test('one value that is of another kind makes all of it nothing', () => {
  const all = places(HEARD).filter(([last]) => last !== undefined)
  const read = all.filter(place => !UNREAD.test(place.at(-1)!) && !(place.at(-2) === 'accept'))
  fc.assert(
    fc.property(
      fc.constantFrom(...read),
      fc.constantFrom({}, true, 'no-number-of-ours', 7.5, []),
      (place, value) => {
        const copy = structuredClone(HEARD) as never
        const holder = place.slice(0, -1).reduce<Record<string, never>>((data, key) => data[key], copy)
        const before: unknown = holder[place.at(-1)!]
        // Of the same kind it may be; null is a value that Vary has.
        fc.pre(typeof before !== typeof value && before !== null)
        holder[place.at(-1)!] = value as never
        assert.equal(readCaches(JSON.stringify(copy)), null, place.join('.'))
      },
    ),
  )
})

test('fields that no store holds are nothing', () => {
  for (const field of [
    ['A', 'b\r\nC: d'],
    ['A b', 'c'],
    ['', 'c'],
    ['A', null],
  ]) {
    const cache = { ...CACHE, heads: [{ ...HEAD, fields: [field] }] }
    assert.equal(readCaches(JSON.stringify({ ...HEARD, workers: [{ pid: 1, caches: [cache] }] })), null)
  }
})

test('noise is nothing', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), line => {
      assert.ok(readCaches(line) === null || Array.isArray(readCaches(line)?.workers))
      assert.equal(readCachesQuestion(line), null)
    }),
  )
})
