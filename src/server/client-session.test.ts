/** The order of things on a client's connection: keep-alive, pipelining, refusals, the end. */

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
import { ProxyError } from '../base/errors.ts'
import { RespondHandler } from '../layers/respond.ts'

// RFC 9112 §9.3.
const PERSISTENCE: readonly [version: string, fields: readonly string[], kept: boolean][] = [
  ['1.1', [], true],
  ['1.1', ['Connection: keep-alive'], true],
  ['1.1', ['Connection: close'], false],
  ['1.1', ['connection: CLOSE'], false],
  ['1.1', ['Connection: x, Close'], false],
  ['1.1', ['Connection: x', 'Connection: close'], false],
  ['1.1', ['Connection: keep-alive, close'], false],
  ['1.1', ['Connection: closed'], true],
  ['1.0', [], false],
  ['1.0', ['Connection: keep-alive'], true],
  ['1.0', ['CONNECTION: Keep-Alive'], true],
  ['1.0', ['Connection: x ,\tKeep-Alive'], true],
  ['1.0', ['Connection: keep-alive, close'], false],
]

for (const [version, fields, kept] of PERSISTENCE) {
  const name = `HTTP/${version} ${fields.join(' | ') || 'without Connection'}: ${kept ? 'kept' : 'ended'}`
  conversation(name, {}, ({ book, client, servers }) => {
    client.sends(`GET / HTTP/${version}`, 'Host: shop', ...fields, '', '')
    const server = servers.accepts()
    server.gets('GET / HTTP/1.1', 'Host: shop', `Via: ${version} sluice`, '', '')
    server.sends(...OK)
    const word = kept ? (version === '1.0' ? ['Connection: keep-alive'] : []) : ['Connection: close']
    client.gets('HTTP/1.1 200 OK', 'Content-Length: 2', VIA, DATE, ...word, '', 'hi')
    // Either way the server's connection is kept.
    server.isConnected()
    if (kept) {
      client.sends(...GET)
      server.gets(...GET_PASSED)
    } else {
      client.isEnded()
      book.passes(2_100)
      client.isGone()
    }
  })
}

conversation('a head that comes a byte at a time', {}, cast => {
  const server = warmsUp(cast)
  cast.client.sendsSlowly(...GET)
  server.gets(...GET_PASSED)
  server.sends(...OK)
  cast.client.gets(...OK_PASSED)
})

conversation('empty lines in front of a request are skipped (RFC 9112 §2.2)', {}, cast => {
  const server = warmsUp(cast)
  cast.client.sends('', '', ...GET)
  server.gets(...GET_PASSED)
})

conversation('pipelined requests are served one after the other', {}, ({ client, servers }) => {
  const second = ['POST /2 HTTP/1.1', 'Host: shop', 'Content-Length: 3', '', 'abc']
  client.sends(`${GET.join('\r\n')}${second.join('\r\n')}GET /3 HTTP/1.1`)
  client.sends('', 'Host: shop', '', '')
  const server = servers.accepts()
  server.gets(...GET_PASSED)
  server.sends(...OK)
  client.gets(...OK_PASSED)
  server.gets('POST /2 HTTP/1.1', 'Host: shop', 'Content-Length: 3', VIA, '', 'abc')
  server.sends(...OK)
  client.gets(...OK_PASSED)
  server.gets('GET /3 HTTP/1.1', 'Host: shop', VIA, '', '')
  server.sends(...OK)
  client.gets(...OK_PASSED)
})

conversation('a bad request behind a good one is answered in its turn', {}, ({ client, servers }) => {
  client.sends(...GET, 'GET  / HTTP/1.1', '', '')
  const server = servers.accepts()
  server.gets(...GET_PASSED)
  client.getsNothing()
  server.sends(...OK)
  const answers = client.takes()
  assert.ok(answers.startsWith(OK_PASSED.join('\r\n')))
  assert.match(answers.slice(OK_PASSED.join('\r\n').length), /^HTTP\/1.1 400 .*\r\nConnection: close\r\n/s)
  client.isEnded()
})

conversation(
  'what is read ahead is bounded',
  { listener: { readAheadBytesMax: 200 } },
  ({ client, servers }) => {
    const request = GET.join('\r\n')
    client.sends(request.repeat(3))
    client.isRead()
    client.sends(request.repeat(6))
    client.isHeldBack()
    client.sends(request)
    const server = servers.accepts()
    for (let answered = 0; answered < 10; answered++) {
      server.gets(...GET_PASSED)
      server.sends(...OK)
      client.gets(...OK_PASSED)
    }
    client.isRead()
    server.getsNothing()
  },
)

