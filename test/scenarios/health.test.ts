/**
 * Servers that go and come back: who is asked, and what is said about it.
 */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { CHECK_DEFAULTS, type CheckOptions, HEALTH_DEFAULTS } from '../../src/upstream/options.ts'
import { answer, type Script, type ScriptedOrigin, startOrigin } from '../support/origin.ts'
import { folderWith, get, hello, start } from '../support/program.ts'
import { startProxy, type TestProxy } from '../support/proxy.ts'
import { connect, type RawClient } from '../support/raw-client.ts'
import { request } from '../support/requests.ts'
import { until } from '../support/wait.ts'

const reset: Script = (_request, wire) => wire.reset()
const well: Script = (_request, wire) => wire.send(answer('ok'))
const QUICK_HEALTH = { ...HEALTH_DEFAULTS, outForMs: 200 }

const count = (origin: ScriptedOrigin, target = '/') =>
  origin.requests.all.filter(each => each.target === target).length

async function asks(client: RawClient, times: number): Promise<void> {
  for (let i = 0; i < times; i++) assert.equal((await client.ask(request('/'))).status, 200)
}

test('a server fails, is left out, and is back when it is well', async t => {
  const flaky = await startOrigin(t, reset)
  const steady = await startOrigin(t, well)
  const proxy = await startProxy(t, { to: [flaky, steady], group: { health: QUICK_HEALTH } })
  const [endpoint] = proxy.group.endpoints
  const client = await connect(t, proxy)
  await asks(client, 10)
  assert.match(proxy.warnings[0], /is out for 200ms: 3 failures in a row, the last upstream_reset$/)
  flaky.script = well
  await until(() => !endpoint.out, 'the pause to be over')
  while (endpoint.state !== 'in') await asks(client, 1)
  const before = count(flaky)
  await asks(client, 10)
  assert.equal(count(flaky) - before, 5)
  assert.match(
    proxy.warnings.at(-1) ?? '',
    new RegExp(`^upstream test: ${flaky.address} is back after \\d+\\.\\ds$`),
  )
})

test('a server that is down all the time is met once a pause, not once a request', async t => {
  const steady = await startOrigin(t, well)
  const gone = await startOrigin(t, well)
  const { address } = gone
  await gone.close()
  const proxy = await startProxy(t, { to: [address, steady], group: { health: QUICK_HEALTH } })
  const [endpoint] = proxy.group.endpoints
  const client = await connect(t, proxy)
  await asks(client, 50)
  await until(() => /^on trial/.test(endpoint.state), 'the trial')
  await asks(client, 50)
  const met = proxy.records.all.filter(({ retried }) => retried !== null)
  assert.ok(met.length <= 9, `${met.length} requests met the server that is down`)
  assert.match(
    proxy.warnings[1],
    /is out for 400ms: its first request after the pause failed: connect_refused$/,
  )
})

test('on trial it gets one request, however many wait', async t => {
  const flaky = await startOrigin(t, reset)
  const steady = await startOrigin(t, well)
  const proxy = await startProxy(t, { to: [flaky, steady], group: { health: QUICK_HEALTH } })
  await asks(await connect(t, proxy), 6)
  const before = flaky.requests.all.length
  flaky.script = () => {}
  await until(() => /^on trial/.test(proxy.group.endpoints[0].state), 'the trial')
  const clients = await Promise.all(Array.from({ length: 10 }, () => connect(t, proxy)))
  for (const client of clients) client.send(request('/'))
  await proxy.records.count(6 + 9)
  assert.equal(flaky.requests.all.length - before, 1)
  const [tried] = flaky.requests.all.slice(before)
  tried.wire.send(answer('ok'))
  await proxy.records.count(6 + 10)
  assert.equal(proxy.group.endpoints[0].state, 'in')
})

test('a server that returns starts slowly', async t => {
  const flaky = await startOrigin(t, reset)
  const steady = await startOrigin(t, well)
  const proxy = await startProxy(t, {
    to: [flaky, steady],
    group: { health: QUICK_HEALTH, slowStartMs: 3_600_000 },
  })
  const [endpoint] = proxy.group.endpoints
  const client = await connect(t, proxy)
  await asks(client, 6)
  flaky.script = well
  await until(() => !endpoint.out, 'the pause to be over')
  while (!endpoint.state.startsWith('slow')) await asks(client, 1)
  assert.equal(endpoint.state, 'slow start, 10 % of its weight')
  const before = count(flaky)
  await asks(client, 220)
  const got = count(flaky) - before
  // One to ten.
  assert.ok(got >= 18 && got <= 22, `${got} of 220`)
})

