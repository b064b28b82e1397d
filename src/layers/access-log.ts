/**
 * The access log: one line per finished exchange.
 * Strategy: the formats are pure functions made of concatenation; texts that come again and again (dates, hosts,
 * servers) are kept, and a value is escaped only when it holds something that needs it. What a client sent can
 * therefore neither end a line nor steer a terminal. A JSON line costs well under a microsecond beside its bytes.
 */
import { allInClass, TOKEN } from '../base/ascii.ts'
import type { Clock } from '../base/clock.ts'
import { unmapped } from '../base/ip.ts'
import type { ExchangeRecord } from '../exchange/observer.ts'
import { trimBlanks } from '../http/header-list.ts'

export type LogFormat = 'short' | 'combined' | 'json'

/** Makes a line, with its line end, out of a record. */
export type LineFormatter = (record: ExchangeRecord) => string

export function lineFormatter(format: LogFormat, clock: Clock): LineFormatter {
  const moments = new Moments(clock)
  if (format === 'json') return jsonFormatter(moments)
  return format === 'combined' ? combinedFormatter(moments) : shortFormatter(moments)
}

/** How often the two clocks are laid side by side again: the wall clock may be set while we run. */
const CLOCK_OFFSET_AGE_MS = 1000

/**
 * When an exchange began and ended, in milliseconds since 1970, out of what the record knows already: asking the
 * system for the time costs as much as half a line.
 */
class Moments {
  readonly #clock: Clock
  #offsetMs = 0
  #takenMs = Number.NEGATIVE_INFINITY

  constructor(clock: Clock) {
    this.#clock = clock
  }

