/**
 * The head of an answer as it goes to the client (RFC 9112 §4, RFC 9110 §7.6.1).
 * Strategy: the field lines are copied as they stand, without those that belong to one connection; what this
 * connection needs is put behind them.
 */
import type { Clock } from '../base/clock.ts'
import { CONTENT_LENGTH, DATE, HOP_BY_HOP, UPGRADE } from '../http/field-names.ts'
import type { HeaderList } from '../http/header-list.ts'
import { formatHttpDate } from '../http/http-date.ts'
import type { Framing, ResponseHead } from '../http/message.ts'
import type { SharedHead } from '../http/shared-head.ts'

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
  if (head.status === 101 || head.status === 426) return upgradeHeadText(head, framing, connection, clock)
  const date = dateLine(headers, clock)
  const coding = framing.kind === 'chunked' ? 'Transfer-Encoding: chunked\r\n' : ''
  const option =
    connection === '' ? '' : connection === 'close' ? 'Connection: close\r\n' : 'Connection: keep-alive\r\n'
  return `HTTP/1.1 ${head.status} ${head.reason}\r\n${headers.textWithout(HOP_BY_HOP)}${date}${coding}${option}\r\n`
}

/**
 * The same of a head that many answers have in common: remembered where it is the same for every client. Not where the
 * framing depends on the client's version, the Date on the moment, or a word about the connection on both.
 */
export function sharedHeadText(
  head: SharedHead,
  framing: Framing,
  connection: ConnectionWord,
  clock: Clock,
): string {
  const forAll = connection === '' && framing.kind !== 'chunked' && (head.headers.mask & DATE) !== 0
  if (!forAll) return responseHeadText(head, framing, connection, clock)
  if (head.text === '') head.text = responseHeadText(head, framing, connection, clock)
  return head.text
}

/**
 * The two answers whose Upgrade field is for the client: the switch itself, and 426, which says what to ask for and
 * must have it (RFC 9110 §7.8, §15.5.22). In any other it only advertises, and is left out.
 */
function upgradeHeadText(
  head: ResponseHead,
  framing: Framing,
  connection: ConnectionWord,
  clock: Clock,
): string {
  const { headers, status } = head
  const names = (headers.mask & UPGRADE) === 0 ? [] : ['Upgrade']
  if (connection !== '') names.push(connection)
  const option = names.length === 0 ? '' : `Connection: ${names.join(', ')}\r\n`
  const coding = framing.kind === 'chunked' ? 'Transfer-Encoding: chunked\r\n' : ''
  // RFC 9110 §8.6: no Content-Length in a 101.
  const drop = (HOP_BY_HOP & ~UPGRADE) | (status === 101 ? CONTENT_LENGTH : 0)
  const lines = `${headers.textWithout(drop)}${dateLine(headers, clock)}${coding}${option}`
  return `HTTP/1.1 ${status} ${head.reason}\r\n${lines}\r\n`
}

/** RFC 9110 §6.6.1: a recipient that forwards a response without Date adds one. */
function dateLine(headers: HeaderList, clock: Clock): string {
  return (headers.mask & DATE) === 0 ? `Date: ${formatHttpDate(clock.wallMs())}\r\n` : ''
}

/** Whole text of an interim head. RFC 9110 §8.6: it has no Content-Length. */
export function interimHeadText(head: ResponseHead): string {
  return `HTTP/1.1 ${head.status} ${head.reason}\r\n${head.headers.textWithout(HOP_BY_HOP | CONTENT_LENGTH)}\r\n`
}
