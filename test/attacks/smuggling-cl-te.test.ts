/**
 * CL.TE smuggling. One request carries Content-Length and Transfer-Encoding. A proxy that goes by the length and
 * an origin that goes by the chunks read different messages: what the proxy took for the end of a body is, for
 * the origin, the beginning of a request that nobody checked, and its answer goes to whoever asks next.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertRefused, attack } from '../support/attack.ts'
import { startOrigin } from '../support/origin.ts'
import { startProxy } from '../support/proxy.ts'
import { connect } from '../support/raw-client.ts'
import { request } from '../support/requests.ts'

const HIDDEN = 'GET /hidden HTTP/1.1\r\nHost: test.example\r\n\r\n'
const BODY = `0\r\n\r\n${HIDDEN}`

/** Both fields in front of the same bytes. */
const both = (fields: string) => `POST / HTTP/1.1\r\nHost: test.example\r\n${fields}\r\n${BODY}`

const FIELDS: readonly (readonly [string, string])[] = [
  ['the length first', `Content-Length: ${BODY.length}\r\nTransfer-Encoding: chunked\r\n`],
  ['the coding first', `Transfer-Encoding: chunked\r\nContent-Length: ${BODY.length}\r\n`],
  ['a length of nothing', 'Content-Length: 0\r\nTransfer-Encoding: chunked\r\n'],
  ['names in odd case', `cONTENT-lENGTH: ${BODY.length}\r\ntRANSFER-eNCODING: CHUNKED\r\n`],
  [
    'a coding that Connection names',
    `Connection: Transfer-Encoding\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n`,
  ],
  [
    'a length that Connection names',
    `Connection: Content-Length\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n`,
  ],
  ['a length that is none', 'Content-Length: x\r\nTransfer-Encoding: chunked\r\n'],
  ['an empty coding', `Content-Length: ${BODY.length}\r\nTransfer-Encoding:\r\n`],
  ['identity', `Content-Length: ${BODY.length}\r\nTransfer-Encoding: identity\r\n`],
]

for (const [what, fields] of FIELDS)
  test(`both framings, ${what}: refused, and the origin sees nothing`, async t =>
    assertRefused(await attack(t, both(fields))))

test('both framings in HTTP/1.0: refused', async t => {
  const bytes = both('Content-Length: 6\r\nTransfer-Encoding: chunked\r\n').replace('HTTP/1.1', 'HTTP/1.0')
  assertRefused(await attack(t, bytes))
})

test('the attacker is refused, and others never get what was meant for the hidden request', async t => {
  const origin = await startOrigin(t)
  const proxy = await startProxy(t, { to: origin })
  const victim = await connect(t, proxy)
  await victim.ask(request('/warm'))
  for (const [, fields] of FIELDS) {
    const attacker = await connect(t, proxy)
    attacker.send(both(fields))
    assert.equal((await attacker.answer('POST')).status, 400)
    assert.equal((await victim.ask(request('/victim'))).body.toString(), 'GET /victim 0')
  }
  assert.ok(!origin.received.includes('hidden'))
})
