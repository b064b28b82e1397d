/**
 * Servers that are not there: names that do not resolve, ports where nobody listens, servers that come up later.
 */
import assert from 'node:assert/strict'
import net from 'node:net'
import { type TestContext, test } from 'node:test'
import { takeName } from '../support/names.ts'
import { answer, ScriptedOrigin, startOrigin } from '../support/origin.ts'
import { startProxy } from '../support/proxy.ts'
import { connect } from '../support/raw-client.ts'
import { request } from '../support/requests.ts'
import { until } from '../support/wait.ts'

/** A port that was free a moment ago, and that the system does not give to others so soon. */
async function freePort(): Promise<number> {
  const server = net.createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as net.AddressInfo
  await new Promise(resolve => server.close(resolve))
  return port
}

/** Starts an origin on a port of our choice, later than the proxy. */
async function startLate(t: TestContext, port: number, body: string): Promise<ScriptedOrigin> {
  const origin = new ScriptedOrigin((_, wire) => wire.send(answer(body)))
  t.after(() => origin.close())
  await origin.listen({ port, host: '127.0.0.1' })
  return origin
}

test('a name that does not resolve gives 502 that says so, until it resolves', async t => {
  const questions = takeName(t, 'shop.test')
  const origin = await startOrigin(t)
  const proxy = await startProxy(t, { to: `shop.test:${origin.port}` })
  const client = await connect(t, proxy)
  client.send(request('/early'))
  ;(await questions.at(0)).notFound()
  const refused = await client.answer()
  assert.equal(refused.status, 502)
  assert.match(refused.body.toString(), /"shop\.test": ENOTFOUND/)
  assert.match(refused.fields.get('Proxy-Status') ?? '', /error=dns_error/)
  client.send(request('/later'))
  ;(await questions.at(1)).found('127.0.0.1')
  assert.equal((await client.answer()).body.toString(), 'GET /later 0')
  const [early, later] = proxy.records.all
  assert.equal(early.error, 'name_not_resolved')
  assert.equal(early.upstream, `shop.test:${origin.port}`)
  assert.equal(later.error, '')
})

test('all who ask for a name that is being looked up share one question', async t => {
  const questions = takeName(t, 'shop.test')
  const origin = await startOrigin(t)
  const proxy = await startProxy(t, { to: `shop.test:${origin.port}` })
  const clients = await Promise.all(Array.from({ length: 10 }, () => connect(t, proxy)))
  for (const client of clients) client.send(request('/'))
  const question = await questions.at(0)
  await until(() => proxy.counters.busy === 10, 'all requests to wait')
  question.found('127.0.0.1')
  for (const client of clients) assert.equal((await client.answer()).status, 200)
  assert.equal(questions.all.length, 1)
})

test('an aged answer is used while the name is looked up again, and whenever that fails', async t => {
  const questions = takeName(t, 'shop.test')
  const origin = await startOrigin(t, (_, wire) => wire.send(answer('', '200 OK', 'Connection: close\r\n')))
  const proxy = await startProxy(t, { to: `shop.test:${origin.port}`, group: { resolveTtlMs: 0 } })
  const client = await connect(t, proxy)
  client.send(request('/'))
  ;(await questions.at(0)).found('127.0.0.1')
  assert.equal((await client.answer()).status, 200)
  assert.equal((await client.ask(request('/'))).status, 200)
  ;(await questions.at(1)).notFound('EAI_AGAIN')
  assert.equal((await client.ask(request('/'))).status, 200)
})

test('the next address of a name is tried when the first takes no connection', async t => {
  const questions = takeName(t, 'shop.test')
  const origin = await startOrigin(t)
  const proxy = await startProxy(t, { to: `shop.test:${origin.port}` })
  const client = await connect(t, proxy)
  client.send(request('/'))
  // Nobody listens on the second loopback address.
  ;(await questions.at(0)).found('127.0.0.2', '127.0.0.1')
  assert.equal((await client.answer()).status, 200)
})

