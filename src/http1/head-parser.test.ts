import assert from 'node:assert/strict'
import test from 'node:test'
import { latin1Bytes, type Outcome, outcomeOf, readEveryWay } from '../../test/fuzz/feeding.ts'
import { REQUEST_CASES, type ReadRequest } from '../../test/fuzz/request-cases.ts'
import { RESPONSE_CASES } from '../../test/fuzz/response-cases.ts'
import { readRequest, readResponse, type UnderstoodRequest } from '../../test/fuzz/understand.ts'
import { HOST } from '../http/field-names.ts'
import { parseRequestHead } from './head-parser.ts'
import { LIMITS, type Limits } from './limits.ts'

/** A case says what differs from the plainest request. */
function expected(gives: ReadRequest, bytes: number): Outcome<UnderstoodRequest> {
  const { method = 'GET', target = '/', version = 11, host = 'shop', framing = { kind: 'none' } } = gives
  const ownHost = gives.fields?.some(([name]) => name.toLowerCase() === 'host') || gives.host === ''
  const fields = [...(ownHost ? [] : [['Host', 'shop'] as const]), ...(gives.fields ?? [])]
  return { value: { method, target, version, fields, framing, host, bytes } }
}

for (const { clause, text, gives } of REQUEST_CASES)
  test(`request: ${clause}`, () => {
    const outcome = readEveryWay((bytes, start, end) => readRequest(bytes, start, end), text)
    if (typeof gives === 'string') assert.deepEqual(outcome, { code: gives })
    else assert.deepEqual(outcome, expected(gives, text.length))
  })

for (const { clause, method, text, gives } of RESPONSE_CASES)
  test(`response: ${clause}`, () => {
    const outcome = readEveryWay((bytes, start, end) => readResponse(method, bytes, start, end), text)
    if (typeof gives === 'string') assert.deepEqual(outcome, { code: gives })
    else {
      const {
        status = 200,
        reason = 'OK',
        version = 11,
        fields = [],
        framing = { kind: 'until-close' },
      } = gives
      assert.deepEqual(outcome, { value: { status, reason, version, fields, framing, bytes: text.length } })
    }
  })

test('limits are those that were given', () => {
  const limits: Limits = { ...LIMITS, targetBytesMax: 3, headBytesMax: 40, fieldsMax: 1, emptyLinesMax: 0 }
  const codeOf = (text: string) => {
    const bytes = latin1Bytes(text)
    const outcome = outcomeOf(() => parseRequestHead(bytes, 0, bytes.length, limits))
    return outcome !== null && 'code' in outcome ? outcome.code : outcome?.value.bytes
  }
  assert.equal(codeOf('GET /ab HTTP/1.1\r\nHost: a\r\n\r\n'), 29)
  assert.equal(codeOf('GET /abc HTTP/1.1\r\nHost: a\r\n\r\n'), 'target_too_long')
  assert.equal(codeOf('GET / HTTP/1.1\r\nHost: a\r\nB: c\r\n\r\n'), 'too_many_fields')
  assert.equal(codeOf('\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n'), 'bad_request_line')
  assert.equal(codeOf(`GET / HTTP/1.1\r\nHost: ${'a'.repeat(14)}\r\n\r\n`), 40)
  assert.equal(codeOf(`GET / HTTP/1.1\r\nHost: ${'a'.repeat(15)}\r\n\r\n`), 'head_too_large')
})

test('empty lines in front count as bytes of the message and not of the head', () => {
  const head = `GET / HTTP/1.1\r\nHost: shop\r\nA: ${'b'.repeat(LIMITS.headBytesMax - 35)}\r\n\r\n`
  assert.equal(head.length, LIMITS.headBytesMax)
  const bytes = latin1Bytes(`\r\n\r\n${head}`)
  assert.equal(parseRequestHead(bytes, 0, bytes.length, LIMITS)?.bytes, LIMITS.headBytesMax + 4)
})

test('the fields are the text as it stands, known names found in it', () => {
  const bytes = latin1Bytes('GET / HTTP/1.1\r\nhost:shop \r\nX: \xe9\r\nHOST-x: 1\r\n\r\n')
  const head = parseRequestHead(bytes, 0, bytes.length, LIMITS)
  assert.equal(head?.headers.text, 'host:shop \r\nX: \xe9\r\nHOST-x: 1\r\n')
  assert.equal(head?.headers.mask, HOST)
  assert.equal(head?.headers.textWithout(HOST), 'X: \xe9\r\nHOST-x: 1\r\n')
})
