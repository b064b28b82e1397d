/**
 * Requests to servers that do anything: refuse, break, answer with faults, hang, leave. Whatever happens, a request
 * is not sent more often than it may be, and every client gets one whole answer.
 */
import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import { type Condition, GROUP_DEFAULTS, type RetryOptions } from '../../src/upstream/options.ts'
import { type Peer, Playbook, serverAddress } from '../support/playbook.ts'
import { Random } from './random.ts'

const ROUNDS = 400
const FIRST_SEED = Number(process.env['SEED'] ?? 20_261_120)
const METHODS = ['GET', 'PUT', 'POST'] as const

const requestOf = (method: string, id: number): string => {
  const body = method === 'GET' ? '' : 'body'
  return `${method} /${id} HTTP/1.1\r\nHost: a\r\n${body && 'Content-Length: 4\r\n'}\r\n${body}`
}

function retryOf(random: Random): RetryOptions {
  const on: Condition[] = ['connect', 'reset', 'timeout', 502, 503]
  return {
    attempts: 1 + random.below(4),
    again: random.once(2),
    on: new Set(on.filter(() => !random.once(4))),
    methods: 'idempotent',
    tryTimeoutMs: random.once(2) ? 300 : null,
  }
}

/** What one server does with what it got. */
function acts(server: Peer, random: Random, book: Playbook): void {
  const whole = (status: number): string => `HTTP/1.1 ${status} X\r\nContent-Length: 2\r\n\r\nhi`
  const deed = random.below(8)
  if (deed < 3) server.sends(whole(200))
  else if (deed === 3) server.sends(whole(random.of([500, 502, 503])))
  else if (deed === 4)
    server.sends('HTTP/1.1 503 X\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n')
  else if (deed === 5) server.leaves()
  else if (deed === 6) server.ends()
  else book.passes(350)
}

/** One client with one request; returns how often a server has read it. */
function plays(book: Playbook, random: Random, servers: Peer[], method: string, id: number): number {
  const client = book.connects()
  let answer = ''
  let sent = 0
  client.sends(requestOf(method, id))
  for (let step = 0; answer === ''; step++) {
    assert.ok(step < 400, 'it comes to an end')
    if (book.servers.asked.length > 0) {
      if (random.once(3)) book.servers.refuses()
      else servers.push(book.servers.accepts())
    }
    for (const server of servers) {
      const got = server.takes()
      const times = got.split(`${method} /${id} `).length - 1
      sent += times
      if (times > 0 && method !== 'GET') assert.ok(got.endsWith('body'), got)
      if (times > 0) acts(server, random, book)
    }
    answer = client.takes()
    if (answer === '') book.passes(60)
  }
  assert.match(answer, /^HTTP\/1\.1 (200|500|502|503|504) [\s\S]*\r\n\r\n[\s\S]/)
  client.leaves()
  return sent
}

test(`${ROUNDS} groups of servers that do anything`, () => {
  for (let seed = FIRST_SEED; seed < FIRST_SEED + ROUNDS; seed++) {
    const random = new Random(seed)
    const retry = retryOf(random)
    const addresses = Array.from({ length: 1 + random.below(3) }, (_, i) => serverAddress(i + 1))
    const group = { ...GROUP_DEFAULTS, servers: addresses, retry, headTimeoutMs: 1_000 }
    const book = new Playbook({ group })
    try {
      const servers: Peer[] = []
      for (let id = 0; id < 6; id++) {
        const method = random.of(METHODS)
        const sent = plays(book, random, servers, method, id)
        // A connection that turned out to be stale may have been read from all the same: once more each.
        const most = method === 'POST' ? 1 : retry.attempts * 2
        assert.ok(sent <= most, `seed ${seed}: ${method} sent ${sent} times, at most ${most}`)
        const { retried, attempts } = book.records.at(-1) ?? { retried: null, attempts: 0 }
        assert.equal(attempts, sent, `seed ${seed}: the log tells how often it was sent`)
        assert.ok(sent <= 1 + (retried?.length ?? 0), `seed ${seed}: and what failed`)
      }
      book.endsClean()
    } finally {
      mock.timers.reset()
    }
  }
})
