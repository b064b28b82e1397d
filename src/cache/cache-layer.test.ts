import assert from 'node:assert/strict'
import { cached, takes } from '../../test/support/cached.ts'
import { GET } from '../../test/support/playbook.ts'

const FRESH = [
  'HTTP/1.1 200 OK',
  'Cache-Control: max-age=60',
  'ETag: "a"',
  'Content-Length: 2',
  '',
  'hi',
] as const
const get = (...fields: string[]) => ['GET / HTTP/1.1', 'Host: shop', ...fields, '', '']

cached('what is fresh is answered without the server', {}, ({ client, servers, ages }) => {
  client.sends(...GET)
  const server = servers.accepts()
  server.takes()
  server.sends(...FRESH)
  const first = takes(client)
  assert.equal(first.fields['cache-status'], 'sluice; fwd=uri-miss; fwd-status=200; ttl=60; stored')
  assert.equal(first.fields.age, undefined)
  ages(20)
  client.sends(...GET)
  const second = takes(client)
  assert.equal(second.body, 'hi')
  assert.equal(second.fields.age, '20')
  assert.equal(second.fields['cache-status'], 'sluice; hit; ttl=40')
  server.getsNothing()
})

// Collapsing

cached('many requests for one missing key make one fetch, and all read along', {}, cast => {
  const { client, servers, another } = cast
  client.sends(...GET)
  const others = Array.from({ length: 20 }, () => another(...GET))
  assert.equal(servers.asked.length, 1)
  const server = servers.accepts()
  server.takes()
  server.sends('HTTP/1.1 200 OK', 'Cache-Control: max-age=60', 'Content-Length: 10', '', 'first')
  for (const each of [client, ...others]) {
    const { body, fields } = takes(each)
    // As it arrives, not after it has ended.
    assert.equal(body, 'first')
    assert.equal(fields['cache-status'].includes('collapsed'), each !== client)
  }
  const late = another(...GET)
  assert.equal(takes(late).body, 'first')
  server.sends('later')
  for (const each of [client, ...others, late]) each.gets('later')
  assert.deepEqual(servers.asked, [])
})

cached('without a length too', {}, ({ client, servers, another }) => {
  client.sends(...GET)
  const other = another(...GET)
  const server = servers.accepts()
  server.takes()
  server.sends(
    'HTTP/1.1 200 OK',
    'Cache-Control: max-age=60',
    'Transfer-Encoding: chunked',
    '',
    '2',
    'ab',
    '',
  )
  assert.match(takes(client).text, /chunked[\s\S]*2\r\nab\r\n$/)
  assert.match(takes(other).text, /chunked[\s\S]*2\r\nab\r\n$/)
  server.sends('0', '', '')
  client.gets('0', '', '')
  other.gets('0', '', '')
  client.sends(...GET)
  const { fields, body } = takes(client)
  assert.deepEqual([fields['content-length'], fields['transfer-encoding'], body], ['2', undefined, 'ab'])
})

cached('what cannot be stored releases all at once, and is remembered for a while', {}, cast => {
  const { client, servers, another, ages } = cast
  client.sends(...GET)
  const others = [another(...GET), another(...GET)]
  const server = servers.accepts()
  server.takes()
  const mine = ['HTTP/1.1 200 OK', 'Cache-Control: private', 'Content-Length: 4', '', 'mine'] as const
  server.sends(...mine)
  assert.equal(takes(client).body, 'mine')
  for (const other of others) other.getsNothing()
  // Side by side.
  assert.equal(servers.asked.length, 2)
  const both = [servers.accepts(), servers.accepts()]
  for (const each of both) {
    each.takes()
    each.sends(...mine)
  }
  for (const other of others) assert.equal(takes(other).body, 'mine')
  const all = [server, ...both]
  const requests = () => all.filter(each => each.takes() !== '')
  const askTwice = () => {
    client.sends(...GET)
    others[0].sends(...GET)
    const asked = requests()
    for (const each of asked) each.sends(...mine)
    return asked.length
  }
  // Remembered: nobody waits for the other.
  assert.equal(askTwice(), 2)
  assert.equal(cast.book.records.at(-1)?.cache, 'miss 200 uncacheable')
  assert.deepEqual([takes(client).body, takes(others[0]).body], ['mine', 'mine'])
  ages(11)
  // Forgotten: the second waits, and is released again.
  assert.equal(askTwice(), 1)
  for (const each of requests()) each.sends(...mine)
  assert.deepEqual([takes(client).body, takes(others[0]).body], ['mine', 'mine'])
})

