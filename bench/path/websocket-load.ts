/**
 * WebSocket messages as fast as they come back: node websocket-load.ts WORK PORT SECONDS, one line of JSON.
 * Strategy: every connection has one message under way; when it is back, byte for byte, the next goes out. Node makes
 * this load, and it shares its core with the origin, so messages per second are the generator's; what counts is the
 * proxy's CPU time per message.
 */
import { connect, type Socket } from 'node:net'
import { maskedFrame, plainBytes, plainFrame } from './websocket-frames.ts'
import { WORKS, type Work } from './works.ts'
import type { Load } from './wrk.ts'

const latenciesMax = 2_000_000
const frame = maskedFrame()
const expected = plainFrame()

class WebSocketLoad {
  private readonly latencies = new Float64Array(latenciesMax)
  private readonly faults = new Map<string, number>()
  private count = 0
  private running = true

  async run(work: Work, port: number, seconds: number): Promise<Load> {
    const sockets = await Promise.all(Array.from({ length: work.connections }, () => this.open(work, port)))
    const startedAt = performance.now()
    for (const socket of sockets) this.converse(socket)
    await new Promise(resolve => setTimeout(resolve, seconds * 1_000))
    this.running = false
    const elapsed = (performance.now() - startedAt) / 1_000
    for (const socket of sockets) socket.destroy()
    const sorted = this.latencies.subarray(0, Math.min(this.count, latenciesMax)).sort()
    const percentile = (part: number) => Math.round((sorted[Math.floor(sorted.length * part)] ?? 0) * 1_000)
    return {
      requests: this.count,
      seconds: elapsed,
      p50Micros: percentile(0.5),
      p99Micros: percentile(0.99),
      faults: [...this.faults].map(([words, count]) => `${count} × ${words}`),
    }
  }

  private open(work: Work, port: number): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port, noDelay: true }, () => {
        socket.write(
          `GET ${work.path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
            'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
        )
      })
      socket.once('error', reject)
      socket.once('data', head => {
        const text = head.toString('latin1')
        if (text.startsWith('HTTP/1.1 101 ') && text.endsWith('\r\n\r\n')) resolve(socket)
        else reject(new Error(`the handshake was answered ${text.slice(0, 60)}`))
      })
    })
  }

  private converse(socket: Socket): void {
    let got = 0
    let sentAt = performance.now()
    socket.on('data', bytes => {
      if (bytes.compare(expected, got, Math.min(plainBytes, got + bytes.length)) !== 0)
        this.fault('wrong message')
      got += bytes.length
      if (got < plainBytes) return
      got = 0
      const now = performance.now()
      this.latencies[this.count++ % latenciesMax] = now - sentAt
      sentAt = now
      if (this.running) socket.write(frame)
    })
    socket.on('close', () => this.fault('connection lost'))
    socket.write(frame)
  }

  private fault(words: string): void {
    if (this.running) this.faults.set(words, (this.faults.get(words) ?? 0) + 1)
  }
}

const [name, portText, secondsText] = process.argv.slice(2)
const work = WORKS.find(candidate => candidate.name === name)
if (!work) throw new Error('usage: node websocket-load.ts WORK PORT SECONDS')
const load = await new WebSocketLoad().run(work, Number(portText), Number(secondsText))
process.stdout.write(`${JSON.stringify(load)}\n`, () => process.exit(0))
