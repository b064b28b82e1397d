/** Checks of servers: what an answer has to be, and when the next check is. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type Cast,
  conversation,
  GET,
  GET_PASSED,
  type PlaybookOptions,
} from '../../test/support/playbook.ts'
import { CHECK_DEFAULTS, type CheckOptions } from './options.ts'
import { CHECK_BYTES_MAX, judgeAnswer } from './server-check.ts'

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nready'

/** What is checked → the answer → the verdict when the connection has ended. */
const ANSWERS: readonly [Partial<CheckOptions>, string, string][] = [
  [{}, OK, 'fine'],
  [{}, 'HTTP/1.0 204 No Content\r\n\r\n', 'fine'],
  [{}, 'HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n', 'status 302 instead of 2xx'],
  [{ statuses: [200, 3] }, 'HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n', 'fine'],
  [{ statuses: [200, 3] }, 'HTTP/1.1 204 No Content\r\n\r\n', 'status 204 instead of 200 or 3xx'],
  [
    {},
    'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 503 Busy\r\n\r\n',
    'status 503 instead of 2xx',
  ],
  [{ body: 'ready' }, OK, 'fine'],
  [{ body: 'eady' }, OK, 'fine'],
  [{ body: 'Ready' }, OK, 'its body does not hold "Ready"'],
  [{ body: 'ready' }, 'HTTP/1.1 200 OK\r\n\r\nall is ready here', 'fine'],
  [{ body: 'ready' }, 'HTTP/1.1 200 OK\r\nX: ready\r\n\r\nno', 'its body does not hold "ready"'],
  [
    { body: 'ready' },
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nrea\r\n2\r\ndy\r\n0\r\n\r\n',
    'fine',
  ],
  [{ body: 'é' }, Buffer.from('HTTP/1.1 200 OK\r\n\r\né').toString('latin1'), 'fine'],
  [{}, '', 'the connection ended without an answer'],
  [{}, 'HTTP/1.1 200 OK\r\nContent-Le', 'the connection ended without an answer'],
]

for (const [changes, answer, expected] of ANSWERS)
  test(`${JSON.stringify(changes)} ${JSON.stringify(answer.slice(0, 70))}: ${expected}`, () => {
    const options = { ...CHECK_DEFAULTS, path: '/', ...changes }
    const bytes = Buffer.from(answer, 'latin1')
    assert.equal(judgeAnswer(bytes, options, true), expected)
    // A byte at a time it is the same, and never another verdict on the way.
    let verdict: string = 'more'
    for (let length = 0; length <= bytes.length && verdict === 'more'; length++)
      verdict = judgeAnswer(bytes.subarray(0, length), options, false)
    assert.equal(verdict === 'more' ? judgeAnswer(bytes, options, true) : verdict, expected)
    // Bytes behind a whole answer are nobody's business here.
    if (expected === 'fine' && answer === OK)
      assert.equal(judgeAnswer(Buffer.concat([bytes, bytes]), options, true), expected)
  })

const CHECKS = (changes: Partial<CheckOptions> = {}): PlaybookOptions => ({
  group: { check: { ...CHECK_DEFAULTS, path: '/health', ...changes } },
})
const ASKED = ['GET /health HTTP/1.1', 'Host: 10.0.0.1:8000', 'Connection: close', '', '']

/** The check that is due now gets this answer. */
function checkGets({ servers }: Cast, ...lines: readonly string[]): void {
  const server = servers.accepts()
  server.gets(...ASKED)
  server.sends(...lines)
  server.isGone()
}

/** Time goes by until the next check begins. */
function nextCheck({ book, servers }: Cast): void {
  for (let ms = 0; servers.asked.length === 0; ms += 50) {
    assert.ok(ms <= 5_600, 'a check is due')
    book.passes(50)
  }
}

const SICK = ['HTTP/1.1 503 Busy', 'Content-Length: 0', '', '']
const WELL = ['HTTP/1.1 200 OK', 'Content-Length: 0', '', '']

conversation('the first check begins at once, the next an interval later', CHECKS(), cast => {
  const { book, servers } = cast
  assert.deepEqual(servers.asked, ['10.0.0.1:8000'])
  checkGets(cast, ...WELL)
  book.passes(4_400)
  assert.deepEqual(servers.asked, [])
  book.passes(1_200)
  assert.deepEqual(servers.asked, ['10.0.0.1:8000'])
})

conversation('three bad ones put a server out, two good ones bring it back', CHECKS(), cast => {
  const { book } = cast
  const [endpoint] = book.group.endpoints
  for (let i = 0; i < 3; i++) {
    assert.equal(endpoint.out, false)
    checkGets(cast, ...SICK)
    nextCheck(cast)
  }
  assert.equal(endpoint.out, true)
  assert.equal(endpoint.state, 'out: 3 checks in a row failed, the last: status 503 instead of 2xx')
  for (let i = 0; i < 2; i++) {
    assert.equal(endpoint.out, true)
    checkGets(cast, ...WELL)
    nextCheck(cast)
  }
  assert.equal(endpoint.out, false)
  assert.deepEqual(book.warnings, [
    'upstream shop: 10.0.0.1:8000 is out: 3 checks in a row failed, the last: status 503 instead of 2xx',
    'upstream shop: 10.0.0.1:8000 is back: 2 checks in a row passed',
  ])
})

