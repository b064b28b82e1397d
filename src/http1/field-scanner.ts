/**
 * Reads field lines out of bytes: one pass, strict, nothing cut out.
 * Strategy: names are walked with the token table up to the colon, values with the value table up to CR; only
 * names that a proxy knows leave a mark. What is not allowed is a fault at the byte where it stands, because
 * every looseness here is a place where two parties could read one message differently (RFC 9112 §2.2, §5.1,
 * §5.2; RFC 9110 §5.5).
 */
import { CLASS, COLON, CR, HTAB, LF, SP, TOKEN, VALUE } from '../base/ascii.ts'
import { type ErrorCode, ProxyError } from '../base/errors.ts'
import { recogniseBytes, UNKNOWN } from '../http/field-names.ts'

/** Where the lines of the last scan that came to its end lie. Read it before the next scan. */
export interface FieldScan {
  /** First byte behind the empty line. */
  end: number
  /** Marks for HeaderList, counted from the first line. */
  marks: number[]
  mask: number
}

export const fieldScan: FieldScan = { end: 0, marks: [], mask: 0 }

/**
 * Scans from `start` (the first field line) up to and with the empty line. False means: more bytes are
 * needed. The result is in `fieldScan`. Throws ProxyError with a code of the head.
 */
export function scanFields(bytes: Uint8Array, start: number, end: number, fieldsMax: number): boolean {
  const marks: number[] = []
  let mask = 0
  let count = 0
  let at = start
  for (;;) {
    if (at >= end) return false
    if (bytes[at] === CR) {
      if (at + 1 >= end) return false
      if (bytes[at + 1] !== LF) throw new ProxyError('bad_line_end', 'A CR stands without its LF.')
      fieldScan.end = at + 2
      fieldScan.marks = marks
      fieldScan.mask = mask
      return true
    }
    if (++count > fieldsMax)
      throw new ProxyError('too_many_fields', `The limit is ${fieldsMax} (limits.fields).`)
    const lineStart = at
    while (at < end && (CLASS[bytes[at]] & TOKEN) !== 0) at++
    if (at >= end) return false
    if (bytes[at] !== COLON || at === lineStart) throw nameFault(bytes[at], at === lineStart)
    const id = recogniseBytes(bytes, lineStart, at)
    at++
    while (at < end && (bytes[at] === SP || bytes[at] === HTAB)) at++
    const valueStart = at
    while (at < end && (CLASS[bytes[at]] & VALUE) !== 0) at++
    if (at >= end) return false
    if (bytes[at] !== CR) throw new ProxyError(bytes[at] === LF ? 'bad_line_end' : 'bad_field_value')
    if (at + 1 >= end) return false
    if (bytes[at + 1] !== LF) throw new ProxyError('bad_line_end', 'A CR stands without its LF.')
    if (id !== UNKNOWN) {
      let valueEnd = at
      while (valueEnd > valueStart && (bytes[valueEnd - 1] === SP || bytes[valueEnd - 1] === HTAB)) valueEnd--
      marks.push(id, lineStart - start, valueStart - start, valueEnd - start, at + 2 - start)
      mask |= 1 << id
    }
    at += 2
  }
}

/** Names the fault of a byte that ends a field name and is no colon. */
function nameFault(byte: number, atLineStart: boolean): ProxyError {
  let code: ErrorCode = 'bad_field_name'
  let detail = ''
  if (byte === LF || byte === CR) {
    code = byte === LF ? 'bad_line_end' : 'bad_field_name'
    detail = 'A line of the head has no colon.'
  } else if (byte === SP || byte === HTAB) {
    // RFC 9112 §5.2: a line that begins with white space folds the one before; §2.2 forbids it before the first.
    if (atLineStart) code = 'folded_field'
    // RFC 9112 §5.1: no white space between the name and the colon.
    else detail = 'White space stands in the name or before the colon.'
  } else if (byte === COLON) detail = 'The name is empty.'
  return new ProxyError(code, detail)
}
