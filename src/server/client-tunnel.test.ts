/** Switches of protocols (RFC 9110 §7.8), as conversations: every state a tunnel can be in, and how it ends. */
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
import { ASK, ASKED, asks, recorded, SWITCH, SWITCHED, switches } from '../../test/support/tunnels.ts'

conversation('bytes go both ways, each as it comes', {}, cast => {
  const { client } = cast
  const server = switches(cast)
  server.sends('hello')
  client.gets('hello')
  client.sends('GET / HTTP/1.1', '', '')
  server.gets('GET / HTTP/1.1', '', '')
  server.sends('0\r\n\r\nHTTP/1.1 500 Not an answer')
  client.gets('0\r\n\r\nHTTP/1.1 500 Not an answer')
  client.isConnected()
  server.isConnected()
  assert.equal(cast.book.group.endpoints[0].busy, 1)
})

conversation('bytes right behind the 101 belong to the tunnel', {}, cast => {
  const server = asks(cast)
  server.sends(...SWITCH.slice(0, -1), 'first words')
  cast.client.gets(...SWITCHED.slice(0, -1), 'first words')
})

conversation('the 101 a byte at a time, bytes behind it too', {}, cast => {
  const server = asks(cast)
  server.sendsSlowly(...SWITCH.slice(0, -1), 'first')
  cast.client.gets(...SWITCHED.slice(0, -1), 'first')
})

conversation('bytes right behind the request wait for the 101, in order', {}, cast => {
  const { client } = cast
  client.sends(...ASK.slice(0, -1), 'GET /early HTTP/1.1\r\n\r\n')
  const server = cast.servers.accepts()
  server.gets(...ASKED)
  client.sends('more')
  server.getsNothing()
  server.sends(...SWITCH)
  server.gets('GET /early HTTP/1.1\r\n\r\nmore')
  client.gets(...SWITCHED)
})

conversation('a flood before the 101 is bounded, and none of it is lost', {}, cast => {
  const { client } = cast
  const server = asks(cast)
  const flood = 'x'.repeat(50_000)
  client.sends(flood)
  client.isRead()
  client.sends(flood)
  client.isHeldBack()
  client.sends('last')
  server.getsNothing()
  server.sends(...SWITCH)
  server.gets(`${flood}${flood}last`)
  client.isRead()
  client.gets(...SWITCHED)
})

conversation('the client ends first: the server goes on and ends when it likes', {}, cast => {
  const { book, client } = cast
  const server = switches(cast)
  client.sends('question')
  client.ends()
  server.gets('question')
  server.isEnded()
  client.isConnected()
  server.sends('long')
  book.passes(100_000)
  server.sends(' answer')
  client.gets('long answer')
  assert.equal(book.records.length, 0)
  server.ends()
  client.isGone()
  server.isGone()
  recorded(cast, { status: 101, requestBytes: 8, responseBytes: 11, error: '', durationMs: 100_000 })
})

conversation('the server ends first: the client goes on and ends when it likes', {}, cast => {
  const { book, client } = cast
  const server = switches(cast)
  server.sends('welcome')
  server.ends()
  client.gets('welcome')
  client.isEnded()
  server.isConnected()
  book.passes(100_000)
  client.sends('thanks')
  server.gets('thanks')
  assert.equal(book.records.length, 0)
  client.ends()
  client.isGone()
  server.isGone()
  recorded(cast, { status: 101, requestBytes: 6, responseBytes: 7, error: '' })
})

conversation('both end in the same turn', {}, cast => {
  const { book, client } = cast
  const server = switches(cast)
  book.together(() => {
    server.sends('a')
    server.ends()
    client.sends('b')
    client.ends()
  })
  client.gets('a')
  server.gets('b')
  client.isGone()
  server.isGone()
  recorded(cast, { status: 101, requestBytes: 1, responseBytes: 1, error: '' })
})

conversation('the last words and the end, all behind the 101', {}, cast => {
  const { book, client } = cast
  const server = asks(cast)
  book.together(() => {
    server.sends(...SWITCH.slice(0, -1), 'bye')
    server.ends()
  })
  client.gets(...SWITCHED.slice(0, -1), 'bye')
  client.isEnded()
  client.ends()
  client.isGone()
  server.isGone()
})

