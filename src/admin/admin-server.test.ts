/** The admin endpoint over real sockets, with workers that are played. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext, test } from 'node:test'
import type { CacheQuestion } from '../cache/control.ts'
import type { ListenAddress } from '../server/options.ts'
import { askAdmin } from './admin-client.ts'
import { AdminServer, purgeQuestion } from './admin-server.ts'
import type { Heard } from './ask-workers.ts'

const LOOPBACK: ListenAddress = { kind: 'tcp', host: '127.0.0.1', port: 0 }
const folder = mkdtempSync(join(tmpdir(), 'sluice-admin-'))
after(() => rmSync(folder, { recursive: true }))

const CACHE = {
  space: 's',
  asked: 0,
  hits: 0,
  disk: null,
  stats: null,
  key: '',
  heads: [],
  more: false,
  purged: 3,
}
const TWO: Heard = {
  workers: [
    { pid: 1, caches: [CACHE] },
    { pid: 2, caches: [CACHE] },
  ],
  silent: 1,
}

interface Endpoint {
  readonly address: ListenAddress
  readonly asked: CacheQuestion[]
}

async function endpoint(t: TestContext, heard: Heard = TWO, address = LOOPBACK): Promise<Endpoint> {
  const asked: CacheQuestion[] = []
  const server = await AdminServer.listen(address, async question => {
    asked.push(question)
    return heard
  })
  t.after(() => server.close())
  return { address: server.bound, asked }
}

const get = (path: string) => ({ path, body: null })
const purge = (body: object) => ({ path: '/cache/purge', body })
const urlA = { host: 'a', port: '80', target: '/' }

test('what is asked for becomes a question', async t => {
  const { address, asked } = await endpoint(t)
  const cases: readonly [question: { path: string; body: object | null }, expected: CacheQuestion][] = [
    [get('/cache/stats'), { ask: 'stats' }],
    [get('/cache/entries'), { ask: 'list', prefix: null, countMax: 1000 }],
    [get('/cache/entries?prefix=a&count=7'), { ask: 'list', prefix: urlA, countMax: 7 }],
    [get('/cache/entry?url=http%3A%2F%2Fa'), { ask: 'show', url: urlA }],
    [purge({ url: 'a' }), { ask: 'purge', what: { kind: 'url', url: urlA }, soft: false }],
    [purge({ prefix: 'a', soft: true }), { ask: 'purge', what: { kind: 'prefix', url: urlA }, soft: true }],
    [purge({ tag: 't' }), { ask: 'purge', what: { kind: 'tag', tag: 't' }, soft: false }],
    [purge({ all: true }), { ask: 'purge', what: { kind: 'all' }, soft: false }],
  ]
  for (const [question, expected] of cases) {
    await askAdmin(address, question)
    assert.deepEqual(asked.at(-1), expected)
  }
  assert.deepEqual(await askAdmin(address, purge({ all: true })), { purged: 6, workers: 2, silent: 1 })
})

test('a URL of 64 KB is no other than a short one', async t => {
  const { address, asked } = await endpoint(t)
  const url = `http://a/${'%7F'.repeat(21_840)}`
  await askAdmin(address, get(`/cache/entry?${new URLSearchParams({ url })}`))
  await askAdmin(address, purge({ url }))
  assert.equal(asked.length, 2)
})

test('what cannot be answered says what to do', async t => {
  const { address, asked } = await endpoint(t)
  const cases: readonly [question: { path: string; body: object | null }, fault: RegExp][] = [
    [get('/nothing'), /^there is no \/nothing: see GET \/$/],
    [get('/__proto__'), /^there is no/],
    [get('/constructor'), /^there is no/],
    [get('/cache/entry'), /^url is missing/],
    [get('/cache/entry?url=/x'), /names no host/],
    [get('/cache/entries?count=0'), /^count is a number from 1 to/],
    [{ path: '/cache/stats', body: {} }, /^only \/cache\/purge takes POST$/],
    [purge({}), /^say what to purge/],
    [purge({ soft: true }), /^say what to purge/],
    [purge({ url: 'a', tag: 't' }), /^say what to purge/],
    [purge({ all: false }), /^all is true/],
    [purge({ all: true, soft: 'yes' }), /^soft is true or false$/],
    [purge({ tag: '' }), /^tag is a text$/],
    [purge({ url: 7 }), /^url is a text$/],
    [purge({ urls: ['a'] }), /^"urls" is not known here/],
    [purge([{ all: true }]), /^say what to purge/],
    [purge({ tag: 'x'.repeat(131_072) }), /^a question has at most 131072 bytes$/],
  ]
  for (const [question, message] of cases)
    await assert.rejects(askAdmin(address, question), { message }, JSON.stringify(question).slice(0, 80))
  assert.deepEqual(asked, [])
  for (const text of ['', 'null', '7', '"x"', '{', '[]'])
    assert.throws(() => purgeQuestion(text), { name: 'RangeError' }, text)
})

test('nobody behind it, and nothing that could be asked', async t => {
  const silent = await endpoint(t, { workers: [], silent: 2 })
  await assert.rejects(askAdmin(silent.address, get('/cache/stats')), /no worker answers/)
  const bare = await endpoint(t, { workers: [{ pid: 1, caches: [] }], silent: 0 })
  await assert.rejects(
    askAdmin(bare.address, get('/cache/stats')),
    /no route has a cache: write layers: \[cache\(\)\]/,
  )
})

test('nobody there, somebody else there', async t => {
  const { address } = await endpoint(t)
  const gone = { kind: 'tcp', host: '127.0.0.1', port: 1 } as const
  await assert.rejects(
    askAdmin(gone, get('/')),
    /^Error: nobody answers at 127\.0\.0\.1:1: start sluice with --admin 127\.0\.0\.1:1, or write admin: '127\.0\.0\.1:1'/,
  )
  await assert.rejects(
    askAdmin({ kind: 'unix', path: join(folder, 'gone') }, get('/')),
    /nobody answers at unix:/,
  )
  const other = http.createServer((_, response) => response.end('<html>'))
  other.listen(0, '127.0.0.1')
  await once(other, 'listening')
  t.after(() => other.close())
  const { port } = other.address() as net.AddressInfo
  await assert.rejects(
    askAdmin({ ...gone, port }, get('/')),
    /is no admin endpoint of sluice \(status 200\)$/,
  )
  await assert.rejects(
    AdminServer.listen(address, async () => TWO),
    { code: 'EADDRINUSE' },
  )
})

test('a unix socket is for its user alone, and one that is left over is no hindrance', async t => {
  const path = join(folder, 'admin.sock')
  const leftOver = net.createServer().listen(path)
  await once(leftOver, 'listening')
  const { address } = await endpoint(t, TWO, { kind: 'unix', path: join(folder, 'other.sock') })
  assert.equal(statSync(join(folder, 'other.sock')).mode & 0o777, 0o600)
  assert.deepEqual(await askAdmin(address, purge({ all: true })), { purged: 6, workers: 2, silent: 1 })
  await assert.rejects(
    AdminServer.listen({ kind: 'unix', path }, async () => TWO),
    { code: 'EADDRINUSE' },
  )
  leftOver.close()
  await once(leftOver, 'close')
  const file = join(folder, 'file')
  writeFileSync(file, '')
  await assert.rejects(AdminServer.listen({ kind: 'unix', path: file }, async () => TWO))
  assert.ok(existsSync(file), 'what is no socket stays')
})

/** Writes bytes, and gives the status line of each answer. */
async function raw({ port }: { port: number }, bytes: string): Promise<string[]> {
  const socket = net.connect(port, '127.0.0.1')
  let text = ''
  socket.on('data', chunk => {
    text += chunk
  })
  socket.on('error', () => {})
  socket.write(bytes)
  // Not `once`: a connection that is reset is an answer too.
  await new Promise<void>(resolve => socket.on('close', () => resolve()))
  return [...text.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(match => match[1])
}

test('attacks: what a page can make a browser send, and what is not HTTP', async t => {
  const { address, asked } = await endpoint(t)
  const tcp = address as { port: number }
  const body = '{"all":true}'
  const post = (fields: string) =>
    `POST /cache/purge HTTP/1.1\r\n${fields}Connection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  const json = 'Content-Type: application/json\r\n'
  const cases: readonly [bytes: string, status: string][] = [
    [post(`Host: evil.example\r\n${json}`), '403'],
    [post(`Host: localhost\r\nOrigin: null\r\n${json}`), '403'],
    [post('Host: localhost\r\nContent-Type: text/plain\r\n'), '415'],
    [post(`Host: localhost\r\nHost: evil.example\r\n${json}`), '400'],
    ['CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n', ''],
    ['\x16\x03\x01\x02\x00\x01', '400'],
    [`GET /${'x'.repeat(300_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`, '431'],
  ]
  for (const [bytes, status] of cases) {
    const [first = '', ...more] = await raw(tcp, bytes)
    // Node takes one of two Hosts or refuses both: neither may purge.
    if (status === '400') assert.match(first, /^40[03]$/, bytes.slice(0, 60))
    else assert.equal(first, status, bytes.slice(0, 60))
    assert.deepEqual(more, [])
  }
  assert.deepEqual(asked, [], 'nothing of it was asked')
})
