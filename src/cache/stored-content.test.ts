/** Content out of a store: every byte once, in order, as fast as it is taken, and the body given back once. */
import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import fc from 'fast-check'
import { asking, PiecedBody } from '../../test/support/stored-answers.ts'
import { ProxyError } from '../base/errors.ts'
import { HeaderList } from '../http/header-list.ts'
import type { ResponseHead } from '../http/message.ts'
import { onBug } from '../net/bugs.ts'
import { PIECE_BYTES, type Segment, StoredContent, type Unreadable } from './stored-content.ts'

const noise = (bytes: number): Buffer =>
  Buffer.from(Array.from({ length: bytes }, (_, i) => (i * 7 + (i >> 8)) & 255))
const head = (): ResponseHead => ({ status: 200, reason: 'OK', version: 11, headers: HeaderList.empty() })
const FAULT = new ProxyError('upstream_body_short')

/** Sends it all, or the segments, of content in pieces of so many bytes. */
function sending(
  content: Buffer,
  pieceBytes: number,
  segments?: readonly Segment[],
  unreadable?: Unreadable,
) {
  const body = new PiecedBody(content, pieceBytes)
  const { client, exchange } = asking()
  const all = segments ?? [{ first: 0, last: content.length - 1 }]
  const sent = new StoredContent(exchange, head(), body, all, null, unreadable ?? null)
  return { body, client, exchange, sent }
}

test('property: any segments of any pieces to a client of any slowness are the bytes they name', () => {
  const content = noise(300)
  const range = fc
    .tuple(fc.nat(299), fc.nat(299))
    .map(([a, b]) => ({ first: Math.min(a, b), last: Math.max(a, b) }))
  const own = fc.uint8Array({ minLength: 1, maxLength: 5 }).map(bytes => Buffer.from(bytes))
  const segments = fc.array(fc.oneof(range, own), { minLength: 1, maxLength: 6 })
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 400 }),
      segments,
      fc.array(fc.boolean()),
      (pieceBytes, all, rooms) => {
        const { body, client, exchange, sent } = sending(content, pieceBytes, all)
        client.room = () => rooms.pop() ?? true
        sent.begin()
        while (!client.over) client.goOn()
        const parts = all.map(each =>
          Buffer.isBuffer(each) ? each : content.subarray(each.first, each.last + 1),
        )
        assert.deepEqual(client.bytes, Buffer.concat(parts))
        assert.equal(client.calls.at(-1), 'end')
        assert.deepEqual([body.closed, exchange.serving], [1, null])
      },
    ),
  )
})

test('a large piece is handed on in pieces that a slow client can take in time', () => {
  const { body, client, sent } = sending(noise(3 * PIECE_BYTES + 1), 4 * PIECE_BYTES)
  sent.begin()
  assert.deepEqual(
    client.parts.map(({ length }) => length),
    [PIECE_BYTES, PIECE_BYTES, PIECE_BYTES, 1],
  )
  assert.deepEqual(body.asked, [0], 'what was read is not read again')
})

test('nothing is read while the client is slow', () => {
  const { body, client, sent } = sending(noise(30), 10)
  client.room = () => false
  sent.begin()
  assert.deepEqual(body.asked, [0])
  client.goOn()
  assert.deepEqual(body.asked, [0, 10])
  assert.equal(body.closed, 0)
  client.goOn()
  client.goOn()
  assert.deepEqual([client.calls.at(-1), body.closed], ['end', 1])
})

test('a hundred thousand pieces that lie in memory take no stack', () => {
  const { client, sent } = sending(noise(100_000), 1)
  sent.begin()
  assert.equal(client.bytes.length, 100_000)
  assert.equal(client.calls.at(-1), 'end')
})

test('a client that stops and goes on within a call gets every byte once, and takes no stack', () => {
  const { client, sent } = sending(noise(50_000), 1)
  client.room = () => {
    sent.pause()
    sent.resume()
    return true
  }
  sent.begin()
  assert.deepEqual(client.bytes, noise(50_000))
  assert.equal(client.calls.filter(call => call === 'end').length, 1)
})

