/**
 * TE.TE smuggling. Transfer-Encoding is spelled so that one party recognises it and the other does not: odd
 * white space, odd case, lists, repetitions, control characters. Each spelling either means `chunked` to
 * everybody, and reaches the origin as the plain word, or is refused.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertRefused, attack } from '../support/attack.ts'
import { chunk } from '../support/requests.ts'

const BODY = `${chunk('hello')}${chunk('')}`
const withLine = (line: string) =>
  `POST / HTTP/1.1\r\nHost: test.example\r\nConnection: close\r\n${line}\r\n\r\n${BODY}`

const PLAIN = [
  'Transfer-Encoding: chunked',
  'transfer-encoding:chunked',
  'TRANSFER-ENCODING:   CHUNKED  ',
  'Transfer-Encoding: Chunked',
]

for (const line of PLAIN)
  test(`${JSON.stringify(line)} is chunked, and is passed on as one plain word`, async t => {
    const { statuses, bodies, origin } = await attack(t, withLine(line))
    assert.deepEqual(statuses, [200])
    assert.deepEqual(bodies, ['hello'])
    assert.ok(origin.received.includes('\r\nTransfer-Encoding: chunked\r\n'))
    assert.equal(origin.requests.all[0].fields.all('Transfer-Encoding').length, 1)
  })

const REFUSED = [
  'Transfer-Encoding: \tchunked',
  'Transfer-Encoding: chunked\t',
  'Transfer-Encoding: xchunked',
  'Transfer-Encoding: chunkedx',
  'Transfer-Encoding: chunked, chunked',
  'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked',
  'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity',
  'Transfer-Encoding: identity\r\nTransfer-Encoding: x',
  'Transfer-Encoding: chunked, identity',
  'Transfer-Encoding: chunked;q=1',
  'Transfer-Encoding: "chunked"',
  "Transfer-Encoding: 'chunked'",
  'Transfer-Encoding: chunked,',
  'Transfer-Encoding: ,chunked',
  'Transfer-Encoding: chunked chunked',
  'Transfer-Encoding: ch\u00fcnked',
  'Transfer-Encoding: chun\u212aed',
  'Transfer-Encoding : chunked',
  'Transfer-Encoding\t: chunked',
  'Transfer-Encoding\u00a0: chunked',
  ' Transfer-Encoding: chunked',
  'X: y\r\n Transfer-Encoding: chunked',
  'Transfer-Encoding:\r\n chunked',
  'Transfer-Encoding: \x0bchunked',
  'Transfer-Encoding: chunked\x00',
  'Transfer-Encoding: \x7fchunked',
  'Transfer-Encoding: chunked\rX: y',
  'Transfer-Encoding: chunked\nX: y',
  'X: y\nTransfer-Encoding: chunked',
  'X: y\rTransfer-Encoding: chunked',
  'Transfer\u2010Encoding: chunked, x"',
  ': chunked',
]

for (const line of REFUSED)
  test(`${JSON.stringify(line)} is refused, and the origin sees nothing`, async t => {
    const outcome = await attack(t, Buffer.from(withLine(line), 'utf8').toString('latin1'))
    assert.ok([400, 501].includes(outcome.statuses[0]), `status ${outcome.statuses[0]}`)
    assertRefused(outcome, outcome.statuses[0])
  })

for (const coding of ['gzip, chunked', 'deflate', 'br, chunked', 'unknown', 'identity, chunked'])
  test(`Transfer-Encoding: ${coding} is refused`, async t => {
    const outcome = await attack(t, withLine(`Transfer-Encoding: ${coding}`))
    assert.ok([400, 501].includes(outcome.statuses[0]), `status ${outcome.statuses[0]}`)
    assertRefused(outcome, outcome.statuses[0])
  })

for (const line of [
  'Transfer_Encoding: chunked',
  'Transfer-Encodin: chunked',
  'X-Transfer-Encoding: chunked',
  'Transfer.Encoding: chunked',
])
  test(`${line} is another field: there is no body, and what follows is the next request`, async t => {
    const bytes = `POST / HTTP/1.1\r\nHost: test.example\r\n${line}\r\n\r\nGET /next HTTP/1.1\r\nHost: test.example\r\nConnection: close\r\n\r\n`
    const { lines, bodies } = await attack(t, bytes)
    assert.deepEqual(lines, ['POST / HTTP/1.1', 'GET /next HTTP/1.1'])
    assert.deepEqual(bodies, ['', ''])
  })
