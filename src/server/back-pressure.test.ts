/** A slow reader, on either side, holds back who sends: one read waits in memory, not the body. */
import assert from 'node:assert/strict'
import { conversation, DATE, GET, GET_PASSED, OK, OK_PASSED, VIA } from '../../test/support/playbook.ts'

const CHUNKED = 'Transfer-Encoding: chunked'

conversation('a client that reads slowly', {}, ({ book, client, servers }) => {
  client.sends(...GET)
  const server = servers.accepts()
  server.gets(...GET_PASSED)
  client.stopsReading()
  server.sends('HTTP/1.1 200 OK', 'Content-Length: 6', '', 'ab')
  client.gets('HTTP/1.1 200 OK', 'Content-Length: 6', VIA, DATE, '', 'ab')
  server.isHeldBack()
  server.sends('cd')
  client.getsNothing()
  book.passes(30_000)
  client.readsAgain()
  client.gets('cd')
  server.isRead()
  server.sends('ef')
  client.gets('ef')
  server.isConnected()
  client.isConnected()
})

conversation('a client that reads slowly, chunked', {}, ({ client, servers }) => {
  client.sends(...GET)
  const server = servers.accepts()
  server.gets(...GET_PASSED)
  client.stopsReading()
  server.sends('HTTP/1.1 200 OK', CHUNKED, '', '2', 'ab', '')
  client.gets('HTTP/1.1 200 OK', VIA, DATE, CHUNKED, '', '2', 'ab', '')
  server.isHeldBack()
  server.sends('2', 'cd', '0', '', '')
  server.ends()
  client.getsNothing()
  client.readsAgain()
  client.gets('2', 'cd', '0', '', '')
})

conversation('the end of an answer that comes while the client is slow', {}, ({ client, servers }) => {
  client.sends(...GET)
  const server = servers.accepts()
  server.gets(...GET_PASSED)
  client.stopsReading()
  server.sends(...OK)
  client.gets(...OK_PASSED)
  // The connection of the server is free for others, and not held back by this client.
  server.isRead()
  server.isConnected()
})

conversation('a server that reads slowly', {}, ({ book, client, servers }) => {
  client.sends('POST / HTTP/1.1', 'Host: shop', 'Content-Length: 6', '', '')
  const server = servers.accepts()
  server.gets('POST / HTTP/1.1', 'Host: shop', 'Content-Length: 6', VIA, '', '')
  server.stopsReading()
  client.sends('ab')
  server.gets('ab')
  client.isHeldBack()
  client.sends('cd')
  server.getsNothing()
  // The client is not to blame for the wait.
  book.passes(50_000)
  server.readsAgain()
  server.gets('cd')
  client.isRead()
  client.sends('ef')
  server.gets('ef')
  server.sends(...OK)
  client.gets(...OK_PASSED)
  client.isConnected()
})

conversation('a body waits in the kernel until there is a connection', {}, ({ client, servers }) => {
  client.sends('POST / HTTP/1.1', 'Host: shop', CHUNKED, '', '')
  for (let piece = 0; piece < 10; piece++) client.sends('2710', 'x'.repeat(10_000), '')
  client.isHeldBack()
  const server = servers.accepts()
  client.isRead()
  const sent = server.takes()
  assert.equal(sent.match(/x/g)?.length, 100_000)
  client.sends('0', '', '')
  server.gets('0', '', '')
  server.sends(...OK)
  client.gets(...OK_PASSED)
})

for (const [framing, body] of [
  [CHUNKED, ['1', 'a', '1', 'b', '0', '', '']],
  ['Content-Length: 2', ['ab']],
] as const)
  conversation(`a server that is slow to take the last bytes (${framing})`, {}, ({ client, servers }) => {
    client.sends('POST / HTTP/1.1', 'Host: shop', framing, '', '')
    const server = servers.accepts()
    server.takes()
    server.stopsReading()
    client.sends(...body)
    server.readsAgain()
    server.gets(...body)
    // The client is read again, or it would never be heard with its next request, nor when it leaves.
    client.isRead()
    server.sends(...OK)
    client.gets(...OK_PASSED)
    client.sends(...GET)
    server.gets(...GET_PASSED)
  })
