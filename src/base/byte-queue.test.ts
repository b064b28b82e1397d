import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { ByteQueue } from './byte-queue.ts'

const textOf = (queue: ByteQueue): string => queue.view().toString('latin1')
const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')

test('what is appended comes out in order, as one view', () => {
  const queue = new ByteQueue()
  assert.equal(queue.length, 0)
  assert.equal(textOf(queue), '')
  queue.append(bytes('abc'))
  queue.append(bytes(''))
  queue.append(bytes('def'))
  assert.equal(textOf(queue), 'abcdef')
  queue.consume(2)
  assert.equal(textOf(queue), 'cdef')
  assert.equal(queue.length, 4)
  queue.consume(0)
  queue.append(bytes('g'))
  assert.equal(textOf(queue), 'cdefg')
})

test('what is appended is copied: the chunk was only lent', () => {
  const queue = new ByteQueue()
  const chunk = bytes('abc')
  queue.append(chunk)
  chunk.fill(0)
  assert.equal(textOf(queue), 'abc')
})

test('a queue that is empty keeps no memory', () => {
  const queue = new ByteQueue()
  const none = queue.view().buffer
  for (const empty of [() => queue.consume(3), () => queue.consume(9), () => queue.clear()]) {
    queue.append(bytes('abc'))
    assert.notEqual(queue.view().buffer, none)
    empty()
    assert.equal(queue.length, 0)
    assert.equal(queue.view().buffer, none)
  }
})

test('memory is bounded by what is waiting, not by what has passed', () => {
  const queue = new ByteQueue()
  queue.append(bytes('x'.repeat(100)))
  for (let round = 0; round < 1000; round++) {
    queue.append(bytes('y'.repeat(500)))
    queue.consume(500)
  }
  assert.equal(queue.length, 100)
  assert.ok(queue.view().buffer.byteLength <= 2048)
})

test('any appends and consumes: as a string would do it', () => {
  const step = fc.oneof(fc.string({ maxLength: 3000, unit: 'binary-ascii' }), fc.nat({ max: 3000 }))
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), steps => {
      const queue = new ByteQueue()
      let model = ''
      for (const one of steps) {
        if (typeof one === 'string') queue.append(bytes(one))
        else queue.consume(one)
        model = typeof one === 'string' ? model + one : model.slice(one)
        assert.equal(queue.length, model.length)
        assert.equal(textOf(queue), model)
      }
    }),
    { seed: 1 },
  )
})
