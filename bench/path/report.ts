/**
 * The result as text: one table a work and one of the goals.
 * Strategy: one renderer. A Markdown table whose columns are padded reads as well in a terminal as in a README, so
 * there is no second form. JSON carries every run.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { type Verdict, verdicts } from './goals.ts'
import type { Figures, Pace } from './measure.ts'
import type { Options } from './options.ts'
import { type Row, validRow } from './rows.ts'
import type { Versions } from './versions.ts'
import { WORKS, type Work } from './works.ts'

export interface Result {
  readonly date: string
  readonly versions: Versions
  readonly options: Options
  /** Whether the proxy had a core to itself, and what the origin was. */
  readonly conditions: readonly string[]
  /** Null when no paced work ran. */
  readonly pace: Pace | null
  readonly rows: readonly Row[]
}

type Column = readonly [title: string, cell: (figures: Figures, row: Row, nginx: Figures | null) => string]

const openMark = '<!-- results -->'
const closeMark = '<!-- /results -->'

const number = (value: number) => (value < 99.95 ? value.toFixed(1) : Math.round(value).toLocaleString('en'))
const megabytes = (kilobytes: number) => number(kilobytes / 1024)
const against = (ours: number, theirs: number | undefined) =>
  theirs ? `${(ours / theirs).toFixed(2)} ×` : '–'

function time(micros: number): string {
  if (micros < 1_000) return `${Math.round(micros)} µs`
  return micros < 1e6 ? `${(micros / 1e3).toFixed(2)} ms` : `${(micros / 1e6).toFixed(2)} s`
}

const cpuColumns: readonly Column[] = [
  ['CPU µs', figures => number(figures.cpuMicros)],
  ['rounds', (_figures, row) => (row.cpuRange ?? []).map(number).join('–')],
  ['user µs', figures => number(figures.userMicros)],
  ['× nginx', (figures, _row, nginx) => against(figures.cpuMicros, nginx?.cpuMicros)],
]
const latencyColumns: readonly Column[] = [
  ['p50', figures => time(figures.p50Micros)],
  ['p99', figures => time(figures.p99Micros)],
]
const peakColumn: Column = ['peak MB', figures => megabytes(figures.peakKilobytes)]

const columnsOf: Record<Work['driver'], readonly Column[]> = {
  wrk: [
    ...cpuColumns,
    ['req/s', figures => Math.round(figures.requestsPerSecond).toLocaleString('en')],
    ...latencyColumns,
    peakColumn,
  ],
  websocket: [
    ...cpuColumns,
    ['messages/s', figures => Math.round(figures.requestsPerSecond).toLocaleString('en')],
    ...latencyColumns,
    peakColumn,
  ],
  paced: [
    ...latencyColumns,
    ['p99 × nginx', (figures, _row, nginx) => against(figures.p99Micros, nginx?.p99Micros)],
    ...cpuColumns,
    ['req/s', figures => Math.round(figures.requestsPerSecond).toLocaleString('en')],
    ['generator late p99', figures => time(figures.latenessP99Micros)],
    peakColumn,
  ],
  collapse: [
    ['origin requests a URL', figures => figures.originRequests.toFixed(1)],
    ...latencyColumns,
    peakColumn,
  ],
  idle: [
    ['KB per connection', figures => (figures.perConnectionBytes / 1024).toFixed(1)],
    ['MB with all open', figures => megabytes(figures.residentKilobytes)],
    peakColumn,
  ],
}

/** A Markdown table; the first column is text, the others are figures but for the last, the note. */
export function table(titles: readonly string[], lines: readonly (readonly string[])[]): string {
  const widths = titles.map((title, index) =>
    Math.max(3, title.length, ...lines.map(cells => cells[index].length)),
  )
  const isText = (index: number) => index === 0 || index === titles.length - 1
  const pad = (cell: string, index: number) =>
    isText(index) ? cell.padEnd(widths[index]) : cell.padStart(widths[index])
  const rule = widths.map((width, index) => (isText(index) ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`))
  const asLine = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [titles.map(pad), rule, ...lines.map(cells => cells.map(pad))].map(asLine).join('\n')
}

export function workTable(work: Work, rows: readonly Row[]): string {
  const own = rows.filter(row => row.work === work.name)
  const columns = columnsOf[work.driver]
  const nginx = validRow(rows, work.name, work.against)?.figures ?? null
  const lines = own.map(row => {
    const figures = row.figures
    const cells = columns.map(([, cell]) => (figures ? cell(figures, row, nginx) : '–'))
    const note = row.status === 'ok' ? row.note : `**${row.status}** ${row.note}`
    // A bar or a line break in a program's last words would break the table.
    return [row.peer, ...cells, note.replace(/[|\n]/g, ' ')]
  })
  return table(['proxy', ...columns.map(([title]) => title), 'note'], lines)
}

function goalTable(list: readonly Verdict[]): string {
  const lines = list.map(({ words, limit, measured, verdict }) => [words, limit, measured, verdict])
  return table(['goal', 'limit', 'measured', 'verdict'], lines)
}

function paceOf(work: Work, pace: Pace | null): string {
  if (work.driver !== 'paced' || !pace) return ''
  const whose = pace.peer === 'nginx' ? '' : `, half of what ${pace.peer} can do because nginx was not there`
  return `: ${Math.round(pace.rate).toLocaleString('en')} per second${whose}`
}

export function markdown(result: Result): string {
  const { versions, options, rows } = result
  const parts = [
    `Measured ${result.date} on ${versions.processor}, ${versions.cores} cores, Linux ${versions.kernel}.`,
    `Versions: ${Object.entries(versions.programs)
      .map(([name, version]) => `${name} ${version ?? 'missing'}`)
      .join(' · ')}.`,
    `Rounds: ${options.rounds}, of ${options.seconds} s each. ${result.conditions.join(' ')}`,
  ]
  for (const work of WORKS) {
    if (!rows.some(row => row.work === work.name)) continue
    parts.push(`### ${work.name}`, `${work.title}${paceOf(work, result.pace)}.`, workTable(work, rows))
  }
  const goals = verdicts(rows)
  if (goals.length) parts.push('### Goals', goalTable(goals))
  return `${parts.join('\n\n')}\n`
}

/** Puts the text between the two marks of the README; throws when they are not there. */
export function replaceBlock(readme: string, text: string): string {
  const from = readme.indexOf(openMark)
  const to = readme.indexOf(closeMark)
  if (from < 0 || to < from) throw new Error(`no ${openMark} … ${closeMark} in the README`)
  return `${readme.slice(0, from + openMark.length)}\n\n${text}\n${readme.slice(to)}`
}

export function writeReadme(path: string, result: Result): void {
  writeFileSync(path, replaceBlock(readFileSync(path, 'utf8'), markdown(result)))
}
