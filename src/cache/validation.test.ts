import assert from 'node:assert/strict'
import { cached, takes } from '../../test/support/cached.ts'
import { GET, type Peer } from '../../test/support/playbook.ts'

const FRESH = [
  'HTTP/1.1 200 OK',
  'Cache-Control: max-age=60',
  'ETag: "a"',
  'Content-Length: 2',
  '',
  'hi',
] as const
const get = (...fields: string[]) => ['GET / HTTP/1.1', 'Host: shop', ...fields, '', '']

// Validation

cached('a stale response is confirmed by 304', {}, ({ client, servers, ages }) => {
  client.sends(...GET)
  const server = servers.accepts()
  server.takes()
  server.sends(...FRESH)
  takes(client)
  ages(100)
  client.sends(...GET)
  assert.equal(takes(server).fields['if-none-match'], '"a"')
  server.sends('HTTP/1.1 304 Not Modified', 'ETag: "a"', 'Cache-Control: max-age=30', 'X-New: 1', '', '')
  const answer = takes(client)
  assert.deepEqual([answer.status, answer.body, answer.fields['x-new']], [200, 'hi', '1'])
  assert.match(answer.fields['cache-status'], /^sluice; fwd=stale; fwd-status=304/)
  ages(20)
  client.sends(...GET)
  assert.equal(takes(client).fields['cache-status'], 'sluice; hit; ttl=10')
})

cached('a 304 that speaks of another response: asked again without conditions', {}, cast => {
  const { client, servers, ages } = cast
  client.sends(...GET)
  const server = servers.accepts()
  server.takes()
  server.sends(...FRESH)
  takes(client)
  ages(100)
  client.sends(...GET)
  takes(server)
  server.sends('HTTP/1.1 304 Not Modified', 'ETag: "b"', '', '')
  const second = servers.accepts()
  assert.equal(takes(second).fields['if-none-match'], undefined)
  second.sends(...FRESH)
  assert.equal(takes(client).body, 'hi')
})

cached("the client's own conditions are answered here", {}, ({ client, servers }) => {
  client.sends(...get('If-None-Match: "a"'))
  const server = servers.accepts()
  assert.equal(takes(server).fields['if-none-match'], undefined)
  server.sends(...FRESH)
  assert.equal(takes(client).status, 304)
  client.sends(...get('If-None-Match: "b"'))
  assert.equal(takes(client).status, 200)
})

for (const [own, other, sent] of [
  ['plain', '"b"', 'plain'],
  ['"a"', 'plain', '"a"'],
] as const)
  cached(`a tag without quotes is not put into a list: ${own}`, {}, ({ client, servers, ages }) => {
    const of = (accept: string) => get(`Accept-Language: ${accept}`)
    let server: Peer | null = null
    for (const [accept, tag] of [
      ['de', own],
      ['en', other],
    ]) {
      client.sends(...of(accept))
      server ??= servers.accepts()
      server.takes()
      const fields = [`ETag: ${tag}`, 'Vary: Accept-Language', 'Cache-Control: max-age=60']
      server.sends('HTTP/1.1 200 OK', ...fields, 'Content-Length: 2', '', accept)
      takes(client)
    }
    ages(100)
    client.sends(...of('de'))
    assert.equal(takes(server as Peer).fields['if-none-match'], sent)
    server?.sends('HTTP/1.1 304 Not Modified', `ETag: ${own}`, '', '')
    assert.equal(takes(client).body, 'de')
  })

// Trouble

for (const [name, fails] of [
  ['503', 'status'],
  ['no connection', 'refused'],
] as const)
  cached(`stale-if-error: ${name}`, {}, ({ client, servers, ages, another }) => {
    client.sends(...GET)
    const server = servers.accepts()
    server.takes()
    server.sends(
      'HTTP/1.1 200 OK',
      'Cache-Control: max-age=60, stale-if-error=600',
      'Content-Length: 2',
      '',
      'hi',
    )
    takes(client)
    ages(100)
    if (fails === 'refused') server.leaves()
    client.sends(...GET)
    const other = another(...GET)
    if (fails === 'refused') servers.refuses()
    else {
      server.takes()
      server.sends('HTTP/1.1 503 Service Unavailable', 'Content-Length: 3', '', 'no!')
    }
    for (const each of [client, other]) assert.equal(takes(each).body, 'hi')
  })

