/**
 * Reads HTTP/1 messages from a wire, for both roles, as strictly as a distrustful peer would.
 * Strategy: written apart from the proxy's own codec, so that a fault of that one is not repeated here.
 */
import type { Wire } from './wire.ts'

/** The fields of a head in their order and spelling. */
export class Fields {
  readonly lines: readonly (readonly [name: string, value: string])[]

  constructor(lines: readonly (readonly [string, string])[]) {
    this.lines = lines
  }

  all(name: string): string[] {
    const wanted = name.toLowerCase()
    return this.lines.filter(([other]) => other.toLowerCase() === wanted).map(([, value]) => value)
  }

  /** The one value of this name, or null. Throws when there are several: no test means "any of them". */
  get(name: string): string | null {
    const values = this.all(name)
    if (values.length > 1) throw new Error(`there are ${values.length} fields called ${name}`)
    return values[0] ?? null
  }

  get names(): string[] {
    return this.lines.map(([name]) => name.toLowerCase())
  }
}

export interface Head {
  readonly startLine: string
  readonly fields: Fields
  /** The whole head as it came. */
  readonly text: string
}

export type BodyEnd =
  | { kind: 'none' }
  | { kind: 'length'; bytes: number }
  | { kind: 'chunked' }
  | { kind: 'close' }

export interface Content {
  readonly body: Buffer
  readonly trailers: Fields
  /** How many chunks carried it; 0 when it was not chunked. */
  readonly chunks: number
}

const FIELD_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\t -~\x80-\xff]*?)[ \t]*$/

/** Null when the connection ended before the first byte. Rejects for anything that is not a strict head. */
export async function readHead(wire: Wire): Promise<Head | null> {
  const bytes = await wire.through('\r\n\r\n')
  if (bytes === null) return null
  const text = bytes.toString('latin1')
  const [startLine, ...lines] = text.slice(0, -4).split('\r\n')
  return { startLine, fields: new Fields(lines.map(readField)), text }
}

function readField(line: string): [string, string] {
  const match = FIELD_LINE.exec(line)
  if (match === null) throw new Error(`not a field line: ${JSON.stringify(line)}`)
  return [match[1], match[2]]
}

/** What the fields say about the end of the body; rejects what could be read in two ways. */
export function statedEnd(fields: Fields): BodyEnd | null {
  const coding = fields.get('Transfer-Encoding')
  const length = fields.get('Content-Length')
  if (coding !== null && length !== null) throw new Error('both Transfer-Encoding and Content-Length')
  if (coding !== null) {
    if (coding !== 'chunked') throw new Error(`Transfer-Encoding is ${JSON.stringify(coding)}`)
    return { kind: 'chunked' }
  }
  if (length === null) return null
  if (!/^(0|[1-9]\d*)$/.test(length)) throw new Error(`Content-Length is ${JSON.stringify(length)}`)
  return { kind: 'length', bytes: Number(length) }
}

const NO_FIELDS = new Fields([])

/** Reads a whole body into memory. Rejects when it is cut short. */
export async function readContent(wire: Wire, end: BodyEnd): Promise<Content> {
  if (end.kind === 'chunked') return readChunked(wire)
  let body = Buffer.alloc(0)
  if (end.kind === 'length') body = Buffer.from(await wire.exactly(end.bytes))
  else if (end.kind === 'close') {
    body = Buffer.from(await wire.rest())
    if (wire.ending !== 'end') throw new Error(`the body ended with the connection broken (${wire.ending})`)
  }
  return { body, trailers: NO_FIELDS, chunks: 0 }
}

async function readChunked(wire: Wire): Promise<Content> {
  const pieces: Buffer[] = []
  for (;;) {
    const line = await lineOf(wire)
    if (!/^[0-9a-f]{1,8}$/i.test(line)) throw new Error(`not a chunk size: ${JSON.stringify(line)}`)
    const size = Number.parseInt(line, 16)
    if (size === 0) break
    pieces.push(await wire.exactly(size))
    if ((await wire.exactly(2)).toString('latin1') !== '\r\n')
      throw new Error('a chunk is not as long as it says')
  }
  const trailers: [string, string][] = []
  for (let line = await lineOf(wire); line !== ''; line = await lineOf(wire)) trailers.push(readField(line))
  return { body: Buffer.concat(pieces), trailers: new Fields(trailers), chunks: pieces.length }
}

async function lineOf(wire: Wire): Promise<string> {
  const bytes = await wire.through('\r\n')
  if (bytes === null) throw new Error(`the connection ended (${wire.ending}) in the middle of a chunked body`)
  return bytes.toString('latin1').slice(0, -2)
}
