/** What a proxy does to the heads that pass through it (RFC 9110 §7.6), seen from both ends. */
import assert from 'node:assert/strict'
import {
  conversation,
  DATE,
  GET,
  GET_PASSED,
  OK,
  OK_PASSED,
  type PlaybookOptions,
  serverAddress,
  VIA,
} from '../../test/support/playbook.ts'

/** Lines of a request and what the server gets of them, the request line included. */
interface RequestCase {
  readonly name: string
  readonly options?: PlaybookOptions
  readonly sent: readonly string[]
  readonly passed: readonly string[]
}

const X_FORWARDED: PlaybookOptions = { listener: { forwarded: 'x-forwarded', trust: ['10.0.0.0/8'] } }
const CLAIMS = [
  'X-Forwarded-For: 1.1.1.1',
  'x-forwarded-host: a',
  'X-Forwarded-Proto: https',
  'Forwarded: for=a',
]
const asUpstream = (changes = {}): PlaybookOptions => ({
  group: { host: 'upstream', servers: [serverAddress(1, changes)] },
})

const REQUESTS: readonly RequestCase[] = [
  {
    name: 'order and spelling of fields are kept, and bytes ≥ 0x80',
    sent: ['GET /a?b=%20c HTTP/1.1', 'x-B:1', 'HOST:   shop', 'X-a: \xe9\xff ', 'x-B: \t2', 'Cookie: a'],
    passed: [
      'GET /a?b=%20c HTTP/1.1',
      'x-B:1',
      'HOST:   shop',
      'X-a: \xe9\xff ',
      'x-B: \t2',
      'Cookie: a',
      VIA,
    ],
  },
  {
    name: 'a higher minor version is passed on as 1.1 (RFC 9110 §2.5)',
    sent: ['GET / HTTP/1.7', 'Host: shop'],
    passed: ['GET / HTTP/1.1', 'Host: shop', VIA],
  },
  {
    name: 'hop-by-hop fields are taken out',
    sent: [
      ...['GET / HTTP/1.1', 'Host: shop', 'Connection: keep-alive', 'Keep-Alive: timeout=5', 'X: 1'],
      ...['Proxy-Connection: keep-alive', 'Upgrade: websocket', 'TE: gzip', 'Trailer: X-Sum'],
    ],
    passed: ['GET / HTTP/1.1', 'Host: shop', 'X: 1', 'Trailer: X-Sum', VIA],
  },
  {
    name: 'and what Connection names',
    sent: [
      ...['GET / HTTP/1.1', 'Connection: X-One, close', 'X-One: 1', 'Host: shop', 'x-two: 2'],
      ...['CONNECTION: ,, x-TWO ,nothing', 'X-One: again', 'X-Three: 3'],
    ],
    passed: ['GET / HTTP/1.1', 'Host: shop', 'X-Three: 3', VIA],
  },
  {
    name: 'but not what the message cannot be without',
    sent: [
      'PUT / HTTP/1.1',
      'Host: shop',
      'Connection: Host, Content-Length, Via',
      'Content-Length: 0',
      'Via: 1.0 x',
    ],
    passed: ['PUT / HTTP/1.1', 'Host: shop', 'Content-Length: 0', 'Via: 1.0 x', VIA],
  },
  {
    name: 'absolute-form: the target wins and Host is rewritten (RFC 9112 §3.2.2)',
    sent: ['GET http://Shop:8080/a?b HTTP/1.1', 'A: 1', 'Host: other', 'B: 2'],
    passed: ['GET /a?b HTTP/1.1', 'A: 1', 'Host: Shop:8080', 'B: 2', VIA],
  },
  {
    name: 'asterisk-form',
    sent: ['OPTIONS * HTTP/1.1', 'Host: shop'],
    passed: ['OPTIONS * HTTP/1.1', 'Host: shop', VIA],
  },
  {
    name: 'asterisk-form has no path, so none is put in front of it',
    options: asUpstream({ basePath: '/base' }),
    sent: ['OPTIONS * HTTP/1.1', 'Host: shop'],
    passed: ['OPTIONS * HTTP/1.1', 'Host: 10.0.0.1:8000', VIA],
  },
  {
    name: 'a server with a path, and its own Host',
    options: asUpstream({ basePath: '/base' }),
    sent: ['GET /a HTTP/1.1', 'A: 1', 'Host: shop'],
    passed: ['GET /base/a HTTP/1.1', 'Host: 10.0.0.1:8000', 'A: 1', VIA],
  },
  {
    name: 'the Host of a server behind a unix socket is a valid one',
    options: asUpstream({ host: '', unixPath: '/run/shop', label: 'unix:/run/shop' }),
    sent: ['GET /a HTTP/1.1', 'Host: shop'],
    passed: ['GET /a HTTP/1.1', 'Host: localhost', VIA],
  },
  {
    name: 'X-Forwarded-* of an untrusted client is replaced',
    options: X_FORWARDED,
    sent: ['GET / HTTP/1.1', 'Host: shop:81', ...CLAIMS],
    passed: [
      ...['GET / HTTP/1.1', 'Host: shop:81', 'X-Forwarded-For: 192.0.2.7', 'X-Forwarded-Host: shop:81'],
      ...['X-Forwarded-Proto: http', VIA],
    ],
  },
  {
    name: 'X-Forwarded-* of a trusted client is continued',
    options: { ...X_FORWARDED, from: '10.1.2.3' },
    sent: ['GET / HTTP/1.1', ...CLAIMS, 'Host: shop:81', 'X-Forwarded-For: 2.2.2.2'],
    passed: [
      ...['GET / HTTP/1.1', 'Host: shop:81', 'X-Forwarded-For: 1.1.1.1, 2.2.2.2, 10.1.2.3'],
      ...['X-Forwarded-Host: a', 'X-Forwarded-Proto: https', VIA],
    ],
  },
  {
    name: 'nothing of our own, but what a trusted client says goes on',
    options: { listener: { forwarded: 'none', trust: ['10.0.0.0/8'] }, from: '10.1.2.3' },
    sent: ['GET / HTTP/1.1', ...CLAIMS, 'Host: shop'],
    passed: [
      ...[
        'GET / HTTP/1.1',
        'Host: shop',
        'Forwarded: for=a',
        'X-Forwarded-For: 1.1.1.1',
        'X-Forwarded-Host: a',
      ],
      ...['X-Forwarded-Proto: https', VIA],
    ],
  },
  {
    name: 'nothing of our own, and nothing of an untrusted client',
    sent: ['GET / HTTP/1.1', ...CLAIMS, 'Host: shop'],
    passed: ['GET / HTTP/1.1', 'Host: shop', VIA],
  },
  {
    name: 'Forwarded instead',
    options: { listener: { forwarded: 'forwarded' }, from: '2001:db8::1' },
    sent: ['GET / HTTP/1.1', 'Host: shop', ...CLAIMS],
    passed: ['GET / HTTP/1.1', 'Host: shop', 'Forwarded: for="[2001:db8::1]";host=shop;proto=http', VIA],
  },
  {
    name: 'Connection cannot take away what we say about the client',
    options: X_FORWARDED,
    sent: [
      'GET / HTTP/1.1',
      'Host: shop',
      'Connection: X-Forwarded-For, X-Forwarded-Host, Via',
      'Via: 1.1 a',
    ],
    passed: [
      ...[
        'GET / HTTP/1.1',
        'Host: shop',
        'Via: 1.1 a',
        'X-Forwarded-For: 192.0.2.7',
        'X-Forwarded-Host: shop',
      ],
      ...['X-Forwarded-Proto: http', VIA],
    ],
  },
  {
    name: 'Max-Forwards counts down (RFC 9110 §7.6.2)',
    sent: ['OPTIONS / HTTP/1.1', 'Max-Forwards: 10', 'Host: shop'],
    passed: ['OPTIONS / HTTP/1.1', 'Max-Forwards: 9', 'Host: shop', VIA],
  },
  {
    name: 'Max-Forwards of other methods is left alone',
    sent: ['GET / HTTP/1.1', 'Max-Forwards: 0', 'Host: shop'],
    passed: ['GET / HTTP/1.1', 'Max-Forwards: 0', 'Host: shop', VIA],
  },
]

