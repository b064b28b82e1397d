/** What happens between a request and its answer: purges, other answers, clients that leave. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type CachedCast, cached, takes } from '../../test/support/cached.ts'
import { GET, type Peer } from '../../test/support/playbook.ts'
import { Removals } from './removals.ts'

const get = (...fields: string[]) => ['GET / HTTP/1.1', 'Host: shop', ...fields, '', '']
const POST = ['POST / HTTP/1.1', 'Host: shop', 'Content-Length: 0', '', '']

const fresh = (...fields: string[]) => [
  'HTTP/1.1 200 OK',
  'Cache-Control: max-age=60',
  ...fields,
  'Content-Length: 2',
  '',
  'hi',
]

/** The resource is stored, and has grown stale. Gives its server. */
function stale({ client, servers, ages }: CachedCast, ...fields: string[]): Peer {
  client.sends(...GET)
  const server = servers.accepts()
  server.takes()
  server.sends(...fresh(...fields))
  takes(client)
  ages(100)
  return server
}

/** Somebody changes the resource. */
function changes({ another, servers }: CachedCast): void {
  const writer = another(...POST)
  const server = servers.accepts()
  server.takes()
  server.sends('HTTP/1.1 204 No Content', '', '')
  assert.equal(takes(writer).status, 204)
}

/** Nothing is stored that could answer. */
function holdsNothing({ another }: CachedCast): void {
  assert.equal(takes(another(...get('Cache-Control: only-if-cached'))).status, 504)
}

// What is made invalid (RFC 9111 §4.4)

cached('an unsafe request: what was stored does not stand in for an error', {}, cast => {
  const { client, servers } = cast
  const server = stale(cast, 'ETag: "a"')
  client.sends(...GET)
  takes(server)
  changes(cast)
  server.leaves()
  servers.refuses()
  client.getsError('connect_refused')
})

cached('a request with Authorization was on its way: its answer is not kept', {}, cast => {
  const { client, servers } = cast
  client.sends(...get('Authorization: Basic YTpi'))
  const server = servers.accepts()
  server.takes()
  changes(cast)
  server.sends(...fresh('Cache-Control: public'))
  assert.equal(takes(client).body, 'hi')
  holdsNothing(cast)
})

const PART = [
  'HTTP/1.1 206 Partial Content',
  'Cache-Control: max-age=60',
  'ETag: "a"',
  'Content-Range: bytes 0-4/10',
  'Content-Length: 5',
  '',
  '',
]
const ranged = (range: string) => get(`Range: bytes=${range}`)

for (const [when, answer, before] of [
  ['before the head of a part', PART, true],
  ['in the middle of a part', PART, false],
  ['before the head of the whole', fresh().with(-1, ''), true],
  ['in the middle of the whole', fresh().with(-1, ''), false],
] as const)
  cached(`an unsafe request ${when}: it is not kept`, {}, cast => {
    const { client, servers, cache } = cast
    client.sends(...ranged('0-4'))
    const server = servers.accepts()
    server.takes()
    if (before) changes(cast)
    server.sends(...answer)
    if (!before) changes(cast)
    server.sends(answer === PART ? '01234' : 'hi')
    takes(client)
    assert.equal(cache.partials?.bytes, 0)
    holdsNothing(cast)
  })

test('removals that are too long ago to be known may have meant anything', () => {
  const removals = new Removals()
  const { turn } = removals
  removals.add({ kind: 'key', key: 'a' })
  const of = (key: string, since: number) =>
    removals.since(since, what => what.kind === 'all' || (what.kind === 'key' && what.key === key))
  assert.deepEqual([of('a', turn), of('b', turn), of('a', removals.turn)], [true, false, false])
  removals.add({ kind: 'key', key: 'x'.repeat(10_000) })
  assert.ok(of('b', turn), 'what is too long to be remembered')
  const later = removals.turn
  for (let n = 0; n < 5000; n++) removals.add({ kind: 'key', key: `${n}` })
  assert.ok(of('b', later))
  assert.ok(of('4999', removals.turn - 1))
  assert.ok(!of('b', removals.turn - 100))
})

// Parts

cached('a client that leaves a part, or a whole instead of it: nothing is held', {}, cast => {
  const { servers, another, cache } = cast
  for (const answer of [
    PART,
    ['HTTP/1.1 200 OK', 'Cache-Control: max-age=60', 'Content-Length: 9', '', ''],
  ]) {
    const client = another(...ranged('0-4'))
    const server = servers.accepts()
    server.takes()
    server.sends(...answer)
    server.sends('0')
    takes(client)
    assert.ok(cache.fillingBytes > 0)
    client.leaves()
    assert.equal(cache.fillingBytes, 0)
    assert.equal(cache.underWay.size, 0)
  }
})

cached('a part that is longer than it says is not kept', {}, ({ client, servers, cache }) => {
  client.sends(...ranged('0-4'))
  const server = servers.accepts()
  server.takes()
  server.sends(...PART.with(4, 'Transfer-Encoding: chunked'))
  server.sends('9', '012345678', '')
  assert.equal(cache.fillingBytes, 0)
  server.sends('0', '', '')
  takes(client)
  assert.equal(cache.partials?.bytes, 0)
})

