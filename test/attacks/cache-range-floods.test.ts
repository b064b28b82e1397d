/**
 * Many ranges in one request (RFC 9110 §17.15): a few bytes asked, many to be sent. From the store no answer is larger
 * than the whole and a bounded frame, and what is asked of the server is asked once.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RANGES_MAX } from '../../src/http/range.ts'
import { cacheScene, FRESH, telling } from '../support/cache-attack.ts'

const BYTES = 20_000
const whole = Array.from({ length: BYTES }, (_, at) => String.fromCharCode(97 + (at % 26))).join('')
const script = telling(() => ['200 OK', `${FRESH}ETag: "a"\r\nContent-Type: text/plain\r\n`, whole])

const every = (count: number, write: (number: number) => string): string =>
  `Range: bytes=${Array.from({ length: count }, (_, number) => write(number))}\r\n`

const FLOODS: readonly (readonly [what: string, fields: string])[] = [
  ['the whole, many times', every(100, () => '0-')],
  ['the whole, a little shorter each time', every(100, number => `${number}-`)],
  ['suffixes in one another', every(100, number => `-${number + 1}`)],
  ['one byte, many times', every(100, () => '0-0')],
  ['every second byte', every(1000, number => `${number * 2}-${number * 2}`)],
  ['every second byte, backwards', every(100, number => `${1000 - number * 2}-${1000 - number * 2}`)],
  ['empty members', `Range: bytes=0-0${','.repeat(5000)}\r\n`],
  ['as many as a head can hold', every(1500, number => `${number}-`)],
  [
    'numbers of many digits',
    `Range: bytes=${'9'.repeat(3000)}-,-${'9'.repeat(3000)},0-${'9'.repeat(1000)}\r\n`,
  ],
  ['many lines', 'Range: bytes=0-1\r\n'.repeat(50)],
]

for (const [what, fields] of FLOODS)
  test(`${what}: no more than the whole`, async t => {
    const { get, origin } = await cacheScene(t, { script })
    await get('/')
    const { status, body } = await get('/', fields)
    assert.ok([200, 206].includes(status), String(status))
    assert.ok(body.length <= BYTES, `${body.length} bytes`)
    assert.equal(origin.requests.all.length, 1)
  })

test('the most ranges that are served cost a bounded frame', async t => {
  const { get } = await cacheScene(t, { script })
  await get('/')
  const { status, body } = await get(
    '/',
    every(RANGES_MAX, number => `${number * 2}-${number * 2}`),
  )
  assert.equal(status, 206)
  assert.ok(body.length < RANGES_MAX * 200, `${body.length} bytes for ${RANGES_MAX}`)
})

test('on a miss, many ranges ask the server once and leave nothing behind that grows', async t => {
  const { get, origin, cache } = await cacheScene(t, { script, options: { memoryBytes: 1024 * 1024 } })
  for (const [what, fields] of FLOODS) {
    const asked = origin.requests.all.length
    const { status } = await get(`/${encodeURIComponent(what)}`, fields)
    assert.ok([200, 206].includes(status), what)
    assert.equal(origin.requests.all.length - asked, 1, what)
  }
  assert.ok((cache.partials?.bytes ?? 0) <= 1024 * 1024)
})

/** Serves one part exactly as asked. */
const inParts = telling(({ fields }) => {
  const match = /^bytes=(\d+)-(\d+)$/.exec(fields.get('Range') ?? '')
  const tag = `${FRESH}ETag: "a"\r\n`
  if (match === null) return ['200 OK', tag, whole]
  const [, first, last] = match
  return [
    '206 Partial Content',
    `${tag}Content-Range: bytes ${first}-${last}/${BYTES}\r\n`,
    whole.slice(Number(first), Number(last) + 1),
  ]
})

test('thousands of parts of one byte stay within their memory, and the whole stays right', async t => {
  const { get, cache } = await cacheScene(t, { script: inParts, options: { memoryBytes: 1024 * 1024 } })
  for (let at = 0; at < 1000; at++) {
    const first = (at * 7919) % BYTES
    const { status, body } = await get('/', `Range: bytes=${first}-${first}\r\n`)
    assert.deepEqual([status, body.toString()], [206, whole[first]])
  }
  assert.ok((cache.partials?.bytes ?? 0) <= 256 * 1024, `${cache.partials?.bytes}`)
  assert.equal((await get('/')).body.toString(), whole)
})

test('parts of many resources stay within their memory', async t => {
  const { get, cache } = await cacheScene(t, { script: inParts, options: { memoryBytes: 1024 * 1024 } })
  for (let number = 0; number < 500; number++) await get(`/${number}`, 'Range: bytes=0-4999\r\n')
  const bytes = cache.partials?.bytes ?? 0
  assert.ok(bytes > 0 && bytes <= 256 * 1024, `${bytes}`)
})
