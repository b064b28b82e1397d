import assert from 'node:assert/strict'
import test from 'node:test'
import { type Balanced, type Balancer, makeBalancer } from './balancers.ts'
import type { BalancerName } from './options.ts'

interface Server extends Balanced {
  readonly name: string
  busy: number
}

const server = (name: string, weight = 1): Server => ({ name, weight, busy: 0, credit: 0 })

/** Names of the servers picked, `busy` counted as if no exchange ever ended. */
function picks(balancer: Balancer, servers: readonly Server[], count: number): string {
  let names = ''
  for (let turn = 0; turn < count; turn++) {
    const picked = balancer.pick(servers)
    if (picked === null) return `${names}-`
    picked.busy++
    names += picked.name
  }
  return names
}

const shares = (names: string): Record<string, number> =>
  Object.fromEntries([...new Set(names)].sort().map(name => [name, names.split(name).length - 1]))

// What holds for every balancer.
for (const name of ['round-robin', 'least-busy'] satisfies BalancerName[]) {
  test(`${name}: nobody to pick`, () => {
    assert.equal(makeBalancer(name).pick([]), null)
  })

  test(`${name}: one server gets all`, () => {
    assert.equal(picks(makeBalancer(name), [server('a', 3)], 4), 'aaaa')
  })

  test(`${name}: equals take turns`, () => {
    const names = picks(makeBalancer(name), [server('a'), server('b'), server('c')], 9)
    assert.deepEqual(shares(names), { a: 3, b: 3, c: 3 })
    assert.equal(new Set(names.slice(0, 3)).size, 3)
  })

  test(`${name}: each its share by weight`, () => {
    const names = picks(makeBalancer(name), [server('a', 5), server('b', 1), server('c', 2)], 80)
    assert.deepEqual(shares(names), { a: 50, b: 10, c: 20 })
  })

  test(`${name}: only those that it may choose from, which may change`, () => {
    const balancer = makeBalancer(name)
    const [a, b, c] = [server('a'), server('b'), server('c')]
    for (let turn = 0; turn < 20; turn++) {
      assert.notEqual(balancer.pick([a, b, c].filter((_, at) => at !== turn % 3)), [a, b, c][turn % 3])
    }
    assert.ok(balancer.pick([c]) === c)
  })
}

test('round-robin is smooth: the heavy one does not come in a row', () => {
  assert.equal(picks(makeBalancer('round-robin'), [server('a', 5), server('b'), server('c')], 7), 'aabacaa')
})

test('least-busy: who has least to do for its weight', () => {
  const [a, b, c] = [server('a', 2), server('b'), server('c')]
  Object.assign(a, { busy: 3 })
  Object.assign(b, { busy: 2 })
  Object.assign(c, { busy: 1 })
  const balancer = makeBalancer('least-busy')
  for (let turn = 0; turn < 5; turn++) assert.equal(balancer.pick([a, b, c]), c)
  c.busy = 2
  for (let turn = 0; turn < 5; turn++) assert.equal(balancer.pick([a, b, c]), a)
})
