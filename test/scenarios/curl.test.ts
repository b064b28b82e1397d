/**
 * curl, as everybody has it, in front of the proxy.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { checksum, MEGABYTE, wholeBody } from '../support/bodies.ts'
import { answer, type Script, startOrigin } from '../support/origin.ts'
import { curl, testWith } from '../support/peers.ts'
import { startProxy } from '../support/proxy.ts'

/** Answers with the checksum of what it got and how it was framed. */
const sum: Script = async (request, wire) => {
  const { body } = await request.content()
  wire.send(answer(`${request.method} ${request.end.kind} ${body.length} ${checksum(body)}`))
}

function temporaryFile(t: TestContext, content: Buffer): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-test-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'body')
  writeFileSync(path, content)
  return path
}

testWith('curl', 'curl gets a page', async t => {
  const origin = await startOrigin(t, (_, wire) =>
    wire.send(answer('<p>hello', '200 OK', 'Content-Type: text/html\r\n')),
  )
  const proxy = await startProxy(t, { to: origin })
  const { code, stdout } = await curl(t, ['-i', `${proxy.url}/page?x=1`])
  assert.equal(code, 0)
  const text = stdout.toString()
  assert.match(text, /^HTTP\/1\.1 200 OK\r\n/)
  assert.match(text, /\r\nContent-Type: text\/html\r\n/)
  assert.match(text, /\r\nVia: 1\.1 sluice\r\n/)
  assert.match(text, /\r\nDate: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r\n/)
  assert.match(text, /<p>hello$/)
  const [seen] = origin.requests.all
  assert.equal(seen.startLine, 'GET /page?x=1 HTTP/1.1')
  assert.equal(seen.host, proxy.authority)
})

testWith('curl', 'curl posts a form', async t => {
  const origin = await startOrigin(t, sum)
  const proxy = await startProxy(t, { to: origin })
  const { stdout } = await curl(t, ['-d', 'name=value&other=\u00e4', proxy.url])
  const form = Buffer.from('name=value&other=\u00e4')
  assert.equal(stdout.toString(), `POST length ${form.length} ${checksum(form)}`)
  assert.equal(origin.requests.all[0].fields.get('Content-Type'), 'application/x-www-form-urlencoded')
})

testWith('curl', 'curl uploads a file, with a length and in chunks', async t => {
  const origin = await startOrigin(t, sum)
  const proxy = await startProxy(t, { to: origin })
  const body = wholeBody(3 * MEGABYTE + 17, 1)
  const path = temporaryFile(t, body)
  const sized = await curl(t, ['-T', path, proxy.url])
  assert.equal(sized.stdout.toString(), `PUT length ${body.length} ${checksum(body)}`)
  const chunked = await curl(t, ['-T', '-', proxy.url], body)
  assert.equal(chunked.stdout.toString(), `PUT chunked ${body.length} ${checksum(body)}`)
})

testWith('curl', 'curl waits for 100 Continue before a big body, and the origin decides', async t => {
  const origin = await startOrigin(t, async (request, wire) => {
    assert.equal(request.fields.get('Expect'), '100-continue')
    wire.send('HTTP/1.1 100 Continue\r\n\r\n')
    await sum(request, wire)
  })
  const proxy = await startProxy(t, { to: origin })
  const body = wholeBody(5 * MEGABYTE, 2)
  // The wait for 100 is longer than the limit of the whole command: without the 100 it cannot succeed.
  const args = ['--expect100-timeout', '60', '-m', '20', '--data-binary', `@${temporaryFile(t, body)}`, '-v']
  const { stdout, stderr } = await curl(t, [...args, '-H', 'Expect: 100-continue', proxy.url])
  assert.equal(stdout.toString(), `POST length ${body.length} ${checksum(body)}`)
  assert.match(stderr, /< HTTP\/1\.1 100 Continue/)
})

