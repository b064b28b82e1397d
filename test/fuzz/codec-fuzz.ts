/**
 * Heads and bodies by chance: in whatever pieces they come, they mean the same, and what is thrown is a ProxyError.
 */
import assert from 'node:assert/strict'
import type { Framing } from '../../src/http/message.ts'
import { BODY_CASES } from './body-cases.ts'
import { REQUESTS, RESPONSES } from './corpus.ts'
import { decode, latin1Bytes, type Outcome, outcomeOf } from './feeding.ts'
import { mutate, type Random } from './random.ts'
import { readRequest, readResponse } from './understand.ts'

const ANSWERS = RESPONSES.map(({ text }) => text)
const BODIES = BODY_CASES.map(({ text }) => text)

/** One head, of a request or of an answer. */
export function headInPieces(random: Random): void {
  const isRequest = random.once(2)
  const corpus = isRequest ? REQUESTS : ANSWERS
  const text = random.once(10) ? random.of(corpus) : mutate(random, random.of(corpus), corpus)
  const method = random.of(['GET', 'HEAD'])
  const bytes = latin1Bytes(text)
  const read = (end: number): Outcome<unknown> =>
    outcomeOf<unknown>(() => (isRequest ? readRequest(bytes, 0, end) : readResponse(method, bytes, 0, end)))
  const whole = read(bytes.length)
  let end = 0
  for (const piece of random.pieces(bytes)) {
    end += piece.length
    const sofar = read(end)
    if (sofar !== null) {
      assert.deepEqual(sofar, whole, `with ${end} bytes of ${JSON.stringify(text)}`)
      return
    }
  }
}

/** One body. */
export function bodyInPieces(random: Random): void {
  const text = mutate(random, random.of(BODIES), BODIES)
  const bytes = latin1Bytes(text)
  const framing: Framing = random.of([
    { kind: 'chunked' },
    { kind: 'chunked' },
    { kind: 'length', bytes: random.below(bytes.length + 3) },
    { kind: 'until-close' },
    { kind: 'none' },
  ])
  const whole = outcomeOf(() => decode(framing, [Buffer.from(bytes)]))
  const inPieces = outcomeOf(() => decode(framing, random.pieces(bytes)))
  // A fault in a line that has not ended may be seen only when more comes; until then nothing is claimed.
  const unsaid = inPieces !== null && 'value' in inPieces && !inPieces.value.complete
  if (unsaid && whole !== null && 'code' in whole) return
  assert.deepEqual(inPieces, whole, `${framing.kind} ${JSON.stringify(text)}`)
}