  end({ exchange, durationMs }: ExchangeRecord): number {
    if (exchange === null) return this.#clock.wallMs()
    const endMs = exchange.notes.startedAtMs + durationMs
    if (endMs - this.#takenMs > CLOCK_OFFSET_AGE_MS) {
      this.#takenMs = endMs
      this.#offsetMs = this.#clock.wallMs() - this.#clock.preciseMs()
    }
    return Math.floor(endMs + this.#offsetMs)
  }

  begin(record: ExchangeRecord): number {
    return this.end(record) - record.durationMs
  }
}

/**
 * One JSON object a line. Times have three decimals; what does not apply is left out: `peer` (the client itself is
 * connected), `user` (nobody was named), `received` (the request could be read), `queueMs` and `connectMs` (there was
 * no wait), `firstByteMs` (no answer began), `upstream` (nobody was asked), `attempts` (one was enough), `retried`,
 * `cache` and `cacheWhy` (there is none), `error` and `detail` (nothing went wrong).
 */
function jsonFormatter(moments: Moments): LineFormatter {
  const time = isoTime()
  const known = remembered(json)
  return record => {
    const client = clientOf(record)
    let line = `{"time":"${time(moments.end(record))}","client":"${unmapped(client)}"`
    if (client !== record.client.address) line += `,"peer":"${unmapped(record.client.address)}"`
    line += `,"listener":${known(record.client.listener)}`
    if (record.user !== '') line += `,"user":${known(record.user)}`
    line += `,"method":${known(record.method)},"host":${known(record.host)},"target":${json(record.target)}`
    if (record.refusedHead !== '') line += `,"received":${json(firstLine(record.refusedHead))}`
    line +=
      `,"status":${record.status},"requestBytes":${record.requestBytes},"responseBytes":${record.responseBytes}` +
      `,"durationMs":${threeDecimals(record.durationMs)}`
    if (record.queueMs > 0) line += `,"queueMs":${threeDecimals(record.queueMs)}`
    if (record.connectMs > 0) line += `,"connectMs":${threeDecimals(record.connectMs)}`
    if (record.firstByteMs >= 0) line += `,"firstByteMs":${threeDecimals(record.firstByteMs)}`
    if (record.upstream !== '') line += `,"upstream":${known(record.upstream)}`
    if (record.attempts > 1) line += `,"attempts":${record.attempts}`
    if (record.retried !== null) line += `,"retried":[${record.retried.map(json).join(',')}]`
    if (record.cache !== '') line += `,"cache":${known(record.cache)}`
    if (record.cacheWhy !== '') line += `,"cacheWhy":${json(record.cacheWhy)}`
    if (record.error !== '') line += `,"error":"${record.error}"`
    if (record.detail !== '') line += `,"detail":${json(record.detail)}`
    return `${line}}\n`
  }
}

/** Apache's "combined" format, byte for byte: `%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i"`. */
function combinedFormatter(moments: Moments): LineFormatter {
  const time = clfTime()
  return record => {
    const client = unmapped(clientOf(record))
    const user = record.user === '' ? '-' : asApache(asBytes(record.user))
    const bytes = record.responseBytes === 0 ? '-' : record.responseBytes
    const referer = asApache(fieldOf(record, 'referer') ?? '-')
    const agent = asApache(fieldOf(record, 'user-agent') ?? '-')
    const head = `${client === '' ? '-' : client} - ${user} [${time(moments.begin(record))}]`
    return `${head} "${asApache(requestLine(record))}" ${record.status} ${bytes} "${referer}" "${agent}"\n`
  }
}

/** Of a request that it cannot read Apache has the words of the line, one blank between them, as far as a NUL. */
function requestLine(record: ExchangeRecord): string {
  const { exchange, method, target, refusedHead } = record
  if (exchange !== null)
    return `${method} ${target} ${exchange.request.version === 10 ? 'HTTP/1.0' : 'HTTP/1.1'}`
  if (refusedHead === '') return '-'
  return firstLine(refusedHead)
    .split('\0', 1)[0]
    .trim()
    .replace(/[ \t]+/g, ' ')
}

/** Of a head that cannot be read, too: the fields in front of what is wrong with it. */
function fieldOf({ exchange, refusedHead }: ExchangeRecord, name: string): string | null {
  if (exchange !== null) return exchange.request.headers.get(name)
  if (refusedHead === '') return null
  const values: string[] = []
  for (const line of refusedHead.split('\n').slice(1)) {
    const colon = line.indexOf(':')
    if (colon < 1 || !allInClass(line.slice(0, colon), TOKEN)) break
    const isNamed = line.slice(0, colon).toLowerCase() === name
    if (isNamed) values.push(trimBlanks(line.slice(colon + 1).replace(/\r$/, '')))
  }
  return values.length === 0 ? null : values.join(', ')
}

const firstLine = (head: string): string => head.split('\n', 1)[0].replace(/\r$/, '')

/** For a person who looks on: time of day, what was asked, what came of it, and why it took longer than it should. */
function shortFormatter(moments: Moments): LineFormatter {
  const time = clockTime()
  return record => {
    let line = `${time(moments.end(record))} ${record.status} ${whatWasAsked(record)} ${humanSize(record.responseBytes)} ${humanDuration(record.durationMs)}`
    if (record.upstream !== '') line += ` ${plain(record.upstream)}`
    if (record.retried !== null) line += ` (after ${plain(record.retried.join(', '))})`
    else if (record.attempts > 1) line += ` (attempt ${record.attempts})`
    if (record.queueMs >= QUEUE_TOLD_MS) line += ` (queued ${humanDuration(record.queueMs)})`
    if (record.cache !== '') line += ` cache ${plain(record.cache)}`
    if (record.user !== '') line += ` user ${plain(record.user)}`
    if (record.error !== '') line += ` ${record.error}`
    if (record.detail !== '') line += `: ${plain(record.detail)}`
    return `${line}\n`
  }
}

/** A shorter wait in the queue is nothing to tell a person. */
const QUEUE_TOLD_MS = 1

function whatWasAsked({ method, host, target, refusedHead }: ExchangeRecord): string {
  if (method !== '') return `${plain(method)} ${plain(host)}${plain(target)}`
  return refusedHead === '' ? '(no request)' : `(not a request: ${plain(firstLine(refusedHead))})`
}

/** The client itself where proxies that we trust name it, else whoever is connected. */
const clientOf = ({ exchange, client }: ExchangeRecord): string => exchange?.clientAddress ?? client.address

// What may not stand in a line as it is: C0, DEL and C1 controls, and the two line ends that JSON lets through.
const UNSAFE = /[\0-\x1f\x7f-\x9f\u2028\u2029]/
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

/** What Apache writes in another way: everything but printable ASCII, quotes and backslashes. */
const OTHER_IN_APACHE = /[^ !#-[\]-~]/gu
const APACHE_ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\b': '\\b',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
}

/** `ap_escape_logitem` of Apache: C escapes where there are some, `\xhh` for other bytes. */
function asApache(value: string): string {
  if (!PERHAPS_UNSAFE.test(value)) return value
  return value.replace(OTHER_IN_APACHE, char => APACHE_ESCAPES[char] ?? hexBytes(char))
}

/** A byte for a character up to 0xff, as heads are read; the bytes of UTF-8 for others. */
function hexBytes(char: string): string {
  const bytes = Buffer.from(char, char <= '\xff' ? 'latin1' : 'utf8')
  return Array.from(bytes, byte => `\\x${byte.toString(16).padStart(2, '0')}`).join('')
}

/** Text that did not come out of a head, as one character a byte of its UTF-8. */
const asBytes = (text: string): string =>
  PERHAPS_UNSAFE.test(text) ? Buffer.from(text).toString('latin1') : text

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

const two = (value: number): string => String(value).padStart(2, '0')

/** `02/Jan/2026:03:04:05 +0100`, in the time zone of the machine, as Apache has it. */
function clfTime(): (ms: number) => string {
  return perSecond(date => {
    const offset = -date.getTimezoneOffset()
    const zone = `${offset < 0 ? '-' : '+'}${two(Math.floor(Math.abs(offset) / 60))}${two(Math.abs(offset) % 60)}`
    const day = `${two(date.getDate())}/${MONTHS[date.getMonth()]}/${date.getFullYear()}`
    return `${day}:${timeOfDay(date)} ${zone}`
  })
}

const timeOfDay = (date: Date): string =>
  `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`

/** `03:04:05`, in the time zone of the machine: the person who looks on sits beside it. */
function clockTime(): (ms: number) => string {
  return perSecond(timeOfDay)
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