conversation(
  'who pipelines and does not read the answers is not served on and on',
  { handler: new RespondHandler({ status: 200, body: 'x'.repeat(1000) }) },
  ({ client }) => {
    client.stopsReading()
    for (let piece = 0; piece < 20; piece++) client.sends(GET.join('\r\n').repeat(200))
    assert.ok(client.takes().length < 10_000, 'answers wait in memory')
    client.isHeldBack()
    client.readsAgain()
    assert.ok(client.takes().split('HTTP/1.1 200 OK').length > 3000, 'and all are served in the end')
    client.isRead()
  },
)

conversation('a request that cannot be read is refused and the connection ends', {}, cast => {
  const { book, client, servers } = cast
  client.sends('GET / HTTP/1.1', 'Host : shop', '', '')
  client.getsError('bad_field_name')
  client.isEnded()
  assert.deepEqual(servers.asked, [])
  client.sends(...GET)
  client.getsNothing()
  book.passes(2_100)
  client.isGone()
})

conversation('bad framing of a body on its way: the server must not take it for the whole', {}, cast => {
  const { client, servers } = cast
  client.sends('POST / HTTP/1.1', 'Host: shop', 'Transfer-Encoding: chunked', '', '3', 'abc', '')
  const server = servers.accepts()
  server.gets('POST / HTTP/1.1', 'Host: shop', VIA, 'Transfer-Encoding: chunked', '', '3', 'abc', '')
  client.sends('3\n')
  server.isGone()
  client.getsError('bad_chunk')
  client.isEnded()
})

conversation('a client that sends on after our last answer gets to read it', {}, ({ book, client }) => {
  client.sends('POST / HTTP/1.1', 'Host: shop', 'Content-Length: x', '', '')
  client.getsError('bad_content_length')
  client.isEnded()
  client.isRead()
  client.sends('x'.repeat(100_000))
  book.passes(1_500)
  client.sends('x'.repeat(100_000))
  client.ends()
  client.isGone()
})

conversation('but not without end', {}, ({ client }) => {
  client.sends('POST / HTTP/1.1', 'Host: shop', 'Content-Length: x', '', '')
  client.getsError('bad_content_length')
  for (let megabytes = 0; megabytes < 5; megabytes++) client.sends('x'.repeat(1_048_576))
  client.isGone()
})

conversation('a client that leaves takes its request along', {}, ({ book, client, servers }) => {
  client.sends(...GET)
  const server = servers.accepts()
  server.gets(...GET_PASSED)
  client.leaves()
  server.isGone()
  assert.equal(book.records[0].status, 499)
})

conversation('also while its request waits for a connection', {}, ({ client, servers }) => {
  client.sends(...GET)
  assert.deepEqual(servers.asked, ['10.0.0.1:8000'])
  client.leaves()
  assert.deepEqual(servers.asked, [])
})

conversation('also in the middle of the answer', {}, ({ client, servers }) => {
  client.sends(...GET)
  const server = servers.accepts()
  server.gets(...GET_PASSED)
  server.sends('HTTP/1.1 200 OK', 'Content-Length: 20', '', 'hi')
  client.takes()
  client.leaves()
  server.isGone()
})

conversation('a half-closed client has left, by default', {}, ({ client, servers }) => {
  client.sends(...GET)
  const server = servers.accepts()
  server.gets(...GET_PASSED)
  client.ends()
  server.isGone()
  client.isGone()
})

conversation('a half-closed client can be served', { listener: { halfClose: 'serve' } }, cast => {
  const { client, servers } = cast
  client.sends(...GET, ...GET)
  client.ends()
  const server = servers.accepts()
  for (let answered = 0; answered < 2; answered++) {
    server.gets(...GET_PASSED)
    server.sends(...OK)
    client.gets(...OK_PASSED)
  }
  client.isEnded()
})

for (const halfClose of ['cancel', 'serve'] as const)
  conversation(`a body that ends too early (half-close: ${halfClose})`, { listener: { halfClose } }, cast => {
    const { client, servers } = cast
    client.sends('POST / HTTP/1.1', 'Host: shop', 'Content-Length: 10', '', 'abc')
    const server = servers.accepts()
    server.gets('POST / HTTP/1.1', 'Host: shop', 'Content-Length: 10', VIA, '', 'abc')
    client.ends()
    server.isGone()
    client.getsError('client_body_short')
    client.isEnded()
  })

conversation('a client that ends in the middle of a head gets no answer', {}, ({ client }) => {
  client.sends('GET / HTTP/1.1', 'Hos')
  client.ends()
  client.getsNothing()
  client.isGone()
})

conversation('a client that ends and never reads the last answer is let go in time', {}, cast => {
  const { book, client } = cast
  warmsUp(cast)
  // Nothing of what we send is taken any more, so that the connection cannot close in order.
  client.connection.keepsOutput = true
  client.ends()
  book.passes(80_000)
  client.isGone()
})

