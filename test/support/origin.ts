/**
 * Origin servers for tests: one that follows a script byte by byte, and a plain `node:http` one.
 * Strategy: the scripted origin reads requests strictly and on its own terms; whatever it cannot read as exactly
 * one message is a fault that fails the test, so a smuggled byte never goes unseen.
 */
import assert from 'node:assert/strict'
import http from 'node:http'
import net from 'node:net'
import type { TestContext } from 'node:test'
import { type BodyEnd, type Content, type Fields, readContent, readHead, statedEnd } from './messages.ts'
import { Arrivals, within } from './wait.ts'
import { Wire } from './wire.ts'

/** One request as the origin reads it. */
export class OriginRequest {
  readonly method: string
  readonly target: string
  readonly startLine: string
  readonly fields: Fields
  /** The head as it came. */
  readonly text: string
  readonly wire: Wire
  /** How many requests came before it on its connection. */
  readonly place: number
  readonly end: BodyEnd
  #content: Promise<Content> | null = null
  #body: Buffer | null = null

  constructor(wire: Wire, place: number, head: { startLine: string; fields: Fields; text: string }) {
    const match = /^([!-~]+) ([!-~]+) HTTP\/1\.1$/.exec(head.startLine)
    if (match === null) throw new Error(`not a request line: ${JSON.stringify(head.startLine)}`)
    this.method = match[1]
    this.target = match[2]
    this.startLine = head.startLine
    this.fields = head.fields
    this.text = head.text
    this.wire = wire
    this.place = place
    this.end = statedEnd(head.fields) ?? { kind: 'none' }
    if (head.fields.all('Host').length !== 1) throw new Error('a request needs exactly one Host')
  }

  get host(): string | null {
    return this.fields.get('Host')
  }

  /** The whole body; asked twice it is the same. Rejects when it is cut short. */
  content(): Promise<Content> {
    this.#content ??= readContent(this.wire, this.end).then(content => {
      this.#body = content.body
      return content
    })
    return this.#content
  }

  /** The body as text, once a script has read it. */
  get body(): string {
    if (this.#body === null) throw new Error('the body has not been read')
    return this.#body.toString('latin1')
  }
}

/** What the origin does with a request. Without a word about the connection it stays open. */
export type Script = (request: OriginRequest, wire: Wire) => void | Promise<void>

/** A small answer as text: 200 with this body, unless told otherwise. */
export function answer(body: string, status = '200 OK', fields = ''): string {
  return `HTTP/1.1 ${status}\r\n${fields}Content-Length: ${Buffer.byteLength(body, 'latin1')}\r\n\r\n${body}`
}

/** Reads the body, then tells what it read: `POST /path 5`. */
export const echo: Script = async (request, wire) => {
  const { body } = await request.content()
  wire.send(answer(`${request.method} ${request.target} ${body.length}`))
}

export class ScriptedOrigin {
  readonly wires = new Arrivals<Wire>('a connection to the origin')
  readonly requests = new Arrivals<OriginRequest>('a request to the origin')
  /** What could not be read as a request, in the words of the reader. */
  readonly faults: string[] = []
  script: Script
  readonly server: net.Server
  #open = new Set<Wire>()

  constructor(script: Script) {
    this.script = script
    this.server = net.createServer({ noDelay: true, allowHalfOpen: true }, socket => {
      const wire = new Wire(socket)
      this.#open.add(wire)
      socket.on('close', () => this.#open.delete(wire))
      this.wires.push(wire)
      this.#serve(wire).catch(error => this.faults.push((error as Error).message))
    })
  }

  async #serve(wire: Wire): Promise<void> {
    for (let place = 0; ; place++) {
      const head = await readHead(wire).catch((error: Error) => {
        if (wire.ending === null || wire.ending === 'end') throw error
        return null
      })
      if (head === null) break
      const request = new OriginRequest(wire, place, head)
      this.requests.push(request)
      await this.script(request, wire)
      if (wire.socket.destroyed) return
      // A body that is cut short is the script's to judge; nothing can come behind it.
      const whole = await request.content().catch(() => null)
      if (whole === null && wire.ending !== null) break
    }
    wire.end()
  }

  get port(): number {
    return (this.server.address() as net.AddressInfo).port
  }

  /** `127.0.0.1:9000`, as configurations write it. */
  get address(): string {
    return `127.0.0.1:${this.port}`
  }

  /** Open connections. */
  get open(): number {
    return this.#open.size
  }

  /** The request lines that came, in order. */
  get lines(): string[] {
    return this.requests.all.map(request => request.startLine)
  }

  /** Every byte that came, connection by connection. */
  get received(): string {
    return this.wires.all.map(wire => wire.received).join('')
  }

  async listen(at: { port: number; host?: string } | { path: string }): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.server.once('error', reject)
    this.server.listen(at, resolve)
    await within(promise, 'the origin to listen')
  }

  async close(): Promise<void> {
    for (const wire of this.#open) wire.destroy()
    if (!this.server.listening) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.server.close(() => resolve())
    await within(promise, 'the origin to close')
  }
}

interface OriginOptions {
  at?: { port: number; host?: string } | { path: string }
  /** True where the proxy is expected to break off in the middle of a request. */
  faultsExpected?: boolean
}

/** Starts a scripted origin that ends with the test; requests it could not read fail the test. */
export async function startOrigin(
  t: TestContext,
  script: Script = echo,
  { at = { port: 0, host: '127.0.0.1' }, faultsExpected = false }: OriginOptions = {},
): Promise<ScriptedOrigin> {
  const origin = new ScriptedOrigin(script)
  await origin.listen(at)
  t.after(async () => {
    await origin.close()
    if (!faultsExpected) assert.deepEqual(origin.faults, [], 'the origin could not read what it was sent')
  })
  return origin
}

export interface HttpOrigin {
  readonly server: http.Server
  readonly port: number
  readonly address: string
}

/** Starts a `node:http` server that ends with the test. */
export async function startHttpOrigin(t: TestContext, listener: http.RequestListener): Promise<HttpOrigin> {
  const server = http.createServer(listener)
  const { promise, resolve } = Promise.withResolvers<void>()
  server.listen(0, '127.0.0.1', resolve)
  await promise
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as net.AddressInfo
  return { server, port, address: `127.0.0.1:${port}` }
}
