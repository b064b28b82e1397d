/**
 * A load at a fixed rate: node paced-load.ts WORK PORT RATE SECONDS, one line of JSON on stdout.
 *
 * Strategy: open loop. Request n is due at n / rate whatever the answers do, and its latency counts from that
 * moment: a proxy that stalls is charged for every request that fell due meanwhile (no coordinated omission).
 * A request that is due while all connections wait for answers stands in line, and its time runs.
 * Every turn of the loop sends what is due; the turns come from the answers themselves and from a second thread
 * that knocks 5 000 times a second, because Node's own timers know only milliseconds. How late the generator was
 * in noticing is measured beside it, so that its own share of the latency can be seen.
 */
import { connect, type Socket } from 'node:net'
import { Worker } from 'node:worker_threads'
import { AnswerReader, requestBytes } from './answer-reader.ts'
import { WORKS } from './works.ts'

/** The first half second warms up this program's code and is not recorded. */
const leadSeconds = 0.5
/** So long after the last request was due, what is unanswered counts as lost. */
const drainMs = 2_000
const readBufferBytes = 64 * 1024

export interface PacedResult {
  /** Answers counted, the lead included: what the CPU time is divided by. */
  readonly requests: number
  readonly seconds: number
  readonly p50Micros: number
  readonly p99Micros: number
  readonly maxMicros: number
  /** 99 % of the requests were noticed by the generator so soon after they were due. */
  readonly latenessP99Micros: number
  /** Answers that had come when the last request fell due, as a share of all: below 1 by what was under way. */
  readonly keptUp: number
  readonly unanswered: number
  readonly faults: readonly string[]
}

interface Lane {
  readonly socket: Socket
  readonly reader: AnswerReader
  /** Number of the request that is under way. */
  request: number
}

class PacedLoad {
  private readonly total: number
  private readonly leadRequests: number
  private readonly latencies: Float64Array
  private readonly lateness: Float64Array
  private readonly free: Lane[] = []
  private readonly faults = new Map<string, number>()
  private readonly port: number
  private readonly request: Buffer
  private readonly requestsPerMs: number
  private startedAt = 0
  private noticed = 0
  private sent = 0
  private answered = 0
  private answeredInTime = 0
  private finished: (() => void) | null = null

  constructor(port: number, request: Buffer, requestsPerSecond: number, seconds: number) {
    this.port = port
    this.request = request
    this.requestsPerMs = requestsPerSecond / 1_000
    this.leadRequests = Math.round(requestsPerSecond * leadSeconds)
    this.total = this.leadRequests + Math.round(requestsPerSecond * seconds)
    this.latencies = new Float64Array(this.total).fill(Number.POSITIVE_INFINITY)
    this.lateness = new Float64Array(this.total)
  }

  async run(connections: number): Promise<PacedResult> {
    for (let count = 0; count < connections; count++) this.free.push(await this.openLane())
    const knocks = startKnocking(() => this.turn())
    const dueMs = this.total / this.requestsPerMs
    this.startedAt = performance.now()
    await new Promise<void>(resolve => {
      this.finished = resolve
      setTimeout(resolve, dueMs + drainMs)
    })
    const seconds = (performance.now() - this.startedAt) / 1_000
    this.finished = null
    await knocks.terminate()
    return this.result(seconds)
  }

  private openLane(): Promise<Lane> {
    return new Promise((resolve, reject) => {
      const buffer = Buffer.allocUnsafeSlow(readBufferBytes)
      const reader = new AnswerReader()
      const callback = (length: number) => {
        this.receive(lane, buffer, length)
        return true
      }
      const socket = connect({
        host: '127.0.0.1',
        port: this.port,
        noDelay: true,
        onread: { buffer, callback },
      })
      const lane: Lane = { socket, reader, request: -1 }
      socket.once('connect', () => resolve(lane))
      socket.once('error', reject)
      socket.on('error', () => {})
      socket.once('close', () => this.fault('connection lost'))
    })
  }

