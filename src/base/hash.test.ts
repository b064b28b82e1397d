import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { hashText, mixBits } from './hash.ts'

// Values of the reference implementation (MurmurHash3_x86_32).
const KNOWN: readonly (readonly [text: string, seed: number, hash: number])[] = [
  ['', 0, 0],
  ['', 1, 0x514e28b7],
  ['', 0xffffffff, 0x81f16f39],
  ['\0\0\0\0', 0, 0x2362f9de],
  ['aaaa', 0x9747b28c, 0x5a97808a],
  ['aaa', 0x9747b28c, 0x283e0130],
  ['aa', 0x9747b28c, 0x5d211726],
  ['a', 0x9747b28c, 0x7fa09ea6],
  ['abcd', 0x9747b28c, 0xf0478627],
  ['abc', 0x9747b28c, 0xc84a62dd],
  ['Hello, world!', 0x9747b28c, 0x24884cba],
  ['The quick brown fox jumps over the lazy dog', 0x9747b28c, 0x2fa826cd],
]

test('hashes are those of the reference implementation', () => {
  for (const [text, seed, hash] of KNOWN) assert.equal(hashText(text, seed), hash, JSON.stringify(text))
})

test('one bit more or less in the input turns half of the bits of the result', () => {
  let turned = 0
  for (let bits = 0; bits < 1000; bits++)
    for (let bit = 0; bit < 32; bit++) turned += onesOf(mixBits(bits) ^ mixBits(bits ^ (1 << bit)))
  const share = turned / (1000 * 32 * 32)
  assert.ok(Math.abs(share - 0.5) < 0.01, String(share))
})

test('no two inputs of mixBits share a result', () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer(), (one, other) => {
      assert.equal(mixBits(one) === mixBits(other), (one | 0) === (other | 0))
    }),
  )
})

function onesOf(bits: number): number {
  let ones = 0
  for (let left = bits >>> 0; left !== 0; left = (left & (left - 1)) >>> 0) ones++
  return ones
}
