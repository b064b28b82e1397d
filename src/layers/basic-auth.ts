/**
 * The layer that asks for a user name and a password: Basic authentication (RFC 7617, RFC 9110 §11).
 * Strategy: credentials that were right once are remembered by a keyed digest of what the client sends, so a request
 * costs one digest and one look-up. Others are checked against a hash, off the main thread; the exchange waits with
 * its body unread, and those that bring the same credentials wait together. A name that is not known is checked
 * against the hash of somebody else, so that the time tells nothing.
 */
import { hash, randomBytes, timingSafeEqual } from 'node:crypto'
import { ProxyError } from '../base/errors.ts'
import type { Exchange, Serving } from '../exchange/exchange.ts'
import type { Handler, Layer } from '../exchange/handler.ts'
import type { HeaderList } from '../http/header-list.ts'
import { tellBug } from '../net/bugs.ts'
import { checkPassword, type HashCheck, type PasswordHash, parsePasswordHash } from './password-hash.ts'

export interface BasicAuthOptions {
  /** What the browser shows beside its question; printable ASCII. */
  readonly realm: string
  /** Name → `$scrypt$…` or the password itself. */
  readonly users: ReadonlyMap<string, string>
  /** Give the Authorization field to the next handler too. */
  readonly passOn?: boolean
}

export const BASIC_AUTH_DEFAULTS = { realm: 'restricted', passOn: false } as const

/** Credentials remembered as right. Only right ones get in, so it is the number of users that fills it. */
const REMEMBERED_MAX = 10_000
/** Characters of credentials that are looked at; longer ones are wrong. */
const CREDENTIALS_CHARS_MAX = 1024

/** Throws Error, with a message for the writer of the configuration, which never tells a password. */
export function basicAuthLayer(options: BasicAuthOptions): Layer {
  const users = new Users(options.users)
  const challenge = challengeOf(options.realm)
  return next => new BasicAuthHandler(users, challenge, options.passOn === true, next)
}

function challengeOf(realm: string): string {
  if (!/^[ -~]*$/.test(realm)) throw new Error('basicAuth: realm: only printable ASCII can be sent')
  // RFC 7617 §2.1: charset tells browsers to send names and passwords in UTF-8.
  return `Basic realm="${realm.replace(/["\\]/g, '\\$&')}", charset="UTF-8"`
}

/** What is known of a user's password: its hash, or (written in plain) a keyed digest of it. */
type Secret = PasswordHash | { readonly digest: string }

class Users {
  readonly #key = randomBytes(32).toString('base64')
  readonly #secrets: ReadonlyMap<string, Secret>
  readonly #list: readonly Secret[]

  constructor(users: ReadonlyMap<string, string>) {
    if (users.size === 0) throw new Error('basicAuth: nobody could get in: name users or a file')
    this.#secrets = new Map(Array.from(users, ([name, text]) => [nfc(name), this.#read(name, text)]))
    this.#list = [...this.#secrets.values()]
  }

  #read(name: string, text: string): Secret {
    const who = `basicAuth: user ${JSON.stringify(name)}`
    // RFC 7617 §2: the first colon ends the name; neither part holds control characters.
    if (name === '' || /[:\p{Cc}]/u.test(name)) throw new Error(`${who}: a name has no colon in it`)
    if (text === '' || /\p{Cc}/u.test(text))
      throw new Error(`${who}: the password is empty or has control characters`)
    if (isOtherHash(text)) throw new Error(`${who}: only hashes that begin with $scrypt$ are known`)
    if (!text.startsWith('$scrypt$')) return { digest: this.digest(nfc(text)) }
    try {
      return parsePasswordHash(text)
    } catch (error) {
      throw new Error(`${who}: ${(error as Error).message}`)
    }
  }

  /**
   * Different in every layer and every run, so that nothing can be learnt from it or made to collide. The key of
   * fixed length stands in front; nobody sees a digest, so that it could be lengthened does not matter.
   */
  digest(text: string): string {
    return hash('sha256', this.#key + text, 'base64')
  }

  has(name: string): boolean {
    return this.#secrets.has(name)
  }

  /** That of another, always the same one, for a name that nobody has: it takes as long as for one that somebody has. */
  secretFor(name: string): Secret {
    const own = this.#secrets.get(name)
    const other = this.#list[Buffer.from(this.digest(name), 'base64').readUInt32LE() % this.#list.length]
    return own ?? other
  }
}

/** `$2y$…`, `$apr1$…`, `{SHA}…`: the hashes of htpasswd files, which would else be taken for passwords. */
const isOtherHash = (text: string): boolean =>
  !text.startsWith('$scrypt$') && /^(?:\$[a-z0-9-]+\$|\{[A-Z0-9]+\})/i.test(text)

/** RFC 7617 §2.1 and RFC 8265: names and passwords are compared in this form. */
const nfc = (text: string): string => text.normalize('NFC')

class BasicAuthHandler implements Handler {
  readonly #users: Users
  readonly #challenge: string
  readonly #passOn: boolean
  readonly #next: Handler
  /** Digest of right credentials → name. */
  readonly #right = new Map<string, string>()
  /** Digest of credentials that are being checked → who waits for it. */
  readonly #checks = new Map<string, CredentialsCheck>()

  constructor(users: Users, challenge: string, passOn: boolean, next: Handler) {
    this.#users = users
    this.#challenge = challenge
    this.#passOn = passOn
    this.#next = next
  }

