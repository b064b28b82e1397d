/**
 * Another config while requests run: nothing is lost, and what is wrong with the new one changes nothing.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import net from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { folderWith, get, origin, start } from '../support/program.ts'
import { answering, Reloadable } from '../support/reloadable.ts'
import { until } from '../support/wait.ts'

test('a kept connection makes one more request, which tells it to go', async t => {
  const program = new Reloadable(t, answering('old'))
  const url = await program.sluice.url()
  const agent = new http.Agent({ keepAlive: true })
  t.after(() => agent.destroy())
  const ask = async () => {
    const [response] = (await once(http.get(url, { agent }), 'response')) as [http.IncomingMessage]
    return [(await response.setEncoding('latin1').toArray()).join(''), response.headers.connection]
  }
  await ask()
  await program.reload(answering('new'))
  assert.deepEqual(await ask(), ['old', 'close'])
  assert.deepEqual(await ask(), ['new', undefined])
})

test('a download that runs finishes on the old worker; one that takes too long is cut and counted', async t => {
  const responses: http.ServerResponse[] = []
  const to = await origin(t, (_, response) => {
    responses.push(response)
    response.write('first,')
  })
  const config = {
    ...answering(''),
    upstreams: { origin: to },
    listeners: [{ listen: '127.0.0.1:0', routes: [{ to: 'origin' }] }],
    drainTimeout: '400ms',
  }
  const program = new Reloadable(t, config)
  const url = await program.sluice.url()
  const first = get(url)
  const second = get(url)
  second.catch(() => {})
  await until(() => responses.length === 2, 'both downloads')
  await program.reload(config)
  responses[0].end('last')
  // Which of the two it was is the origin's to know.
  const texts = await Promise.allSettled([first, second])
  const whole = texts.filter(each => each.status === 'fulfilled').map(each => each.value.text)
  assert.deepEqual(whole, ['first,last'])
  await program.sluice.said('stderr', /^1 connection of the old config was cut after 400ms$/m)
  program.sluice.signal('SIGTERM')
  await program.sluice.ended
  assert.match(program.sluice.stderr, /^served 2 requests .*, 1 connection cut$/m)
})

test('a faulty config is told with its place, and the old one goes on', async t => {
  const program = new Reloadable(t, answering('old'), ['--workers', '2'])
  const url = await program.sluice.url()
  const faulty = await program.refuses('{\n  "listeners": [{ "lisen": 1 }]\n}\n')
  assert.match(
    faulty,
    /^sluice\.config\.json:2:\d+: listeners\[0\]: unknown key "lisen": did you mean "listen"\?$/m,
  )
  assert.match(faulty, /^the config has faults: the old config goes on$/m)
  assert.equal((await get(url)).text, 'old')
  assert.match(await program.refuses('{'), /^the config has faults: the old config goes on$/m)
  const taken = net.createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  t.after(() => taken.close())
  const { port } = taken.address() as net.AddressInfo
  const second = { listen: `127.0.0.1:${port}`, routes: [{ respond: 'x' }] }
  const both = { ...answering('new'), listeners: [...answering('new').listeners, second] }
  assert.match(
    await program.refuses(both),
    /^cannot listen on 127\.0\.0\.1:\d+: another program has the port.*: the old config goes on$/m,
  )
  assert.equal((await get(url)).text, 'old')
  await program.reload(answering('new'))
  assert.equal((await get(url)).text, 'new')
})

test('a worker that dies later serves the config that was checked, whatever the file says by then', async t => {
  const program = new Reloadable(t, answering('checked'))
  const url = await program.sluice.url()
  program.write('{ not a config')
  const { pid } = program.sluice.child
  const worker = Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1'))
  // 0 would be this test and all around it.
  assert.ok(worker > 1, 'one worker')
  process.kill(worker, 'SIGKILL')
  await program.sluice.said('stderr', /ended by SIGKILL/)
  assert.equal((await get(url)).text, 'checked')
})

test('listeners come and go, and the number of workers changes', async t => {
  const program = new Reloadable(t, answering('one'))
  const { sluice } = program
  const url = await sluice.url()
  const other = { listen: 'localhost:0', routes: [{ respond: 'other' }] }
  const both = { ...answering('two'), listeners: [...answering('two').listeners, other], workers: 3 }
  await program.reload(both)
  const [, otherUrl] = await sluice.said('stdout', /\nlistening (http:\S+) \(proxy\)\n/)
  assert.deepEqual([(await get(url)).text, (await get(otherUrl)).text], ['two', 'other'])
  await program.reload({ ...answering('three'), workers: 2 })
  // Each of the three sockets has somebody who listens.
  for (let times = 0; times < 20; times++) assert.equal((await get(url)).text, 'three')
  await assert.rejects(get(otherUrl), { code: 'ECONNREFUSED' })
  assert.match(sluice.stderr, /^reloaded: 3 workers serve .*$/m)
  assert.match(sluice.stderr, /^reloaded: 2 workers serve .*$/m)
})

test('an address grows to every interface on the same port', async t => {
  const program = new Reloadable(t, answering('loopback'))
  const url = await program.sluice.url()
  const { port } = new URL(url)
  const everywhere = [{ listen: `0.0.0.0:${port}`, routes: [{ respond: 'everywhere' }] }]
  await program.reload({ ...answering(''), listeners: everywhere })
  await program.sluice.said('stdout', new RegExp(`^listening http://0\\.0\\.0\\.0:${port} `, 'm'))
  assert.equal((await get(url)).text, 'everywhere')
})

test('many signals at once are few reloads, and the last config is served', async t => {
  const program = new Reloadable(t, answering('first'))
  const url = await program.sluice.url()
  for (const text of ['a', 'b', 'c', 'last']) {
    program.write(answering(text))
    program.sluice.signal('SIGHUP')
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  const text = async () => (await get(url)).text
  for (let now = await text(); now !== 'last'; now = await text())
    await new Promise(resolve => setTimeout(resolve, 20))
  program.sluice.signal('SIGTERM')
  assert.equal(await program.sluice.ended, 0)
})

test('a candidate that ends by itself, or is killed, changes nothing', async t => {
  const folder = folderWith({
    'sluice.config.mjs': `export default ${JSON.stringify(answering('old'))}`,
  })
  const sluice = start(t, ['run'], { cwd: folder })
  const url = await sluice.url()
  writeFileSync(join(folder, 'sluice.config.mjs'), 'process.exit(0)')
  sluice.signal('SIGHUP')
  await sluice.said('stderr', /^sluice\.config\.mjs:1:9: .* it calls process\.exit\(0\): throw an Error/m)
  await sluice.said('stderr', /^the config has faults: the old config goes on$/m)
  writeFileSync(join(folder, 'sluice.config.mjs'), "process.kill(process.pid, 'SIGKILL')")
  sluice.signal('SIGHUP')
  await sluice.said(
    'stderr',
    /^worker \d+ ended by SIGKILL while it read the config: the old config goes on$/m,
  )
  assert.equal((await get(url)).text, 'old')
})

test('--watch: the config, or a file that it imports, is changed, replaced, broken and mended', async t => {
  const folder = folderWith({
    'sluice.config.ts': `import { text } from './text.ts'
      export default { listeners: [{ listen: '127.0.0.1:0', routes: [{ respond: text }] }], log: { format: 'off' } }`,
    'text.ts': `export const text = 'one'`,
  })
  const sluice = start(t, ['run', '--watch'], { cwd: folder })
  const url = await sluice.url()
  const serves = async (text: string) => {
    while ((await get(url)).text !== text) await new Promise(resolve => setTimeout(resolve, 20))
  }
  const file = join(folder, 'text.ts')
  writeFileSync(file, `export const text = 'two'`)
  await serves('two')
  assert.match(sluice.stderr, /^text\.ts has changed: reading the config again$/m)
  writeFileSync(`${file}.new`, `export const text = 'three, by another file'`)
  renameSync(`${file}.new`, file)
  await serves('three, by another file')
  writeFileSync(file, 'export const text = 4')
  await sluice.said('stderr', /^the config has faults: the old config goes on$/m)
  assert.equal((await get(url)).text, 'three, by another file')
  writeFileSync(file, `export const text = 'five'`)
  await serves('five')
  sluice.signal('SIGTERM')
  assert.equal(await sluice.ended, 0)
})

test('--watch: the folder of the config is replaced, and so is a link to it', async t => {
  const config = (text: string) =>
    `export default ${JSON.stringify({ ...answering(text), drainTimeout: '1s' })}`
  const folder = folderWith()
  const put = (name: string, text: string) => {
    mkdirSync(join(folder, name))
    writeFileSync(join(folder, name, 'c.mjs'), config(text))
  }
  put('one', 'one')
  put('two', 'the second')
  symlinkSync('one', join(folder, 'current'))
  const sluice = start(t, ['run', '--watch', '--config', 'current/c.mjs'], { cwd: folder })
  const url = await sluice.url()
  const serves = async (text: string) => {
    while ((await get(url)).text !== text) await new Promise(resolve => setTimeout(resolve, 20))
  }
  symlinkSync('two', join(folder, 'link'))
  renameSync(join(folder, 'link'), join(folder, 'current'))
  await serves('the second')
  put('new', 'another, third')
  renameSync(join(folder, 'two'), join(folder, 'old'))
  renameSync(join(folder, 'new'), join(folder, 'two'))
  await serves('another, third')
  writeFileSync(join(folder, 'two', 'c.mjs'), config('written in its place'))
  await serves('written in its place')
  sluice.signal('SIGTERM')
  assert.equal(await sluice.ended, 0)
})
