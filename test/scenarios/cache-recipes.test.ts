/**
 * The recipes of docs/caching.md do what they say. Each is served as it stands in examples/, only that its addresses are
 * those of this test.
 */
import assert from 'node:assert/strict'
import http from 'node:http'
import type net from 'node:net'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { readConfig } from '../../src/config/read-config.ts'
import { folderWith, get, start } from '../support/program.ts'
import { within } from '../support/wait.ts'

const EXAMPLES = fileURLToPath(new URL('../../examples', import.meta.url))

/** Serves an example in front of a server; gives its URL. */
async function serve(t: TestContext, example: string, server: string): Promise<string> {
  const { config, faults } = await readConfig(`${example}.config.ts`, EXAMPLES)
  assert.deepEqual(faults, [])
  const upstreams = Object.fromEntries(Object.keys(config?.upstreams ?? {}).map(name => [name, server]))
  const listeners = config?.listeners.map(listener => ({ ...listener, listen: '127.0.0.1:0' }))
  const { admin: _, ...rest } = config!
  const text = JSON.stringify({ ...rest, upstreams, listeners })
  const sluice = start(t, ['run', '--log', 'off'], { cwd: folderWith({ 'sluice.config.json': text }) })
  return await sluice.url()
}

class Server {
  readonly asked: string[] = []
  readonly #server: http.Server
  /** What it answers now. */
  answer: http.RequestListener

  constructor(t: TestContext, answer: http.RequestListener) {
    this.answer = answer
    this.#server = http.createServer((request, response) => {
      this.asked.push(request.url ?? '')
      this.answer(request, response)
    })
    t.after(() => this.stop())
  }

  async start(): Promise<string> {
    await new Promise<void>(resolve => this.#server.listen(0, '127.0.0.1', resolve))
    return `127.0.0.1:${(this.#server.address() as net.AddressInfo).port}`
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise(resolve => this.#server.close(resolve))
  }
}

test('cache-site: parameters that count visitors make no new pages, files have none at all', async t => {
  const server = new Server(t, (request, response) => {
    response.setHeader('Cache-Control', 'max-age=60')
    response.end(`page ${request.url}`)
  })
  const url = await serve(t, 'cache-site', await server.start())
  const texts: string[] = []
  for (const path of [
    '/news?id=1&utm_source=mail',
    '/news?utm_campaign=x&id=1',
    '/news?id=1',
    '/news?id=2',
    '/static/a.css?v=1',
    '/static/a.css?v=2',
  ])
    texts.push((await get(url + path)).text)
  assert.deepEqual(server.asked, ['/news?id=1&utm_source=mail', '/news?id=2', '/static/a.css?v=1'])
  assert.equal(new Set(texts).size, 3)
})

test('cache-site: a page that is stale is answered at once, and made again behind', async t => {
  let made = 0
  const again = Promise.withResolvers<void>()
  const server = new Server(t, (_, response) => {
    made++
    // Stale when it comes.
    response.setHeader('Cache-Control', 'max-age=60')
    response.setHeader('Age', '70')
    response.end(`page ${made}`)
    if (made === 2) again.resolve()
  })
  const url = await serve(t, 'cache-site', await server.start())
  assert.equal((await get(`${url}/news`)).text, 'page 1')
  assert.equal((await get(`${url}/news`)).text, 'page 1')
  await within(again.promise, 'the page to be made again')
})

test('cache-outage: what was said last is said again while servers fail or are gone; cookies are not kept', async t => {
  const server = new Server(t, (request, response) => {
    if (request.url === '/session') response.setHeader('Set-Cookie', 'session=1')
    response.setHeader('Cache-Control', 'max-age=0')
    response.setHeader('ETag', '"1"')
    response.end('good')
  })
  const url = await serve(t, 'cache-outage', await server.start())
  for (const path of ['/a', '/session']) assert.equal((await get(url + path)).text, 'good')
  server.answer = (_, response) => {
    response.statusCode = 503
    response.end('bad')
  }
  const failing = await get(`${url}/a`)
  assert.deepEqual([failing.status, failing.text], [200, 'good'])
  assert.equal((await get(`${url}/session`)).status, 503, 'one with a cookie is not kept')
  await server.stop()
  const down = await get(`${url}/a`)
  assert.deepEqual([down.status, down.text], [200, 'good'])
  assert.equal((await get(`${url}/b`)).status, 502)
})

test('cache-members: who has no password gets nothing out of the store, and each has his language', async t => {
  const server = new Server(t, (request, response) => {
    response.setHeader('Cache-Control', 'max-age=60')
    response.end(request.headers.cookie?.includes('language=de') ? 'Guten Tag' : 'Good day')
  })
  const url = await serve(t, 'cache-members', await server.start())
  const alice = { authorization: `Basic ${Buffer.from('alice:only an example').toString('base64')}` }
  const german = { ...alice, cookie: 'visit=1; language=de' }
  assert.equal((await get(url, alice)).text, 'Good day')
  assert.equal((await get(url, german)).text, 'Guten Tag')
  const hit = await get(url, { ...alice, cookie: 'visit=2; language=de' })
  assert.equal(hit.text, 'Guten Tag')
  assert.match(String(hit.headers['cache-status']), /^sluice; hit/)
  assert.equal(server.asked.length, 2)
  const strangers: Record<string, string>[] = [{}, { authorization: 'Basic x' }]
  for (const headers of strangers) {
    const stranger = await get(url, headers)
    assert.equal(stranger.status, 401)
    assert.doesNotMatch(stranger.text, /day|Tag/)
  }
})
