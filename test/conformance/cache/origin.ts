/**
 * The server behind the cache: it knows from the path which case asks, and answers what the step that runs says.
 * Strategy: bytes are written as the case has them, because half of the suite is about answers that no library would
 * send; what is asked is noted with the case.
 */
import net from 'node:net'
import { type Fields, type Head, readContent, readHead, statedEnd } from '../../support/messages.ts'
import { Wire } from '../../support/wire.ts'
import type { Answer } from './case.ts'
import { fill, linesOf, type Places } from './texts.ts'

export interface Asked {
  readonly method: string
  readonly target: string
  readonly fields: Fields
}

/** A case that is being played. */
export interface Playing extends Places {
  /** What to answer now. */
  answer: Answer
  /** The bodies of the answers, step by step. */
  readonly bodies: readonly string[]
  /** The step that runs. */
  index: number
  /** Requests of the step that runs. */
  asked: Asked[]
  onAsked: (() => void) | null
}

export class CaseOrigin {
  readonly playing = new Map<string, Playing>()
  readonly #server = net.createServer(
    { noDelay: true, allowHalfOpen: true },
    socket => void this.#serve(socket),
  )
  readonly #sockets = new Set<net.Socket>()

  get port(): number {
    return (this.#server.address() as net.AddressInfo).port
  }

  listen(port: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#server.once('error', reject)
    this.#server.listen(port, '127.0.0.1', resolve)
    return promise
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
  }

  /** Whatever cannot be read, and a connection that nobody uses any more, ends. */
  async #serve(socket: net.Socket): Promise<void> {
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
    const wire = new Wire(socket)
    wire.recording = false
    try {
      for (let head = await readHead(wire); head !== null; head = await readHead(wire)) {
        await readContent(wire, statedEnd(head.fields) ?? { kind: 'none' })
        if (!(await this.#answer(wire, head))) break
      }
      wire.end()
    } catch {
      wire.destroy()
    }
  }

  /** False when the connection is over with it. */
  async #answer(wire: Wire, head: Head): Promise<boolean> {
    const [method, written] = head.startLine.split(' ')
    const target = written.replace(/^http:\/\/[^/]*/, '')
    const playing = this.playing.get(/^\/[^/?]+\/[^/?]+/.exec(target)?.[0] ?? '')
    if (playing === undefined) {
      wire.send('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nCache-Control: no-store\r\n\r\n')
      return true
    }
    const asked = { method, target, fields: head.fields }
    playing.asked.push(asked)
    const body = playing.bodies[playing.index]
    const conditional =
      head.fields.all('If-None-Match').length + head.fields.all('If-Modified-Since').length > 0
    const answer = (conditional ? playing.answer.conditional : undefined) ?? playing.answer
    playing.onAsked?.()
    if (answer.delayMs !== undefined) await new Promise(resolve => setTimeout(resolve, answer.delayMs))
    if (answer.dropped === true) {
      wire.destroy()
      return false
    }
    const { head: sentHead, content, close } = write(answer, playing, body, asked)
    wire.send(sentHead + content)
    return !close
  }
}

/** An answer as bytes. */
interface Written {
  readonly head: string
  /** With its framing. */
  readonly content: string
  /** The connection ends behind it. */
  readonly close: boolean
}

function write(answer: Answer, playing: Playing, given: string, request: Asked): Written {
  const whole = answer.body ?? given
  const part = answer.ranges === true ? partOf(whole, request) : null
  const status = part?.status ?? answer.status ?? 200
  const bare = status === 204 || status === 304
  const body = bare ? '' : (part?.body ?? whole)
  const chunked = answer.framing === 'chunked' || answer.trailers !== undefined
  const close = answer.framing === 'close' || answer.cutAfter !== undefined
  const lines = linesOf(answer.fields).map(line => fill(line, playing))
  if (part !== null) lines.push(`Content-Range: ${part.contentRange}`)
  if (answer.undated !== true && !lines.some(line => /^date:/i.test(line)))
    lines.push(fill('Date: {now}', playing))
  if (close) lines.push('Connection: close')
  if (chunked && !bare) lines.push('Transfer-Encoding: chunked')
  else if (!bare && answer.framing !== 'close' && !lines.some(line => /^content-length:/i.test(line)))
    lines.push(`Content-Length: ${body.length}`)
  const early = linesOf(answer.early).map(
    line => `HTTP/1.1 ${line.slice(0, 3)} Early\r\n${line.slice(4)}\r\n\r\n`,
  )
  const head = `${early.join('')}HTTP/1.1 ${status} Scripted\r\n${lines.join('\r\n')}\r\n\r\n`
  if (bare || request.method === 'HEAD') return { head, content: '', close }
  const sent = body.slice(0, answer.cutAfter)
  if (!chunked) return { head, content: sent, close }
  const chunk = body === '' ? '' : `${body.length.toString(16)}\r\n${sent}`
  if (sent.length < body.length) return { head, content: chunk, close }
  const trailers = linesOf(answer.trailers).map(line => `${line}\r\n`)
  return { head, content: `${chunk}${chunk === '' ? '' : '\r\n'}0\r\n${trailers.join('')}\r\n`, close }
}

/** One byte range of a text (RFC 9110 §14.1.2), or null when there is none to obey. */
function partOf(
  text: string,
  { method, fields }: Asked,
): { status: number; body: string; contentRange: string } | null {
  const match = method === 'GET' ? /^bytes=(\d*)-(\d*)$/.exec(fields.all('Range').join()) : null
  if (match === null || (match[1] === '' && match[2] === '')) return null
  const size = text.length
  const from = match[1] === '' ? Math.max(0, size - Number(match[2])) : Number(match[1])
  const to = match[1] === '' || match[2] === '' ? size - 1 : Math.min(size - 1, Number(match[2]))
  if (from > to) return { status: 416, body: '', contentRange: `bytes */${size}` }
  return { status: 206, body: text.slice(from, to + 1), contentRange: `bytes ${from}-${to}/${size}` }
}
