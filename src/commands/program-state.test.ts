/**
 * What a running program says of itself: what was written is read, and nothing else is.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ANSWER_BYTES_MAX, type ProgramState, readState, writeState } from './program-state.ts'

const server = fc.record({
  address: fc.string(),
  state: fc.string({ unit: 'binary' }),
  out: fc.boolean(),
  busy: fc.nat(),
  weight: fc.double({ min: 0.001, max: 1000, noNaN: true }),
})
const group = fc.record({ name: fc.string(), servers: fc.array(server, { maxLength: 3 }) })
const state: fc.Arbitrary<ProgramState> = fc.record({
  version: fc.string(),
  pid: fc.nat(),
  config: fc.string(),
  workers: fc.array(fc.record({ pid: fc.nat(), groups: fc.array(group, { maxLength: 3 }) }), {
    maxLength: 3,
  }),
  silent: fc.nat(),
})

test('what is written is one line, and read again', () => {
  fc.assert(
    fc.property(state, told => {
      const line = writeState(told)
      assert.ok(!line.includes('\n'))
      assert.deepEqual(JSON.parse(JSON.stringify(readState(line))), JSON.parse(JSON.stringify(told)))
    }),
  )
})

const WHOLE: ProgramState = {
  version: '1',
  pid: 1,
  config: 'c',
  silent: 0,
  workers: [
    {
      pid: 2,
      groups: [{ name: 'a', servers: [{ address: 'a:1', state: 'in', out: false, busy: 0, weight: 1 }] }],
    },
  ],
}

/** Every copy of the data in which one value is another. */
function changed(data: unknown, other: unknown): unknown[] {
  if (typeof data !== 'object' || data === null) return []
  return Object.keys(data).flatMap(key => {
    const copy = (value: unknown) =>
      Object.assign(Array.isArray(data) ? [...data] : { ...data }, { [key]: value })
    const inner = changed((data as Record<string, unknown>)[key], other)
    return [copy(other), ...inner.map(copy)]
  })
}

test('what is not whole is nothing', () => {
  assert.deepEqual(readState(JSON.stringify(WHOLE)), WHOLE)
  for (const other of [null, {}, -1, 'x\u0000'.length / 4, Number.MAX_VALUE])
    for (const wrong of changed(WHOLE, other)) {
      const line = JSON.stringify(wrong)
      // A weight may be a fraction, and large.
      const weight = (wrong as ProgramState).workers?.[0]?.groups?.[0]?.servers?.[0]?.weight
      if (typeof weight === 'number' && weight !== 1 && weight > 0) continue
      assert.equal(readState(line), null, line)
    }
  for (const line of ['', '{', 'null', '[]', '"x"', '1', 'x'.repeat(1e6), '['.repeat(1e5)])
    assert.equal(readState(line), null)
  fc.assert(
    fc.property(fc.json(), line => {
      assert.equal(readState(line), null)
    }),
  )
})

test('workers that do not fit into an answer are silent', () => {
  const long = { ...WHOLE.workers[0].groups[0].servers[0], state: 'ü'.repeat(ANSWER_BYTES_MAX / 6) }
  const worker = { pid: 2, groups: [{ name: 'a', servers: [long] }] }
  const line = writeState({ ...WHOLE, workers: [worker, worker, worker, WHOLE.workers[0]], silent: 1 })
  assert.ok(Buffer.byteLength(line) < ANSWER_BYTES_MAX)
  const read = readState(line)
  assert.equal(read?.workers.length, 2)
  assert.equal(read?.silent, 3)
})
