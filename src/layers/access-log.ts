/**
 * The access log: one line per finished exchange.
 * Strategy: the formats are pure functions made of concatenation; texts that come again and again (dates, hosts,
 * servers) are kept, and a value is escaped only when it holds something that needs it. What a client sent can
 * therefore neither end a line nor steer a terminal. A JSON line costs well under a microsecond beside its bytes.
 */
import type { Clock } from '../base/clock.ts'
import type { ExchangeRecord } from '../exchange/observer.ts'

export type LogFormat = 'short' | 'combined' | 'json'

/** Makes a line, with its line end, out of a record. */
export type LineFormatter = (record: ExchangeRecord) => string

export function lineFormatter(format: LogFormat, clock: Clock): LineFormatter {
  const endOf = endTime(clock)
  if (format === 'json') return jsonFormatter(endOf)
  return format === 'combined' ? combinedFormatter(endOf) : shortFormatter(endOf)
}

/** When the exchange ended, in milliseconds since 1970. */
type EndTime = (record: ExchangeRecord) => number

/** How often the two clocks are laid side by side again: the wall clock may be set while we run. */
const CLOCK_OFFSET_AGE_MS = 1000

/** Out of what the record knows already: asking the system for the time costs as much as half a line. */
function endTime(clock: Clock): EndTime {
  let offsetMs = 0
  let takenMs = Number.NEGATIVE_INFINITY
  return ({ exchange, durationMs }) => {
    if (exchange === null) return clock.wallMs()
    const endMs = exchange.notes.startedAtMs + durationMs
    if (endMs - takenMs > CLOCK_OFFSET_AGE_MS) {
      takenMs = endMs
      offsetMs = clock.wallMs() - clock.preciseMs()
    }
    return Math.floor(endMs + offsetMs)
  }
}

/**
 * One JSON object a line. `durationMs` has three decimals; what does not apply is left out: `upstream` (nobody
 * was asked), `attempts` (one was enough), `error` and `detail` (nothing went wrong).
 */
function jsonFormatter(endOf: EndTime): LineFormatter {
  const time = isoTime()
  const known = remembered(json)
  return record => {
    let line =
      `{"time":"${time(endOf(record))}","client":"${record.client.address}","listener":${known(record.client.listener)}` +
      `,"method":${known(record.method)},"host":${known(record.host)},"target":${json(record.target)}` +
      `,"status":${record.status},"requestBytes":${record.requestBytes},"responseBytes":${record.responseBytes}` +
      `,"durationMs":${threeDecimals(record.durationMs)}`
    if (record.upstream !== '') line += `,"upstream":${known(record.upstream)}`
    if (record.attempts > 1) line += `,"attempts":${record.attempts}`
    if (record.error !== '') line += `,"error":"${record.error}"`
    if (record.detail !== '') line += `,"detail":${json(record.detail)}`
    return `${line}}\n`
  }
}

/** The "combined" format of Apache and nginx, in UTC: what log analysers read. */
function combinedFormatter(endOf: EndTime): LineFormatter {
  const time = clfTime()
  return record => {
    const request = record.exchange?.request
    const version = request ? (request.version === 10 ? 'HTTP/1.0' : 'HTTP/1.1') : ''
    const line = request ? `${quoted(record.method)} ${quoted(record.target)} ${version}` : '-'
    const referer = quoted(request?.headers.get('referer') ?? '-')
    const agent = quoted(request?.headers.get('user-agent') ?? '-')
    const client = record.client.address === '' ? '-' : record.client.address
    return `${client} - - [${time(endOf(record))}] "${line}" ${record.status} ${record.responseBytes} "${referer}" "${agent}"\n`
  }
}

/** For a person who looks on: time of day, what was asked, what came of it. */
function shortFormatter(endOf: EndTime): LineFormatter {
  const time = clockTime()
  return record => {
    const what =
      record.method === ''
        ? '(no request)'
        : `${plain(record.method)} ${plain(record.host)}${plain(record.target)}`
    let line = `${time(endOf(record))} ${record.status} ${what} ${humanSize(record.responseBytes)} ${humanDuration(record.durationMs)}`
    if (record.upstream !== '') line += ` ${plain(record.upstream)}`
    if (record.attempts > 1) line += ` (attempt ${record.attempts})`
    if (record.error !== '') line += ` ${record.error}`
    if (record.detail !== '') line += `: ${plain(record.detail)}`
    return `${line}\n`
  }
}

