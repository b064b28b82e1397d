/**
 * Response splitting: what a client sends comes back in a field of the answer (Location, a header that quotes
 * the path) with a line end in it, so that one answer becomes two and the second one is the attacker's. Also: an
 * origin that smuggles line ends, and a configuration that would write them.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkField, headersLayer } from '../../src/layers/headers.ts'
import { RedirectHandler } from '../../src/layers/redirect.ts'
import { RespondHandler } from '../../src/layers/respond.ts'
import { attack } from '../support/attack.ts'
import { answer } from '../support/origin.ts'

const redirect = (to: string) => () => [{ handler: new RedirectHandler({ to, status: 302 }) }]
const get = (target: string, host = 'a.example') =>
  `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`

const ENCODED = [
  '/%0d%0aSet-Cookie:%20evil=1',
  '/%0D%0A%0D%0AHTTP/1.1%20200%20OK',
  '/x?next=%0d%0aX-Evil:%201',
  '/%E5%98%8A%E5%98%8DSet-Cookie:evil',
  '/%u000d%u000aSet-Cookie:evil',
  '/\\r\\nSet-Cookie:evil',
]

for (const target of ENCODED)
  test(`${target} stays encoded in Location`, async t => {
    const { answers, origin } = await attack(t, get(target), {
      routes: redirect('https://{host}{path}{query}'),
    })
    assert.equal(answers.length, 1)
    assert.equal(answers[0].status, 302)
    assert.equal(answers[0].fields.get('Location'), `https://a.example${target}`)
    assert.deepEqual(answers[0].fields.all('Set-Cookie'), [])
    assert.deepEqual(answers[0].fields.all('X-Evil'), [])
    assert.equal(origin.received, '')
  })

const RAW = [
  '/\r\nSet-Cookie:evil',
  '/\rSet-Cookie:evil',
  '/\nSet-Cookie:evil',
  '/\x00',
  '/\x85Set-Cookie',
  '/\u560a',
]

for (const target of RAW)
  test(`${JSON.stringify(target)} gets no redirect at all`, async t => {
    const { answers, origin } = await attack(t, get(target), { routes: redirect('https://{host}{path}') })
    assert.equal(answers.length, 1)
    assert.equal(answers[0].status, 400)
    assert.deepEqual(answers[0].fields.all('Set-Cookie'), [])
    assert.deepEqual(answers[0].fields.all('Location'), [])
    assert.equal(origin.received, '')
  })

test('the host in Location is checked text', async t => {
  for (const host of ['a\r\nSet-Cookie: evil', 'a%0d%0aSet-Cookie:evil', 'a b', 'a"b']) {
    const { answers } = await attack(t, get('/', host), { routes: redirect('https://{host}/') })
    assert.equal(answers.length, 1)
    assert.deepEqual(answers[0].fields.all('Set-Cookie'), [])
    if (answers[0].status === 302)
      assert.match(answers[0].fields.get('Location') ?? '', /^https:\/\/[!-~]+\/$/)
    else assert.equal(answers[0].status, 400)
  }
})

test('error answers quote what the client sent without letting it out of its place', async t => {
  const evil = `/"></p><script>alert(1)</script>${'x'.repeat(300)}`
  const bytes = `GET ${evil} HTTP/1.1\r\nHost: a\r\nAccept: text/html\r\nConnection: close\r\n\r\n`
  const { answers } = await attack(t, bytes, { routes: () => [] })
  assert.equal(answers[0].status, 404)
  assert.ok(!answers[0].body.toString().includes('<script>'))
  // A structured string (RFC 9651 §3.3.3): quotes inside of it are escaped.
  assert.match(answers[0].fields.get('Proxy-Status') ?? '', /; details="(?:[^"\\]|\\["\\])*"$/)
  assert.equal(answers[0].fields.get('X-Content-Type-Options'), 'nosniff')
})

test('variables bring no line end into a field, on the way to the origin and back', async t => {
  const value = '{path} {header.x-a} {cookie.c} {host}'
  const layers = [
    headersLayer({ request: { set: { 'X-In': value } }, response: { set: { 'X-Out': value } } }),
  ]
  for (const target of ENCODED) {
    const bytes = `GET ${target} HTTP/1.1\r\nHost: a.example\r\nX-A: %0d%0aX-Evil: 1\xff\r\nCookie: c=\\r\\n1\r\nConnection: close\r\n\r\n`
    const { answers, origin } = await attack(t, bytes, { layers })
    assert.equal(answers.length, 1)
    const expected = `${target.split('?')[0]} %0d%0aX-Evil: 1\xff \\r\\n1 a.example`
    assert.equal(answers[0].fields.get('X-Out'), expected)
    assert.deepEqual(answers[0].fields.all('X-Evil'), [])
    assert.equal(origin.requests.all[0].fields.get('X-In'), expected)
    assert.deepEqual(origin.requests.all[0].fields.all('X-Evil'), [])
  }
})

test('a configuration cannot write line ends or frame messages', () => {
  for (const value of ['a\r\nSet-Cookie: b', 'a\nb', 'a\rb', 'a\0b', 'ä€'])
    assert.throws(() => headersLayer({ response: { set: { 'X-A': value } } }), /X-A/)
  for (const name of ['X A', 'X:A', 'X\r\nA', '', 'X\0'])
    assert.throws(() => headersLayer({ request: { add: { [name]: 'b' } } }))
  for (const name of ['Content-Length', 'transfer-encoding', 'Connection'])
    assert.throws(() => checkField(name, '5'), /the proxy itself writes/)
  assert.throws(() => new RespondHandler({ status: 200, headers: { 'X-A': 'b\r\n\r\nHTTP/1.1 200 OK' } }))
  assert.throws(() => new RedirectHandler({ to: 'https://a/\r\nSet-Cookie: b', status: 302 }))
})

test('edits of a configuration do not let an answer of the origin be split', async t => {
  const layers = [
    headersLayer({
      response: { set: { 'X-Served-By': 'sluice' }, remove: ['Server'], add: { Vary: 'Cookie' } },
    }),
  ]
  const script = (_: unknown, wire: { send(text: string): void }) =>
    wire.send(
      answer(
        'whole',
        '200 OK',
        'Server: x\r\nX-Served-By: other\r\nX-High: \xe4\x85\xff\r\nVary: Accept\r\n',
      ),
    )
  const { answers } = await attack(t, get('/'), { layers, script })
  assert.equal(answers.length, 1)
  assert.equal(answers[0].fields.get('X-Served-By'), 'sluice')
  assert.deepEqual(answers[0].fields.all('Server'), [])
  assert.deepEqual(answers[0].fields.all('Vary'), ['Accept', 'Cookie'])
  assert.equal(answers[0].fields.get('X-High'), '\xe4\x85\xff')
  assert.equal(answers[0].body.toString(), 'whole')
})

test('an answer of the origin with a bare line end in a field or its reason is a 502', async t => {
  for (const head of [
    'HTTP/1.1 200 OK\r\nX: a\nSet-Cookie: b',
    'HTTP/1.1 200 OK\rSet-Cookie: b',
    'HTTP/1.1 200 O\0K',
  ]) {
    const script = (_: unknown, wire: { send(text: string): void }) =>
      wire.send(`${head}\r\nContent-Length: 0\r\n\r\n`)
    const { answers } = await attack(t, get('/'), { script })
    assert.deepEqual(
      answers.map(each => each.status),
      [502],
    )
    assert.deepEqual(answers[0].fields.all('Set-Cookie'), [])
  }
})
