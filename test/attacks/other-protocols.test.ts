/**
 * Other protocols on a plain HTTP/1.1 port: the HTTP/2 preface, a TLS handshake, PROXY headers, and whatever a
 * scanner sends. Cross-protocol tricks hope that a proxy skips what it does not know and serves what comes behind
 * it. Each gets one clear answer, the connection ends, and nothing reaches the origin.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import tls from 'node:tls'
import { assertRefused, attack } from '../support/attack.ts'
import { startOrigin } from '../support/origin.ts'
import { curl, testWith } from '../support/peers.ts'
import { startProxy } from '../support/proxy.ts'
import { within } from '../support/wait.ts'

const GET = 'GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n'

test('the preface of HTTP/2 is answered 505, and what comes behind it is not read', async t => {
  const settings = '\0\0\0\x04\0\0\0\0\0'
  assertRefused(await attack(t, `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${settings}${GET}`), 505)
})

test('an upgrade to h2c is not made, and the request is served as HTTP/1.1', async t => {
  const fields =
    'Connection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n'
  const { statuses, origin } = await attack(t, `GET / HTTP/1.1\r\nHost: a\r\n${fields}\r\n`)
  assert.deepEqual(statuses, [200])
  assert.equal(origin.requests.all[0].fields.get('Upgrade'), null)
  assert.equal(origin.requests.all[0].fields.get('HTTP2-Settings'), null)
})

test('a TLS handshake is told that this is no place for it', async t => {
  const hello = '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'
  const outcome = await attack(t, `${hello}${GET}`)
  assertRefused(outcome)
  assert.match(outcome.answers[0].body.toString(), /looks like TLS/)
})

test('a real TLS client fails at once and does not hang', async t => {
  const origin = await startOrigin(t)
  const proxy = await startProxy(t, { to: origin })
  const socket = tls.connect({ port: proxy.port, host: '127.0.0.1', rejectUnauthorized: false })
  t.after(() => socket.destroy())
  const { promise, resolve } = Promise.withResolvers<Error>()
  socket.on('error', resolve)
  const error = await within(promise, 'the handshake to fail', 3_000)
  assert.match(String((error as NodeJS.ErrnoException).code), /SSL|ECONNRESET/)
  assert.equal(origin.received, '')
})

testWith('curl', 'curl with https on the plain port fails at once', async t => {
  const origin = await startOrigin(t)
  const proxy = await startProxy(t, { to: origin })
  const { code } = await curl(t, ['-k', '-m', '5', proxy.url.replace('http:', 'https:')])
  assert.equal(code, 35)
  assert.equal(origin.received, '')
})

testWith('curl', 'curl with prior knowledge of HTTP/2 fails at once', async t => {
  const origin = await startOrigin(t)
  const proxy = await startProxy(t, { to: origin })
  const { code } = await curl(t, ['--http2-prior-knowledge', '-m', '5', proxy.url])
  assert.ok(code !== 0 && code !== 28, `code ${code}`)
  assert.equal(origin.received, '')
})

testWith('curl', 'curl that asks for an upgrade to HTTP/2 is served', async t => {
  const origin = await startOrigin(t)
  const proxy = await startProxy(t, { to: origin })
  const { code, stdout } = await curl(t, ['--http2', '-m', '5', proxy.url])
  assert.equal(code, 0)
  assert.equal(stdout.toString(), 'GET / 0')
})

const OTHERS = [
  ['a PROXY line', `PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n${GET}`],
  ['a binary PROXY header', `\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c${GET}`],
  ['SMTP', `EHLO a\r\nMAIL FROM:<a@b>\r\n${GET}`],
  ['SSH', `SSH-2.0-OpenSSH_9.2\r\n${GET}`],
  ['Redis', `*1\r\n$4\r\nPING\r\n${GET}`],
  ['FastCGI', `\x01\x01\0\x01\0\x08\0\0\0\x01\0\0\0\0\0\0${GET}`],
  ['HTTP/0.9', `GET /hidden\r\n${GET}`],
  ['RTSP', `OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n${GET}`],
  ['SIP', `OPTIONS sip:a@b SIP/2.0\r\n\r\n${GET}`],
  ['zeros', `${'\0'.repeat(10_000)}${GET}`],
] as const

for (const [what, bytes] of OTHERS)
  test(`${what} is refused, and what comes behind it is not read`, async t => {
    const outcome = await attack(t, bytes)
    assert.equal(outcome.statuses.length, 1)
    assert.ok([400, 505].includes(outcome.statuses[0]), `status ${outcome.statuses[0]}`)
    assertRefused(outcome, outcome.statuses[0])
  })
