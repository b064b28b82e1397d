/**
 * How a resource is found on the disk: 16 bytes of a SHA-256, because keys may be 64 KB long and whoever chooses
 * them may be an attacker.
 */
import { hash } from 'node:crypto'

/** `space` has no line end. */
export const hashOf = (space: string, key: string): Buffer =>
  hash('sha256', `${space}\n${key}`, 'buffer').subarray(0, 16)
