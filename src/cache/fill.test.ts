import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { Fill, FillBody } from './fill.ts'

/** Reads what there is, and remembers it. */
function reader(fill: Fill) {
  const read: Buffer[] = []
  const one = {
    at: 0,
    more(): void {
      for (;;) {
        const piece = fill.from(one.at)
        if (piece === null) return
        read.push(piece)
        one.at += piece.length
      }
    },
    bytes: () => Buffer.concat(read),
  }
  fill.add(one)
  one.more()
  return one
}

const chunks = fc.array(fc.oneof(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 30_000 })), {
  maxLength: 60,
})

test('however it is cut, whoever begins whenever gets every byte, and what was given never changes', () => {
  fc.assert(
    fc.property(chunks, fc.nat(60), fc.boolean(), (sizes, joinAt, keepsAll) => {
      const fill = new Fill(null, null, keepsAll)
      const first = reader(fill)
      let late: ReturnType<typeof reader> | null = null
      const whole: Buffer[] = []
      let value = 0
      for (const [index, size] of sizes.entries()) {
        if (index === joinAt && keepsAll) late = reader(fill)
        const chunk = Buffer.from(Array.from({ length: size }, () => value++ & 255))
        whole.push(Buffer.from(chunk))
        fill.push(chunk)
        // It was lent.
        chunk.fill(0)
      }
      assert.ok(first.bytes().equals(Buffer.concat(whole)))
      if (late !== null) assert.ok(late.bytes().equals(Buffer.concat(whole)))
    }),
  )
})

test('a byte at a time does not cost an object a byte', () => {
  const fill = new Fill(null, null, true)
  for (let i = 0; i < 100_000; i++) fill.push(Buffer.from([i & 255]))
  let pieces = 0
  for (let at = 0; at < fill.bytes; pieces++) at += fill.from(at)?.length ?? Number.NaN
  assert.ok(pieces < 20, `${pieces}`)
})

test('bytes that are not there yet are a promise, and a fault rejects it', async () => {
  const fill = new Fill(null, null, true)
  const body = new FillBody(fill, 4, () => {})
  const first = body.from(0)
  assert.ok(first instanceof Promise)
  fill.push(Buffer.from('ab'))
  assert.equal((await first).toString(), 'ab')
  const second = body.from(2)
  fill.end()
  await assert.rejects(async () => await second)
  body.close()
  assert.equal(fill.readers, 0)
})
