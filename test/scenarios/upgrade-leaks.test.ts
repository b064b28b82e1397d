/**
 * A thousand WebSockets opened and torn down in every way: no handle, no timer, no counter and no memory stays.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { WebSocket, WebSocketServer } from 'ws'
import { type Deadline, deadlines } from '../../src/net/deadlines.ts'
import { TestProxy } from '../support/proxy.ts'
import { until, within } from '../support/wait.ts'

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

const SOCKETS = 1000

/** What keeps the process running: handles by kind. */
const resources = () => process.getActiveResourcesInfo().sort().join(' ')

const WAYS: readonly ((client: WebSocket, server: WebSocket) => void)[] = [
  client => client.close(),
  (_, server) => server.close(),
  client => client.terminate(),
  (_, server) => server.terminate(),
  (client, server) => {
    client.terminate()
    server.terminate()
  },
]

async function openOne(
  port: number,
  server: WebSocketServer,
): Promise<[client: WebSocket, server: WebSocket]> {
  const client = new WebSocket(`ws://127.0.0.1:${port}/`, { perMessageDeflate: false })
  client.on('error', () => {})
  const [[socket]] = await Promise.all([once(server, 'connection'), once(client, 'open')])
  const answered = once(client, 'message')
  socket.on('message', (data: Buffer) => socket.send(data))
  client.send('hello')
  await answered
  return [client, socket]
}

/** All open at once, then all gone; the proxy and the origin stay. */
async function round(proxy: TestProxy, server: WebSocketServer, count: number): Promise<void> {
  const pairs: [WebSocket, WebSocket][] = []
  for (let i = 0; i < count; i++) pairs.push(await openOne(proxy.port, server))
  assert.equal(proxy.counters.busy, count)
  assert.equal(proxy.counters.open, count)
  assert.equal(proxy.server.connections, count)
  for (const [i, [client, socket]] of pairs.entries()) WAYS[i % WAYS.length](client, socket)
  const gone = () => proxy.server.connections === 0 && proxy.counters.open === 0 && proxy.counters.busy === 0
  await until(() => gone() && server.clients.size === 0, 'all of them to be gone')
  assert.deepEqual(proxy.counters, { idle: 0, open: 0, queued: 0, busy: 0 })
  proxy.records.all.length = 0
}

function heapAfterRest(): number {
  // Code that was not used for several rounds of collecting goes too: it must not hide what stays.
  for (let i = 0; i < 10; i++) collectGarbage()
  return process.memoryUsage().heapUsed
}

/** The deadlines of the process that are waited for, from now on. */
function watchDeadlines(): ReadonlySet<Deadline> {
  const waiting = new Set<Deadline>()
  const { add, remove } = deadlines
  // By hand: a mock of the runner would remember every call, and with it every session.
  deadlines.add = entry => {
    waiting.add(entry)
    add.call(deadlines, entry)
  }
  deadlines.remove = entry => {
    waiting.delete(entry)
    remove.call(deadlines, entry)
  }
  return waiting
}

test('a thousand WebSockets leave nothing behind', async t => {
  const before = resources()
  const waiting = watchDeadlines()
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false })
  await within(once(server, 'listening'), 'the origin to listen')
  const { port } = server.address() as { port: number }
  const proxy = new TestProxy({ to: `127.0.0.1:${port}` })
  await proxy.start()
  t.after(() => {
    proxy.server.close()
    server.close()
  })
  const listening = resources()
  // The first ones pay for what is made once: compiled code, pools.
  await round(proxy, server, SOCKETS / 2)
  await until(() => resources() === listening, `only "${listening}" to be left`)
  const heap = heapAfterRest()
  await round(proxy, server, SOCKETS)
  await until(() => resources() === listening, `only "${listening}" to be left`)
  const grown = heapAfterRest() - heap
  assert.ok(grown < 500_000, `${SOCKETS} WebSockets left ${grown} bytes`)
  assert.equal(waiting.size, 0, 'deadlines are left')
  await proxy.close()
  server.close()
  await until(() => resources() === before, `only "${before}" to be left, not "${resources()}"`)
})