// What may not stand in a line as it is: C0, DEL and C1 controls, and the two line ends that JSON lets through.
const UNSAFE = /[\0-\x1f\x7f-\x9f\u2028\u2029]/
const UNSAFE_IN_QUOTES = /["\\\0-\x1f\x7f-\x9f\u2028\u2029]/
/** Everything but printable ASCII without the quote and the backslash: the one test that almost all values pass. */
const PERHAPS_UNSAFE = /[^ !#-[\]-~]/

/** The value as JSON, quotes included. */
function json(value: string): string {
  if (!PERHAPS_UNSAFE.test(value)) return `"${value}"`
  return JSON.stringify(value).replace(/[\x7f-\x9f\u2028\u2029]/g, char => `\\u${hex(char, 4)}`)
}

const REMEMBERED_MAX = 256

/** For values of which there are few: hosts, servers, methods. A client that sends ever new ones empties the memory. */
function remembered(print: (value: string) => string): (value: string) => string {
  const texts = new Map<string, string>()
  return value => {
    const found = texts.get(value)
    if (found !== undefined) return found
    if (texts.size >= REMEMBERED_MAX) texts.clear()
    // The value may be a slice of a whole request head, and would keep all of it in memory.
    const own = Buffer.from(value, 'utf16le').toString('utf16le')
    const text = print(own)
    texts.set(own, text)
    return text
  }
}

function plain(value: string): string {
  return UNSAFE.test(value) ? value.replace(new RegExp(UNSAFE, 'g'), escaped) : value
}

/** Between double quotes, as nginx escapes it: `\x22`. */
function quoted(value: string): string {
  return UNSAFE_IN_QUOTES.test(value) ? value.replace(new RegExp(UNSAFE_IN_QUOTES, 'g'), escaped) : value
}

function escaped(char: string): string {
  return char.charCodeAt(0) > 0xff ? `\\u${hex(char, 4)}` : `\\x${hex(char, 2).toUpperCase()}`
}

function hex(char: string, digits: number): string {
  return char.charCodeAt(0).toString(16).padStart(digits, '0')
}

const THREE_DIGITS = Array.from({ length: 1000 }, (_, value) => String(value).padStart(3, '0'))

/** Milliseconds with their microseconds; two small whole numbers print six times faster than one with a fraction. */
function threeDecimals(ms: number): string {
  const microseconds = Math.round(ms * 1000)
  const whole = Math.floor(microseconds / 1000)
  return `${whole}.${THREE_DIGITS[microseconds - whole * 1000]}`
}

function humanDuration(ms: number): string {
  if (ms < 10) return `${ms.toFixed(1)}ms`
  if (ms < 1000) return `${ms.toFixed(0)}ms`
  return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)}s`
}

function humanSize(bytes: number): string {
  if (bytes < 1024) return `${bytes}B`
  const power = Math.min(Math.floor(Math.log2(bytes) / 10), 4)
  const value = bytes / 1024 ** power
  return `${value.toFixed(value < 10 ? 1 : 0)}${['B', 'KB', 'MB', 'GB', 'TB'][power]}`
}

/** `2026-01-02T03:04:05.678Z`. */
function isoTime(): (ms: number) => string {
  const second = perSecond(date => date.toISOString().slice(0, 20))
  return ms => `${second(ms)}${THREE_DIGITS[((ms % 1000) + 1000) % 1000]}Z`
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** `02/Jan/2026:03:04:05 +0000`. */
function clfTime(): (ms: number) => string {
  return perSecond(date => {
    const [day, time] = date.toISOString().split('T')
    const [year, month, dayOfMonth] = day.split('-')
    return `${dayOfMonth}/${MONTHS[Number(month) - 1]}/${year}:${time.slice(0, 8)} +0000`
  })
}

/** `03:04:05`, in the time zone of the machine: the person who looks on sits beside it. */
function clockTime(): (ms: number) => string {
  const two = (value: number) => String(value).padStart(2, '0')
  return perSecond(date => `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`)
}

function perSecond(print: (date: Date) => string): (ms: number) => string {
  let lastSecond = Number.NaN
  let text = ''
  return ms => {
    const second = Math.floor(ms / 1000)
    if (second !== lastSecond) {
      lastSecond = second
      text = print(new Date(second * 1000))
    }
    return text
  }
}
