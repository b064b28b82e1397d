import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { formatHttpDate, parseHttpDate } from './http-date.ts'

const DATES: readonly [timeMs: number, text: string][] = [
  [784111777000, 'Sun, 06 Nov 1994 08:49:37 GMT'],
  [784111777999, 'Sun, 06 Nov 1994 08:49:37 GMT'],
  [784111778000, 'Sun, 06 Nov 1994 08:49:38 GMT'],
  [0, 'Thu, 01 Jan 1970 00:00:00 GMT'],
  [Date.UTC(2024, 1, 29, 23, 59, 59, 500), 'Thu, 29 Feb 2024 23:59:59 GMT'],
  [Date.UTC(9999, 11, 31, 23, 59, 59), 'Fri, 31 Dec 9999 23:59:59 GMT'],
]

test('IMF-fixdate', () => {
  for (const [timeMs, text] of DATES) assert.equal(formatHttpDate(timeMs), text)
})

test('the same second gives the same text, a step back the earlier one', () => {
  assert.equal(formatHttpDate(5_999), formatHttpDate(5_000))
  assert.equal(formatHttpDate(4_999), 'Thu, 01 Jan 1970 00:00:04 GMT')
})

const NOW_MS = Date.UTC(2026, 10, 20, 16, 50)
const EXAMPLE_MS = 784_111_777_000
const SECOND_60_MS = Date.UTC(2016, 11, 31, 23, 59, 59)

const READ: readonly (readonly [clause: string, text: string, timeMs: number])[] = [
  ['§5.6.7 IMF-fixdate', 'Sun, 06 Nov 1994 08:49:37 GMT', EXAMPLE_MS],
  ['§5.6.7 RFC 850', 'Sunday, 06-Nov-94 08:49:37 GMT', EXAMPLE_MS],
  ['§5.6.7 asctime', 'Sun Nov  6 08:49:37 1994', EXAMPLE_MS],
  ['§5.6.7 asctime, two digits', 'Wed Nov 16 08:49:37 1994', EXAMPLE_MS + 10 * 86_400_000],
  ['§5.6.7 asctime, a zero', 'Sun Nov 06 08:49:37 1994', EXAMPLE_MS],
  ['§5.6.7 leap second', 'Sat, 31 Dec 2016 23:59:60 GMT', SECOND_60_MS],
  ['§5.6.7 leap second, RFC 850', 'Saturday, 31-Dec-16 23:59:60 GMT', SECOND_60_MS],
  ['§5.6.7 leap second, asctime', 'Sat Dec 31 23:59:60 2016', SECOND_60_MS],
  ['§5.6.7 leap year', 'Tue, 29 Feb 2000 00:00:00 GMT', Date.UTC(2000, 1, 29)],
  ['§5.6.7 the other day is tolerated', 'Mon, 06 Nov 1994 08:49:37 GMT', EXAMPLE_MS],
  ['§5.6.7 before 1970', 'Wed, 31 Dec 1969 23:59:59 GMT', -1000],
  ['§5.6.7 first year', 'Sat, 01 Jan 0000 00:00:00 GMT', -62_167_219_200_000],
  ['§5.6.7 last second', 'Fri, 31 Dec 9999 23:59:59 GMT', 253_402_300_799_000],
  ['RFC 9111 §4.2 case', 'sUN, 06 nOV 1994 08:49:37 gmt', EXAMPLE_MS],
  ['RFC 9111 §4.2 case, RFC 850', 'SUNDAY, 06-NOV-94 08:49:37 gmt', EXAMPLE_MS],
  ['RFC 9111 §4.2 case, asctime', 'SUN NOV  6 08:49:37 1994', EXAMPLE_MS],
  // In November 2026 the fifty years end in November 2076.
  ['§5.6.7 a little less than 50 years', 'Friday, 20-Nov-76 16:50:00 GMT', Date.UTC(2076, 10, 20, 16, 50)],
  ['§5.6.7 a second more', 'Friday, 20-Nov-76 16:50:01 GMT', Date.UTC(1976, 10, 20, 16, 50, 1)],
  ['§5.6.7 a year more', 'Sunday, 01-Jan-77 00:00:00 GMT', Date.UTC(1977, 0, 1)],
  ['§5.6.7 this year', 'Friday, 20-Nov-26 16:50:00 GMT', NOW_MS],
]

test('dates in the three formats', () => {
  for (const [clause, text, timeMs] of READ)
    assert.equal(parseHttpDate(text, NOW_MS), timeMs, `${clause}: ${text}`)
})

