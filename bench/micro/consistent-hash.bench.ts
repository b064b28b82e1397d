/**
 * Three ways to send the same key to the same server, for 3, 10 and 100 servers: what `hash-*` could be made of.
 *
 * Strategy: all three get the same 1 024 keys of 22 characters, hashed by the same function; the ring (ketama, 160
 * points a server, binary search) and the table of Maglev (65 537 places) are built as their papers say.
 *
 *     ns per pick (hash of the key: 34)      3     10    100 servers   kept for 100   building it
 *     weighted rendezvous                   83    130    530              nothing      nothing
 *     ring                                  50     52     56                96 KB        7 ms
 *     Maglev                                41     41     41               131 KB       12 ms
 *
 * Rendezvous is what runs. It costs a tenth of a microsecond more for ten servers, half of one for a hundred, and
 * keeps nothing: the list may be another one for every request (tried, out, backups), a weight may change with every
 * tick of a slow start, only the keys of the server that changed move, and shares are exact. A ring is off by its
 * chance of points, Maglev moves keys of others too, and both are built anew for every change of a weight.
 */
import { hashText, mixBits } from '../../src/base/hash.ts'
import type { Balanced } from '../../src/upstream/balancers/balancer.ts'
import { pickByKey, seedsOf } from '../../src/upstream/balancers/hash.ts'
import type { Suite } from './harness.ts'

const KEYS = Array.from({ length: 1_024 }, (_, number) => `/items/${number}?page=1`)
const RING_POINTS = 160
const MAGLEV_PLACES = 65_537

function serversOf(count: number, weightOf: (number: number) => number): Balanced[] {
  return Array.from({ length: count }, (_, number) => {
    const identity = `10.0.${number >> 8}.${number & 255}:9000`
    const [seedLow, seedHigh] = seedsOf(identity)
    return { identity, seedLow, seedHigh, weight: weightOf(number), busy: 0, credit: 0 }
  })
}

interface Ring {
  readonly marks: Uint32Array
  readonly owners: Uint16Array
}

function buildRing(servers: readonly Balanced[]): Ring {
  const points = servers.flatMap(({ seedLow, weight }, owner) =>
    Array.from({ length: RING_POINTS * weight }, (_, point) => ({ mark: mixBits(seedLow + point), owner })),
  )
  points.sort((one, other) => one.mark - other.mark)
  return {
    marks: Uint32Array.from(points, ({ mark }) => mark),
    owners: Uint16Array.from(points, ({ owner }) => owner),
  }
}

function pickOnRing({ marks, owners }: Ring, servers: readonly Balanced[], key: string): Balanced {
  const hash = hashText(key)
  let [low, high] = [0, marks.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (marks[middle] < hash) low = middle + 1
    else high = middle
  }
  return servers[owners[low === marks.length ? 0 : low]]
}

/** Eisenbud and others, "Maglev: A Fast and Reliable Software Network Load Balancer", 2016, §3.4; equal weights. */
function buildMaglev(servers: readonly Balanced[]): Uint16Array {
  const table = new Uint16Array(MAGLEV_PLACES).fill(0xffff)
  const next = servers.map(({ seedLow }) => (seedLow >>> 0) % MAGLEV_PLACES)
  const skip = servers.map(({ seedHigh }) => ((seedHigh >>> 0) % (MAGLEV_PLACES - 1)) + 1)
  for (let filled = 0; ; )
    for (let owner = 0; owner < servers.length; owner++) {
      while (table[next[owner]] !== 0xffff) next[owner] = (next[owner] + skip[owner]) % MAGLEV_PLACES
      table[next[owner]] = owner
      if (++filled === MAGLEV_PLACES) return table
    }
}

const pickInMaglev = (table: Uint16Array, servers: readonly Balanced[], key: string): Balanced =>
  servers[table[hashText(key) % MAGLEV_PLACES]]

/** A run that takes the next key each time. */
function overKeys(pick: (key: string) => Balanced | null): () => Balanced | null {
  let turn = 0
  return () => pick(KEYS[turn++ & 1_023])
}

const cases = [3, 10, 100].flatMap(count => {
  const equal = serversOf(count, () => 1)
  const weighted = serversOf(count, number => (number % 4) + 1)
  const [ring, table] = [buildRing(equal), buildMaglev(equal)]
  return [
    { name: `rendezvous, ${count} equal servers`, run: overKeys(key => pickByKey(equal, key)) },
    { name: `rendezvous, ${count} weighted servers`, run: overKeys(key => pickByKey(weighted, key)) },
    { name: `ring, ${count} servers`, run: overKeys(key => pickOnRing(ring, equal, key)) },
    { name: `Maglev, ${count} servers`, run: overKeys(key => pickInMaglev(table, equal, key)) },
  ]
})

const hundred = serversOf(100, () => 1)

const suite: Suite = {
  title: 'consistent hashing',
  cases: [
    { name: 'the hash of the key alone', run: overKeys(key => hashText(key) as unknown as Balanced) },
    ...cases,
    { name: 'building the ring of 100', run: () => buildRing(hundred) },
    { name: 'building the table of Maglev for 100', run: () => buildMaglev(hundred) },
  ],
}

export default suite
