/** Answers that break the rules: a 502, and the connection is not used again. */

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
import type { ErrorCode } from '../base/errors.ts'

const STATUS = 'HTTP/1.1 200 OK'
const CHUNKED = 'Transfer-Encoding: chunked'
const END = ['', ''] as const

const BROKEN: readonly (readonly [name: string, code: ErrorCode, ...lines: string[]])[] = [
  // Framing, RFC 9112 §6.3.
  ['both framings', 'upstream_bad_framing', STATUS, CHUNKED, 'Content-Length: 5', '', '0', ...END],
  [
    'Content-Length twice',
    'upstream_bad_framing',
    STATUS,
    'Content-Length: 2',
    'Content-Length: 2',
    '',
    'hi',
  ],
  ['Content-Length as a list', 'upstream_bad_framing', STATUS, 'Content-Length: 2, 2', '', 'hi'],
  ['Content-Length with a sign', 'upstream_bad_framing', STATUS, 'Content-Length: +2', '', 'hi'],
  ['Content-Length without a value', 'upstream_bad_framing', STATUS, 'Content-Length:', '', 'hi'],
  [
    'Content-Length out of bounds',
    'upstream_bad_framing',
    STATUS,
    'Content-Length: 9007199254740992',
    '',
    'hi',
  ],
  ['bad Content-Length of a 304', 'upstream_bad_framing', 'HTTP/1.1 304 Same', 'Content-Length: 0x', ...END],
  ['chunked in HTTP/1.0', 'upstream_bad_framing', 'HTTP/1.0 200 OK', CHUNKED, '', '0', ...END],
  ['chunked twice', 'upstream_bad_framing', STATUS, 'Transfer-Encoding: chunked, chunked', '', '0', ...END],
  ['chunked not last', 'upstream_bad_framing', STATUS, 'Transfer-Encoding: chunked, gzip', '', '0', ...END],
  ['another coding', 'upstream_bad_framing', STATUS, 'Transfer-Encoding: gzip, chunked', '', '0', ...END],
  ['an odd spelling', 'upstream_bad_framing', STATUS, 'Transfer-Encoding: "chunked"', '', '0', ...END],
  // Heads.
  ['no HTTP at all', 'upstream_bad_head', '220 mail.example.com ESMTP', ''],
  ['HTTP/2', 'upstream_bad_head', 'HTTP/2.0 200 OK', ...END],
  ['HTTP/0.9', 'upstream_bad_head', '<html>'],
  ['a status of two digits', 'upstream_bad_head', 'HTTP/1.1 20 OK', ...END],
  ['a status of four digits', 'upstream_bad_head', 'HTTP/1.1 2000 OK', ...END],
  ['a status below 100', 'upstream_bad_head', 'HTTP/1.1 099 OK', ...END],
  ['a bare LF', 'upstream_bad_head', `${STATUS}\nContent-Length: 0`, ...END],
  ['a folded field', 'upstream_bad_head', STATUS, 'A: b', ' c', ...END],
  ['white space before the colon', 'upstream_bad_head', STATUS, 'Content-Length : 2', '', 'hi'],
  ['a NUL', 'upstream_bad_head', STATUS, 'A: \0', ...END],
  ['a line without colon', 'upstream_bad_head', STATUS, 'A', ...END],
  ['too many fields', 'upstream_head_too_large', STATUS, ...new Array(101).fill('A: b'), ...END],
  ['a field that does not end', 'upstream_head_too_large', STATUS, `A: ${'b'.repeat(33_000)}`],
  [
    'a head that is too large',
    'upstream_head_too_large',
    STATUS,
    ...new Array(9).fill(`A: ${'b'.repeat(4000)}`),
  ],
  // More or other than was asked for.
  ['bytes behind a length', 'upstream_extra_bytes', STATUS, 'Content-Length: 2', '', 'hi!'],
  ['bytes behind the last chunk', 'upstream_extra_bytes', STATUS, CHUNKED, '', '0', '', 'X'],
  ['bytes behind a 204', 'upstream_extra_bytes', 'HTTP/1.1 204 No Content', '', 'X'],
  ['bytes behind a 304', 'upstream_extra_bytes', 'HTTP/1.1 304 Not Modified', 'Content-Length: 1', '', 'X'],
  ['a second answer', 'upstream_extra_bytes', ...OK.slice(0, 3), `hi${OK.join('\r\n')}`],
  ['101 that nobody asked for', 'upstream_upgrade', 'HTTP/1.1 101 Switching', 'Upgrade: h2', ...END],
  ['interim answers without end', 'upstream_bad_head', 'HTTP/1.1 102 P\r\n\r\n'.repeat(33)],
  // Bodies: all of it comes at once, so that the head can still be taken back.
  ['a bare LF in chunk framing', 'upstream_bad_body', STATUS, CHUNKED, '', '2\nhi', '0', ...END],
  ['a chunk size that is none', 'upstream_bad_body', STATUS, CHUNKED, '', 'x', ...END],
  ['a chunk longer than its size', 'upstream_bad_body', STATUS, CHUNKED, '', '1', 'hi', '0', ...END],
  ['bad trailers', 'upstream_bad_body', STATUS, CHUNKED, '', '0', 'A : b', ...END],
]