// Checks.

const CHECK: CheckOptions = {
  ...CHECK_DEFAULTS,
  path: '/health',
  intervalMs: 60,
  timeoutMs: 1_000,
  rise: 1,
  fall: 1,
}

async function checked(
  t: TestContext,
  changes: Partial<CheckOptions>,
): Promise<{ proxy: TestProxy; sick: ScriptedOrigin; steady: ScriptedOrigin }> {
  const [sick, steady] = [await startOrigin(t, well), await startOrigin(t, well)]
  const proxy = await startProxy(t, { to: [sick, steady], group: { check: { ...CHECK, ...changes } } })
  return { proxy, sick, steady }
}

const onHealth =
  (text: string): Script =>
  (request, wire) => {
    wire.send(request.target === '/health' ? text : answer('ok'))
    if (request.target === '/health') wire.end()
  }

const SICK: readonly [string, Partial<CheckOptions>, string, string, RegExp][] = [
  ['status', {}, answer('', '503 Busy'), answer(''), /status 503 instead of 2xx/],
  ['body', { body: 'ready' }, answer('starting'), answer('it is ready'), /its body does not hold "ready"/],
]
for (const [name, changes, bad, good, words] of SICK)
  test(`a check of the ${name} puts a server out and brings it back; no request is spent on it`, async t => {
    const { proxy, sick, steady } = await checked(t, changes)
    for (const origin of [sick, steady]) origin.script = onHealth(good)
    sick.script = onHealth(bad)
    const [endpoint] = proxy.group.endpoints
    await until(() => endpoint.out, 'the check to fail')
    assert.match(endpoint.state, words)
    const client = await connect(t, proxy)
    const before = count(sick)
    await asks(client, 20)
    assert.equal(count(sick), before)
    sick.script = onHealth(good)
    await until(() => !endpoint.out, 'the check to succeed')
    await asks(client, 20)
    assert.equal(count(sick) - before, 10)
    const own = proxy.warnings.filter(line => line.includes(sick.address))
    assert.equal(own.length, 2, own.join('\n'))
  })

test('a check of the connection, without a path', async t => {
  const { proxy, sick } = await checked(t, { path: null })
  const { port } = sick
  const [endpoint] = proxy.group.endpoints
  await sick.close()
  await until(() => endpoint.out, 'the check to fail')
  assert.match(endpoint.state, /connect_refused/)
  const again = await startOrigin(t, well, { at: { port, host: '127.0.0.1' } })
  await until(() => !endpoint.out, 'the check to succeed')
  assert.deepEqual(again.lines, [])
})

test('the Host and the fields of a check are those of the config', async t => {
  const { sick } = await checked(t, { host: 'shop.example', headers: { 'x-check': 'yes' } })
  const asked = await sick.requests.at(0)
  assert.equal(asked.target, '/health')
  assert.equal(asked.host, 'shop.example')
  assert.equal(asked.fields.get('x-check'), 'yes')
})

test('checks go one after the other, and leave nothing open', async t => {
  const { proxy, sick, steady } = await checked(t, { intervalMs: 20 })
  let most = 0
  sick.script = (_request, wire) => {
    most = Math.max(most, sick.open)
    wire.send(answer('ok'))
    wire.end()
  }
  await sick.requests.count(10)
  // The one before may still be on its way out.
  assert.ok(most <= 2, `${most} at once`)
  proxy.group.close()
  await until(() => sick.open === 0 && steady.open === 0, 'the connections of checks to be gone')
  assert.equal(proxy.warnings.length, 0)
})

test('sluice run: checks begin by themselves, are told on stderr, and do not keep the program', async t => {
  const to = await hello(t)
  const config = {
    upstreams: { shop: { servers: [to, '127.0.0.1:1'], check: { path: '/', interval: '50ms', fall: 1 } } },
    listeners: [{ listen: '127.0.0.1:0', routes: [{ to: 'shop' }] }],
  }
  const sluice = start(t, ['run'], { cwd: folderWith({ 'sluice.config.json': JSON.stringify(config) }) })
  const url = await sluice.url()
  await sluice.said(
    'stderr',
    /^upstream shop: 127\.0\.0\.1:1 is out: 1 check in a row failed, the last: connect_refused/m,
  )
  for (let i = 0; i < 4; i++) assert.equal((await get(url)).text, 'hello')
  sluice.signal('SIGTERM')
  assert.equal(await sluice.ended, 0)
})
