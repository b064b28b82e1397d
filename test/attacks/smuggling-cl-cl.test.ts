/**
 * CL.CL smuggling. Content-Length is given twice, or in a way that two parties read as different numbers: with
 * signs, spaces, commas, other bases, more digits than fit. Exactly one plain decimal number is let through.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertRefused, attack } from '../support/attack.ts'

const withLines = (lines: string) =>
  `POST / HTTP/1.1\r\nHost: test.example\r\nConnection: close\r\n${lines}\r\n\r\nhelloGET /hidden HTTP/1.1\r\nHost: a\r\n\r\n`

const REFUSED = [
  'Content-Length: 5\r\nContent-Length: 50',
  'Content-Length: 5\r\nContent-Length: 5',
  'Content-Length: 5\r\ncontent-length: 0',
  'Content-Length: 5, 5',
  'Content-Length: 5,50',
  'Content-Length: 5,',
  'Content-Length: ,5',
  'Content-Length: 5 5',
  'Content-Length: +5',
  'Content-Length: -5',
  'Content-Length: -0',
  'Content-Length: 0x5',
  'Content-Length: 5h',
  'Content-Length: 5e0',
  'Content-Length: 5.0',
  'Content-Length: "5"',
  'Content-Length: \u0665',
  'Content-Length: 5;x',
  'Content-Length:',
  'Content-Length: \t ',
  'Content-Length: 5\x00',
  'Content-Length: 5\x0b',
  'Content-Length : 5',
  'Content-Length\t: 5',
  'Content-Length: 9007199254740992',
  'Content-Length: 18446744073709551621',
  'Content-Length: 99999999999999999999999999999999999999',
  'Content-Length: 5\r\n 0',
  'Content-Length:\r\n 5',
]

for (const lines of REFUSED)
  test(`${JSON.stringify(lines)} is refused, and the origin sees nothing`, async t =>
    assertRefused(await attack(t, Buffer.from(withLines(lines), 'utf8').toString('latin1'))))

for (const lines of ['Content-Length: 5', 'content-length:5', 'CONTENT-LENGTH: \t5 \t'])
  test(`${JSON.stringify(lines)} is five bytes for everybody`, async t => {
    const { statuses, lines: seen, bodies } = await attack(t, withLines(lines))
    assert.deepEqual(statuses, [200])
    assert.deepEqual(seen, ['POST / HTTP/1.1'])
    assert.deepEqual(bodies, ['hello'])
  })

for (const lines of ['Content_Length: 50', 'Content-Length-: 50', 'XContent-Length: 50'])
  test(`${lines} is another field and no length`, async t => {
    const next = 'GET /next HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'
    const { lines: seen } = await attack(t, `POST / HTTP/1.1\r\nHost: a\r\n${lines}\r\n\r\n${next}`)
    assert.deepEqual(seen, ['POST / HTTP/1.1', 'GET /next HTTP/1.1'])
  })

test('a length longer than the body that comes: the origin never takes the part for the whole', async t => {
  const { statuses, bodies } = await attack(
    t,
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\nhello',
    {
      timeouts: { bodyTimeoutMs: 150 },
      script: request =>
        request.content().then(
          () => {},
          () => {},
        ),
    },
  )
  assert.deepEqual(statuses, [408])
  assert.deepEqual(bodies, ['(cut short)'])
})
