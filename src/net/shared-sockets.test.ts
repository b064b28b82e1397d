/**
 * Sockets that are bound here and listened on elsewhere; here both sides are in one process.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type BoundAddress, nameOf, urlOf } from './bound-address.ts'
import { listenOn, type SharedSocket, SharedSockets, type SocketSet } from './shared-sockets.ts'

const LOOPBACK: BoundAddress = { kind: 'tcp', host: '127.0.0.1', port: 0 }

function setUp(t: TestContext): SharedSockets {
  const sockets = new SharedSockets()
  t.after(() => sockets.close())
  return sockets
}

function portOf(set: SocketSet, index = 0): number {
  const bound = set.bound[index]
  return bound.kind === 'tcp' ? bound.port : 0
}

/** Listens as a worker would. */
async function listening(t: TestContext, socket: SharedSocket): Promise<net.Server> {
  const server = net.createServer(client => client.end('hello'))
  listenOn(server, socket, 16)
  if (!server.listening) await once(server, 'listening')
  t.after(() => server.close())
  return server
}

async function ask(to: net.NetConnectOpts): Promise<string> {
  const client = net.connect(to)
  let text = ''
  for await (const chunk of client) text += chunk
  return text
}

test('every worker gets a socket of its own on the same port', async t => {
  const set = await setUp(t).open([LOOPBACK], 3)
  const mine = [0, 1, 2].map(slot => set.socketsOf(slot))
  assert.deepEqual(
    mine.map(addresses => addresses.map(sockets => sockets.length)),
    [[1], [1], [1]],
  )
  assert.equal(new Set(mine.flat(2)).size, 3)
  for (const [[socket]] of mine) await listening(t, socket)
  assert.equal(await ask({ port: portOf(set), host: '127.0.0.1' }), 'hello')
})

test('a bound socket that nobody listens on takes no connection', async t => {
  const set = await setUp(t).open([LOOPBACK], 2)
  await assert.rejects(ask({ port: portOf(set), host: '127.0.0.1' }), { code: 'ECONNREFUSED' })
})

test('addresses that stay keep their sockets; more workers get more, fewer share what is there', async t => {
  const sockets = setUp(t)
  const first = await sockets.open([LOOPBACK, LOOPBACK], 1)
  assert.notEqual(portOf(first, 0), portOf(first, 1))
  first.keep()
  const second = await sockets.open([LOOPBACK, LOOPBACK], 3)
  second.keep()
  assert.deepEqual(second.bound, first.bound)
  assert.deepEqual(second.fresh, [false, false])
  assert.deepEqual(second.socketsOf(0), first.socketsOf(0))
  const third = await sockets.open([LOOPBACK], 2)
  third.keep()
  assert.deepEqual(
    [0, 1].map(slot => third.socketsOf(slot)[0].length),
    [2, 1],
  )
  assert.equal(new Set([0, 1].flatMap(slot => third.socketsOf(slot)[0])).size, 3)
})

test('the socket of an address that is gone is closed, of one that was not kept too', async t => {
  const sockets = setUp(t)
  const first = await sockets.open([LOOPBACK], 1)
  first.keep()
  const second = await sockets.open([LOOPBACK, LOOPBACK], 1)
  second.undo()
  const other = { ...LOOPBACK, port: portOf(second, 1) } as const
  const third = await sockets.open([other], 1)
  assert.deepEqual(third.fresh, [true])
  third.keep()
  const again = new SharedSockets()
  t.after(() => again.close())
  assert.equal(portOf(await again.open([{ ...LOOPBACK, port: portOf(first) }], 1)), portOf(first))
})

test('a port that somebody listens on is refused, also when it could be shared', async t => {
  const set = await setUp(t).open([LOOPBACK], 1)
  await listening(t, set.socketsOf(0)[0][0])
  const address = { ...LOOPBACK, port: portOf(set) } as const
  await assert.rejects(setUp(t).open([address], 1), {
    code: 'EADDRINUSE',
    address: '127.0.0.1',
    port: address.port,
  })
})

test('when one address cannot be bound, none stays', async t => {
  const taken = net.createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  t.after(() => taken.close())
  const { port } = taken.address() as net.AddressInfo
  const folder = mkdtempSync(join(tmpdir(), 'sluice-sockets-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'a.sock')
  const sockets = setUp(t)
  await assert.rejects(
    sockets.open(
      [
        { kind: 'unix', path },
        { ...LOOPBACK, port },
      ],
      2,
    ),
    {
      code: 'EADDRINUSE',
    },
  )
  assert.equal(existsSync(path), false)
})

test('a unix socket is one for all workers, and its file goes with it', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-sockets-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'a.sock')
  const sockets = setUp(t)
  const set = await sockets.open([{ kind: 'unix', path }], 2)
  set.keep()
  assert.equal(set.socketsOf(0)[0][0], set.socketsOf(1)[0][0])
  await listening(t, set.socketsOf(0)[0][0])
  assert.equal(await ask({ path }), 'hello')
  sockets.close()
  assert.equal(existsSync(path), false)
})

test('a name is looked up; one that does not resolve is named', async t => {
  const sockets = setUp(t)
  const set = await sockets.open([{ ...LOOPBACK, host: 'localhost' }], 1)
  assert.match(nameOf(set.bound[0]), /^(127\.0\.0\.1|\[::1\]):\d+$/)
  const unknown = { ...LOOPBACK, host: 'no-such-name.invalid' }
  await assert.rejects(sockets.open([unknown], 1), { hostname: 'no-such-name.invalid' })
})

test('how addresses are called', () => {
  assert.equal(urlOf({ kind: 'tcp', host: '::1', port: 80 }), 'http://[::1]:80')
  assert.equal(urlOf({ kind: 'tcp', host: '127.0.0.1', port: 80 }), 'http://127.0.0.1:80')
  assert.equal(urlOf({ kind: 'unix', path: '/a' }), 'unix:/a')
})
