/** One request and its answer: framing, interim answers, trailers, answers that come early or break off. */
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
import type { Handler } from '../exchange/handler.ts'
import { HeaderList } from '../http/header-list.ts'

const CHUNKED = 'Transfer-Encoding: chunked'

// Answers.

conversation('a chunked answer, in the pieces in which it comes', {}, ({ client, servers }) => {
  client.sends(...GET)
  const server = servers.accepts()
  server.gets(...GET_PASSED)
  server.sends('HTTP/1.1 200 Fine', 'X-One: 1', CHUNKED, '', '4;ext=1', 'wiki', '')
  client.gets('HTTP/1.1 200 Fine', 'X-One: 1', VIA, DATE, CHUNKED, '', '4', 'wiki', '')
  server.sends('5', 'pedia', '0', '', '')
  client.gets('5', 'pedia', '0', '', '')
  server.isConnected()
  client.isConnected()
})

for (const version of ['1.1', '1.0'])
  conversation(
    `an answer that ends with its connection (HTTP/${version} server)`,
    {},
    ({ client, servers }) => {
      client.sends(...GET)
      const server = servers.accepts()
      server.gets(...GET_PASSED)
      server.sends(`HTTP/${version} 200 OK`, '', 'hi')
      client.gets('HTTP/1.1 200 OK', `Via: ${version} sluice`, DATE, CHUNKED, '', '2', 'hi', '')
      server.ends()
      client.gets('0', '', '')
      server.isGone()
      client.isConnected()
    },
  )

conversation('an HTTP/1.0 client gets no chunked', {}, ({ client, servers }) => {
  client.sends('GET / HTTP/1.0', 'Connection: keep-alive', '', '')
  const server = servers.accepts()
  server.gets('GET / HTTP/1.1', 'Host: 10.0.0.1:8000', 'Via: 1.0 sluice', '', '')
  server.sends('HTTP/1.1 200 OK', CHUNKED, '', '2', 'hi', '')
  client.gets('HTTP/1.1 200 OK', VIA, DATE, 'Connection: close', '', 'hi')
  server.sends('0', '', '')
  client.getsNothing()
  client.isEnded()
  server.isConnected()
})

const WITHOUT_BODY: readonly (readonly [method: string, status: string, fields: readonly string[]])[] = [
  ['HEAD', '200 OK', ['Content-Length: 20']],
  ['HEAD', '200 OK', []],
  ['GET', '204 No Content', []],
  ['GET', '304 Not Modified', ['Content-Length: 20']],
  ['HEAD', '404 Not Found', ['Content-Length: 20']],
]

for (const [method, status, fields] of WITHOUT_BODY)
  conversation(`no body: ${method} ${status} ${fields}`, {}, ({ client, servers }) => {
    client.sends(`${method} / HTTP/1.1`, 'Host: shop', '', '')
    const server = servers.accepts()
    server.gets(`${method} / HTTP/1.1`, 'Host: shop', VIA, '', '')
    server.sends(`HTTP/1.1 ${status}`, ...fields, '', '')
    client.gets(`HTTP/1.1 ${status}`, ...fields, VIA, DATE, '', '')
    client.isConnected()
    server.isConnected()
    client.sends(...GET)
    server.gets(...GET_PASSED)
  })

conversation('a HEAD answer that says chunked has no body either', {}, ({ client, servers }) => {
  client.sends('HEAD / HTTP/1.1', 'Host: shop', '', '')
  const server = servers.accepts()
  server.gets('HEAD / HTTP/1.1', 'Host: shop', VIA, '', '')
  server.sends('HTTP/1.1 200 OK', CHUNKED, '', '')
  client.gets('HTTP/1.1 200 OK', VIA, DATE, '', '')
  client.isConnected()
  server.isConnected()
})

// RFC 9110 §8.6: no Content-Length in a 204.
conversation('Content-Length: 0 of a 204 is taken out', {}, ({ client, servers }) => {
  client.sends(...GET)
  const server = servers.accepts()
  server.gets(...GET_PASSED)
  server.sends('HTTP/1.1 204 No Content', 'Content-Length: 0', '', '')
  client.gets('HTTP/1.1 204 No Content', VIA, DATE, '', '')
  server.isConnected()
})

// Expect and interim answers.

