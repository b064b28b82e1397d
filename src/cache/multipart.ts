/**
 * Several ranges in one message (RFC 9110 §14.6): what stands between them, and how long it all is.
 */
import { type ByteRange, contentRange } from '../http/range.ts'
import type { Segment } from './stored-content.ts'

export interface Multipart {
  readonly segments: readonly Segment[]
  /** Of the whole message content. */
  readonly bytes: number
}

/** `type`: Content-Type of the whole, '' when it has none. `total`: its bytes. The boundary must not occur in the content. */
export function multipart(
  ranges: readonly ByteRange[],
  type: string,
  total: number,
  boundary: string,
): Multipart {
  const segments: Segment[] = []
  const typeLine = type === '' ? '' : `Content-Type: ${type}\r\n`
  let bytes = 0
  let before = ''
  for (const range of ranges) {
    const lines = `${before}--${boundary}\r\n${typeLine}Content-Range: ${contentRange(range, total)}\r\n\r\n`
    segments.push(Buffer.from(lines, 'latin1'), range)
    bytes += lines.length + range.last - range.first + 1
    before = '\r\n'
  }
  const end = Buffer.from(`\r\n--${boundary}--\r\n`, 'latin1')
  segments.push(end)
  return { segments, bytes: bytes + end.length }
}
