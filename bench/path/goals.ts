/**
 * What Sluice wants to reach, each goal against the rows of the same run.
 * Strategy: a table. A goal whose rows are missing or invalid is "not measured", never met; one whose rows were
 * disturbed is told as such.
 */
import { keptUpShare } from './measure.ts'
import { foreignShareWorthSaying, type Row, validRow } from './rows.ts'

interface Goal {
  readonly work: string
  readonly words: string
  readonly limit: number
  /** The limit is the least, not the most. */
  readonly atLeast?: boolean
  readonly unit: string
  measured(rows: readonly Row[]): number | null
}

export interface Verdict {
  readonly words: string
  readonly limit: string
  readonly measured: string
  readonly verdict: string
}

type Figure = 'cpuMicros' | 'p99Micros' | 'requestsPerSecond'

function ratio(
  rows: readonly Row[],
  work: string,
  peer: string,
  other: string,
  figure: Figure,
): number | null {
  const ours = validRow(rows, work, peer)?.figures?.[figure]
  const theirs = validRow(rows, work, other)?.figures?.[figure]
  return ours && theirs ? ours / theirs : null
}

const cpuOfCache = (work: string, peer: string, other: string, limit: number): Goal => ({
  work,
  words: `${work}: CPU per request against ${other}`,
  limit,
  unit: '×',
  measured: rows => ratio(rows, work, peer, other, 'cpuMicros'),
})

const cpuAgainstNginx = (work: string, limit: number): Goal => ({
  work,
  words: `${work}: CPU per request against nginx`,
  limit,
  unit: '×',
  measured: rows => ratio(rows, work, 'sluice', 'nginx', 'cpuMicros'),
})

function againstBestNodePeer(rows: readonly Row[]): number | null {
  const ours = validRow(rows, '1k-plain', 'sluice')?.figures?.cpuMicros
  const theirs = rows
    .filter(row => row.work === '1k-plain' && row.kind === 'npm' && row.status === 'ok')
    .map(row => row.figures?.cpuMicros ?? Number.POSITIVE_INFINITY)
  return ours && theirs.length ? ours / Math.min(...theirs) : null
}

export const GOALS: readonly Goal[] = [
  cpuAgainstNginx('1k-browser', 1.25),
  cpuAgainstNginx('1k-plain', 1.15),
  cpuAgainstNginx('64k', 0.8),
  cpuAgainstNginx('1m', 0.8),
  {
    work: '1k-plain',
    words: '1k-plain: CPU per request against the best Node peer',
    limit: 0.45,
    unit: '×',
    measured: againstBestNodePeer,
  },
  {
    work: 'half-load',
    words: 'half-load: p99 against nginx',
    limit: 1.5,
    unit: '×',
    measured: rows => {
      // nginx can hold half of its own rate: where it did not, the machine was busy with something else.
      const keptUp = validRow(rows, 'half-load', 'nginx')?.figures?.keptUp ?? 0
      return keptUp < keptUpShare ? null : ratio(rows, 'half-load', 'sluice', 'nginx', 'p99Micros')
    },
  },
  {
    work: 'idle-5000',
    words: 'idle-5000: memory per idle connection',
    limit: 12,
    unit: 'KB',
    measured: rows => {
      const bytes = validRow(rows, 'idle-5000', 'sluice')?.figures?.perConnectionBytes
      return bytes === undefined ? null : bytes / 1024
    },
  },
  {
    work: '1k-browser',
    words: '1k-browser: access log on against off',
    limit: 1.1,
    unit: '×',
    measured: rows => ratio(rows, '1k-browser', 'sluice+log', 'sluice', 'cpuMicros'),
  },
  {
    work: 'many-routes',
    words: 'many-routes: requests per second of two workers against one',
    limit: 1.8,
    atLeast: true,
    unit: '×',
    measured: rows => ratio(rows, 'many-routes', 'sluice+routes×2', 'sluice+routes', 'requestsPerSecond'),
  },
  cpuOfCache('cache-1k', 'sluice+cache', 'nginx+cache', 0.65),
  cpuOfCache('cache-1k', 'sluice+cache', 'varnish', 0.5),
  cpuOfCache('cache-64k', 'sluice+cache', 'nginx+cache', 0.8),
  cpuOfCache('cache-304', 'sluice+cache', 'nginx+cache', 1),
  cpuOfCache('cache-disk', 'sluice+disk', 'nginx+cache', 1),
  {
    ...cpuOfCache('cache-miss', 'sluice+cache', 'sluice', 1.25),
    words: 'cache-miss: CPU of a miss that stores against the same request without a cache',
  },
  {
    work: 'cache-collapse',
    words: 'cache-collapse: origin requests for one cold URL of 1 000 clients',
    limit: 1,
    unit: 'requests',
    measured: rows => validRow(rows, 'cache-collapse', 'sluice+cache')?.figures?.originRequests ?? null,
  },
]

/** Whether others used the core while a row of this work was measured that a goal may rest on. */
function isDisturbed(rows: readonly Row[], work: string): boolean {
  return rows.some(row => row.work === work && (row.figures?.foreignShare ?? 0) > foreignShareWorthSaying)
}

/** The goals of the works that ran. */
export function verdicts(rows: readonly Row[]): Verdict[] {
  const concerned = GOALS.filter(goal => rows.some(row => row.work === goal.work))
  return concerned.map(({ work, words, limit, atLeast = false, unit, measured }) => {
    const value = measured(rows)
    const limitText = `${atLeast ? '≥' : '≤'} ${limit} ${unit}`
    if (value === null) return { words, limit: limitText, measured: '–', verdict: 'not measured' }
    const disturbed = isDisturbed(rows, work) ? ' (disturbed: repeat)' : ''
    const met = atLeast ? value >= limit : value <= limit
    const verdict = `${met ? 'met' : 'missed'}${disturbed}`
    return { words, limit: limitText, measured: `${value.toFixed(2)} ${unit}`, verdict }
  })
}
