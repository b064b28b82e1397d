/**
 * The head of an answer as it goes to the client (RFC 9112 §4, RFC 9110 §7.6.1).
 * Strategy: the field lines are copied as they stand, without those that belong to one connection; what this
 * connection needs is put behind them.
 */
import type { Clock } from '../base/clock.ts'
import { CONTENT_LENGTH, DATE, HOP_BY_HOP } from '../http/field-names.ts'
import { formatHttpDate } from '../http/http-date.ts'
import type { Framing, ResponseHead } from '../http/message.ts'

/** What the client is told about the connection: nothing, that it ends, or (HTTP/1.0) that it stays. */
export type ConnectionWord = '' | 'close' | 'keep-alive'

/** Whole text of a final head, with its empty line. The clock is for a Date that is missing. */
export function responseHeadText(
  head: ResponseHead,
  framing: Framing,
  connection: ConnectionWord,
  clock: Clock,
): string {
  const { headers } = head
  // RFC 9110 §6.6.1: a recipient that forwards a response without Date adds one.
  const date = (headers.mask & DATE) === 0 ? `Date: ${formatHttpDate(clock.wallMs())}\r\n` : ''
  const coding = framing.kind === 'chunked' ? 'Transfer-Encoding: chunked\r\n' : ''
  const option =
    connection === '' ? '' : connection === 'close' ? 'Connection: close\r\n' : 'Connection: keep-alive\r\n'
  return `HTTP/1.1 ${head.status} ${head.reason}\r\n${headers.textWithout(HOP_BY_HOP)}${date}${coding}${option}\r\n`
}

/** Whole text of an interim head. RFC 9110 §8.6: it has no Content-Length. */
export function interimHeadText(head: ResponseHead): string {
  return `HTTP/1.1 ${head.status} ${head.reason}\r\n${head.headers.textWithout(HOP_BY_HOP | CONTENT_LENGTH)}\r\n`
}
