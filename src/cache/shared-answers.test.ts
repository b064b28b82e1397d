import assert from 'node:assert/strict'
import { cached, takes } from '../../test/support/cached.ts'
import { GET } from '../../test/support/playbook.ts'

const get = (...fields: string[]) => ['GET / HTTP/1.1', 'Host: shop', ...fields, '', '']

// What one request was answered with may answer another only as RFC 9111 §4 allows.

for (const control of [
  'no-cache',
  'max-age=0',
  's-maxage=0',
  'max-age=60, no-cache',
  'max-age=60\r\nAge: 60',
])
  cached(`who waits gets nothing that may not be used without validation: ${control}`, {}, cast => {
    const { client, servers, another } = cast
    client.sends(...GET)
    const others = [another(...GET), another(...GET)]
    const first = servers.accepts()
    first.takes()
    const answer = (body: string) =>
      ['HTTP/1.1 200 OK', `Cache-Control: ${control}`, 'ETag: "a"', 'Content-Length: 2', '', body] as const
    first.sends(...answer('me'))
    assert.equal(takes(client).body, 'me')
    for (const other of others) other.getsNothing()
    // At once, side by side.
    const servants = [servers.accepts(), servers.accepts()]
    for (const each of servants) {
      each.takes()
      each.sends(...answer('us'))
    }
    for (const other of others) assert.equal(takes(other).body, 'us')
  })

cached('a validation for one is none for the others when it says no-cache', {}, cast => {
  const { client, servers, another } = cast
  const head = ['Cache-Control: no-cache', 'ETag: "a"'] as const
  client.sends(...GET)
  const server = servers.accepts()
  server.takes()
  server.sends('HTTP/1.1 200 OK', ...head, 'Content-Length: 2', '', 'hi')
  takes(client)
  client.sends(...GET)
  const other = another(...GET)
  assert.match(takes(server).text, /If-None-Match: "a"/)
  server.sends('HTTP/1.1 304 Not Modified', ...head, '', '')
  assert.equal(takes(client).body, 'hi')
  const second = servers.asked.length > 0 ? servers.accepts() : server
  second.takes()
  second.sends('HTTP/1.1 200 OK', ...head, 'Content-Length: 2', '', 'ho')
  assert.equal(takes(other).body, 'ho')
})

cached('who says no-cache does not wait for what was asked before', {}, ({ client, servers, another }) => {
  client.sends(...GET)
  const other = another(...get('Cache-Control: no-cache'))
  const [first, second] = [servers.accepts(), servers.accepts()]
  first.takes()
  second.takes()
  const answer = (body: string) =>
    ['HTTP/1.1 200 OK', 'Cache-Control: max-age=60', 'Content-Length: 3', '', body] as const
  second.sends(...answer('new'))
  assert.equal(takes(other).body, 'new')
  first.sends(...answer('old'))
  assert.equal(takes(client).body, 'old')
})

cached('§5.2.1.5 what a HEAD with no-store brings is put on nothing', {}, ({ client, servers }) => {
  const head = ['HTTP/1.1 200 OK', 'Cache-Control: max-age=60', 'ETag: "a"', 'Content-Length: 2'] as const
  client.sends(...GET)
  const server = servers.accepts()
  server.takes()
  server.sends(...head, '', 'hi')
  takes(client)
  client.sends('HEAD / HTTP/1.1', 'Host: shop', 'Cache-Control: no-cache, no-store', '', '')
  server.takes()
  server.sends(...head, 'X-Secret: of one', '', '')
  client.takes()
  client.sends(...GET)
  assert.equal(takes(client).fields['x-secret'], undefined)
})

/** Two languages under one key; both are over. */
const languages = (validator: string) => (language: string) =>
  [
    'HTTP/1.1 200 OK',
    'Cache-Control: max-age=0, stale-if-error=0',
    'Vary: Accept-Language',
    validator,
    'Content-Length: 2',
    '',
    language,
  ] as const

for (const validator of ['Last-Modified: Tue, 01 Nov 1994 08:00:00 GMT', 'ETag: W/"1"'])
  cached(
    `§4.3.4 a 304 speaks of the variant that was asked for: ${validator}`,
    {},
    ({ client, servers, ages }) => {
      const answer = languages(validator)
      client.sends(...get('Accept-Language: de'))
      const server = servers.accepts()
      server.takes()
      server.sends(...answer('de'))
      takes(client)
      ages(10)
      client.sends(...get('Accept-Language: en'))
      server.takes()
      server.sends(...answer('en'))
      assert.equal(takes(client).body, 'en')
      ages(10)
      // The older of the two is asked for: the newer one has the same validator and is not meant.
      client.sends(...get('Accept-Language: de'))
      server.takes()
      server.sends('HTTP/1.1 304 Not Modified', validator, '', '')
      assert.equal(takes(client).body, 'de')
    },
  )

cached('§8.8.1 a weak tag of another variant is no reason to send that', {}, ({ client, servers }) => {
  const answer = languages('ETag: W/"1"')
  client.sends(...get('Accept-Language: de'))
  const server = servers.accepts()
  server.takes()
  server.sends(...answer('de'))
  takes(client)
  client.sends(...get('Accept-Language: fr'))
  const { text } = takes(server)
  // Weak tags are shared by representations; this one says nothing of what is stored.
  assert.doesNotMatch(text, /If-None-Match/)
  server.sends(...answer('fr'))
  assert.equal(takes(client).body, 'fr')
})

cached('RFC 9110 §8.6 no Content-Length with 204, for nobody', {}, ({ client, servers, another }) => {
  client.sends(...GET)
  const other = another(...GET)
  const server = servers.accepts()
  server.takes()
  server.sends('HTTP/1.1 204 No Content', 'Cache-Control: max-age=60', '', '')
  for (const each of [client, other]) assert.equal(takes(each).fields['content-length'], undefined)
  client.sends(...GET)
  assert.equal(takes(client).fields['content-length'], undefined)
})

cached('§3.2 a 304 that changes Vary changes what fits', {}, ({ client, servers }) => {
  const head = ['Cache-Control: max-age=0', 'ETag: "a"'] as const
  client.sends(...get('Accept-Language: de'))
  const server = servers.accepts()
  server.takes()
  server.sends('HTTP/1.1 200 OK', ...head, 'Content-Length: 2', '', 'de')
  takes(client)
  client.sends(...get('Accept-Language: de'))
  server.takes()
  server.sends(
    'HTTP/1.1 304 Not Modified',
    'Cache-Control: max-age=60',
    'ETag: "a"',
    'Vary: Accept-Language',
    '',
    '',
  )
  assert.equal(takes(client).body, 'de')
  client.sends(...get('Accept-Language: de'))
  assert.equal(takes(client).body, 'de')
  client.sends(...get('Accept-Language: en'))
  server.takes()
  server.sends('HTTP/1.1 200 OK', 'Cache-Control: max-age=60', 'Content-Length: 2', '', 'en')
  assert.equal(takes(client).body, 'en')
})
