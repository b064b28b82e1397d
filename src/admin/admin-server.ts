/**
 * The admin endpoint: JSON over HTTP for people and programs on this machine, served by the supervisor.
 * Strategy: this is not the data path, so it speaks HTTP by the library of Node. It trusts who connects no more than it
 * must: loopback or a unix socket only, no pages of browsers (guard.ts), little room and little time for each.
 */
import { chmodSync } from 'node:fs'
import http from 'node:http'
import { systemClock } from '../base/clock.ts'
import { type CacheQuestion, HEADS_MAX, type PurgeWish, urlParts } from '../cache/control.ts'
import type { BoundAddress } from '../net/bound-address.ts'
import { removeStaleSocket } from '../net/stale-socket.ts'
import type { ListenAddress } from '../server/options.ts'
import type { Heard } from './ask-workers.ts'
import { refusalOf } from './guard.ts'
import { entriesView, purgeView, statsView } from './views.ts'

/** Connections at once; more are turned away. */
const CONNECTIONS_MAX = 32
/** A head with a URL in it, which may be 64 KB long and is percent-encoded. */
const HEAD_BYTES_MAX = 256 * 1024
const BODY_BYTES_MAX = 128 * 1024
/** From the first byte of a request to its last. */
const REQUEST_TIMEOUT_MS = 10_000
/** How often it is looked who takes too long. */
const CHECK_INTERVAL_MS = 1000
/** Without a request, and while an answer is not taken. */
const IDLE_TIMEOUT_MS = 30_000
/** Entries in an answer, unless the question says how many. */
export const COUNT_USUAL = 1000

export type AskCaches = (question: CacheQuestion) => Promise<Heard>

/** What is answered: an object, or why not. */
interface Answer {
  readonly status: number
  readonly body: object
  /** Methods that would do (RFC 9110 §15.5.6). */
  readonly allow?: string
}

/** What there is, for who asks for nothing. */
const CONTENTS = {
  'GET /cache/stats': 'entries and bytes of each cache, worker by worker',
  'GET /cache/entries?prefix=URL&count=N': 'what is stored, or what of it begins with a URL',
  'GET /cache/entry?url=URL': 'all variants of one resource, with their fields',
  'POST /cache/purge':
    '{ "url": URL }, { "prefix": URL }, { "tag": TAG } or { "all": true }; "soft": true makes stale',
}

export class AdminServer {
  readonly address: ListenAddress
  /** With the port that was found. */
  readonly bound: BoundAddress
  readonly #server: http.Server

  private constructor(address: ListenAddress, bound: BoundAddress, server: http.Server) {
    this.address = address
    this.bound = bound
    this.#server = server
  }

  /** Rejects with the system's error. */
  static async listen(
    address: ListenAddress,
    ask: AskCaches,
    { requestTimeoutMs = REQUEST_TIMEOUT_MS, checkIntervalMs = CHECK_INTERVAL_MS } = {},
  ): Promise<AdminServer> {
    if (address.kind === 'unix') await removeStaleSocket(address.path)
    const server = http.createServer({
      maxHeaderSize: HEAD_BYTES_MAX,
      headersTimeout: requestTimeoutMs,
      requestTimeout: requestTimeoutMs,
      connectionsCheckingInterval: checkIntervalMs,
    })
    server.maxConnections = CONNECTIONS_MAX
    // Else one connection asks a thousand questions at once, and takes none of the answers.
    server.maxRequestsPerSocket = 1
    server.timeout = IDLE_TIMEOUT_MS
    server.on('request', (request, response) => void serve(request, response, ask))
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      const where =
        address.kind === 'unix' ? { path: address.path } : { host: address.host, port: address.port }
      // Nobody else may connect either in the moment before its mode is set below.
      const before = process.umask(0o177)
      server.listen(where, resolve)
      process.umask(before)
    })
    // Out of file descriptors, for example: whoever asked asks again.
    server.on('error', () => {})
    if (address.kind === 'unix') {
      // Only the user who runs the program.
      chmodSync(address.path, 0o600)
      return new AdminServer(address, address, server)
    }
    const { port } = server.address() as { port: number }
    return new AdminServer(address, { ...address, port }, server)
  }

  /** Removes the file of a unix socket too. */
  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }
}

async function serve(
  request: http.IncomingMessage,
  response: http.ServerResponse,
  ask: AskCaches,
): Promise<void> {
  let answer: Answer
  try {
    answer = await answerTo(request, ask)
  } catch (error) {
    answer = fault(500, (error as Error).message)
  }
  const body = Buffer.from(`${JSON.stringify(answer.body)}\n`)
  response.writeHead(answer.status, {
    'Content-Type': 'application/json',
    'Content-Length': body.length,
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    ...(answer.allow === undefined ? {} : { Allow: answer.allow }),
    // What is left of a body is not read, and a connection asks once.
    Connection: 'close',
  })
  response.end(body)
}