test('bytes that have to be fetched are waited for, one piece at a time', async () => {
  const { body, client, exchange, sent } = sending(noise(20), 10)
  body.later = true
  sent.begin()
  assert.equal(exchange.serving, sent)
  assert.deepEqual([client.calls, body.asked], [['open', 'head'], [0]])
  await body.arrives()
  assert.deepEqual(body.asked, [0, 10])
  await body.arrives()
  assert.deepEqual([client.calls.at(-1), body.closed, exchange.serving], ['end', 1, null])
  assert.deepEqual(client.bytes, noise(20))
})

test('what arrives while the client is slow waits until it goes on', async () => {
  const { body, client, sent } = sending(noise(20), 10)
  body.later = true
  sent.begin()
  sent.pause()
  await body.arrives()
  assert.equal(client.bytes.length, 0)
  sent.resume()
  assert.equal(client.bytes.length, 10)
  sent.pause()
  sent.resume()
  assert.deepEqual(body.asked, [0, 10], 'the piece on its way is not asked for twice')
  await body.arrives()
  assert.equal(client.calls.at(-1), 'end')
})

for (const later of [false, true])
  test(`a client that leaves gives the body back at once, ${later ? 'while bytes are fetched' : 'held back'}`, async () => {
    const { body, client, exchange, sent } = sending(noise(20), 10)
    body.later = later
    client.room = () => false
    sent.begin()
    exchange.serving?.cancel(FAULT)
    assert.equal(body.closed, 1)
    if (later) await body.arrives()
    sent.cancel()
    sent.resume()
    assert.equal(body.closed, 1)
    assert.equal(client.over, false)
    assert.equal(client.bytes.length, later ? 0 : 10)
  })

test('a client that leaves while it is given bytes gets no more of them', () => {
  const { body, client, sent } = sending(noise(20), 10)
  client.room = () => {
    sent.cancel()
    return true
  }
  sent.begin()
  assert.deepEqual([client.bytes.length, body.closed, client.over], [10, 1, false])
})

test('bytes that cannot be read in the middle fail the reply', async () => {
  const { body, client, sent } = sending(noise(20), 10)
  body.later = true
  sent.begin()
  await body.arrives()
  await body.fails(FAULT)
  assert.deepEqual([client.calls.at(-1), body.closed], ['fail upstream_body_short', 1])
})

test('when the first bytes cannot be read, nothing was said, and the asker may do otherwise', async () => {
  const told: string[] = []
  const { body, client, exchange, sent } = sending(noise(20), 10, undefined, error => told.push(error.code))
  body.later = true
  sent.begin()
  assert.deepEqual(client.calls, [])
  await body.fails(FAULT)
  assert.deepEqual(
    [told, client.calls, body.closed, exchange.serving],
    [['upstream_body_short'], [], 1, null],
  )
})

test('when only later bytes cannot be read, it is too late for anything else', async () => {
  const told: string[] = []
  const { body, client, sent } = sending(noise(20), 10, undefined, error => told.push(error.code))
  body.later = true
  sent.begin()
  await body.arrives()
  assert.deepEqual(client.calls, ['open', 'head', 'data'])
  await body.fails(FAULT)
  assert.deepEqual([told, client.calls.at(-1)], [[], 'fail upstream_body_short'])
})

/** Bugs that were told while the test ran. */
function bugs(t: TestContext): unknown[] {
  const told: unknown[] = []
  onBug(error => told.push(error))
  t.after(() => onBug(error => process.emitWarning(String(error))))
  return told
}

test('a bug costs this answer and is told', async t => {
  const told = bugs(t)
  const { body, client, sent } = sending(noise(20), 10)
  body.later = true
  sent.begin()
  client.room = () => {
    throw new Error('a bug')
  }
  await body.arrives()
  assert.match(String(told), /a bug/)
  assert.deepEqual([client.calls.at(-1), body.closed], ['fail internal', 1])
})

test('a store that fails with anything else, or gives no bytes, is a bug of ours', async t => {
  const told = bugs(t)
  for (const fail of ['something', 'nothing']) {
    const { body, client, sent } = sending(noise(20), 10)
    body.later = true
    sent.begin()
    if (fail === 'something') await body.fails(new Error('EIO'))
    else {
      body.content.subarray = () => Buffer.alloc(0)
      await body.arrives()
    }
    assert.deepEqual([client.calls.at(-1), body.closed], ['fail internal', 1])
  }
  assert.equal(told.length, 2)
})
