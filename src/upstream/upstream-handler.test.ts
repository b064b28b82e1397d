/** The way to a server: kept connections that went stale, servers that are down, the queue. */
import assert from 'node:assert/strict'
import {
  conversation,
  GET,
  GET_PASSED,
  OK,
  OK_PASSED,
  serverAddress,
  VIA,
  warmsUp,
} from '../../test/support/playbook.ts'

const CHUNKED = 'Transfer-Encoding: chunked'
const PUT = ['PUT / HTTP/1.1', 'Host: shop', 'Content-Length: 6'] as const
const POST = ['POST / HTTP/1.1', 'Host: shop', 'Content-Length: 2'] as const
const TWO = { group: { servers: [serverAddress(1), serverAddress(2)] } }

// Kept connections that the server closes: RFC 9110 §9.2.2, RFC 9112 §9.3.1.

for (const how of ['ends', 'leaves'] as const)
  conversation(`a GET on a stale connection is sent again (server ${how})`, {}, cast => {
    const { client, servers } = cast
    const stale = warmsUp(cast)
    client.sends(...GET)
    stale.gets(...GET_PASSED)
    stale[how]()
    client.getsNothing()
    const fresh = servers.accepts()
    fresh.gets(...GET_PASSED)
    fresh.sends(...OK)
    client.gets(...OK_PASSED)
    assert.equal(cast.book.records.at(-1)?.attempts, 2)
  })

conversation('with all that it said about trailers', {}, cast => {
  const { client, servers } = cast
  const stale = warmsUp(cast)
  client.sends('GET / HTTP/1.1', 'Host: shop', 'TE: trailers', 'Connection: TE, X', 'X: 1', '', '')
  const passed = ['GET / HTTP/1.1', 'Host: shop', VIA, 'TE: trailers', 'Connection: TE', '', '']
  stale.gets(...passed)
  stale.leaves()
  servers.accepts().gets(...passed)
})

conversation('only once: a fresh connection that closes too is a 502', {}, cast => {
  const { client, servers } = cast
  const stale = warmsUp(cast)
  client.sends(...GET)
  stale.gets(...GET_PASSED)
  stale.ends()
  const fresh = servers.accepts()
  fresh.gets(...GET_PASSED)
  fresh.ends()
  client.getsError('upstream_closed')
})

conversation('not when something of an answer came', {}, cast => {
  const { client, servers } = cast
  const stale = warmsUp(cast)
  client.sends(...GET)
  stale.gets(...GET_PASSED)
  stale.sends('H')
  stale.ends()
  client.getsError('upstream_bad_head')
  assert.deepEqual(servers.asked, [])
})

conversation('a PUT is sent again with its body', {}, cast => {
  const { client, servers } = cast
  const stale = warmsUp(cast)
  client.sends(...PUT, '', 'abcdef')
  stale.gets(...PUT, VIA, '', 'abcdef')
  stale.ends()
  const fresh = servers.accepts()
  fresh.gets(...PUT, VIA, '', 'abcdef')
  fresh.sends(...OK)
  client.gets(...OK_PASSED)
})

conversation('a PUT whose body is still coming loses nothing of it', {}, cast => {
  const { client, servers } = cast
  const stale = warmsUp(cast)
  client.sends(...PUT, '', 'ab')
  stale.gets(...PUT, VIA, '', 'ab')
  stale.ends()
  // While the new connection is made.
  client.sends('cd')
  const fresh = servers.accepts()
  client.sends('ef')
  assert.equal(fresh.takes(), [...PUT, VIA, '', 'abcdef'].join('\r\n'))
  fresh.sends(...OK)
  client.gets(...OK_PASSED)
})

conversation('a chunked PUT too, with its trailers', {}, cast => {
  const { client, servers } = cast
  const stale = warmsUp(cast)
  const head = ['PUT / HTTP/1.1', 'Host: shop', CHUNKED]
  client.sends(...head, '', '2', 'ab', '0', 'T: u', '', '')
  const passed = ['PUT / HTTP/1.1', 'Host: shop', VIA, CHUNKED, '', '2', 'ab', '0', 'T: u', '', '']
  stale.gets(...passed)
  stale.ends()
  servers.accepts().gets(...passed)
})

conversation('a PUT that is too large to be kept is not sent again', {}, cast => {
  const { client, servers } = cast
  const stale = warmsUp(cast)
  const body = 'x'.repeat(70_000)
  client.sends('PUT / HTTP/1.1', 'Host: shop', 'Content-Length: 70000', '', body)
  assert.ok(stale.takes().endsWith(body))
  stale.ends()
  client.getsError('upstream_closed')
  assert.deepEqual(servers.asked, [])
})

conversation('a POST that was sent is not sent again', {}, cast => {
  const { client, servers } = cast
  const stale = warmsUp(cast)
  client.sends(...POST, '', 'hi')
  stale.gets(...POST, VIA, '', 'hi')
  stale.ends()
  client.getsError('upstream_closed')
  assert.deepEqual(servers.asked, [])
})

