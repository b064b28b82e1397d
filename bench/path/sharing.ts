/**
 * How processes can share a listening socket: node bench/path/sharing.ts
 * Strategy: three small servers that differ in nothing but that, two workers each, take turns under clients that
 * take a new connection for every request; asked are the spread over the workers and the CPU time of the whole
 * process tree per connection. `own sockets` is what the program does (src/net/shared-sockets.ts).
 */
import { fork, type SendHandle } from 'node:child_process'
import cluster from 'node:cluster'
import { once } from 'node:events'
import net from 'node:net'
import { availableParallelism } from 'node:os'
import { listenOn, type SharedSocket, SharedSockets } from '../../src/net/shared-sockets.ts'
import { cpuTime } from './proc.ts'

const WAYS = ['own sockets', 'cluster, round-robin', 'cluster, shared handle'] as const
const WORKERS = 2
const CONNECTIONS = 20_000
const CLIENTS = 32
const ROUNDS = 3

type Way = (typeof WAYS)[number]

interface Told {
  readonly slot: number
  readonly way: Way
}

/** Answers every request with the number of the worker, and closes. */
const serverOf = (slot: number): net.Server =>
  net.createServer({ noDelay: true }, client => {
    client.on('error', () => {})
    client.once('data', () => client.end(`HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n${slot}`))
  })

/** A server of its own process, so that the CPU time of its tree is nobody else's. Tells its port when all listen. */
async function host(way: Way): Promise<void> {
  if (way === 'own sockets') {
    const set = await new SharedSockets().open([{ kind: 'tcp', host: '127.0.0.1', port: 0 }], WORKERS)
    for (let slot = 0; slot < WORKERS; slot++) {
      const worker = fork(import.meta.filename, ['worker'])
      worker.send({ slot, way }, set.socketsOf(slot)[0][0] as unknown as SendHandle)
      await once(worker, 'message')
    }
    const [bound] = set.bound
    process.send?.(bound.kind === 'tcp' ? bound.port : 0)
    return
  }
  cluster.schedulingPolicy = way === 'cluster, round-robin' ? cluster.SCHED_RR : cluster.SCHED_NONE
  cluster.setupPrimary({ args: ['worker'] })
  let port = 0
  for (let slot = 0; slot < WORKERS; slot++) {
    const worker = cluster.fork()
    worker.send({ slot, way })
    ;[port] = await once(worker, 'message')
  }
  process.send?.(port)
}

async function work(): Promise<void> {
  const [{ slot, way }, socket] = (await once(process, 'message')) as [Told, SharedSocket]
  const server = serverOf(slot)
  if (way === 'own sockets') listenOn(server, socket, 4096)
  else server.listen({ host: '127.0.0.1', port: 0, backlog: 4096 })
  if (!server.listening) await once(server, 'listening')
  process.send?.((server.address() as net.AddressInfo).port)
}

async function ask(port: number): Promise<number> {
  const client = net.connect({ port, host: '127.0.0.1', noDelay: true })
  client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  let text = ''
  for await (const chunk of client.setEncoding('latin1')) text += chunk
  return Number(text.at(-1))
}

async function load(port: number, connections: number): Promise<number[]> {
  const counts = new Array<number>(WORKERS).fill(0)
  let left = connections
  await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      while (left-- > 0) counts[await ask(port)]++
    }),
  )
  return counts
}

interface Measured {
  readonly micros: number
  readonly share: number
}

async function measure(way: Way): Promise<Measured> {
  const server = fork(import.meta.filename, ['host', way])
  const [port] = (await once(server, 'message')) as [number]
  await load(port, CONNECTIONS / 10)
  const before = cpuTime(server.pid ?? 0)
  const counts = await load(port, CONNECTIONS)
  const after = cpuTime(server.pid ?? 0)
  server.kill()
  await once(server, 'exit')
  const micros = after.userMicros + after.systemMicros - before.userMicros - before.systemMicros
  return { micros: micros / CONNECTIONS, share: Math.max(...counts) / CONNECTIONS }
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]

async function main(): Promise<void> {
  const found = new Map<Way, Measured[]>(WAYS.map(way => [way, []]))
  for (let round = 0; round < ROUNDS; round++)
    for (const way of WAYS) found.get(way)?.push(await measure(way))
  console.log(
    `${CONNECTIONS} connections, ${WORKERS} workers, ${availableParallelism()} cores, median of ${ROUNDS}\n`,
  )
  console.log('| way | CPU µs a connection | of all, the busier worker had |\n| --- | --- | --- |')
  for (const [way, all] of found) {
    const micros = median(all.map(each => each.micros)).toFixed(0)
    const share = (100 * median(all.map(each => each.share))).toFixed(0)
    console.log(`| ${way} | ${micros} | ${share} % |`)
  }
}

const role = process.argv[2]
if (role === 'host') await host(process.argv[3] as Way)
else if (role === 'worker') await work()
else await main()
