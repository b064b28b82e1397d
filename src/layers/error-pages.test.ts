/** Real sessions on both sides of the layer; client and server are played. */
import assert from 'node:assert/strict'
import test from 'node:test'
import {
  type Cast,
  conversation,
  DATE,
  GET,
  GET_PASSED,
  OK,
  OK_PASSED,
  type Peer,
  type PlaybookOptions,
  VIA,
} from '../../test/support/playbook.ts'
import type { Handler } from '../exchange/handler.ts'
import { LISTENER_DEFAULTS } from '../server/options.ts'
import { type ErrorPages, errorPagesLayer } from './error-pages.ts'
import { headersLayer } from './headers.ts'
import { RespondHandler } from './respond.ts'

const HTML = 'text/html; charset=utf-8'
const PAGES: ErrorPages = {
  404: { body: '<p>no', contentType: HTML },
  '4xx': { body: 'bad', contentType: 'text/plain' },
  '5xx': { body: '{status} {error}', contentType: 'text/plain' },
}
const pages = (given: ErrorPages = PAGES): PlaybookOptions => ({ layers: [errorPagesLayer(given)] })

const page = (status: string, type: string, body: string, staying: readonly string[] = [VIA]) => [
  `HTTP/1.1 ${status}`,
  ...staying,
  `Content-Type: ${type}`,
  'Cache-Control: no-store',
  'X-Content-Type-Options: nosniff',
  `Content-Length: ${body.length}`,
  DATE,
  '',
  body,
]
const NOT_FOUND = page('404 Not Found', HTML, '<p>no')

/** The server that gets a plain GET. */
function asked({ client, servers }: Cast): Peer {
  client.sends(...GET)
  const server = servers.accepts()
  server.gets(...GET_PASSED)
  return server
}

/** The connection to the server is kept: the next request goes over it. */
function goesOn({ client }: Cast, server: Peer): void {
  client.sends(...GET)
  server.gets(...GET_PASSED)
  server.sends(...OK)
  client.gets(...OK_PASSED)
}

conversation('the answer of a server is replaced, and both connections are kept', pages(), cast => {
  const server = asked(cast)
  server.sends('HTTP/1.1 404 Not Here', 'Content-Length: 4', 'Content-Type: a/b', '', 'gone')
  cast.client.gets(...NOT_FOUND)
  goesOn(cast, server)
})

conversation('a page by kind where none is for the status itself', pages(), cast => {
  const server = asked(cast)
  server.sends('HTTP/1.1 410 Gone', 'Content-Length: 0', '', '')
  cast.client.gets(...page('410 Gone', 'text/plain', 'bad'))
  goesOn(cast, server)
})

conversation('what describes the content goes, what is about the request stays', pages(), cast => {
  const server = asked(cast)
  const staying = [
    'WWW-Authenticate: Basic',
    'Retry-After: 5',
    'Set-Cookie: a=b',
    'Allow: GET',
    'Vary: X',
    'Server: s',
  ]
  server.sends(
    'HTTP/1.1 401 Unauthorized',
    ...[
      'ETag: "a"',
      'Last-Modified: x',
      'Accept-Ranges: bytes',
      'Cache-Control: max-age=9',
      'CDN-Cache-Control: max-age=9',
      'Surrogate-Control: max-age=9',
      'Expires: 0',
      'Age: 1',
    ],
    ...[
      'Content-Encoding: gzip',
      'Content-Language: de',
      'Content-Security-Policy: x',
      'Link: </a>',
      'Pragma: x',
    ],
    ...staying,
    'Content-Length: 0',
    '',
    '',
  )
  cast.client.gets(...page('401 Unauthorized', 'text/plain', 'bad', [...staying, VIA]))
})

conversation('the page goes out at once; what the server still sends is read away', pages(), cast => {
  const server = asked(cast)
  server.sends('HTTP/1.1 404 Not Here', 'Transfer-Encoding: chunked', '', '')
  cast.client.gets(...NOT_FOUND)
  server.sends('4', 'gone', '')
  server.sends('0', 'Sum: 1', '', '')
  goesOn(cast, server)
})

