/**
 * The same client, target, field or cookie to the same server; backups; servers that die and come back.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Balance, HEALTH_DEFAULTS, STICKY_DEFAULTS } from '../../src/upstream/options.ts'
import { echo, type ScriptedOrigin, startOrigin } from '../support/origin.ts'
import { folderWith, get, lines, origin, result, start } from '../support/program.ts'
import { startProxy, type TestProxy } from '../support/proxy.ts'
import { connect, type RawClient } from '../support/raw-client.ts'
import { request } from '../support/requests.ts'

/** What a server does wrong is not held against it, so that it serves again as soon as it is back. */
const health = { ...HEALTH_DEFAULTS, failures: 0 }

function startOrigins(t: TestContext, count: number): Promise<ScriptedOrigin[]> {
  return Promise.all(Array.from({ length: count }, () => startOrigin(t)))
}

/** An origin where one was before. */
const revive = (t: TestContext, port: number): Promise<ScriptedOrigin> =>
  startOrigin(t, echo, { at: { port, host: '127.0.0.1' } })

const counts = (origins: readonly ScriptedOrigin[]) => origins.map(origin => origin.requests.all.length)

/** One request and the server that answered it. */
async function ask(proxy: TestProxy, client: RawClient, text: string) {
  const answer = await client.ask(text)
  assert.equal(answer.status, 200)
  return { answer, server: proxy.records.all.at(-1)?.upstream ?? '' }
}

/** Requests whose keys are the numbers, each in the place where the balancer looks. */
const KEYED: readonly (readonly [name: string, balance: Balance, ask: (number: number) => string])[] = [
  ['hash-uri', 'hash-uri', number => request(`/items/${number}?page=1`)],
  [
    'hash-client',
    'hash-client',
    number => request('/', { fields: `X-Forwarded-For: 192.0.2.${number}\r\n` }),
  ],
  [
    'a header',
    { hash: { header: 'x-user' } },
    number => request('/', { fields: `X-User: user ${number}\r\n` }),
  ],
  [
    'a cookie',
    { hash: { cookie: 'session' } },
    number => request('/', { fields: `Cookie: theme=dark; session=${number}\r\n` }),
  ],
]

for (const [name, balance, requestFor] of KEYED)
  test(`hash of ${name}: a server that dies takes its keys along and no others, and gets them back`, async t => {
    const origins = await startOrigins(t, 3)
    const proxy = await startProxy(t, {
      to: origins,
      group: { health, balance },
      listener: { trust: ['127.0.0.0/8'] },
    })
    const client = await connect(t, proxy)
    const round = async (): Promise<string[]> => {
      const servers: string[] = []
      for (let number = 0; number < 60; number++)
        servers.push((await ask(proxy, client, requestFor(number))).server)
      return servers
    }
    const before = await round()
    assert.ok(Math.min(...counts(origins)) >= 3, `spread over all: ${counts(origins)}`)
    assert.deepEqual(await round(), before)
    const dead = origins[1]
    const { address, port } = dead
    await dead.close()
    const meanwhile = await round()
    meanwhile.forEach((server, number) => {
      if (before[number] === address) assert.notEqual(server, address)
      else assert.equal(server, before[number])
    })
    await revive(t, port)
    assert.deepEqual(await round(), before)
  })

test('random-two reaches all servers, and keeps off the one that is busy', async t => {
  const stuck = await startOrigin(t, () => {})
  const origins = await startOrigins(t, 2)
  const proxy = await startProxy(t, { to: [stuck, ...origins], group: { health, balance: 'random-two' } })
  for (let i = 0; stuck.requests.all.length === 0; i++) {
    assert.ok(i < 200, 'it is drawn some time')
    const client = await connect(t, proxy)
    client.send(request('/'))
    await Promise.race([client.answer(), stuck.requests.at(0)])
  }
  const client = await connect(t, proxy)
  for (let i = 0; i < 60; i++) await ask(proxy, client, request('/'))
  assert.equal(stuck.requests.all.length, 1)
  assert.ok(Math.min(...counts(origins)) >= 5, `${counts(origins)}`)
})

test('sticky: clients keep their servers over new connections and another proxy', async t => {
  const origins = await startOrigins(t, 3)
  const group = { balance: { sticky: { ...STICKY_DEFAULTS, otherwise: 'round-robin' as const } } }
  const proxies = [await startProxy(t, { to: origins, group }), await startProxy(t, { to: origins, group })]
  for (const { address } of origins) {
    const first = await ask(proxies[0], await connect(t, proxies[0]), request('/'))
    assert.equal(first.server, address)
    const cookie = first.answer.fields.get('Set-Cookie')?.split(';')[0]
    for (const proxy of proxies) {
      const client = await connect(t, proxy)
      for (let i = 0; i < 3; i++) {
        const next = await ask(proxy, client, request('/', { fields: `Cookie: ${cookie}\r\n` }))
        assert.equal(next.server, address)
        assert.equal(next.answer.fields.get('Set-Cookie'), null)
      }
    }
  }
})

