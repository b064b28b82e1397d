/** Real sessions on both sides of the layer; client and server are played. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { conversation, OK, OK_PASSED, type PlaybookOptions, VIA } from '../../test/support/playbook.ts'
import { bodyLimitLayer } from './body-limit.ts'

const limited = (bodyBytesMax: number): PlaybookOptions => ({ layers: [bodyLimitLayer({ bodyBytesMax })] })
const TEN = limited(10)

const post = (...fields: readonly string[]) => ['POST / HTTP/1.1', 'Host: shop', ...fields, '', ''] as const
const CHUNKED = 'Transfer-Encoding: chunked'
const PASSED = ['POST / HTTP/1.1', 'Host: shop', VIA, CHUNKED, '', ''] as const

conversation(
  'a length beyond the limit: 413 at once, and no server hears of it',
  TEN,
  ({ client, servers, book }) => {
    client.sends(...post('Content-Length: 70000'))
    client.getsError('body_too_large')
    assert.deepEqual(servers.asked, [])
    client.isEnded()
    const [record] = book.records
    assert.equal(record.error, 'body_too_large')
    assert.equal(record.detail, 'It may have 10B here (bodyLimit).')
  },
)

conversation('one that is small all the same does not cost the connection', TEN, ({ client, servers }) => {
  client.sends(...post('Content-Length: 11').slice(0, -1), 'hello world')
  client.getsError('body_too_large')
  client.isConnected()
  client.sends(...post('Content-Length: 10').slice(0, -1), 'helloworld')
  const server = servers.accepts()
  server.gets('POST / HTTP/1.1', 'Host: shop', 'Content-Length: 10', VIA, '', 'helloworld')
  server.sends(...OK)
  client.gets(...OK_PASSED)
})

conversation('a client that waits for 100 gets 413 instead', TEN, ({ client, servers }) => {
  client.sends(...post('Content-Length: 11', 'Expect: 100-continue'))
  client.getsError('body_too_large')
  assert.deepEqual(servers.asked, [])
  client.isEnded()
})

conversation('no 100 is spent on a body that is allowed: that is for the server to say', TEN, cast => {
  cast.client.sends(...post('Content-Length: 10', 'Expect: 100-continue'))
  const server = cast.servers.accepts()
  server.gets('POST / HTTP/1.1', 'Host: shop', 'Content-Length: 10', 'Expect: 100-continue', VIA, '', '')
  cast.client.getsNothing()
})

conversation(
  'a chunked body passes the limit on its way: the server sees it break',
  TEN,
  ({ client, servers }) => {
    client.sends(...post(CHUNKED))
    const server = servers.accepts()
    client.sends('6', 'hello ', '')
    server.gets(...PASSED.slice(0, -1), '6', 'hello ', '')
    client.sends('5', 'world', '0', '', '')
    server.getsNothing()
    server.isGone()
    client.getsError('body_too_large')
    client.isEnded()
  },
)

conversation('a byte at a time it breaks at the same byte', TEN, ({ client, servers }) => {
  client.sends(...post(CHUNKED))
  const server = servers.accepts()
  server.gets(...PASSED)
  client.sendsSlowly('b', 'hello worl')
  server.gets(...[...'hello worl'].flatMap(char => ['1', char]), '')
  client.getsNothing()
  client.sends('d')
  server.getsNothing()
  server.isGone()
  client.getsError('body_too_large')
})

conversation('exactly the limit in chunks is fine', TEN, ({ client, servers }) => {
  client.sends(...post(CHUNKED).slice(0, -1), '6', 'hello ', '4', 'worl', '0', '', '')
  const server = servers.accepts()
  server.gets(...PASSED.slice(0, -1), '6', 'hello ', '4', 'worl', '0', '', '')
  server.sends(...OK)
  client.gets(...OK_PASSED)
  client.isConnected()
})

conversation('the framing of chunks does not count', TEN, ({ client, servers }) => {
  client.sends(
    ...post(CHUNKED).slice(0, -1),
    ...[...'helloworld'].flatMap(char => ['01;ext=abcdef', char]),
    '0',
    'Sum: 1234567890',
    '',
    '',
  )
  const server = servers.accepts()
  assert.match(server.takes(), /\r\n0\r\n/)
  server.sends(...OK)
  client.gets(...OK_PASSED)
})

conversation('an answer that has begun is cut off', TEN, ({ client, servers }) => {
  client.sends(...post(CHUNKED))
  const server = servers.accepts()
  server.gets(...PASSED)
  server.sends('HTTP/1.1 200 OK', 'Content-Length: 100', '', 'begun')
  assert.match(client.takes(), /begun$/)
  client.sends('b', 'hello world', '0', '', '')
  server.isGone()
  client.getsNothing()
  client.isGone()
})

conversation(
  'two limits: the smaller one holds',
  { layers: [...(TEN.layers ?? []), ...(limited(20).layers ?? [])] },
  ({ client, servers }) => {
    client.sends(...post(CHUNKED))
    const server = servers.accepts()
    server.gets(...PASSED)
    client.sends('b', 'hello world', '')
    server.isGone()
    client.getsError('body_too_large')
  },
)

conversation('none at all: requests without a body only', limited(0), ({ client, servers }) => {
  client.sends('GET / HTTP/1.1', 'Host: shop', '', '')
  const server = servers.accepts()
  server.gets('GET / HTTP/1.1', 'Host: shop', VIA, '', '')
  server.sends(...OK)
  client.gets(...OK_PASSED)
  client.sends(...post('Content-Length: 0'))
  server.gets('POST / HTTP/1.1', 'Host: shop', 'Content-Length: 0', VIA, '', '')
  server.sends(...OK)
  client.gets(...OK_PASSED)
  client.sends(...post('Content-Length: 1').slice(0, -1), 'x')
  client.getsError('body_too_large')
})

test('a limit that is none is refused when the layer is built', () => {
  for (const bodyBytesMax of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY])
    assert.throws(() => bodyLimitLayer({ bodyBytesMax }), /is not a number of bytes/)
})