conversation('the next request need not wait for that', pages(), cast => {
  const server = asked(cast)
  server.sends('HTTP/1.1 404 Not Here', 'Content-Length: 4', '', 'go')
  cast.client.gets(...NOT_FOUND)
  cast.client.sends(...GET)
  const other = cast.servers.accepts()
  other.gets(...GET_PASSED)
  server.sends('ne')
  other.sends(...OK)
  cast.client.gets(...OK_PASSED)
  server.isConnected()
})

conversation('a large body is not waited for', pages(), cast => {
  const server = asked(cast)
  server.sends('HTTP/1.1 404 Not Here', 'Content-Length: 70000', '', '')
  cast.client.gets(...NOT_FOUND)
  server.isGone()
})

conversation('an endless one is cut', pages(), cast => {
  const server = asked(cast)
  server.sends('HTTP/1.1 404 Not Here', 'Transfer-Encoding: chunked', '', '')
  cast.client.gets(...NOT_FOUND)
  server.sends('10000', 'x'.repeat(65_536), '')
  server.isConnected()
  server.sends('1', 'x', '')
  server.isGone()
  cast.client.isConnected()
})

conversation('a server that breaks off behind a page harms nobody', pages(), cast => {
  const server = asked(cast)
  server.sends('HTTP/1.1 404 Not Here', 'Content-Length: 4', '', 'go')
  cast.client.gets(...NOT_FOUND)
  server.leaves()
  cast.client.isConnected()
  cast.client.getsNothing()
})

conversation('HEAD gets the fields of GET and no content', pages(), cast => {
  cast.client.sends('HEAD / HTTP/1.1', 'Host: shop', '', '')
  const server = cast.servers.accepts()
  server.gets('HEAD / HTTP/1.1', 'Host: shop', VIA, '', '')
  server.sends('HTTP/1.1 404 Not Here', 'Content-Length: 70000', '', '')
  cast.client.gets(...NOT_FOUND.slice(0, -1), '')
  goesOn(cast, server)
})

conversation('interim answers, 304 and what is no error are left alone', pages(), cast => {
  const server = asked(cast)
  server.sends('HTTP/1.1 103 Early Hints', 'Link: </a>', '', 'HTTP/1.1 304 Not Modified', 'ETag: "a"', '', '')
  cast.client.gets(
    'HTTP/1.1 103 Early Hints',
    'Link: </a>',
    '',
    'HTTP/1.1 304 Not Modified',
    'ETag: "a"',
    VIA,
    DATE,
    '',
    '',
  )
  cast.client.sends(...GET)
  server.gets(...GET_PASSED)
  server.sends('HTTP/1.1 399 Odd', 'Transfer-Encoding: chunked', '', '2', 'hi', '0', '', '')
  cast.client.gets('HTTP/1.1 399 Odd', VIA, DATE, 'Transfer-Encoding: chunked', '', '2', 'hi', '0', '', '')
})

conversation(
  'errors of the proxy itself get the page too, and say for programs what happened',
  pages(),
  cast => {
    cast.client.sends(...GET)
    cast.servers.refuses()
    const text = cast.client.takes()
    assert.match(text, /^HTTP\/1\.1 502 Bad Gateway\r\n/)
    assert.match(text, /\r\nProxy-Status: sluice; error=connection_refused; details="[^"\r\n]*"\r\n/)
    assert.equal(text.match(/\r\nCache-Control: no-store\r\n/g)?.length, 1)
    assert.match(text, /\r\n\r\n502 connect_refused$/)
    const [record] = cast.book.records
    assert.deepEqual([record.status, record.error], [502, 'connect_refused'])
    cast.client.isConnected()
  },
)

