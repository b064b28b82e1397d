/**
 * The whole program is killed while clients fetch, supervisor and workers, and started again over the same folder:
 * everything that is served is what the server once made for that URL, and nothing that an answered purge has removed.
 * Hundreds of kills: `npm run fuzz -- --seconds 300 --only 'program with a cache'`.
 */
import assert from 'node:assert/strict'
import test from 'node:test'
import { Random } from '../fuzz/random.ts'
import { ProgramCrashes } from '../support/program-crash.ts'

const TIME_MS = 15_000
/** Also on a machine that is slow. */
const LIVES_MIN = 3

async function killed(random: Random, diskSize: string): Promise<ProgramCrashes> {
  const crashes = await ProgramCrashes.begin(random, diskSize)
  const endMs = performance.now() + TIME_MS
  try {
    while (performance.now() < endMs || crashes.lives < LIVES_MIN) await crashes.life()
  } finally {
    await crashes.end()
  }
  return crashes
}

test('killed whole, with room for all and while others are evicted', async context => {
  const seed = Number(process.env['SEED'] ?? 7)
  const both = await Promise.all([
    killed(new Random(seed), '100MB'),
    // Less than all that is stored.
    killed(new Random(seed + 1), '1MB'),
  ])
  for (const { kills, lives, hits, hitsFromDisk } of both) {
    assert.ok(hitsFromDisk > 0, 'something was there again after a start')
    assert.ok(hits > hitsFromDisk, 'something was answered from what was just stored')
    context.diagnostic(
      `${kills} processes killed in ${lives} lives; ${hits} hits compared, ${hitsFromDisk} of them with what was there again`,
    )
  }
})
