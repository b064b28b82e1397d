/** Which servers of a group a balancer is offered: in service or out, tried or not, regulars and backups. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { asking, seededRandom } from '../../test/support/balancing.ts'
import { serverAddress } from '../../test/support/playbook.ts'
import type { Exchange } from '../exchange/exchange.ts'
import type { Endpoint } from './endpoint.ts'
import { Group } from './group.ts'
import { type Balance, GROUP_DEFAULTS, type ServerAddress, STICKY_DEFAULTS } from './options.ts'

function groupOf(balance: Balance, ...servers: readonly ServerAddress[]): Group {
  return new Group({ ...GROUP_DEFAULTS, name: 'shop', balance, servers }, { random: seededRandom(5) })
}

const prioritised = (...priorities: readonly number[]): ServerAddress[] =>
  priorities.map((priority, i) => serverAddress(i + 1, { priority }))

const anExchange = (address = '192.0.2.7'): Exchange => asking({ clientAddress: address }) as Exchange

/** Numbers of the servers that many requests go to. */
function serving(group: Group, tried: readonly Endpoint[] | null = null): number[] {
  const found = new Set<number>()
  for (let i = 0; i < 200; i++) {
    const picked = group.pick(anExchange(`10.0.0.${i}`), tried)
    if (picked !== null) found.add(group.endpoints.indexOf(picked) + 1)
  }
  return [...found].sort()
}

function setOut(group: Group, ...numbers: readonly number[]): void {
  group.endpoints.forEach((endpoint, i) => {
    endpoint.out = numbers.includes(i + 1)
  })
  group.changed()
}

const BALANCES: readonly Balance[] = [
  'round-robin',
  'least-busy',
  'random-two',
  'hash-client',
  { hash: { header: 'x-none' } },
  { sticky: STICKY_DEFAULTS },
]

for (const balance of BALANCES) {
  const name = JSON.stringify(balance)

  test(`${name}: who is out gets nothing, and its share again when it returns`, () => {
    const group = groupOf(balance, ...prioritised(1, 1, 1))
    assert.deepEqual(serving(group), [1, 2, 3])
    setOut(group, 2)
    assert.deepEqual(serving(group), [1, 3])
    setOut(group)
    assert.deepEqual(serving(group), [1, 2, 3])
  })

  test(`${name}: when all are out all are tried, backups too`, () => {
    const group = groupOf(balance, ...prioritised(1, 1, 2))
    setOut(group, 1, 2, 3)
    assert.deepEqual(serving(group), [1, 2, 3])
  })

  test(`${name}: backups serve only while everyone before them is out`, () => {
    const group = groupOf(balance, ...prioritised(2, 1, 1, 3, 2))
    assert.deepEqual(serving(group), [2, 3])
    setOut(group, 2)
    assert.deepEqual(serving(group), [3])
    setOut(group, 2, 3)
    assert.deepEqual(serving(group), [1, 5])
    setOut(group, 1, 2, 3, 5)
    assert.deepEqual(serving(group), [4])
    setOut(group, 1, 2, 5)
    assert.deepEqual(serving(group), [3])
  })

  test(`${name}: never one that was tried: first the rest, then backups, then who is out`, () => {
    const group = groupOf(balance, ...prioritised(1, 1, 1, 2))
    setOut(group, 3)
    const [one, two, three, backup] = group.endpoints
    assert.deepEqual(serving(group, [one]), [2])
    assert.deepEqual(serving(group, [one, two]), [4])
    assert.deepEqual(serving(group, [one, two, backup]), [3])
    assert.deepEqual(serving(group, [one, two, backup, three]), [])
  })
}

test('a list without a change is not made anew for each request', () => {
  const group = groupOf('round-robin', ...prioritised(1, 1, 2))
  // Health has not said yet that something changed.
  group.endpoints[0].out = true
  assert.deepEqual(serving(group), [1, 2])
})

test('a retry for a key goes where the key goes when its server is out', () => {
  const group = groupOf('hash-client', ...prioritised(1, 1, 1, 1))
  for (let i = 0; i < 50; i++) {
    const exchange = anExchange(`10.0.1.${i}`)
    setOut(group)
    const home = group.pick(exchange, null) as Endpoint
    const retry = group.pick(exchange, [home])
    setOut(group, group.endpoints.indexOf(home) + 1)
    assert.equal(group.pick(exchange, null), retry)
  }
})

test('keys stay when servers are listed in another order, with another spelling or more of them', () => {
  const listed = prioritised(1, 1, 1)
  const group = groupOf('hash-client', ...listed)
  const again = groupOf('hash-client', serverAddress(9, { priority: 2 }), ...listed.toReversed())
  for (let i = 0; i < 100; i++) {
    const exchange = anExchange(`10.0.1.${i}`)
    assert.equal(group.pick(exchange, null)?.identity, again.pick(exchange, null)?.identity)
  }
})

test('one address listed twice, or with two base paths, stands for two servers', () => {
  const twice = groupOf(
    'hash-client',
    serverAddress(1),
    serverAddress(1),
    serverAddress(1, { basePath: '/b' }),
  )
  assert.deepEqual(serving(twice), [1, 2, 3])
  const group = groupOf({ sticky: STICKY_DEFAULTS }, serverAddress(1), serverAddress(1))
  assert.equal(new Set(group.endpoints.map(({ identity }) => identity)).size, 2)
})

// Why.

test('explained: the key, whose it is, and why another serves', () => {
  const group = groupOf('hash-client', ...prioritised(1, 1, 2))
  const { named, ...rest } = group.explain(asking())
  assert.ok(named !== null)
  assert.deepEqual(rest, { key: 'client 192.0.2.7', picked: named, why: '' })
  assert.equal(group.pick(anExchange(), null), named)
  setOut(group, group.endpoints.indexOf(named) + 1)
  const now = group.explain(asking())
  assert.equal(now.named, named)
  assert.equal(now.picked, group.pick(anExchange(), null))
  assert.notEqual(now.picked, named)
  assert.equal(now.why, `${named.address.label} is out`)
})

test('explained: a request without the key, and secrets shortened', () => {
  const group = groupOf({ hash: { cookie: 'session' } }, ...prioritised(1, 1))
  const { key, named, picked, why } = group.explain(asking())
  assert.deepEqual([key, named, why], ['no cookie session', null, ''])
  assert.ok(picked !== null)
  assert.equal(group.explain(asking({}, { Cookie: 'session=abcdefgh' })).key, 'cookie session=abcd…')
})

test('explained: what takes turns is not moved on', () => {
  for (const balance of ['round-robin', 'least-busy', { hash: { header: 'x-none' } }] as const) {
    const group = groupOf(balance, ...prioritised(1, 1, 1))
    for (let i = 0; i < 10; i++) {
      const { picked } = group.explain(asking())
      assert.equal(group.explain(asking()).picked, picked)
      assert.equal(group.pick(anExchange(), null), picked)
    }
  }
})

test('explained: a group without servers', () => {
  assert.deepEqual(groupOf('round-robin').explain(asking()), {
    key: null,
    named: null,
    picked: null,
    why: '',
  })
})