conversation('a request body that stops coming: 408 with the page', pages(), ({ client, servers, book }) => {
  client.sends('POST / HTTP/1.1', 'Host: shop', 'Content-Length: 5', '', 'he')
  const server = servers.accepts()
  server.gets('POST / HTTP/1.1', 'Host: shop', 'Content-Length: 5', VIA, '', 'he')
  book.passes(60_100)
  assert.match(client.takes(), /^HTTP\/1\.1 408 [\s\S]*\r\n\r\nbad$/)
  server.isGone()
  client.isEnded()
})

conversation('an error in the middle of an answer cuts it, as without pages', pages(), cast => {
  const server = asked(cast)
  server.sends('HTTP/1.1 200 OK', 'Content-Length: 9', '', 'begun')
  cast.client.gets('HTTP/1.1 200 OK', 'Content-Length: 9', VIA, DATE, '', 'begun')
  server.leaves()
  cast.client.getsNothing()
  cast.client.isGone()
})

conversation(
  'a server that answers with an error before it has the whole request',
  pages(),
  ({ client, servers }) => {
    client.sends('POST / HTTP/1.1', 'Host: shop', 'Content-Length: 5', '', 'he')
    const server = servers.accepts()
    server.gets('POST / HTTP/1.1', 'Host: shop', 'Content-Length: 5', VIA, '', 'he')
    server.sends('HTTP/1.1 404 Not Here', 'Content-Length: 4', '', 'go')
    client.gets(...NOT_FOUND)
    client.sends('llo')
    client.sends(...GET)
    const other = servers.accepts()
    other.gets(...GET_PASSED)
    server.sends('ne')
    server.isGone()
    other.sends(...OK)
    client.gets(...OK_PASSED)
  },
)

const TEAPOT: Handler = { handle: ({ reply }) => reply.fail({ row: { status: 418 } } as never) }

test('a page that nobody wants costs nothing', () => {
  assert.equal(errorPagesLayer({})(TEAPOT), TEAPOT)
})

const LAST_ROUTE: PlaybookOptions = {
  handler: errorPagesLayer(PAGES)(new RespondHandler({ status: 404, body: 'x'.repeat(70_000) })),
}

conversation(
  'in front of a fixed answer: the page of a route that takes what no other takes',
  LAST_ROUTE,
  ({ client }) => {
    for (let i = 0; i < 2; i++) {
      client.sends(...GET)
      client.gets(...page('404 Not Found', HTML, '<p>no', []))
    }
  },
)

conversation(
  'a client that leaves with the page does not stop the connection from being kept',
  pages(),
  cast => {
    const server = asked(cast)
    server.sends('HTTP/1.1 404 Not Here', 'Content-Length: 4', '', 'go')
    cast.client.gets(...NOT_FOUND)
    cast.client.leaves()
    server.sends('ne')
    server.isConnected()
  },
)

const ONLY_HTML = pages({ '4xx': { body: '<p>', contentType: HTML, onlyIfAccepted: true, status: 200 } })

conversation('a page only for clients that take its type; the status may be another', ONLY_HTML, cast => {
  const get = (accept: string) => ['GET / HTTP/1.1', 'Host: shop', `Accept: ${accept}`, '', '']
  const answer = ['HTTP/1.1 404 Not Found', 'Content-Length: 2', '', '{}']
  cast.client.sends(...get('application/json'))
  const server = cast.servers.accepts()
  server.takes()
  server.sends(...answer)
  cast.client.gets('HTTP/1.1 404 Not Found', 'Content-Length: 2', VIA, 'Vary: Accept', DATE, '', '{}')
  cast.client.sends(...get('text/html'))
  server.takes()
  server.sends(...answer)
  assert.match(cast.client.takes(), /^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\nVary: Accept\r\n[\s\S]*\r\n\r\n<p>$/)
})

const OWN_FIELDS = pages({
  404: {
    body: Buffer.from([0xff, 0xfe]),
    contentType: 'image/png',
    headers: { 'cache-control': 'max-age=5', 'Retry-After': '9' },
  },
})

