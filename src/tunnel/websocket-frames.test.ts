import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { closeFrame, WebSocketFrames, WebSocketLane } from './websocket-frames.ts'

interface Frame {
  readonly opcode: number
  readonly final: boolean
  readonly masked: boolean
  readonly length: number
  /** Writes the length in more bytes than it needs: not allowed, and still to be followed. */
  readonly long: boolean
}

/** A frame as RFC 6455 §5.2 draws it, with a payload that looks like headers of frames. */
function frameBytes({ opcode, final, masked, length, long }: Frame): Buffer {
  const first = (final ? 0x80 : 0) | opcode
  const mask = masked ? 0x80 : 0
  const head: number[] = [first]
  if (length < 126 && !long) head.push(mask | length)
  else if (length < 65_536 && !long) head.push(mask | 126, length >> 8, length & 0xff)
  else head.push(mask | 127, 0, 0, 0, 0, 0, length >> 16, (length >> 8) & 0xff, length & 0xff)
  if (masked) head.push(0x88, 0x02, 0x88, 0x00)
  return Buffer.concat([Buffer.from(head), Buffer.alloc(length, Buffer.from([0x88, 0x02]))])
}

const frame = (opcodes: readonly number[]): fc.Arbitrary<Frame> =>
  fc.record({
    opcode: fc.constantFrom(...opcodes),
    final: fc.boolean(),
    masked: fc.boolean(),
    length: fc.oneof(fc.constantFrom(0, 1, 125, 126, 127, 65_535, 65_536), fc.nat(300)),
    long: fc.boolean(),
  })
const DATA = [0x0, 0x1, 0x2, 0x9, 0xa]
const frames = fc.array(frame(DATA), { maxLength: 6 })

function pieces(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [0, ...cuts.map(cut => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
  return places.slice(1).map((end, i) => bytes.subarray(places[i], end))
}

const cuts = fc.array(fc.oneof(fc.nat(40), fc.nat(200_000)), { maxLength: 8 })
const often = { numRuns: 300 }

test('the end of every frame is found, however the bytes are cut', () => {
  fc.assert(
    fc.property(frames, cuts, (list, where) => {
      const all = list.map(frameBytes)
      const ends = new Set([0])
      let length = 0
      for (const bytes of all) {
        length += bytes.length
        ends.add(length)
      }
      const followed = new WebSocketFrames()
      let at = 0
      for (const piece of pieces(Buffer.concat(all), where)) {
        followed.follow(piece)
        at += piece.length
        assert.equal(followed.between, ends.has(at), `after ${at} bytes`)
      }
      assert.equal(followed.closeSeen, false)
    }),
    often,
  )
})

test('one byte at a time: between frames at their ends and nowhere else', () => {
  const all = [0, 5, 126, 300].flatMap(length =>
    [true, false].map(masked => frameBytes({ opcode: 2, final: true, masked, length, long: false })),
  )
  const followed = new WebSocketFrames()
  for (const bytes of all)
    for (let at = 0; at < bytes.length; at++) {
      followed.follow(bytes.subarray(at, at + 1))
      assert.equal(followed.between, at === bytes.length - 1)
    }
})

test('a lane that closes sends what is under way, then Close, then nothing, however the bytes are cut', () => {
  const CLOSE = closeFrame(1001, null)
  fc.assert(
    fc.property(frames, cuts, fc.nat(9), (list, where, closeAfter) => {
      const bytes = Buffer.concat(list.map(frameBytes))
      const written: Buffer[] = []
      const lane = new WebSocketLane(chunk => written.push(Buffer.from(chunk)) > 0)
      const parts = pieces(bytes, where)
      parts.forEach((piece, place) => {
        if (place === closeAfter) lane.close(CLOSE)
        lane.data(piece)
      })
      if (closeAfter >= parts.length) lane.close(CLOSE)
      let end = 0
      const begun = parts.slice(0, closeAfter).reduce((sum, piece) => sum + piece.length, 0)
      for (const { length } of list.map(frameBytes)) if (end < begun) end += length
      assert.deepEqual(Buffer.concat(written), Buffer.concat([bytes.subarray(0, end), CLOSE]))
    }),
    often,
  )
})

test('where the peer has said Close itself, ours is not put behind it', () => {
  const own = closeFrame(1000, null)
  for (const cut of [1, 2, own.length]) {
    const written: Buffer[] = []
    const lane = new WebSocketLane(chunk => written.push(Buffer.from(chunk)) > 0)
    lane.data(own.subarray(0, cut))
    lane.close(closeFrame(1001, null))
    lane.data(own.subarray(cut))
    assert.deepEqual(Buffer.concat(written), own)
  }
})

test('the peer says Close in the frame that is waited for: it is the last', () => {
  const written: Buffer[] = []
  const lane = new WebSocketLane(chunk => written.push(Buffer.from(chunk)) > 0)
  lane.data(Buffer.from([0x88]))
  lane.close(closeFrame(1001, null))
  lane.data(Buffer.from([0x02, 0x03, 0xe8]))
  assert.deepEqual(Buffer.concat(written), closeFrame(1000, null))
})

test('closed twice, it says so once', () => {
  const written: Buffer[] = []
  const lane = new WebSocketLane(chunk => written.push(Buffer.from(chunk)) > 0)
  lane.close(closeFrame(1001, null))
  lane.close(closeFrame(1001, null))
  assert.deepEqual(Buffer.concat(written), closeFrame(1001, null))
})

test('"hold back" is passed on', () => {
  const lane = new WebSocketLane(() => false)
  assert.equal(lane.data(Buffer.from([0x82])), false)
  lane.close(closeFrame(1001, null))
  assert.equal(lane.data(Buffer.from([0x00])), false)
})

test('a Close frame, as a server and as a client sends it (RFC 6455 §5.5.1)', () => {
  assert.deepEqual([...closeFrame(1001, null)], [0x88, 0x02, 0x03, 0xe9])
  assert.deepEqual(
    [...closeFrame(1001, Buffer.from([1, 2, 3, 4]))],
    [0x88, 0x82, 1, 2, 3, 4, 0x03 ^ 1, 0xe9 ^ 2],
  )
})

test('a length that nothing can have is only skipped', () => {
  const followed = new WebSocketFrames()
  followed.follow(Buffer.from([0x82, 127, ...new Array(8).fill(0xff)]))
  followed.follow(Buffer.alloc(1000))
  assert.equal(followed.between, false)
})
