/** What is written for a client is read again as the same answer. */
import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { latin1Bytes } from '../../test/fuzz/feeding.ts'
import { RESPONSE_CASES } from '../../test/fuzz/response-cases.ts'
import { readResponse } from '../../test/fuzz/understand.ts'
import type { Clock } from '../base/clock.ts'
import type { Framing, ResponseHead } from '../http/message.ts'
import { SharedHead } from '../http/shared-head.ts'
import { CHUNKED, NO_BODY, UNTIL_CLOSE } from '../http1/framing.ts'
import { parseResponseHead } from '../http1/head-parser.ts'
import { LIMITS } from '../http1/limits.ts'
import { type ConnectionWord, interimHeadText, responseHeadText, sharedHeadText } from './response-head.ts'

const CLOCK: Clock = { coarseMs: 0, refresh() {}, preciseMs: () => 0, wallMs: () => 784_111_777_000 }
const DATE = 'Sun, 06 Nov 1994 08:49:37 GMT'
// RFC 9110 §7.6.1, and what is written anew.
const LEFT_OUT = /^(connection|keep-alive|proxy-connection|te|transfer-encoding|upgrade)$/i

function parsed(text: string): ResponseHead {
  const bytes = latin1Bytes(text)
  return parseResponseHead(bytes, 0, bytes.length, LIMITS) as ResponseHead
}

function checkRoundTrip(method: string, text: string, framing: Framing, connection: ConnectionWord): void {
  const head = parsed(text)
  const written = responseHeadText(head, framing, connection, CLOCK)
  const bytes = latin1Bytes(written)
  const read = readResponse(method, bytes, 0, bytes.length)
  assert.equal(read?.bytes, bytes.length, 'one head and nothing else')
  assert.deepEqual([read.status, read.reason, read.version], [head.status, head.reason, 11])
  const added: [string, string][] = head.headers.has('date') ? [] : [['Date', DATE]]
  if (framing.kind === 'chunked') added.push(['Transfer-Encoding', 'chunked'])
  if (connection !== '') added.push(['Connection', connection])
  const kept = head.headers.entries().filter(([name]) => !LEFT_OUT.test(name))
  assert.deepEqual(read.fields, [...kept, ...added])
}

const accepted = RESPONSE_CASES.filter(each => typeof each.gives !== 'string')

for (const { clause, method, text } of accepted)
  test(`written and read again: ${clause}`, () => {
    for (const connection of ['', 'close', 'keep-alive'] as const)
      checkRoundTrip(method, text, NO_BODY, connection)
  })

const token = fc.string({ unit: fc.constantFrom(...'aZ09!#$%&*-_'), minLength: 1, maxLength: 12 })
const value = fc.string({ unit: fc.constantFrom(...'a:, \t"\xe9\xff;=\\'), maxLength: 20 })
const entries = fc.array(fc.tuple(fc.oneof(token, fc.constantFrom('Date', 'TE', 'upgrade')), value), {
  maxLength: 6,
})

test('written and read again: any answer', () => {
  const framing = fc.constantFrom(CHUNKED, NO_BODY, UNTIL_CLOSE)
  const connection = fc.constantFrom<ConnectionWord>('', 'close', 'keep-alive')
  fc.assert(
    fc.property(
      fc.integer({ min: 200, max: 999 }).filter(status => status !== 426),
      value,
      entries,
      framing,
      connection,
      (status, reason, fields, ...how) => {
        const lines = fields.map(([name, text]) => `${name}:${text}\r\n`).join('')
        checkRoundTrip('GET', `HTTP/1.1 ${status} ${reason}\r\n${lines}\r\n`, ...how)
      },
    ),
    { seed: 1, numRuns: 300 },
  )
})

