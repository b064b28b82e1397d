/**
 * Servers end kept connections when they like: after an answer, after a while, with a word or without, by a
 * regular end or by breaking them. A request that meets such an end is no fault of anybody and no 502.
 */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { startHelper } from '../support/helper.ts'
import { answer, startOrigin } from '../support/origin.ts'
import { startProxy } from '../support/proxy.ts'
import { connect } from '../support/raw-client.ts'
import { CHUNKED, chunk, request, requestHead } from '../support/requests.ts'
import type { LoadPlan, LoadResult } from '../support/stale-load.ts'
import { until } from '../support/wait.ts'

/** Runs the load in a process of its own, through a proxy in this one. */
async function load(t: TestContext, plan: LoadPlan): Promise<LoadResult> {
  const helper = await startHelper<LoadResult>(t, './stale-load.ts', plan)
  const proxy = await startProxy(t, { to: `127.0.0.1:${helper.originPort}` })
  const result = await helper.run(proxy.port)
  t.diagnostic(`${JSON.stringify(result.statuses)}, ${result.originConnections} connections of the origin`)
  return result
}

const GETS = { method: 'GET', requests: 25_000, clients: 64, answersPerConnection: 10 } as const

for (const leaving of [
  ['says so', 'at once'],
  ['breaks at once'],
  ['a little later'],
  ['breaks a little later'],
] as const)
  test(`25 000 requests to an origin that leaves (${leaving.join(', ')}): no 502`, async t => {
    const result = await load(t, { ...GETS, leaving })
    assert.equal(result.firstFault, '')
    assert.deepEqual(result.statuses, { '200': GETS.requests })
    assert.equal(result.clientsCut, 0)
    assert.ok(result.originConnections > GETS.requests / 40, 'the origin did leave')
  })

test('8 000 POSTs to an origin that leaves in every way: none is sent twice', async t => {
  const leaving = ['says so', 'at once', 'breaks at once', 'a little later', 'breaks a little later'] as const
  const plan = { leaving, method: 'POST', requests: 8_000, clients: 64, answersPerConnection: 10 } as const
  const result = await load(t, plan)
  assert.equal(result.servedTwice, 0)
  const failed = plan.requests - result.statuses['200']
  // A POST that crosses with the end of its connection must not be repeated: this share cannot be none.
  assert.ok(failed <= plan.requests * 0.03, `${failed} of ${plan.requests} failed: ${result.firstFault}`)
})

/** Answers the first request of each connection and ends the connection when the second has come. */
async function startFickleOrigin(t: TestContext, end: 'end' | 'reset') {
  return startOrigin(
    t,
    async (request, wire) => {
      if (request.place > 0) {
        if (end === 'end') wire.destroy()
        else wire.reset()
        return
      }
      const { body } = await request.content()
      wire.send(answer(`${request.method} ${body}`))
    },
    { faultsExpected: true },
  )
}

for (const end of ['end', 'reset'] as const) {
  test(`a GET whose kept connection ends (${end}) goes out again on a fresh one`, async t => {
    const origin = await startFickleOrigin(t, end)
    const proxy = await startProxy(t, { to: origin })
    const client = await connect(t, proxy)
    await client.ask(request('/one'))
    const second = await client.ask(request('/two'))
    assert.equal(second.status, 200)
    assert.deepEqual(origin.lines, ['GET /one HTTP/1.1', 'GET /two HTTP/1.1', 'GET /two HTTP/1.1'])
    assert.equal((await proxy.records.at(1)).attempts, 2)
  })

  test(`a PUT whose kept connection ends (${end}) goes out again with its whole body`, async t => {
    const origin = await startFickleOrigin(t, end)
    const proxy = await startProxy(t, { to: origin })
    const client = await connect(t, proxy)
    await client.ask(request('/one'))
    const body = 'x'.repeat(20_000)
    const second = await client.ask(request('/two', { method: 'PUT', body }))
    assert.equal(second.body.toString(), `PUT ${body}`)
  })

  test(`a PUT in chunks whose kept connection ends (${end}) goes out again with its whole body`, async t => {
    const origin = await startFickleOrigin(t, end)
    const proxy = await startProxy(t, { to: origin })
    const client = await connect(t, proxy)
    await client.ask(request('/one'))
    client.send(`${requestHead('/two', CHUNKED, 'PUT')}${chunk('first ')}`)
    await origin.requests.at(1)
    client.send(`${chunk('second')}${chunk('')}`)
    assert.equal((await client.answer('PUT')).body.toString(), 'PUT first second')
  })

  test(`a POST whose kept connection ends (${end}) after it was sent is answered 502 and not repeated`, async t => {
    const origin = await startFickleOrigin(t, end)
    const proxy = await startProxy(t, { to: origin })
    const client = await connect(t, proxy)
    await client.ask(request('/one'))
    const second = await client.ask(request('/two', { method: 'POST', body: 'once' }))
    assert.equal(second.status, 502)
    assert.deepEqual(origin.lines, ['GET /one HTTP/1.1', 'POST /two HTTP/1.1'])
  })
}

test('an end that came before the next request is noticed: the POST goes to a fresh connection', async t => {
  const origin = await startOrigin(t, async (request, wire) => {
    await request.content()
    wire.send(answer(request.target))
    wire.end()
  })
  const proxy = await startProxy(t, { to: origin })
  const client = await connect(t, proxy)
  for (const path of ['/one', '/two', '/three']) {
    const told = await client.ask(request(path, { method: 'POST', body: 'x' }))
    assert.equal(told.status, 200)
  }
  assert.equal(origin.wires.all.length, 3)
})

test('a connection is not used beyond the time that the server gives it', async t => {
  const origin = await startOrigin(t, (_, wire) =>
    wire.send(answer('', '200 OK', 'Keep-Alive: timeout=1\r\n')),
  )
  const proxy = await startProxy(t, { to: origin })
  const client = await connect(t, proxy)
  await client.ask(request('/'))
  assert.equal(proxy.counters.idle, 1)
  // Half a second before its time is over, the proxy ends the connection itself.
  const wire = await origin.wires.at(0)
  assert.equal(await wire.ended(), 'end')
  await until(() => proxy.counters.open === 0, 'the connection to be forgotten')
})

test('a server that says Keep-Alive: timeout=0 is asked on a new connection each time', async t => {
  const origin = await startOrigin(t, (_, wire) =>
    wire.send(answer('', '200 OK', 'Keep-Alive: timeout=0\r\n')),
  )
  const proxy = await startProxy(t, { to: origin })
  const client = await connect(t, proxy)
  await client.ask(request('/'))
  await client.ask(request('/'))
  assert.equal(origin.wires.all.length, 2)
})
