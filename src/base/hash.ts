/**
 * A hash of text: quick, evenly spread, the same in every process and on every machine. Not for secrets.
 * Strategy: MurmurHash3 (x86, 32 bits), four characters a step; each character counts as the byte it is in latin1,
 * which is what the heads of messages are made of.
 */

/** 32 bits, unsigned. Characters beyond 0xFF count with their lower eight bits only. */
export function hashText(text: string, seed = 0): number {
  const { length } = text
  const whole = length & ~3
  let hash = seed
  for (let at = 0; at < whole; at += 4) {
    hash ^= scrambled(
      (text.charCodeAt(at) & 0xff) |
        ((text.charCodeAt(at + 1) & 0xff) << 8) |
        ((text.charCodeAt(at + 2) & 0xff) << 16) |
        (text.charCodeAt(at + 3) << 24),
    )
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0
  }
  let rest = 0
  for (let at = length - 1; at >= whole; at--) rest = (rest << 8) | (text.charCodeAt(at) & 0xff)
  hash ^= scrambled(rest)
  return mixBits(hash ^ length)
}

function scrambled(bits: number): number {
  const product = Math.imul(bits, 0xcc9e2d51)
  return Math.imul((product << 15) | (product >>> 17), 0x1b873593)
}

/** Every bit of the result depends on every bit of `bits`, and no two inputs share a result. 32 bits, unsigned. */
export function mixBits(bits: number): number {
  let hash = bits
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