conversation('a last answer that is still on its way gets time', {}, ({ book, client, servers }) => {
  client.sends('GET / HTTP/1.0', 'Host: shop', '', '')
  const server = servers.accepts()
  server.takes()
  client.connection.keepsOutput = true
  client.connection.held = 5_000
  server.sends('HTTP/1.0 200 OK', '', 'hi')
  server.ends()
  client.takes()
  client.isEnded()
  for (let unsent = 4_000; unsent > 0; unsent -= 1_000) {
    book.passes(30_000)
    client.connection.held = unsent
    assert.equal(client.connection.closed, false)
  }
  book.passes(130_000)
  // An answer that ends with its connection: the client must see that it is not whole.
  client.isGone('reset')
})

conversation('shutting down: the answer under way ends the connection', {}, ({ book, client, servers }) => {
  client.sends(...GET, ...GET)
  const server = servers.accepts()
  server.gets(...GET_PASSED)
  book.context.draining = true
  server.sends(...OK)
  client.gets('HTTP/1.1 200 OK', 'Content-Length: 2', VIA, DATE, 'Connection: close', '', 'hi')
  client.isEnded()
  server.getsNothing()
})

conversation('shutting down: an idle connection ends now', {}, cast => {
  const { book, client } = cast
  warmsUp(cast)
  book.context.draining = true
  book.sessions[0].drain()
  book.settle()
  client.getsNothing()
  client.isEnded()
})

conversation('shutting down: a head that has begun gets a moment', {}, ({ book, client, servers }) => {
  const late = book.connects()
  client.sends('GET / HTTP/1.1', '')
  late.sends('GET / HTTP/1.1', '')
  book.context.draining = true
  for (const session of book.sessions) session.drain()
  client.sends('Host: shop', '', '')
  const server = servers.accepts()
  server.gets(...GET_PASSED)
  server.sends(...OK)
  client.gets('HTTP/1.1 200 OK', 'Content-Length: 2', VIA, DATE, 'Connection: close', '', 'hi')
  book.passes(2_200)
  late.getsError('client_head_timeout')
})

conversation('others take over: an idle connection has one more request, which tells it to go', {}, cast => {
  const { book, client } = cast
  const server = warmsUp(cast)
  Object.assign(book.context, { draining: true, idleStays: true })
  book.sessions[0].drain()
  book.settle()
  client.getsNothing()
  client.sends(...GET)
  server.gets(...GET_PASSED)
  server.sends(...OK)
  client.gets('HTTP/1.1 200 OK', 'Content-Length: 2', VIA, DATE, 'Connection: close', '', 'hi')
  client.isEnded()
})

conversation('others take over: an answer that promised to go on keeps its word once more', {}, cast => {
  const { book, client, servers } = cast
  client.sends(...GET)
  const server = servers.accepts()
  server.gets(...GET_PASSED)
  server.sends('HTTP/1.1 200 OK', 'Content-Length: 2', '', 'h')
  client.gets('HTTP/1.1 200 OK', 'Content-Length: 2', VIA, DATE, '', 'h')
  Object.assign(book.context, { draining: true, idleStays: true })
  book.sessions[0].drain()
  server.sends('i')
  client.gets('i')
  client.sends(...GET)
  server.gets(...GET_PASSED)
  server.sends(...OK)
  client.gets('HTTP/1.1 200 OK', 'Content-Length: 2', VIA, DATE, 'Connection: close', '', 'hi')
  client.isEnded()
})

conversation('shutting down, and the time is over', {}, ({ book, client, servers }) => {
  client.sends(...GET)
  const server = servers.accepts()
  server.gets(...GET_PASSED)
  book.sessions[0].cut()
  book.settle()
  client.getsNothing()
  client.isGone()
  server.isGone()
  assert.equal(book.records[0].error, 'draining')
})

conversation('an answer that is cut at the end of the time is logged with what was sent of it', {}, cast => {
  const { book, client, servers } = cast
  client.sends(...GET)
  const server = servers.accepts()
  server.gets(...GET_PASSED)
  server.sends('HTTP/1.1 200 OK', 'Content-Length: 9', '', 'hi')
  client.takes()
  book.context.draining = true
  book.sessions[0].cut()
  const { status, error, responseBytes } = book.records[0]
  assert.deepEqual([status, error, responseBytes], [200, 'draining', 2])
})

conversation('a client that cannot be served is told so', {}, ({ book, client, servers }) => {
  book.sessions[0].turnAway(new ProxyError('too_many_clients'))
  book.settle()
  client.getsError('too_many_clients')
  client.isEnded()
  client.sends(...GET)
  assert.deepEqual(servers.asked, [])
})
