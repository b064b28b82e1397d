/**
 * Bytes that are never written again, so that whoever is lent them may keep them: the stored content of a cache.
 * Strategy: the memory is marked, not the view of it, so that every slice of it counts as well. The mark is a property:
 * to add to a WeakSet takes 1.8 µs (bench/micro/cache-memory.ts stores a million), and one of a million is moved as a
 * whole when it grows.
 */

const LASTING = Symbol('lasting')

type Marked = ArrayBufferLike & { [LASTING]?: true }

/** Marks the whole memory behind these bytes: nobody writes there any more. Gives the same buffer. */
export function markLasting<Bytes extends Uint8Array>(bytes: Bytes): Bytes {
  const memory: Marked = bytes.buffer
  memory[LASTING] = true
  return bytes
}

export const isLasting = (bytes: Uint8Array): boolean => (bytes.buffer as Marked)[LASTING] === true

/** A copy with memory of its own (none of the pool's, which others write to), marked. */
export function lastingCopy(bytes: Uint8Array): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length)
  copy.set(bytes)
  return markLasting(copy)
}
