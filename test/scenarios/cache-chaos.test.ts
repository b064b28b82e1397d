/**
 * A cache between clients that leave, wait, ask for parts and write, and servers that fail in every way: each whole
 * answer is right, and in the end nothing is open, held or waited for.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from '../../src/base/clock.ts'
import { Cache } from '../../src/cache/cache.ts'
import { CACHE_DEFAULTS } from '../../src/cache/options.ts'
import { compressLayer } from '../../src/layers/compress.ts'
import { Random } from '../fuzz/random.ts'
import { CacheChaos } from '../support/cache-chaos.ts'
import { startOrigin } from '../support/origin.ts'
import { startProxy } from '../support/proxy.ts'
import { until } from '../support/wait.ts'
import { WatchedStore } from '../support/watched-store.ts'

const SEED = Number(process.env['SEED'] ?? 20_261_120)
const CLIENTS = 40
const REQUESTS = 30

const OPTIONS = {
  ...CACHE_DEFAULTS,
  memoryBytes: 2_000_000,
  objectBytesMax: 300_000,
  fillingBytesMax: 600_000,
  finishBytesMax: 50_000,
  uncacheableMs: 30,
}

for (const [name, front, behind] of [
  ['a cache', [], []],
  ['a cache behind compression', [compressLayer({})], []],
  ['a cache in front of compression', [], [compressLayer({})]],
] as const)
  test(`anything may happen to ${name}`, async t => {
    const random = new Random(SEED)
    const chaos = new CacheChaos(random)
    const store = new WatchedStore(1_500_000, random)
    const cache = new Cache(OPTIONS, 'test', () => store, systemClock)
    cache.start({ workers: 1, warn() {}, removed() {} })
    const origin = await startOrigin(t, chaos.script, { faultsExpected: true })
    const proxy = await startProxy(t, { to: origin, layers: [...front, cache.layer, ...behind] })
    const purging = setInterval(() => void cache.purge({ kind: 'all' }, random.once(2)), 40)
    await Promise.all(Array.from({ length: CLIENTS }, () => chaos.client(t, proxy, REQUESTS)))
    clearInterval(purging)
    assert.deepEqual(chaos.faults, [])
    assert.deepEqual(store.faults, [])
    const left = (): string =>
      JSON.stringify({
        fetches: cache.fetches.size,
        underWay: cache.underWay.size,
        fillingBytes: cache.fillingBytes,
        bodies: store.openBodies,
        fillings: store.openFillings,
        busy: proxy.group.endpoints.reduce((sum, { busy, queued }) => sum + busy + queued, 0),
      })
    const nothing = left().replaceAll(/:\d+/g, ':0')
    await until(() => left() === nothing, 'nothing to be left').catch(() => assert.equal(left(), nothing))
    assert.ok(
      (chaos.outcomes['200'] ?? 0) > 100 && (chaos.outcomes['206'] ?? 0) > 10,
      JSON.stringify(chaos.outcomes),
    )
  })
