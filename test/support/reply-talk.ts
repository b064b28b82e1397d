/**
 * An answer on its way through layers, without sockets: a server's side that says what it is told to, a client's side
 * that keeps what it hears and can be slow. For tests of layers that touch bodies.
 */
import zlib from 'node:zlib'
import type { ProxyError } from '../../src/base/errors.ts'
import type { Source } from '../../src/base/flow.ts'
import type { Exchange, Reply, Serving } from '../../src/exchange/exchange.ts'
import { type Layer, stack } from '../../src/exchange/handler.ts'
import { HeaderList } from '../../src/http/header-list.ts'
import type { ResponseHead } from '../../src/http/message.ts'

export type Fields = readonly (readonly [string, string])[]

/** Undoes a coding; `whole`: false takes what has been flushed so far. */
export function decode(coding: string | null, bytes: Buffer, whole = true): Buffer {
  if (coding === 'gzip')
    return zlib.gunzipSync(bytes, { finishFlush: zlib.constants[whole ? 'Z_FINISH' : 'Z_SYNC_FLUSH'] })
  if (coding === 'br')
    return zlib.brotliDecompressSync(bytes, {
      finishFlush: zlib.constants[whole ? 'BROTLI_OPERATION_FINISH' : 'BROTLI_OPERATION_FLUSH'],
    })
  if (coding === 'zstd')
    return zlib.zstdDecompressSync(bytes, {
      finishFlush: zlib.constants[whole ? 'ZSTD_e_end' : 'ZSTD_e_flush'],
    })
  return bytes
}

/** The client's side: keeps what it is given, and can be slow. */
export class Client implements Reply {
  readonly calls: string[] = []
  readonly parts: Buffer[] = []
  status = 0
  headers = HeaderList.empty()
  source: Source | null = null
  held = false
  /** Asked for every chunk: whether there is room for another. */
  room: () => boolean = () => true

  open(source: Source): void {
    this.calls.push('open')
    this.source = source
  }
  early(): void {
    this.calls.push('early')
  }
  head(head: ResponseHead): void {
    this.calls.push('head')
    this.status = head.status
    this.headers = head.headers
  }
  data(chunk: Buffer): boolean {
    if (this.calls.at(-1) !== 'data') this.calls.push('data')
    this.parts.push(Buffer.from(chunk))
    // As a session does: one that has no room pauses its source each time it is given more.
    if (!this.held && this.room()) return true
    this.held = true
    this.source?.pause()
    return false
  }
  trailers(fields: HeaderList): void {
    this.calls.push(`trailers ${fields.text.trim()}`)
  }
  end(): void {
    this.calls.push('end')
  }
  fail(error: ProxyError): void {
    this.calls.push(`fail ${error.code}`)
  }
  goOn(): void {
    this.held = false
    this.source?.resume()
  }
  get coding(): string | null {
    return this.headers.get('content-encoding')
  }
  get over(): boolean {
    return /^(end|fail)/.test(this.calls.at(-1) ?? '')
  }
  get bytes(): Buffer {
    return Buffer.concat(this.parts)
  }
  get lines(): string[] {
    return this.headers.text.split('\r\n').slice(0, -1)
  }
}

/** The server's side: says what it is told to, and lends its memory for the length of a call only. */
export class Server implements Source {
  readonly reply: Reply
  paused = false
  pauses = 0
  cancelled = false
  onResume: () => void = () => {}

  constructor(reply: Reply) {
    this.reply = reply
  }
  pause(): void {
    this.paused = true
    this.pauses++
  }
  resume(): void {
    this.paused = false
    this.onResume()
  }
  cancel(): void {
    this.cancelled = true
  }
  head(fields: Fields = HTML, status = 200): void {
    this.reply.open(this)
    this.reply.head({ status, reason: '', version: 11, headers: HeaderList.from(fields) })
  }
  data(chunk: Buffer | string): boolean {
    const lent = Buffer.from(chunk)
    const room = this.reply.data(lent)
    lent.fill(0x21)
    return room
  }
}

export const HTML: Fields = [['Content-Type', 'text/html']]

export interface Talk {
  readonly client: Client
  readonly server: Server
  readonly exchange: Exchange
}

interface TalkOptions {
  readonly layers: readonly Layer[]
  /** Fields of the request. */
  readonly fields?: Fields
  readonly method?: string
  readonly serving?: Serving | null
}

export function talk({ layers, fields = [], method = 'GET', serving = null }: TalkOptions): Talk {
  const client = new Client()
  const request = { method, target: '/', version: 11, headers: HeaderList.from(fields) }
  const exchange = { request, reply: client, serving, cancelled: false } as unknown as Exchange
  stack(layers, { handle() {} }).handle(exchange)
  return { client, server: new Server(exchange.reply), exchange }
}