for (const halfClose of ['cancel', 'serve'] as const)
  conversation(
    `a client that ends before the 101, halfClose ${halfClose}`,
    { listener: { halfClose } },
    cast => {
      const { client } = cast
      client.sends(...ASK.slice(0, -1), 'question')
      const server = cast.servers.accepts()
      server.gets(...ASKED)
      client.ends()
      if (halfClose === 'cancel') {
        client.isGone()
        server.isGone()
        recorded(cast, { status: 499, error: 'client_left' })
        return
      }
      server.sends(...SWITCH)
      server.gets('question')
      server.isEnded()
      server.sends('answer')
      server.ends()
      client.gets(...SWITCHED.slice(0, -1), 'answer')
      client.isGone()
      server.isGone()
      recorded(cast, { status: 101, requestBytes: 8, responseBytes: 6, error: '' })
    },
  )

conversation('a client that breaks off: the server sees it broken', {}, cast => {
  const server = switches(cast)
  cast.client.leaves()
  server.isGone('reset')
  recorded(cast, { status: 101, error: 'client_left' })
})

conversation('a server that breaks off: the client sees it broken', {}, cast => {
  const server = switches(cast)
  server.leaves()
  cast.client.isGone('reset')
  recorded(cast, { status: 101, error: 'upstream_reset', attempts: 1 })
})

conversation('a server that breaks off in the turn of its 101: never asked again', {}, cast => {
  const { book, client, servers } = cast
  client.sends(...ASK)
  const server = servers.accepts()
  server.gets(...ASKED)
  book.together(() => {
    server.sends(...SWITCH)
    server.leaves()
  })
  client.gets(...SWITCHED)
  client.isGone('reset')
  assert.deepEqual(servers.asked, [])
  recorded(cast, { status: 101, error: 'upstream_reset', attempts: 1 })
})

conversation('a server that has ended and then breaks: the client that goes on hears it', {}, cast => {
  const server = switches(cast)
  server.ends()
  cast.client.isEnded()
  server.leaves('EPIPE')
  cast.client.isGone('reset')
  recorded(cast, { error: 'upstream_reset' })
})

conversation('a client that has ended and then breaks: the server that goes on hears it', {}, cast => {
  const server = switches(cast)
  cast.client.ends()
  server.isEnded()
  cast.client.leaves('EPIPE')
  server.isGone('reset')
  recorded(cast, { error: 'client_left' })
})

// Time.

const LIMITED = { group: { tunnelTimeoutMs: 300_000 } }

conversation('silence on both sides ends it, and the log says why', LIMITED, cast => {
  const { book, client } = cast
  const server = switches(cast)
  book.passes(250_000)
  server.sends('.')
  book.passes(250_000)
  client.sends('.')
  book.passes(250_000)
  client.gets('.')
  server.gets('.')
  client.isConnected()
  server.isConnected()
  book.passes(51_000)
  client.isGone('reset')
  server.isGone('reset')
  recorded(cast, { status: 101, error: 'tunnel_timeout', detail: 'The limit is 300000 ms (tunnelTimeout).' })
})

conversation('no other limit counts in a tunnel', {}, cast => {
  const { book, client } = cast
  const server = switches(cast)
  book.passes(3_500_000)
  client.isConnected()
  server.isConnected()
  assert.equal(client.connection.keptAlive, true)
  assert.equal(server.connection.keptAlive, true)
})

for (const [side, other] of [
  ['client', 'server'],
  ['server', 'client'],
] as const)
  conversation(`a ${side} that does not read: the ${other} is held back, then the limit`, LIMITED, cast => {
    const { book } = cast
    const peers = { client: cast.client, server: switches(cast) }
    peers[side].stopsReading()
    peers[other].sends('much')
    peers[other].isHeldBack()
    peers[side].gets('much')
    book.passes(290_000)
    peers[side].readsAgain()
    peers[other].isRead()
    peers[other].sends('more')
    peers[side].gets('more')
    peers[side].stopsReading()
    peers[other].sends('much')
    peers[side].gets('much')
    peers[other].isHeldBack()
    book.passes(301_000)
    peers.client.isGone('reset')
    peers.server.isGone('reset')
    recorded(cast, { error: 'tunnel_timeout' })
  })