const UPGRADES: readonly (readonly [head: string, connection: ConnectionWord, written: string])[] = [
  ['101 Switching\r\nUpgrade: a\r\nConnection: x', '', '101 Switching\r\nUpgrade: a\r\n+Connection: Upgrade'],
  ['101 S\r\nupgrade: a\r\nUpgrade: b', '', '101 S\r\nupgrade: a\r\nUpgrade: b\r\n+Connection: Upgrade'],
  ['101 S\r\nContent-Length: 5\r\nUpgrade: a', '', '101 S\r\nUpgrade: a\r\n+Connection: Upgrade'],
  ['426 U\r\nUpgrade: a', '', '426 U\r\nUpgrade: a\r\n+Connection: Upgrade'],
  ['426 U\r\nUpgrade: a', 'close', '426 U\r\nUpgrade: a\r\n+Connection: Upgrade, close'],
  ['426 U\r\nA: b\r\nKeep-Alive: timeout=5', '', '426 U\r\nA: b\r\n+'],
  ['426 U\r\nA: b', 'keep-alive', '426 U\r\nA: b\r\n+Connection: keep-alive'],
]

for (const [head, connection, written] of UPGRADES)
  test(`written with its Upgrade: ${JSON.stringify(head)}, ${connection}`, () => {
    const text = responseHeadText(parsed(`HTTP/1.1 ${head}\r\n\r\n`), NO_BODY, connection, CLOCK)
    const expected = written.replace('+', `Date: ${DATE}\r\n`).replace(/\r\n$/, '')
    assert.equal(text, `HTTP/1.1 ${expected}\r\n\r\n`)
  })

test('an interim head: nothing of one connection, no length, no Date', () => {
  const head = parsed(
    'HTTP/1.1 103 Early\r\nLink: a\r\nConnection: x\r\nContent-Length: 0\r\nUpgrade: y\r\nB: \xe9\r\n\r\n',
  )
  assert.equal(interimHeadText(head), 'HTTP/1.1 103 Early\r\nLink: a\r\nB: \xe9\r\n\r\n')
})

/** A clock that goes on by a second each time it is asked. */
function goingClock(): Clock {
  let seconds = 0
  return { ...CLOCK, wallMs: () => 784_111_777_000 + 1000 * seconds++ }
}

const LENGTH: Framing = { kind: 'length', bytes: 2 }
const SHARED: readonly (readonly [
  fields: string,
  framing: Framing,
  word: ConnectionWord,
  remembered: boolean,
])[] = [
  ['Date: x\r\nContent-Length: 2\r\n', LENGTH, '', true],
  ['Date: x\r\nContent-Length: 2\r\n', NO_BODY, '', true],
  ['Date: x\r\nContent-Length: 2\r\n', LENGTH, 'close', false],
  ['Date: x\r\nContent-Length: 2\r\n', LENGTH, 'keep-alive', false],
  ['Date: x\r\n', CHUNKED, '', false],
  ['Date: x\r\n', UNTIL_CLOSE, 'close', false],
  ['Content-Length: 2\r\n', LENGTH, '', false],
]

for (const [fields, framing, word, remembered] of SHARED)
  test(`a shared head is written like any other: ${JSON.stringify([fields, framing.kind, word])}`, () => {
    const clock = goingClock()
    const head = parsed(`HTTP/1.1 200 OK\r\nA: b\r\n${fields}\r\n`)
    const shared = new SharedHead(200, 'OK', head.headers)
    const expected = () => responseHeadText(head, framing, word, goingClock())
    assert.equal(sharedHeadText(shared, framing, word, goingClock()), expected())
    assert.equal(shared.text !== '', remembered)
    // What was remembered for some does not reach the others.
    for (const [, otherFraming, otherWord] of SHARED)
      if (otherFraming.kind !== 'length' || fields.includes('Content-Length'))
        assert.equal(
          sharedHeadText(shared, otherFraming, otherWord, goingClock()),
          responseHeadText(head, otherFraming, otherWord, goingClock()),
        )
    // A Date that we add is that of the moment.
    const later = [sharedHeadText(shared, framing, word, clock), sharedHeadText(shared, framing, word, clock)]
    assert.equal(later[0] === later[1], fields.startsWith('Date'))
  })
