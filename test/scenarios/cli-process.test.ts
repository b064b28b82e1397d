/**
 * The program as the system meets it: signals, the log and whoever reads it.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, readFileSync, renameSync } from 'node:fs'
import http from 'node:http'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { folderWith, get, hello, lines, origin, result, start } from '../support/program.ts'

/** An origin that answers when the test says so. */
async function slowOrigin(
  context: TestContext,
): Promise<{ to: string; asked: Promise<void>; answer(): void }> {
  let answer = () => {}
  let ask = () => {}
  const asked = new Promise<void>(resolve => {
    ask = resolve
  })
  const to = await origin(context, (_, response) => {
    answer = () => response.end('late')
    ask()
  })
  return { to, asked, answer: () => answer() }
}

test('SIGTERM lets a running exchange finish and takes no new connection', async context => {
  const slow = await slowOrigin(context)
  const sluice = start(context, ['proxy', '--listen', '127.0.0.1:0', '--to', slow.to])
  const url = await sluice.url()
  const running = get(url)
  await slow.asked
  sluice.signal('SIGTERM')
  await sluice.said('stderr', /^SIGTERM: finishing/m)
  await assert.rejects(get(url), { code: 'ECONNREFUSED' })
  slow.answer()
  assert.equal((await running).text, 'late')
  assert.equal(await sluice.ended, 0)
  assert.equal(sluice.logLines().length, 1)
})

test('a second signal ends it at once, with 1', async context => {
  const slow = await slowOrigin(context)
  const sluice = start(context, ['proxy', '--listen', '127.0.0.1:0', '--to', slow.to])
  const running = get(await sluice.url())
  running.catch(() => {})
  await slow.asked
  sluice.signal('SIGINT')
  await sluice.said('stderr', /^SIGINT: finishing/m)
  sluice.signal('SIGINT')
  assert.equal(await sluice.ended, 1)
  assert.match(sluice.stderr, /^asked again: ended at once$/m)
  await assert.rejects(running)
})

test('what is not finished in time is cut, and said', async context => {
  const slow = await slowOrigin(context)
  const sluice = start(context, [
    'proxy',
    '--listen',
    '127.0.0.1:0',
    '--to',
    slow.to,
    '--drain-timeout',
    '200ms',
  ])
  get(await sluice.url()).catch(() => {})
  await slow.asked
  sluice.signal('SIGTERM')
  assert.equal(await sluice.ended, 0)
  assert.match(sluice.stderr, /^1 connection was cut after 200ms$/m)
})

test('SIGHUP starts the same flags anew', async context => {
  const sluice = start(context, ['proxy', '--listen', '127.0.0.1:0', '--to', await hello(context)])
  const url = await sluice.url()
  sluice.signal('SIGHUP')
  await sluice.said('stderr', /^SIGHUP: reading the config again$/m)
  await sluice.said('stderr', /^reloaded: 1 worker serves the config as it is now/m)
  assert.equal((await get(url)).status, 200)
})

test('--log-file, opened again by SIGUSR2', async context => {
  const cwd = folderWith()
  const file = join(cwd, 'access.log')
  const sluice = start(
    context,
    [
      'proxy',
      '--listen',
      '127.0.0.1:0',
      '--to',
      await hello(context),
      '--log-file',
      'access.log',
      '--log',
      'combined',
    ],
    { cwd },
  )
  const url = await sluice.url()
  const holds = async (path: string, text: RegExp) => {
    while (!existsSync(path) || !text.test(readFileSync(path, 'utf8')))
      await new Promise(resolve => setTimeout(resolve, 20))
  }
  await get(`${url}/one`)
  await holds(file, /^127\.0\.0\.1 - - \[.*\] "GET \/one HTTP\/1\.1" 200 5 "-" "-"\n$/)
  renameSync(file, `${file}.1`)
  sluice.signal('SIGUSR2')
  await holds(file, /^$/)
  await get(`${url}/two`)
  await holds(file, /GET \/two/)
  assert.doesNotMatch(readFileSync(`${file}.1`, 'utf8'), /two/)
  assert.equal(lines(sluice.stdout).length, 1)
})

test('a log file that cannot be opened', async context => {
  const { code, stderr } = await result(context, [
    'proxy',
    '--to',
    '127.0.0.1:1',
    '--listen',
    '127.0.0.1:0',
    '--log-file',
    'no/such/folder.log',
  ])
  assert.equal(code, 1)
  assert.match(stderr, /^cannot open the log file .*no\/such\/folder\.log: ENOENT/)
})

test('nobody reads the log: requests go on, and the program ends when asked', async context => {
  const sluice = start(context, ['proxy', '--listen', '127.0.0.1:0', '--to', await hello(context)])
  const url = await sluice.url()
  sluice.child.stdout?.pause()
  const agent = new http.Agent({ keepAlive: true, maxSockets: 10 })
  context.after(() => agent.destroy())
  // More than a pipe and the reader's buffer hold.
  const target = `${url}/${'x'.repeat(4000)}`
  for (let round = 0; round < 40; round++) {
    await Promise.all(
      Array.from({ length: 10 }, async () => {
        const [response] = (await once(http.get(target, { agent }), 'response')) as [http.IncomingMessage]
        assert.equal(response.statusCode, 200)
        response.resume()
        await once(response, 'end')
      }),
    )
  }
  sluice.signal('SIGTERM')
  await once(sluice.child, 'exit')
  assert.equal(sluice.child.exitCode, 0)
  await sluice.said('stderr', /^log stdout: ends, \d+ lines were lost$/m)
})

test('whoever read the log is gone: requests go on', async context => {
  const sluice = start(context, ['proxy', '--listen', '127.0.0.1:0', '--to', await hello(context)])
  const url = await sluice.url()
  sluice.child.stdout?.destroy()
  for (let i = 0; i < 3; i++) {
    assert.equal((await get(url)).status, 200)
    await new Promise(resolve => setTimeout(resolve, 120))
  }
  await sluice.said('stderr', /^log stdout: nobody reads it any more: lines are lost until it works again$/m)
  sluice.signal('SIGTERM')
  assert.equal(await sluice.ended, 0)
})

test('a config cannot end `check`, neither at once nor by a promise that it forgets', async context => {
  const scripts = {
    'exits.mjs': 'process.exit(0)\n',
    'forgets.mjs': "void Promise.reject(new Error('no secret'))\nawait new Promise(() => {})\n",
    'throws.mjs': "setImmediate(() => {\n  throw new Error('no secret')\n})\nawait new Promise(() => {})\n",
  }
  const cwd = folderWith(scripts)
  for (const name of Object.keys(scripts)) {
    const sluice = start(context, ['check', '--config', name], { cwd })
    assert.equal(await sluice.ended, 2, name)
    assert.match(sluice.stderr, /^\w+\.mjs:\d+:\d+: the config failed while it was loaded: /, name)
  }
})
