/**
 * Guessing passwords: each guess costs the server a slow hash and the attacker nothing, so guesses are a way to eat
 * the processor and to keep others out as much as a way in. The attacker also measures: who finds out which names
 * exist has half of the work done.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { basicAuthLayer } from '../../src/layers/basic-auth.ts'
import { answer, startOrigin } from '../support/origin.ts'
import { startProxy } from '../support/proxy.ts'
import { connect } from '../support/raw-client.ts'
import { request } from '../support/requests.ts'
import { basic, scryptHash } from '../support/scrypt.ts'

/** A hash that takes several milliseconds: longer than all requests of a test take to arrive. */
const SLOW = scryptHash('open sesame', 12)

/** A proxy that trusts us, so that we can be many clients. */
async function site(t: Parameters<typeof startProxy>[0]) {
  const origin = await startOrigin(t, (_, wire) => wire.send(answer('in')))
  const users = new Map([
    ['alice', SLOW],
    ['bob', scryptHash('swordfish', 12)],
  ])
  return startProxy(t, {
    to: origin,
    layers: [basicAuthLayer({ realm: 'x', users })],
    listener: { trust: ['127.0.0.1'] },
  })
}

const from = (address: string, name: string, password: string): string =>
  request('/', { fields: `X-Forwarded-For: ${address}\r\n${basic(name, password)}` })

test('a flood of guesses from one client fills its own places and nobody else waits behind all of it', async t => {
  const proxy = await site(t)
  const known = await connect(t, proxy)
  assert.equal((await known.ask(from('192.0.2.1', 'alice', 'open sesame'))).status, 200)

  const guesses = await Promise.all(
    Array.from({ length: 40 }, async (_, i) => {
      const client = await connect(t, proxy)
      return { client, bytes: from('192.0.2.66', 'alice', `guess ${i}`) }
    }),
  )
  const newcomer = await connect(t, proxy)
  for (const { client, bytes } of guesses) client.send(bytes)
  const first = guesses.map(({ client }) => client.answer())
  const busy = await Promise.any(
    first.map(async each => ((await each).status === 503 ? each : Promise.reject())),
  )
  assert.equal(busy.fields.get('Retry-After'), '1')
  assert.match(String(busy.body), /credentials_queue_full/)

  // Who has been let in before does not wait at all, and who comes anew waits for a few only.
  assert.equal((await known.ask(from('192.0.2.1', 'alice', 'open sesame'))).status, 200)
  assert.equal((await newcomer.ask(from('192.0.2.2', 'bob', 'swordfish'))).status, 200)

  const statuses = (await Promise.all(first)).map(each => each.status)
  // One that is hashed, eight that wait; all others are told to come again.
  assert.ok(statuses.filter(status => status === 401).length <= 12, String(statuses))
  assert.ok(statuses.every(status => status === 401 || status === 503))
})

test('a flood from many clients has an end too', async t => {
  const proxy = await site(t)
  const clients = await Promise.all(Array.from({ length: 100 }, () => connect(t, proxy)))
  for (const [i, client] of clients.entries()) client.send(from(`198.51.100.${i}`, 'alice', `guess ${i}`))
  const statuses = (await Promise.all(clients.map(client => client.answer()))).map(each => each.status)
  assert.ok(statuses.includes(503))
  assert.ok(statuses.every(status => status === 401 || status === 503))
  // The line is empty again, and works.
  assert.equal((await clients[0].ask(from('192.0.2.1', 'alice', 'open sesame'))).status, 200)
})

test('guesses of clients that left do not hold places', async t => {
  const proxy = await site(t)
  const gone = await Promise.all(Array.from({ length: 100 }, () => connect(t, proxy)))
  for (const [i, client] of gone.entries()) {
    client.send(from(`198.51.100.${i}`, 'bob', `guess ${i}`))
    client.destroy()
  }
  await proxy.records.count(100)
  const client = await connect(t, proxy)
  assert.equal((await client.ask(from('192.0.2.1', 'alice', 'open sesame'))).status, 200)
})

test('a name that nobody has waits in the same line as one that somebody has', async t => {
  const proxy = await site(t)
  const clients = await Promise.all(Array.from({ length: 20 }, () => connect(t, proxy)))
  for (const [i, client] of clients.entries()) client.send(from('192.0.2.66', `nobody ${i}`, 'x'))
  const answers = await Promise.all(clients.map(client => client.answer()))
  const statuses = new Set(answers.map(each => each.status))
  // Were unknown names refused at once, the line would never be full.
  assert.deepEqual([...statuses].sort(), [401, 503])
})

test('the same credentials on many connections at once are one check', async t => {
  const proxy = await site(t)
  const clients = await Promise.all(Array.from({ length: 60 }, () => connect(t, proxy)))
  for (const client of clients) client.send(from('192.0.2.1', 'alice', 'open sesame'))
  for (const client of clients) assert.equal((await client.answer()).status, 200)
})

test('neither log nor answer holds a password or a name that is not known', async t => {
  const proxy = await site(t)
  const client = await connect(t, proxy)
  const secrets = ['a-wrong-guess', 'password-as-name']
  const answers = [
    await client.ask(from('192.0.2.1', 'alice', secrets[0])),
    await client.ask(from('192.0.2.1', secrets[1], '')),
    await client.ask(request('/', { fields: `Authorization: Basic ${secrets[0]}\r\n` })),
  ]
  const told = JSON.stringify([
    answers.map(each => [each.text, String(each.body)]),
    proxy.records.all.map(({ exchange, ...record }) => record),
    proxy.warnings,
  ])
  for (const secret of secrets) assert.ok(!told.includes(secret))
})
