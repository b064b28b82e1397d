/**
 * Forged sticky cookies. Who could choose a server by a cookie could aim at the weakest one, reach a server that is
 * kept out of service, learn addresses, or bring something of their own into the answer. A value that was not made
 * here is as good as none, whatever it holds; and what a client can send again (a cookie it was given) leads only
 * where clients are led anyway.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { STICKY_DEFAULTS } from '../../src/upstream/options.ts'
import { startOrigin } from '../support/origin.ts'
import { startProxy } from '../support/proxy.ts'
import { connect } from '../support/raw-client.ts'
import { request } from '../support/requests.ts'

const SECRET = 'a secret of the house'
const balance = { sticky: { ...STICKY_DEFAULTS, secret: SECRET, otherwise: 'round-robin' as const } }

const FORGED = [
  '',
  '10.0.0.1:8000',
  'a'.repeat(24),
  'a'.repeat(20_000),
  '../../../../etc/passwd..',
  '\x80\xff'.repeat(12),
  '__proto__aaaaaaaaaaaaaaa',
  'constructorconstructorco',
  '"aaaaaaaaaaaaaaaaaaaaaa"',
]

test('a forged value is not heeded, not repeated and not an error', async t => {
  const origins = await Promise.all([startOrigin(t), startOrigin(t)])
  const proxy = await startProxy(t, { to: origins, group: { balance } })
  const client = await connect(t, proxy)
  const given = new Set<string>()
  for (const value of FORGED) {
    const answer = await client.ask(request('/', { fields: `Cookie: sluice=${value}\r\n` }))
    assert.equal(answer.status, 200)
    const line = answer.fields.get('Set-Cookie') ?? ''
    assert.match(line, /^sluice=[\w-]{24}; Path=\/; HttpOnly; SameSite=Lax$/)
    given.add(line)
  }
  // In turn, as for clients without any cookie.
  assert.equal(given.size, 2)
  assert.ok(Math.abs(origins[0].requests.all.length - origins[1].requests.all.length) <= 1)
})

test('thousands of forged cookies in one head cost one look each', async t => {
  const origin = await startOrigin(t)
  const proxy = await startProxy(t, { to: origin, group: { balance } })
  const client = await connect(t, proxy)
  const many = 'sluice=aaaaaaaaaaaaaaaaaaaaaaaa;'.repeat(900)
  assert.equal((await client.ask(request('/', { fields: `Cookie: ${many}\r\n` }))).status, 200)
})

test('a good cookie does not lead to a server that is out, and not past another secret', async t => {
  const origins = await Promise.all([startOrigin(t), startOrigin(t)])
  const proxy = await startProxy(t, { to: origins, group: { balance } })
  const client = await connect(t, proxy)
  const answer = await client.ask(request('/'))
  const fields = `Cookie: ${answer.fields.get('Set-Cookie')?.split(';')[0]}\r\n`
  const home = proxy.group.endpoints.find(({ busy }, i) => busy === 0 && origins[i].requests.all.length === 1)
  assert.ok(home !== undefined)
  home.out = true
  proxy.group.changed()
  for (let i = 0; i < 5; i++) assert.equal((await client.ask(request('/', { fields }))).status, 200)
  assert.equal(origins[proxy.group.endpoints.indexOf(home)].requests.all.length, 1)
  const sticky = { ...balance.sticky, secret: 'another secret of it' }
  const other = await startProxy(t, { to: origins, group: { balance: { sticky } } })
  const elsewhere = await (await connect(t, other)).ask(request('/', { fields }))
  assert.notEqual(elsewhere.fields.get('Set-Cookie'), null)
})
