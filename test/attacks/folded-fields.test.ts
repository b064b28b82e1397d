/**
 * Obsolete line folding: a line that begins with white space goes on with the field before it. Some readers join
 * the lines, some take the second for a field of its own, some cut it off. A field such as Transfer-Encoding or
 * Host is thereby there for one party and not for the other. Folding is refused in every place.
 */
import { test } from 'node:test'
import { assertRefused, attack } from '../support/attack.ts'

const REFUSED = [
  'GET / HTTP/1.1\r\n Host: a\r\n\r\n',
  'GET / HTTP/1.1\r\n\tHost: a\r\n\r\n',
  'GET / HTTP/1.1\r\n \r\nHost: a\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: a\r\n \r\n\r\n',
  'GET / HTTP/1.1\r\nHost: a\r\n\t\r\n\r\n',
  'GET / HTTP/1.1\r\nHost:\r\n a\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n 0\r\n\r\n0123456789',
  'GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n'.replace('X: y', 'X: y\r\n\tz'),
  'GET / HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/mixed;\r\n boundary=b\r\n\r\n',
]

for (const bytes of REFUSED)
  test(`${JSON.stringify(bytes)} is refused, and the origin sees nothing`, async t =>
    assertRefused(await attack(t, bytes)))