test('a server that takes no connection is passed over, also for a POST', async t => {
  const origin = await startOrigin(t)
  const proxy = await startProxy(t, { to: [`127.0.0.1:${await freePort()}`, origin] })
  const client = await connect(t, proxy)
  for (let i = 0; i < 4; i++) {
    const told = await client.ask(request('/', { method: 'POST', body: 'four' }))
    assert.equal(told.body.toString(), 'POST / 4')
  }
  assert.ok(proxy.records.all.every(record => record.upstream === origin.address && record.attempts === 1))
})

test('when no server takes a connection, the answer is 502 with the name of the last', async t => {
  const ports = [await freePort(), await freePort()]
  const proxy = await startProxy(t, { to: ports.map(port => `127.0.0.1:${port}`) })
  const client = await connect(t, proxy)
  const refused = await client.ask(request('/'))
  assert.equal(refused.status, 502)
  assert.match(refused.body.toString(), /connect_refused/)
  assert.ok(ports.some(port => refused.body.toString().includes(`127.0.0.1 port ${port}: ECONNREFUSED`)))
  assert.match(refused.fields.get('Proxy-Status') ?? '', /error=connection_refused/)
  // It is the server that failed: the client's connection goes on.
  assert.equal((await client.ask(request('/'))).status, 502)
})

test('a server that comes back is used at once', async t => {
  const port = await freePort()
  const proxy = await startProxy(t, { to: `127.0.0.1:${port}` })
  const client = await connect(t, proxy)
  assert.equal((await client.ask(request('/'))).status, 502)
  const first = await startLate(t, port, 'up')
  assert.equal((await client.ask(request('/'))).body.toString(), 'up')
  await first.close()
  assert.equal((await client.ask(request('/'))).status, 502)
  await startLate(t, port, 'up again')
  assert.equal((await client.ask(request('/'))).body.toString(), 'up again')
})

test('with retryFor a request waits for a server that comes up later', async t => {
  const port = await freePort()
  const proxy = await startProxy(t, { to: `127.0.0.1:${port}`, group: { retryForMs: 8_000 } })
  const client = await connect(t, proxy)
  client.send(request('/', { method: 'POST', body: 'kept' }))
  const early = await connect(t, proxy)
  early.send(request('/'))
  await until(() => proxy.server.connections === 2, 'both clients')
  const origin = new ScriptedOrigin(async (request, wire) => {
    wire.send(answer((await request.content()).body.toString()))
  })
  t.after(() => origin.close())
  await origin.listen({ port, host: '127.0.0.1' })
  assert.equal((await client.answer()).body.toString(), 'kept')
  assert.equal((await early.answer()).status, 200)
})

test('retryFor ends with the 502 when its time is over', async t => {
  const proxy = await startProxy(t, { to: `127.0.0.1:${await freePort()}`, group: { retryForMs: 250 } })
  const client = await connect(t, proxy)
  const begun = performance.now()
  assert.equal((await client.ask(request('/'))).status, 502)
  assert.ok(performance.now() - begun >= 200)
})

test('a client that leaves during retryFor ends the waiting', async t => {
  const port = await freePort()
  const proxy = await startProxy(t, { to: `127.0.0.1:${port}`, group: { retryForMs: 60_000 } })
  const client = await connect(t, proxy)
  client.send(request('/'))
  await until(() => proxy.server.connections === 1, 'the request')
  client.destroy()
  const record = await proxy.records.at(0)
  assert.equal(record.status, 499)
  const origin = await startLate(t, port, 'up')
  const next = await connect(t, proxy)
  await next.ask(request('/next'))
  assert.deepEqual(origin.lines, ['GET /next HTTP/1.1'])
})

test('a unix socket that does not exist gives 502', async t => {
  const proxy = await startProxy(t, { to: 'unix:/nonexistent/sluice.sock' })
  const client = await connect(t, proxy)
  const refused = await client.ask(request('/'))
  assert.equal(refused.status, 502)
  assert.match(refused.body.toString(), /ENOENT/)
})
