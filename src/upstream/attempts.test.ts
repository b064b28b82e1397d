/** How long attempts may take, and what they tell of the health of servers: conversations without sockets. */
import assert from 'node:assert/strict'
import { group, on } from '../../test/support/groups.ts'
import {
  conversation,
  GET,
  GET_PASSED,
  OK,
  OK_PASSED,
  type PlaybookOptions,
  VIA,
  warmsUp,
} from '../../test/support/playbook.ts'
import type { ProxyError } from '../base/errors.ts'
import type { Layer } from '../exchange/handler.ts'
import { GROUP_DEFAULTS, HEALTH_DEFAULTS } from './options.ts'

const POST = ['POST / HTTP/1.1', 'Host: shop', 'Content-Length: 2'] as const
const PUT = ['PUT / HTTP/1.1', 'Host: shop', 'Content-Length: 6'] as const

const TRY = group(2, { ...on('connect', 'timeout'), tryTimeoutMs: 500 })

// Time.

conversation('tryTimeout: a server that does not answer', TRY, cast => {
  const { book, client, servers } = cast
  client.sends(...GET)
  const slow = servers.accepts()
  slow.gets(...GET_PASSED)
  book.passes(550)
  slow.isGone()
  const server = servers.accepts()
  server.gets(...GET_PASSED)
  server.sends(...OK)
  client.gets(...OK_PASSED)
  assert.deepEqual(book.records[0].retried, ['10.0.0.1:8000 upstream_try_timeout'])
})

conversation('tryTimeout: nor the next: 504', TRY, ({ book, client, servers }) => {
  client.sends(...GET)
  servers.accepts().gets(...GET_PASSED)
  book.passes(550)
  servers.accepts().gets(...GET_PASSED)
  client.getsNothing()
  book.passes(550)
  client.getsError('upstream_try_timeout')
  assert.match(book.records[0].detail, /^10\.0\.0\.2:8000 sent no head within 500 ms \(retry\.tryTimeout\)\./)
})

conversation('tryTimeout: a server that does not accept, also for a POST', TRY, cast => {
  const { book, client, servers } = cast
  client.sends(...POST, '', 'hi')
  book.passes(550)
  assert.deepEqual(servers.asked, ['10.0.0.2:8000'])
  servers.accepts().gets(...POST, VIA, '', 'hi')
})

conversation('tryTimeout: a client that sends slowly has its time', TRY, ({ book, client, servers }) => {
  client.sends(...PUT, '', 'ab')
  const server = servers.accepts()
  server.gets(...PUT, VIA, '', 'ab')
  for (const piece of ['c', 'd', 'e', 'f']) {
    book.passes(400)
    client.sends(piece)
    server.gets(piece)
  }
  server.sends(...OK)
  client.gets(...OK_PASSED)
  assert.deepEqual(servers.asked, [])
})

conversation('tryTimeout: a server that does not read the request', TRY, ({ book, client, servers }) => {
  client.sends(...PUT, '', 'ab')
  const slow = servers.accepts()
  slow.gets(...PUT, VIA, '', 'ab')
  slow.stopsReading()
  client.sends('cd')
  book.passes(550)
  slow.isGone()
  slow.takes()
  client.sends('ef')
  const server = servers.accepts()
  assert.equal(server.takes(), [...PUT, VIA, '', 'abcdef'].join('\r\n'))
})

conversation('tryTimeout: the body of an answer has its own', TRY, ({ book, client, servers }) => {
  client.sends(...GET)
  const server = servers.accepts()
  server.gets(...GET_PASSED)
  server.sends('HTTP/1.1 200 OK', 'Content-Length: 2', '', 'h')
  assert.match(client.takes(), /h$/)
  book.passes(5_000)
  server.sends('i')
  client.gets('i')
})

conversation('tryTimeout: while a POST waits for a sign of life', TRY, cast => {
  const { book, client, servers } = cast
  const kept = warmsUp(cast)
  client.sends(...GET)
  const second = servers.accepts()
  second.gets(...GET_PASSED)
  second.sends(...OK)
  client.gets(...OK_PASSED)
  book.together(() => {
    client.sends(...POST, '', 'hi')
    // The event loop is late.
    book.clock.coarseMs += 600
    book.deadlines.sweep()
  })
  kept.isGone()
  second.gets(...POST, VIA, '', 'hi')
  assert.deepEqual(servers.asked, [], 'the first way is given up')
})

const total = (ms: number, more: PlaybookOptions = {}): PlaybookOptions => {
  const { retry, connectTimeoutMs, headTimeoutMs, bodyTimeoutMs } = GROUP_DEFAULTS
  const timeouts = { connectTimeoutMs, headTimeoutMs, bodyTimeoutMs }
  return { ...group(2), rules: { timeouts, retry, totalTimeoutMs: ms }, ...more }
}

