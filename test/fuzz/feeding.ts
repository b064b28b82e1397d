/**
 * Every way to hand bytes to a reader. A reader that keeps nothing is asked again with more; what it says must
 * depend on the bytes alone and not on the pieces in which they came.
 */
import assert from 'node:assert/strict'
import { ProxyError } from '../../src/base/errors.ts'
import type { Framing } from '../../src/http/message.ts'
import { BodyDecoder } from '../../src/http1/body-decoder.ts'
import { LIMITS } from '../../src/http1/limits.ts'

export const latin1Bytes = (text: string): Buffer => Buffer.from(text, 'latin1')

/** What a reader made of bytes: a value, null for «more bytes needed», or the code of the fault. */
export type Outcome<T> = { readonly value: T } | { readonly code: string } | null

/** Reads one message from `start`; null: more bytes are needed. */
export type Reader<T extends { bytes: number }> = (bytes: Buffer, start: number, end: number) => T | null

/** Throws on whatever is thrown that is not a ProxyError. */
export function outcomeOf<T>(read: () => T | null): Outcome<T> {
  try {
    const value = read()
    return value === null ? null : { value }
  } catch (error) {
    if (error instanceof ProxyError) return { code: error.code }
    throw error
  }
}

/**
 * Reads the message whole, byte by byte, and with bytes in front and behind, and gives what all of them agree
 * on: the value, or the code of the fault.
 */
export function readEveryWay<T extends { bytes: number }>(read: Reader<T>, text: string): Outcome<T> {
  const bytes = latin1Bytes(text)
  const whole = outcomeOf(() => read(bytes, 0, bytes.length))
  assert.notEqual(whole, null, 'the case is a whole message')
  assert.deepEqual(byteByByte(read, bytes), whole, 'byte by byte')
  for (const behind of ['GET ', '\r\n', '\n', ' ', '\0', 'X: y\r\n\r\n']) {
    const longer = latin1Bytes(`in front${text}${behind}`)
    assert.deepEqual(
      outcomeOf(() => read(longer, 8, longer.length)),
      whole,
      'with bytes around it',
    )
  }
  return whole
}

/** Long messages are long because of one repeated thing: not every byte of it is a new place to stop at. */
function prefixes(length: number): number[] {
  const all = Array.from({ length: length + 1 }, (_, end) => end)
  return all.filter(end => end < 500 || end % 101 === 0 || end > length - 100)
}

/** A value needs the last byte and no more than it; a fault may be seen earlier, and is the same from then on. */
function byteByByte<T extends { bytes: number }>(read: Reader<T>, bytes: Buffer): Outcome<T> {
  let first: Outcome<T> = null
  for (const end of prefixes(bytes.length)) {
    const outcome = outcomeOf(() => read(bytes, 0, end))
    if (first !== null) assert.deepEqual(outcome, first, `the same with ${end} bytes`)
    else if (outcome !== null && 'value' in outcome)
      assert.equal(outcome.value.bytes, end, 'complete exactly at the last byte')
    first ??= outcome
  }
  return first
}

/** What a body decoder made of a body. */
export interface DecodedBody {
  readonly content: string
  readonly trailers: readonly (readonly [string, string])[] | null
  /** Bytes that belong to it. */
  readonly bytes: number
  /** It ended, of its own accord or with the bytes where that is how it ends. */
  readonly complete: boolean
}

/**
 * Decodes a body that comes in these pieces; the rest of a piece behind its end is left alone. Content must be
 * handed on as slices of what came in, and is copied during the call as every taker has to.
 */
export function decode(
  framing: Framing,
  pieces: readonly Buffer[],
  decoder = new BodyDecoder(LIMITS),
): DecodedBody {
  let content = ''
  let trailers: [string, string][] | null = null
  let bytes = 0
  decoder.start(framing)
  const sink = {
    data(chunk: Buffer): boolean {
      assert.notEqual(chunk.length, 0, 'no empty content')
      content += chunk.toString('latin1')
      return true
    },
    trailers(fields: { entries(): [string, string][] }): void {
      assert.equal(trailers, null, 'trailers come once')
      trailers = fields.entries()
    },
  }
  for (const piece of pieces) {
    if (decoder.done) break
    bytes += decoder.feed(piece, 0, sink)
    // The piece was lent: whoever looks at it later must not rely on it.
    piece.fill(0x3f)
  }
  return { content, trailers, bytes, complete: decoder.endOfStream() }
}
