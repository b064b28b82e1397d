/** Text that goes past the Writable arrives in its order, whole, and its faults are told. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import { type TestContext, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { until } from '../../test/support/wait.ts'
import { SocketConnection } from './connection.ts'
import { writeDirectly } from './direct-write.ts'

/** A socket of ours and the peer's end of it, which does not read yet. */
async function pair(t: TestContext): Promise<{ ours: net.Socket; peer: net.Socket }> {
  const server = net.createServer({ pauseOnConnect: true, allowHalfOpen: true })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const accepted = once(server, 'connection')
  const { port } = server.address() as net.AddressInfo
  const ours = net.connect({ host: '127.0.0.1', port, allowHalfOpen: true })
  await once(ours, 'connect')
  const [peer] = (await accepted) as [net.Socket]
  ours.on('error', () => {})
  peer.on('error', () => {})
  t.after(() => ours.destroy())
  t.after(() => peer.destroy())
  return { ours, peer }
}

/** The same as a connection whose failed writes are told (client's), or noted (a server's). */
async function connectedPair(t: TestContext, forgives: boolean) {
  const { ours, peer } = await pair(t)
  const connection = new SocketConnection(() => ours, forgives)
  const closed: string[] = []
  connection.user = {
    bytes() {},
    ended() {},
    drained() {},
    closed: error => void closed.push(String(error?.code)),
  }
  return { connection, peer, closed }
}

const never = (): void => assert.fail('nothing waited')

/** So many writes that the kernel cannot hold them. */
async function fill(connection: SocketConnection): Promise<string> {
  let written = ''
  for (let line = 0; connection.unsent === 0; line++) {
    const text = `${line} `.repeat(2_000)
    connection.text(text)
    written += text
    await turn()
  }
  return written
}

test('Node is one whose private parts are known, and takes text directly', async t => {
  const { ours, peer } = await pair(t)
  assert.equal(writeDirectly(ours, 'caf\xe9', never), 'taken')
  peer.resume()
  const [bytes] = (await once(peer, 'data')) as [Buffer]
  assert.equal(bytes.toString('latin1'), 'caf\xe9')
})

test('what waits in the Writable is not overtaken, nor is a socket written to that has no handle', async t => {
  const { ours } = await pair(t)
  while (ours.writableLength === 0) ours.write('x'.repeat(100_000))
  assert.equal(writeDirectly(ours, 'overtakes', never), 'refused')
  ours.destroy()
  assert.equal(writeDirectly(ours, 'nobody', never), 'refused')
})

test('a direct write that waits, bytes and text behind it arrive in their order', async t => {
  const { connection, peer } = await connectedPair(t, false)
  let sent = await fill(connection)
  const waited = connection.unsent
  for (let piece = 0; piece < 5; piece++) {
    const chunk = `${piece}`.repeat(9_000)
    connection.bytes(Buffer.from(chunk))
    connection.text(`after ${piece} `)
    sent += `${chunk}after ${piece} `
    await turn()
  }
  assert.ok(connection.unsent > waited)
  let received = ''
  peer.setEncoding('latin1').on('data', text => {
    received += text
  })
  peer.resume()
  await until(() => connection.unsent === 0, 'everything to leave')
  connection.text('last')
  sent += 'last'
  connection.end()
  await once(peer, 'end')
  assert.equal(received, sent)
})

test('our last byte leaves behind a direct write that waits', async t => {
  const { connection, peer } = await connectedPair(t, false)
  const sent = await fill(connection)
  connection.end()
  let received = 0
  peer.on('data', bytes => {
    received += bytes.length
  })
  peer.resume()
  await once(peer, 'end')
  assert.equal(received, sent.length)
})

for (const forgives of [false, true])
  test(`a peer that resets ends a connection whose direct write waits (forgiving: ${forgives})`, async t => {
    const { connection, peer, closed } = await connectedPair(t, forgives)
    await fill(connection)
    peer.resetAndDestroy()
    await until(() => closed.length > 0, 'the end')
    assert.match(closed[0], /^(ECONNRESET|EPIPE)$/)
    assert.equal(connection.closed, true)
  })

test('a connection that is destroyed while a direct write waits ends once, without a fault', async t => {
  const { connection, closed } = await connectedPair(t, false)
  await fill(connection)
  connection.destroy()
  await until(() => closed.length > 0, 'the end')
  await turn()
  assert.deepEqual(closed, ['undefined'])
})
