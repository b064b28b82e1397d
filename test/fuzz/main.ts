/**
 * Runs the fuzzers, turn by turn, for a while: `node test/fuzz/main.ts --seconds 60 [--seed N] [--only WORDS]`.
 * Each round has a seed of its own; the first that fails is printed with what to type to see it again.
 */
import { parseArgs } from 'node:util'
import { FUZZERS, type Fuzzer } from './fuzzers.ts'
import { Random } from './random.ts'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '10' },
    seed: { type: 'string' },
    only: { type: 'string', default: '' },
  },
})

const seconds = Number(values.seconds)
const firstSeed = values.seed === undefined ? Date.now() % 1_000_000_000 : Number(values.seed)
const chosen = FUZZERS.filter(({ name }) => name.includes(values.only))
if (!(seconds > 0) || !Number.isSafeInteger(firstSeed) || chosen.length === 0) {
  console.error(
    `--seconds and --seed take numbers, --only one of: ${FUZZERS.map(({ name }) => name).join(', ')}`,
  )
  process.exit(2)
}

/** How long one fuzzer runs before the next one has its turn. */
const TURN_MS = 500

/** Runs rounds from this seed on until the time is up; gives the next seed. */
async function turn({ name, run }: Fuzzer, from: number, endMs: number): Promise<number> {
  let seed = from
  do {
    try {
      await run(new Random(seed))
    } catch (error) {
      console.error(error)
      console.error(
        `\n${name}: seed ${seed}. Again: npm run fuzz -- --seconds 1 --only '${name}' --seed ${seed}`,
      )
      process.exit(1)
    }
    seed++
  } while (performance.now() < endMs)
  return seed
}

const nextSeeds = new Map(chosen.map(({ name }) => [name, firstSeed]))
const endMs = performance.now() + seconds * 1000
console.log(`from seed ${firstSeed}, ${seconds} s`)
while (performance.now() < endMs)
  for (const fuzzer of chosen) {
    const turnEndMs = Math.min(endMs, performance.now() + TURN_MS)
    nextSeeds.set(fuzzer.name, await turn(fuzzer, nextSeeds.get(fuzzer.name) as number, turnEndMs))
  }
for (const { name } of chosen) console.log(`${name}: ${(nextSeeds.get(name) as number) - firstSeed} rounds`)
