/**
 * Chunk sizes that two parties read as different numbers: signs, prefixes, spaces, separators, more digits than
 * a number holds (a 32-bit reader takes 100000005 for 5), chunks that are longer or shorter than they say. The
 * proxy takes bare hexadecimal digits and writes its own chunk sizes for the origin.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { attack } from '../support/attack.ts'
import { startOrigin } from '../support/origin.ts'
import { startProxy } from '../support/proxy.ts'
import { connect } from '../support/raw-client.ts'
import { until } from '../support/wait.ts'

const HEAD =
  'POST / HTTP/1.1\r\nHost: test.example\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n'
const HIDDEN = 'GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n'

const BROKEN = [
  '+5\r\nhello\r\n0\r\n\r\n',
  '-5\r\nhello\r\n0\r\n\r\n',
  '0x5\r\nhello\r\n0\r\n\r\n',
  '5h\r\nhello\r\n0\r\n\r\n',
  '5_0\r\nhello\r\n0\r\n\r\n',
  ' 5\r\nhello\r\n0\r\n\r\n',
  '\t5\r\nhello\r\n0\r\n\r\n',
  '5 \r\nhello\r\n0\r\n\r\n',
  '5 5\r\nhello\r\n0\r\n\r\n',
  '5,5\r\nhello\r\n0\r\n\r\n',
  '5.0\r\nhello\r\n0\r\n\r\n',
  '"5"\r\nhello\r\n0\r\n\r\n',
  '\r\nhello\r\n0\r\n\r\n',
  '\r\n5\r\nhello\r\n0\r\n\r\n',
  ';x\r\nhello\r\n0\r\n\r\n',
  '\u00b2\r\nhello\r\n0\r\n\r\n',
  '5\x00\r\nhello\r\n0\r\n\r\n',
  '4\r\nhello\r\n0\r\n\r\n',
  '6\r\nhello\r\n0\r\n\r\n',
  '5\r\nhelloX\r\n0\r\n\r\n',
  '5\r\nhello0\r\n\r\n',
  '5\r\nhello\r\r\n0\r\n\r\n',
  '5\r\nhello\r\n-0\r\n\r\n',
  '100000000000000005\r\nhello\r\n0\r\n\r\n',
  'ffffffffffffffff\r\nhello\r\n0\r\n\r\n',
  '20000000000000\r\nhello\r\n0\r\n\r\n',
  `${'f'.repeat(1000)}\r\nhello\r\n0\r\n\r\n`,
  `${'0'.repeat(1000)}5\r\nhello\r\n0\r\n\r\n`,
]

for (const body of BROKEN)
  test(`${JSON.stringify(body.slice(0, 40))} breaks the request off: nothing of it looks complete`, async t => {
    const { statuses, lines, bodies, origin, proxy } = await attack(t, `${HEAD}${body}${HIDDEN}`)
    assert.deepEqual(statuses, [400])
    assert.ok(lines.length <= 1)
    assert.deepEqual(bodies, lines.length === 0 ? [] : ['(cut short)'])
    assert.ok(!origin.received.includes('hidden'))
    assert.equal((await proxy.records.at(0)).error, 'bad_chunk')
    assert.equal(proxy.counters.idle, 0)
  })

test('a size that is 5 in 32 bits and much more in truth is not 5', async t => {
  const origin = await startOrigin(t, undefined, { faultsExpected: true })
  const proxy = await startProxy(t, { to: origin })
  const client = await connect(t, proxy)
  client.send(`${HEAD}100000005\r\nhello\r\n0\r\n\r\n${HIDDEN}`)
  const wire = await origin.wires.at(0)
  await until(() => wire.received.includes('hidden'), 'the content to reach the origin')
  client.end()
  assert.equal((await client.answer('POST')).status, 400)
  await wire.ended()
  // What stands where the hidden request would be is content, and is framed as content.
  assert.ok(!origin.lines.some(line => line.includes('hidden')))
  assert.doesNotMatch(origin.received, /\r\n0\r\n\r\n$/)
})

const GOOD = [
  ['5\r\nhello\r\n0\r\n\r\n', 'hello'],
  ['005\r\nhello\r\n000\r\n\r\n', 'hello'],
  ['A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n', '01234567890123456789'],
  ['1\r\na\r\n1\r\nb\r\n0\r\n\r\n', 'ab'],
  [`${'0'.repeat(100)}5\r\nhello\r\n0\r\n\r\n`, 'hello'],
] as const

for (const [body, content] of GOOD)
  test(`${JSON.stringify(body.slice(0, 40))} is what it looks like`, async t => {
    const { statuses, bodies } = await attack(t, `${HEAD}${body}`)
    assert.deepEqual(statuses, [200])
    assert.deepEqual(bodies, [content])
  })
