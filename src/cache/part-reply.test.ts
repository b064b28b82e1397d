/** Parts of what is not stored: kept, joined, and served; by conversation. */
import assert from 'node:assert/strict'
import { type CachedCast, cached, takes } from '../../test/support/cached.ts'
import type { Peer } from '../../test/support/playbook.ts'

const WHOLE = '0123456789'

const ask = (range: string, ...fields: string[]): string[] => [
  'GET / HTTP/1.1',
  'Host: shop',
  ...(range === '' ? [] : [`Range: bytes=${range}`]),
  ...fields,
  '',
  '',
]

/** A server's answer with a part: its head, and the content behind it. */
function part(
  range: string,
  fields: readonly string[] = ['Content-Type: text/plain'],
): [head: string[], content: string] {
  const [first, last] = range.split('-').map(Number)
  const content = WHOLE.slice(first, last + 1)
  const head = [
    'HTTP/1.1 206 Partial Content',
    'ETag: "a"',
    'Cache-Control: max-age=60',
    ...fields,
    `Content-Range: bytes ${range}/10`,
    `Content-Length: ${content.length}`,
    '',
    '',
  ]
  return [head, content]
}

/** The client asks for a part, which the server gives. */
function fetches({ client, servers }: CachedCast, server: Peer | null, range: string): Peer {
  client.sends(...ask(range))
  const asked = server ?? servers.accepts()
  assert.match(asked.takes(), new RegExp(`Range: bytes=${range}`))
  const [head, content] = part(range)
  asked.sends(...head)
  asked.sends(content)
  assert.deepEqual([takes(client).status], [206])
  return asked
}

cached('a part that was asked for answers who asks for what lies in it', {}, cast => {
  const { client } = cast
  fetches(cast, null, '2-6')
  client.sends(...ask('3-4'))
  const { status, fields, body } = takes(client)
  assert.deepEqual([status, fields['content-range'], body], [206, 'bytes 3-4/10', '34'])
  assert.match(fields['cache-status'], /^sluice; hit/)
})

cached('RFC 9111 §3.4: parts that are a whole answer who asks for the whole', {}, cast => {
  const { client } = cast
  const server = fetches(cast, null, '0-6')
  fetches(cast, server, '5-9')
  client.sends(...ask(''))
  const { status, fields, body } = takes(client)
  assert.deepEqual(
    [status, fields['content-length'], fields['content-type'], body],
    [200, '10', 'text/plain', WHOLE],
  )
  assert.equal(fields['content-range'], undefined)
})

cached('RFC 9111 §3.3: a part is no answer to who asks for more', {}, cast => {
  const { client } = cast
  const server = fetches(cast, null, '2-6')
  client.sends(...ask('4-8'))
  server.gets('GET / HTTP/1.1', 'Host: shop', 'Range: bytes=4-8', 'Via: 1.1 sluice', '', '')
  const [head, content] = part('4-8')
  server.sends(...head)
  server.sends(content)
  assert.match(takes(client).fields['cache-status'], /fwd=partial/)
})

cached(
  'RFC 9110 §15.3.7: what If-Range brings is not kept when the parts that it was to join have gone',
  {},
  cast => {
    const { client, cache, another } = cast
    const server = fetches(cast, null, '0-4')
    client.sends(...ask('5-9', 'If-Range: "a"'))
    assert.match(server.takes(), /If-Range: "a"/)
    const [head, content] = part('5-9', [])
    server.sends(...head)
    cache.partials?.clear()
    server.sends(content)
    assert.equal(takes(client).body, '56789')
    assert.equal(cache.partials?.bytes, 0)
    const other = another(...ask('5-9'))
    assert.match(server.takes(), /Range: bytes=5-9/)
    server.sends(...part('5-9')[0])
    server.sends(content)
    assert.equal(takes(other).fields['content-type'], 'text/plain')
  },
)
