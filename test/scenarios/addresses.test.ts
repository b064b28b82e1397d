/**
 * Where the proxy listens and where its servers are: ports, unix sockets, IPv6, servers with a path of their own.
 */
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import http from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { startOrigin } from '../support/origin.ts'
import { curl, testWith, testWithIpv6 } from '../support/peers.ts'
import { startProxy } from '../support/proxy.ts'
import { connect } from '../support/raw-client.ts'
import { request } from '../support/requests.ts'

function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-test-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

test('a server behind a unix socket', async t => {
  const path = join(temporaryFolder(t), 'shop.sock')
  const origin = await startOrigin(t, undefined, { at: { path } })
  const proxy = await startProxy(t, { to: `unix:${path}` })
  const client = await connect(t, proxy)
  for (let i = 0; i < 3; i++)
    assert.equal(
      (await client.ask(request('/', { method: 'POST', body: 'abc' }))).body.toString(),
      'POST / 3',
    )
  assert.equal(origin.wires.all.length, 1)
  assert.equal((await proxy.records.at(0)).upstream, `unix:${path}`)
})

test('a listener on a unix socket, which goes when it closes', async t => {
  const path = join(temporaryFolder(t), 'proxy.sock')
  const origin = await startOrigin(t)
  const proxy = await startProxy(t, { to: origin, listener: { address: { kind: 'unix', path } } })
  assert.equal(proxy.url, `unix:${path}`)
  const client = await connect(t, { path })
  assert.equal((await client.ask(request('/'))).status, 200)
  const { fields } = origin.requests.all[0]
  // A unix socket has no address to tell.
  assert.equal(fields.get('X-Forwarded-For'), null)
  assert.equal(fields.get('X-Forwarded-Host'), 'test.example')
  assert.equal((await proxy.records.at(0)).client.address, '')
  await proxy.close()
  assert.equal(existsSync(path), false)
})

test('the socket file of a process that died is taken over, a living one is not', async t => {
  const path = join(temporaryFolder(t), 'proxy.sock')
  const origin = await startOrigin(t)
  const address = { kind: 'unix', path } as const
  // A child that is killed leaves its socket file behind.
  const { spawn } = await import('node:child_process')
  const script = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.send('up'))`
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  await new Promise(resolve => child.once('message', resolve))
  child.kill('SIGKILL')
  await new Promise(resolve => child.once('exit', resolve))
  assert.equal(existsSync(path), true)
  await startProxy(t, { to: origin, listener: { address } })
  await assert.rejects(startProxy(t, { to: origin, listener: { address } }), { code: 'EADDRINUSE' })
  assert.equal((await (await connect(t, { path })).ask(request('/'))).status, 200)
})

testWith('curl', 'curl through a unix socket', async t => {
  const path = join(temporaryFolder(t), 'proxy.sock')
  const origin = await startOrigin(t)
  await startProxy(t, { to: origin, listener: { address: { kind: 'unix', path } } })
  const { stdout } = await curl(t, ['--unix-socket', path, 'http://shop.example/x'])
  assert.equal(stdout.toString(), 'GET /x 0')
})

testWithIpv6('IPv6 on both sides', async t => {
  const origin = await startOrigin(t, undefined, { at: { port: 0, host: '::1' } })
  const address = { kind: 'tcp', host: '::1', port: 0 } as const
  const proxy = await startProxy(t, {
    to: `http://[::1]:${origin.port}`,
    group: { host: 'upstream' },
    listener: { address, forwarded: 'forwarded' },
  })
  assert.match(proxy.url, /^http:\/\/\[::1\]:\d+$/)
  const client = await connect(t, { port: proxy.port, host: '::1' })
  assert.equal((await client.ask(request('/', { host: `[::1]:${proxy.port}` }))).status, 200)
  const [seen] = origin.requests.all
  assert.equal(seen.host, `[::1]:${origin.port}`)
  assert.equal(seen.fields.get('Forwarded'), `for="[::1]";host="[::1]:${proxy.port}";proto=http`)
  assert.equal((await proxy.records.at(0)).client.address, '::1')
})

testWithIpv6(
  'a listener on every interface takes IPv4 and IPv6, and knows IPv4 clients by their address',
  async t => {
    const origin = await startOrigin(t)
    const proxy = await startProxy(t, {
      to: origin,
      listener: { address: { kind: 'tcp', host: '::', port: 0 } },
    })
    for (const host of ['127.0.0.1', '::1']) {
      const client = await connect(t, { port: proxy.port, host })
      assert.equal((await client.ask(request('/'))).status, 200)
    }
    const addresses = origin.requests.all.map(({ fields }) => fields.get('X-Forwarded-For'))
    assert.deepEqual(addresses, ['127.0.0.1', '::1'])
  },
)

test('the path of a server stands in front of every target', async t => {
  const origin = await startOrigin(t)
  const proxy = await startProxy(t, { to: `http://${origin.address}/base/` })
  const client = await connect(t, proxy)
  for (const [target, asked] of [
    ['/', '/base/'],
    ['/a/b?c=d', '/base/a/b?c=d'],
    ['/?q', '/base/?q'],
    ['http://other.example', '/base/'],
    ['http://other.example?q', '/base/?q'],
  ]) {
    const told = await client.ask(request(target))
    assert.equal(told.body.toString(), `GET ${asked} 0`)
  }
})

test('OPTIONS * asks the server as a whole, also one with a path', async t => {
  const origin = await startOrigin(t)
  const proxy = await startProxy(t, { to: `http://${origin.address}/base` })
  const client = await connect(t, proxy)
  await client.ask(request('*', { method: 'OPTIONS' }))
  assert.deepEqual(origin.lines, ['OPTIONS * HTTP/1.1'])
})

test('the Host of the client is kept, or the name of the server is sent', async t => {
  const origin = await startOrigin(t)
  for (const [host, expected] of [
    ['client', 'Shop.Example:8080'],
    ['upstream', origin.address],
  ] as const) {
    const proxy = await startProxy(t, { to: origin, group: { host } })
    const client = await connect(t, proxy)
    await client.ask(request('/', { host: 'Shop.Example:8080' }))
    const seen = origin.requests.all[origin.requests.all.length - 1]
    assert.equal(seen.host, expected)
    assert.equal(seen.fields.get('X-Forwarded-Host'), 'Shop.Example:8080')
  }
})

test('a request of HTTP/1.0 without Host gets the name of the server', async t => {
  const origin = await startOrigin(t)
  const proxy = await startProxy(t, { to: origin })
  const client = await connect(t, proxy)
  assert.equal((await client.ask('GET / HTTP/1.0\r\n\r\n')).status, 200)
  assert.equal(origin.requests.all[0].host, origin.address)
})

test('Node asks through a unix socket on both sides', async t => {
  const folder = temporaryFolder(t)
  const [inside, outside] = [join(folder, 'in.sock'), join(folder, 'out.sock')]
  await startOrigin(t, undefined, { at: { path: inside } })
  await startProxy(t, { to: `unix:${inside}`, listener: { address: { kind: 'unix', path: outside } } })
  const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>()
  http.get({ socketPath: outside, path: '/x' }, resolve).on('error', reject)
  let text = ''
  for await (const piece of await promise) text += piece
  assert.equal(text, 'GET /x 0')
})
