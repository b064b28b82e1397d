/**
 * A client that sends exactly the bytes it is told to and reads answers strictly.
 */
import net from 'node:net'
import type { TestContext } from 'node:test'
import {
  type BodyEnd,
  type Content,
  Fields,
  type Head,
  readContent,
  readHead,
  statedEnd,
} from './messages.ts'
import { within } from './wait.ts'
import { Wire } from './wire.ts'

export interface RawAnswer {
  readonly status: number
  readonly reason: string
  readonly fields: Fields
  /** The head as it came. */
  readonly text: string
  readonly end: BodyEnd['kind']
  readonly body: Buffer
  readonly trailers: Fields
  readonly chunks: number
}

const NO_CONTENT: Content = { body: Buffer.alloc(0), trailers: new Fields([]), chunks: 0 }

export class RawClient extends Wire {
  /** One answer, interim ones too. `method` is that of the request it answers. Rejects when it is cut short. */
  async answer(method = 'GET'): Promise<RawAnswer> {
    const answer = await this.answerOrEnd(method)
    if (answer === null) throw new Error(`the connection ended (${this.ending}) without an answer`)
    return answer
  }

  /** The same, or null when the connection ends instead. */
  async answerOrEnd(method = 'GET'): Promise<RawAnswer | null> {
    const head = await this.head(method)
    if (head === null) return null
    const content = head.end.kind === 'none' ? NO_CONTENT : await readContent(this, head.end)
    return { ...head, end: head.end.kind, ...content }
  }

  /** Only the head; the body is the caller's to read. */
  async head(method = 'GET'): Promise<(Omit<RawAnswer, keyof Content | 'end'> & { end: BodyEnd }) | null> {
    const head = await readHead(this)
    if (head === null) return null
    const match = /^HTTP\/1\.1 ([1-5]\d\d) ([\t -~\x80-\xff]*)$/.exec(head.startLine)
    if (match === null) throw new Error(`not a status line: ${JSON.stringify(head.startLine)}`)
    const status = Number(match[1])
    const { fields, text } = head
    return { status, reason: match[2], fields, text, end: endOf(status, method, head) }
  }

  /** Sends a request and reads its answer. */
  ask(request: string): Promise<RawAnswer> {
    this.send(request)
    return this.answer(request.slice(0, request.indexOf(' ')))
  }
}

function endOf(status: number, method: string, head: Head): BodyEnd {
  const stated = statedEnd(head.fields)
  if (method === 'HEAD' || status < 200 || status === 204 || status === 304) return { kind: 'none' }
  return stated ?? { kind: 'close' }
}

export interface ConnectOptions {
  /** Begins without reading. */
  held?: boolean
}

type Place = { readonly port: number; readonly host?: string } | { readonly path: string }

/** Connects; the connection ends with the test. */
export async function connect(
  t: TestContext,
  place: Place,
  options: ConnectOptions = {},
): Promise<RawClient> {
  const at = 'path' in place ? { path: place.path } : { port: place.port, host: place.host ?? '127.0.0.1' }
  const socket = net.connect({ ...at, noDelay: true, allowHalfOpen: true })
  const client = new RawClient(socket)
  if (options.held) client.hold()
  t.after(() => client.destroy())
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  socket.once('connect', resolve)
  socket.once('error', reject)
  await within(promise, 'a connection to the proxy')
  return client
}
