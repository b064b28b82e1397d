/**
 * Response-queue poisoning: an origin (or someone who could make it) sends more than one answer to a request.
 * The surplus lies on a connection that the proxy keeps, and would be taken for the answer to the next request,
 * of another client. Whatever comes unasked, or behind the end of an answer, costs the connection.
 */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { answer, type Script, startOrigin } from '../support/origin.ts'
import { startProxy } from '../support/proxy.ts'
import { connect } from '../support/raw-client.ts'
import { CHUNKED, chunk, request } from '../support/requests.ts'
import { turns, until } from '../support/wait.ts'
import type { Wire } from '../support/wire.ts'

const EVIL = answer('evil')

async function start(t: TestContext, script: Script) {
  const origin = await startOrigin(t, script)
  const proxy = await startProxy(t, { to: origin })
  return { origin, proxy, attacker: await connect(t, proxy), victim: await connect(t, proxy) }
}

const AT_ONCE = [
  ['two answers at once', answer('good') + EVIL],
  ['an answer in chunks and another', `HTTP/1.1 200 OK\r\n${CHUNKED}\r\n${chunk('good')}${chunk('')}${EVIL}`],
  ['an answer without content and another', `HTTP/1.1 204 No Content\r\n\r\n${EVIL}`],
  ['an answer that is not modified and another', `HTTP/1.1 304 Not Modified\r\n\r\n${EVIL}`],
  ['an answer and a line end', `${answer('good')}\r\n`],
  ['an answer and a single byte', `${answer('good')}H`],
] as const

for (const [what, bytes] of AT_ONCE)
  test(`${what}: the attacker gets a 502 or one answer, the victim its own`, async t => {
    const script: Script = (request, wire) => wire.send(request.target === '/attack' ? bytes : answer('own'))
    const { origin, proxy, attacker, victim } = await start(t, script)
    attacker.send(request('/attack'))
    const told = await attacker.answerOrEnd()
    if (told !== null) assert.ok(!told.body.includes('evil'))
    assert.equal((await victim.ask(request('/victim'))).body.toString(), 'own')
    assert.equal(origin.wires.all.length, 2, 'the connection is not used again')
    assert.equal((await proxy.records.at(0)).error, 'upstream_extra_bytes')
  })

test('a body behind an answer to HEAD is no answer to the next request', async t => {
  const script: Script = (request, wire) =>
    wire.send(request.method === 'HEAD' ? answer(EVIL) : answer('own'))
  const { origin, attacker, victim } = await start(t, script)
  attacker.send(request('/', { method: 'HEAD' }))
  const told = await attacker.answerOrEnd('HEAD')
  assert.equal(told?.status, 502)
  assert.equal((await victim.ask(request('/victim'))).body.toString(), 'own')
  assert.equal(origin.wires.all.length, 2)
})

test('bytes on an idle connection end it before anybody can be given them', async t => {
  const { origin, proxy, attacker, victim } = await start(t, (request, wire) =>
    wire.send(answer(request.target)),
  )
  await attacker.ask(request('/attack'))
  assert.equal(proxy.counters.idle, 1)
  const wire = await origin.wires.at(0)
  wire.send(EVIL)
  await wire.ended()
  await until(() => proxy.counters.open === 0, 'the connection to be dropped')
  assert.equal((await victim.ask(request('/victim'))).body.toString(), '/victim')
  assert.equal(origin.wires.all.length, 2)
})

test('bytes of an answer before there was a request are nobody\u2019s', async t => {
  let wires = 0
  const origin = await startOrigin(t, (request, wire) => wire.send(answer(request.target)))
  origin.server.on('connection', socket => {
    // The first connection speaks before it is asked.
    if (++wires === 1) socket.write(EVIL)
  })
  const proxy = await startProxy(t, { to: origin })
  const client = await connect(t, proxy)
  const told = await client.ask(request('/'))
  // HTTP/1.1 cannot tell such bytes from an answer once the request is on its way; the next client is safe.
  assert.ok(['evil', '/'].includes(told.body.toString()) || told.status === 502)
  const victim = await connect(t, proxy)
  for (let i = 0; i < 5; i++) assert.equal((await victim.ask(request(`/${i}`))).body.toString(), `/${i}`)
})

test('an answer to a request that its client gave up reaches nobody else', async t => {
  const held: Wire[] = []
  const script: Script = (request, wire) => {
    if (request.target === '/attack') held.push(wire)
    else wire.send(answer('own'))
  }
  const { attacker, victim, proxy } = await start(t, script)
  attacker.send(request('/attack'))
  await until(() => held.length === 1, 'the request')
  attacker.destroy()
  await proxy.records.at(0)
  held[0].send(EVIL)
  for (let i = 0; i < 5; i++) assert.equal((await victim.ask(request('/'))).body.toString(), 'own')
})

test('an answer that comes after its time reaches nobody else', async t => {
  const held: Wire[] = []
  const origin = await startOrigin(t, (request, wire) => {
    if (request.target === '/late') held.push(wire)
    else wire.send(answer('own'))
  })
  const proxy = await startProxy(t, { to: origin, group: { headTimeoutMs: 100 } })
  const attacker = await connect(t, proxy)
  assert.equal((await attacker.ask(request('/late'))).status, 504)
  held[0].send(EVIL)
  await turns(5)
  for (let i = 0; i < 5; i++) assert.equal((await attacker.ask(request('/'))).body.toString(), 'own')
})

test('interim answers behind the final one are surplus too', async t => {
  const script: Script = (request, wire) => {
    if (request.target === '/attack') wire.send(`${answer('good')}HTTP/1.1 100 Continue\r\n\r\n`)
    else wire.send(answer('own'))
  }
  const { attacker, victim, origin } = await start(t, script)
  attacker.send(request('/attack'))
  await attacker.answerOrEnd()
  assert.equal((await victim.ask(request('/'))).body.toString(), 'own')
  assert.equal(origin.wires.all.length, 2)
})