/** How a check fails → what the state says then. */
const FAILURES: readonly [string, Partial<CheckOptions>, (cast: Cast) => void, RegExp][] = [
  ['refused', {}, ({ servers }) => servers.refuses(), /the last: connect_refused \(ECONNREFUSED\.\)$/],
  ['refused, TCP', { path: null }, ({ servers }) => servers.refuses(), /the last: connect_refused/],
  ['never accepted', {}, ({ book }) => book.passes(2_050), /the last: no answer within 2s$/],
  [
    'never answered',
    {},
    ({ book, servers }) => {
      const server = servers.accepts()
      server.gets(...ASKED)
      book.passes(2_050)
      server.isGone()
    },
    /the last: no answer within 2s$/,
  ],
  [
    'answered a byte at a time',
    {},
    ({ book, servers }) => {
      const server = servers.accepts()
      server.gets(...ASKED)
      for (const char of 'HTTP/1.1 200 OK') {
        server.sends(char)
        book.passes(150)
      }
    },
    /the last: no answer within 2s$/,
  ],
  [
    'ended',
    {},
    ({ servers }) => {
      const server = servers.accepts()
      server.gets(...ASKED)
      server.ends()
    },
    /the last: the connection ended without an answer$/,
  ],
  [
    'reset',
    {},
    ({ servers }) => {
      const server = servers.accepts()
      server.gets(...ASKED)
      server.leaves()
    },
    /the last: the connection broke \(ECONNRESET\)$/,
  ],
  ['no HTTP', {}, cast => checkGets(cast, 'SSH-2.0-OpenSSH', ''), /the last: its answer is not valid HTTP: /],
  [
    'an endless body without the text',
    { body: 'ready' },
    cast => checkGets(cast, 'HTTP/1.1 200 OK', '', 'x'.repeat(CHECK_BYTES_MAX + 1)),
    /the last: not found in the first 65536 bytes of its answer: "ready"$/,
  ],
]
for (const [name, changes, happens, state] of FAILURES)
  conversation(`a check that fails: ${name}`, CHECKS({ ...changes, fall: 1 }), cast => {
    happens(cast)
    const [endpoint] = cast.book.group.endpoints
    assert.match(endpoint.state, state)
    assert.equal(endpoint.out, true)
  })

conversation('without a path a connection is enough', CHECKS({ path: null, rise: 1, fall: 1 }), cast => {
  const { book, servers } = cast
  servers.refuses()
  assert.equal(book.group.endpoints[0].out, true)
  nextCheck(cast)
  const server = servers.accepts()
  server.getsNothing()
  server.isGone()
  assert.equal(book.group.endpoints[0].out, false)
})

conversation(
  'the request is what the config says',
  CHECKS({ path: '/up?a=b', method: 'POST', host: 'shop.example', headers: { 'X-Check': '1' } }),
  ({ servers }) => {
    const server = servers.accepts()
    server.gets(
      'POST /up?a=b HTTP/1.1',
      'Host: shop.example',
      'X-Check: 1',
      'Content-Length: 0',
      'Connection: close',
      '',
      '',
    )
  },
)

conversation(
  'checks never overlap, however long they take',
  CHECKS({ intervalMs: 1_000, timeoutMs: 10_000 }),
  ({ book, servers }) => {
    const server = servers.accepts()
    server.gets(...ASKED)
    book.passes(9_900)
    assert.deepEqual(servers.asked, [])
    server.sends(...WELL)
    book.passes(50)
    assert.deepEqual(servers.asked, ['10.0.0.1:8000'])
  },
)

conversation('the only server is asked all the same when checks say it is out', CHECKS({ fall: 1 }), cast => {
  const { client, servers } = cast
  servers.refuses()
  client.sends(...GET)
  servers.accepts().gets(...GET_PASSED)
})

for (const [when, until] of [
  ['before it has a connection', () => null],
  ['while an answer is waited for', ({ servers }: Cast) => servers.accepts()],
] as const)
  conversation(`a group that is closed ends its check ${when}`, CHECKS(), cast => {
    const server = until(cast)
    server?.gets(...ASKED)
    cast.book.group.close()
    cast.book.settle()
    assert.deepEqual(cast.servers.asked, [])
    assert.equal(cast.book.deadlines.entries.size, cast.book.sessions.length, 'only the client is left')
    server?.isGone()
    cast.book.passes(20_000)
    assert.deepEqual(cast.servers.asked, [])
  })