test('sticky: a server dies, its client is served by another, and goes home when it returns', async t => {
  const origins = await startOrigins(t, 3)
  const proxy = await startProxy(t, { to: origins, group: { health, balance: { sticky: STICKY_DEFAULTS } } })
  const client = await connect(t, proxy)
  const first = await ask(proxy, client, request('/'))
  const withCookie = request('/', {
    fields: `Cookie: ${first.answer.fields.get('Set-Cookie')?.split(';')[0]}\r\n`,
  })
  const home = origins.find(each => each.address === first.server) as ScriptedOrigin
  const { port } = home
  await home.close()
  const away: string[] = []
  for (let i = 0; i < 5; i++) {
    const { server, answer } = await ask(proxy, client, withCookie)
    away.push(server)
    assert.equal(answer.fields.get('Set-Cookie'), null)
  }
  assert.equal(new Set(away).size, 1)
  assert.notEqual(away[0], first.server)
  await revive(t, port)
  assert.equal((await ask(proxy, client, withCookie)).server, first.server)
})

test('backups get nothing while a first server answers, all when none does, and nothing again', async t => {
  const [one, two, backup] = await startOrigins(t, 3)
  const proxy = await startProxy(t, {
    to: [{ address: backup.address, priority: 2 }, one, two],
    group: { health },
  })
  const client = await connect(t, proxy)
  for (let i = 0; i < 10; i++) await ask(proxy, client, request('/'))
  assert.deepEqual(counts([one, two, backup]), [5, 5, 0])
  const { port } = two
  await one.close()
  for (let i = 0; i < 10; i++) await ask(proxy, client, request('/'))
  assert.deepEqual(counts([two, backup]), [15, 0])
  await two.close()
  for (let i = 0; i < 10; i++) await ask(proxy, client, request('/'))
  assert.equal(backup.requests.all.length, 10)
  const back = await revive(t, port)
  for (let i = 0; i < 10; i++) await ask(proxy, client, request('/'))
  assert.deepEqual(counts([back, backup]), [10, 10])
})

test('on a unix socket nobody has an address: hash-client spreads by load', async t => {
  const origins = await startOrigins(t, 2)
  const path = join(folderWith(), 'proxy.sock')
  const proxy = await startProxy(t, {
    to: origins,
    group: { health, balance: 'hash-client' },
    listener: { address: { kind: 'unix', path } },
  })
  const client = await connect(t, { path })
  for (let i = 0; i < 10; i++) await client.ask(request('/'))
  assert.deepEqual(counts(origins), [5, 5])
  assert.equal(proxy.records.all.length, 10)
})

// The command line.

const NAMES = ['round-robin', 'least-busy', 'random-two', 'hash-client', 'hash-uri', 'sticky']

for (const name of NAMES)
  test(`sluice proxy --balance ${name}`, async t => {
    const servers = await Promise.all(
      ['a', 'b', 'c'].map(text => origin(t, (_, response) => response.end(text))),
    )
    const sluice = start(t, ['proxy', '--listen', '127.0.0.1:0', '--to', servers.join(), '--balance', name])
    const url = await sluice.url()
    const answers: { text: string; cookie: string | undefined }[] = []
    for (let i = 0; i < 24; i++) {
      const { status, text, headers } = await get(`${url}/items/${i}`, { cookie: answers[0]?.cookie ?? '' })
      assert.equal(status, 200)
      answers.push({ text, cookie: headers['set-cookie']?.[0].split(';')[0] })
    }
    const seen = new Set(answers.map(({ text }) => text)).size
    if (name === 'sticky' || name === 'hash-client') assert.equal(seen, 1)
    else if (name === 'round-robin' || name === 'least-busy') assert.equal(seen, 3)
    else assert.ok(seen > 1)
    assert.equal(answers.filter(({ cookie }) => cookie !== undefined).length, name === 'sticky' ? 1 : 0)
  })

test('sluice proxy --balance with a name nobody knows', async t => {
  const { code, stderr } = await result(t, ['proxy', '--to', '127.0.0.1:9', '--balance', 'hash-url'])
  assert.equal(code, 2)
  assert.deepEqual(lines(stderr), ['--balance: "hash-url" is not known here: did you mean "hash-uri"?'])
})