conversation('a POST is not sent at all on a connection whose end is on its way', {}, cast => {
  const { book, client, servers } = cast
  const stale = warmsUp(cast)
  book.together(() => {
    client.sends(...POST, '', 'hi')
    stale.ends()
  })
  stale.getsNothing()
  servers.accepts().gets(...POST, VIA, '', 'hi')
})

conversation('a POST goes over a kept connection that is alive', {}, cast => {
  const { client, servers } = cast
  const server = warmsUp(cast)
  client.sends(...POST, '', 'hi')
  server.gets(...POST, VIA, '', 'hi')
  assert.deepEqual(servers.asked, [])
})

conversation('a connection that the server closed while idle is not used', {}, cast => {
  const { client, servers } = cast
  warmsUp(cast).ends()
  client.sends(...POST, '', 'hi')
  servers.accepts().gets(...POST, VIA, '', 'hi')
})

conversation(
  'a stale connection at the limit of connections, without a queue',
  { group: { connectionsMax: 1, queueMax: 0 } },
  cast => {
    const { client, servers } = cast
    const stale = warmsUp(cast)
    client.sends(...GET)
    stale.gets(...GET_PASSED)
    stale.leaves()
    servers.accepts().gets(...GET_PASSED)
  },
)

conversation('the newest idle connection goes first', {}, cast => {
  const { book, client, servers } = cast
  const other = book.connects()
  client.sends(...GET)
  other.sends(...GET)
  const older = servers.accepts()
  const newer = servers.accepts()
  for (const server of [older, newer]) {
    server.gets(...GET_PASSED)
    server.sends(...OK)
  }
  client.gets(...OK_PASSED)
  other.gets(...OK_PASSED)
  client.sends(...GET)
  newer.gets(...GET_PASSED)
  older.getsNothing()
})

// Servers that are down.

conversation('a server that refuses: the next one is asked', TWO, ({ book, client, servers }) => {
  client.sends(...GET)
  assert.deepEqual(servers.asked, ['10.0.0.1:8000'])
  servers.refuses()
  assert.deepEqual(servers.asked, ['10.0.0.2:8000'])
  const server = servers.accepts()
  server.gets(...GET_PASSED)
  server.sends(...OK)
  client.gets(...OK_PASSED)
  assert.equal(book.records[0].upstream, '10.0.0.2:8000')
})

conversation('also for a POST, with its body: nothing of it was sent', TWO, ({ client, servers }) => {
  client.sends(...POST, '', 'h')
  servers.refuses()
  client.sends('i')
  servers.accepts().gets(...POST, VIA, '', 'hi')
})

conversation('all servers are down: 502', TWO, ({ client, servers }) => {
  client.sends(...GET)
  servers.refuses()
  servers.refuses('connect_unreachable')
  client.getsError('connect_unreachable')
  client.isConnected()
  assert.deepEqual(servers.asked, [])
})

conversation('a server that does not accept in time: the next one', TWO, ({ book, client, servers }) => {
  client.sends(...GET)
  book.passes(5_100)
  assert.deepEqual(servers.asked, ['10.0.0.2:8000'])
  servers.accepts().gets(...GET_PASSED)
})

conversation(
  'retryFor: goes on trying until a server is up',
  { group: { ...TWO.group, retryForMs: 1_000 } },
  ({ book, client, servers }) => {
    client.sends(...GET)
    for (let round = 0; round < 3; round++) {
      servers.refuses()
      servers.refuses()
      client.getsNothing()
      book.passes(100)
    }
    servers.accepts().gets(...GET_PASSED)
  },
)

conversation('retryFor: but not for ever', { group: { retryForMs: 1_000 } }, ({ book, client, servers }) => {
  client.sends(...GET)
  for (let passedMs = 0; passedMs < 1_000; passedMs += 100) {
    servers.refuses()
    client.getsNothing()
    book.passes(100)
  }
  servers.refuses()
  client.getsError('connect_refused')
})

conversation('retryFor: a client that leaves ends it', { group: { retryForMs: 1_000 } }, cast => {
  const { book, client, servers } = cast
  client.sends(...GET)
  servers.refuses()
  client.leaves()
  book.passes(1_000)
  assert.deepEqual(servers.asked, [])
})

conversation('a group without servers', { group: { servers: [] } }, ({ client }) => {
  client.sends(...GET)
  client.getsError('no_server')
})

// The limit of connections and its queue.

conversation('queue full: 503 with Retry-After', { group: { connectionsMax: 1, queueMax: 1 } }, cast => {
  const { book, client, servers } = cast
  const [second, third] = [book.connects(), book.connects()]
  client.sends(...GET)
  const server = servers.accepts()
  server.gets(...GET_PASSED)
  second.sends(...GET)
  third.sends(...GET)
  assert.match(third.connection.left, /^Retry-After: 1\r$/m)
  third.getsError('queue_full')
  third.isConnected()
  second.getsNothing()
  // The answer frees the connection for the one who waits.
  server.sends(...OK)
  client.gets(...OK_PASSED)
  server.gets(...GET_PASSED)
  server.sends(...OK)
  second.gets(...OK_PASSED)
})