const EXPECTING = ['PUT / HTTP/1.1', 'Host: shop', 'Content-Length: 3', 'Expect: 100-continue']

conversation('Expect: 100-continue from end to end', {}, ({ client, servers }) => {
  client.sends(...EXPECTING, '', '')
  const server = servers.accepts()
  server.gets(...EXPECTING, VIA, '', '')
  client.getsNothing()
  server.sends('HTTP/1.1 100 Continue', '', '')
  client.gets('HTTP/1.1 100 Continue', '', '')
  client.sends('abc')
  server.gets('abc')
  server.sends(...OK)
  client.gets(...OK_PASSED)
  client.isConnected()
  server.isConnected()
})

conversation('a final answer instead: the body is never asked for', {}, ({ client, servers }) => {
  client.sends(...EXPECTING, '', '')
  const server = servers.accepts()
  server.gets(...EXPECTING, VIA, '', '')
  server.sends('HTTP/1.1 403 No', 'Content-Length: 2', '', 'no')
  client.gets('HTTP/1.1 403 No', 'Content-Length: 2', VIA, DATE, 'Connection: close', '', 'no')
  client.isEnded()
  server.isGone()
})

conversation('a client that expects and does not wait', {}, ({ client, servers }) => {
  client.sends(...EXPECTING, '', 'abc')
  const server = servers.accepts()
  server.gets(...EXPECTING, VIA, '', 'abc')
  server.sends('HTTP/1.1 100 Continue', '', '')
  client.gets('HTTP/1.1 100 Continue', '', '')
  server.sends(...OK)
  client.gets(...OK_PASSED)
  client.isConnected()
})

conversation('an unknown expectation', {}, ({ client, servers }) => {
  client.sends('GET / HTTP/1.1', 'Host: shop', 'Expect: cake', '', '')
  client.getsError('unknown_expectation')
  client.isConnected()
  assert.deepEqual(servers.asked, [])
})

// RFC 9110 §10.1.1: in HTTP/1.0 it is ignored.
conversation('an expectation in HTTP/1.0', {}, ({ client, servers }) => {
  client.sends('PUT / HTTP/1.0', 'Host: shop', 'Content-Length: 3', 'Expect: 100-continue', '', 'abc')
  const server = servers.accepts()
  server.gets('PUT / HTTP/1.1', 'Host: shop', 'Content-Length: 3', 'Via: 1.0 sluice', '', 'abc')
  server.sends('HTTP/1.1 100 Continue', '', '')
  client.getsNothing()
  server.sends(...OK)
  client.gets('HTTP/1.1 200 OK', 'Content-Length: 2', VIA, DATE, 'Connection: close', '', 'hi')
})

conversation('103 passes to a 1.1 client, with what is behind it', {}, ({ client, servers }) => {
  client.sends(...GET)
  const server = servers.accepts()
  server.gets(...GET_PASSED)
  server.sends('HTTP/1.1 103 Early Hints', 'Link: </a.css>', '', '')
  client.gets('HTTP/1.1 103 Early Hints', 'Link: </a.css>', '', '')
  server.sends('HTTP/1.1 103 Early Hints', 'Link: </b.css>', '', ...OK)
  client.gets('HTTP/1.1 103 Early Hints', 'Link: </b.css>', '', ...OK_PASSED)
})

conversation('103 does not pass to a 1.0 client', {}, ({ client, servers }) => {
  client.sends('GET / HTTP/1.0', 'Host: shop', '', '')
  const server = servers.accepts()
  server.gets('GET / HTTP/1.1', 'Host: shop', 'Via: 1.0 sluice', '', '')
  server.sends('HTTP/1.1 103 Early Hints', 'Link: </a.css>', '', '')
  client.getsNothing()
  server.sends(...OK)
  client.gets('HTTP/1.1 200 OK', 'Content-Length: 2', VIA, DATE, 'Connection: close', '', 'hi')
})

// Trailers.

const TAKES_TRAILERS: readonly (readonly string[])[] = [
  ['TE: trailers'],
  ['TE: trailers', 'Connection: TE'],
  ['Connection: te, keep-alive', 'te: gzip;q=0.5, Trailers'],
]

