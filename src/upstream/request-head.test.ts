/** What is written for an upstream server is read again as the same request. */
import assert from 'node:assert/strict'
import test, { mock } from 'node:test'
import fc from 'fast-check'
import { latin1Bytes } from '../../test/fuzz/feeding.ts'
import { REQUEST_CASES } from '../../test/fuzz/request-cases.ts'
import { readRequest, type UnderstoodRequest } from '../../test/fuzz/understand.ts'
import { Playbook } from '../../test/support/playbook.ts'
import { LIMITS } from '../http1/limits.ts'

/** What a server reads of a request that comes in as this text; null when it gets none. */
function passedOn(text: string): UnderstoodRequest | null {
  const book = new Playbook()
  try {
    book.connects().sends(text)
    if (book.servers.asked.length === 0) return null
    const bytes = latin1Bytes(book.servers.accepts().takes())
    // The server may get some fields more than the client sent.
    const read = readRequest(bytes, 0, bytes.length, { ...LIMITS, fieldsMax: 2 * LIMITS.fieldsMax })
    assert.equal(read?.bytes, bytes.length, 'one head and nothing else')
    return read
  } finally {
    mock.timers.reset()
  }
}

// RFC 9110 §7.6.1.
const HOP_BY_HOP = /^(connection|keep-alive|proxy-connection|te|transfer-encoding|upgrade)$/i

function checkRoundTrip(text: string): void {
  const bytes = latin1Bytes(text)
  const came = readRequest(bytes, 0, bytes.length) as UnderstoodRequest
  const went = passedOn(text)
  assert.equal(went?.method, came.method)
  assert.equal(went.version, 11)
  assert.deepEqual(went.framing, came.framing)
  const absolute = /^http:\/\/[^/?]*/i.exec(came.target)
  if (absolute === null) assert.equal(went.target, came.target)
  else assert.ok(`${absolute[0]}${went.target}`.startsWith(came.target))
  const own = ([name]: readonly [string, string]) =>
    !HOP_BY_HOP.test(name) && !/^(host|via|expect)$/i.test(name)
  assert.deepEqual(went.fields.filter(own), came.fields.filter(own))
  assert.equal(went.fields.filter(([name]) => /^host$/i.test(name)).length, 1)
}

const accepted = REQUEST_CASES.filter(each => typeof each.gives !== 'string')

for (const { clause, text } of accepted) test(`written and read again: ${clause}`, () => checkRoundTrip(text))

// Any request that is accepted.
const token = fc
  .string({ unit: fc.constantFrom(...'aZ09!#$%&*-_'), minLength: 1, maxLength: 12 })
  .map(name => `x${name}`)
const value = fc.string({ unit: fc.constantFrom(...'a:, \t"\xe9\xff;=\\'), maxLength: 20 })
const target = fc.string({ unit: fc.constantFrom(...'/a.%2?&=;*!~'), maxLength: 20 }).map(path => `/${path}`)

test('written and read again: any request', () => {
  fc.assert(
    fc.property(
      token,
      target,
      fc.array(fc.tuple(token, value), { maxLength: 6 }),
      (method, path, entries) => {
        const lines = entries.map(([name, text]) => `${name}:${text}\r\n`).join('')
        checkRoundTrip(`${method} ${path} HTTP/1.1\r\nHost: shop\r\n${lines}\r\n`)
      },
    ),
    { seed: 1, numRuns: 300 },
  )
})
