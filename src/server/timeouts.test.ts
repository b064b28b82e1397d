/** Every deadline of an exchange, on a clock that is told what time it is. */
import assert from 'node:assert/strict'
import {
  conversation,
  DATE,
  GET,
  GET_PASSED,
  OK,
  OK_PASSED,
  VIA,
  warmsUp,
} from '../../test/support/playbook.ts'

const POST = ['POST / HTTP/1.1', 'Host: shop', 'Content-Length: 6'] as const

// Deadlines may be late by a tick of 50 ms, and early by as much.
const EARLIER_MS = -100
const LATER_MS = 200

conversation('a head that does not come in time: 408', {}, ({ book, client }) => {
  client.sends('GET / HTTP/1.1', '')
  // Single bytes do not move the limit.
  book.passes(15_000)
  client.sends('Host: ')
  book.passes(15_000 + EARLIER_MS)
  client.getsNothing()
  book.passes(LATER_MS)
  client.getsError('client_head_timeout')
  client.isEnded()
  book.passes(2_100)
  client.isGone()
})

conversation('the same for a later request on the connection', {}, cast => {
  const { book, client } = cast
  warmsUp(cast)
  book.passes(60_000)
  client.sends('G')
  book.passes(30_000 + EARLIER_MS)
  client.getsNothing()
  book.passes(LATER_MS)
  client.getsError('client_head_timeout')
})

conversation('and for one that was read ahead', {}, ({ book, client, servers }) => {
  client.sends(...GET, 'GET /2')
  client.connection.take()
  const server = servers.accepts()
  server.gets(...GET_PASSED)
  book.passes(40_000)
  server.sends(...OK)
  client.gets(...OK_PASSED)
  book.passes(30_000 + EARLIER_MS)
  client.getsNothing()
  book.passes(LATER_MS)
  client.getsError('client_head_timeout')
})

conversation('a client that never says anything: closed without a word', {}, ({ book, client }) => {
  book.passes(30_000 + EARLIER_MS)
  client.isConnected()
  book.passes(LATER_MS)
  client.getsNothing()
  client.isEnded()
  book.passes(2_100)
  client.isGone()
})

conversation('an idle connection: closed without a word', {}, cast => {
  const { book, client } = cast
  warmsUp(cast)
  book.passes(75_000 + EARLIER_MS)
  client.isConnected()
  book.passes(LATER_MS)
  client.getsNothing()
  client.isEnded()
})

conversation('a request body that stops coming: 408', {}, ({ book, client, servers }) => {
  client.sends(...POST, '', 'a')
  const server = servers.accepts()
  server.gets(...POST, VIA, '', 'a')
  book.passes(50_000)
  client.sends('b')
  server.gets('b')
  book.passes(60_000 + EARLIER_MS)
  client.getsNothing()
  book.passes(LATER_MS)
  client.getsError('client_body_timeout')
  client.isEnded()
  server.isGone()
})

conversation('a body that nobody wants and that stops coming', {}, ({ book, client, servers }) => {
  client.sends(...POST, '', 'a')
  servers.refuses()
  client.getsError('connect_refused')
  book.passes(60_000 + EARLIER_MS)
  client.isConnected()
  book.passes(LATER_MS)
  client.isGone('reset')
})

conversation('a server that does not accept: 504', {}, ({ book, client, servers }) => {
  client.sends(...GET)
  book.passes(5_000 + EARLIER_MS)
  assert.deepEqual(servers.asked, ['10.0.0.1:8000'])
  book.passes(LATER_MS)
  client.getsError('connect_timeout')
  client.isConnected()
  assert.deepEqual(servers.asked, [])
})

conversation('a server that does not answer: 504', {}, ({ book, client, servers }) => {
  client.sends(...GET)
  const server = servers.accepts()
  server.gets(...GET_PASSED)
  book.passes(60_000 + EARLIER_MS)
  server.isConnected()
  book.passes(LATER_MS)
  client.getsError('upstream_head_timeout')
  client.isConnected()
  server.isGone()
})

conversation('an interim answer is a sign of life', {}, ({ book, client, servers }) => {
  client.sends(...GET)
  const server = servers.accepts()
  server.gets(...GET_PASSED)
  book.passes(50_000)
  server.sends('HTTP/1.1 102 Processing', '', '')
  client.gets('HTTP/1.1 102 Processing', '', '')
  book.passes(50_000)
  server.sends(...OK)
  client.gets(...OK_PASSED)
})