conversation('fields of the page are put in the place of others; bytes stay bytes', OWN_FIELDS, cast => {
  const server = asked(cast)
  server.sends('HTTP/1.1 404 Not Here', 'Retry-After: 5', 'Content-Length: 0', '', '')
  cast.client.gets(
    ...['HTTP/1.1 404 Not Found', VIA, 'Content-Type: image/png', 'X-Content-Type-Options: nosniff'],
    ...['cache-control: max-age=5', 'Retry-After: 9', 'Content-Length: 2', DATE, '', '\xff\xfe'],
  )
})

const MARKUP = pages({ 404: { body: '<p>{uri} {header.x-a}', contentType: HTML } })

conversation('what a client sends is no markup in a page', MARKUP, ({ client, servers }) => {
  client.sends('GET /<script>?"\' HTTP/1.1', 'Host: shop', 'X-A: </p><img onerror=x>', '', '')
  const server = servers.accepts()
  server.takes()
  server.sends('HTTP/1.1 404 Not Here', 'Content-Length: 0', '', '')
  assert.match(client.takes(), /\r\n\r\n<p>\/&lt;script&gt;\?&quot;&#39; &lt;\/p&gt;&lt;img onerror=x&gt;$/)
})

const WITH_HEADERS: PlaybookOptions = {
  layers: [
    headersLayer({ response: { set: { 'X-By': 'sluice' }, remove: ['via'] } }),
    errorPagesLayer(PAGES),
  ],
}

conversation('a headers layer in front edits pages as well', WITH_HEADERS, cast => {
  const server = asked(cast)
  server.sends('HTTP/1.1 410 Gone', 'Content-Length: 0', '', '')
  const text = cast.client.takes()
  assert.match(text, /\r\nX-By: sluice\r\n/)
  assert.doesNotMatch(text, /\r\nVia:/)
})

conversation(
  'a slow reader gets the whole page',
  pages({ 404: { body: 'x'.repeat(200_000), contentType: HTML } }),
  cast => {
    const server = asked(cast)
    cast.client.stopsReading()
    server.sends('HTTP/1.1 404 Not Here', 'Content-Length: 4', '', 'gone')
    cast.client.readsAgain()
    const text = cast.client.takes()
    assert.ok(text.endsWith('x'.repeat(1000)))
    assert.equal(text.split('\r\n\r\n')[1].length, 200_000)
    goesOn(cast, server)
  },
)

test('pages that cannot be sent are refused when the layer is built', () => {
  const plain = { body: '', contentType: 'text/plain' }
  const REFUSED: readonly [pages: ErrorPages, message: RegExp][] = [
    [{ 200: plain }, /"200" is neither a status from 400 to 599/],
    [{ '6xx': plain }, /"6xx" is neither/],
    [{ 404: { ...plain, status: 304 } }, /304 for "404" is no status/],
    [{ 404: { ...plain, status: 199 } }, /199 for "404" is no status/],
    [{ 404: { ...plain, headers: { 'content-length': '1' } } }, /the proxy itself writes this field/],
    [{ 404: { body: '{path}', contentType: 'text/css' } }, /variables can stand in plain text/],
    [{ 404: { ...plain, body: '{pth}' } }, /\{pth\} is not a variable/],
  ]
  for (const [given, message] of REFUSED) assert.throws(() => errorPagesLayer(given), { message })
})

conversation(
  'a client that goes on sending behind the page gets as long as ever to read it',
  pages(),
  ({ book, client, servers }) => {
    client.sends('PUT / HTTP/1.1', 'Host: shop', 'Content-Length: 1000000', '', 'abc')
    const server = servers.accepts()
    server.takes()
    server.sends('HTTP/1.1 413 Content Too Large', 'Content-Length: 4', '', 'to')
    assert.match(client.takes(), /^HTTP\/1\.1 413 [\s\S]*\r\n\r\nbad$/)
    client.isEnded()
    // The answer is complete, and the server lets go of a body that nobody reads any more.
    server.sends('o.')
    server.isGone()
    book.passes(LISTENER_DEFAULTS.timeouts.lingerTimeoutMs + 100)
    client.isGone()
  },
)
