/**
 * The quickstart as a newcomer meets it: start it, open the page, type the three lines, end it.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import http from 'node:http'
import net from 'node:net'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'

const START = fileURLToPath(new URL('../examples/quickstart/start.ts', import.meta.url))

interface Running {
  readonly process: ChildProcess
  output: string
  errors: string
}

function start(...args: readonly string[]): Running {
  const child = spawn(process.execPath, [START, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  const running: Running = { process: child, output: '', errors: '' }
  child.stdout.on('data', chunk => {
    running.output += chunk
  })
  child.stderr.on('data', chunk => {
    running.errors += chunk
  })
  return running
}

async function exitCodeOf({ process }: Running): Promise<number | null> {
  if (process.exitCode === null && process.signalCode === null) await once(process, 'exit')
  return process.exitCode
}

async function ready(running: Running): Promise<void> {
  while (!running.output.includes('Ctrl-C')) {
    assert.equal(running.process.exitCode, null, running.errors)
    await Promise.race([once(running.process.stdout!, 'data'), once(running.process, 'exit')])
  }
}

/** GET with a Host of one's own, which fetch does not let one set. */
async function get(url: string, host: string): Promise<string> {
  const [response] = (await once(http.get(url, { headers: host === '' ? {} : { host } }), 'response')) as [
    http.IncomingMessage,
  ]
  assert.equal(response.statusCode, 200, url)
  return (await response.setEncoding('utf8').toArray()).join('')
}

describe('the quickstart', () => {
  let quickstart: Running
  let url = ''

  before(async () => {
    quickstart = start('--listen', '127.0.0.1:0')
    await ready(quickstart)
    url = /^ +(http:\/\/127\.0\.0\.1:\d+)\/$/m.exec(quickstart.output)?.[1] ?? ''
  })

  after(() => quickstart.process.kill('SIGKILL'))

  it('prints what to open and three lines to type', () => {
    assert.notEqual(url, '', quickstart.output)
    assert.equal(curlLines(quickstart.output).length, 3, quickstart.output)
  })

  it('answers each of the three lines', async () => {
    const answers: string[][] = []
    // One after the other: their order decides whose turn it is.
    for (const line of curlLines(quickstart.output)) {
      const host = /-H 'Host: ([^']+)'/.exec(line)?.[1] ?? ''
      const urls = line.match(/http:\S+/g) ?? []
      const texts: string[] = []
      for (const each of urls) texts.push(await get(each, host))
      answers.push(texts)
    }
    const [turns, lines, headers] = answers
    assert.deepEqual(turns.map(text => JSON.parse(text).origin).sort(), ['shop-1', 'shop-2'])
    assert.match(lines[0], /^shop-\d: line 1 of 10\n(.*\n){8}shop-\d: line 10 of 10\n$/)
    const echo = JSON.parse(headers[0])
    assert.equal(echo.origin, 'api')
    assert.equal(echo.headers['x-forwarded-host'], 'api.localhost')
    assert.equal(echo.headers['x-demo'], 'quickstart')
  })

  it('serves the page and all that it names', async () => {
    const response = await fetch(url)
    assert.equal(response.headers.get('x-served-by'), 'sluice')
    const page = await response.text()
    const named = [...page.matchAll(/(?:href|src)="(\/[^"]*)"/g)].map(match => match[1])
    assert.ok(named.length >= 8, page)
    const types = named.map(async path => {
      const resource = await fetch(new URL(path, url))
      assert.equal(resource.status, 200, path)
      await resource.bytes()
      return [path, resource.headers.get('content-type')]
    })
    const typeOf = new Map((await Promise.all(types)) as [string, string][])
    assert.equal(typeOf.get('/style.css'), 'text/css; charset=utf-8')
    assert.equal(typeOf.get('/picture.svg'), 'image/svg+xml')
  })

  it('counts what is uploaded', async () => {
    const body = Buffer.alloc(300_000, 'x')
    const answer = await fetch(new URL('/api/uploads', url), { method: 'POST', body })
    assert.deepEqual(await answer.json(), {
      origin: 'api',
      bytes: 300_000,
      uploads: 1,
      uploadedBytes: 300_000,
    })
  })

  it('ends on Ctrl-C with 0', async () => {
    quickstart.process.kill('SIGINT')
    assert.equal(await exitCodeOf(quickstart), 0, quickstart.errors)
  })
})

describe('a quickstart that cannot start', () => {
  it('says that the port is taken and how to take another', async () => {
    const owner = net.createServer().listen(0, '127.0.0.1')
    await once(owner, 'listening')
    const { port } = owner.address() as net.AddressInfo
    const running = start('--listen', `127.0.0.1:${port}`)
    assert.equal(await exitCodeOf(running), 1)
    owner.close()
    assert.match(
      running.errors,
      new RegExp(`cannot listen on 127\\.0\\.0\\.1:${port}: another program has the port`),
    )
    assert.match(running.errors, /npm start -- --listen 127\.0\.0\.1:8090/)
  })

  it('says what it takes when it is told something else', async () => {
    const running = start('--port', '1')
    assert.equal(await exitCodeOf(running), 2)
    assert.match(running.errors, /Unknown option '--port'; the quickstart takes: npm start/)
  })
})

const curlLines = (output: string): string[] => output.match(/^ +curl .*$/gm) ?? []
