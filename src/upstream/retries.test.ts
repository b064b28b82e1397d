/** What is sent again, where, and what never is: conversations without sockets. */
import assert from 'node:assert/strict'
import { group, on } from '../../test/support/groups.ts'
import {
  type Cast,
  conversation,
  GET,
  GET_PASSED,
  OK,
  OK_PASSED,
  VIA,
  warmsUp,
} from '../../test/support/playbook.ts'
import { LISTENER_DEFAULTS } from '../server/options.ts'

const POST = ['POST / HTTP/1.1', 'Host: shop', 'Content-Length: 2'] as const
const PUT = ['PUT / HTTP/1.1', 'Host: shop', 'Content-Length: 6'] as const
const BUSY = ['HTTP/1.1 503 Service Unavailable', 'Content-Length: 4', '', 'busy'] as const

function retriedOf({ book }: Cast): readonly string[] | null | undefined {
  return book.records.at(-1)?.retried
}

// A connection that breaks before an answer.

for (const how of ['ends', 'leaves'] as const)
  conversation(`a GET whose server ${how} goes to the next one`, group(2), cast => {
    const { client, servers, book } = cast
    client.sends(...GET)
    const broken = servers.accepts()
    broken.gets(...GET_PASSED)
    broken[how]()
    assert.deepEqual(servers.asked, ['10.0.0.2:8000'])
    const server = servers.accepts()
    server.gets(...GET_PASSED)
    server.sends(...OK)
    client.gets(...OK_PASSED)
    assert.equal(book.records[0].attempts, 2)
    const code = how === 'ends' ? 'upstream_closed' : 'upstream_reset'
    assert.deepEqual(retriedOf(cast), [`10.0.0.1:8000 ${code}`])
  })

conversation('what is no HTTP goes to the next one too', group(2), ({ client, servers }) => {
  client.sends(...GET)
  const strange = servers.accepts()
  strange.gets(...GET_PASSED)
  strange.sends('SSH-2.0-OpenSSH_9.2', '')
  servers.accepts().gets(...GET_PASSED)
})

conversation('bytes behind an answer are nothing to try again: they may be meant to', group(2), cast => {
  const { client, servers } = cast
  client.sends(...GET)
  const server = servers.accepts()
  server.gets(...GET_PASSED)
  server.sends('HTTP/1.1 204 No Content', '', 'HTTP/1.1 200 OK')
  client.getsError('upstream_extra_bytes')
  assert.deepEqual(servers.asked, [])
})

conversation('a POST that was sent is not sent again, and the log says why', group(2), cast => {
  const { client, servers, book } = cast
  client.sends(...POST, '', 'hi')
  const server = servers.accepts()
  server.gets(...POST, VIA, '', 'hi')
  server.leaves()
  client.getsError('upstream_reset')
  assert.deepEqual(servers.asked, [])
  assert.equal(book.records[0].detail, 'ECONNRESET. Not tried again: its method is not idempotent.')
})

conversation("methods: 'all' sends it again, with its body", group(2, { methods: 'all' }), cast => {
  const { client, servers } = cast
  client.sends(...POST, '', 'hi')
  const broken = servers.accepts()
  broken.gets(...POST, VIA, '', 'hi')
  broken.leaves()
  const server = servers.accepts()
  server.gets(...POST, VIA, '', 'hi')
  server.sends(...OK)
  client.gets(...OK_PASSED)
})

conversation('a PUT whose body is still coming loses nothing of it', group(2), ({ client, servers }) => {
  client.sends(...PUT, '', 'ab')
  const broken = servers.accepts()
  broken.gets(...PUT, VIA, '', 'ab')
  broken.leaves()
  client.sends('cd')
  const server = servers.accepts()
  client.sends('ef')
  assert.equal(server.takes(), [...PUT, VIA, '', 'abcdef'].join('\r\n'))
})

conversation('three attempts: the third has the whole body as well', group(3), ({ client, servers }) => {
  client.sends(...PUT, '', 'abcdef')
  for (let attempt = 1; attempt <= 3; attempt++) {
    const server = servers.accepts()
    server.gets(...PUT, VIA, '', 'abcdef')
    server.leaves()
  }
  client.getsError('upstream_reset')
  assert.deepEqual(servers.asked, [])
})

