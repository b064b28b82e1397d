/**
 * Asks one server again and again how it is: a connection of its own each time, a request if there is a path, and what
 * the answer has to be. The next check begins an interval after the last one began, and never before that one is over.
 */
import { ProxyError } from '../base/errors.ts'
import { formatDuration } from '../base/units.ts'
import { BodyDecoder } from '../http1/body-decoder.ts'
import { responseFraming } from '../http1/framing.ts'
import { parseResponseHead } from '../http1/head-parser.ts'
import { LIMITS } from '../http1/limits.ts'
import type { Connection, ConnectionUser } from '../net/connection.ts'
import { type Deadline, NEVER } from '../net/deadlines.ts'
import { Resolver } from '../net/resolve.ts'
import { Connecting, type ConnectServices } from './connect.ts'
import type { CheckOptions, ServerAddress } from './options.ts'

/** Bytes of an answer, head and body, that are looked at. */
export const CHECK_BYTES_MAX = 65_536
/** Of the interval, more or less by chance, so that many proxies do not ask at one moment. */
const JITTER = 0.1

export class ServerCheck implements Deadline {
  dueMs = NEVER
  #address: ServerAddress
  #options: CheckOptions
  #services: ConnectServices
  #resolver: Resolver
  /** Gets null when all was well, else what was wrong. */
  #report: (fault: string | null) => void
  #running: { cancel(): void } | null = null
  #nextMs = 0
  #closed = false

  constructor(
    address: ServerAddress,
    options: CheckOptions,
    resolveTtlMs: number,
    services: ConnectServices,
    report: (fault: string | null) => void,
  ) {
    this.#address = address
    this.#options = options
    this.#services = services
    this.#report = report
    this.#resolver = new Resolver(address.host, resolveTtlMs)
  }

  /** The first check begins at once. */
  start(): void {
    if (this.#closed) return
    this.#services.deadlines.add(this)
    this.#begin()
  }

  close(): void {
    this.#closed = true
    this.#services.deadlines.remove(this)
    this.#running?.cancel()
    this.#running = null
  }

  expired(): void {
    if (this.#running === null) this.#begin()
    else {
      this.#running.cancel()
      this.#over(`no answer within ${formatDuration(this.#options.timeoutMs)}`)
    }
  }

  #begin(): void {
    const { deadlines } = this.#services
    const { intervalMs, timeoutMs } = this.#options
    this.#nextMs = deadlines.in(intervalMs * (1 - JITTER + 2 * JITTER * Math.random()))
    this.dueMs = deadlines.in(timeoutMs)
    const connecting = new Connecting(
      this.#address,
      this.#resolver,
      // Our own deadline is the one that counts.
      NEVER,
      this.#services,
      (error, connection) => {
        if (error !== null) this.#over(`${error.code}${error.detail === '' ? '' : ` (${error.detail})`}`)
        else if (connection !== null) this.#ask(connection)
      },
    )
    // A connection that failed or came at once has been dealt with already.
    if (this.#running === null && this.dueMs !== this.#nextMs) this.#running = connecting
  }

  #ask(connection: Connection): void {
    if (this.#options.path === null) {
      connection.destroy()
      this.#over(null)
      return
    }
    this.#running = new Asking(connection, this.#address, this.#options, fault => this.#over(fault))
  }

  #over(fault: string | null): void {
    this.#running = null
    if (this.#closed) return
    this.dueMs = this.#nextMs
    this.#report(fault)
  }
}

/** One request and the look at its answer. */
class Asking implements ConnectionUser {
  #connection: Connection
  #options: CheckOptions
  #done: ((fault: string | null) => void) | null
  #bytes = Buffer.alloc(0)

  constructor(
    connection: Connection,
    address: ServerAddress,
    options: CheckOptions,
    done: (fault: string | null) => void,
  ) {
    this.#connection = connection
    this.#options = options
    this.#done = done
    connection.user = this
    connection.text(checkRequest(address, options))
  }

  cancel(): void {
    this.#done = null
    this.#connection.destroy()
  }

  bytes(chunk: Buffer): void {
    if (this.#done === null) return
    this.#bytes = Buffer.concat([this.#bytes, chunk])
    this.#look(false)
  }

  ended(): void {
    this.#look(true)
  }

  drained(): void {}

  closed(error: NodeJS.ErrnoException | null): void {
    this.#end(`the connection broke${error?.code === undefined ? '' : ` (${error.code})`}`)
  }

  /** `last`: nothing more will come. */
  #look(last: boolean): void {
    let verdict: Verdict
    try {
      verdict = judgeAnswer(this.#bytes, this.#options, last)
    } catch (error) {
      if (!(error instanceof ProxyError)) throw error
      verdict = `its answer is not valid HTTP: ${error.message}`
    }
    if (verdict === 'more' && this.#bytes.length > CHECK_BYTES_MAX)
      verdict = `not found in the first ${CHECK_BYTES_MAX} bytes of its answer: ${JSON.stringify(this.#options.body)}`
    if (verdict !== 'more') this.#end(verdict === 'fine' ? null : verdict)
  }

  #end(fault: string | null): void {
    const done = this.#done
    this.#done = null
    this.#connection.destroy()
    done?.(fault)
  }
}

/** 'more': it cannot be said yet; else what is wrong. */
type Verdict = 'fine' | 'more' | (string & {})

/** What the bytes of an answer so far say. Throws ProxyError when they are not HTTP. */
export function judgeAnswer(bytes: Buffer, options: CheckOptions, last: boolean): Verdict {
  for (let at = 0; ; ) {
    const head = parseResponseHead(bytes, at, bytes.length, LIMITS)
    if (head === null) return last ? 'the connection ended without an answer' : 'more'
    at += head.bytes
    if (head.status < 200) continue
    if (!statusFits(head.status, options.statuses))
      return `status ${head.status} instead of ${statusWords(options.statuses)}`
    if (options.body === '') return 'fine'
    const pieces: Buffer[] = []
    const decoder = new BodyDecoder(LIMITS)
    decoder.start(responseFraming(head, options.method))
    decoder.feed(bytes, at, { data: piece => pieces.push(piece) > 0, trailers() {} })
    if (Buffer.concat(pieces).includes(options.body)) return 'fine'
    return last || decoder.done ? `its body does not hold ${JSON.stringify(options.body)}` : 'more'
  }
}

const statusFits = (status: number, wanted: readonly number[]): boolean =>
  wanted.includes(status) || wanted.includes(Math.floor(status / 100))

const statusWords = (wanted: readonly number[]): string =>
  wanted.map(each => (each < 10 ? `${each}xx` : String(each))).join(' or ')

const WITH_BODY: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH'])

function checkRequest(address: ServerAddress, options: CheckOptions): string {
  const own = address.unixPath === '' ? address.label : 'localhost'
  const lines = [
    `${options.method} ${address.basePath}${options.path} HTTP/1.1`,
    `Host: ${options.host ?? own}`,
    ...Object.entries(options.headers).map(([name, value]) => `${name}: ${value}`),
    // RFC 9110 §8.6: a method with a body says how long it is, also when there is none.
    ...(WITH_BODY.has(options.method) ? ['Content-Length: 0'] : []),
    'Connection: close',
  ]
  return `${lines.join('\r\n')}\r\n\r\n`
}
