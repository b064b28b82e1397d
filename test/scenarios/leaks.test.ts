/**
 * After everything has ended, nothing is left: no socket, no timer, no memory that grows with every request.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { answer, ScriptedOrigin, startOrigin } from '../support/origin.ts'
import { startProxy, TestProxy } from '../support/proxy.ts'
import { connect } from '../support/raw-client.ts'
import { CHUNKED, chunk, request, requestHead } from '../support/requests.ts'
import { until } from '../support/wait.ts'

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

/** What keeps the process running: handles by kind. */
const resources = () => process.getActiveResourcesInfo().sort().join(' ')

test('nothing keeps the process alive after an eventful life', async t => {
  const before = resources()
  const origin = new ScriptedOrigin(async (request, wire) => {
    if (request.target === '/never') return
    if (request.target === '/cut') wire.destroy()
    else if (request.target === '/reset') wire.reset()
    else {
      await request.content()
      wire.send(answer('ok'))
    }
  })
  await origin.listen({ port: 0, host: '127.0.0.1' })
  const group = { connectionsMax: 5, retryForMs: 60_000 }
  const proxy = new TestProxy({ to: [origin.address, '127.0.0.1:1'], group })
  await proxy.start()
  const ends: Promise<unknown>[] = []
  for (let i = 0; i < 60; i++) {
    const client = await connect(t, proxy)
    const target = ['/ok', '/never', '/cut', '/reset', '/ok'][i % 5]
    client.send(i % 3 === 0 ? `${requestHead(target, CHUNKED)}${chunk('part')}` : request(target))
    if (target === '/ok' && i % 3 !== 0) await client.answer()
    if (i % 2 === 0) client.destroy()
    else if (i % 7 === 0) client.reset()
    else client.end()
    ends.push(client.closed().catch(() => client.destroy()))
  }
  await proxy.server.drain(100)
  await proxy.close()
  await origin.close()
  await Promise.all(ends)
  await until(() => resources() === before, `only "${before}" to be left, not "${resources()}"`)
})

test('memory does not grow with the number of requests and connections', async t => {
  const origin = await startOrigin(t, (_, wire) => wire.send(answer('ok')))
  const proxy = await startProxy(t, { to: origin })
  async function round(): Promise<void> {
    for (let i = 0; i < 20; i++) {
      const client = await connect(t, proxy)
      client.send(Array.from({ length: 50 }, (_, at) => request(`/${i}/${at}/${Math.random()}`)).join(''))
      for (let at = 0; at < 50; at++) await client.answer()
      client.destroy()
    }
    await until(() => proxy.server.connections === 0, 'the clients to be gone')
    // What the test itself remembers is not what is looked for.
    proxy.records.all.length = 0
    origin.requests.all.length = 0
    for (const wire of origin.wires.all) wire.received = ''
  }
  const sizes: number[] = []
  for (let i = 0; i < 6; i++) {
    await round()
    collectGarbage()
    sizes.push(process.memoryUsage().heapUsed)
  }
  const grown = sizes[5] - sizes[1]
  assert.ok(grown < 2_000_000, `4 000 requests left ${grown} bytes: ${sizes.join(' ')}`)
})
