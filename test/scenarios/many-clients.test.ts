/**
 * Many clients at once, and peers that stand still among them: nobody waits for anybody else.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MEGABYTE, pieces } from '../support/bodies.ts'
import { answer, startOrigin } from '../support/origin.ts'
import { startProxy } from '../support/proxy.ts'
import { connect } from '../support/raw-client.ts'
import { CHUNKED, chunk, request, requestHead } from '../support/requests.ts'
import { turns, until, within } from '../support/wait.ts'

test('a thousand clients at the same time, each with its own answer', async t => {
  const count = 1000
  const { promise: everybodyIsHere, resolve } = Promise.withResolvers<void>()
  const origin = await startOrigin(t, async (request, wire) => {
    // No answer before all thousand requests are under way.
    if (origin.requests.all.length === count) resolve()
    await everybodyIsHere
    wire.send(answer(`for ${request.target}`))
  })
  const proxy = await startProxy(t, { to: origin })
  const clients = await Promise.all(Array.from({ length: count }, () => connect(t, proxy)))
  const told = clients.map((client, i) => client.ask(request(`/${i}`)))
  for (const [i, each] of (await within(Promise.all(told), 'all answers', 30_000)).entries())
    assert.equal(each.body.toString(), `for /${i}`)
  assert.equal(proxy.server.connections, count)
  assert.equal(origin.wires.all.length, count)
  // No more of them are kept than allowed.
  await until(() => proxy.counters.open === 256, 'the rest to be closed')
})

test('a thousand clients share a few upstream connections without mixing their answers', async t => {
  const origin = await startOrigin(t, async (request, wire) => {
    await turns(Number(request.target.slice(1)) % 4)
    wire.send(answer(`for ${request.target}`))
  })
  const proxy = await startProxy(t, { to: origin, group: { connectionsMax: 8 } })
  const clients = await Promise.all(Array.from({ length: 1000 }, () => connect(t, proxy)))
  const told = clients.map((client, i) => client.ask(request(`/${i}`)))
  for (const [i, each] of (await within(Promise.all(told), 'all answers', 30_000)).entries())
    assert.equal(each.body.toString(), `for /${i}`)
  assert.ok(origin.wires.all.length <= 8, `${origin.wires.all.length} connections`)
})

test('clients that stand still in every place delay nobody else', async t => {
  const origin = await startOrigin(t, async (request, wire) => {
    if (request.target !== '/big') {
      await request.content()
      wire.send(answer('quick'))
      return
    }
    wire.send(`HTTP/1.1 200 OK\r\nContent-Length: ${64 * MEGABYTE}\r\n\r\n`)
    for (const piece of pieces(64 * MEGABYTE, 1)) if (!(await wire.sendAll(piece))) return
  })
  const proxy = await startProxy(t, { to: origin })
  const stalled = {
    silent: await connect(t, proxy),
    inHead: await connect(t, proxy),
    inBody: await connect(t, proxy),
    inChunk: await connect(t, proxy),
    unread: await connect(t, proxy, { held: true }),
  }
  stalled.inHead.send('GET /half HTTP/1.1\r\nHost: a')
  stalled.inBody.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf`)
  stalled.inChunk.send(`${requestHead('/', CHUNKED)}${chunk('one')}ff\r\n`)
  stalled.unread.send(request('/big'))
  await origin.requests.count(3)
  const client = await connect(t, proxy)
  const begun = performance.now()
  for (let i = 0; i < 300; i++) assert.equal((await client.ask(request('/quick'))).body.toString(), 'quick')
  const tookMs = performance.now() - begun
  assert.ok(tookMs < 3000, `300 requests took ${tookMs.toFixed(0)} ms`)
  // They are all still there, and can go on.
  stalled.inHead.send('\r\n\r\n')
  assert.equal((await stalled.inHead.answer()).status, 200)
  stalled.inBody.send('x'.repeat(96))
  assert.equal((await stalled.inBody.answer()).status, 200)
})

test('a server that stands still delays nobody who asks another, nor other requests to itself', async t => {
  const stalled = await startOrigin(t, (request, wire) => {
    if (request.target !== '/stall') wire.send(answer('quick'))
  })
  const quick = await startOrigin(t)
  const proxy = await startProxy(t, { to: stalled })
  const other = await startProxy(t, { to: quick })
  const waiting = await Promise.all(Array.from({ length: 50 }, () => connect(t, proxy)))
  for (const client of waiting) client.send(request('/stall'))
  await stalled.requests.count(50)
  const clients = [await connect(t, proxy), await connect(t, other)]
  const begun = performance.now()
  for (let i = 0; i < 150; i++)
    for (const client of clients) assert.equal((await client.ask(request('/'))).status, 200)
  const tookMs = performance.now() - begun
  assert.ok(tookMs < 3000, `300 requests took ${tookMs.toFixed(0)} ms`)
})

test('clients that come and go do not leave anything behind', async t => {
  const origin = await startOrigin(t)
  const proxy = await startProxy(t, { to: origin })
  for (let round = 0; round < 20; round++) {
    const clients = await Promise.all(Array.from({ length: 25 }, () => connect(t, proxy)))
    await Promise.all(clients.map(client => client.ask(request('/'))))
    for (const client of clients) client.destroy()
  }
  await until(() => proxy.server.connections === 0, 'the clients to be gone')
  assert.ok(proxy.counters.open <= 25, `${proxy.counters.open} upstream connections`)
  assert.equal(proxy.counters.busy, 0)
})