cached('a fetch that fails costs the others nothing but the wait', {}, ({ client, servers, another }) => {
  client.sends(...GET)
  const other = another(...GET)
  const third = another(...GET)
  const server = servers.accepts()
  server.takes()
  server.leaves()
  client.getsError('upstream_reset')
  assert.equal(servers.asked.length, 2)
  const replacements = [servers.accepts(), servers.accepts()]
  for (const each of replacements) {
    each.takes()
    each.sends(...FRESH)
  }
  assert.equal(takes(other).body, 'hi')
  assert.equal(takes(third).body, 'hi')
})

cached('a waiting client that leaves disturbs nobody', {}, ({ client, servers, another }) => {
  client.sends(...GET)
  const other = another(...GET)
  const third = another(...GET)
  other.leaves()
  const server = servers.accepts()
  server.takes()
  server.sends('HTTP/1.1 200 OK', 'Cache-Control: max-age=60', 'Content-Length: 4', '', 'ab')
  assert.equal(takes(third).body, 'ab')
  takes(client)
  client.leaves()
  server.isConnected()
  server.sends('cd')
  third.gets('cd')
  third.sends(...GET)
  assert.equal(takes(third).body, 'abcd')
})

cached('the one who asked first may leave before the head', {}, ({ client, servers, another }) => {
  client.sends(...GET)
  const other = another(...GET)
  const server = servers.accepts()
  server.takes()
  client.leaves()
  server.isConnected()
  server.sends(...FRESH)
  assert.equal(takes(other).body, 'hi')
})

cached('different variants do not wait for each other in a chain', {}, ({ client, servers, another }) => {
  const ask = (language: string) => get(`Accept-Language: ${language}`)
  client.sends(...ask('en'))
  const others = ['de', 'fr', 'de'].map(language => another(...ask(language)))
  const server = servers.accepts()
  server.takes()
  const answer = (body: string) =>
    [
      'HTTP/1.1 200 OK',
      'Cache-Control: max-age=60',
      'Vary: Accept-Language',
      'Content-Length: 2',
      '',
      body,
    ] as const
  server.sends(...answer('en'))
  assert.equal(takes(client).body, 'en')
  // German and French at once; the second German waits for the first.
  assert.equal(servers.asked.length, 2)
  for (const each of [servers.accepts(), servers.accepts()])
    each.sends(...answer(takes(each).fields['accept-language']))
  assert.deepEqual(
    others.map(other => takes(other).body),
    ['de', 'fr', 'de'],
  )
})

// Streaming into the store

cached('a client that leaves does not spoil the fill', {}, ({ client, servers, another }) => {
  client.sends(...GET)
  const server = servers.accepts()
  server.takes()
  server.sends('HTTP/1.1 200 OK', 'Cache-Control: max-age=60', 'Content-Length: 4', '', 'ab')
  takes(client)
  client.leaves()
  server.sends('cd')
  const later = another(...GET)
  assert.equal(takes(later).body, 'abcd')
})

cached('unless there is too much left to come', { finishBytesMax: 100 }, ({ client, servers, another }) => {
  client.sends(...GET)
  const server = servers.accepts()
  server.takes()
  server.sends('HTTP/1.1 200 OK', 'Cache-Control: max-age=60', 'Content-Length: 400', '', 'ab')
  takes(client)
  client.leaves()
  server.isGone()
  const later = another(...GET)
  later.getsNothing()
  const second = servers.accepts()
  second.takes()
  second.sends(...FRESH)
  assert.equal(takes(later).body, 'hi')
})

cached('a body that is cut short is never kept', {}, ({ client, servers, another }) => {
  client.sends(...GET)
  const server = servers.accepts()
  server.takes()
  server.sends('HTTP/1.1 200 OK', 'Cache-Control: max-age=60', 'Content-Length: 4', '', 'ab')
  takes(client)
  server.ends()
  client.isGone()
  const later = another(...GET)
  assert.equal(servers.asked.length, 1)
  const second = servers.accepts()
  second.takes()
  second.sends(...FRESH)
  assert.equal(takes(later).body, 'hi')
})

cached('larger than the limit passes by', { objectBytesMax: 5 }, ({ client, servers, another }) => {
  client.sends(...GET)
  const other = another(...GET)
  const server = servers.accepts()
  server.takes()
  const large = ['HTTP/1.1 200 OK', 'Cache-Control: max-age=60', 'Content-Length: 6', '', 'abcdef'] as const
  server.sends(...large)
  assert.equal(takes(client).fields['cache-status'], 'sluice; fwd=uri-miss; fwd-status=200')
  const second = servers.accepts()
  second.takes()
  second.sends(...large)
  assert.equal(takes(other).body, 'abcdef')
})

