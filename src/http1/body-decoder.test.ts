import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { BODY_CASES } from '../../test/fuzz/body-cases.ts'
import { decode, latin1Bytes, outcomeOf } from '../../test/fuzz/feeding.ts'
import type { Framing } from '../http/message.ts'
import { BodyDecoder } from './body-decoder.ts'
import { CHUNK_END, chunkStart, lastChunk } from './body-encoder.ts'
import { LIMITS } from './limits.ts'

const CHUNKED: Framing = { kind: 'chunked' }

/** The text in pieces that begin at these places. */
function pieces(text: string, places: readonly number[]): Buffer[] {
  const all = [0, ...places, text.length]
  return all.slice(1).map((end, i) => latin1Bytes(text.slice(all[i], end)))
}

for (const { clause, framing, text, gives } of BODY_CASES)
  test(`${framing.kind}: ${clause}`, () => {
    const expected =
      typeof gives === 'string'
        ? { code: gives }
        : {
            value: {
              content: gives.content,
              trailers: gives.trailers ?? null,
              bytes: text.length,
              complete: gives.short !== true,
            },
          }
    const read = (...places: number[]) => outcomeOf(() => decode(framing, pieces(text, places)))
    assert.deepEqual(read(), expected, 'whole')
    assert.deepEqual(
      outcomeOf(() => decode(framing, [...text].map(latin1Bytes))),
      expected,
      'byte by byte',
    )
    for (let place = 1; place < Math.min(text.length, 400); place++)
      assert.deepEqual(read(place), expected, `in two pieces, the second from ${place}`)
    if (typeof gives !== 'string' && gives.short === true) return
    for (const behind of ['GET ', '\r\n', '0', '\0'])
      assert.deepEqual(
        outcomeOf(() => decode(framing, [latin1Bytes(text + behind)])),
        expected,
        'with bytes behind',
      )
  })

test('until the connection ends: everything, and no end before that', () => {
  const decoder = new BodyDecoder(LIMITS)
  const decoded = decode({ kind: 'until-close' }, pieces('0\r\n\r\nhello', [1, 7]), decoder)
  assert.deepEqual(decoded, { content: '0\r\n\r\nhello', trailers: null, bytes: 10, complete: true })
  assert.equal(decoder.done, true)
  decoder.start({ kind: 'until-close' })
  assert.equal(decoder.done, false)
  assert.equal(decoder.endOfStream(), true)
})

test('one decoder for one body after the other, also after one that broke off', () => {
  const decoder = new BodyDecoder(LIMITS)
  const hello = { content: 'hello', trailers: null, bytes: 15, complete: true }
  for (const cut of ['5\r', '5\r\nhe', '5\r\nhello\r\n0\r\nA: b', '5;a', 'x', '']) {
    outcomeOf(() => decode(CHUNKED, [latin1Bytes(cut)], decoder))
    assert.deepEqual(decode(CHUNKED, [latin1Bytes('5\r\nhello\r\n0\r\n\r\n')], decoder), hello, cut)
    outcomeOf(() => decode(CHUNKED, [latin1Bytes(cut)], decoder))
    assert.equal(decode({ kind: 'length', bytes: 2 }, [latin1Bytes('hi!')], decoder).bytes, 2, cut)
  }
})

test('the bytes that are known to come', () => {
  const decoder = new BodyDecoder(LIMITS)
  const sink = { data: () => true, trailers() {} }
  decoder.start({ kind: 'length', bytes: 10 })
  assert.equal(decoder.bytesLeft, 10)
  assert.equal(decoder.feed(latin1Bytes('in front abc'), 9, sink), 12)
  assert.equal(decoder.bytesLeft, 7)
  assert.equal(decoder.endOfStream(), false)
})

test('content is not copied: it is handed on as slices of what came', () => {
  const decoder = new BodyDecoder(LIMITS)
  const came = latin1Bytes('3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n')
  const chunks: Buffer[] = []
  decoder.start(CHUNKED)
  decoder.feed(came, 0, { data: chunk => chunks.push(chunk) > 0, trailers() {} })
  assert.deepEqual(chunks.map(String), ['abc', 'de'])
  for (const chunk of chunks) assert.equal(chunk.buffer, came.buffer)
  const whole = latin1Bytes('hello')
  decoder.start({ kind: 'length', bytes: 5 })
  decoder.feed(whole, 0, { data: chunk => chunks.push(chunk) > 0, trailers() {} })
  assert.equal(chunks.at(-1), whole)
})

// What the encoder writes, the decoder reads: any content, in any chunks, read in any pieces.
test('round trip', () => {
  const contents = fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { maxLength: 8 })
  const places = fc.array(fc.nat({ max: 2000 }), { maxLength: 10 })
  fc.assert(
    fc.property(contents, fc.boolean(), places, (chunks, withTrailers, cuts) => {
      const texts = chunks.map(chunk => Buffer.from(chunk).toString('latin1'))
      const trailerText = withTrailers ? 'X-Sum: 1\r\nY: \xe9\r\n' : ''
      const encoded =
        texts.map(text => chunkStart(text.length) + text + CHUNK_END).join('') + lastChunk(trailerText)
      const sorted = cuts.filter(cut => cut < encoded.length).sort((one, other) => one - other)
      assert.deepEqual(decode(CHUNKED, pieces(encoded, sorted)), {
        content: texts.join(''),
        trailers: withTrailers
          ? [
              ['X-Sum', '1'],
              ['Y', '\xe9'],
            ]
          : null,
        bytes: encoded.length,
        complete: true,
      })
    }),
    { seed: 1, numRuns: 300 },
  )
})