for (const { name, options = {}, sent, passed } of REQUESTS)
  conversation(name, options, ({ client, servers }) => {
    client.sends(...sent, '', '')
    servers.accepts().gets(...passed, '', '')
  })

conversation('a second host on the same connection is told as such', X_FORWARDED, ({ client, servers }) => {
  client.sends(...GET)
  const server = servers.accepts()
  assert.match(server.takes(), /^X-Forwarded-Host: shop\r$/m)
  server.sends(...OK)
  client.gets(...OK_PASSED)
  client.sends('GET / HTTP/1.1', 'Host: other', '', '')
  assert.match(server.takes(), /^X-Forwarded-Host: other\r$/m)
})

/** Lines of an answer and what the client gets of them. */
const ANSWERS: readonly { name: string; sent: readonly string[]; passed: readonly string[] }[] = [
  {
    name: 'order and spelling of fields are kept, and bytes ≥ 0x80, in the phrase too',
    sent: [
      'HTTP/1.1 200 D\xe9j\xe0 vu',
      'x-B:1',
      'Set-Cookie: a=\xff',
      'set-cookie: b',
      'Content-Length:  0',
    ],
    passed: [
      ...[
        'HTTP/1.1 200 D\xe9j\xe0 vu',
        'x-B:1',
        'Set-Cookie: a=\xff',
        'set-cookie: b',
        'Content-Length:  0',
        VIA,
      ],
      DATE,
    ],
  },
  {
    name: 'hop-by-hop fields, and what Connection names, are taken out',
    sent: [
      ...[
        'HTTP/1.1 200 OK',
        'Connection: Keep-Alive, X-One',
        'X-One: 1',
        'Keep-Alive: timeout=5',
        'Content-Length: 0',
      ],
      ...['Upgrade: h2', 'Proxy-Connection: close', 'X-Two: 2'],
    ],
    passed: ['HTTP/1.1 200 OK', 'Content-Length: 0', 'X-Two: 2', VIA, DATE],
  },
  {
    name: 'but not what the message cannot be without',
    sent: ['HTTP/1.1 200 OK', 'Connection: Content-Length, Date', 'Content-Length: 0', 'Date: x'],
    passed: ['HTTP/1.1 200 OK', 'Content-Length: 0', 'Date: x', VIA],
  },
  {
    name: 'Date is added only when it is missing',
    sent: ['HTTP/1.1 200 OK', 'DATE: Tue', 'Content-Length: 0'],
    passed: ['HTTP/1.1 200 OK', 'DATE: Tue', 'Content-Length: 0', VIA],
  },
  {
    name: 'Via is added to the one that is there',
    sent: ['HTTP/1.1 200 OK', 'Via: 1.0 fred', 'Content-Length: 0'],
    passed: ['HTTP/1.1 200 OK', 'Via: 1.0 fred', 'Content-Length: 0', VIA, DATE],
  },
  {
    name: 'Via names the version of the answer; the answer itself is ours',
    sent: ['HTTP/1.0 200', 'Connection: keep-alive', 'Content-Length: 0'],
    passed: ['HTTP/1.1 200 ', 'Content-Length: 0', 'Via: 1.0 sluice', DATE],
  },
]

