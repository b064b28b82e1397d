/** A little of every fuzzer, always the same; `npm run fuzz` goes on from there. */
import test from 'node:test'
import { FUZZERS } from './fuzzers.ts'
import { Random } from './random.ts'

for (const { name, run, rounds } of FUZZERS.filter(each => each.rounds > 0))
  test(`${name}, ${rounds} times`, async () => {
    for (let seed = 1; seed <= rounds; seed++)
      try {
        await run(new Random(seed))
      } catch (error) {
        throw new Error(`with seed ${seed}`, { cause: error })
      }
  })