const fault = (status: number, error: string): Answer => ({ status, body: { error } })

async function answerTo(request: http.IncomingMessage, ask: AskCaches): Promise<Answer> {
  const { method = '', headersDistinct: fields } = request
  const refusal = refusalOf({ method, fields })
  if (refusal !== null) return { ...fault(refusal.status, refusal.words), allow: refusal.allow }
  const target = URL.parse(request.url ?? '/', 'http://localhost')
  if (target === null) return fault(400, 'this is not a target of a request: see GET /')
  const { pathname, searchParams } = target
  if (pathname === '/cache/purge') {
    if (method !== 'POST') return { ...fault(405, 'reading is GET, purging is POST'), allow: 'POST' }
    const text = await bodyOf(request)
    return text === null
      ? fault(413, `a question has at most ${BODY_BYTES_MAX} bytes`)
      : await answered(() => purgeQuestion(text), ask)
  }
  if (method !== 'GET') return { ...fault(405, 'only /cache/purge takes POST'), allow: 'GET' }
  const make = QUESTIONS[pathname]
  if (make !== undefined) return await answered(() => make(searchParams), ask)
  if (pathname === '/') return { status: 200, body: CONTENTS }
  return fault(404, `there is no ${pathname}: see GET /`)
}

const QUESTIONS: Readonly<Record<string, (query: URLSearchParams) => CacheQuestion>> = {
  '/cache/stats': () => ({ ask: 'stats' }),
  '/cache/entries': query => {
    const prefix = query.get('prefix')
    return {
      ask: 'list',
      prefix: prefix === null ? null : urlParts(prefix),
      countMax: countOf(query.get('count')),
    }
  },
  '/cache/entry': query => {
    const url = query.get('url')
    if (url === null) throw new RangeError('url is missing: write /cache/entry?url=http://host:port/path')
    return { ask: 'show', url: urlParts(url) }
  },
}

function countOf(written: string | null): number {
  const count = Number(written ?? COUNT_USUAL)
  if (Number.isSafeInteger(count) && count >= 1 && count <= HEADS_MAX) return count
  throw new RangeError(`count is a number from 1 to ${HEADS_MAX}`)
}

/** @throws RangeError whose message says what to write instead. */
export function purgeQuestion(text: string): CacheQuestion {
  let given: Record<string, unknown>
  try {
    given = JSON.parse(text)
  } catch {
    throw new RangeError('this is not JSON: send for example {"url":"http://host:port/path"}')
  }
  const known = ['url', 'prefix', 'tag', 'all', 'soft']
  const isObject = typeof given === 'object' && given !== null && !Array.isArray(given)
  const names = isObject ? Object.keys(given) : []
  const unknown = names.find(name => !known.includes(name))
  if (unknown !== undefined)
    throw new RangeError(`${JSON.stringify(unknown)} is not known here: there are ${known.join(', ')}`)
  const { soft = false } = isObject ? given : {}
  if (typeof soft !== 'boolean') throw new RangeError('soft is true or false')
  const wishes = names.filter(name => name !== 'soft')
  if (wishes.length !== 1) throw new RangeError('say what to purge: one of url, prefix, tag, all')
  return { ask: 'purge', what: wishOf(wishes[0], given[wishes[0]]), soft }
}

function wishOf(kind: string, value: unknown): PurgeWish {
  if (kind === 'all') {
    if (value !== true) throw new RangeError('all is true, or left out')
    return { kind }
  }
  if (typeof value !== 'string' || value === '') throw new RangeError(`${kind} is a text`)
  if (kind === 'tag') return { kind, tag: value }
  return { kind: kind as 'url' | 'prefix', url: urlParts(value) }
}

async function answered(make: () => CacheQuestion, ask: AskCaches): Promise<Answer> {
  let question: CacheQuestion
  try {
    question = make()
  } catch (error) {
    if (error instanceof RangeError) return fault(400, error.message)
    throw error
  }
  const heard = await ask(question)
  if (heard.workers.length === 0) return fault(503, 'no worker answers: see what the program says on stderr')
  if (heard.workers.every(({ caches }) => caches.length === 0))
    return fault(404, 'no route has a cache: write layers: [cache()] into the config, or start with --cache')
  return { status: 200, body: viewOf(question, heard) }
}

function viewOf(question: CacheQuestion, heard: Heard): object {
  switch (question.ask) {
    case 'stats':
      return statsView(heard)
    case 'list':
      return entriesView(heard, systemClock.wallMs(), question.countMax)
    case 'show':
      return entriesView(heard, systemClock.wallMs(), HEADS_MAX)
    case 'purge':
      return purgeView(heard)
  }
}

/** Null when it is too long; what comes after that is not read. */
async function bodyOf(request: http.IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    bytes += chunk.length
    if (bytes > BODY_BYTES_MAX) return null
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}
