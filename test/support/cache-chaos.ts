/**
 * Servers and clients of a cache that do at random what they may and what they should not.
 * Strategy: what a resource holds follows from its version, and each answer says its version, so that a body that is
 * mixed up, cut or doubled is recognised by whoever gets it.
 */
import type { TestContext } from 'node:test'
import { gunzipSync } from 'node:zlib'
import type { Random } from '../fuzz/random.ts'
import { wholeBody } from './bodies.ts'
import type { OriginRequest, Script } from './origin.ts'
import { connect, type RawAnswer, type RawClient } from './raw-client.ts'
import { pause } from './wait.ts'
import type { Wire } from './wire.ts'

const SIZES = [0, 10, 900, 5_000, 70_000, 250_000, 500_000]
const PATHS = SIZES.length * 2

const CONTROLS = [
  'max-age=60',
  'max-age=60',
  'max-age=0',
  'max-age=1, stale-while-revalidate=60',
  'max-age=0, stale-if-error=60',
  'public, max-age=1',
  's-maxage=60',
  'no-store',
  'private',
  'no-cache',
]

export class CacheChaos {
  readonly #random: Random
  readonly #versions = new Map<number, number>()
  /** What must never happen. */
  readonly faults: string[] = []
  readonly outcomes: Record<string, number> = {}

  constructor(random: Random) {
    this.#random = random
  }

