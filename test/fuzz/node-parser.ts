/**
 * How Node's own HTTP server and client read bytes: the other party of the differential tests. No sockets: the
 * bytes come out of a stream, and what is written to it goes nowhere.
 */
import http from 'node:http'
import { Duplex } from 'node:stream'

/** A message as anybody would describe it. */
export interface Message {
  /** `GET /a`, or `200 OK`. */
  readonly start: string
  readonly fields: readonly (readonly [string, string])[]
  /** latin1, one character a byte. */
  readonly content: string
}

/** Messages that were read to their end, in order, and why it did not go on ('' when the bytes just ended). */
export interface Reading {
  readonly messages: readonly Message[]
  readonly fault: string
}

class Wire extends Duplex {
  override _read(): void {}
  override _write(_chunk: Buffer, _encoding: string, done: () => void): void {
    done()
  }

  /** The end comes a moment after the bytes, so that what is whole is told of before what is cut is complained of. */
  gives(bytes: Buffer): void {
    this.push(bytes)
    setImmediate(() => setImmediate(() => this.push(null)))
  }
}

/** Node's limits out of the way: what is compared is what bytes mean. */
const HEADER_BYTES_MAX = 1_048_576

function pairs(raw: readonly string[]): [string, string][] {
  const entries: [string, string][] = []
  for (let at = 0; at < raw.length; at += 2) entries.push([raw[at], raw[at + 1]])
  return entries
}

/** Collects a body; `whole` is called only if it came to its end. */
function collect(message: http.IncomingMessage, whole: (content: string) => void): void {
  let content = ''
  message.setEncoding('latin1')
  message.on('data', (text: string) => {
    content += text
  })
  message.on('end', () => {
    if (message.complete) whole(content)
  })
  message.on('error', () => {})
}

/** The requests that Node's server reads out of one connection. */
export function nodeReadsRequests(bytes: Buffer): Promise<Reading> {
  return new Promise(resolve => {
    const messages: Message[] = []
    let fault = ''
    const server = http.createServer({ maxHeaderSize: HEADER_BYTES_MAX, keepAliveTimeout: 0 })
    server.maxHeadersCount = 0
    const take = (request: http.IncomingMessage, response: http.ServerResponse): void => {
      const place = messages.push({ start: '', fields: [], content: '' }) - 1
      collect(request, content => {
        messages[place] = {
          start: `${request.method} ${request.url}`,
          fields: pairs(request.rawHeaders),
          content,
        }
      })
      request.on('close', () => response.end())
    }
    server.on('request', take)
    server.on('checkContinue', take)
    server.on('checkExpectation', (_request, response) => {
      fault = 'expectation'
      response.end()
    })
    for (const event of ['connect', 'upgrade'] as const)
      server.on(event, (_request, socket) => {
        fault = event
        socket.destroy()
      })
    server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
      fault = error.code ?? error.message
      setImmediate(() => socket.destroy())
    })
    const wire = new Wire()
    wire.on('close', () => setImmediate(() => resolve({ messages: untilCut(messages), fault })))
    wire.on('error', () => {})
    server.emit('connection', wire)
    wire.gives(bytes)
  })
}

/** Messages in front of the first that was not read to its end. */
function untilCut(messages: readonly Message[]): readonly Message[] {
  const cut = messages.findIndex(message => message.start === '')
  return cut < 0 ? messages : messages.slice(0, cut)
}

/** The answer that Node's client reads to a request with this method. */
export function nodeReadsResponse(method: string, bytes: Buffer): Promise<Reading> {
  return new Promise(resolve => {
    const messages: Message[] = []
    let fault = ''
    const wire = new Wire()
    const request = http.request({ method, maxHeaderSize: HEADER_BYTES_MAX, createConnection: () => wire })
    request.on('response', response => {
      collect(response, content => {
        messages.push({
          start: `${response.statusCode} ${response.statusMessage}`,
          fields: pairs(response.rawHeaders),
          content,
        })
      })
    })
    request.on('error', (error: NodeJS.ErrnoException) => {
      fault = error.code ?? error.message
    })
    request.on('upgrade', (_response, socket) => {
      fault = 'upgrade'
      socket.destroy()
    })
    wire.on('close', () => setImmediate(() => resolve({ messages, fault })))
    wire.on('error', () => {})
    request.end()
    wire.gives(bytes)
  })
}
