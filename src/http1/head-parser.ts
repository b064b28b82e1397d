/**
 * Bytes → heads of requests and responses (RFC 9112 §2 to §5).
 * Strategy: a parse works on the bytes from the start of the head and gives the head, or null for «more bytes
 * needed», or throws ProxyError. It keeps nothing in between: the session asks again when a line has ended.
 */
import { CLASS, CR, DIGIT, LF, SP, TARGET, TOKEN, VALUE } from '../base/ascii.ts'
import { ProxyError } from '../base/errors.ts'
import { latin1 } from '../base/latin1.ts'
import { HOST, idOf } from '../http/field-names.ts'
import { HeaderList } from '../http/header-list.ts'
import type { RequestHead, ResponseHead, Version } from '../http/message.ts'
import { fieldScan, scanFields } from './field-scanner.ts'
import type { Limits } from './limits.ts'

/** A head and how many bytes it took on the wire, empty lines in front included. */
export interface ParsedRequest extends RequestHead {
  bytes: number
}
export interface ParsedResponse extends ResponseHead {
  bytes: number
}

const METHOD_BYTES_MAX = 32
const UPPER_H = 72
const HOST_ID = idOf('host')

/**
 * Reads one request head from `start`. Null: the head is not complete yet.
 * Throws ProxyError with the status the client should read; the connection must not be used after that.
 */
export function parseRequestHead(
  bytes: Buffer,
  start: number,
  end: number,
  limits: Limits,
): ParsedRequest | null {
  const lineStart = skipEmptyLines(bytes, start, end, limits.emptyLinesMax)
  if (lineStart < 0) return null
  const methodEnd = scanMethod(bytes, lineStart, end)
  if (methodEnd < 0) return null
  const targetStart = methodEnd + 1
  const targetEnd = scanTarget(bytes, targetStart, end, limits.targetBytesMax)
  if (targetEnd < 0) return null
  const version = readVersion(bytes, targetEnd + 1, end)
  if (version === null) return null
  const fieldsStart = lineEndAfter(bytes, targetEnd + 9, end)
  if (fieldsStart < 0 || !scanFields(bytes, fieldsStart, headEnd(lineStart, end, limits), limits.fieldsMax)) {
    refuseHugeHead(end - lineStart, limits)
    return null
  }
  const text = latin1(bytes, lineStart, fieldScan.end)
  const fieldsText = text.slice(fieldsStart - lineStart, text.length - 2)
  const head: ParsedRequest = {
    method: methodName(text, methodEnd - lineStart),
    target: text.slice(targetStart - lineStart, targetEnd - lineStart),
    version,
    headers: new HeaderList(fieldsText, fieldScan.marks, fieldScan.mask),
    bytes: fieldScan.end - start,
  }
  requireHost(head)
  return head
}

/** RFC 9112 §2.2: a server ought to ignore at least one empty line in front of the request line; -1: more bytes. */
function skipEmptyLines(bytes: Buffer, start: number, end: number, linesMax: number): number {
  let at = start
  for (let lines = 0; ; lines++) {
    if (at >= end) return -1
    if (bytes[at] !== CR) break
    if (lines === linesMax) throw new ProxyError('bad_request_line', 'Too many empty lines stand before it.')
    if (at + 1 >= end) return -1
    if (bytes[at + 1] !== LF) throw new ProxyError('bad_line_end', 'A CR stands without its LF.')
    at += 2
  }
  if (bytes[at] === LF) throw new ProxyError('bad_line_end', 'An LF stands without its CR.')
  return at
}

/** Place of the space behind the method; -1: more bytes. */
function scanMethod(bytes: Buffer, start: number, end: number): number {
  let at = start
  while (at < end && (CLASS[bytes[at]] & TOKEN) !== 0) at++
  if (at - start > METHOD_BYTES_MAX) throw new ProxyError('method_not_served', 'The method is very long.')
  if (at >= end) return -1
  if (at === start || bytes[at] !== SP) {
    // A first byte of 0x16 is the start of a TLS handshake: the commonest wrong thing to arrive here.
    const tls = at === start && bytes[at] === 0x16
    throw new ProxyError('bad_method', tls ? 'This looks like TLS; the listener speaks plain HTTP.' : '')
  }
  return at
}

/** Place of the space behind the target; -1: more bytes. RFC 9112 §3.2. */
function scanTarget(bytes: Buffer, start: number, end: number, bytesMax: number): number {
  let at = start
  while (at < end && (CLASS[bytes[at]] & TARGET) !== 0) at++
  // RFC 9112 §3: a target longer than the server wishes to parse is answered 414.
  if (at - start > bytesMax)
    throw new ProxyError('target_too_long', `The limit is ${bytesMax} bytes (limits.target).`)
  if (at >= end) return -1
  if (at === start) throw new ProxyError('bad_request_line', 'The target is missing.')
  if (bytes[at] === CR || bytes[at] === LF)
    throw new ProxyError('bad_request_line', 'The version is missing.')
  if (bytes[at] !== SP) throw new ProxyError('bad_target', 'Only visible ASCII without "#" may stand in it.')
  return at
}

