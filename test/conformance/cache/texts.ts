/**
 * The texts of cases with their braces filled in: dates relative to now in every format a cache may meet.
 */
import type { Lines } from './case.ts'

export interface Places {
  readonly path: string
  readonly authority: string
}

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

const two = (value: number): string => String(value).padStart(2, '0')
const clock = (date: Date): string =>
  `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`

/** Right ones (RFC 9110 §5.6.7), and wrong ones that are met in the wild. */
const FORMATS: Readonly<Record<string, (date: Date) => string>> = {
  imf: date => date.toUTCString(),
  rfc850: date =>
    `${DAYS[date.getUTCDay()]}, ${two(date.getUTCDate())}-${MONTHS[date.getUTCMonth()]}-${two(date.getUTCFullYear() % 100)} ${clock(date)} GMT`,
  asctime: date =>
    `${DAYS[date.getUTCDay()].slice(0, 3)} ${MONTHS[date.getUTCMonth()]} ${String(date.getUTCDate()).padStart(2)} ${clock(date)} ${date.getUTCFullYear()}`,
  lower: date => date.toUTCString().toLowerCase(),
  upper: date => date.toUTCString().toUpperCase(),
  utc: date => date.toUTCString().replace('GMT', 'UTC'),
  est: date => date.toUTCString().replace('GMT', 'EST'),
  offset: date => date.toUTCString().replace('GMT', '+0000'),
  zoneless: date => date.toUTCString().replace(' GMT', ''),
  iso: date => date.toISOString(),
  unix: date => String(Math.floor(date.getTime() / 1000)),
  spaces: date => date.toUTCString().replaceAll(' ', '  '),
  dashes: date => date.toUTCString().replace(/(\d\d) (\w{3}) (\d{4})/, '$1-$2-$3'),
  commaless: date => date.toUTCString().replace(',', ''),
  dotted: date => date.toUTCString().replaceAll(':', '.'),
  short: date => date.toUTCString().replace(/:\d\d GMT/, ' GMT'),
  quoted: date => `"${date.toUTCString()}"`,
}

export function fill(text: string, places: Places): string {
  return text
    .replace(/\{now([+-]\d+)?(?: (\w+))?\}/g, (_, shift: string | undefined, format = 'imf') =>
      FORMATS[format](new Date(Date.now() + Number(shift ?? 0) * 1000)),
    )
    .replaceAll('{path}', places.path)
    .replaceAll('{authority}', places.authority)
}

export function linesOf(lines: Lines | undefined): readonly string[] {
  return lines === undefined ? [] : typeof lines === 'string' ? [lines] : lines
}

/** Name and value of a line as cases write it. */
export function splitLine(line: string): readonly [name: string, value: string] {
  const colon = line.indexOf(':')
  if (colon < 1) throw new Error(`a case has a line that is not a field: ${line}`)
  return [line.slice(0, colon), line.slice(colon + 1).trim()]
}
