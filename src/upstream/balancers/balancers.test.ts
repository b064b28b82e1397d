/** What holds for every balancer, and what each adds. One table: a new balancer is a new row. */
import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import {
  asking,
  askingOf,
  seededRandom,
  server,
  servers,
  type TestServer,
} from '../../../test/support/balancing.ts'
import { type Balance, STICKY_DEFAULTS } from '../options.ts'
import type { Balancer } from './balancer.ts'
import { makeBalancer } from './make-balancer.ts'

interface Row {
  readonly name: string
  readonly balance: Balance
  /** How near it comes to the fair shares: as near as whole numbers can, or as near as chance lets it. */
  readonly shares: 'exact' | 'by chance'
  /** The same request goes to the same server. */
  readonly keyed: boolean
}

const sticky = (otherwise: (typeof STICKY_DEFAULTS)['otherwise']): Balance => ({
  sticky: { ...STICKY_DEFAULTS, otherwise },
})

const ROWS: readonly Row[] = [
  { name: 'round-robin', balance: 'round-robin', shares: 'exact', keyed: false },
  { name: 'least-busy', balance: 'least-busy', shares: 'exact', keyed: false },
  { name: 'random-two', balance: 'random-two', shares: 'by chance', keyed: false },
  { name: 'hash-client', balance: 'hash-client', shares: 'by chance', keyed: true },
  { name: 'hash-uri', balance: 'hash-uri', shares: 'by chance', keyed: true },
  { name: 'hash of a header', balance: { hash: { header: 'x-user' } }, shares: 'by chance', keyed: true },
  { name: 'hash of a cookie', balance: { hash: { cookie: 'session' } }, shares: 'by chance', keyed: true },
  {
    name: 'hash of a header that is missing',
    balance: { hash: { header: 'x-none' } },
    shares: 'exact',
    keyed: false,
  },
  { name: 'sticky', balance: sticky('least-busy'), shares: 'exact', keyed: false },
  { name: 'sticky, otherwise round-robin', balance: sticky('round-robin'), shares: 'exact', keyed: false },
  { name: 'sticky, otherwise hash-client', balance: sticky('hash-client'), shares: 'by chance', keyed: true },
]

const make = (row: Row, of: readonly TestServer[]): Balancer =>
  makeBalancer(row.balance, 'shop', of, seededRandom(7))

/** Whom `count` different requests go to. `busy` grows as if none of them ever ended, or stays. */
function pickMany(balancer: Balancer, of: readonly TestServer[], count: number, busy: 'grows' | 'stays') {
  const picked = new Map(of.map(each => [each, 0]))
  for (let number = 0; number < count; number++) {
    const one = balancer.pick(of, askingOf(number)) as TestServer
    picked.set(one, (picked.get(one) ?? 0) + 1)
    if (busy === 'grows') one.busy++
  }
  return picked
}

function assertShares(picked: Map<TestServer, number>, row: Row): void {
  const total = [...picked.values()].reduce((sum, count) => sum + count, 0)
  const weights = [...picked.keys()].reduce((sum, { weight }) => sum + weight, 0)
  for (const [{ identity, weight }, count] of picked) {
    const fair = (total * weight) / weights
    // Turns need not come out even; four standard deviations are once in 16 000 times.
    const most = row.shares === 'exact' ? 1 : 4 * Math.sqrt(fair)
    assert.ok(Math.abs(count - fair) <= most, `${identity} got ${count} of ${total}, its share is ${fair}`)
  }
}

const shuffled = <T>(list: readonly T[]): T[] => {
  const random = seededRandom(3)
  return list
    .map(each => ({ each, at: random() }))
    .sort((one, other) => one.at - other.at)
    .map(({ each }) => each)
}