  handle(exchange: Exchange): void {
    const token = credentialsToken(exchange.request.headers)
    if (token === null) {
      this.#refuse(exchange, 'credentials_missing')
      return
    }
    const digest = this.#users.digest(token)
    const name = this.#right.get(digest)
    if (name !== undefined) this.#admit(exchange, name)
    else this.#check(exchange, token, digest)
  }

  #admit(exchange: Exchange, name: string): void {
    exchange.notes.user = name
    // The password is for us; a server that wants it too has to be meant.
    if (!this.#passOn) exchange.request.headers.remove('Authorization')
    this.#next.handle(exchange)
  }

  #refuse(exchange: Exchange, code: 'credentials_missing' | 'credentials_wrong'): void {
    // RFC 9110 §15.5.2: a 401 carries a challenge.
    exchange.reply.fail(new ProxyError(code, '', { fields: [['WWW-Authenticate', this.#challenge]] }))
  }

  #check(exchange: Exchange, token: string, digest: string): void {
    const credentials = decode(token)
    if (credentials === null) {
      this.#refuse(exchange, 'credentials_wrong')
      return
    }
    const { name, password } = credentials
    const known = this.#users.has(name)
    // A name that is not known may be a password in the wrong place, which no log shall hold.
    if (known) exchange.notes.user = name
    const secret = this.#users.secretFor(name)
    if ('digest' in secret) {
      const right = timingSafeEqual(Buffer.from(this.#users.digest(password)), Buffer.from(secret.digest))
      this.#settle(exchange, digest, known && right ? name : null)
      return
    }
    const running = this.#checks.get(digest)
    if (running !== undefined) {
      running.join(exchange)
      return
    }
    const settle = (waiters: readonly Waiter[], right: boolean): void => {
      this.#checks.delete(digest)
      for (const waiter of waiters) this.#resume(waiter, digest, known && right ? name : null)
    }
    const check = new CredentialsCheck(password, secret, exchange.clientAddress, settle)
    if (checkPassword(check)) {
      this.#checks.set(digest, check)
      check.join(exchange)
    } else exchange.reply.fail(new ProxyError('credentials_queue_full'))
  }

  /** `name`: whose credentials they are, or null. */
  #settle(exchange: Exchange, digest: string, name: string | null): void {
    if (name === null) {
      this.#refuse(exchange, 'credentials_wrong')
      return
    }
    if (this.#right.size >= REMEMBERED_MAX) this.#right.delete(this.#right.keys().next().value as string)
    this.#right.set(digest, name)
    this.#admit(exchange, name)
  }

  /** Nobody is above us here: what the next handler throws has to become an answer. */
  #resume(waiter: Waiter, digest: string, name: string | null): void {
    if (waiter.over) return
    const { exchange } = waiter
    exchange.serving = null
    try {
      this.#settle(exchange, digest, name)
    } catch (error) {
      if (!(error instanceof ProxyError)) tellBug(error)
      exchange.reply.fail(error instanceof ProxyError ? error : new ProxyError('internal'))
    }
  }
}

/** An exchange that waits for its credentials to be checked. */
class Waiter implements Serving {
  readonly exchange: Exchange
  /** The client has left, or its request broke off. */
  over = false

  constructor(exchange: Exchange) {
    this.exchange = exchange
  }

  cancel(): void {
    this.over = true
  }
}

/** Credentials on their way to being known, and all who wait for that. */
class CredentialsCheck implements HashCheck {
  readonly password: string
  readonly expected: PasswordHash
  readonly client: string
  readonly #settle: (waiters: readonly Waiter[], right: boolean) => void
  readonly #waiters: Waiter[] = []

  constructor(
    password: string,
    expected: PasswordHash,
    client: string,
    settle: (waiters: readonly Waiter[], right: boolean) => void,
  ) {
    this.password = password
    this.expected = expected
    this.client = client
    this.#settle = settle
  }

  join(exchange: Exchange): void {
    const waiter = new Waiter(exchange)
    exchange.serving = waiter
    this.#waiters.push(waiter)
  }

  get wanted(): boolean {
    return this.#waiters.some(waiter => !waiter.over)
  }

  done(right: boolean): void {
    this.#settle(this.#waiters, right)
  }
}

/** The token68 of `Authorization: Basic …`, or null. RFC 9110 §11.6.2: there is one such field; of two, which one counts? */
function credentialsToken(headers: HeaderList): string | null {
  const fields = headers.getAll('Authorization')
  if (fields.length !== 1) return null
  const [value] = fields
  // RFC 9110 §11.1: the scheme in any case.
  if (value.length < 7 || value.slice(0, 5).toLowerCase() !== 'basic' || value[5] !== ' ') return null
  return value.slice(6).trimStart()
}

const UTF_8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Null for what is not base64 in its one spelling, not UTF-8, or has no colon. */
function decode(token: string): { name: string; password: string } | null {
  if (token.length > CREDENTIALS_CHARS_MAX) return null
  const bytes = Buffer.from(token, 'base64')
  // A second spelling of the same credentials would be one more to remember.
  if (bytes.toString('base64') !== token) return null
  let text: string
  try {
    text = nfc(UTF_8.decode(bytes))
  } catch {
    return null
  }
  const colon = text.indexOf(':')
  return colon === -1 ? null : { name: text.slice(0, colon), password: text.slice(colon + 1) }
}
