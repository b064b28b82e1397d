import assert from 'node:assert/strict'
import test from 'node:test'
import * as names from './field-names.ts'
import { idOf, type KnownName, recogniseBytes, recogniseName, UNKNOWN } from './field-names.ts'

const KNOWN: readonly KnownName[] = [
  ...([
    'connection',
    'keep-alive',
    'proxy-connection',
    'te',
    'transfer-encoding',
    'upgrade',
    'trailer',
  ] as const),
  ...(['host', 'content-length', 'expect', 'via', 'max-forwards', 'forwarded', 'x-forwarded-for'] as const),
  ...(['x-forwarded-host', 'x-forwarded-proto', 'date'] as const),
]

function recognise(name: string): number {
  const bytes = Buffer.from(`<${name}>`, 'latin1')
  const id = recogniseBytes(bytes, 1, 1 + name.length)
  assert.equal(recogniseName(name), id, `${name}: bytes and strings agree`)
  return id
}

test('known names in any case, each with a number of its own that fits a mask', () => {
  assert.equal(new Set(KNOWN.map(idOf)).size, KNOWN.length)
  for (const name of KNOWN) {
    const id = idOf(name)
    assert.ok(id >= 0 && id < 31)
    const mixed = name.replace(/[a-z]/g, (letter, at: number) =>
      at % 2 === 0 ? letter.toUpperCase() : letter,
    )
    for (const spelling of [name, name.toUpperCase(), mixed]) assert.equal(recognise(spelling), id, spelling)
  }
})

test('a name that differs in one byte is another name', () => {
  for (const name of KNOWN)
    for (let at = 0; at < name.length; at++)
      // Token characters that are one bit away from a letter or a hyphen among them.
      for (const other of "!#$%&'*+.^_`|~09azAZ-") {
        const spelling = name.slice(0, at) + other + name.slice(at + 1)
        if (spelling.toLowerCase() !== name) assert.equal(recognise(spelling), UNKNOWN, spelling)
      }
})

test('longer, shorter and empty names are not known', () => {
  for (const name of ['', 'x', 'hos', 'hosts', ' host', 'transfer-encoding2', 'x'.repeat(1000)])
    assert.equal(recognise(name), UNKNOWN, name)
})

test('the masks hold what they say', () => {
  const namesIn = (mask: number) => KNOWN.filter(name => (mask & (1 << idOf(name))) !== 0).sort()
  // RFC 9110 §7.6.1.
  assert.deepEqual(namesIn(names.HOP_BY_HOP), [
    ...['connection', 'keep-alive', 'proxy-connection', 'te', 'transfer-encoding', 'upgrade'],
  ])
  assert.deepEqual(namesIn(names.FORWARDING), [
    ...['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto'],
  ])
  assert.deepEqual(namesIn(names.CONNECTION | names.HOST | names.TE), ['connection', 'host', 'te'])
  assert.deepEqual(namesIn(names.DATE | names.EXPECT), ['date', 'expect'])
  assert.deepEqual(namesIn(names.CONTENT_LENGTH | names.TRANSFER_ENCODING), [
    'content-length',
    'transfer-encoding',
  ])
  assert.deepEqual(namesIn(names.KEEP_ALIVE | names.MAX_FORWARDS), ['keep-alive', 'max-forwards'])
})
