/**
 * Processes that fill the same folder of a cache are killed at any moment: whatever is found afterwards is whole and
 * what was stored. More of it: `npm run fuzz -- --seconds 60 --only killed`.
 */
import assert from 'node:assert/strict'
import test from 'node:test'
import { Random } from '../fuzz/random.ts'
import { Crashes } from '../support/disk-crash.ts'

/** For each of them. */
const TIME_MS = 6_000

for (const [words, bytesMax] of [
  ['with room for all', 64 * 1024 * 1024],
  ['while others are evicted', 1024 * 1024],
] as const)
  test(`one and two processes at once are killed while they fill, ${words}`, async context => {
    const crashes = new Crashes(bytesMax)
    const endMs = performance.now() + TIME_MS
    const random = new Random(Number(process.env['SEED'] ?? 7))
    try {
      while (performance.now() < endMs || crashes.kills < 12) await crashes.round(random, 1 + random.below(3))
    } finally {
      await crashes.end()
    }
    assert.ok(crashes.found > 0, 'something was found')
    context.diagnostic(`${crashes.kills} killed, ${crashes.found} responses read and compared`)
  })
