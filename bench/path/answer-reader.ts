/**
 * Reads the answers on one kept connection, just well enough to know where each ends.
 * Strategy: the generators share a core with the origin, so this is no parser: a 2xx status, a Content-Length,
 * and a count of bytes. Anything else is a fault, because all works are made so that it does not occur.
 */

const headEnd = '\r\n\r\n'
const lengthPattern = /\r\ncontent-length: *(\d+)\r\n/i

export class AnswerReader {
  /** The part of a head that has arrived; '' between answers and inside bodies. */
  private head = ''
  /** Bytes of the body still to come; -1: a head is awaited. */
  private missing = -1

  /** Takes what was read: true when the answer is complete, false when more must come, else the fault. */
  take(bytes: Buffer, length: number): boolean | string {
    if (this.missing < 0) {
      this.head += bytes.toString('latin1', 0, length)
      const end = this.head.indexOf(headEnd)
      if (end < 0) return false
      if (!this.head.startsWith('HTTP/1.1 2')) return `answered ${this.head.slice(9, 12)}`
      const declared = lengthPattern.exec(this.head.slice(0, end + 2))
      if (!declared) return 'no Content-Length'
      this.missing = end + headEnd.length + Number(declared[1]) - this.head.length
      this.head = ''
    } else {
      this.missing -= length
    }
    if (this.missing > 0) return false
    if (this.missing < 0) return 'bytes behind the answer'
    this.missing = -1
    return true
  }
}

/** The request of a work without body, as bytes. */
export function requestBytes(path: string, port: number, headers: Readonly<Record<string, string>>): Buffer {
  const fields = Object.entries({ Host: `127.0.0.1:${port}`, ...headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  )
  return Buffer.from(`GET ${path} HTTP/1.1\r\n${fields.join('')}\r\n`, 'latin1')
}
