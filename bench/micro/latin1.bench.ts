/**
 * How the bytes of a request head become a string.
 * Strategy: a browser's head of ~600 bytes lying inside a read buffer, cut out as the data path would.
 */
import type { Suite } from './harness.ts'

/** Node has it on every Buffer, its types do not. */
interface Latin1Buffer extends Buffer {
  latin1Slice(from: number, to: number): string
}

const before = 100
const head = `GET /chairs HTTP/1.1\r\nHost: shop.example.com\r\n${'x'.repeat(40)}: ${'y'.repeat(500)}\r\n\r\n`
const buffer = Buffer.concat([
  Buffer.alloc(before),
  Buffer.from(head, 'latin1'),
  Buffer.alloc(1_000),
]) as Latin1Buffer
const end = before + head.length

const suite: Suite = {
  title: `${head.length} bytes to a string`,
  cases: [
    { name: 'latin1Slice', run: () => buffer.latin1Slice(before, end) },
    { name: "toString('latin1')", run: () => buffer.toString('latin1', before, end) },
    { name: "toString('utf8')", run: () => buffer.toString('utf8', before, end) },
  ],
}

export default suite