cached('parts beyond the room for what is on its way pass by', { fillingBytesMax: 8 }, cast => {
  const { client, servers, another, cache } = cast
  client.sends(...ranged('0-4'))
  const server = servers.accepts()
  server.takes()
  server.sends(...PART)
  const other = another(...ranged('0-4'))
  const second = servers.accepts()
  second.takes()
  second.sends(...PART)
  assert.equal(cache.fillingBytes, 5)
  server.sends('01234')
  second.sends('01234')
  assert.deepEqual([takes(client).body, takes(other).body], ['01234', '01234'])
})

cached('many small or overlapping ranges of what is not stored: the whole is asked for', {}, cast => {
  const { client, servers } = cast
  client.sends(...ranged('0-,0-,0-,0-'))
  const server = servers.accepts()
  assert.equal(takes(server).fields.range, undefined)
  server.sends(...fresh())
  assert.deepEqual([takes(client).status], [200])
  client.sends(...ranged('0-0'))
  assert.deepEqual([takes(client).status], [206])
})

// Validations of one stored response side by side

cached('a 304 with no-store is for one; others do not see it in an outage', {}, cast => {
  const { client, another, servers } = cast
  const server = stale(cast, 'ETag: "a"')
  client.sends(...GET)
  takes(server)
  // Does not join.
  const other = another(...get('Cache-Control: max-age=0'))
  const second = servers.accepts()
  second.takes()
  server.sends('HTTP/1.1 304 Not Modified', 'ETag: "a"', 'Cache-Control: no-store', '', '')
  const first = takes(client)
  assert.deepEqual([first.status, first.fields['cache-control']], [200, 'no-store'])
  assert.equal(first.fields['cache-status'], 'sluice; fwd=stale; fwd-status=304; ttl=60')
  second.leaves()
  assert.doesNotMatch(other.takes(), /no-store/)
  holdsNothing(cast)
})

cached(
  'RFC 9111 §3.5: a 304 to Authorization neither renews nor removes what is stored for all',
  {},
  cast => {
    const { client, another } = cast
    const server = stale(cast, 'ETag: "a"', 'X-For: all')
    client.sends(...get('Authorization: Basic YTpi'))
    takes(server)
    server.sends('HTTP/1.1 304 Not Modified', 'ETag: "a"', 'X-For: one', 'Set-Cookie: s=1', '', '')
    const own = takes(client)
    assert.deepEqual(
      [own.status, own.body, own.fields['x-for'], own.fields['set-cookie']],
      [200, 'hi', 'one', 's=1'],
    )
    assert.doesNotMatch(own.fields['cache-status'], /stored/)
    const other = another(...GET)
    assert.equal(takes(server).fields['if-none-match'], '"a"')
    server.sends('HTTP/1.1 304 Not Modified', 'ETag: "a"', '', '')
    const all = takes(other)
    assert.deepEqual([all.body, all.fields['x-for'], all.fields['set-cookie']], ['hi', 'all', undefined])
    assert.match(all.fields['cache-status'], /stored/)
  },
)

cached('RFC 9111 §3.5: a new answer to Authorization does not take away what is stored for all', {}, cast => {
  const { client, another, cache } = cast
  const server = stale(cast, 'ETag: "a"')
  client.sends(...get('Authorization: Basic YTpi'))
  takes(server)
  server.sends(...fresh('ETag: "b"'))
  assert.equal(takes(client).status, 200)
  const other = another(...GET)
  assert.equal(takes(server).fields['if-none-match'], '"a"')
  server.sends('HTTP/1.1 304 Not Modified', 'ETag: "a"', '', '')
  assert.equal(takes(other).body, 'hi')
  assert.equal(cache.uncacheable.has('http://shop:80/\n', 0), false)
})

// RFC 5861 §3

const REFRESHED = [
  'HTTP/1.1 200 OK',
  'Cache-Control: max-age=60, stale-while-revalidate=600',
  'Content-Length: 2',
  '',
]

cached('RFC 9111 §5.2.1.5: nothing is refreshed in the name of who says no-store', {}, cast => {
  const { client, servers, ages } = cast
  client.sends(...GET)
  const server = servers.accepts()
  server.takes()
  server.sends(...REFRESHED, 'hi')
  takes(client)
  ages(100)
  client.sends(...get('Cache-Control: no-store'))
  assert.equal(takes(client).body, 'hi')
  server.getsNothing()
  client.sends(...GET)
  assert.equal(takes(client).body, 'hi')
  assert.match(server.takes(), /^GET/)
  server.sends(...REFRESHED, 'ho')
  client.sends(...GET)
  assert.equal(takes(client).body, 'ho')
})

cached('HEAD has what is stored refreshed by GET', {}, cast => {
  const { client, servers, ages } = cast
  client.sends(...GET)
  const server = servers.accepts()
  server.takes()
  server.sends(...REFRESHED, 'hi')
  takes(client)
  ages(100)
  client.sends('HEAD / HTTP/1.1', 'Host: shop', '', '')
  assert.equal(takes(client).fields['content-length'], '2')
  assert.match(server.takes(), /^GET /)
  server.sends(...REFRESHED.with(2, 'Transfer-Encoding: chunked'), '2', 'ho', '0', '', '')
  client.sends(...GET)
  assert.equal(takes(client).body, 'ho')
})
