/** What a connection tells when its peer has closed it and writes fail; what becomes of the memory it writes from. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import { type TestContext, test } from 'node:test'
import { until, within } from '../../test/support/wait.ts'
import { lastingCopy } from '../base/lasting.ts'
import type { Connection } from './connection.ts'
import { dial } from './dial.ts'

/** A connection of ours to a server, what its user heard, and the server's end. */
async function connected(t: TestContext) {
  const server = net.createServer({ allowHalfOpen: true })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const { port } = server.address() as net.AddressInfo
  const accepted = once(server, 'connection')
  const { promise, resolve } = Promise.withResolvers<Connection>()
  dial({ host: '127.0.0.1', port }, (_, connection) => resolve(connection as Connection))
  const connection = await within(promise, 'the connection')
  const heard: string[] = []
  connection.user = {
    bytes: chunk => void heard.push(String(chunk)),
    ended: () => void heard.push('ended'),
    drained() {},
    closed: error => void heard.push(`closed ${error?.code}`),
  }
  t.after(() => connection.destroy())
  const [socket] = (await accepted) as [net.Socket]
  return { connection, heard, socket }
}

/** Writes until the peer's system has said that nobody is there, and a write has met that. */
async function writeUntil(connection: Connection, condition: () => boolean): Promise<void> {
  const chunk = Buffer.alloc(5_000)
  await until(() => {
    connection.bytes(chunk)
    return condition()
  }, 'a write to fail')
}

test('a write that fails does not keep from reading what came before; then the connection is gone', async t => {
  const { connection, heard, socket } = await connected(t)
  connection.pause()
  // Nothing that the server has not read, or its close would be a reset.
  socket.end('last words')
  await once(socket, 'finish')
  socket.destroy()
  let writes = 0
  await writeUntil(connection, () => ++writes > 20)
  assert.deepEqual(heard, [])
  connection.resume()
  await until(() => heard.length === 3, 'the end')
  assert.deepEqual(heard, ['last words', 'ended', 'closed EPIPE'])
})

test('when all was read before, the write that fails tells that the connection is gone', async t => {
  const { connection, heard, socket } = await connected(t)
  socket.end('last words')
  await until(() => heard.length === 2, 'the last words')
  socket.destroy()
  await writeUntil(connection, () => connection.closed)
  await until(() => heard.length === 3, 'the end')
  assert.deepEqual(heard, ['last words', 'ended', 'closed EPIPE'])
})

/** Writes a chunk so often that most of it waits in the program, as the peer does not read. */
function writeMuch(connection: Connection, socket: net.Socket, chunk: Buffer, between: () => void): number {
  socket.pause()
  let written = 0
  while (connection.unsent < 4_000_000) {
    connection.bytes(chunk)
    written += chunk.length
    between()
  }
  return written
}

async function readAll(socket: net.Socket, bytes: number): Promise<Set<number>> {
  const values = new Set<number>()
  let read = 0
  socket.on('data', chunk => {
    read += chunk.length
    for (const byte of chunk as Buffer) values.add(byte)
  })
  socket.resume()
  await until(() => read === bytes, 'all that was written')
  return values
}

test('lent bytes are copied: what becomes of their memory after the call is not sent', async t => {
  const { connection, socket } = await connected(t)
  const chunk = Buffer.allocUnsafeSlow(60_000)
  chunk.fill(1)
  const written = writeMuch(connection, socket, chunk, () => {
    chunk.fill(2)
    chunk.fill(1)
  })
  chunk.fill(2)
  assert.deepEqual([...(await readAll(socket, written))], [1])
})

test('lasting bytes are sent from where they lie', async t => {
  const { connection, socket } = await connected(t)
  const chunk = lastingCopy(Buffer.alloc(60_000, 1))
  const before = process.memoryUsage().arrayBuffers
  const written = writeMuch(connection, socket, chunk, () => {})
  const grown = process.memoryUsage().arrayBuffers - before
  assert.ok(grown < 500_000, `memory grew by ${grown} bytes`)
  assert.deepEqual([...(await readAll(socket, written))], [1])
})