  #content(path: number, version: number): Buffer {
    return wholeBody(SIZES[path % SIZES.length], path * 1000 + version)
  }

  // The server

  readonly script: Script = async (request, wire) => {
    const random = this.#random
    const path = Number(request.target.slice(1))
    if (request.method === 'POST' || random.once(30))
      this.#versions.set(path, ((this.#versions.get(path) ?? 0) + 1) % 1000)
    if (random.once(4)) await pause(random.below(8))
    if (random.once(25)) {
      wire.destroy()
      return
    }
    if (random.once(20)) wire.send('HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n')
    if (random.once(12)) wire.send('HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nlate')
    else if (request.method === 'POST') wire.send('HTTP/1.1 204 No Content\r\n\r\n')
    else await this.#answers(request, wire, path, this.#versions.get(path) ?? 0)
  }

  async #answers(
    { method, fields }: OriginRequest,
    wire: Wire,
    path: number,
    version: number,
  ): Promise<void> {
    const random = this.#random
    const content = this.#content(path, version)
    const tag = `"${path}-${version}"`
    const tagged = path % 3 !== 0
    const lines = [`Cache-Control: ${random.of(CONTROLS)}`, 'Content-Type: text/plain']
    // RFC 9111 §4.3.5: where there is nothing to compare, what HEAD brings goes onto what is stored.
    if (tagged || method === 'GET') lines.push(`X-Version: ${path}-${version}`)
    if (tagged) lines.push(`ETag: ${tag}`)
    if (path % 4 === 1) lines.push('Vary: Accept-Language')
    if (random.once(40)) lines.push('Set-Cookie: a=b')
    const head = (status: string, ...more: string[]): string =>
      [`HTTP/1.1 ${status}`, ...lines, ...more, '', ''].join('\r\n')
    if (tagged && fields.all('If-None-Match').join().includes(tag)) {
      wire.send(head('304 Not Modified'))
      return
    }
    const range = /^bytes=(\d+)-(\d+)$/.exec(fields.all('Range').join(', '))
    const [first, last] = [Number(range?.[1] ?? 0), Math.min(Number(range?.[2] ?? 1e9), content.length - 1)]
    const isPart = range !== null && method === 'GET' && first <= last && path % 5 !== 0
    const body = isPart ? content.subarray(first, last + 1) : content
    const status = isPart ? '206 Partial Content' : '200 OK'
    const place = isPart ? [`Content-Range: bytes ${first}-${last}/${content.length}`] : []
    const framing = random.below(4)
    if (framing > 1) wire.send(head(status, ...place, `Content-Length: ${body.length}`))
    else if (framing === 1) wire.send(head(status, ...place, 'Transfer-Encoding: chunked'))
    else wire.send(head(status, ...place, 'Connection: close'))
    if (method !== 'HEAD') await this.#sends(wire, body, framing === 1)
    if (framing === 0) wire.end()
  }

  async #sends(wire: Wire, body: Buffer, chunked: boolean): Promise<void> {
    const random = this.#random
    const cut = random.once(15) && body.length > 0
    const end = cut ? random.below(body.length) : body.length
    const step = random.of([1 + (body.length >> 2), 16_384, 1_000_000])
    for (let at = 0; at < end; at += step) {
      const piece = body.subarray(at, Math.min(end, at + step))
      if (chunked) wire.send(`${piece.length.toString(16)}\r\n`)
      if (!(await wire.sendAll(piece))) return
      if (chunked) wire.send('\r\n')
      if (random.once(6)) await pause(random.below(5))
    }
    // Reset: without framing, an end would look like the right one.
    if (cut) wire.reset()
    else if (chunked) wire.send('0\r\n\r\n')
  }

  // Clients

  async client(t: TestContext, front: { port: number }, requests: number): Promise<void> {
    const random = this.#random
    let client: RawClient | null = null
    for (let n = 0; n < requests; n++) {
      client ??= await connect(t, front)
      const path = random.below(PATHS)
      const method = random.of(['GET', 'GET', 'GET', 'GET', 'GET', 'GET', 'HEAD', 'POST'])
      const version = random.once(12) ? '1.0' : '1.1'
      const fields = [`${method} /${path} HTTP/${version}`, 'Host: shop', ...this.#fields(path)]
      if (method === 'POST') fields.push('Content-Length: 0')
      client.send(`${fields.join('\r\n')}\r\n\r\n`)
      if (!(await this.#reads(client, method, path, fields)) || version === '1.0') {
        client.destroy()
        client = null
      }
    }
    client?.destroy()
  }

  #fields(path: number): string[] {
    const random = this.#random
    const first = random.below(SIZES[path % SIZES.length] + 5)
    const choices: (readonly [number, string])[] = [
      [4, `Range: bytes=${first}-${first + random.below(50_000)}`],
      [30, 'Range: bytes=-100'],
      [30, 'Range: bytes=0-4,10-20'],
      [40, 'Range: bytes=0-,0-,0-,0-'],
      [8, `If-None-Match: "${path}-${this.#versions.get(path) ?? 0}"`],
      [30, 'If-Match: "x"'],
      [
        12,
        `Cache-Control: ${random.of(['no-cache', 'max-age=0', 'no-store', 'max-stale', 'only-if-cached'])}`,
      ],
      [10, 'Authorization: Basic YTpi'],
      [3, `Accept-Language: ${random.of(['de', 'en'])}`],
      [3, 'Accept-Encoding: gzip'],
      [60, 'Upgrade: websocket\r\nConnection: upgrade'],
    ]
    return choices.flatMap(([times, line]) => (random.once(times) ? [line] : []))
  }

  /** False: the connection is of no more use. */
  async #reads(client: RawClient, method: string, path: number, asked: readonly string[]): Promise<boolean> {
    const random = this.#random
    const mood = random.below(10)
    if (mood === 0) return false
    if (mood === 1) {
      await pause(random.below(6))
      return false
    }
    if (mood === 2) {
      client.hold()
      await pause(random.below(25))
      client.go()
    }
    try {
      if (mood === 3) {
        await client.head(method)
        return false
      }
      let got = await client.answerOrEnd(method)
      while (got !== null && got.status < 200) got = await client.answerOrEnd(method)
      if (got === null) return false
      this.#count(`${got.status}`)
      this.#judge(got, method, path, asked)
      return got.end !== 'close' && !got.fields.all('Connection').join().includes('close')
    } catch (error) {
      // Broken off, visibly; anything else has no place here.
      const { message } = error as Error
      this.#count('broken off')
      if (!/the connection ended|reset|cut/i.test(message))
        this.faults.push(`${asked.join(' | ')}: ${message}`)
      return false
    }
  }

  #count(outcome: string): void {
    this.outcomes[outcome] = (this.outcomes[outcome] ?? 0) + 1
  }

  #judge({ status, fields, body }: RawAnswer, method: string, path: number, asked: readonly string[]): void {
    const said = fields.get('X-Version')
    if (said === null || method === 'HEAD' || (status !== 200 && status !== 206)) return
    const [of, version] = said.split('-').map(Number)
    const whole = this.#content(of, version)
    const coded = fields.get('Content-Encoding') === 'gzip'
    let expected: Buffer | null = whole
    if (status === 206) {
      const range = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(fields.get('Content-Range') ?? '')
      // Several ranges, or ranges of what is compressed.
      if (range === null || coded) return
      if (Number(range[3]) !== whole.length) expected = null
      else expected = whole.subarray(Number(range[1]), Number(range[2]) + 1)
    }
    const content = coded ? gunzipSync(body) : body
    if (of !== path || expected === null || !content.equals(expected))
      this.faults.push(
        `${asked.join(' | ')}: ${status}, ${content.length} bytes of ${said} (${fields.lines.join(' | ')})`,
      )
  }
}