for (const row of ROWS) {
  test(`${row.name}: nobody to pick`, () => {
    assert.equal(make(row, []).pick([], askingOf(1)), null)
  })

  test(`${row.name}: one server gets all`, () => {
    const of = servers(3)
    assert.deepEqual([...pickMany(make(row, of), of, 5, 'grows').values()], [5])
  })

  for (const busy of ['grows', 'stays'] as const) {
    test(`${row.name}: equals get equal shares (load ${busy})`, () => {
      const of = servers(...Array<number>(10).fill(1))
      assertShares(pickMany(make(row, of), of, 30_000, busy), row)
    })

    test(`${row.name}: each its share by weight (load ${busy})`, () => {
      const of = servers(5, 1, 2)
      assertShares(pickMany(make(row, of), of, 16_000, busy), row)
    })
  }

  test(`${row.name}: a weight that changes while it runs, in fractions`, () => {
    const of = servers(1, 1, 1, 1)
    const balancer = make(row, of)
    for (const weight of [0.1, 0.25, 0.5, 1, 2.5]) {
      of[0].weight = weight
      for (const each of of) each.busy = 0
      assertShares(pickMany(balancer, of, 20_000, 'grows'), row)
    }
  })

  test(`${row.name}: only those that are offered, however they come and go`, () => {
    const all = servers(1, 2, 1, 3, 1)
    const balancer = make(row, all)
    const lists = fc.array(fc.subarray(all), { maxLength: 30 })
    fc.assert(
      fc.property(lists, sequence => {
        sequence.forEach((list, number) => {
          const picked = balancer.pick(list, askingOf(number))
          assert.equal(picked === null, list.length === 0)
          assert.ok(picked === null || list.includes(picked))
        })
      }),
    )
  })

  test(`${row.name}: a server that returns gets its share again and not what it missed`, () => {
    const of = servers(1, 1, 1)
    const balancer = make(row, of)
    pickMany(balancer, of, 3_000, 'stays')
    pickMany(balancer, of.slice(1), 3_000, 'stays')
    assertShares(pickMany(balancer, of, 30_000, 'stays'), row)
    const next = new Set([1, 2, 3, 4, 5, 6].map(number => balancer.pick(of, askingOf(number))))
    if (!row.keyed && row.shares === 'exact') assert.equal(next.size, 3)
  })

  test(`${row.name}: what explains the choice does not change it`, () => {
    const [of, twins] = [servers(1, 2, 1), servers(1, 2, 1)]
    const [one, other] = [make(row, of), make(row, twins)]
    for (let number = 0; number < 50; number++) {
      one.keyOf(of, askingOf(number))
      assert.equal(one.pick(of, askingOf(number))?.identity, other.pick(twins, askingOf(number))?.identity)
    }
  })

  if (row.keyed)
    test(`${row.name}: every process decides alike, whatever the order of the list and the load`, () => {
      const of = servers(1, 2, 3, 1, 1)
      const again = shuffled(servers(1, 2, 3, 1, 1))
      const [one, other] = [make(row, of), make(row, again)]
      for (let number = 0; number < 500; number++) {
        again[number % 5].busy++
        const picked = one.pick(of, askingOf(number))
        assert.equal(other.pick(again, askingOf(number))?.identity, picked?.identity)
        assert.equal(one.keyOf(of, askingOf(number))?.server ?? picked, picked)
      }
    })
}

// Round-robin.

test('round-robin is smooth: the heavy one does not come in a row', () => {
  const [a, b, c] = [server('a', 5), server('b'), server('c')]
  const balancer = makeBalancer('round-robin', 'shop', [], Math.random)
  const order = Array.from({ length: 7 }, () => balancer.pick([a, b, c], asking())?.identity)
  assert.equal(order.join(''), 'aabacaa')
})

// Least-busy.

test('least-busy: who has least to do for its weight', () => {
  const [a, b, c] = [server('a', 2), server('b'), server('c')]
  Object.assign(a, { busy: 3 })
  Object.assign(b, { busy: 2 })
  Object.assign(c, { busy: 1 })
  const balancer = makeBalancer('least-busy', 'shop', [], Math.random)
  for (let turn = 0; turn < 5; turn++) assert.equal(balancer.pick([a, b, c], asking()), c)
  c.busy = 2
  for (let turn = 0; turn < 5; turn++) assert.equal(balancer.pick([a, b, c], asking()), a)
})

test('least-busy: equals take turns, the heavy one more often', () => {
  const [a, b, c] = [server('a', 3), server('b'), server('c')]
  c.busy = 1
  const balancer = makeBalancer('least-busy', 'shop', [], Math.random)
  const order = Array.from({ length: 8 }, () => balancer.pick([a, b, c], asking())?.identity)
  assert.equal(order.join(''), 'aabaaaba')
})

// Random-two.

test('random-two: of two draws the less busy one, and never the same twice', () => {
  const [a, b, c] = [server('a'), server('b'), server('c')]
  Object.assign(a, { busy: 9 })
  const balancer = makeBalancer('random-two', 'shop', [], seededRandom(1))
  for (let turn = 0; turn < 300; turn++) assert.notEqual(balancer.pick([a, b, c], asking()), a)
})

test('random-two: an idle heavy server is busier only when it has more to do for its weight', () => {
  const [heavy, light] = [server('heavy', 4), server('light')]
  Object.assign(heavy, { busy: 3 })
  Object.assign(light, { busy: 1 })
  const balancer = makeBalancer('random-two', 'shop', [], seededRandom(1))
  for (let turn = 0; turn < 50; turn++) assert.equal(balancer.pick([heavy, light], asking()), heavy)
})

test('random-two: even the largest and smallest numbers of chance name a server', () => {
  for (const chance of [0, 1 - 2 ** -53]) {
    const of = servers(0.1, 0.2, 0.3)
    assert.ok(
      of.includes(makeBalancer('random-two', 'shop', of, () => chance).pick(of, asking()) as TestServer),
    )
  }
})
