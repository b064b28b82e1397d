/** RFC 9112 §6.3 rule by rule, for both roles. How the fields come off the wire is in head-parser.test.ts. */
import assert from 'node:assert/strict'
import test from 'node:test'
import type { ErrorCode } from '../base/errors.ts'
import { HeaderList } from '../http/header-list.ts'
import type { Framing, Version } from '../http/message.ts'
import { requestFraming, responseFraming } from './framing.ts'

type Field = readonly [string, string]
const CHUNKED: Field = ['transfer-encoding', 'Chunked']
const FIVE: Field = ['CONTENT-LENGTH', '5']

const length = (bytes: number): Framing => ({ kind: 'length', bytes })
const kind = (name: 'none' | 'chunked' | 'until-close'): Framing => ({ kind: name })

interface Row {
  readonly rule: string
  readonly fields: readonly Field[]
  readonly version?: Version
  /** What a request with these fields has, and an answer to GET with 200. */
  readonly request: Framing | ErrorCode
  readonly response: Framing | ErrorCode
}

const both = (
  rule: string,
  fields: readonly Field[],
  gives: Framing | ErrorCode,
  version?: Version,
): Row => ({
  rule,
  fields,
  version,
  request: gives,
  response: gives,
})

const ROWS: readonly Row[] = [
  { rule: '7 and 8: neither field', fields: [], request: kind('none'), response: kind('until-close') },
  both('6: Content-Length', [FIVE], length(5)),
  both('6: Content-Length in HTTP/1.0', [FIVE], length(5), 10),
  both('6: of nothing', [['Content-Length', '0']], length(0)),
  both('5: an invalid Content-Length', [['Content-Length', '5x']], 'bad_content_length'),
  both('5: two that are equal', [FIVE, FIVE], 'bad_content_length'),
  both('5: a list that is equal', [['Content-Length', '5, 5']], 'bad_content_length'),
  both('5: too large to be exact', [['Content-Length', '9007199254740992']], 'bad_content_length'),
  both('4: chunked', [CHUNKED], kind('chunked')),
  both('4: chunked is not last', [['Transfer-Encoding', 'chunked, gzip']], 'bad_transfer_encoding'),
  both('4: chunked is not there', [['Transfer-Encoding', 'gzip']], 'bad_transfer_encoding'),
  both('4: chunked over chunked', [CHUNKED, CHUNKED], 'bad_transfer_encoding'),
  both(
    '4: something that is not known here',
    [['Transfer-Encoding', 'gzip'], CHUNKED],
    'unknown_transfer_coding',
  ),
  both('3: both fields', [FIVE, CHUNKED], 'conflicting_framing'),
  both('3: both fields in HTTP/1.0', [CHUNKED, FIVE], 'conflicting_framing', 10),
  both('§6.1: chunked in HTTP/1.0', [CHUNKED], 'bad_transfer_encoding', 10),
]

function check(framing: () => Framing, gives: Framing | ErrorCode, of: string): void {
  if (typeof gives === 'string') assert.throws(framing, { name: 'ProxyError', code: gives }, of)
  else assert.deepEqual(framing(), gives, of)
}

for (const { rule, fields, version = 11, request, response } of ROWS)
  test(`rule ${rule}`, () => {
    const headers = HeaderList.from(fields)
    const answer = (status: number) => ({ status, reason: '', version, headers })
    for (const method of ['GET', 'POST', 'HEAD'])
      check(() => requestFraming({ method, target: '/', version, headers }), request, method)
    for (const status of [200, 201, 205, 404, 500])
      check(() => responseFraming(answer(status), 'GET'), response, String(status))
    // Rule 1: these have none, whatever the fields say; but fields that lie are a fault here too.
    const bodiless = typeof response === 'string' ? response : kind('none')
    for (const status of [100, 103, 204, 304])
      check(() => responseFraming(answer(status), 'GET'), bodiless, String(status))
    check(() => responseFraming(answer(200), 'HEAD'), bodiless, 'to HEAD')
  })