/** `HTTP/1.x` from `start`; null: more bytes. RFC 9112 §2.3: a higher minor version is read as the highest known. */
function readVersion(bytes: Buffer, start: number, end: number): Version | null {
  const available = Math.min(end, start + 8)
  for (let at = start; at < available; at++)
    if (!isVersionByte(bytes[at], at - start)) throw new ProxyError('bad_version')
  if (end - start < 8) return null
  if (bytes[start + 5] !== 0x31) {
    const preface = bytes[start + 5] === 0x32 ? 'To speak HTTP/2 here, it must be agreed on first.' : ''
    throw new ProxyError('unsupported_version', preface)
  }
  return bytes[start + 7] === 0x30 ? 10 : 11
}

const VERSION_SHAPE = 'HTTP/1.1'

function isVersionByte(byte: number, index: number): boolean {
  if (index === 5 || index === 7) return (CLASS[byte] & DIGIT) !== 0
  return byte === VERSION_SHAPE.charCodeAt(index)
}

/** The byte behind the CR LF that must stand at `at`; -1: more bytes. */
function lineEndAfter(bytes: Buffer, at: number, end: number): number {
  if (at >= end) return -1
  if (bytes[at] === LF) throw new ProxyError('bad_line_end', 'The start line ends in a bare LF.')
  if (bytes[at] !== CR) throw new ProxyError('bad_request_line', 'Something stands behind the version.')
  if (at + 1 >= end) return -1
  if (bytes[at + 1] !== LF) throw new ProxyError('bad_line_end', 'A CR stands without its LF.')
  return at + 2
}

/** Where scanning ends: what is wrong beyond the limit must not matter, in however many pieces the head comes. */
const headEnd = (start: number, end: number, limits: Limits): number =>
  Math.min(end, start + limits.headBytesMax)

function refuseHugeHead(bytes: number, limits: Limits): void {
  if (bytes > limits.headBytesMax)
    throw new ProxyError('head_too_large', `The limit is ${limits.headBytesMax} bytes (limits.head).`)
}

/** The common methods come from the program's own strings, so that later comparisons are by pointer. */
function methodName(text: string, length: number): string {
  if (length === 3 && text.charCodeAt(0) === 71 && text.startsWith('GET')) return 'GET'
  if (length === 4 && text.startsWith('POST')) return 'POST'
  if (length === 4 && text.startsWith('HEAD')) return 'HEAD'
  return text.slice(0, length)
}

/** RFC 9112 §3.2: an HTTP/1.1 request without Host, or any request with several, is answered 400. */
function requireHost(head: RequestHead): void {
  if ((head.headers.mask & HOST) === 0) {
    if (head.version === 11) throw new ProxyError('missing_host')
  } else if (head.headers.countKnown(HOST_ID) > 1) throw new ProxyError('several_hosts')
}

/**
 * Reads one response head from `start`. Null: not complete yet. Throws ProxyError with a code of the head;
 * the caller says that it was the upstream's.
 */
export function parseResponseHead(
  bytes: Buffer,
  start: number,
  end: number,
  limits: Limits,
): ParsedResponse | null {
  if (start >= end) return null
  if (bytes[start] !== UPPER_H)
    throw new ProxyError('bad_version', 'The status line does not begin with HTTP/.')
  const version = readVersion(bytes, start, end)
  if (version === null) return null
  const status = readStatus(bytes, start + 8, end)
  if (status === 0) return null
  const reasonStart = start + 12
  let at = reasonStart
  // RFC 9112 §4: the reason may be empty. The space before it may be missing, as some servers send it.
  if (at < end && bytes[at] !== SP && bytes[at] !== CR && bytes[at] !== LF)
    throw new ProxyError('bad_request_line', 'The status is not three digits.')
  const limit = headEnd(start, end, limits)
  while (at < limit && (CLASS[bytes[at]] & VALUE) !== 0) at++
  const reasonEnd = at
  const fieldsStart = lineEndAfter(bytes, at, limit)
  if (fieldsStart < 0 || !scanFields(bytes, fieldsStart, limit, limits.fieldsMax)) {
    refuseHugeHead(end - start, limits)
    return null
  }
  const text = latin1(bytes, start, fieldScan.end)
  return {
    status,
    reason: reasonEnd > reasonStart ? text.slice(13, reasonEnd - start) : '',
    version,
    headers: new HeaderList(
      text.slice(fieldsStart - start, text.length - 2),
      fieldScan.marks,
      fieldScan.mask,
    ),
    bytes: fieldScan.end - start,
  }
}

/** ` 200`; 0: more bytes. RFC 9112 §4: three digits. */
function readStatus(bytes: Buffer, start: number, end: number): number {
  if (start < end && bytes[start] !== SP)
    throw new ProxyError('bad_request_line', 'No space before the status.')
  for (let at = start + 1; at < end && at < start + 4; at++)
    if ((CLASS[bytes[at]] & DIGIT) === 0)
      throw new ProxyError('bad_request_line', 'The status is not three digits.')
  if (end - start < 4) return 0
  const status = (bytes[start + 1] - 48) * 100 + (bytes[start + 2] - 48) * 10 + (bytes[start + 3] - 48)
  if (status < 100) throw new ProxyError('bad_request_line', 'A status is at least 100.')
  return status
}

/** Reads a trailer section (RFC 9112 §7.1.2) with its empty line from `start`; null: more bytes. */
export function parseTrailers(
  bytes: Buffer,
  start: number,
  end: number,
  limits: Limits,
): { fields: HeaderList; bytes: number } | null {
  if (!scanFields(bytes, start, end, limits.fieldsMax)) return null
  const text = latin1(bytes, start, fieldScan.end - 2)
  return { fields: new HeaderList(text, fieldScan.marks, fieldScan.mask), bytes: fieldScan.end - start }
}
