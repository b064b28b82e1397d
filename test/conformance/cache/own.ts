/**
 * Our own build in front of the origin: a proxy in this process, with one cache as it is without any option; only
 * Cache-Status tells all that it can.
 */
import { systemClock } from '../../../src/base/clock.ts'
import { Cache } from '../../../src/cache/cache.ts'
import { MemoryStore } from '../../../src/cache/memory-store.ts'
import { CACHE_DEFAULTS } from '../../../src/cache/options.ts'
import { TestProxy } from '../../support/proxy.ts'
import type { Running } from './peers.ts'

export async function startOwn(originPort: number): Promise<Running> {
  const { memoryBytes, variantsMax } = CACHE_DEFAULTS
  const cache = new Cache(
    CACHE_DEFAULTS,
    'suite',
    () => new MemoryStore(memoryBytes, { variantsMax }),
    systemClock,
  )
  const proxy = new TestProxy({ to: `127.0.0.1:${originPort}`, layers: [cache.layer] })
  cache.start({ workers: 1, warn: line => void proxy.warnings.push(line), removed: () => {} })
  await proxy.start()
  const end = async () => {
    await proxy.close()
    await cache.close()
    // A fault that no client saw is one all the same.
    const faults = proxy.warnings.filter(line => line.includes('internal fault'))
    if (faults.length > 0) throw new Error(faults.join('\n'))
  }
  return { host: '127.0.0.1', port: proxy.port, title: 'Sluice', end }
}