for (const fields of TAKES_TRAILERS)
  conversation(`trailers of the answer: ${fields.join(' | ')}`, {}, cast => {
    const { client, servers } = cast
    client.sends('GET / HTTP/1.1', 'Host: shop', ...fields, '', '')
    const server = servers.accepts()
    server.gets('GET / HTTP/1.1', 'Host: shop', VIA, 'TE: trailers', 'Connection: TE', '', '')
    server.sends('HTTP/1.1 200 OK', CHUNKED, '', '2', 'hi', '0', 'X-Sum: 1', 'Set-Cookie: a', 'x: 2', '', '')
    client.gets('HTTP/1.1 200 OK', VIA, DATE, CHUNKED, '', '2', 'hi', '0', 'X-Sum: 1', 'x: 2', '', '')
  })

conversation('no trailers to a client that did not ask for them', {}, ({ client, servers }) => {
  client.sends(...GET)
  const server = servers.accepts()
  server.gets(...GET_PASSED)
  server.sends('HTTP/1.1 200 OK', CHUNKED, '', '0', 'X-Sum: 1', '', '')
  client.gets('HTTP/1.1 200 OK', VIA, DATE, CHUNKED, '', '0', '', '')
})

conversation('trailers of the request', {}, ({ client, servers }) => {
  client.sends(
    'POST / HTTP/1.1',
    'Host: shop',
    CHUNKED,
    '',
    '2;q="x"',
    'hi',
    '0',
    'X-Sum: 1',
    'Host: b',
    '',
    '',
  )
  const server = servers.accepts()
  server.gets('POST / HTTP/1.1', 'Host: shop', VIA, CHUNKED, '', '2', 'hi', '0', 'X-Sum: 1', '', '')
  server.sends(...OK)
  client.gets(...OK_PASSED)
  client.isConnected()
})

// Early final answers.

conversation('a final answer while a small body still comes: the connection lives on', {}, cast => {
  const { client, servers } = cast
  client.sends('POST / HTTP/1.1', 'Host: shop', 'Content-Length: 6', '', 'abc')
  const server = servers.accepts()
  server.gets('POST / HTTP/1.1', 'Host: shop', 'Content-Length: 6', VIA, '', 'abc')
  server.sends(...OK)
  client.gets(...OK_PASSED)
  server.isGone()
  client.sends(`def${GET.join('\r\n')}`)
  client.isConnected()
  servers.accepts().gets(...GET_PASSED)
})

conversation('a final answer while a large body still comes: said, then closed in peace', {}, cast => {
  const { book, client, servers } = cast
  const head = ['POST / HTTP/1.1', 'Host: shop', 'Content-Length: 1000000']
  client.sends(...head, '', 'abc')
  const server = servers.accepts()
  server.gets(...head, VIA, '', 'abc')
  server.sends('HTTP/1.1 413 Large', 'Content-Length: 2', '', 'no')
  client.gets('HTTP/1.1 413 Large', 'Content-Length: 2', VIA, DATE, 'Connection: close', '', 'no')
  server.isGone()
  client.isEnded()
  client.isRead()
  client.sends('x'.repeat(60_000))
  book.passes(2_100)
  client.isGone()
})

conversation('an answer that begins early and goes on beside the upload', {}, ({ client, servers }) => {
  client.sends('POST / HTTP/1.1', 'Host: shop', CHUNKED, '', '1', 'a', '')
  const server = servers.accepts()
  server.gets('POST / HTTP/1.1', 'Host: shop', VIA, CHUNKED, '', '1', 'a', '')
  server.sends('HTTP/1.1 200 OK', CHUNKED, '', '1', 'A', '')
  client.gets('HTTP/1.1 200 OK', VIA, DATE, CHUNKED, 'Connection: close', '', '1', 'A', '')
  client.sends('1', 'b', '0', '', '')
  server.gets('1', 'b', '0', '', '')
  server.sends('1', 'B', '0', '', '')
  client.gets('1', 'B', '0', '', '')
  client.isEnded()
})

conversation('an error of our own while a small body still comes', {}, ({ client, servers }) => {
  client.sends('POST / HTTP/1.1', 'Host: shop', 'Content-Length: 3', '', 'a')
  servers.refuses()
  client.getsError('connect_refused')
  client.isConnected()
  client.sends(`bc${GET.join('\r\n')}`)
  servers.accepts().gets(...GET_PASSED)
})

// Answers that break off.