cached('larger than the limit without a length: nobody loses a byte', { objectBytesMax: 5 }, cast => {
  const { client, servers, another } = cast
  client.sends(...GET)
  const other = another(...GET)
  const server = servers.accepts()
  server.takes()
  server.sends(
    'HTTP/1.1 200 OK',
    'Cache-Control: max-age=60',
    'Transfer-Encoding: chunked',
    '',
    '4',
    'abcd',
    '',
  )
  server.sends('4', 'efgh', '0', '', '')
  for (const each of [client, other]) assert.match(takes(each).text, /4\r\nabcd\r\n4\r\nefgh\r\n0\r\n\r\n$/)
  client.sends(...GET)
  server.takes()
  server.sends(...FRESH)
  assert.equal(takes(client).body, 'hi')
})

// Ranges

cached('a part of what is stored', {}, ({ client, servers }) => {
  client.sends(...GET)
  const server = servers.accepts()
  server.takes()
  server.sends('HTTP/1.1 200 OK', 'Cache-Control: max-age=60', 'Content-Length: 10', '', '0123456789')
  takes(client)
  client.sends(...get('Range: bytes=3-'))
  const { status, body, fields } = takes(client)
  assert.deepEqual([status, body, fields['content-range']], [206, '3456789', 'bytes 3-9/10'])
})

cached('parts are joined to a whole, and nothing is fetched twice', {}, ({ client, servers }) => {
  const part = (first: number, last: number) => [
    'HTTP/1.1 206 Partial Content',
    'Cache-Control: max-age=60',
    'ETag: "a"',
    `Content-Range: bytes ${first}-${last}/10`,
    `Content-Length: ${last - first + 1}`,
    '',
    '0123456789'.slice(first, last + 1),
  ]
  client.sends(...get('Range: bytes=0-4'))
  const server = servers.accepts()
  assert.equal(takes(server).fields.range, 'bytes=0-4')
  server.sends(...part(0, 4))
  assert.equal(takes(client).body, '01234')
  client.sends(...get('Range: bytes=1-2'))
  assert.equal(takes(client).body, '12')
  client.sends(...get('Range: bytes=5-9'))
  takes(server)
  server.sends(...part(5, 9))
  takes(client)
  client.sends(...GET)
  const whole = takes(client)
  assert.deepEqual([whole.status, whole.body], [200, '0123456789'])
})

// HEAD, interim answers, trailers

cached('HEAD is answered from what GET stored', {}, ({ client, servers }) => {
  client.sends(...GET)
  const server = servers.accepts()
  server.takes()
  server.sends(...FRESH)
  takes(client)
  client.sends('HEAD / HTTP/1.1', 'Host: shop', '', '')
  const { fields, body } = takes(client)
  assert.deepEqual([fields['content-length'], body], ['2', ''])
})

cached('interim answers and trailers pass by', {}, ({ client, servers }) => {
  client.sends(...get('TE: trailers', 'Connection: TE'))
  const server = servers.accepts()
  server.takes()
  server.sends('HTTP/1.1 103 Early Hints', 'Link: </a.css>; rel=preload', '', '')
  assert.equal(takes(client).status, 103)
  server.sends(
    'HTTP/1.1 200 OK',
    'Cache-Control: max-age=60',
    'Transfer-Encoding: chunked',
    '',
    '2',
    'hi',
    '0',
    'X-Sum: 1',
    '',
    '',
  )
  assert.match(takes(client).text, /X-Sum: 1\r\n\r\n$/)
  client.sends(...get('TE: trailers', 'Connection: TE'))
  assert.doesNotMatch(takes(client).text, /X-Sum|103/)
})

cached('what a slow client still has to read counts until it has it', {}, ({ client, servers, cache }) => {
  client.sends(...GET)
  const server = servers.accepts()
  server.takes()
  server.sends('HTTP/1.1 200 OK', 'Cache-Control: max-age=60', 'Content-Length: 8', '', 'ab')
  takes(client)
  client.stopsReading()
  server.sends('cd')
  server.sends('efgh')
  assert.equal(cache.fetches.size, 0, 'the server is through')
  assert.equal(cache.fillingBytes, 8)
  client.readsAgain()
  assert.equal(client.takes(), 'cdefgh')
  assert.equal(cache.fillingBytes, 0)
})
