/**
 * Origins that break off or talk nonsense: what is not whole is never shown to a client as whole.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Script, startOrigin } from '../support/origin.ts'
import { curl, testWith } from '../support/peers.ts'
import { startProxy } from '../support/proxy.ts'
import { connect } from '../support/raw-client.ts'
import { CHUNKED, chunk, request } from '../support/requests.ts'
import { turns } from '../support/wait.ts'

const HALF_LENGTH = 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello'
const HALF_CHUNKED = `HTTP/1.1 200 OK\r\n${CHUNKED}\r\n${chunk('hello')}`
const UNTIL_CLOSE = 'HTTP/1.1 200 OK\r\n\r\nhello'

/** Sends the bytes, lets them reach the client, and ends. */
const cut =
  (bytes: string, end: 'end' | 'reset'): Script =>
  async (_, wire) => {
    wire.send(bytes)
    await turns(10)
    if (end === 'end') wire.destroy()
    else wire.reset()
  }

const BREAKS = [
  ['a length, ended early', HALF_LENGTH, 'end', 'upstream_body_short'],
  ['a length, broken', HALF_LENGTH, 'reset', 'upstream_reset'],
  ['chunks, ended early', HALF_CHUNKED, 'end', 'upstream_body_short'],
  ['chunks, broken', HALF_CHUNKED, 'reset', 'upstream_reset'],
  ['no length, broken', UNTIL_CLOSE, 'reset', 'upstream_reset'],
] as const

for (const [what, bytes, end, code] of BREAKS) {
  test(`an answer with ${what}: a client of HTTP/1.1 sees that it is not whole`, async t => {
    const origin = await startOrigin(t, cut(bytes, end))
    const proxy = await startProxy(t, { to: origin })
    const client = await connect(t, proxy)
    client.send(request('/'))
    await assert.rejects(client.answer(), /the connection ended/)
    assert.ok(client.received.includes('hello'))
    const record = await proxy.records.at(0)
    assert.equal(record.error, code)
    assert.equal(record.status, 200)
    assert.equal(record.responseBytes, 5)
    assert.equal(proxy.counters.idle, 0)
  })

  test(`an answer with ${what}: a client of HTTP/1.0 sees that it is not whole`, async t => {
    const origin = await startOrigin(t, cut(bytes, end))
    const proxy = await startProxy(t, { to: origin })
    const client = await connect(t, proxy)
    client.send(request('/', { version: '1.0' }))
    await assert.rejects(client.answer(), /the connection (ended|broken)|body ended with/)
  })

  test(`an answer with ${what}: fetch reports an error`, async t => {
    const origin = await startOrigin(t, cut(bytes, end))
    const proxy = await startProxy(t, { to: origin })
    await assert.rejects(async () => (await fetch(proxy.url)).text())
  })

  testWith('curl', `an answer with ${what}: curl reports an error`, async t => {
    const origin = await startOrigin(t, cut(bytes, end))
    const proxy = await startProxy(t, { to: origin })
    for (const version of ['--http1.1', '--http1.0']) {
      const { code, stdout } = await curl(t, [version, proxy.url])
      assert.notEqual(code, 0, version)
      assert.equal(stdout.toString(), 'hello')
    }
  })
}

test('an answer without length that ends as it should is whole', async t => {
  const origin = await startOrigin(t, (_, wire) => {
    wire.send(UNTIL_CLOSE)
    wire.end()
  })
  const proxy = await startProxy(t, { to: origin })
  assert.equal(await (await fetch(proxy.url)).text(), 'hello')
  const old = await connect(t, proxy)
  const answer = await old.ask(request('/', { version: '1.0' }))
  assert.equal(answer.end, 'close')
  assert.equal(answer.body.toString(), 'hello')
})

test('an empty answer on a new connection is a 502', async t => {
  const origin = await startOrigin(t, (_, wire) => wire.destroy())
  const proxy = await startProxy(t, { to: origin })
  const client = await connect(t, proxy)
  const told = await client.ask(request('/'))
  assert.equal(told.status, 502)
  assert.match(told.body.toString(), /upstream_closed|upstream_reset/)
  assert.deepEqual(origin.lines, ['GET / HTTP/1.1'])
})

const NONSENSE = [
  ['no HTTP at all', 'SSH-2.0-OpenSSH_9.2\r\n'],
  ['a head that ends in the middle', 'HTTP/1.1 200 OK\r\nContent-Le'],
  ['a status of four digits', 'HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n'],
  ['a status of letters', 'HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n'],
  ['both framings', `HTTP/1.1 200 OK\r\n${CHUNKED}Content-Length: 5\r\n\r\n${chunk('hello')}${chunk('')}`],
  ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!'],
  ['a list of lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello'],
  ['a signed length', 'HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello'],
  ['an unknown transfer coding', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n'],
  ['a folded field', 'HTTP/1.1 200 OK\r\nX-A: b\r\n c\r\nContent-Length: 0\r\n\r\n'],
  ['a bare LF', 'HTTP/1.1 200 OK\nContent-Length: 0\n\n'],
  ['a bare CR in a value', 'HTTP/1.1 200 OK\r\nX-A: b\rSet-Cookie: c\r\nContent-Length: 0\r\n\r\n'],
  ['a space before the colon', 'HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n'],
  ['HTTP/2', 'HTTP/2 200\r\ncontent-length: 0\r\n\r\n'],
  [
    '101 that nobody asked for',
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n',
  ],
  ['bytes behind its end', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello!'],
  ['a body behind 204', 'HTTP/1.1 204 No Content\r\n\r\nhello'],
  ['a broken chunk', `HTTP/1.1 200 OK\r\n${CHUNKED}\r\n5\r\nhello!\r\n0\r\n\r\n`],
  ['a head of a megabyte', `HTTP/1.1 200 OK\r\nX-A: ${'a'.repeat(1_048_576)}\r\n\r\n`],
  ['a thousand fields', `HTTP/1.1 200 OK\r\n${'X-A: b\r\n'.repeat(1000)}\r\n`],
  ['a hundred interim answers', 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(100)],
] as const

for (const [what, bytes] of NONSENSE)
  test(`an origin that answers with ${what} gives 502, once, and its connection is not used again`, async t => {
    const origin = await startOrigin(t, (_, wire) => {
      wire.send(bytes)
      wire.end()
    })
    const proxy = await startProxy(t, { to: origin })
    const client = await connect(t, proxy)
    client.send(request('/'))
    let told = await client.answer()
    while (told.status === 103) told = await client.answer()
    assert.equal(told.status, 502)
    assert.match(told.fields.get('Proxy-Status') ?? '', /^sluice; error=http_/)
    assert.equal((await proxy.records.at(0)).status, 502)
    assert.deepEqual(origin.lines, ['GET / HTTP/1.1'])
    assert.equal(proxy.counters.idle, 0)
  })