const BROKEN: readonly (readonly [what: string, text: string])[] = [
  ['nothing', ''],
  ['RFC 9111 §5.3: "0"', '0'],
  ['RFC 9111 §5.3: "-1"', '-1'],
  ['a number of seconds', '784111777'],
  ['ISO 8601', '1994-11-06T08:49:37Z'],
  ['31 February', 'Thu, 31 Feb 1994 08:49:37 GMT'],
  ['29 February of no leap year', 'Sun, 29 Feb 1994 08:49:37 GMT'],
  ['29 February 1900', 'Thu, 29 Feb 1900 08:49:37 GMT'],
  ['31 April', 'Sun, 31 Apr 1994 08:49:37 GMT'],
  ['day 0', 'Sun, 00 Nov 1994 08:49:37 GMT'],
  ['hour 24', 'Sun, 06 Nov 1994 24:00:00 GMT'],
  ['hour 25', 'Sun, 06 Nov 1994 25:49:37 GMT'],
  ['minute 60', 'Sun, 06 Nov 1994 08:60:37 GMT'],
  ['second 61', 'Sun, 06 Nov 1994 23:59:61 GMT'],
  ['a leap second at noon', 'Sun, 06 Nov 1994 12:00:60 GMT'],
  ['a leap second that is none', 'Sun, 06 Nov 1994 23:58:60 GMT'],
  ['RFC 9111 §4.2: UTC', 'Sun, 06 Nov 1994 08:49:37 UTC'],
  ['RFC 9111 §4.2: another zone', 'Sun, 06 Nov 1994 08:49:37 EST'],
  ['an offset', 'Sun, 06 Nov 1994 08:49:37 +0000'],
  ['no zone', 'Sun, 06 Nov 1994 08:49:37'],
  ['asctime with a zone', 'Sun Nov  6 08:49:37 1994 GMT'],
  ['asctime with one blank', 'Sun Nov 6 08:49:37 1994'],
  ['a day of one digit', 'Sun, 6 Nov 1994 08:49:37 GMT'],
  ['a day of a blank and a digit', 'Sun,  6 Nov 1994 08:49:37 GMT'],
  ['an hour of one digit', 'Sun, 06 Nov 1994 8:49:37 GMT'],
  ['a year of two digits in a fixdate', 'Sun, 06 Nov 94 08:49:37 GMT'],
  ['a year of four digits in RFC 850', 'Sunday, 06-Nov-1994 08:49:37 GMT'],
  ['dashes in a fixdate', 'Sun, 06-Nov-1994 08:49:37 GMT'],
  ['a long day in a fixdate', 'Sunday, 06 Nov 1994 08:49:37 GMT'],
  ['a short day in RFC 850', 'Sun, 06-Nov-94 08:49:37 GMT'],
  ['no day', '06 Nov 1994 08:49:37 GMT'],
  ['a day that is none', 'Son, 06 Nov 1994 08:49:37 GMT'],
  ['a month that is none', 'Sun, 06 Nav 1994 08:49:37 GMT'],
  ['a long month', 'Sun, 06 November 1994 08:49:37 GMT'],
  ['no comma', 'Sun 06 Nov 1994 08:49:37 GMT'],
  ['two blanks', 'Sun,  06 Nov 1994 08:49:37 GMT'],
  ['a tab', 'Sun,\t06 Nov 1994 08:49:37 GMT'],
  ['a blank in front', ' Sun, 06 Nov 1994 08:49:37 GMT'],
  ['a blank behind', 'Sun, 06 Nov 1994 08:49:37 GMT '],
  ['two dates', 'Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT'],
  ['a letter in a number', 'Sun, 06 Nov 1994 08:4O:37 GMT'],
  ['a letter in the year', 'Sun, 06 Nov 19x4 08:49:37 GMT'],
  ['points for colons', 'Sun, 06 Nov 1994 08.49.37 GMT'],
  ['digits that are not ASCII', 'Sun, 0٦ Nov 1994 08:49:37 GMT'],
  // U+4A75 would be "Ju" if its halves were letters.
  ['letters that are not ASCII', 'Sun, 06 䩵n 1994 08:49:37 GMT!'],
]

test('what is not a date in one of them, or no date at all', () => {
  for (const [what, text] of BROKEN) assert.equal(parseHttpDate(text, NOW_MS), null, what)
})

const LONG_DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']

test('what is written is read as the same second, in each format', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 253_402_300_799 }), second => {
      const text = formatHttpDate(second * 1000)
      const [, day, month, year, time] = text.split(' ')
      assert.equal(parseHttpDate(text, NOW_MS), second * 1000)
      const asctime = `${text.slice(0, 3)} ${month} ${day.replace(/^0/, ' ')} ${time} ${year}`
      assert.equal(parseHttpDate(asctime, NOW_MS), second * 1000)
      const weekday = LONG_DAYS[new Date(second * 1000).getUTCDay()]
      const rfc850 = `${weekday}, ${day}-${month}-${year.slice(2)} ${time} GMT`
      // Seen from within the fifty years before it.
      assert.equal(parseHttpDate(rfc850, second * 1000 - 86_400_000), second * 1000)
    }),
  )
})

test('a year of two digits is the latest that is not more than 50 years ahead', () => {
  const times = fc.integer({ min: 0, max: 8_000_000_000 })
  fc.assert(
    fc.property(times, times, (second, now) => {
      const [, day, month, year, time] = formatHttpDate(second * 1000).split(' ')
      if (`${day}${month}` === '29Feb') return
      const found = parseHttpDate(`Monday, ${day}-${month}-${year.slice(2)} ${time} GMT`, now * 1000)
      const limit = new Date(now * 1000)
      const limitMs = limit.setUTCFullYear(limit.getUTCFullYear() + 50)
      assert.ok(found !== null && found <= limitMs, 'not beyond')
      assert.ok(
        new Date(found).setUTCFullYear(new Date(found).getUTCFullYear() + 100) > limitMs,
        'the latest',
      )
    }),
  )
})

test('any text gives a date or none', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.string({ minLength: 29, maxLength: 29 })), text => {
      const time = parseHttpDate(text, NOW_MS)
      assert.ok(time === null || Number.isSafeInteger(time))
    }),
  )
})

test('a date with one character changed is the same date, another one or none, and never NaN', () => {
  const change = fc.tuple(fc.nat(29), fc.string({ minLength: 1, maxLength: 1, unit: 'binary-ascii' }))
  fc.assert(
    fc.property(change, ([at, char]) => {
      const text = 'Sun, 06 Nov 1994 08:49:37 GMT'
      const time = parseHttpDate(text.slice(0, at) + char + text.slice(at + 1), NOW_MS)
      assert.ok(time === null || (Number.isSafeInteger(time) && time % 1000 === 0))
    }),
  )
})