for (const { name, sent, passed } of ANSWERS)
  conversation(`answer: ${name}`, {}, ({ client, servers }) => {
    client.sends(...GET)
    const server = servers.accepts()
    server.gets(...GET_PASSED)
    server.sends(...sent, '', '')
    client.gets(...passed, '', '')
    client.isConnected()
    server.isConnected()
  })

conversation('what Connection names is taken out of interim answers too', {}, ({ client, servers }) => {
  client.sends(...GET)
  const server = servers.accepts()
  server.gets(...GET_PASSED)
  server.sends('HTTP/1.1 103 Early Hints', 'Connection: X-Hop', 'X-Hop: 1', 'Link: a', '', '')
  client.gets('HTTP/1.1 103 Early Hints', 'Link: a', '', '')
})

conversation('TRACE with Max-Forwards: 0 is answered here, without secrets', {}, ({ client, servers }) => {
  client.sends('TRACE /a HTTP/1.1', 'Host: shop', 'Max-Forwards: 0', 'Cookie: c', 'authorization: x', '', '')
  const [head, body] = client.takes().split(/\r\n\r\n(.*)/s)
  assert.match(head, /^HTTP\/1.1 200 OK\r\nContent-Type: message\/http\r\n/)
  assert.equal(body, 'TRACE /a HTTP/1.1\r\nHost: shop\r\nMax-Forwards: 0\r\n\r\n')
  assert.deepEqual(servers.asked, [])
  client.isConnected()
})

conversation('OPTIONS with Max-Forwards: 0 is answered here', {}, ({ client, servers }) => {
  client.sends('OPTIONS * HTTP/1.1', 'Host: shop', 'Max-Forwards: 0', '', '')
  assert.match(client.takes(), /^HTTP\/1.1 200 OK\r\nAllow: /)
  assert.deepEqual(servers.asked, [])
})

conversation('CONNECT is not served', {}, ({ client, servers }) => {
  client.sends('CONNECT shop:443 HTTP/1.1', 'Host: shop:443', '', '')
  client.getsError('method_not_served')
  assert.deepEqual(servers.asked, [])
})

// Response splitting: nothing that a server or client puts into a field can become a line of its own.
const SPLITTING: readonly (readonly [name: string, head: readonly string[]])[] = [
  ['CR in a value', ['HTTP/1.1 200 OK', 'X: a\rSet-Cookie: evil', 'Content-Length: 0']],
  ['LF in a value', ['HTTP/1.1 200 OK', 'X: a\nSet-Cookie: evil', 'Content-Length: 0']],
  ['NUL in a value', ['HTTP/1.1 200 OK', 'X: a\0Set-Cookie: evil', 'Content-Length: 0']],
  ['CR in the phrase', ['HTTP/1.1 200 OK\rSet-Cookie: evil', 'Content-Length: 0']],
  ['LF in the phrase', ['HTTP/1.1 200 OK\nSet-Cookie: evil', 'Content-Length: 0']],
  ['a folded line', ['HTTP/1.1 200 OK', 'X: a', ' Set-Cookie: evil', 'Content-Length: 0']],
]

for (const [name, head] of SPLITTING)
  conversation(`no response splitting by ${name}`, {}, ({ client, servers }) => {
    client.sends(...GET)
    const server = servers.accepts()
    server.gets(...GET_PASSED)
    server.sends(...head, '', '')
    const answer = client.connection.left
    assert.ok(!answer.includes('evil'), answer)
    client.getsError('upstream_bad_head')
    server.isGone()
  })
