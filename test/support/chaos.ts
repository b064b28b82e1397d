/**
 * Origins and clients that do at random whatever HTTP allows them, and much that it does not, and check every
 * answer that looks complete.
 * Strategy: each request has a number; its answer repeats it and has a body that follows from it, so an answer
 * that is mixed up, cut or doubled is recognised by whoever reads it.
 */
import { pieces, wholeBody } from './bodies.ts'
import { answer, type OriginRequest, type Script } from './origin.ts'
import type { RawAnswer, RawClient } from './raw-client.ts'
import { CHUNKED } from './requests.ts'
import { turns } from './wait.ts'
import type { Wire } from './wire.ts'

/** Numbers from 0 to 1 that depend on the seed alone (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

export class Chaos {
  readonly #random: () => number
  #lastNumber = 0
  /** How often a request that must not be repeated reached the origin, by its number. */
  readonly posts = new Map<number, number>()
  /** What came of the requests: a status, or that the connection ended. */
  readonly outcomes: Record<string, number> = {}
  /** What must never happen. */
  readonly faults: string[] = []

  constructor(seed: number) {
    this.#random = randomNumbers(seed)
  }

  #chance(share: number): boolean {
    return this.#random() < share
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit)
  }

  #pick<T>(list: readonly T[]): T {
    return list[this.#below(list.length)]
  }

  /** Small ones often, large ones now and then. */
  #size(): number {
    return this.#chance(0.1) ? this.#below(400_000) : this.#below(5_000)
  }

  /** The origin: an answer in some framing, early or late, whole or not. */
  readonly script: Script = async (request, wire) => {
    const number = Number(request.target.slice(1))
    if (request.method === 'POST') this.posts.set(number, (this.posts.get(number) ?? 0) + 1)
    if (this.#chance(0.02)) return wire.destroy()
    if (this.#chance(0.01)) return
    if (this.#chance(0.1)) wire.send('HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n')
    if (this.#chance(0.05)) return wire.send(answer('early', '403 Forbidden', `X-Number: ${number}\r\n`))
    const content = await request.content().catch(() => null)
    if (content === null) return
    if (this.#chance(0.3)) await turns(this.#below(10))
    await this.#answer(request, wire, number, content.body.length)
  }

  async #answer(request: OriginRequest, wire: Wire, number: number, received: number): Promise<void> {
    const size = this.#size()
    const framing = this.#pick(['length', 'length', 'chunked', 'close'])
    const last = framing === 'close' || this.#chance(0.1)
    const fields =
      `X-Number: ${number}\r\nX-Size: ${size}\r\nX-Received: ${received}\r\n` +
      (framing === 'length' ? `Content-Length: ${size}\r\n` : framing === 'chunked' ? CHUNKED : '') +
      (last ? 'Connection: close\r\n' : '')
    wire.send(`HTTP/1.1 200 OK\r\n${fields}\r\n`)
    if (request.method !== 'HEAD' && !(await this.#sendBody(wire, number, size, framing))) return
    if (this.#chance(0.05)) await turns(this.#below(5))
    if (last || this.#chance(0.05)) {
      if (framing !== 'close' && this.#chance(0.3)) wire.reset()
      else wire.end()
    }
  }

  /** False when it broke off on the way. */
  async #sendBody(wire: Wire, number: number, size: number, framing: string): Promise<boolean> {
    for (const piece of pieces(size, number % 1000, 1 + this.#below(60_000))) {
      if (this.#chance(0.01)) {
        // What has no length ends with a regular end: only a broken connection says that it is not whole.
        if (framing === 'close' || this.#chance(0.5)) wire.reset()
        else wire.destroy()
        return false
      }
      const bytes =
        framing === 'chunked'
          ? Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')])
          : piece
      if (!(await wire.sendAll(bytes))) return false
      if (this.#chance(0.2)) await turns(1)
    }
    if (framing === 'chunked') wire.send('0\r\n\r\n')
    return true
  }

  /** One client connection: some requests, perhaps pipelined, perhaps given up. */
  async client(client: RawClient): Promise<void> {
    client.recording = false
    for (let left = 1 + this.#below(12); left > 0; left--) {
      const batch = Array.from({ length: this.#chance(0.2) ? 4 : 1 }, () => this.#request())
      await this.#send(client, Buffer.concat(batch.map(each => each.bytes)))
      if (this.#chance(0.05)) return client.destroy()
      if (this.#chance(0.03)) return client.reset()
      for (const each of batch) if (!(await this.#take(client, each))) return client.destroy()
    }
    client.end()
  }

  #request(): { number: number; method: string; size: number; bytes: Buffer } {
    const number = ++this.#lastNumber
    const method = this.#pick(['GET', 'GET', 'GET', 'HEAD', 'POST', 'PUT'])
    const size = method === 'POST' || method === 'PUT' ? this.#size() : 0
    const chunked = size > 0 && this.#chance(0.5)
    const framing = chunked ? CHUNKED : size > 0 ? `Content-Length: ${size}\r\n` : ''
    const parts: Buffer[] = [
      Buffer.from(`${method} /${number} HTTP/1.1\r\nHost: chaos.test\r\n${framing}\r\n`),
    ]
    for (const piece of pieces(size, number % 1000, 1 + this.#below(30_000)))
      parts.push(
        ...(chunked
          ? [Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')]
          : [piece]),
      )
    if (chunked) parts.push(Buffer.from('0\r\n\r\n'))
    return { number, method, size, bytes: Buffer.concat(parts) }
  }

  async #send(client: RawClient, bytes: Buffer): Promise<void> {
    const step = this.#chance(0.5) ? bytes.length : 1 + this.#below(40_000)
    for (let at = 0; at < bytes.length && !client.socket.destroyed; at += step) {
      client.send(bytes.subarray(at, at + step))
      if (step < bytes.length) await turns(1)
    }
  }

  /** Reads the answer to a request. False when the connection is of no use any more. */
  async #take(client: RawClient, asked: { number: number; method: string; size: number }): Promise<boolean> {
    let told: RawAnswer
    try {
      if (this.#chance(0.1)) {
        client.hold()
        await turns(this.#below(30))
        client.go()
      }
      do told = await client.answer(asked.method)
      while (told.status < 200)
    } catch (error) {
      const message = (error as Error).message
      if (!/^the (connection|body) ended/.test(message)) this.faults.push(`${asked.number}: ${message}`)
      this.#count('ended')
      return false
    }
    this.#count(String(told.status))
    this.#check(told, asked)
    return told.fields.get('Connection') !== 'close'
  }

  #check(told: RawAnswer, asked: { number: number; method: string; size: number }): void {
    const fault = (what: string) => void this.faults.push(`${asked.method} ${asked.number}: ${what}`)
    if (told.status !== 200 && told.status !== 403) {
      if (![502, 504].includes(told.status)) fault(`status ${told.status}: ${told.body}`)
      return
    }
    if (told.fields.get('X-Number') !== String(asked.number))
      fault(`the answer to ${told.fields.get('X-Number')}`)
    if (told.status === 403) return
    if (told.fields.get('X-Received') !== String(asked.size))
      fault(`the origin took ${told.fields.get('X-Received')} of ${asked.size} bytes for the whole`)
    if (asked.method === 'HEAD') return
    const size = Number(told.fields.get('X-Size'))
    if (!told.body.equals(wholeBody(size, asked.number % 1000)))
      fault(`${told.body.length} of ${size} bytes, or others`)
  }

  #count(outcome: string): void {
    this.outcomes[outcome] = (this.outcomes[outcome] ?? 0) + 1
  }
}
