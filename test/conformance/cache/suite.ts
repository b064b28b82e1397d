/**
 * The whole suite: its groups, and all of them played against one proxy, many cases side by side.
 */
import { randomBytes } from 'node:crypto'
import type { Case, Group, Step } from './case.ts'
import { GROUPS } from './cases/index.ts'
import type { CaseOrigin } from './origin.ts'
import { answers, type Outcome, play, type Subject } from './play.ts'

export interface SuiteOptions {
  /** Only cases of which this is true, by group and name. */
  readonly chosen?: (name: string) => boolean
  /** What broke off is played again when the proxy has come back, alone: a proxy that falls takes others with it. */
  readonly again?: boolean
  /** No waiting: for proxies that do not look at the clock. */
  readonly hurried?: boolean
}

/** A program that fell gets so long to get up again. */
const RECOVERY_MS = 10_000

/** Enough that waiting cases do not add up; few enough that no proxy queues for long. */
const CASES_AT_ONCE = 48

export interface GroupOutcome {
  readonly group: Group
  readonly outcomes: readonly Outcome[]
}

export async function playSuite(
  subject: Subject,
  origin: CaseOrigin,
  { chosen = () => true, again = false, hurried = false }: SuiteOptions = {},
): Promise<GroupOutcome[]> {
  // No run meets what an earlier one left in a cache that goes on running.
  const run = randomBytes(6).toString('hex')
  const groups = GROUPS.map(group => ({
    group,
    cases: group.cases
      .filter(one => chosen(caseName(group, one.name)))
      .map(one => (hurried ? withoutWaiting(one) : one)),
    outcomes: [] as Outcome[],
  }))
  // Those that wait begin first: nobody waits for them at the end.
  const all = groups
    .flatMap(row => row.cases.map((one, place) => ({ row, one, place })))
    .sort((a, b) => waits(b.one.steps) - waits(a.one.steps))
  let next = 0
  const worker = async () => {
    while (next < all.length) {
      const number = next++
      const { row, one, place } = all[number]
      row.outcomes[place] = await play(one, `/${run}/${number}`, subject, origin)
    }
  }
  await Promise.all(Array.from({ length: CASES_AT_ONCE }, worker))
  for (const [number, { row, one, place }] of all.entries()) {
    if (!again || !row.outcomes[place].broken) continue
    const endMs = performance.now() + RECOVERY_MS
    while (!(await answers(subject)) && performance.now() < endMs)
      await new Promise(resolve => setTimeout(resolve, 100))
    row.outcomes[place] = await play(one, `/${run}/again-${number}`, subject, origin)
  }
  return groups
}

const withoutWaiting = (one: Case): Case => ({
  ...one,
  steps: one.steps.map(step => ({ ...step, waitMs: 0, restMs: 0 })),
})

const waits = (steps: readonly Step[]): number =>
  steps.reduce((sum, { waitMs = 0, restMs = 0 }) => sum + waitMs + restMs, 0)

export const caseName = (group: Group, name: string): string => `${group.name}: ${name}`
