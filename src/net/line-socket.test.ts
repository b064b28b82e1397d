/**
 * Asking for one line over a unix socket: peers that are dead, slow or lying. The asked side meets its askers in
 * test/scenarios/explain-running.test.ts.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { folderWith } from '../../test/support/program.ts'
import { askLine, LineServer } from './line-socket.ts'

const LIMITS = { timeoutMs: 10_000, bytesMax: 100 }
const somewhere = () => join(folderWith(), 's')

/** A peer that does this with each connection. */
async function peer(t: TestContext, does: (socket: net.Socket) => void): Promise<string> {
  const path = somewhere()
  const server = net.createServer(socket => {
    socket.on('error', () => {})
    does(socket)
  })
  server.listen(path)
  await once(server, 'listening')
  t.after(() => server.close())
  return path
}

test('a line is asked, a line is answered; in pieces too', async t => {
  const path = somewhere()
  const server = await LineServer.listen(path, async question => `${question} ${question}`)
  assert.deepEqual(await askLine(path, 'a', LIMITS), { line: 'a a' })
  server?.close()
  assert.equal(existsSync(path), false)
  const pieces = await peer(t, socket => {
    socket.write(Buffer.from([0xc3]))
    setImmediate(() => socket.write(Buffer.from([0xbc, 0x0a])))
  })
  assert.deepEqual(await askLine(pieces, 'a', LIMITS), { line: 'ü' })
})

test('nobody: no file, or one that nobody answers', async () => {
  assert.equal(await askLine(somewhere(), 'a', LIMITS), 'nobody')
  assert.equal(await askLine(join(folderWith({ file: '' }), 'file'), 'a', LIMITS), 'nobody')
})

test('silent: too much, too little, nothing, or no more than the connection', async t => {
  const paths = await Promise.all([
    peer(t, socket => socket.write('x'.repeat(101))),
    peer(t, socket => socket.write(`${'x'.repeat(100)}\n`)),
    peer(t, socket => socket.end('half a line')),
    peer(t, socket => socket.end()),
    peer(t, socket => socket.destroy()),
  ])
  for (const path of paths) assert.equal(await askLine(path, 'a', LIMITS), 'silent')
  const never = await peer(t, () => {})
  assert.equal(await askLine(never, 'a', { ...LIMITS, timeoutMs: 20 }), 'silent')
})

test('the second at the same path gets none, and its end leaves the first alone', async () => {
  const path = somewhere()
  const first = await LineServer.listen(path, async () => 'first')
  assert.equal(await LineServer.listen(path, async () => 'second'), null)
  assert.deepEqual(await askLine(path, 'a', LIMITS), { line: 'first' })
  first?.close()
  const third = await LineServer.listen(path, async () => 'third')
  assert.deepEqual(await askLine(path, 'a', LIMITS), { line: 'third' })
  third?.close()
})

test('a question that is none, and an end while the answer is made', async () => {
  const path = somewhere()
  let asked = () => {}
  const waiting = new Promise<void>(resolve => {
    asked = resolve
  })
  const server = await LineServer.listen(path, question => {
    if (question === 'x') return Promise.resolve(null)
    asked()
    return new Promise(() => {})
  })
  assert.equal(await askLine(path, 'x', LIMITS), 'silent')
  const open = askLine(path, 'a', LIMITS)
  await waiting
  server?.close()
  assert.equal(await open, 'silent')
})