for (const [name, code, ...lines] of BROKEN)
  conversation(`502 for ${name}`, {}, ({ client, servers }) => {
    client.sends(...GET)
    const server = servers.accepts()
    server.gets(...GET_PASSED)
    server.sends(...lines)
    client.getsError(code, /^(HTTP\/1.1 102 P\r\n\r\n)*/)
    client.isConnected()
    server.isGone()
    // And the next request does not meet the rest of it.
    client.sends(...GET)
    servers.accepts().gets(...GET_PASSED)
  })

conversation('bytes behind an answer to HEAD', {}, ({ client, servers }) => {
  client.sends('HEAD / HTTP/1.1', 'Host: shop', '', '')
  const server = servers.accepts()
  server.gets('HEAD / HTTP/1.1', 'Host: shop', VIA, '', '')
  server.sends(STATUS, 'Content-Length: 2', '', 'hi')
  // An error page without its body: HEAD has none.
  assert.match(client.takes(), /^HTTP\/1.1 502 .*\r\nProxy-Status: .*http_protocol_error.*\r\n\r\n$/s)
  server.isGone()
})

conversation('extra bytes that come a moment later: the connection goes', {}, cast => {
  const server = warmsUp(cast)
  server.sends('HTTP/1.1 200 OK', 'Content-Length: 6', '', 'poison')
  server.isGone()
  cast.client.sends(...GET)
  cast.servers.accepts().gets(...GET_PASSED)
})

conversation('a broken chunk after the head has left: never complete for the client', {}, cast => {
  const { client, servers } = cast
  client.sends(...GET)
  const server = servers.accepts()
  server.gets(...GET_PASSED)
  server.sends(STATUS, CHUNKED, '', '2', 'hi', '')
  client.gets(STATUS, VIA, DATE, CHUNKED, '', '2', 'hi', '')
  server.sends('-1', '')
  client.getsNothing()
  client.isGone()
  server.isGone()
})

conversation('a head a byte at a time, and bodies of every framing on one connection', {}, cast => {
  const { client } = cast
  const server = warmsUp(cast)
  for (const lines of [OK, [STATUS, CHUNKED, '', '02;x="y"', 'hi', '0', 'T: u', '', '']]) {
    client.sends(...GET)
    server.gets(...GET_PASSED)
    server.sendsSlowly(...lines)
    const content = client.takes().split('\r\n\r\n')[1]
    assert.equal(content.match(/[a-z]/g)?.join(''), 'hi')
  }
  client.sends(...GET)
  server.gets(...GET_PASSED)
})

conversation('a server that closes without a word', {}, ({ client, servers }) => {
  client.sends(...GET)
  const server = servers.accepts()
  server.gets(...GET_PASSED)
  server.ends()
  client.getsError('upstream_closed')
  client.isConnected()
  server.isGone()
})

conversation('a server that closes in the middle of its head', {}, ({ client, servers }) => {
  client.sends(...GET)
  const server = servers.accepts()
  server.gets(...GET_PASSED)
  server.sends('HTTP/1.1 200 OK', 'Content-')
  server.ends()
  client.getsError('upstream_bad_head')
})

conversation('a server that closes after an interim answer', {}, ({ client, servers }) => {
  client.sends(...GET)
  const server = servers.accepts()
  server.gets(...GET_PASSED)
  server.sendsSlowly('HTTP/1.1 103 Early', '', '')
  client.gets('HTTP/1.1 103 Early', '', '')
  server.ends()
  client.getsError('upstream_closed')
})

// RFC 9112 §9.3.
const PERSISTENCE: readonly (readonly [version: string, fields: readonly string[], kept: boolean])[] = [
  ['1.1', [], true],
  ['1.1', ['Connection: close'], false],
  ['1.1', ['Connection: x', 'connection: CLOSE'], false],
  ['1.0', [], false],
  ['1.0', ['Connection: Keep-Alive'], true],
  ['1.0', ['Connection: keep-alive, close'], false],
]

for (const [version, fields, kept] of PERSISTENCE)
  conversation(`HTTP/${version} server ${fields}: ${kept ? 'kept' : 'closed'}`, {}, ({ client, servers }) => {
    client.sends(...GET)
    const server = servers.accepts()
    server.gets(...GET_PASSED)
    server.sends(`HTTP/${version} 200 OK`, ...fields, 'Content-Length: 2', '', 'hi')
    client.gets(STATUS, 'Content-Length: 2', `Via: ${version} sluice`, DATE, '', 'hi')
    client.isConnected()
    if (kept) server.isConnected()
    else server.isGone()
  })

conversation('the answer is passed on whole when FIN comes with it', {}, ({ book, client, servers }) => {
  client.sends(...GET)
  const server = servers.accepts()
  server.gets(...GET_PASSED)
  book.together(() => {
    server.sends(...OK)
    server.ends()
  })
  client.gets(...OK_PASSED)
  server.isGone()
})
