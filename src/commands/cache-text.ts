/**
 * What the admin endpoint says, as tables for people.
 */
import type { EntriesView, EntryView, PurgeView, StatsView, WorkerView } from '../admin/views.ts'
import type { StoreStats } from '../cache/store.ts'
import { columns, printable } from './table.ts'

/** Columns of a key in a list. */
const KEY_LENGTH_MAX = 100

export function statsText({ caches, silent }: StatsView): string {
  const rows = caches.flatMap(({ cache, disk, workers }) =>
    workers.length === 0
      ? [[cache, 'not begun', '', '', '', '', '']]
      : workers.flatMap(worker => workerRows(cache, worker, disk)),
  )
  const head = ['CACHE', 'WORKER', 'HITS', 'STORE', 'ENTRIES', 'SIZE', 'EVICTED']
  return lines([...columns([head, ...rows]), ...silentLines(silent)])
}

/** A store that is both has a row for each. */
function workerRows(cache: string, worker: WorkerView, folder: string | null): string[][] {
  const { asked, hits, memory, disk } = worker
  const share = asked === 0 ? '' : ` (${Math.round((hits / asked) * 100)} %)`
  const tiers: [name: string, stats: StoreStats][] =
    memory !== undefined && disk !== undefined
      ? [
          ['memory', memory],
          [`disk ${folder ?? ''}`, disk],
        ]
      : [[folder === null ? 'memory' : `disk ${folder}`, worker]]
  return tiers.map(([name, { entries, bytes, bytesMax, evictions }], at) => [
    ...(at === 0 ? [cache, `${worker.pid}`, `${hits} of ${asked}${share}`] : ['', '', '']),
    name,
    `${entries}`,
    `${sizeText(bytes)} of ${sizeText(bytesMax)}`,
    `${evictions}`,
  ])
}

export function entriesText({ entries, more, silent }: EntriesView): string {
  if (entries.length === 0) return lines(['nothing is stored', ...silentLines(silent)])
  const rows = entries.map(entry => [
    `${entry.status}`,
    sizeText(entry.bytes),
    timeText(entry.ageS),
    freshText(entry.freshS),
    shortened(entry.key),
    variantText(entry),
  ])
  return lines([
    ...columns([['STATUS', 'SIZE', 'AGE', 'FRESH', 'KEY', 'VARIANT'], ...rows]),
    ...(more ? ['there is more: name what it begins with, or --count N'] : []),
    ...silentLines(silent),
  ])
}

export function entryText({ entries, silent }: EntriesView): string {
  if (entries.length === 0) return lines(['nothing is stored for this URL', ...silentLines(silent)])
  return lines([
    ...entries.flatMap((entry, at) => [...(at > 0 ? [''] : []), ...oneEntry(entry)]),
    ...silentLines(silent),
  ])
}

function oneEntry(entry: EntryView): string[] {
  const { workers, tags, lifetimeS, lifetimeFrom, ageS, freshS } = entry
  const facts = [
    ['cache', `${entry.cache}, in ${workers.length === 1 ? 'worker' : 'workers'} ${workers.join(', ')}`],
    ['variant', variantText(entry) || 'the only one there can be'],
    ['size', sizeText(entry.bytes)],
    ['stored', entry.stored],
    [
      'age',
      `${ageS} s of ${lifetimeS} s by ${lifetimeFrom}: ${freshS > 0 ? `fresh for ${timeText(freshS)}` : `stale for ${timeText(-freshS)}`}`,
    ],
    ...(tags.length > 0 ? [['tags', tags.join(', ')]] : []),
  ]
  const fields = entry.fields.map(([name, value]) => `    ${name}: ${value}`)
  return [entry.key, ...columns(facts).map(line => `  ${line}`), `  ${entry.status}`, ...fields]
}

/** `url`: what was asked for when it was one URL. */
export function purgeText(
  { purged, workers, silent }: PurgeView,
  soft: boolean,
  url: string | null = null,
): string {
  const what = soft ? 'made stale' : 'purged'
  const where = workers === 1 ? '' : `, in ${workers} workers together`
  return lines([
    `${purged} ${purged === 1 ? 'response' : 'responses'} ${what}${where}`,
    ...(purged === 0 && url !== null ? [nothingText(url)] : []),
    ...silentLines(silent),
  ])
}

/** A purge that misses its aim looks like one that had nothing to do. */
function nothingText(url: string): string {
  if (url.endsWith('*'))
    return `* stands for itself in a URL: sluice cache purge --prefix ${url.slice(0, -1)} takes all that begins so`
  return 'nothing was stored for this URL, to the letter of its query: sluice cache ls shows what is'
}

function silentLines(silent: number): string[] {
  if (silent === 0) return []
  return [
    `${silent} ${silent === 1 ? 'worker' : 'workers'} gave no answer: what it holds is not in this; ask again`,
  ]
}

function variantText({ vary, extras }: EntryView): string {
  const fields = vary.map(([name, value]) => (value === null ? `no ${name}` : `${name}: ${value}`))
  return [...fields, ...(extras === '' ? [] : [extras])].join('; ')
}

const shortened = (text: string): string =>
  text.length <= KEY_LENGTH_MAX ? text : `${text.slice(0, KEY_LENGTH_MAX - 1)}…`

const freshText = (seconds: number): string =>
  seconds > 0 ? timeText(seconds) : `stale ${timeText(-seconds)}`

const SIZE_UNITS = ['B', 'KB', 'MB', 'GB', 'TB']

/** Three digits are enough to compare by eye. */
function sizeText(bytes: number): string {
  let [value, unit] = [bytes, 0]
  while (value >= 1000 && unit < SIZE_UNITS.length - 1) [value, unit] = [value / 1024, unit + 1]
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${SIZE_UNITS[unit]}`
}

const TIME_UNITS: readonly (readonly [name: string, seconds: number])[] = [
  ['d', 86_400],
  ['h', 3600],
  ['m', 60],
]

function timeText(seconds: number): string {
  const [name, size] = TIME_UNITS.find(([, each]) => seconds >= 2 * each) ?? ['s', 1]
  return `${Math.floor(seconds / size)} ${name}`
}

/** What is stored came from elsewhere: it moves no cursor. */
const lines = (all: readonly string[]): string => printable(all.join('\n'))
