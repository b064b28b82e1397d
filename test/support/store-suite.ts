/**
 * What every store has to do, the same tests for all of them: memory, disk, one in front of the other.
 * Strategy: a store is made anew for each test, with limits as its table asks for; whatever it does behind its
 * caller's back is waited for with `settled`, never with time. Most
 * tests want no limit in their way.
 */
import { describe, it } from 'node:test'
import type { Store } from '../../src/cache/store.ts'
import { CONTENT_TESTS } from './store-content.ts'
import { FILLING_TESTS } from './store-filling.ts'
import { LIMIT_TESTS, SMALL } from './store-limits.ts'
import { MODEL_TESTS } from './store-model.ts'
import { PURGE_TESTS } from './store-purging.ts'

export interface StoreLimits {
  readonly bytesMax: number
  readonly variantsMax: number
}

export interface StoreInTest {
  readonly store: Store
  /** Resolves when nothing runs in the background any more (eviction, writing). */
  settled(): Promise<void>
  /** Called when the test has ended; the store has been closed by then. */
  dispose(): Promise<void>
}

export type StoreMaker = (limits: StoreLimits) => StoreInTest | Promise<StoreInTest>

export type StoreTest = (store: Store, settled: () => Promise<void>) => void | Promise<void>
/** Name → test. */
export type StoreTests = Readonly<Record<string, StoreTest>>

const ROOMY: StoreLimits = { bytesMax: 64 * 1024 * 1024, variantsMax: 64 }

export function storeSuite(name: string, make: StoreMaker): void {
  const run = (test: StoreTest, limits: StoreLimits) => async (): Promise<void> => {
    const { store, settled, dispose } = await make(limits)
    try {
      await test(store, settled)
    } finally {
      await store.close()
      await dispose()
    }
  }
  describe(name, () => {
    for (const tests of [CONTENT_TESTS, FILLING_TESTS, PURGE_TESTS, MODEL_TESTS])
      for (const [words, test] of Object.entries(tests)) it(words, run(test, ROOMY))
    for (const [words, test] of Object.entries(LIMIT_TESTS)) it(words, run(test, SMALL))
  })
}
