/**
 * Dates as HTTP writes them.
 * Strategy: the text of the last second is kept, because every answer of one second carries the same date. Dates are
 * read letter by letter in the one format that everybody writes, by a pattern in the two that are obsolete.
 */
import { COLON, SP } from '../base/ascii.ts'

let lastSecond = Number.NaN
let lastText = ''

/** IMF-fixdate (RFC 9110 §5.6.7) of a time in milliseconds since 1970, years 1970 to 9999; parts of a second are cut. */
export function formatHttpDate(timeMs: number): string {
  const second = Math.floor(timeMs / 1000)
  if (second === lastSecond) return lastText
  // ECMAScript fixes the format of toUTCString, and it is IMF-fixdate for years of four digits.
  lastText = new Date(second * 1000).toUTCString()
  lastSecond = second
  return lastText
}

/**
 * Milliseconds since 1970 of a date in one of the three formats (RFC 9110 §5.6.7), null when it is none of them.
 * `nowMs`: a year of two digits is the one nearest to it that is not more than 50 years ahead.
 *
 * Letters may have any case (RFC 9111 §4.2); all else is as the grammar has it, for what is not a date has to count as
 * past (§5.3), and another reading of it might be a future. The name of the day has to be one and need not be the right
 * one: it says nothing that the date does not.
 */
export function parseHttpDate(text: string, nowMs: number): number | null {
  if (text.length !== IMF_CHARS || text.charCodeAt(3) !== COMMA) return parseObsolete(text, nowMs)
  if (text !== lastParsed) {
    lastParsed = text
    lastParsedMs = parseFixdate(text)
  }
  return lastParsedMs
}

/** The Date of answers of one second, which is looked at several times for each. */
let lastParsed = ''
let lastParsedMs: number | null = null

const IMF_CHARS = 29
const COMMA = 44

/** `Sun, 06 Nov 1994 08:49:37 GMT`, letter by letter: the format of nearly every date there is. */
function parseFixdate(text: string): number | null {
  if (!DAYS.has(threeLetters(text, 0)) || threeLetters(text, 26) !== GMT) return null
  if (text.charCodeAt(4) !== SP || text.charCodeAt(7) !== SP) return null
  if (text.charCodeAt(11) !== SP || text.charCodeAt(16) !== SP || text.charCodeAt(25) !== SP) return null
  if (text.charCodeAt(19) !== COLON || text.charCodeAt(22) !== COLON) return null
  return timeOf(
    twoDigits(text, 12) * 100 + twoDigits(text, 14),
    MONTHS.get(threeLetters(text, 8)) ?? Number.NaN,
    twoDigits(text, 5),
    twoDigits(text, 17),
    twoDigits(text, 20),
    twoDigits(text, 23),
  )
}

const RFC_850 =
  /^(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, (\d\d)-([a-z]{3})-(\d\d) (\d\d):(\d\d):(\d\d) GMT$/i
const ASCTIME = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) ([a-z]{3}) (\d\d| \d) (\d\d):(\d\d):(\d\d) (\d{4})$/i

/** `Sunday, 06-Nov-94 08:49:37 GMT` or `Sun Nov  6 08:49:37 1994`. */
function parseObsolete(text: string, nowMs: number): number | null {
  const short = RFC_850.exec(text)
  if (short !== null) {
    const [, day, month, year, hour, minute, second] = short
    return timeInCentury(
      Number(year),
      month,
      Number(day),
      Number(hour),
      Number(minute),
      Number(second),
      nowMs,
    )
  }
  const long = ASCTIME.exec(text)
  if (long === null) return null
  const [, month, day, hour, minute, second, year] = long
  return timeOf(Number(year), monthOf(month), Number(day), Number(hour), Number(minute), Number(second))
}

/** RFC 9110 §5.6.7: a date more than 50 years ahead is of the most recent year that had the same last two digits. */
function timeInCentury(
  yearOfCentury: number,
  month: string,
  day: number,
  hour: number,
  minute: number,
  second: number,
  nowMs: number,
): number | null {
  const limit = new Date(nowMs)
  const thisYear = limit.getUTCFullYear()
  const limitMs = limit.setUTCFullYear(thisYear + YEARS_AHEAD_MAX)
  // The last year that ends so and is not beyond the year of the limit; in that very year the days decide.
  const lastYear = thisYear + YEARS_AHEAD_MAX
  const year = lastYear - ((((lastYear - yearOfCentury) % 100) + 100) % 100)
  const time = timeOf(year, monthOf(month), day, hour, minute, second)
  return time !== null && time > limitMs
    ? timeOf(year - 100, monthOf(month), day, hour, minute, second)
    : time
}

const YEARS_AHEAD_MAX = 50

/** Milliseconds of a time, null when there is none such; NaN in the place of a number makes none. */
function timeOf(
  year: number,
  month: number,
  day: number,
  hour: number,
  minute: number,
  second: number,
): number | null {
  if (!(year >= 0 && day >= 1 && day <= daysIn(year, month) && hour <= 23 && minute <= 59)) return null
  if (second <= 59) return dayNumber(year, month, day) * DAY_MS + (hour * 3600 + minute * 60 + second) * 1000
  // RFC 9110 §5.6.7: the leap second, 23:59:60. RFC 9111 §4.2: a time that has no number is the nearest one before it.
  return second === 60 && hour === 23 && minute === 59
    ? dayNumber(year, month, day) * DAY_MS + DAY_MS - 1000
    : null
}

const DAY_MS = 86_400_000
const MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

function daysIn(year: number, month: number): number {
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  return month === 1 && isLeap ? 29 : MONTH_DAYS[month]
}

/** Days since 1970 in the Gregorian calendar. `Date.UTC` would take the years 0 to 99 for 1900 to 1999. */
function dayNumber(year: number, month: number, day: number): number {
  // Years that begin in March have their leap day at the end.
  const marchYear = month < 2 ? year - 1 : year
  const marchMonth = month < 2 ? month + 10 : month - 2
  const leapDays = Math.floor(marchYear / 4) - Math.floor(marchYear / 100) + Math.floor(marchYear / 400)
  return marchYear * 365 + leapDays + Math.floor((marchMonth * 153 + 2) / 5) + day - 1 - DAYS_TO_1970
}

/** From the first of March of the year 0. */
const DAYS_TO_1970 = 719_468

/** NaN when they are not two digits. */
function twoDigits(text: string, at: number): number {
  const tens = text.charCodeAt(at) - 48
  const ones = text.charCodeAt(at + 1) - 48
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : Number.NaN
}

/** Three letters in any case as one number; 0 when one of them is not ASCII. */
function threeLetters(text: string, at: number): number {
  const first = text.charCodeAt(at)
  const second = text.charCodeAt(at + 1)
  const third = text.charCodeAt(at + 2)
  // Bit 5 lower-cases letters, and no other character of ASCII becomes a letter by it.
  return (first | second | third) > 0x7f
    ? 0
    : ((first | 0x20) << 16) | ((second | 0x20) << 8) | (third | 0x20)
}

const GMT = threeLetters('GMT', 0)
const DAYS: ReadonlySet<number> = new Set(
  ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'].map(name => threeLetters(name, 0)),
)
const MONTHS: ReadonlyMap<number, number> = new Map(
  ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'].map((name, month) => [
    threeLetters(name, 0),
    month,
  ]),
)

const monthOf = (name: string): number => MONTHS.get(threeLetters(name, 0)) ?? Number.NaN
