import assert from 'node:assert/strict'
import { isIP } from 'node:net'
import test from 'node:test'
import fc from 'fast-check'
import { formatIp, inNetworks, type Network, parseIp, parseNetwork, withoutZone } from './ip.ts'

const ADDRESSES: readonly [text: string, canonical: string | null][] = [
  ['127.0.0.1', '127.0.0.1'],
  ['0.0.0.0', '0.0.0.0'],
  ['255.255.255.255', '255.255.255.255'],
  ['256.0.0.1', null],
  ['1.2.3', null],
  ['1.2.3.4.5', null],
  ['010.0.0.1', null],
  ['1.2.3.', null],
  ['+1.2.3.4', null],
  ['', null],
  ['localhost', null],
  ['::', '::'],
  ['::1', '::1'],
  ['0:0:0:0:0:0:0:1', '::1'],
  ['2001:DB8::0001', '2001:db8::1'],
  ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
  ['1::', '1::'],
  ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['::FFFF:c000:201', '192.0.2.1'],
  ['::192.0.2.1', '::c000:201'],
  ['64:ff9b::192.0.2.1', '64:ff9b::c000:201'],
  ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8'],
  ['1:2:3:4:5:6:7', null],
  ['1:2:3:4:5:6:7:8:9', null],
  ['1:2:3:4::5:6:7:8', null],
  ['1::2::3', null],
  [':::', null],
  [':1', null],
  ['1:', null],
  ['12345::', null],
  ['g::', null],
  ['1.2.3.4::', null],
  ['::1.2.3.4:5', null],
  ['::1.2.3', null],
  ['fe80::1%eth0', null],
  ['[::1]', null],
]

test('addresses: text to bytes to the one spelling', () => {
  for (const [text, canonical] of ADDRESSES) {
    const bytes = parseIp(text)
    assert.equal(bytes === null ? null : formatIp(bytes), canonical, text)
  }
})

test('agrees with Node on what an IPv6 address is', () => {
  const piece = fc.constantFrom(':', '::', '0', '1', 'ff', 'ffff', '12345', '1.2.3.4', '.', 'g')
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 17 }), pieces => {
      const text = pieces.join('')
      assert.equal(parseIp(text) !== null, isIP(text) !== 0, text)
    }),
    { numRuns: 2000 },
  )
})

test('the written form reads back as the same bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), bytes => {
      const again = parseIp(formatIp(bytes))
      assert.ok(again !== null)
      assert.equal(formatIp(again), formatIp(bytes))
    }),
  )
  fc.assert(fc.property(fc.ipV6(), text => assert.ok(parseIp(text) !== null, text)))
})

const NETWORKS: readonly [network: string, inside: readonly string[], outside: readonly string[]][] = [
  [
    '10.0.0.0/8',
    ['10.0.0.0', '10.255.255.255', '::ffff:10.1.2.3'],
    ['11.0.0.0', '9.255.255.255', '::10.0.0.1'],
  ],
  ['10.1.2.3/8', ['10.9.9.9'], ['11.1.2.3']],
  ['192.168.4.0/22', ['192.168.4.0', '192.168.7.255'], ['192.168.3.255', '192.168.8.0']],
  ['127.0.0.1', ['127.0.0.1', '::ffff:127.0.0.1'], ['127.0.0.2', '::1']],
  ['127.0.0.1/32', ['127.0.0.1'], ['127.0.0.2']],
  ['0.0.0.0/0', ['1.2.3.4', '::ffff:1.2.3.4'], ['::1']],
  ['::ffff:10.0.0.0/104', ['10.1.2.3'], ['11.0.0.0']],
  ['2001:db8::/33', ['2001:db8::1', '2001:db8:7fff::'], ['2001:db8:8000::', '2001:db9::']],
  ['::1', ['::1', '0:0::1'], ['::2', '127.0.0.1']],
  ['fe80::/10', ['fe80::1%eth0', 'febf::'], ['fec0::']],
  ['::/0', ['::1', '2001:db8::'], ['1.2.3.4']],
]

test('networks hold what lies in them and nothing else', () => {
  for (const [text, inside, outside] of NETWORKS) {
    const network = parseNetwork(text)
    assert.ok(network !== null, text)
    for (const address of inside) assert.ok(inNetworks([network], address), `${address} in ${text}`)
    for (const address of outside) assert.ok(!inNetworks([network], address), `${address} not in ${text}`)
  }
})

test('what is no network', () => {
  const bad = [
    '',
    '/8',
    '10.0.0.0/',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/08',
    '10.0.0.0/8/8',
    '::/129',
    'a/8',
    '::ffff:1.2.3.4/95',
  ]
  for (const text of bad) assert.equal(parseNetwork(text), null, text)
})

test('several networks, none, and text that is no address', () => {
  const networks = ['10.0.0.0/8', '::1'].map(text => parseNetwork(text) as Network)
  assert.ok(inNetworks(networks, '::1'))
  assert.ok(inNetworks(networks, '10.0.0.1'))
  assert.ok(!inNetworks(networks, '192.0.2.1'))
  assert.ok(!inNetworks(networks, ''))
  assert.ok(!inNetworks([], '10.0.0.1'))
  assert.equal(withoutZone('fe80::1%eth0'), 'fe80::1')
  assert.equal(withoutZone('::1'), '::1')
})
