/**
 * Lines that end in a bare LF or a bare CR, and control characters inside of lines. Some readers take them for
 * line ends and others for part of a value, so that one and the same head holds one field or two. All of them
 * are refused, before anything reaches the origin.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertRefused, attack } from '../support/attack.ts'

const REFUSED = [
  'GET / HTTP/1.1\nHost: a\n\n',
  'GET / HTTP/1.1\nHost: a\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: a\n\r\n',
  'GET / HTTP/1.1\r\nHost: a\r\n\n',
  'GET / HTTP/1.1\r\nHost: a\n\nGET /hidden HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET / HTTP/1.1\rHost: a\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: a\r\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: a\r\rGET /hidden HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: a\r\nX: b\rTransfer-Encoding: chunked\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: a\r\nX: b\nTransfer-Encoding: chunked\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: a\r\nX: b\x00c\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: a\r\nX: b\x0bc\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: a\r\nX: b\x0cc\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: a\r\nX: b\x7fc\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: a\r\nX: b\x1b[2Jc\r\n\r\n',
  'GET /\x00 HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET /a\rb HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET /a\nb HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET /a\tb HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET /a b HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET /\xe4 HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET /#fragment HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET  / HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET /  HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET / HTTP/1.1 \r\nHost: a\r\n\r\n',
  ' GET / HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET / HTTP/1.1\x0bX\r\nHost: a\r\n\r\n',
  'GET / http/1.1\r\nHost: a\r\n\r\n',
  'GET / HTTP/1.1x\r\nHost: a\r\n\r\n',
  'GET / HTTP/11\r\nHost: a\r\n\r\n',
  'GET / HTTP /1.1\r\nHost: a\r\n\r\n',
  'GET /\r\nHost: a\r\n\r\n',
  '\nGET / HTTP/1.1\r\nHost: a\r\n\r\n',
  '\rGET / HTTP/1.1\r\nHost: a\r\n\r\n',
  '\r\n\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n',
  '\x00GET / HTTP/1.1\r\nHost: a\r\n\r\n',
  '\xef\xbb\xbfGET / HTTP/1.1\r\nHost: a\r\n\r\n',
]

for (const bytes of REFUSED)
  test(`${JSON.stringify(bytes)} is refused, and the origin sees nothing`, async t =>
    assertRefused(await attack(t, bytes)))

test('the same behind a good request on the connection: the good one is answered, nothing else', async t => {
  for (const bytes of ['GET /b HTTP/1.1\nHost: a\n\n', 'GET /b HTTP/1.1\r\nHost: a\rX: y\r\n\r\n']) {
    const { statuses, lines } = await attack(t, `GET /a HTTP/1.1\r\nHost: a\r\n\r\n${bytes}`)
    assert.deepEqual(statuses, [200, 400])
    assert.deepEqual(lines, ['GET /a HTTP/1.1'])
  }
})
