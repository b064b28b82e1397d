/**
 * Saying that one is somebody else: where an address decides who gets in, clients write one into X-Forwarded-For or
 * Forwarded, in every spelling that might be read differently. And the answer must not tell which address would do.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ForwardedMode } from '../../src/http/forwarded.ts'
import { ipAllowLayer, ipDenyLayer } from '../../src/layers/ip-access.ts'
import { answer, startOrigin } from '../support/origin.ts'
import { startProxy } from '../support/proxy.ts'
import { connect } from '../support/raw-client.ts'
import { request } from '../support/requests.ts'

type Layers = Parameters<typeof startProxy>[1]['layers']

async function site(
  t: Parameters<typeof startProxy>[0],
  layers: Layers,
  trust: string[],
  forwarded: ForwardedMode = 'x-forwarded',
) {
  const origin = await startOrigin(t, (_, wire) => wire.send(answer('in')))
  return startProxy(t, { to: origin, layers, listener: { trust, forwarded } })
}

const CLAIMS = [
  'X-Forwarded-For: 10.1.2.3\r\n',
  'X-Forwarded-For: 10.1.2.3, 10.1.2.3\r\n',
  'X-Forwarded-For: 10.1.2.3\r\nX-Forwarded-For: 10.1.2.3\r\n',
  'Forwarded: for=10.1.2.3\r\n',
  'Forwarded: for="[::ffff:10.1.2.3]"\r\n',
  'X-Real-IP: 10.1.2.3\r\n',
  'True-Client-IP: 10.1.2.3\r\n',
]

test('what a client that is not trusted says of itself counts for nothing', async t => {
  const proxy = await site(t, [ipAllowLayer(['10.0.0.0/8'])], [])
  const client = await connect(t, proxy)
  for (const fields of CLAIMS) assert.equal((await client.ask(request('/', { fields }))).status, 403, fields)
})

test('what a client says in front of what the trusted proxy says counts for nothing either', async t => {
  const proxy = await site(t, [ipAllowLayer(['10.0.0.0/8'])], ['127.0.0.1'])
  const client = await connect(t, proxy)
  for (const [chain, status] of [
    ['10.1.2.3, 203.0.113.9', 403],
    ['10.1.2.3, garbage', 403],
    ['10.1.2.3, ', 403],
    ['010.1.2.3', 403],
    ['10.1.2.3 203.0.113.9', 403],
    ['203.0.113.9, 10.1.2.3', 200],
    ['::ffff:10.1.2.3', 200],
  ] as const) {
    const told = await client.ask(request('/', { fields: `X-Forwarded-For: ${chain}\r\n` }))
    assert.equal(told.status, status, chain)
  }
})

test('a claim in the field that the trusted proxy does not write counts for nothing', async t => {
  const claimed = '10.1.2.3'
  const real = '203.0.113.9'
  for (const [forwarded, fields] of [
    ['forwarded', `X-Forwarded-For: ${claimed}\r\nForwarded: for=${real}\r\n`],
    ['x-forwarded', `Forwarded: for=${claimed}\r\nX-Forwarded-For: ${real}\r\n`],
  ] as const) {
    const proxy = await site(t, [ipAllowLayer(['10.0.0.0/8'])], ['127.0.0.1'], forwarded)
    const client = await connect(t, proxy)
    assert.equal((await client.ask(request('/', { fields }))).status, 403, forwarded)
  }
})

test('an address that is denied has no second spelling that is not', async t => {
  const proxy = await site(t, [ipDenyLayer(['203.0.113.9', '2001:db8::/32'])], ['127.0.0.1'])
  const client = await connect(t, proxy)
  for (const address of [
    '203.0.113.9',
    '::ffff:203.0.113.9',
    '::FFFF:cb00:7109',
    '0:0:0:0:0:ffff:203.0.113.9',
    '2001:db8::1',
    '2001:0DB8:0:0:0:0:0:1',
    '2001:db8::1%eth0',
  ]) {
    const told = await client.ask(request('/', { fields: `X-Forwarded-For: ${address}\r\n` }))
    assert.equal(told.status, 403, address)
  }
})

test('the answer does not tell who would get in; the log does', async t => {
  const proxy = await site(t, [ipDenyLayer(['127.0.0.9', '127.0.0.0/8'])], [])
  const client = await connect(t, proxy)
  const told = await client.ask(request('/', { fields: 'Accept: application/json\r\n' }))
  assert.equal(told.status, 403)
  assert.match(String(told.body), /client_not_allowed/)
  assert.doesNotMatch(told.text + String(told.body), /127\.0\.0|\/8/)
  const { error, detail } = await proxy.records.at(0)
  assert.deepEqual([error, detail], ['client_not_allowed', '127.0.0.1 is in 127.0.0.0/8 of ipDeny.'])
})
