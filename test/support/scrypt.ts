/**
 * Hashes of passwords for tests: as cheap as they may be, unless a test is about the cost.
 */
import { randomBytes, scryptSync } from 'node:crypto'

/** `$scrypt$…` of a password. */
export function scryptHash(password: string, ln = 1): string {
  const salt = randomBytes(16)
  const key = scryptSync(password, salt, 32, { cost: 2 ** ln, blockSize: 8 })
  return `$scrypt$ln=${ln},r=8,p=1$${unpadded(salt)}$${unpadded(key)}`
}

const unpadded = (bytes: Buffer): string => bytes.toString('base64').replace(/=+$/, '')

/** The line of a request that brings these credentials. */
export function basic(name: string, password: string): string {
  return `Authorization: Basic ${Buffer.from(`${name}:${password}`).toString('base64')}\r\n`
}
