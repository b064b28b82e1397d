import assert from 'node:assert/strict'
import test from 'node:test'
import { server, servers, type TestServer } from '../../../test/support/balancing.ts'
import { pickByKey } from './hash.ts'

const KEYS: readonly string[] = Array.from({ length: 50_000 }, (_, number) => `/items/${number}`)

const homes = (of: readonly TestServer[], keys = KEYS): (TestServer | null)[] =>
  keys.map(key => pickByKey(of, key))

const ten = (): TestServer[] => servers(...Array<number>(10).fill(1))

test('taking one of ten away moves its keys and no others, to all that are left', () => {
  const of = ten()
  const before = homes(of)
  for (const gone of [of[0], of[4], of[9]]) {
    const left = of.filter(each => each !== gone)
    const after = homes(left)
    const moved = KEYS.map((_, i) => i).filter(i => before[i] !== after[i])
    assert.ok(moved.every(i => before[i] === gone))
    assert.ok(moved.length / KEYS.length < 0.105, `${moved.length} moved`)
    for (const each of left) {
      const taken = moved.filter(i => after[i] === each).length
      assert.ok(
        Math.abs(taken - moved.length / 9) < 0.2 * (moved.length / 9),
        `${each.identity} took ${taken}`,
      )
    }
  }
})

test('adding one moves only what the new one gets: 1 of n + 1', () => {
  const of = ten()
  const added = server('10.0.0.99:80')
  const before = homes(of)
  const after = homes([added, ...of])
  const moved = KEYS.map((_, i) => i).filter(i => before[i] !== after[i])
  assert.ok(moved.every(i => after[i] === added))
  assert.ok(Math.abs(moved.length / KEYS.length - 1 / 11) < 0.005, `${moved.length} moved`)
})

test('a server that returns has its keys again', () => {
  const of = ten()
  const before = homes(of)
  homes(of.slice(3))
  assert.deepEqual(homes(of), before)
})

test('another weight moves keys to or from that server only', () => {
  const of = servers(2, 1, 1, 3)
  const before = homes(of)
  for (const weight of [0.2, 1.5, 4]) {
    of[0].weight = weight
    homes(of).forEach((after, i) => {
      if (after === before[i]) return
      assert.equal(weight < 2 ? before[i] : after, of[0])
    })
  }
})

test('weights are heeded within three percent', () => {
  const of = servers(1, 2, 5, 10)
  const picked = homes(of)
  for (const each of of) {
    const share = picked.filter(one => one === each).length / KEYS.length
    assert.ok(
      Math.abs(share - each.weight / 18) < 0.03 * (each.weight / 18) + 0.001,
      `${each.identity}: ${share}`,
    )
  }
})

/** Keys that differ in little, as real ones do. */
const FAMILIES: Readonly<Record<string, (number: number) => string>> = {
  'counting numbers': String,
  'addresses of one network': number => `10.0.${number >> 8}.${number & 255}`,
  'IPv6 addresses': number => `2001:db8::${number.toString(16)}`,
  'one letter and much of the same': number => `${'x'.repeat(200)}${number}`,
  'numbers in front': number => `${number}${'/index.html'.repeat(5)}`,
  'long runs of one byte': number => '\0'.repeat(number % 5_000) + (number >= 5_000 ? '1' : ''),
}

for (const [name, keyOf] of Object.entries(FAMILIES))
  test(`spread evenly: ${name}`, () => {
    const of = ten()
    const keys = Array.from({ length: 10_000 }, (_, number) => keyOf(number))
    const picked = homes(of, keys)
    // Chi-squared with 9 degrees of freedom: 33.7 is once in 10 000 times.
    const squares = of.map(each => (picked.filter(one => one === each).length - 1_000) ** 2 / 1_000)
    const sum = squares.reduce((total, square) => total + square, 0)
    assert.ok(sum < 33.7, `${sum}`)
  })

test('neighbours in the list and similar addresses are no nearer than others', () => {
  // The keys of one server, spread over another group with the same ports: no pattern of the first may show.
  const [one, other] = [
    servers(1, 1, 1, 1),
    Array.from({ length: 4 }, (_, i) => server(`10.0.1.${i + 1}:80`)),
  ]
  const own = KEYS.filter(key => pickByKey(one, key) === one[0])
  for (const each of other) {
    const share = own.filter(key => pickByKey(other, key) === each).length / own.length
    assert.ok(Math.abs(share - 0.25) < 0.015, `${each.identity}: ${share}`)
  }
})

test('keys of attack: ten thousand that meet on one server are one key as far as time goes', () => {
  const of = ten()
  const chosen = KEYS.filter(key => pickByKey(of, key) === of[0])
  assert.ok(chosen.length > 4_000)
  // Without that server they are everybody's again.
  const left = of.slice(1)
  const picked = homes(left, chosen)
  for (const each of left) assert.ok(picked.filter(one => one === each).length > chosen.length / 9 / 2)
})
