/**
 * The combined format against its inventor: the same bytes go to Apache and to Sluice, and both logs have to have the
 * same line. Three things are looked away from: the size of error pages, which everybody words differently; a second
 * that passed between the two, in which case both are asked again; and the moment of a head that never ends, which
 * Apache counts from its first line and Sluice from the end of its patience.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import { systemClock } from '../../src/base/clock.ts'
import { lineFormatter } from '../../src/layers/access-log.ts'
import { basicAuthLayer } from '../../src/layers/basic-auth.ts'
import { RespondHandler } from '../../src/layers/respond.ts'
import { findProgram, testWith } from '../support/peers.ts'
import { startProxy } from '../support/proxy.ts'
import { basic } from '../support/scrypt.ts'
import { until } from '../support/wait.ts'

// A zone with minutes, so that signs and digits show.
process.env['TZ'] = 'America/St_Johns'

const TEXT = 'hello\n'
const END = 'Host: test.example\r\nConnection: close\r\n'
const get = (target: string, fields = ''): string => `GET ${target} HTTP/1.1\r\n${END}${fields}\r\n`

const REQUESTS: Readonly<Record<string, string>> = {
  'a plain request': get('/text'),
  HEAD: `HEAD /text HTTP/1.1\r\n${END}\r\n`,
  'no content': get('/empty'),
  'HTTP/1.0': 'GET /text HTTP/1.0\r\n\r\n',
  'absolute-form': get('http://test.example/text?x=y'),
  'referer and user agent': get(
    '/text',
    'Referer: https://a.example/?q=1\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) "like" Gecko\r\n',
  ),
  'empty fields': get('/text', 'Referer:\r\nUser-Agent: \r\n'),
  'fields several times': get('/text', 'User-Agent: one\r\nReferer: a\r\nUser-Agent: two\r\nReferer: b\r\n'),
  'characters that are escaped': get("/text?%22'`~{}|", 'User-Agent: a"b\\c\td \x80\xa0\xff \xc3\xa9\r\n'),
  'not found': get('/nothing?x'),
  'no credentials': get('/auth/text'),
  'right credentials': get('/auth/text', basic('alice', 'sesame')),
  'wrong credentials': get('/auth/text', basic('alice', 'open')),
  'a name in UTF-8': get('/auth/text', basic('zo\u00eb "\u2603', 'sesame')),
  'no Host': 'GET /text HTTP/1.1\r\nUser-Agent: x\r\nConnection: close\r\n\r\n',
  'no request at all': 'NONSENSE\r\n\r\n',
  'too many blanks': `GET  /text HTTP/1.1\r\n${END}\r\n`,
  'a blank behind': `GET /text HTTP/1.1 \r\n${END}\r\n`,
  'a method that is none': `G@T /text HTTP/1.1\r\n${END}\r\n`,
  'another protocol': `GET /text XTTP/1.1\r\n${END}\r\n`,
  'a field that is none': `GET /text HTTP/1.1\r\n${END}bad field: x\r\n\r\n`,
  'TLS to a plain port': '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n',
  'fields in front of one that is none': `GET /text HTTP/1.1\r\n${END}User-Agent:  x \r\nReferer: y\r\nbad field: x\r\nReferer: z\r\n\r\n`,
  'a head that does not end': 'GET /text HTTP/1.1\r\nUser-Agent: x\r\nAccept: y\r\nHos',
  'a line that does not end': 'GET /te',
}

testWith('apache2', 'lines of the combined log are those of Apache, byte by byte', async t => {
  const apache = await startApache(t)
  const proxy = await startProxy(t, {
    routes: () => {
      const text = new RespondHandler({ status: 200, body: TEXT })
      const users = new Map([
        ['alice', 'sesame'],
        ['zo\u00eb "\u2603', 'sesame'],
      ])
      return [
        { paths: ['/text'], handler: text },
        { paths: ['/empty'], handler: new RespondHandler({ status: 200, body: '' }) },
        { paths: ['/auth/*'], handler: basicAuthLayer({ realm: 'x', users })(text) },
      ]
    },
    timeouts: { headTimeoutMs: 100 },
  })
  const lineOf = lineFormatter('combined', systemClock)
  for (const [what, bytes] of Object.entries(REQUESTS)) {
    let lines: readonly string[] = []
    for (let tries = 0; tries < TRIES_MAX && !together(lines); tries++) {
      const [lineCount, recordCount] = [apache.lines().length, proxy.records.all.length]
      await Promise.all([exchange(apache.port, bytes), exchange(proxy.port, bytes)])
      await until(() => apache.lines().length > lineCount, 'a line of Apache')
      lines = [apache.lines()[lineCount], lineOf(await proxy.records.at(recordCount))]
    }
    const [theirs, ours] = lines.map(comparable)
    assert.equal(ours, theirs, what)
  }
})

const TRIES_MAX = 10

const together = ([one, other]: readonly string[]): boolean =>
  one !== undefined && (isLate(one) || timeOf(one) === timeOf(other))
const timeOf = (line: string): string => /\[.*?\]/.exec(line)?.[0] ?? ''
const isLate = (line: string): boolean => / 408 \S+ "/.test(line)

function comparable(line: string): string {
  const timed = isLate(line) ? line.replace(timeOf(line), '[time]') : line
  return timed.trimEnd().replace(/(?<=" 4\d\d )(?:\d+|-)(?= ")/, 'page')
}

/** Sends the bytes and reads until the other side ends the connection. */
async function exchange(port: number, bytes: string): Promise<void> {
  const socket = net.connect(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write(bytes, 'latin1')
  socket.resume()
  await once(socket, 'close')
}

interface Apache {
  readonly port: number
  lines(): string[]
}

async function startApache(t: TestContext): Promise<Apache> {
  const program = findProgram('apache2') as string
  const folder = mkdtempSync(join(tmpdir(), 'sluice-apache-'))
  t.after(() => rmSync(folder, { recursive: true }))
  for (const name of ['site', 'site/auth']) mkdirSync(join(folder, name))
  for (const name of ['text', 'auth/text']) writeFileSync(join(folder, 'site', name), TEXT)
  writeFileSync(join(folder, 'site/empty'), '')
  // All that Apache and this test agree on without another program.
  const hash = `{SHA}${createHash('sha1').update('sesame').digest('base64')}`
  writeFileSync(join(folder, 'users'), `alice:${hash}\nzo\u00eb "\u2603:${hash}\n`)
  chmodSync(folder, 0o755)
  const log = join(folder, 'access.log')
  const lines = (): string[] => readFileSync(log, 'utf8').split('\n').slice(0, -1)
  // Apache cannot take any free port; one that was free a moment ago mostly still is.
  for (;;) {
    const port = await freePort()
    writeFileSync(join(folder, 'apache.conf'), apacheConfig(folder, dirname(dirname(program)), port))
    const child = spawn(program, ['-X', '-d', folder, '-f', join(folder, 'apache.conf')], { stdio: 'ignore' })
    t.after(async () => {
      if (child.exitCode !== null) return
      child.kill('SIGKILL')
      await once(child, 'close')
    })
    let up = false
    await until(() => {
      const socket = net.connect(port, '127.0.0.1', () => {
        up = true
        socket.destroy()
      })
      socket.on('error', () => {})
      return up || child.exitCode !== null
    }, 'Apache to start')
    if (child.exitCode === null) return { port, lines }
    if (child.exitCode !== 1) throw new Error(`Apache ended with ${child.exitCode}`)
  }
}

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as net.AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

function apacheConfig(folder: string, prefix: string, port: number): string {
  const modules = [
    'mpm_event',
    'authz_core',
    'authn_core',
    'authn_file',
    'auth_basic',
    'authz_user',
    'reqtimeout',
  ]
  return `ServerRoot "${folder}"
PidFile "${folder}/pid"
Listen 127.0.0.1:${port}
ServerName test.example
${modules.map(name => `LoadModule ${name}_module ${prefix}/lib/apache2/modules/mod_${name}.so`).join('\n')}
ErrorLog "${folder}/error.log"
LogFormat "%h %l %u %t \\"%r\\" %>s %b \\"%{Referer}i\\" \\"%{User-Agent}i\\"" combined
CustomLog "${folder}/access.log" combined
RequestReadTimeout header=1
DocumentRoot "${folder}/site"
<Location /auth>
  AuthType Basic
  AuthName x
  AuthUserFile "${folder}/users"
  Require valid-user
</Location>
`
}
