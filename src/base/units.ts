/**
 * Durations and sizes as people write them: `250ms 5s 2m 1h` and `512B 64KB 10MB 1GB` (binary multiples).
 * Strategy: one spelling a unit, the same in flags and in configs; what is refused is told with the form to write.
 */

export type DurationText = '0' | `${number}ms` | `${number}s` | `${number}m` | `${number}h`
export type SizeText = '0' | `${number}B` | `${number}KB` | `${number}MB` | `${number}GB`

/** The same rule for readers of the JSON Schema. */
export const DURATION_PATTERN = '^(0|[0-9]+(\\.[0-9]+)?(ms|s|m|h))$'
export const SIZE_PATTERN = '^(0|[0-9]+(\\.[0-9]+)?(B|KB|MB|GB))$'

/** The longest wait a timer of Node can hold: beyond it a timer fires at once, which is the worst misreading of "long". */
export const DURATION_MS_MAX = 2 ** 31 - 1

type Units = readonly (readonly [unit: string, factor: number])[]

/** Smallest first, as they are named in messages. */
const DURATION_UNITS: Units = [
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
]
const SIZE_UNITS: Units = [
  ['B', 1],
  ['KB', 1024],
  ['MB', 1024 ** 2],
  ['GB', 1024 ** 3],
]

/**
 * `5s` → 5000. Milliseconds, rounded to whole ones; `0` needs no unit.
 * @throws RangeError whose message says what to write instead.
 */
export function parseDuration(text: string): number {
  const ms = Math.round(amount(text, DURATION_UNITS, 'a duration', '"250ms", "5s", "2m" or "1h"'))
  if (ms > DURATION_MS_MAX)
    throw new RangeError(`"${text}" is longer than a timer can wait: write at most "596h"`)
  return ms
}

/**
 * `64KB` → 65536. Bytes, whole.
 * @throws RangeError whose message says what to write instead.
 */
export function parseSize(text: string): number {
  const bytes = Math.round(amount(text, SIZE_UNITS, 'a size', '"64KB", "10MB" or "1GB"'))
  if (!Number.isSafeInteger(bytes))
    throw new RangeError(`"${text}" is larger than can be counted: write at most "1000000GB"`)
  return bytes
}

/** 5000 → `5s`, 1500 → `1500ms`: the largest unit that needs no fraction, so that it reads back as the same number. */
export function formatDuration(ms: number): DurationText {
  return largestWhole(ms, DURATION_UNITS) as DurationText
}

/** 65536 → `64KB`, 1500 → `1500B`: the largest unit that needs no fraction. */
export function formatSize(bytes: number): SizeText {
  return largestWhole(bytes, SIZE_UNITS) as SizeText
}

function amount(text: string, units: Units, what: string, examples: string): number {
  if (text === '0') return 0
  const match = /^([0-9]+(?:\.[0-9]+)?)([A-Za-z]+)$/.exec(text)
  const factor = match && units.find(([unit]) => unit === match[2])?.[1]
  if (match && factor) return Number(match[1]) * factor
  const better = closest(text, units)
  const write = better === null ? `write for example ${examples}` : `write "${better}"`
  throw new RangeError(`${JSON.stringify(text)} is not ${what}: ${write}`)
}

/** The spelling that was probably meant: `5 S` → `5s`, `64k` → `64KB`. Null when nothing is clear enough to offer. */
function closest(text: string, units: Units): string | null {
  const match = /^\s*([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]+)\s*$/.exec(text)
  if (!match) return null
  const word = match[2].toLowerCase()
  const isSize = units === SIZE_UNITS
  const unit = units.find(([name]) => {
    const known = name.toLowerCase()
    return (
      word === known || (isSize ? [known[0], known.replace('b', 'ib')] : LONG_NAMES[known]).includes(word)
    )
  })
  return unit ? `${match[1]}${unit[0]}` : null
}

const LONG_NAMES: Record<string, readonly string[]> = {
  ms: ['msec', 'millisecond', 'milliseconds'],
  s: ['sec', 'secs', 'second', 'seconds'],
  m: ['min', 'mins', 'minute', 'minutes'],
  h: ['hr', 'hour', 'hours'],
}

function largestWhole(value: number, units: Units): string {
  if (value === 0) return `0${units[1][0]}`
  const [unit, factor] = units.findLast(([, each]) => value % each === 0) ?? units[0]
  return `${value / factor}${unit}`
}