conversation('total: while a connection is made', total(1_000), ({ book, client, servers }) => {
  client.sends(...GET)
  book.passes(1_050)
  client.getsError('total_timeout')
  assert.deepEqual(servers.asked, [])
  assert.equal(book.group.endpoints[0].state, 'in')
})

conversation('total: while an answer is waited for, and it counts as a failure', total(1_000), cast => {
  const { book, client, servers } = cast
  client.sends(...GET)
  const server = servers.accepts()
  server.gets(...GET_PASSED)
  book.passes(1_050)
  server.isGone()
  client.getsError('total_timeout')
  assert.deepEqual(servers.asked, [])
  assert.equal(book.group.endpoints[0].state, 'in, 1 failure in a row')
})

conversation('total: a client that sends slowly is no failure of the server', total(1_000), cast => {
  const { book, client, servers } = cast
  client.sends(...PUT, '', 'ab')
  const server = servers.accepts()
  server.gets(...PUT, VIA, '', 'ab')
  book.passes(1_050)
  server.isGone()
  assert.match(client.takes(), /^HTTP\/1.1 504 [\s\S]*total_timeout/)
  assert.equal(book.group.endpoints[0].state, 'in')
})

conversation('total: in the middle of an answer', total(1_000), ({ book, client, servers }) => {
  client.sends(...GET)
  const server = servers.accepts()
  server.gets(...GET_PASSED)
  server.sends('HTTP/1.1 200 OK', 'Content-Length: 9', '', 'half')
  assert.match(client.takes(), /half$/)
  book.passes(1_050)
  server.isGone()
  client.isGone()
  assert.equal(book.records[0].error, 'total_timeout')
})

conversation('total: all attempts together', total(1_000), ({ book, client, servers }) => {
  client.sends(...GET)
  const broken = servers.accepts()
  broken.gets(...GET_PASSED)
  book.passes(700)
  broken.leaves()
  servers.accepts().gets(...GET_PASSED)
  book.passes(350)
  client.getsError('total_timeout')
})

conversation('total: what is in time is not touched, nor the next exchange', total(1_000), cast => {
  const { book, client, servers } = cast
  const kept = warmsUp(cast)
  book.passes(900)
  client.sends(...GET)
  const server = servers.accepts()
  server.gets(...GET_PASSED)
  book.passes(900)
  server.sends(...OK)
  client.gets(...OK_PASSED)
  kept.isConnected()
})

conversation(
  'the timeouts of a route, not of its group',
  {
    ...group(1),
    rules: { timeouts: { connectTimeoutMs: 100, headTimeoutMs: 200, bodyTimeoutMs: 300 } },
  },
  ({ book, client, servers }) => {
    client.sends(...GET)
    book.passes(150)
    client.getsError('connect_timeout')
    client.sends(...GET)
    servers.accepts().gets(...GET_PASSED)
    book.passes(250)
    client.getsError('upstream_head_timeout')
    assert.match(book.records[1].detail, /within 200 ms/)
    client.sends(...GET)
    const server = servers.accepts()
    server.gets(...GET_PASSED)
    server.sends('HTTP/1.1 200 OK', 'Content-Length: 9', '', 'half')
    client.takes()
    book.passes(350)
    client.isGone()
    assert.equal(book.records[2].error, 'upstream_body_timeout')
  },
)

// The health of the servers, as requests see it.

const HEALTH = (more: Partial<typeof HEALTH_DEFAULTS> = {}) =>
  group(2, on(), { health: { ...HEALTH_DEFAULTS, failures: 1, ...more } })

conversation('a server that is out gets nothing, then one request', HEALTH(), cast => {
  const { book, client, servers } = cast
  client.sends(...GET)
  servers.refuses()
  client.getsError('connect_refused')
  assert.deepEqual(book.warnings, [
    'upstream shop: 10.0.0.1:8000 is out for 10s: 1 failure in a row, the last connect_refused',
  ])
  const second = book.connects()
  client.sends(...GET)
  second.sends(...GET)
  assert.deepEqual(servers.asked, ['10.0.0.2:8000', '10.0.0.2:8000'])
  for (const peer of [client, second]) {
    const server = servers.accepts()
    server.gets(...GET_PASSED)
    server.sends('HTTP/1.1 200 OK', 'Connection: close', 'Content-Length: 2', '', 'hi')
    peer.gets(...OK_PASSED)
  }
  book.passes(11_050)
  const peers = [client, second, book.connects(), book.connects()]
  for (const peer of peers) peer.sends(...GET)
  assert.equal(servers.asked.filter(place => place === '10.0.0.1:8000').length, 1)
})

