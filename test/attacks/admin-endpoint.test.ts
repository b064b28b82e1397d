/**
 * The admin endpoint under attack by whoever reaches it: another user of this machine, or a page in a browser that runs
 * there. Nothing is purged that the endpoint did not mean to allow, nobody keeps others out for long, and no question
 * costs more than its answer. What a browser shows is in guard.test.ts, row by row.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { askAdmin } from '../../src/admin/admin-client.ts'
import { AdminServer } from '../../src/admin/admin-server.ts'
import type { CacheQuestion } from '../../src/cache/control.ts'
import { until, within } from '../support/wait.ts'

const LOOPBACK = { kind: 'tcp', host: '127.0.0.1', port: 0 } as const
const STATS = { path: '/cache/stats', body: null }
const CACHE = { space: 's', asked: 0, hits: 0, disk: null, stats: null, key: '', heads: [], more: false }

class Endpoint {
  readonly asked: CacheQuestion[] = []
  server!: AdminServer
  /** Answers wait for it. */
  open: Promise<void> = Promise.resolve()

  static async listen(t: TestContext): Promise<Endpoint> {
    const endpoint = new Endpoint()
    const ask = async (question: CacheQuestion) => {
      endpoint.asked.push(question)
      await endpoint.open
      return { workers: [{ pid: 1, caches: [{ ...CACHE, purged: 1 }] }], silent: 0 }
    }
    endpoint.server = await AdminServer.listen(LOOPBACK, ask, { requestTimeoutMs: 100, checkIntervalMs: 20 })
    t.after(() => endpoint.server.close())
    return endpoint
  }

  connect(): net.Socket {
    const { port } = this.server.bound as { port: number }
    return net.connect(port, '127.0.0.1').on('error', () => {})
  }

  /** Everything that comes until the endpoint closes. */
  async said(bytes: string): Promise<string> {
    const socket = this.connect()
    let text = ''
    socket.setEncoding('latin1').on('data', chunk => {
      text += chunk
    })
    socket.write(bytes)
    await within(new Promise(resolve => socket.once('close', resolve)), 'the end of the connection')
    return text
  }
}

const statuses = (text: string): string[] => [...text.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(match => match[1])
const head = (line: string, fields = '') => `${line} HTTP/1.1\r\nHost: localhost\r\n${fields}\r\n`
const purge = (body: string, path = '/cache/purge') =>
  head(`POST ${path}`, `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n`) + body

test('methods and paths that are not meant ask nothing, and say what would do', async t => {
  const endpoint = await Endpoint.listen(t)
  const cases: readonly [bytes: string, status: string, allow?: string][] = [
    [head('HEAD /cache/stats'), '405', 'GET, POST'],
    [head('TRACE /cache/stats'), '405', 'GET, POST'],
    [head('PURGE /cache/purge'), '405', 'GET, POST'],
    [head('GET /cache/purge'), '405', 'POST'],
    [head('GET /cache/purge?all=true'), '405', 'POST'],
    [purge('{"all":true}', '/cache/stats'), '405', 'GET'],
    [purge('{"all":true}', '/cache/purge/'), '405', 'GET'],
    [purge('{"all":true}', '/cache/%70urge'), '405', 'GET'],
    [head('GET /cache/entries/../../etc/passwd'), '404'],
    [head('GET /cache/entry%2f..'), '404'],
    [head('GET //['), '400'],
    [head('GET http://[/cache/stats'), '400'],
    [purge('['.repeat(100_000)), '400'],
    [purge('{"all":true,"__proto__":{"soft":true}}'), '400'],
    [purge('{"__proto__":{"all":true}}'), '400'],
  ]
  for (const [bytes, status, allow] of cases) {
    const said = await endpoint.said(bytes)
    const what = bytes.slice(0, 60)
    assert.deepEqual(statuses(said), [status], what)
    assert.equal(/^Allow: (.*)\r$/m.exec(said)?.[1], allow, what)
    if (!bytes.startsWith('HEAD')) assert.match(said, /\{"error":".+"\}\n$/, what)
  }
  assert.deepEqual(endpoint.asked, [])
})

test('a thousand questions on one connection are one', async t => {
  const endpoint = await Endpoint.listen(t)
  const said = await endpoint.said(head('GET /cache/entries?count=10000').repeat(1000))
  assert.equal(statuses(said)[0], '200')
  assert.equal(endpoint.asked.length, 1)
})

test('heads and bodies that never end are given up', async t => {
  const endpoint = await Endpoint.listen(t)
  for (const bytes of [
    'GET /cache/stats HTTP/1.1\r\nHost: loc',
    `${head('POST /cache/purge', 'Content-Type: application/json\r\nContent-Length: 20\r\n')}{"all":`,
    head('POST /cache/purge', 'Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n') +
      '5\r\n{"al',
  ])
    assert.deepEqual(statuses(await endpoint.said(bytes)), ['408'], bytes)
  const endless = `${'10000\r\n'}${' '.repeat(65_536)}\r\n`.repeat(4)
  const chunked = head(
    'POST /cache/purge',
    'Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n',
  )
  assert.deepEqual(statuses(await endpoint.said(chunked + endless)), ['413'])
  assert.deepEqual(endpoint.asked, [])
})

test('connections without number keep others out only until they are given up', async t => {
  const endpoint = await Endpoint.listen(t)
  const sockets = [...Array(200).keys()].map(() => endpoint.connect())
  let closed = 0
  for (const socket of sockets) {
    socket.on('close', () => closed++).resume()
    socket.write('GET / HTTP/1.1\r\n')
  }
  await until(() => closed === sockets.length, 'all of them to be closed')
  await askAdmin(endpoint.server.bound, STATS)
})

test('who leaves before the answer leaves nothing behind', async t => {
  const endpoint = await Endpoint.listen(t)
  let go = (): void => {}
  endpoint.open = new Promise(resolve => {
    go = resolve
  })
  for (let count = 1; count <= 100; count++) {
    const socket = endpoint.connect()
    socket.write(head('GET /cache/stats'))
    await until(() => endpoint.asked.length === count, 'the question')
    socket.destroy()
    await once(socket, 'close')
  }
  go()
  await askAdmin(endpoint.server.bound, STATS)
})

test('the file of a unix socket is never open to others, whatever the program allows new files', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-admin-mode-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'admin.sock')
  const before = process.umask(0)
  t.after(() => process.umask(before))
  const listening = AdminServer.listen({ kind: 'unix', path }, async () => ({ workers: [], silent: 0 }))
  // Bound already, and not heard of yet.
  await until(() => statSync(path, { throwIfNoEntry: false }) !== undefined, 'the socket')
  assert.equal(statSync(path).mode & 0o777, 0o600)
  ;(await listening).close()
  assert.equal(process.umask(), 0)
})
