/**
 * Times small functions: nanoseconds per call, the median of many short rounds.
 *
 * Strategy: the cases of one suite take turns (A B C A B C), so that whatever the machine does falls on all alike;
 * each is first warmed up and its loop made long enough for the clock. Every case gets a loop of its own, compiled
 * from text: in one shared loop the call would see many functions and be slow for all of them, and the optimiser
 * could not do what it does in the product. What a case returns is kept, so that it cannot be optimised away.
 */

export interface Case {
  readonly name: string
  /** One call of what is measured; it must return something that depends on the work done. */
  readonly run: () => unknown
  /** How many operations one call does, when it does several. */
  readonly operations?: number
}

export interface Suite {
  readonly title: string
  readonly cases: readonly Case[]
}

export interface Timing {
  readonly name: string
  readonly nanosMedian: number
  readonly nanosBest: number
}

export interface Effort {
  readonly rounds: number
  readonly roundMs: number
  readonly warmUpMs: number
}

export const normalEffort: Effort = { rounds: 15, roundMs: 40, warmUpMs: 200 }

type Loop = (run: () => unknown, times: number) => unknown

/** What the cases returned last; read by nobody, but the optimiser does not know that. */
export let kept: unknown

function freshLoop(): Loop {
  return new Function(
    'run',
    'times',
    'let last; for (let count = 0; count < times; count++) last = run(); return last',
  ) as Loop
}

/** Runs the loop so often and tells the milliseconds. */
function time(loop: Loop, run: () => unknown, times: number): number {
  const startedAt = performance.now()
  kept = loop(run, times)
  return performance.now() - startedAt
}

/** Warms up and finds how many calls fill a round. */
function callsPerRound(loop: Loop, run: () => unknown, effort: Effort): number {
  let calls = 1
  let spentMs = 0
  for (;;) {
    const elapsedMs = time(loop, run, calls)
    spentMs += elapsedMs
    if (spentMs >= effort.warmUpMs && elapsedMs >= effort.roundMs / 4) {
      return Math.max(1, Math.round((calls * effort.roundMs) / elapsedMs))
    }
    if (elapsedMs < effort.roundMs) calls *= 2
  }
}

/** Times all cases of a suite. */
export function measure(suite: Suite, effort: Effort = normalEffort): Timing[] {
  const prepared = suite.cases.map(one => {
    const loop = freshLoop()
    return { one, loop, calls: callsPerRound(loop, one.run, effort), nanos: [] as number[] }
  })
  for (let round = 0; round < effort.rounds; round++) {
    for (const { one, loop, calls, nanos } of prepared) {
      nanos.push((time(loop, one.run, calls) * 1e6) / calls / (one.operations ?? 1))
    }
  }
  return prepared.map(({ one, nanos }) => {
    nanos.sort((left, right) => left - right)
    return { name: one.name, nanosMedian: nanos[nanos.length >> 1], nanosBest: nanos[0] }
  })
}

/** The timings as a table; the first case is what the others are compared with. */
export function tableOf(suite: Suite, timings: readonly Timing[]): string {
  const width = Math.max(...timings.map(timing => timing.name.length), suite.title.length)
  const head = `${suite.title.padEnd(width)}   ns/op    best   × first`
  const lines = timings.map(({ name, nanosMedian, nanosBest }) => {
    const ratio = (nanosMedian / timings[0].nanosMedian).toFixed(2)
    const cells = [nanosMedian.toFixed(1).padStart(7), nanosBest.toFixed(1).padStart(7), ratio.padStart(9)]
    return `${name.padEnd(width)} ${cells.join(' ')}`
  })
  return [head, '-'.repeat(head.length), ...lines].join('\n')
}
