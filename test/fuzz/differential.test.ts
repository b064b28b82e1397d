import assert from 'node:assert/strict'
import test from 'node:test'
import { REQUESTS, RESPONSES } from './corpus.ts'
import { compareRequests, compareResponses, ONLY_SLUICE } from './differential.ts'
import { latin1Bytes } from './feeding.ts'
import { mutate, Random } from './random.ts'
import { sluiceReadsRequests } from './sluice-parser.ts'

test('every message of the corpus is understood as Node understands it', async () => {
  const met = new Set<string>()
  for (const text of REQUESTS)
    assert.equal(await compareRequests(text, ({ reason }) => met.add(reason)), null, JSON.stringify(text))
  for (const { method, text } of RESPONSES)
    assert.equal(
      await compareResponses(method, text, ({ reason }) => met.add(reason)),
      null,
      JSON.stringify(text),
    )
  // What is met no more has to leave the list.
  assert.deepEqual(
    ONLY_SLUICE.filter(({ reason }) => !met.has(reason)),
    [],
  )
})

test('enough of what is mutated is accepted: there is something to compare', () => {
  const random = new Random(1)
  let accepted = 0
  for (let count = 0; count < 1_000; count++) {
    const bytes = latin1Bytes(mutate(random, random.of(REQUESTS), REQUESTS))
    accepted += sluiceReadsRequests(bytes).messages.length
  }
  assert.ok(accepted > 100, `${accepted} of 1000`)
})
