/**
 * Dates as HTTP writes them.
 * Strategy: the text of the last second is kept, because every answer of one second carries the same date.
 */

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