conversation('a PUT that is too large to be kept is sent once', group(2), ({ book, client, servers }) => {
  const body = 'x'.repeat(70_000)
  client.sends('PUT / HTTP/1.1', 'Host: shop', 'Content-Length: 70000', '', body)
  const server = servers.accepts()
  assert.ok(server.takes().endsWith(body))
  server.leaves()
  client.getsError('upstream_reset')
  assert.deepEqual(servers.asked, [])
  assert.match(book.records[0].detail, /more than 65536 bytes of its body were sent/)
})

conversation('not once something of the answer has gone on', group(2), ({ client, servers }) => {
  client.sends(...GET)
  const server = servers.accepts()
  server.gets(...GET_PASSED)
  server.sends('HTTP/1.1 200 OK', 'Content-Length: 9', '', 'half')
  assert.match(client.takes(), /half$/)
  server.leaves()
  client.isGone('closed')
  assert.deepEqual(servers.asked, [])
})

conversation('interim answers do not stand in the way', group(2), ({ client, servers }) => {
  client.sends(...GET)
  const broken = servers.accepts()
  broken.gets(...GET_PASSED)
  broken.sends('HTTP/1.1 103 Early Hints', 'Link: </a>', '', '')
  assert.match(client.takes(), /^HTTP\/1.1 103 /)
  broken.leaves()
  const server = servers.accepts()
  server.gets(...GET_PASSED)
  server.sends(...OK)
  client.gets(...OK_PASSED)
})

conversation('a client that left is no reason to go on', group(2), ({ client, servers }) => {
  client.sends(...GET)
  const server = servers.accepts()
  server.gets(...GET_PASSED)
  client.leaves()
  server.isGone()
  assert.deepEqual(servers.asked, [])
})

conversation('a client that leaves between two attempts ends it', group(2), ({ client, servers }) => {
  client.sends(...GET)
  const server = servers.accepts()
  server.gets(...GET_PASSED)
  server.leaves()
  assert.deepEqual(servers.asked, ['10.0.0.2:8000'])
  client.leaves()
  assert.deepEqual(servers.asked, [])
})

// How often.

conversation('on: [] tries nothing again, not even a connection', group(2, on()), ({ client, servers }) => {
  client.sends(...GET)
  servers.refuses()
  client.getsError('connect_refused')
  assert.deepEqual(servers.asked, [])
})

conversation('attempts: 1 sends it once', group(2, { attempts: 1, again: true }), ({ client, servers }) => {
  client.sends(...GET)
  servers.refuses()
  const server = servers.accepts()
  server.gets(...GET_PASSED)
  server.leaves()
  client.getsError('upstream_reset')
})

conversation('one server is asked once', group(1), ({ client, servers }) => {
  client.sends(...GET)
  const server = servers.accepts()
  server.gets(...GET_PASSED)
  server.leaves()
  client.getsError('upstream_reset')
  assert.deepEqual(servers.asked, [])
})

conversation('unless attempts are written', group(1, { attempts: 3, again: true }), cast => {
  const { client, servers } = cast
  client.sends(...GET)
  for (let attempt = 1; attempt <= 3; attempt++) {
    const server = servers.accepts()
    server.gets(...GET_PASSED)
    server.leaves()
  }
  client.getsError('upstream_reset')
  assert.deepEqual(retriedOf(cast), ['10.0.0.1:8000 upstream_reset', '10.0.0.1:8000 upstream_reset'])
})

conversation(
  'each server once, then again, but never the one that has just failed',
  group(2, { attempts: 4, again: true }),
  ({ client, servers }) => {
    client.sends(...GET)
    const asked: string[] = []
    for (let attempt = 1; attempt <= 4; attempt++) {
      asked.push(...servers.asked)
      const server = servers.accepts()
      server.gets(...GET_PASSED)
      server.leaves()
    }
    client.getsError('upstream_reset')
    assert.deepEqual(asked, ['10.0.0.1:8000', '10.0.0.2:8000', '10.0.0.1:8000', '10.0.0.2:8000'])
  },
)

conversation('a stale connection is not an attempt', group(2, { attempts: 2 }), cast => {
  const { client, servers } = cast
  const stale = warmsUp(cast)
  // The other server has its turn.
  client.sends(...GET)
  const second = servers.accepts()
  second.gets(...GET_PASSED)
  second.sends(...OK)
  client.gets(...OK_PASSED)
  client.sends(...GET)
  stale.gets(...GET_PASSED)
  stale.ends()
  const fresh = servers.accepts()
  fresh.gets(...GET_PASSED)
  fresh.leaves()
  second.gets(...GET_PASSED)
  second.sends(...OK)
  client.gets(...OK_PASSED)
  assert.deepEqual(retriedOf(cast), ['10.0.0.1:8000 upstream_closed', '10.0.0.1:8000 upstream_reset'])
})

