/**
 * Many clients that ask all at once for one URL that nobody has asked for before, round after round:
 * node collapse-load.ts WORK PORT SECONDS ORIGIN-PORT, one line of JSON on stdout.
 * Strategy: every connection is open and has had an answer before the first round, so that a round is one request on each
 * of them, sent in one go, and ends when all are answered. How often the origin was asked it says itself.
 */
import { connect, type Socket } from 'node:net'
import { AnswerReader, requestBytes } from './answer-reader.ts'
import { requestsSoFar } from './origin.ts'
import { WORKS } from './works.ts'
import type { Load } from './wrk.ts'

const openedAtOnceMax = 64
const answerWithinMs = 10_000

export interface CollapseResult extends Load {
  /** How often the origin was asked for one URL, on average. */
  readonly originRequests: number
}

/** One connection: a request, its answer, the next request. */
class Client {
  private readonly socket: Socket
  private readonly reader = new AnswerReader()
  private settle: (fault: string) => void = () => {}

  constructor(port: number) {
    this.socket = connect({ host: '127.0.0.1', port, noDelay: true })
    this.socket.on('data', bytes => {
      const outcome = this.reader.take(bytes, bytes.length)
      if (outcome !== false) this.settle(outcome === true ? '' : outcome)
    })
    this.socket.on('error', error => this.settle(error.message))
    this.socket.on('close', () => this.settle('connection lost'))
  }

  /** What went wrong, or ''. */
  ask(request: Buffer): Promise<string> {
    return new Promise(resolve => {
      const timer = setTimeout(() => this.socket.destroy(), answerWithinMs)
      this.settle = fault => {
        clearTimeout(timer)
        resolve(fault)
      }
      if (this.socket.destroyed) this.settle('connection lost')
      else this.socket.write(request)
    })
  }
}

/** The first request of each has a URL of its own: some caches make those wait that ask for the same, cacheable or not. */
async function openClients(count: number, port: number): Promise<Client[]> {
  const clients: Client[] = []
  while (clients.length < count) {
    const few = Array.from({ length: openedAtOnceMax }, () => new Client(port)).slice(
      0,
      count - clients.length,
    )
    const asked = few.map((client, index) =>
      client.ask(requestBytes(`/open-${clients.length + index}`, port, {})),
    )
    const faults = await Promise.all(asked)
    const fault = faults.find(words => words !== '')
    if (fault !== undefined) throw new Error(`the connections were not opened: ${fault}`)
    clients.push(...few)
  }
  return clients
}

async function main(): Promise<void> {
  const [name, ...numbers] = process.argv.slice(2)
  const [port, seconds, originPort] = numbers.map(Number)
  const work = WORKS.find(candidate => candidate.name === name)
  if (!work || !(port > 0) || !(seconds > 0) || !(originPort > 0))
    throw new Error('usage: node collapse-load.ts WORK PORT SECONDS ORIGIN-PORT')
  const clients = await openClients(work.connections, port)
  const before = await requestsSoFar(originPort)
  const startedAt = performance.now()
  const faults = new Map<string, number>()
  const latenciesMs: number[] = []
  let rounds = 0
  for (; performance.now() - startedAt < seconds * 1_000 && faults.size === 0; rounds++) {
    const request = requestBytes(`${work.path}round-${rounds}`, port, work.headers)
    const sentAt = performance.now()
    const answered = clients.map(client =>
      client.ask(request).then(fault => {
        latenciesMs.push(performance.now() - sentAt)
        if (fault !== '') faults.set(fault, (faults.get(fault) ?? 0) + 1)
      }),
    )
    await Promise.all(answered)
  }
  const elapsedSeconds = (performance.now() - startedAt) / 1_000
  // The second question counts itself.
  const asked = (await requestsSoFar(originPort)) - before - 1
  latenciesMs.sort((left, right) => left - right)
  const percentile = (part: number) =>
    Math.round((latenciesMs[Math.ceil(latenciesMs.length * part) - 1] ?? 0) * 1_000)
  const result: CollapseResult = {
    requests: latenciesMs.length,
    seconds: elapsedSeconds,
    p50Micros: percentile(0.5),
    p99Micros: percentile(0.99),
    faults: [...faults].map(([words, count]) => `${count} × ${words}`),
    originRequests: asked / rounds,
  }
  process.stdout.write(`${JSON.stringify(result)}\n`)
  process.exit(0)
}

await main()