conversation('a side that has ended still has the limit', LIMITED, cast => {
  const server = switches(cast)
  server.ends()
  cast.client.isEnded()
  cast.book.passes(301_000)
  cast.client.isGone('reset')
  server.isGone('reset')
  recorded(cast, { error: 'tunnel_timeout' })
})

conversation('a server that never takes the last bytes is not waited for without end', {}, cast => {
  const server = switches(cast)
  server.connection.keepsOutput = true
  cast.client.sends('last')
  cast.client.ends()
  server.gets('last')
  server.ends()
  cast.client.isGone()
  recorded(cast, { error: '' })
  cast.book.passes(61_000)
  server.isGone('reset')
})

// No switch.

conversation('200 is just an answer: what came behind the request is the next one', {}, cast => {
  const { client } = cast
  client.sends(...ASK.slice(0, -1), GET.join('\r\n'))
  const server = cast.servers.accepts()
  server.gets(...ASKED)
  server.sends(...OK)
  client.gets(...OK_PASSED)
  // Both connections are kept, and the second request goes the way of all requests.
  server.gets(...GET_PASSED)
  server.sends(...OK)
  client.gets(...OK_PASSED)
  client.isConnected()
})

conversation('426 tells the client what to ask for (RFC 9110 §15.5.22)', {}, cast => {
  const { client } = cast
  client.sends(...GET)
  const server = cast.servers.accepts()
  server.gets(...GET_PASSED)
  const answer = ['HTTP/1.1 426 Upgrade Required', 'Upgrade: websocket', 'Connection: upgrade']
  server.sends(...answer, 'Content-Length: 2', '', 'no')
  client.gets(
    ...['HTTP/1.1 426 Upgrade Required', 'Upgrade: websocket', 'Content-Length: 2', VIA, DATE],
    ...['Connection: Upgrade', '', 'no'],
  )
  client.isConnected()
  server.isConnected()
})

conversation('what other answers advertise is for one connection only', {}, cast => {
  const server = asks(cast)
  server.sends('HTTP/1.1 200 OK', 'Upgrade: echo', 'Connection: upgrade', 'Content-Length: 2', '', 'hi')
  cast.client.gets(...OK_PASSED)
})

const NOT_ASKED: readonly (readonly [what: string, version: string, ...fields: string[]])[] = [
  ['without Connection', '1.1', 'Upgrade: echo'],
  ['in HTTP/1.0', '1.0', 'Connection: upgrade', 'Upgrade: echo'],
  ['to HTTP/2', '1.1', 'Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMA'],
  ['to TLS', '1.1', 'Connection: upgrade', 'Upgrade: TLS/1.2, HTTP/1.1'],
  ['to nothing', '1.1', 'Connection: upgrade', 'Upgrade:'],
]

for (const [what, version, ...fields] of NOT_ASKED)
  conversation(`an upgrade ${what} is a plain request, and a 101 to it is a 502`, {}, cast => {
    const { client } = cast
    client.sends(`GET / HTTP/${version}`, 'Host: shop', ...fields, '', '')
    const server = cast.servers.accepts()
    server.gets('GET / HTTP/1.1', 'Host: shop', `Via: ${version} sluice`, '', '')
    server.sends('HTTP/1.1 101 Switching', 'Connection: upgrade', 'Upgrade: h2c', '', 'smuggled')
    client.getsError('upstream_upgrade')
    server.isGone()
  })

conversation('with a body it is a plain request', {}, cast => {
  const { client } = cast
  client.sends('PUT / HTTP/1.1', 'Host: shop', ...ASK.slice(2, 4), 'Content-Length: 2', '', 'hi')
  const server = cast.servers.accepts()
  server.gets('PUT / HTTP/1.1', 'Host: shop', 'Content-Length: 2', VIA, '', 'hi')
  server.sends(...OK)
  client.gets(...OK_PASSED)
})

