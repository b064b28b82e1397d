/**
 * Pages of other origins: what a browser is told, and what a real one makes of it.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import http from 'node:http'
import type net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { stack } from '../../src/exchange/handler.ts'
import { basicAuthLayer } from '../../src/layers/basic-auth.ts'
import { corsLayer } from '../../src/layers/cors.ts'
import { answer, startOrigin } from '../support/origin.ts'
import { testWith } from '../support/peers.ts'
import { startProxy } from '../support/proxy.ts'
import { connect } from '../support/raw-client.ts'
import { request } from '../support/requests.ts'
import { basic } from '../support/scrypt.ts'
import { within } from '../support/wait.ts'

const APP = 'https://app.example.com'
const FROM_APP = `Origin: ${APP}\r\n`

test('a page may read what went wrong: 502 and 401 of the proxy carry the fields', async t => {
  const origin = await startOrigin(t)
  const dead = origin.address
  await origin.close()
  const cors = corsLayer({ origins: [APP], credentials: true })
  const auth = basicAuthLayer({ realm: 'x', users: new Map([['alice', 'sesame']]) })
  const proxy = await startProxy(t, { to: dead, layers: [cors, auth] })
  const client = await connect(t, proxy)
  for (const [fields, status] of [
    [FROM_APP, 401],
    [`${FROM_APP}${basic('alice', 'sesame')}`, 502],
  ] as const) {
    const told = await client.ask(request('/', { fields }))
    assert.equal(told.status, status)
    assert.equal(told.fields.get('Access-Control-Allow-Origin'), APP)
    assert.equal(told.fields.get('Access-Control-Allow-Credentials'), 'true')
    assert.equal(told.fields.get('Vary'), 'Origin')
    assert.equal(told.fields.get('WWW-Authenticate') !== null, status === 401)
  }
})

test('a preflight needs no password and does not reach the server; its body is thrown away', async t => {
  const origin = await startOrigin(t)
  const cors = corsLayer({ origins: [APP], methods: ['PUT'] })
  const auth = basicAuthLayer({ realm: 'x', users: new Map([['alice', 'sesame']]) })
  const proxy = await startProxy(t, { to: origin, layers: [cors, auth] })
  const client = await connect(t, proxy)
  const fields = `${FROM_APP}Access-Control-Request-Method: PUT\r\n`
  const told = await client.ask(request('/', { method: 'OPTIONS', fields, body: 'five!' }))
  assert.equal(told.status, 204)
  assert.equal(told.fields.get('Access-Control-Allow-Methods'), 'PUT')
  assert.equal(told.fields.get('Content-Length'), null)
  assert.equal((await client.ask(request('/', { method: 'OPTIONS', fields }))).status, 204)
  const refused = fields.replace(APP, `${APP}.evil.example`)
  const denied = await client.ask(request('/', { method: 'OPTIONS', fields: refused }))
  assert.equal(denied.status, 403)
  assert.equal(denied.fields.get('Access-Control-Allow-Origin'), null)
  assert.equal(proxy.records.all[2].detail, `The origin is ${APP}.evil.example.`)
  assert.equal(origin.received, '')
})

/** Runs in the browser: what a page gets to see of answers from another origin. */
const SCRIPT = `
const see = async (path, options, proxy = PROXY) => {
  try {
    const answer = await fetch(proxy + path, options)
    return [answer.status, answer.headers.get('x-total'), (await answer.text()).split('\\n')[0]]
  } catch (error) {
    return error.name
  }
}
const all = async () => ({
  simple: await see('/open'),
  withPreflight: await see('/open', { method: 'PUT', headers: { 'x-token': '1' }, credentials: 'include', body: 'x' }),
  anotherMethod: await see('/open', { method: 'DELETE' }),
  anotherField: await see('/open', { headers: { 'x-other': '1' } }),
  dead: (await see('/', {}, DEAD)).slice(0, 1),
  noPassword: (await see('/auth')).slice(0, 1),
  password: await see('/auth', { headers: { authorization: 'Basic ' + btoa('alice:sesame') } }),
  notForUs: await see('/closed'),
  serverSaysMore: await see('/every'),
})
all().then(seen => fetch('/seen', { method: 'POST', body: JSON.stringify(seen) }))
`

testWith('chromium', 'a browser lets a page see exactly what the layer allows', async t => {
  const page = await startPage(t)
  const server = await startOrigin(t, async (request, wire) => {
    await request.content()
    const fields = 'X-Total: 7\r\nAccess-Control-Allow-Origin: https://server.example\r\n'
    wire.send(answer(`${request.method} ${request.fields.get('x-token')}`, '200 OK', fields))
  })
  const dead = await startOrigin(t)
  const methods = ['GET', 'PUT']
  const headers = ['x-token', 'authorization']
  const cors = corsLayer({ origins: [page.origin], methods, headers, expose: ['x-total'], credentials: true })
  const auth = basicAuthLayer({ realm: 'x', users: new Map([['alice', 'sesame']]) })
  const gone = await startProxy(t, { to: dead, layers: [cors] })
  await dead.close()
  const proxy = await startProxy(t, {
    to: server,
    routes: upstream => [
      { paths: ['/open'], handler: cors(upstream) },
      { paths: ['/auth'], handler: stack([cors, auth], upstream) },
      { paths: ['/closed'], handler: corsLayer({ origins: [APP] })(upstream) },
      { paths: ['/every'], handler: corsLayer({ origins: ['*'] })(upstream) },
    ],
  })
  const urls = `const PROXY = '${proxy.url}', DEAD = '${gone.url}'`
  assert.deepEqual(await page.open(`${urls}\n${SCRIPT}`), {
    simple: [200, '7', 'GET null'],
    withPreflight: [200, '7', 'PUT 1'],
    anotherMethod: 'TypeError',
    anotherField: 'TypeError',
    dead: [502],
    noPassword: [401],
    password: [200, '7', 'GET null'],
    notForUs: 'TypeError',
    serverSaysMore: [200, null, 'GET null'],
  })
})

interface Page {
  /** Where the page comes from. */
  readonly origin: string
  /** Opens a page with this script in a browser; resolves with what the script posts to /seen. */
  open(script: string): Promise<unknown>
}

async function startPage(t: TestContext): Promise<Page> {
  let script = ''
  const { promise, resolve } = Promise.withResolvers<unknown>()
  const server = http.createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    if (request.url === '/seen') resolve(JSON.parse(body))
    response.setHeader('Content-Type', 'text/html')
    response.end(request.url === '/' ? `<!doctype html><script>${script}</script>` : '')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const origin = `http://127.0.0.1:${(server.address() as net.AddressInfo).port}`
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    origin,
    open(text) {
      script = text
      startBrowser(t, origin)
      return within(promise, 'the page to tell what it saw', 60_000)
    },
  }
}

function startBrowser(t: TestContext, url: string): void {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-browser-'))
  const flags = ['--headless=new', '--no-sandbox', '--disable-gpu', '--no-first-run', '--no-proxy-server']
  const quiet = ['--disable-background-networking', '--disable-component-update', '--disable-dev-shm-usage']
  const args = [...flags, ...quiet, `--user-data-dir=${folder}`, '--remote-debugging-port=0', url]
  // A group of its own: the browser is many processes, and all of them have to end with the test.
  const browser = spawn('chromium', args, { stdio: 'ignore', detached: true })
  t.after(async () => {
    if (browser.pid !== undefined && browser.exitCode === null) {
      process.kill(-browser.pid, 'SIGKILL')
      await once(browser, 'close')
    }
    rmSync(folder, { recursive: true, force: true, maxRetries: 10 })
  })
}