conversation('a budget of 0 leaves what was never sent alone', group(2, {}, { retryBudget: 0 }), cast => {
  const { client, servers, book } = cast
  client.sends(...GET)
  servers.refuses()
  const server = servers.accepts()
  server.gets(...GET_PASSED)
  server.leaves()
  client.getsError('upstream_reset')
  assert.match(book.records[0].detail, /Not tried again: all servers were asked/)
  client.sends(...GET)
  const other = servers.accepts()
  other.gets(...GET_PASSED)
  other.leaves()
  client.getsError('upstream_reset')
  assert.match(book.records[1].detail, /Not tried again: the retry budget is used up/)
})

conversation('the log of a long wait is short', group(1, {}, { retryForMs: 60_000 }), cast => {
  const { client, servers, book } = cast
  client.sends(...GET)
  for (let round = 0; round < 100; round++) {
    servers.refuses()
    book.passes(100)
  }
  const server = servers.accepts()
  server.gets(...GET_PASSED)
  server.sends(...OK)
  client.gets(...OK_PASSED)
  assert.equal(retriedOf(cast)?.length, 20)
})

// By status.

conversation('a 503 that is not asked for is passed on', group(2), ({ client, servers }) => {
  client.sends(...GET)
  const server = servers.accepts()
  server.gets(...GET_PASSED)
  server.sends(...BUSY)
  assert.match(client.takes(), /^HTTP\/1.1 503 [\s\S]*busy$/)
})

conversation('a 503: another server answers, and the connection is kept', group(2, on(503)), cast => {
  const { book, client, servers } = cast
  client.sends(...GET)
  const busy = servers.accepts()
  busy.gets(...GET_PASSED)
  busy.sends(...BUSY)
  client.getsNothing()
  const server = servers.accepts()
  server.gets(...GET_PASSED)
  server.sends(...OK)
  client.gets(...OK_PASSED)
  assert.deepEqual(retriedOf(cast), ['10.0.0.1:8000 503'])
  busy.isConnected()
  assert.equal(book.group.endpoints[0].idleConnections, 1)
  assert.equal(book.group.endpoints[0].busy, 0)
})

conversation('the last 503 is passed on as it is', group(2, on(503)), ({ client, servers }) => {
  client.sends(...GET)
  for (const name of ['first', 'second']) {
    const server = servers.accepts()
    server.gets(...GET_PASSED)
    server.sends('HTTP/1.1 503 Busy', `X-Server: ${name}`, 'Retry-After: 7', 'Content-Length: 4', '', 'busy')
  }
  const got = client.takes()
  assert.match(got, /^HTTP\/1.1 503 Busy\r\nX-Server: second\r\nRetry-After: 7\r\n[\s\S]*\r\n\r\nbusy$/)
})

conversation('a 503 is not hidden behind a server that is down', group(2, on('connect', 503)), cast => {
  const { client, servers } = cast
  client.sends(...GET)
  const busy = servers.accepts()
  busy.gets(...GET_PASSED)
  busy.sends(...BUSY)
  servers.refuses()
  const again = servers.accepts()
  again.gets(...GET_PASSED)
  again.sends(...BUSY)
  assert.match(client.takes(), /^HTTP\/1.1 503 [\s\S]*busy$/)
  assert.deepEqual(retriedOf(cast), ['10.0.0.1:8000 503', '10.0.0.2:8000 connect_refused'])
})

const refusedAnswers: readonly [string, readonly string[]][] = [
  ['of 100 KB', ['HTTP/1.1 503 Busy', 'Content-Length: 100000', '', 'x'.repeat(5000)]],
  ['in chunks', ['HTTP/1.1 503 Busy', 'Transfer-Encoding: chunked', '', '4', 'busy', '']],
  ['that ends with the connection', ['HTTP/1.1 503 Busy', '', 'busy']],
  ['with close', ['HTTP/1.1 503 Busy', 'Connection: close', 'Content-Length: 4', '', 'busy']],
]
for (const [name, lines] of refusedAnswers)
  conversation(`a 503 ${name} costs its connection`, group(2, on(503)), ({ client, servers }) => {
    client.sends(...GET)
    const busy = servers.accepts()
    busy.gets(...GET_PASSED)
    busy.sends(...lines)
    busy.isGone()
    const server = servers.accepts()
    server.gets(...GET_PASSED)
    server.sends(...OK)
    client.gets(...OK_PASSED)
  })

