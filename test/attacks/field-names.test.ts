/**
 * Field names that are not names: with white space, without anything, with characters that one reader strips and
 * another keeps. `Transfer-Encoding :` is Transfer-Encoding to some and a nameless thing to others.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertRefused, attack } from '../support/attack.ts'

const REFUSED = [
  'X : y',
  'X\t: y',
  ' : y',
  ': y',
  'X Y: z',
  'X',
  'X;',
  'X=y',
  '(X): y',
  'X[0]: y',
  '"X": y',
  'X@: y',
  'X,Y: z',
  '{X}: y',
  'X\x00: y',
  'X\x0b: y',
  'X\x7f: y',
  'X\xa0: y',
  '\xe4: y',
  'X\\: y',
  'X/: y',
  'X?: y',
]

for (const line of REFUSED)
  test(`${JSON.stringify(line)} is refused, and the origin sees nothing`, async t =>
    assertRefused(await attack(t, `GET / HTTP/1.1\r\nHost: a\r\n${line}\r\n\r\n`)))

test('odd but valid names pass as they are spelled, in their order', async t => {
  const lines = [
    "!#$%&'*+-.^_`|~: y",
    'x-LOWER: a',
    'X-Upper: b',
    '0: c',
    'X-Empty:',
    'X-Colon: a:b',
    'X-High: \xe4\xff',
  ]
  const { origin, statuses } = await attack(
    t,
    `GET / HTTP/1.1\r\nHost: a\r\n${lines.join('\r\n')}\r\nConnection: close\r\n\r\n`,
  )
  assert.deepEqual(statuses, [200])
  assert.ok(origin.received.includes(`\r\n${lines.join('\r\n')}\r\n`))
})

test('names that JavaScript objects know are names like others', async t => {
  const lines = ['__proto__: a', 'constructor: b', 'hasOwnProperty: c', 'toString: d']
  const { origin, statuses } = await attack(
    t,
    `GET / HTTP/1.1\r\nHost: a\r\n${lines.join('\r\n')}\r\nConnection: close, __proto__, constructor\r\n\r\n`,
  )
  assert.deepEqual(statuses, [200])
  const { fields } = origin.requests.all[0]
  assert.equal(fields.get('__proto__'), null)
  assert.equal(fields.get('constructor'), null)
  assert.equal(fields.get('hasOwnProperty'), 'c')
  assert.equal(fields.get('toString'), 'd')
})
