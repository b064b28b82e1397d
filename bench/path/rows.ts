/**
 * From runs to rows: a row is one peer at one work, its figures are the medians of its rounds.
 * Strategy: pure functions over plain data, so that table, Markdown, JSON and goals read the same thing.
 */
import type { Figures, Run } from './measure.ts'

export interface Row {
  readonly work: string
  readonly peer: string
  readonly kind: 'sluice' | 'native' | 'npm'
  /** missing: not installed here · failed: did not start or answered wrongly · invalid: faults under load. */
  readonly status: 'ok' | 'missing' | 'failed' | 'invalid'
  /** Why it is not ok, or what else the reader must know. */
  readonly note: string
  readonly figures: Figures | null
  /** Smallest and largest CPU µs of the rounds. */
  readonly cpuRange: readonly [number, number] | null
  readonly runs: readonly Run[]
}

/** Above this share of CPU time spent by others on the proxy's core, the row says so. */
export const foreignShareWorthSaying = 0.05

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

function medianFigures(runs: readonly Run[]): Figures {
  const figures = { ...runs[0].figures }
  for (const key of Object.keys(figures) as (keyof Figures)[]) {
    figures[key] = median(runs.map(run => run.figures[key]))
  }
  return figures
}

export function rowOf(
  identity: Pick<Row, 'work' | 'peer' | 'kind'>,
  runs: readonly Run[],
  missing: string | null,
  failure: string | null,
): Row {
  if (missing !== null || failure !== null || runs.length === 0) {
    const status = missing === null ? 'failed' : 'missing'
    return { ...identity, status, note: missing ?? failure ?? '', figures: null, cpuRange: null, runs }
  }
  const figures = medianFigures(runs)
  const cpu = runs.map(run => run.figures.cpuMicros)
  const faults = runs.flatMap((run, index) => run.faults.map(words => `round ${index + 1}: ${words}`))
  const notes = [...faults, ...new Set(runs.flatMap(run => run.remarks))]
  if (figures.foreignShare > foreignShareWorthSaying) {
    notes.push(`others used ${Math.round(figures.foreignShare * 100)} % of its core`)
  }
  return {
    ...identity,
    status: faults.length ? 'invalid' : 'ok',
    note: notes.join('; '),
    figures,
    cpuRange: [Math.min(...cpu), Math.max(...cpu)],
    runs,
  }
}

/** The row of a peer at a work, if its figures count. */
export function validRow(rows: readonly Row[], work: string, peer: string): Row | null {
  return rows.find(row => row.work === work && row.peer === peer && row.status === 'ok') ?? null
}
