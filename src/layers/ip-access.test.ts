import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ProxyError } from '../base/errors.ts'
import type { Exchange } from '../exchange/exchange.ts'
import type { Layer } from '../exchange/handler.ts'
import { ipAllowLayer, ipDenyLayer } from './ip-access.ts'

/** 'on', or what the log says of the refusal. */
function outcome(layer: Layer, clientAddress: string): string {
  let told = ''
  const reply = {
    fail: (error: ProxyError) => {
      assert.equal(error.code, 'client_not_allowed')
      assert.equal(error.detail, '')
      told = error.logDetail
    },
  }
  const handler = layer({
    handle: () => {
      told = 'on'
    },
  })
  handler.handle({ clientAddress, reply } as unknown as Exchange)
  return told
}

test('ipAllow', () => {
  const layer = ipAllowLayer(['10.0.0.0/8', '2001:db8::/32', '192.0.2.7'])
  for (const address of ['10.0.0.1', '::ffff:10.0.0.1', '2001:db8:1::', '192.0.2.7'])
    assert.equal(outcome(layer, address), 'on', address)
  assert.equal(
    outcome(layer, '192.0.2.8'),
    '192.0.2.8 is in none of ipAllow: 10.0.0.0/8, 2001:db8::/32, 192.0.2.7.',
  )
  for (const address of ['11.0.0.0', '::a00:1', '2001:db9::', '', 'nonsense'])
    assert.notEqual(outcome(layer, address), 'on', address)
})

test('ipDeny', () => {
  const layer = ipDenyLayer(['10.0.0.0/8', '10.1.0.0/16'])
  assert.equal(outcome(layer, '10.1.2.3'), '10.1.2.3 is in 10.0.0.0/8 of ipDeny.')
  assert.equal(outcome(layer, '11.1.2.3'), 'on')
  assert.equal(outcome(layer, ''), 'on')
})

test('private is every range that is not public, and no other', () => {
  const layer = ipAllowLayer(['private'])
  const inside = [
    '10.255.0.1',
    '127.0.0.1',
    '172.16.0.0',
    '172.31.255.255',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '0.0.0.0',
    '255.255.255.255',
    '::1',
    'fe80::1%eth0',
    'fdff::1',
    '::ffff:192.168.0.1',
  ]
  for (const address of inside) assert.equal(outcome(layer, address), 'on', address)
  const outside = [
    '9.255.255.255',
    '172.15.255.255',
    '172.32.0.0',
    '100.128.0.0',
    '8.8.8.8',
    '2a00::1',
    'fe00::1',
  ]
  for (const address of outside) assert.notEqual(outcome(layer, address), 'on', address)
})

test('a long list is told shortened', () => {
  const layer = ipAllowLayer(Array.from({ length: 9 }, (_, i) => `10.0.0.${i}`))
  assert.match(outcome(layer, '::1'), /: 10\.0\.0\.0, .*10\.0\.0\.4 and 4 more\.$/)
})

test('what is no network is refused; a list that denies nobody costs nothing', () => {
  for (const pattern of ['10.0.0.0/33', 'localhost', '', 'Private', '10.0.0'])
    for (const layer of [ipAllowLayer, ipDenyLayer]) assert.throws(() => layer([pattern]), /is neither/)
  const next = { handle: () => {} }
  assert.equal(ipDenyLayer([])(next), next)
})