  private receive(lane: Lane, bytes: Buffer, length: number): void {
    const outcome = lane.reader.take(bytes, length)
    if (outcome === false) return
    if (outcome !== true) {
      // The connection is of no use any more: its lane is given up, and the close is counted as well.
      this.fault(outcome)
      lane.socket.destroy()
      return
    }
    const elapsedMs = performance.now() - this.startedAt
    this.latencies[lane.request] = elapsedMs - lane.request / this.requestsPerMs
    this.answered++
    if (elapsedMs * this.requestsPerMs <= this.total) this.answeredInTime++
    this.free.push(lane)
    this.turn()
    if (this.answered === this.total) this.finished?.()
  }

  /** Notices what has fallen due, and sends as much of it as there are free connections. */
  private turn(): void {
    if (!this.finished) return
    const elapsedMs = performance.now() - this.startedAt
    const due = Math.min(this.total, Math.floor(elapsedMs * this.requestsPerMs) + 1)
    for (; this.noticed < due; this.noticed++) {
      this.lateness[this.noticed] = elapsedMs - this.noticed / this.requestsPerMs
    }
    while (this.sent < due) {
      // The one that has rested longest: all connections stay in use.
      const lane = this.free.shift()
      if (!lane) return
      lane.request = this.sent++
      lane.socket.write(this.request)
    }
  }

  private fault(words: string): void {
    if (this.finished) this.faults.set(words, (this.faults.get(words) ?? 0) + 1)
  }

  private result(seconds: number): PacedResult {
    // What was never answered has waited at least until now.
    for (let request = 0; request < this.total; request++) {
      if (Number.isFinite(this.latencies[request])) continue
      this.latencies[request] = seconds * 1_000 - request / this.requestsPerMs
    }
    const latencies = this.latencies.subarray(this.leadRequests).sort()
    const lateness = this.lateness.subarray(this.leadRequests).sort()
    return {
      requests: this.answered,
      seconds,
      p50Micros: percentileMicros(latencies, 0.5),
      p99Micros: percentileMicros(latencies, 0.99),
      maxMicros: percentileMicros(latencies, 1),
      latenessP99Micros: percentileMicros(lateness, 0.99),
      keptUp: this.answeredInTime / this.total,
      unanswered: this.total - this.answered,
      faults: [...this.faults].map(([words, count]) => `${count} × ${words}`),
    }
  }
}

function percentileMicros(sortedMs: Float64Array, part: number): number {
  return Math.round(sortedMs[Math.ceil(sortedMs.length * part) - 1] * 1_000)
}

/** A thread that sleeps a fifth of a millisecond at a time and knocks, unless the last knock is still unheard. */
function startKnocking(heard: () => void): Worker {
  const shared = new SharedArrayBuffer(8)
  const unheard = new Int32Array(shared)
  const code = `
    const { parentPort, workerData } = require('node:worker_threads')
    const cells = new Int32Array(workerData)
    for (;;) {
      Atomics.wait(cells, 1, 0, 0.2)
      if (Atomics.exchange(cells, 0, 1) === 0) parentPort.postMessage(0)
    }`
  const worker = new Worker(code, { eval: true, workerData: shared })
  worker.on('message', () => {
    Atomics.store(unheard, 0, 0)
    heard()
  })
  return worker
}

async function main(): Promise<void> {
  const [name, ...numbers] = process.argv.slice(2)
  const [port, rate, seconds] = numbers.map(Number)
  const work = WORKS.find(candidate => candidate.name === name)
  if (!work || !(port > 0) || !(rate > 0) || !(seconds > 0)) {
    throw new Error('usage: node paced-load.ts WORK PORT RATE SECONDS')
  }
  const load = new PacedLoad(port, requestBytes(work.path, port, work.headers), rate, seconds)
  const result = await load.run(work.connections)
  process.stdout.write(`${JSON.stringify(result)}\n`)
  process.exit(0)
}

await main()