conversation('the body of a 503 that comes slowly, in its own time', group(2, on(503)), cast => {
  const { book, client, servers } = cast
  client.sends(...GET)
  const busy = servers.accepts()
  busy.gets(...GET_PASSED)
  busy.sends('HTTP/1.1 503 Busy', 'Content-Length: 4', '', 'b')
  const server = servers.accepts()
  server.gets(...GET_PASSED)
  busy.sends('usy')
  assert.equal(book.group.endpoints[0].idleConnections, 1)
  server.sends(...OK)
  client.gets(...OK_PASSED)
})

conversation('and when it never comes, the connection ends alone', group(2, on(503)), cast => {
  const { book, client, servers } = cast
  client.sends(...GET)
  const busy = servers.accepts()
  busy.gets(...GET_PASSED)
  busy.sends('HTTP/1.1 503 Busy', 'Content-Length: 4', '', 'b')
  const server = servers.accepts()
  server.gets(...GET_PASSED)
  server.sends(...OK)
  client.gets(...OK_PASSED)
  book.passes(60_100)
  busy.isGone()
  client.isConnected()
})

conversation('a 503 for a POST is passed on', group(2, on(503)), ({ client, servers }) => {
  client.sends(...POST, '', 'hi')
  const server = servers.accepts()
  server.gets(...POST, VIA, '', 'hi')
  server.sends(...BUSY)
  assert.match(client.takes(), /^HTTP\/1.1 503 /)
  assert.deepEqual(servers.asked, [])
})

conversation('a 503 to a PUT that is still coming', group(2, on(503)), ({ client, servers }) => {
  client.sends(...PUT, '', 'ab')
  const busy = servers.accepts()
  busy.gets(...PUT, VIA, '', 'ab')
  busy.sends(...BUSY)
  busy.isGone()
  client.sends('cdef')
  const server = servers.accepts()
  assert.equal(server.takes(), [...PUT, VIA, '', 'abcdef'].join('\r\n'))
  server.sends(...OK)
  client.gets(...OK_PASSED)
  client.isConnected()
})

conversation('a 502 and a 504 to HEAD', group(3, on(502, 504)), ({ client, servers }) => {
  client.sends('HEAD / HTTP/1.1', 'Host: shop', '', '')
  for (const status of [502, 504]) {
    const server = servers.accepts()
    server.gets('HEAD / HTTP/1.1', 'Host: shop', VIA, '', '')
    server.sends(`HTTP/1.1 ${status} X`, 'Content-Length: 4', '', '')
    server.isConnected()
  }
  const server = servers.accepts()
  server.takes()
  server.sends('HTTP/1.1 200 OK', 'Content-Length: 4', '', '')
  assert.match(client.takes(), /^HTTP\/1.1 200 /)
})

conversation(
  'with one connection a server: it waits for its own, once the 503 is out of the way',
  group(1, { ...on(503), attempts: 2, again: true }, { connectionsMax: 1 }),
  ({ client, servers }) => {
    client.sends(...GET)
    const server = servers.accepts()
    server.gets(...GET_PASSED)
    server.sends(...BUSY)
    server.gets(...GET_PASSED)
    server.sends(...OK)
    client.gets(...OK_PASSED)
    assert.deepEqual(servers.asked, [])
  },
)

conversation(
  'a client is not blamed for its body while no server is there to take it',
  { ...group(2), listener: { timeouts: { ...LISTENER_DEFAULTS.timeouts, bodyTimeoutMs: 1_000 } } },
  ({ book, client, servers }) => {
    client.sends(...PUT, '', 'abc')
    const first = servers.accepts()
    first.gets(...PUT, VIA, '', 'abc')
    first.leaves()
    client.sends('de')
    book.passes(1_500)
    client.getsNothing()
    servers.accepts().gets(...PUT, VIA, '', 'abcde')
    // From now on it is waited for again.
    book.passes(1_100)
    client.getsError('client_body_timeout')
  },
)