conversation(
  'who waits and leaves gives its place up',
  { group: { connectionsMax: 1, queueMax: 1 } },
  cast => {
    const { book, client, servers } = cast
    const [second, third] = [book.connects(), book.connects()]
    client.sends(...GET)
    const server = servers.accepts()
    server.gets(...GET_PASSED)
    second.sends(...GET)
    second.leaves()
    third.sends(...GET)
    server.sends(...OK)
    client.gets(...OK_PASSED)
    server.gets(...GET_PASSED)
    server.sends(...OK)
    third.gets(...OK_PASSED)
  },
)

conversation(
  'who leaves the queue of its second server, the first being full, is forgotten there too',
  { group: { ...TWO.group, connectionsMax: 1, queueMax: 1 } },
  ({ book, client, servers }) => {
    const [second, third, fourth, fifth] = [
      book.connects(),
      book.connects(),
      book.connects(),
      book.connects(),
    ]
    client.sends(...GET)
    second.sends(...GET)
    third.sends(...GET)
    fourth.sends(...GET)
    fourth.leaves()
    // Waits for server 2, where a place has come free, because the queue of server 1 is full.
    fifth.sends(...GET)
    fifth.leaves()
    const [one, two] = [servers.accepts(), servers.accepts()]
    one.gets(...GET_PASSED)
    two.gets(...GET_PASSED)
    two.sends(...OK)
    second.gets(...OK_PASSED)
    two.getsNothing()
    one.sends(...OK)
    client.gets(...OK_PASSED)
    one.gets(...GET_PASSED)
    one.sends(...OK)
    third.gets(...OK_PASSED)
  },
)

conversation(
  'a full queue is answered at once, retryFor or not',
  { group: { connectionsMax: 1, queueMax: 0, retryForMs: 5_000 } },
  ({ book, client, servers }) => {
    const second = book.connects()
    client.sends(...GET)
    servers.accepts().gets(...GET_PASSED)
    second.sends(...GET)
    second.getsError('queue_full')
  },
)

conversation(
  'a server that closes after each answer is not at its limit after the first',
  { group: { connectionsMax: 1, queueMax: 0 } },
  ({ client, servers }) => {
    client.sends(...GET, ...GET)
    for (let answered = 0; answered < 2; answered++) {
      const server = servers.accepts()
      server.gets(...GET_PASSED)
      server.sends('HTTP/1.1 200 OK', 'Content-Length: 2', 'Connection: close', '', 'hi')
      client.gets(...OK_PASSED)
      server.isGone()
    }
  },
)

conversation('a place that comes free without a connection', { group: { connectionsMax: 1 } }, cast => {
  const { book, client, servers } = cast
  const second = book.connects()
  client.sends(...GET)
  second.sends(...GET)
  servers.refuses()
  client.getsError('connect_refused')
  const server = servers.accepts()
  server.gets(...GET_PASSED)
  server.sends(...OK)
  second.gets(...OK_PASSED)
})

conversation(
  'a stale connection beside an idle one, at the limit',
  { group: { connectionsMax: 2 } },
  cast => {
    const { book, client, servers } = cast
    const other = book.connects()
    client.sends(...GET)
    other.sends(...GET)
    const [older, stale] = [servers.accepts(), servers.accepts()]
    for (const server of [older, stale]) {
      server.gets(...GET_PASSED)
      server.sends(...OK)
    }
    client.gets(...OK_PASSED)
    other.gets(...OK_PASSED)
    client.sends(...GET)
    stale.gets(...GET_PASSED)
    stale.ends()
    servers.accepts().gets(...GET_PASSED)
  },
)

conversation('idle connections are bounded', { group: { idleConnectionsMax: 1 } }, cast => {
  const { book, client, servers } = cast
  const other = book.connects()
  client.sends(...GET)
  other.sends(...GET)
  const [one, two] = [servers.accepts(), servers.accepts()]
  for (const server of [one, two]) {
    server.gets(...GET_PASSED)
    server.sends(...OK)
  }
  client.gets(...OK_PASSED)
  other.gets(...OK_PASSED)
  one.isConnected()
  two.isGone()
})

conversation('a group that is closed keeps nothing', {}, cast => {
  const { book, client } = cast
  const idle = warmsUp(cast)
  const busyClient = book.connects()
  client.sends(...GET)
  idle.gets(...GET_PASSED)
  busyClient.sends(...GET)
  const second = cast.servers.accepts()
  second.gets(...GET_PASSED)
  second.sends(...OK)
  busyClient.gets(...OK_PASSED)
  book.group.close()
  second.isGone()
  idle.sends(...OK)
  client.gets(...OK_PASSED)
  idle.isGone()
})

conversation('turns are taken', TWO, ({ client, servers }) => {
  const asked: string[] = []
  for (let turn = 0; turn < 4; turn++) {
    client.sends(...GET)
    asked.push(...servers.asked)
    servers.refuses()
    servers.refuses()
    client.getsError('connect_refused')
  }
  assert.deepEqual([...new Set(asked)].sort(), ['10.0.0.1:8000', '10.0.0.2:8000'])
})
