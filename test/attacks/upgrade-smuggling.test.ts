/**
 * Upgrades that are not made: whoever talks a proxy into believing in a switch that the server did not make gets a
 * tunnel to the server, past every route ("h2c smuggling", "WebSocket smuggling"). And the other way round: a server,
 * or who speaks through it, that switches without being asked.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Handler } from '../../src/exchange/handler.ts'
import { attack } from '../support/attack.ts'
import { answer, type Script, startOrigin } from '../support/origin.ts'
import { startProxy } from '../support/proxy.ts'
import { connect } from '../support/raw-client.ts'
import { request } from '../support/requests.ts'

const UPGRADE = 'Connection: Upgrade\r\nUpgrade: websocket\r\n'
const HIDDEN = request('/admin', { fields: 'Connection: close\r\n' })

/** Only /public reaches the server; all else is a 404 of the proxy. */
const routes = (upstream: Handler) => [{ paths: ['/public/*'], handler: upstream }]

/** Answers every request with this status, and never switches. */
const answers =
  (status: string, fields = ''): Script =>
  async (asked, wire) => {
    await asked.content()
    wire.send(answer('no', status, fields))
  }

const REFUSALS = [
  ['200 OK', ''],
  ['400 Bad Request', ''],
  ['404 Not Found', ''],
  // The WebSocket version that the client asked for is wrong: some proxies go on as if it were not.
  ['426 Upgrade Required', 'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n'],
  ['503 Service Unavailable', 'Connection: Upgrade\r\nUpgrade: websocket\r\n'],
] as const

for (const [status, fields] of REFUSALS)
  test(`a request behind an upgrade that is answered ${status} goes by the routes`, async t => {
    const asked = request('/public/chat', { fields: `${UPGRADE}Sec-WebSocket-Version: 1337\r\n` })
    const outcome = await attack(t, asked + HIDDEN, { routes, script: answers(status, fields) })
    assert.deepEqual(outcome.statuses, [Number(status.slice(0, 3)), 404])
    assert.deepEqual(outcome.lines, ['GET /public/chat HTTP/1.1'])
  })

/** Upgrades that no server may see. */
const NOT_PASSED = [
  ['h2c', 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n'],
  ['h2c in capitals', 'Connection: Upgrade\r\nUpgrade: H2C\r\n'],
  ['a draft of h2c', 'Connection: Upgrade\r\nUpgrade: h2c-14\r\n'],
  ['HTTP/2.0', 'Connection: Upgrade\r\nUpgrade: HTTP/2.0\r\n'],
  ['TLS', 'Connection: Upgrade\r\nUpgrade: TLS/1.2, HTTP/1.1\r\n'],
  ['Upgrade without Connection', 'Upgrade: websocket\r\n'],
  ['Upgrade with another option', 'Connection: keep-alive\r\nUpgrade: websocket\r\n'],
  ['a name that is no token', 'Connection: Upgrade\r\nUpgrade: "h2c"\r\n'],
] as const

for (const [what, fields] of NOT_PASSED)
  test(`${what}: the server is not asked to switch, and a 101 is not believed`, async t => {
    // The server takes the request for an upgrade, whatever it says.
    const script: Script = (_, wire) => wire.send(`${SWITCH}Upgrade: h2c\r\n\r\n`)
    const outcome = await attack(t, request('/public/', { fields }) + HIDDEN, { routes, script })
    assert.deepEqual(outcome.statuses, [502, 404])
    const [asked] = outcome.origin.requests.all
    for (const name of ['Upgrade', 'Connection', 'HTTP2-Settings']) assert.equal(asked.fields.get(name), null)
  })

const SWITCH = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n'

test('h2c beside websocket: only websocket is offered, and nothing else is accepted', async t => {
  const script: Script = (_, wire) => wire.send(`${SWITCH}Upgrade: h2c\r\n\r\n`)
  const fields = 'Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n'
  const outcome = await attack(t, request('/public/', { fields }) + HIDDEN, { routes, script })
  assert.deepEqual(outcome.statuses, [502, 404])
  assert.equal(outcome.origin.requests.all[0].fields.get('Upgrade'), 'websocket')
})

test('an upgrade with a body: the body is a body, and what is behind it a request', async t => {
  const asked = request('/public/', { method: 'POST', fields: UPGRADE, body: HIDDEN })
  const outcome = await attack(t, asked + HIDDEN, { routes, script: answers('200 OK') })
  assert.deepEqual(outcome.statuses, [200, 404])
  assert.deepEqual(outcome.bodies, [HIDDEN])
  assert.equal(outcome.origin.requests.all[0].fields.get('Upgrade'), null)
})

test('an upgrade with both framings is refused as any request is', async t => {
  const fields = `${UPGRADE}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n`
  const outcome = await attack(t, request('/public/', { fields }) + HIDDEN, { routes })
  assert.deepEqual(outcome.statuses, [400])
  assert.equal(outcome.origin.received, '')
})

test('a 101 to a plain request: nothing behind it reaches the client, and the connection is given up', async t => {
  const poison = `${SWITCH}Upgrade: websocket\r\n\r\n${answer('poison')}`
  const origin = await startOrigin(t, (asked, wire) =>
    wire.send(asked.target === '/one' ? poison : answer('good')),
  )
  const proxy = await startProxy(t, { to: origin })
  const client = await connect(t, proxy)
  assert.equal((await client.ask(request('/one'))).status, 502)
  assert.equal((await client.ask(request('/two'))).body.toString(), 'good')
  assert.equal((await proxy.records.at(0)).error, 'upstream_upgrade')
  assert.equal(origin.wires.all.length, 2)
})

test('a 101 as the answer to what was pipelined before it: only the upgrade itself is switched', async t => {
  const origin = await startOrigin(t, (_, wire) => wire.send(`${SWITCH}Upgrade: websocket\r\n\r\n`))
  const proxy = await startProxy(t, { to: origin })
  const client = await connect(t, proxy)
  client.send(request('/plain') + request('/chat', { fields: UPGRADE }))
  assert.equal((await client.answer()).status, 502)
  assert.equal((await client.answer()).status, 101)
  assert.equal(origin.wires.all.length, 2)
})

test('the connection of a tunnel is never lent to anybody else', async t => {
  const origin = await startOrigin(
    t,
    async (asked, wire) => {
      if (asked.target !== '/chat') {
        wire.send(answer('good'))
        return
      }
      wire.send(`${SWITCH}Upgrade: websocket\r\n\r\n${answer('poison')}`)
      await wire.closed()
    },
    { faultsExpected: true },
  )
  const proxy = await startProxy(t, { to: origin, group: { connectionsMax: 2 } })
  const attacker = await connect(t, proxy)
  attacker.send(request('/chat', { fields: UPGRADE }))
  assert.equal((await attacker.answer()).status, 101)
  const victim = await connect(t, proxy)
  assert.equal((await victim.ask(request('/'))).body.toString(), 'good')
  attacker.send(HIDDEN)
  attacker.end()
  assert.equal((await victim.ask(request('/'))).body.toString(), 'good')
  assert.equal(origin.wires.all.length, 2)
})
