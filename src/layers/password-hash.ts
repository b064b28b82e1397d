/**
 * Passwords and what is kept of them: a scrypt hash (RFC 7914) in the form
 * `$scrypt$ln=14,r=8,p=1$SALT$HASH`, where ln is the power of two that is the cost and salt and hash are base64
 * without padding.
 * Strategy: hashing is slow on purpose, so it happens off the main thread and one at a time for the whole process:
 * whoever sends random passwords gets one thread busy and no more. The others wait in a line of bounded length, in
 * which one client has few places.
 */
import { scrypt, timingSafeEqual } from 'node:crypto'
import { guarded, tellBug } from '../net/bugs.ts'

export interface PasswordHash {
  /** The cost is 2 to this power. */
  readonly ln: number
  readonly r: number
  readonly p: number
  readonly salt: Buffer
  readonly hash: Buffer
}

/** Memory that one hashing may take: 128 · r · 2^ln bytes. */
const HASHING_BYTES_MAX = 128 * 1024 * 1024
const PARALLEL_MAX = 16
const SALT_BYTES_MIN = 8
const SALT_BYTES_MAX = 64
const HASH_BYTES_MIN = 16
const HASH_BYTES_MAX = 64

const FORM = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/

/** Throws Error, which does not tell the text. */
export function parsePasswordHash(text: string): PasswordHash {
  const match = FORM.exec(text)
  if (match === null) throw new Error('a hash is written $scrypt$ln=14,r=8,p=1$SALT$HASH')
  const [ln, r, p] = match.slice(1, 4).map(Number)
  const [salt, hash] = match.slice(4).map(each => Buffer.from(each, 'base64'))
  if (ln < 1 || r < 1 || p < 1 || p > PARALLEL_MAX || 128 * r * 2 ** ln > HASHING_BYTES_MAX)
    throw new Error(
      `the cost of a hash is too high or none: 128 · r · 2^ln is at most ${HASHING_BYTES_MAX}, p at most ${PARALLEL_MAX}`,
    )
  // RFC 7914 §2: the cost is below 2^(128 · r / 8).
  if (ln >= 16 * r) throw new Error('the cost of a hash is too high for its r: ln is less than 16 · r')
  if (salt.length < SALT_BYTES_MIN || salt.length > SALT_BYTES_MAX)
    throw new Error(`the salt of a hash has ${SALT_BYTES_MIN} to ${SALT_BYTES_MAX} bytes`)
  if (hash.length < HASH_BYTES_MIN || hash.length > HASH_BYTES_MAX)
    throw new Error(`a hash has ${HASH_BYTES_MIN} to ${HASH_BYTES_MAX} bytes`)
  return { ln, r, p, salt, hash }
}

/** Hashings of the whole process at one time: what is done at once is taken from other work of as many cores. */
const HASHINGS_AT_ONCE_MAX = 1
/** Hashings that may wait for their turn, of all clients and of one. */
const HASHINGS_WAITING_MAX = 64
const HASHINGS_WAITING_PER_CLIENT_MAX = 8

/** One password that is to be checked. */
export interface HashCheck {
  readonly password: string
  readonly expected: PasswordHash
  /** Who asks first, for the share of the line that is his. */
  readonly client: string
  /** False: nobody waits for the result any more, so it is not found out. */
  readonly wanted: boolean
  /** Called once; with false too when it was not found out. */
  done(right: boolean): void
}

let running = 0
let waiting: HashCheck[] = []

/** Takes its turn, then calls `done` once, later. False: the line is full, and nothing will be called. */
export function checkPassword(check: HashCheck): boolean {
  if (running < HASHINGS_AT_ONCE_MAX) {
    start(check)
    return true
  }
  if (waiting.length >= HASHINGS_WAITING_MAX) dropUnwanted()
  if (waiting.length >= HASHINGS_WAITING_MAX || !hasShare(check.client)) return false
  waiting.push(check)
  return true
}

function dropUnwanted(): void {
  const dropped = waiting.filter(check => !check.wanted)
  waiting = waiting.filter(check => check.wanted)
  for (const check of dropped) check.done(false)
}

/** Clients on a unix socket have no address to tell them apart by. */
function hasShare(client: string): boolean {
  if (client === '') return true
  const own = waiting.filter(check => check.client === client && check.wanted)
  return own.length < HASHINGS_WAITING_PER_CLIENT_MAX
}

function start(check: HashCheck): void {
  const { ln, r, p, salt, hash } = check.expected
  const cost = 2 ** ln
  // Node asks for a little more than 128 · r · cost.
  const options = { cost, blockSize: r, parallelization: p, maxmem: 128 * r * (cost + p + 2) }
  scrypt(check.password, salt, hash.length, options, (error, key) => {
    running--
    next()
    if (error !== null) tellBug(error)
    guarded(() => check.done(error === null && timingSafeEqual(key, hash)))
  })
  running++
}

function next(): void {
  while (running < HASHINGS_AT_ONCE_MAX) {
    const check = waiting.shift()
    if (check === undefined) return
    if (check.wanted) start(check)
    else guarded(() => check.done(false))
  }
}