conversation('a body of no bytes is none', {}, cast => {
  const { client } = cast
  client.sends('POST / HTTP/1.1', 'Host: shop', ...ASK.slice(2, 4), 'Content-Length: 0', '', '')
  const server = cast.servers.accepts()
  server.gets('POST / HTTP/1.1', 'Host: shop', 'Content-Length: 0', VIA, ...ASKED.slice(3))
  server.sends(...SWITCH)
  client.gets(...SWITCHED)
  client.sends('raw')
  server.gets('raw')
})

conversation('a list is passed on without what is refused, beside TE', {}, cast => {
  const { client } = cast
  const fields = ['TE: trailers', 'Connection: te, upgrade', 'Upgrade: h2c, foo/2, TLS/1.0', 'upgrade: Echo']
  client.sends('GET / HTTP/1.1', 'Host: shop', ...fields, '', '')
  const server = cast.servers.accepts()
  server.gets(
    ...['GET / HTTP/1.1', 'Host: shop', VIA, 'TE: trailers'],
    ...['Connection: TE, Upgrade', 'Upgrade: foo/2, Echo', '', ''],
  )
  server.sends(...SWITCH)
  client.gets(...SWITCHED)
})

const REFUSED_SWITCHES: readonly (readonly [what: string, ...fields: string[]])[] = [
  ['without Upgrade', 'Connection: upgrade'],
  ['to what was not offered', 'Connection: upgrade', 'Upgrade: websocket'],
  ['to more than was offered', 'Connection: upgrade', 'Upgrade: echo, h2c'],
]

for (const [what, ...fields] of REFUSED_SWITCHES)
  conversation(`a 101 ${what} is a 502, and nothing behind it is believed`, {}, cast => {
    const server = asks(cast)
    server.sends('HTTP/1.1 101 Switching', ...fields, '', ...OK)
    cast.client.getsError('upstream_upgrade')
    cast.client.isConnected()
    server.isGone()
  })

conversation('lengths in a 101 mean nothing and are not passed on (RFC 9110 §8.6)', {}, cast => {
  const server = asks(cast)
  server.sends(...SWITCH.slice(0, 3), 'Content-Length: 1', 'Transfer-Encoding: chunked', '', 'raw')
  cast.client.gets(...SWITCHED.slice(0, -1), 'raw')
})

conversation('interim answers before the 101 are passed on', {}, cast => {
  const server = asks(cast)
  server.sends('HTTP/1.1 103 Early Hints', 'Link: </a>', '', ...SWITCH)
  cast.client.gets('HTTP/1.1 103 Early Hints', 'Link: </a>', '', ...SWITCHED)
})

// Connections that were used before.

conversation('over a kept connection on both sides, and neither is used again', {}, cast => {
  const server = warmsUp(cast)
  const { client } = cast
  client.sends(...ASK)
  server.gets(...ASKED)
  server.sends(...SWITCH)
  client.gets(...SWITCHED)
  server.ends()
  client.ends()
  client.isGone()
  server.isGone()
  assert.equal(cast.book.group.endpoints[0].idleConnections, 0)
})

conversation('over a kept connection that is stale, the handshake goes out again', {}, cast => {
  const stale = warmsUp(cast)
  const { client, servers } = cast
  client.sends(...ASK)
  stale.gets(...ASKED)
  stale.leaves()
  const server = servers.accepts()
  server.gets(...ASKED)
  server.sends(...SWITCH)
  client.gets(...SWITCHED)
  client.sends('hello')
  server.gets('hello')
})

conversation(
  'a server without a word is a 504, and what the client sent is read again as a request',
  {},
  cast => {
    const { book, client } = cast
    const server = asks(cast)
    client.sends(...GET)
    book.passes(61_000)
    client.getsError('upstream_head_timeout')
    server.isGone()
    cast.servers.accepts().gets(...GET_PASSED)
  },
)