conversation('cut short by length', {}, ({ client, servers }) => {
  client.sends(...GET)
  const server = servers.accepts()
  server.gets(...GET_PASSED)
  server.sends('HTTP/1.1 200 OK', 'Content-Length: 5', '', 'hi')
  client.gets('HTTP/1.1 200 OK', 'Content-Length: 5', VIA, DATE, '', 'hi')
  server.ends()
  client.getsNothing()
  client.isGone()
})

for (const how of ['ends', 'leaves'] as const)
  conversation(`cut short in a chunked answer (server ${how})`, {}, ({ client, servers }) => {
    client.sends(...GET)
    const server = servers.accepts()
    server.gets(...GET_PASSED)
    server.sends('HTTP/1.1 200 OK', CHUNKED, '', '2', 'hi', '')
    client.gets('HTTP/1.1 200 OK', VIA, DATE, CHUNKED, '', '2', 'hi', '')
    server[how]()
    client.getsNothing()
    client.isGone()
  })

conversation('a reset is not the end of an answer that ends with its connection', {}, cast => {
  const { client, servers } = cast
  client.sends(...GET)
  const server = servers.accepts()
  server.gets(...GET_PASSED)
  server.sends('HTTP/1.1 200 OK', '', 'hi')
  client.gets('HTTP/1.1 200 OK', VIA, DATE, CHUNKED, '', '2', 'hi', '')
  server.leaves()
  client.getsNothing()
  client.isGone()
})

conversation('and a 1.0 client, to whom the end would look regular, sees a reset too', {}, cast => {
  const { client, servers } = cast
  client.sends('GET / HTTP/1.0', 'Host: shop', '', '')
  const server = servers.accepts()
  server.takes()
  server.sends('HTTP/1.1 200 OK', '', 'hi')
  client.gets('HTTP/1.1 200 OK', VIA, DATE, 'Connection: close', '', 'hi')
  server.leaves()
  client.getsNothing()
  client.isGone('reset')
})

conversation('a head that has not left yet is taken back', {}, ({ book, client, servers }) => {
  client.sends(...GET)
  const server = servers.accepts()
  server.gets(...GET_PASSED)
  book.together(() => {
    server.sends('HTTP/1.1 200 OK', 'Content-Length: 5', '', 'hi')
    server.ends()
  })
  client.getsError('upstream_body_short')
  client.isConnected()
})

conversation('a request with a body that fails late keeps its order on the wire', {}, cast => {
  const { client } = cast
  const server = warmsUp(cast)
  client.sends('POST / HTTP/1.1', 'Host: shop', 'Content-Length: 2', '', 'ab')
  server.gets('POST / HTTP/1.1', 'Host: shop', 'Content-Length: 2', VIA, '', 'ab')
  client.sends(...GET)
  server.leaves()
  client.getsError('upstream_reset')
  cast.servers.accepts().gets(...GET_PASSED)
})

// Handlers that are wrong about their own answers: nothing of one answer may be read as another.

/** Announces five bytes and gives these pieces. */
const announcesFive = (...pieces: readonly string[]): Handler => ({
  handle({ reply }) {
    const headers = HeaderList.from([['Content-Length', '5']])
    reply.open({ pause() {}, resume() {}, cancel() {} })
    reply.head({ status: 200, reason: 'OK', version: 11, headers })
    for (const piece of pieces) reply.data(Buffer.from(piece))
    reply.end()
  },
})

for (const pieces of [['abc'], ['abcdef'], ['abc', 'def'], []])
  conversation(
    `five bytes announced, ${pieces.join('').length} given`,
    { handler: announcesFive(...pieces) },
    ({ client }) => {
      client.sends(...GET)
      client.getsError('internal')
      client.isConnected()
    },
  )

conversation('five bytes announced, nine given, and the head has left', {}, ({ book, client, servers }) => {
  client.sends(...GET)
  const server = servers.accepts()
  server.gets(...GET_PASSED)
  server.sends('HTTP/1.1 200 OK', 'Content-Length: 5', '', 'abc')
  client.gets('HTTP/1.1 200 OK', 'Content-Length: 5', VIA, DATE, '', 'abc')
  book.together(() => server.sends('defghi'))
  assert.ok(!client.takes().includes('f'), 'not a byte too many')
  server.isGone()
})
