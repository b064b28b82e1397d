/**
 * Chunk extensions, which nobody uses and everybody has to skip. Readers that end an extension at a bare LF, and
 * others that look for CR LF, see different chunks behind it; long extensions make a byte of content cost a
 * kilobyte of reading; trailers are another place to hide fields in. Extensions are checked, bounded and dropped,
 * so that none of them reaches the origin.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { attack } from '../support/attack.ts'

const HEAD =
  'POST / HTTP/1.1\r\nHost: test.example\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n'
const HIDDEN = 'GET /hidden HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n'

const BROKEN = [
  ['a bare LF ends an extension', `5;x\nhello\r\n0\r\n\r\n`],
  ['a bare LF inside an extension, with a chunk behind it', `2;\nxx\r\n4c\r\n0\r\n\r\n${HIDDEN}0\r\n\r\n`],
  ['a bare LF ends a size', `5\nhello\r\n0\r\n\r\n`],
  ['a bare LF ends a chunk', `5\r\nhello\n0\r\n\r\n`],
  ['a bare CR ends a size', `5\rhello\r\n0\r\n\r\n`],
  ['a bare CR in an extension', `5;a\rb\r\nhello\r\n0\r\n\r\n`],
  ['a NUL in an extension', `5;a\x00b\r\nhello\r\n0\r\n\r\n`],
  ['a bare LF after the last chunk', `5\r\nhello\r\n0\n\n`],
  ['a bare LF after the last size', `5\r\nhello\r\n0\n\r\n`],
  ['a bare LF ends the trailers', `5\r\nhello\r\n0\r\nX: y\n\r\n`],
  ['an extension of a kilobyte', `5;${'x'.repeat(1024)}\r\nhello\r\n0\r\n\r\n`],
  ['an extension without end', `5;${'x'.repeat(100_000)}`],
  ['trailers without end', `0\r\n${'X: y\r\n'.repeat(10_000)}`],
  ['a trailer line without end', `0\r\nX: ${'y'.repeat(100_000)}`],
  ['a trailer without colon', `0\r\nX\r\n\r\n`],
  ['a folded trailer', `0\r\nX: y\r\n z\r\n\r\n`],
  ['a trailer with a space before the colon', `0\r\nX : y\r\n\r\n`],
] as const

for (const [what, body] of BROKEN)
  test(`${what}: refused, and nothing of it looks complete`, async t => {
    const { statuses, lines, bodies, origin } = await attack(t, `${HEAD}${body}`)
    assert.deepEqual(statuses, [400])
    assert.ok(lines.length <= 1)
    assert.deepEqual(bodies, lines.length === 0 ? [] : ['(cut short)'])
    assert.ok(!origin.received.includes('GET /hidden'))
  })

const DROPPED = [
  '5;x\r\nhello',
  '5;x=y\r\nhello',
  '5;x="y;z"\r\nhello',
  '5 ;x\r\nhello',
  '5\t;\tx\r\nhello',
  '5;\r\nhello',
  '5;a;b;c\r\nhello',
]

for (const piece of DROPPED)
  test(`${JSON.stringify(piece)}: the extension does not reach the origin`, async t => {
    const { statuses, bodies, origin } = await attack(t, `${HEAD}${piece}\r\n0;last=yes\r\n\r\n`)
    assert.deepEqual(statuses, [200])
    assert.deepEqual(bodies, ['hello'])
    assert.ok(!origin.received.slice(origin.received.indexOf('\r\n\r\n')).includes(';'))
  })
