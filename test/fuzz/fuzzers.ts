/**
 * All fuzzers, each a function of chance alone that throws when something does not hold.
 */
import assert from 'node:assert/strict'

import { Crashes } from '../support/disk-crash.ts'
import { ProgramCrashes } from '../support/program-crash.ts'

import { cachedTraffic } from './cache-fuzz.ts'

import { bodyInPieces, headInPieces } from './codec-fuzz.ts'
import { REQUESTS, RESPONSES } from './corpus.ts'
import { compareRequests, compareResponses } from './differential.ts'
import { mutate, type Random } from './random.ts'
import { honestConversation, hostileConversation } from './session-fuzz.ts'

export interface Fuzzer {
  readonly name: string
  readonly run: (random: Random) => void | Promise<void>
  /** Rounds in the tests. */
  readonly rounds: number
}

const ANSWERS = RESPONSES.map(({ text }) => text)

async function requestAsNode(random: Random): Promise<void> {
  const text = mutate(random, random.of(REQUESTS), REQUESTS)
  assert.equal(await compareRequests(text), null, JSON.stringify(text))
}

async function responseAsNode(random: Random): Promise<void> {
  const { method, text } = random.of(RESPONSES)
  const mutated = mutate(random, text, ANSWERS)
  assert.equal(await compareResponses(method, mutated), null, JSON.stringify(mutated))
}

/** Processes that share the folder of a cache are killed in it, again and again. */
async function killedInTheCache(random: Random): Promise<void> {
  const crashes = new Crashes(random.of([300_000, 1_000_000, 100_000_000]))
  try {
    for (let round = 0; round < 8; round++) await crashes.round(random, 1 + random.below(3))
  } finally {
    await crashes.end()
  }
}

/** The same for a whole program, its supervisor too, while clients fetch. */
async function programKilled(random: Random): Promise<void> {
  const crashes = await ProgramCrashes.begin(random, random.of(['1MB', '2MB', '100MB']))
  try {
    for (let life = 0; life < 10; life++) await crashes.life()
  } finally {
    await crashes.end()
  }
}

export const FUZZERS: readonly Fuzzer[] = [
  { name: 'heads in pieces', run: headInPieces, rounds: 1_000 },
  { name: 'bodies in pieces', run: bodyInPieces, rounds: 3_000 },
  { name: 'requests as Node reads them', run: requestAsNode, rounds: 4_000 },
  { name: 'answers as Node reads them', run: responseAsNode, rounds: 4_000 },
  { name: 'conversations by the rules', run: honestConversation, rounds: 300 },
  { name: 'conversations of anything', run: hostileConversation, rounds: 1_000 },
  { name: 'killed while they fill a cache', run: killedInTheCache, rounds: 1 },
  // It has a test of its own, bounded by time: cache-crash-program.test.ts.
  { name: 'a program with a cache is killed', run: programKilled, rounds: 0 },
  { name: 'what a cache may answer', run: random => cachedTraffic(random), rounds: 200 },
]
