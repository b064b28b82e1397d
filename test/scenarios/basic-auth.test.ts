/**
 * A site behind a password, as clients meet it.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type BasicAuthOptions, basicAuthLayer } from '../../src/layers/basic-auth.ts'
import { answer, startOrigin } from '../support/origin.ts'
import { startProxy } from '../support/proxy.ts'
import { connect } from '../support/raw-client.ts'
import { CHUNKED, chunk, request, requestHead } from '../support/requests.ts'
import { basic, scryptHash } from '../support/scrypt.ts'
import { until } from '../support/wait.ts'

const HASHED = scryptHash('open sesame')

const auth = (users: Record<string, string>, options: Partial<BasicAuthOptions> = {}) =>
  basicAuthLayer({ realm: 'caves', users: new Map(Object.entries(users)), ...options })

test('without credentials: 401 with a challenge, and the server hears nothing', async t => {
  const origin = await startOrigin(t)
  const proxy = await startProxy(t, { to: origin, layers: [auth({ alice: HASHED }, { realm: 'a "b" \\' })] })
  const client = await connect(t, proxy)
  const told = await client.ask(request('/'))
  assert.equal(told.status, 401)
  assert.equal(told.fields.get('WWW-Authenticate'), 'Basic realm="a \\"b\\" \\\\", charset="UTF-8"')
  assert.equal(told.fields.get('Cache-Control'), 'no-store')
  assert.match(String(told.body), /sluice: credentials_missing/)
  assert.equal(origin.received, '')
  const record = await proxy.records.at(0)
  assert.deepEqual([record.user, record.error], ['', 'credentials_missing'])
})

test('the right password lets on, is not shown to the server and names the user in the log', async t => {
  const origin = await startOrigin(t)
  for (const password of [HASHED, 'open sesame']) {
    const proxy = await startProxy(t, { to: origin, layers: [auth({ alice: password })] })
    const client = await connect(t, proxy)
    for (let i = 0; i < 3; i++) {
      const told = await client.ask(request('/', { fields: basic('alice', 'open sesame') }))
      assert.equal(told.status, 200)
    }
    assert.deepEqual(
      proxy.records.all.map(({ user, error }) => [user, error]),
      Array(3).fill(['alice', '']),
    )
  }
  assert.doesNotMatch(origin.received, /authorization/i)
})

test('passOn gives the credentials to the server', async t => {
  const origin = await startOrigin(t)
  const proxy = await startProxy(t, { to: origin, layers: [auth({ alice: HASHED }, { passOn: true })] })
  const client = await connect(t, proxy)
  await client.ask(request('/', { fields: basic('alice', 'open sesame') }))
  assert.ok(origin.received.includes(basic('alice', 'open sesame')))
})

test('wrong password, wrong name, and right again: only the password of the name itself counts', async t => {
  const origin = await startOrigin(t)
  const users = { alice: HASHED, bob: scryptHash('swordfish'), carol: 'plain words' }
  const proxy = await startProxy(t, { to: origin, layers: [auth(users)] })
  const client = await connect(t, proxy)
  const asked: [string, string, number, string][] = [
    ['alice', 'swordfish', 401, 'alice'],
    ['bob', 'swordfish', 200, 'bob'],
    ['carol', 'plain words', 200, 'carol'],
    ['carol', 'plain word', 401, 'carol'],
    // A name that nobody has is checked against a hash of somebody else: it must not open with that password.
    ...['open sesame', 'swordfish', 'plain words'].flatMap(password =>
      ['mallory', 'Alice', '', 'dave', 'erin', 'frank'].map((name): [string, string, number, string] => [
        name,
        password,
        401,
        '',
      ]),
    ),
    ['alice', 'open sesame', 200, 'alice'],
  ]
  for (const [name, password, status, user] of asked) {
    const told = await client.ask(request('/', { fields: basic(name, password) }))
    assert.equal(told.status, status, `${name} ${password}`)
    assert.equal(proxy.records.all.at(-1)?.user, user, `${name} ${password}`)
  }
})

test('names and passwords in any script, composed or not (RFC 7617 §2.1)', async t => {
  const origin = await startOrigin(t)
  const users = { 'zo\u00eb': scryptHash('\u00e9t\u00e9 \u2603: yes'.normalize('NFC')) }
  const proxy = await startProxy(t, { to: origin, layers: [auth(users)] })
  const client = await connect(t, proxy)
  for (const form of ['NFC', 'NFD']) {
    const fields = basic('zo\u00eb'.normalize(form), '\u00e9t\u00e9 \u2603: yes'.normalize(form))
    assert.equal((await client.ask(request('/', { fields }))).status, 200, form)
  }
})

const MALFORMED: readonly (readonly [what: string, line: string])[] = [
  ['another scheme', 'Authorization: Bearer YWxpY2U6b3BlbiBzZXNhbWU=\r\n'],
  ['no token', 'Authorization: Basic\r\n'],
  ['an empty token', 'Authorization: Basic  \r\n'],
  ['no base64', 'Authorization: Basic alice:open\r\n'],
  ['base64 without its padding', 'Authorization: Basic YWxpY2U6b3BlbiBzZXNhbWU\r\n'],
  ['base64 with bits to spare', 'Authorization: Basic YWxpY2U6b3BlbiBzZXNhbWV=\r\n'],
  [
    'bytes that are not UTF-8',
    `Authorization: Basic ${Buffer.from('alice:\xff', 'latin1').toString('base64')}\r\n`,
  ],
  ['no colon', `Authorization: Basic ${Buffer.from('alice').toString('base64')}\r\n`],
  ['more than is looked at', basic('alice', 'x'.repeat(2000))],
  ['twice', `${basic('alice', 'open sesame')}${basic('alice', 'open sesame')}`],
  ['wrong and right', `${basic('alice', 'no')}${basic('alice', 'open sesame')}`],
  ['for a proxy', basic('alice', 'open sesame').replace('Auth', 'Proxy-Auth')],
]

test('credentials that are not credentials get 401', async t => {
  const origin = await startOrigin(t)
  const proxy = await startProxy(t, { to: origin, layers: [auth({ alice: HASHED })] })
  const client = await connect(t, proxy)
  for (const [what, fields] of MALFORMED) {
    const told = await client.ask(request('/', { fields }))
    assert.equal(told.status, 401, what)
    assert.ok(told.fields.get('WWW-Authenticate'), what)
  }
  assert.equal(origin.received, '')
})

test('the scheme in any case, blanks in front of the token', async t => {
  const origin = await startOrigin(t)
  const proxy = await startProxy(t, { to: origin, layers: [auth({ alice: HASHED })] })
  const client = await connect(t, proxy)
  for (const scheme of ['basic', 'BASIC  ', 'bAsIc']) {
    const fields = basic('alice', 'open sesame').replace('Basic', scheme)
    assert.equal((await client.ask(request('/', { fields }))).status, 200, scheme)
  }
})

test('a body waits until the password is known, whatever its framing', async t => {
  const origin = await startOrigin(t)
  const slow = scryptHash('open sesame', 12)
  const body = 'x'.repeat(300_000)
  const bodies: [string, string][] = [
    [`Content-Length: ${body.length}\r\n`, body],
    [CHUNKED, `${chunk(body)}${chunk('')}`],
  ]
  for (const [framing, bytes] of bodies) {
    const proxy = await startProxy(t, { to: origin, layers: [auth({ alice: slow })] })
    const client = await connect(t, proxy)
    const head = requestHead('/', `${framing}${basic('alice', 'open sesame')}`, 'POST')
    client.send(`${head}${bytes}${request('/next', { fields: basic('alice', 'open sesame') })}`)
    assert.equal(String((await client.answer('POST')).body), 'POST / 300000')
    assert.equal(String((await client.answer()).body), 'GET /next 0')
  }
})

test('who leaves while the password is checked is not served, and the next is', async t => {
  const origin = await startOrigin(t)
  const proxy = await startProxy(t, { to: origin, layers: [auth({ alice: scryptHash('open sesame', 14) })] })
  const fields = basic('alice', 'open sesame')
  const gone = await connect(t, proxy)
  gone.send(request('/gone', { fields }))
  await until(() => proxy.server.connections === 1, 'the first client')
  const stays = await connect(t, proxy)
  stays.send(request('/stays', { fields }))
  gone.destroy()
  assert.equal((await stays.answer()).status, 200)
  const left = await proxy.records.at(0)
  assert.deepEqual([left.status, left.target], [499, '/gone'])
  assert.deepEqual(origin.lines, ['GET /stays HTTP/1.1'])
})

test('a fault behind the check becomes an answer', async t => {
  const proxy = await startProxy(t, { layers: [auth({ alice: HASHED })] })
  const client = await connect(t, proxy)
  const told = await client.ask(request('/', { fields: basic('alice', 'open sesame') }))
  assert.equal(told.status, 503)
  assert.match(String(told.body), /no_server/)
})

test('what the next handler throws after the check is a 500 on this connection only', async t => {
  const proxy = await startProxy(t, {
    routes: () => [
      {
        handler: auth({ alice: HASHED })({
          handle: () => {
            throw new TypeError('a bug')
          },
        }),
      },
    ],
  })
  const warnings = proxy.warnings
  const client = await connect(t, proxy)
  const told = await client.ask(request('/', { fields: basic('alice', 'open sesame') }))
  assert.equal(told.status, 500)
  assert.match(warnings.join(), /a bug/)
  warnings.length = 0
})

test('the answer of the server keeps its own challenge', async t => {
  const origin = await startOrigin(t, (_, wire) =>
    wire.send(answer('no', '401 Unauthorized', 'WWW-Authenticate: Bearer\r\n')),
  )
  const proxy = await startProxy(t, { to: origin, layers: [auth({ alice: HASHED })] })
  const client = await connect(t, proxy)
  const told = await client.ask(request('/', { fields: basic('alice', 'open sesame') }))
  assert.deepEqual(told.fields.all('WWW-Authenticate'), ['Bearer'])
})