conversation('when all are out all are tried', HEALTH(), ({ book, client, servers }) => {
  for (let i = 0; i < 6; i++) {
    client.sends(...GET)
    assert.equal(servers.asked.length, 1)
    servers.refuses()
    client.getsError('connect_refused')
  }
  assert.equal(book.warnings.length, 2)
  client.sends(...GET)
  const server = servers.accepts()
  server.gets(...GET_PASSED)
  server.sends(...OK)
  client.gets(...OK_PASSED)
  assert.match(book.warnings[2], /is back after/)
})

conversation(
  'no failure of a server: a client that leaves, a body cut short, a stale connection, a full queue',
  { ...HEALTH(), group: { ...HEALTH().group, connectionsMax: 1, queueMax: 0 } },
  cast => {
    const { book, servers } = cast
    const [kept, left, cut] = [cast.client, book.connects(), book.connects()]
    kept.sends(...GET)
    const one = servers.accepts()
    one.gets(...GET_PASSED)
    left.sends(...GET)
    const two = servers.accepts()
    two.gets(...GET_PASSED)
    // Both are full.
    cut.sends(...GET)
    cut.getsError('queue_full')
    left.leaves()
    one.sends(...OK)
    kept.gets(...OK_PASSED)
    // Cut short by its client.
    cut.sends(...PUT, '', 'ab')
    const three = servers.accepts()
    three.gets(...PUT, VIA, '', 'ab')
    cut.leaves()
    three.isGone()
    // Stale.
    kept.sends(...GET)
    one.gets(...GET_PASSED)
    one.ends()
    const fresh = servers.accepts()
    fresh.gets(...GET_PASSED)
    fresh.sends(...OK)
    kept.gets(...OK_PASSED)
    assert.deepEqual(book.warnings, [])
    assert.deepEqual(
      book.group.endpoints.map(endpoint => endpoint.state),
      ['in', 'in'],
    )
  },
)

conversation('statuses that count', HEALTH({ on: new Set([500]) }), ({ book, client, servers }) => {
  client.sends(...GET)
  const server = servers.accepts()
  server.gets(...GET_PASSED)
  server.sends('HTTP/1.1 500 Oh', 'Content-Length: 0', '', '')
  assert.match(client.takes(), /^HTTP\/1.1 500 Oh/)
  assert.deepEqual(book.warnings, [
    'upstream shop: 10.0.0.1:8000 is out for 10s: 1 failure in a row, the last status 500',
  ])
})

conversation('a trial whose client leaves lets the next one try', HEALTH(), cast => {
  const { book, client, servers } = cast
  client.sends(...GET)
  servers.refuses()
  client.getsError('connect_refused')
  book.passes(11_050)
  const [endpoint] = book.group.endpoints
  for (let i = 0; i < 2; i++) {
    const visitors = [book.connects(), book.connects()]
    for (const visitor of visitors) visitor.sends(...GET)
    assert.ok(servers.asked.includes('10.0.0.1:8000'))
    assert.equal(endpoint.out, true)
    for (const visitor of visitors) visitor.leaves()
    assert.equal(endpoint.out, false)
  }
})

conversation('the only server is never out', group(1), ({ book, client, servers }) => {
  for (let i = 0; i < 10; i++) {
    client.sends(...GET)
    servers.refuses()
    client.getsError('connect_refused')
  }
  assert.deepEqual(book.warnings, [])
  assert.equal(book.group.endpoints[0].state, 'in')
})

conversation(
  'tryTimeout: the pause before the next round is part of no try',
  group(1, { tryTimeoutMs: 500 }, { retryForMs: 10_000 }),
  ({ book, client, servers }) => {
    client.sends(...GET)
    book.passes(450)
    servers.refuses()
    book.passes(100)
    client.getsNothing()
    const server = servers.accepts()
    server.gets(...GET_PASSED)
    server.sends(...OK)
    client.gets(...OK_PASSED)
  },
)

// Layers that take over.

/** Answers by itself as soon as the server does, and is not done with it when the server is. */
const takeover = () => {
  const told: string[] = []
  const layer: Layer = next => ({
    handle(exchange) {
      const ignored = { open() {}, early() {}, data: () => true, trailers() {}, end() {}, fail() {} }
      const serving = { cancel: (error: ProxyError) => told.push(error.code) }
      exchange.reply = { ...ignored, head: () => void Object.assign(exchange, { serving }) }
      next.handle(exchange)
    },
  })
  return { told, layer }
}

for (const [how, rest] of [
  ['is complete', 'hi'],
  ['breaks', null],
] as const) {
  const { told, layer } = takeover()
  conversation(
    `a layer that works on when the server's answer ${how} hears that the client left`,
    { layers: [layer] },
    ({ client, servers }) => {
      client.sends(...GET)
      const server = servers.accepts()
      server.gets(...GET_PASSED)
      server.sends('HTTP/1.1 404 Not Found', 'Content-Length: 2', '', rest ?? '')
      if (rest === null) server.leaves()
      client.leaves()
      assert.deepEqual(told, ['client_left'])
    },
  )
}