cached('must-revalidate: no stale answer, whatever happens', {}, ({ client, servers, ages }) => {
  client.sends(...GET)
  const server = servers.accepts()
  server.takes()
  server.sends('HTTP/1.1 200 OK', 'Cache-Control: max-age=60, must-revalidate', 'Content-Length: 2', '', 'hi')
  takes(client)
  ages(100)
  server.leaves()
  client.sends(...GET)
  servers.refuses()
  client.getsError('connect_refused')
})

cached('stale-while-revalidate: one request behind the clients’ backs', {}, cast => {
  const { client, servers, ages, another } = cast
  const answer = (body: string) =>
    [
      'HTTP/1.1 200 OK',
      'Cache-Control: max-age=60, stale-while-revalidate=600',
      'Content-Length: 3',
      '',
      body,
    ] as const
  client.sends(...GET)
  const server = servers.accepts()
  server.takes()
  server.sends(...answer('old'))
  takes(client)
  ages(100)
  client.sends(...GET)
  assert.equal(takes(client).body, 'old')
  assert.equal(takes(another(...GET)).body, 'old')
  assert.match(server.takes(), /^GET \/ /)
  assert.deepEqual(servers.asked, [])
  server.sends(...answer('new'))
  client.sends(...GET)
  assert.equal(takes(client).body, 'new')
})

// Requests

cached('only-if-cached: 504 without asking anybody', {}, ({ client, servers }) => {
  client.sends(...get('Cache-Control: only-if-cached'))
  assert.equal(takes(client).status, 504)
  assert.deepEqual(servers.asked, [])
})

cached('an unsafe request that succeeds invalidates', {}, ({ client, servers, removed }) => {
  client.sends(...GET)
  const server = servers.accepts()
  server.takes()
  server.sends(...FRESH)
  takes(client)
  for (const status of ['500 Oops', '204 No Content']) {
    client.sends('POST / HTTP/1.1', 'Host: shop', 'Content-Length: 0', '', '')
    server.takes()
    server.sends(`HTTP/1.1 ${status}`, ...(status.startsWith('5') ? ['Content-Length: 0'] : []), '', '')
    takes(client)
    client.sends(...GET)
    if (status.startsWith('5')) assert.equal(takes(client).body, 'hi')
  }
  server.takes()
  server.sends(...FRESH)
  assert.equal(takes(client).body, 'hi')
  assert.deepEqual(removed, ['http://shop:80/'])
})

cached('what was on its way when it was made invalid is not kept', {}, ({ client, servers, another }) => {
  client.sends(...GET)
  const server = servers.accepts()
  server.takes()
  const writer = another('DELETE / HTTP/1.1', 'Host: shop', '', '')
  const second = servers.accepts()
  second.takes()
  second.sends('HTTP/1.1 204 No Content', '', '')
  takes(writer)
  server.sends(...FRESH)
  assert.equal(takes(client).body, 'hi')
  client.sends(...GET)
  const asked = [server, second].filter(each => each.takes() !== '')
  assert.equal(asked.length, 1)
  asked[0].sends(...FRESH)
  assert.equal(takes(client).body, 'hi')
})

cached('with credentials nobody waits, and nobody gets what was for another', {}, cast => {
  const { client, servers, another } = cast
  client.sends(...get('Authorization: Basic YTph'))
  const other = another(...get('Authorization: Basic Yjpi'))
  assert.equal(servers.asked.length, 2)
  const [one, two] = [servers.accepts(), servers.accepts()]
  for (const each of [one, two]) {
    const user = takes(each).fields.authorization
    each.sends('HTTP/1.1 200 OK', 'Cache-Control: max-age=60', 'Content-Length: 10', '', user)
  }
  assert.equal(takes(client).body, 'Basic YTph')
  assert.equal(takes(other).body, 'Basic Yjpi')
})