testWith('curl', 'curl keeps its body when the final answer comes instead of 100', async t => {
  const origin = await startOrigin(t, (_, wire) => wire.send(answer('too big', '413 Content Too Large')))
  const proxy = await startProxy(t, { to: origin })
  const body = temporaryFile(t, wholeBody(5 * MEGABYTE, 2))
  const args = [
    '--expect100-timeout',
    '60',
    '-m',
    '20',
    '--data-binary',
    `@${body}`,
    '-w',
    ' %{http_code} %{size_upload}',
  ]
  const { code, stdout } = await curl(t, [...args, '-H', 'Expect: 100-continue', proxy.url])
  assert.equal(code, 0)
  assert.equal(stdout.toString(), 'too big 413 0')
  assert.ok(!origin.received.includes('\r\n\r\n\0'), 'no byte of the body')
  assert.equal(proxy.records.all[0].requestBytes, 0)
})

testWith('curl', 'curl asks for the head only', async t => {
  const origin = await startOrigin(t, (_, wire) =>
    wire.send('HTTP/1.1 200 OK\r\nContent-Length: 4321\r\n\r\n'),
  )
  const proxy = await startProxy(t, { to: origin })
  const { code, stdout } = await curl(t, ['-I', proxy.url])
  assert.equal(code, 0)
  assert.match(stdout.toString(), /\r\nContent-Length: 4321\r\n/)
  // The connection to the origin is kept: nobody waited for a body.
  assert.equal(proxy.counters.idle, 1)
})

testWith('curl', 'curl speaks HTTP/1.0', async t => {
  const origin = await startOrigin(t, (_, wire) =>
    wire.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n'),
  )
  const proxy = await startProxy(t, { to: origin })
  const { code, stdout } = await curl(t, ['--http1.0', '-i', proxy.url])
  assert.equal(code, 0)
  const [head, body] = stdout.toString().split('\r\n\r\n')
  assert.equal(body, 'hello world')
  assert.doesNotMatch(head, /Transfer-Encoding/i)
  assert.match(head, /\r\nConnection: close/)
  assert.equal(origin.requests.all[0].startLine, 'GET / HTTP/1.1')
  assert.equal(origin.requests.all[0].fields.get('Via'), '1.0 sluice')
})

testWith('curl', 'curl uses one connection for several requests', async t => {
  const origin = await startOrigin(t)
  const proxy = await startProxy(t, { to: origin })
  const urls = ['/one', '/two', '/three'].map(path => `${proxy.url}${path}`)
  const { stderr, stdout } = await curl(t, ['-v', ...urls])
  assert.equal(stdout.toString(), 'GET /one 0GET /two 0GET /three 0')
  assert.equal(stderr.match(/Re-using existing connection/g)?.length, 2)
  assert.equal(new Set(proxy.records.all.map(record => record.client.port)).size, 1)
  assert.equal(origin.wires.all.length, 1)
})

testWith('curl', 'curl keeps a connection of HTTP/1.0 alive when it asks for that', async t => {
  const origin = await startOrigin(t)
  const proxy = await startProxy(t, { to: origin })
  const urls = ['/one', '/two'].map(path => `${proxy.url}${path}`)
  const { stderr } = await curl(t, ['-v', '--http1.0', '-H', 'Connection: keep-alive', ...urls])
  assert.equal(stderr.match(/Re-using existing connection/g)?.length, 1)
  assert.match(stderr, /< Connection: keep-alive/i)
})

testWith(
  'curl',
  'curl follows through a proxy that it takes for a forward proxy (absolute-form)',
  async t => {
    const origin = await startOrigin(t)
    const proxy = await startProxy(t, { to: origin })
    const { stdout } = await curl(t, ['--noproxy', '', '-x', proxy.url, 'http://shop.example/path?q'])
    assert.equal(stdout.toString(), 'GET /path?q 0')
    assert.equal(origin.requests.all[0].host, 'shop.example')
  },
)

testWith('curl', 'a hundred parallel transfers of curl', async t => {
  const origin = await startOrigin(t, sum)
  const proxy = await startProxy(t, { to: origin })
  const path = temporaryFile(t, wholeBody(200_000, 3))
  const transfers = Array.from({ length: 100 }, (_, i) => ['-T', path, `${proxy.url}/${i}`]).flat()
  const { code, stdout } = await curl(t, ['--parallel', '--parallel-max', '50', ...transfers])
  assert.equal(code, 0)
  const expected = `PUT length 200000 ${checksum(wholeBody(200_000, 3))}`
  assert.equal(stdout.toString().split(expected).length, 101)
})