conversation(
  'the time for the answer begins when the request is complete',
  {},
  ({ book, client, servers }) => {
    client.sends(...POST, '', 'ab')
    const server = servers.accepts()
    server.gets(...POST, VIA, '', 'ab')
    book.passes(50_000)
    client.sends('cd')
    book.passes(50_000)
    client.sends('ef')
    server.gets('cdef')
    book.passes(60_000 + EARLIER_MS)
    client.getsNothing()
    book.passes(LATER_MS)
    client.getsError('upstream_head_timeout')
  },
)

conversation('an answer that stops in its middle', {}, ({ book, client, servers }) => {
  client.sends(...GET)
  const server = servers.accepts()
  server.gets(...GET_PASSED)
  server.sends('HTTP/1.1 200 OK', 'Content-Length: 6', '', 'ab')
  client.gets('HTTP/1.1 200 OK', 'Content-Length: 6', VIA, DATE, '', 'ab')
  book.passes(50_000)
  server.sends('cd')
  client.gets('cd')
  book.passes(60_000 + EARLIER_MS)
  client.isConnected()
  book.passes(LATER_MS)
  client.getsNothing()
  client.isGone()
  server.isGone()
})

conversation('a server that stops reading the request: 504', {}, ({ book, client, servers }) => {
  client.sends(...POST, '', '')
  const server = servers.accepts()
  server.gets(...POST, VIA, '', '')
  server.stopsReading()
  client.sends('abc')
  server.gets('abc')
  book.passes(60_000 + EARLIER_MS)
  client.getsNothing()
  book.passes(LATER_MS)
  client.getsError('upstream_write_timeout')
  server.isGone()
  client.isConnected()
  client.isRead()
})

conversation('a client that stops reading the answer', {}, ({ book, client, servers }) => {
  client.sends(...GET)
  const server = servers.accepts()
  server.gets(...GET_PASSED)
  client.stopsReading()
  server.sends('HTTP/1.1 200 OK', 'Content-Length: 6', '', 'ab')
  client.takes()
  book.passes(60_000 + EARLIER_MS)
  server.isConnected()
  book.passes(LATER_MS)
  client.isGone('reset')
  server.isGone()
  assert.equal(book.records[0].error, 'client_stalled')
})

conversation(
  'a request that waits too long for a connection: 503',
  { group: { connectionsMax: 1 } },
  cast => {
    const { book, client, servers } = cast
    client.sends(...GET)
    const server = servers.accepts()
    server.gets(...GET_PASSED)
    const second = book.connects()
    second.sends(...GET)
    book.passes(10_000 + EARLIER_MS)
    second.getsNothing()
    book.passes(LATER_MS)
    second.getsError('queue_timeout')
    second.isConnected()
    server.sends(...OK)
    client.gets(...OK_PASSED)
  },
)

conversation('an idle connection to a server is closed', {}, cast => {
  const server = warmsUp(cast)
  cast.book.passes(4_000 + EARLIER_MS)
  server.isConnected()
  cast.book.passes(LATER_MS)
  server.isGone()
})

// timeout=N: we are to be quicker than the server, by a second or half of it.
const KEEP_ALIVE: readonly [field: string, keptMs: number][] = [
  ['timeout=2', 1_000],
  ['max=5, timeout=3', 2_000],
  ['Timeout=1;max=2', 500],
  ['timeout=600', 4_000],
  ['timeout=x', 4_000],
]

for (const [field, keptMs] of KEEP_ALIVE)
  conversation(`Keep-Alive: ${field} is kept for ${keptMs} ms`, {}, ({ book, client, servers }) => {
    client.sends(...GET)
    const server = servers.accepts()
    server.gets(...GET_PASSED)
    server.sends('HTTP/1.1 200 OK', `Keep-Alive: ${field}`, 'Content-Length: 2', '', 'hi')
    client.gets(...OK_PASSED)
    book.passes(keptMs + EARLIER_MS)
    server.isConnected()
    book.passes(LATER_MS)
    server.isGone()
  })

conversation('Keep-Alive: timeout=0 is not kept at all', {}, ({ client, servers }) => {
  client.sends(...GET)
  const server = servers.accepts()
  server.gets(...GET_PASSED)
  server.sends('HTTP/1.1 200 OK', 'Keep-Alive: timeout=0', 'Content-Length: 2', '', 'hi')
  client.gets(...OK_PASSED)
  server.isGone()
})
