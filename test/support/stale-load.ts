/**
 * A helper of the test of stale connections: an origin that ends its connections at random after an
 * answer, and keep-alive clients that ask through the proxy as fast as they are answered.
 * Strategy: a process of its own, so that an end of the origin and a request of the proxy really cross on the way.
 */
import net from 'node:net'
import { helperDone, helperReady, planOfHelper } from './helper.ts'

/** How the origin ends a connection after an answer. */
export type Leaving = 'says so' | 'at once' | 'breaks at once' | 'a little later' | 'breaks a little later'

export interface LoadPlan {
  readonly leaving: readonly Leaving[]
  /** After how many answers a connection ends, on average. */
  readonly answersPerConnection: number
  readonly requests: number
  readonly clients: number
  readonly method: 'GET' | 'POST'
}

export interface LoadResult {
  readonly statuses: Readonly<Record<string, number>>
  /** The first answer that was not a 200. */
  readonly firstFault: string
  /** Connections of clients that the proxy ended. */
  readonly clientsCut: number
  readonly originConnections: number
  /** Requests that the origin served more than once. */
  readonly servedTwice: number
}

const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
const LAST_ANSWER = 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok'
const LATER_MS_MAX = 4

const plan = planOfHelper<LoadPlan>()

/** The same numbers in every run (mulberry32). */
let seed = 0x51ce
function random(): number {
  seed = (seed + 0x6d2b79f5) | 0
  let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
}

let originConnections = 0
const served = new Uint8Array(plan.requests)

const origin = net.createServer({ noDelay: true }, socket => {
  originConnections++
  let text = ''
  let leaving = false
  socket.on('error', () => {})
  socket.on('data', chunk => {
    text += chunk.toString('latin1')
    for (let end = text.indexOf('\r\n\r\n'); end >= 0 && !leaving; end = text.indexOf('\r\n\r\n')) {
      const bodyBytes = text.startsWith('POST') ? 4 : 0
      if (text.length < end + 4 + bodyBytes) return
      served[Number(/^[A-Z]+ \/(\d+) /.exec(text)?.[1])]++
      text = text.slice(end + 4 + bodyBytes)
      leaving = random() < 1 / plan.answersPerConnection
      if (leaving)
        leave(socket, plan.leaving[Math.floor(random() * plan.leaving.length)], () => {
          leaving = false
        })
      else socket.write(ANSWER)
    }
  })
})

/** `stay`: the end comes later, until then requests are answered. */
function leave(socket: net.Socket, how: Leaving, stay: () => void): void {
  socket.write(how === 'says so' ? LAST_ANSWER : ANSWER)
  if (how === 'says so' || how === 'at once') socket.end()
  else if (how === 'breaks at once') socket.resetAndDestroy()
  else {
    stay()
    setTimeout(() => {
      if (how === 'a little later') socket.end()
      else socket.resetAndDestroy()
    }, random() * LATER_MS_MAX)
  }
}

const statuses: Record<string, number> = {}
let firstFault = ''
let clientsCut = 0
let begun = 0
let finished = 0

/** One client: asks, reads the answer, asks again; connects anew when the proxy ends its connection. */
function startClient(port: number): void {
  const socket = net.connect({ port, host: '127.0.0.1', noDelay: true }, ask)
  let text = ''
  let asking = false
  function ask(): void {
    if (begun >= plan.requests) {
      socket.destroy()
      return
    }
    const body = plan.method === 'POST' ? 'Content-Length: 4\r\n\r\nbody' : '\r\n'
    asking = true
    socket.write(`${plan.method} /${begun++} HTTP/1.1\r\nHost: stale.test\r\n${body}`)
  }
  socket.on('data', chunk => {
    text += chunk.toString('latin1')
    const headEnd = text.indexOf('\r\n\r\n')
    const length = Number(/\r\nContent-Length: (\d+)/.exec(text)?.[1] ?? 0)
    if (headEnd < 0 || text.length < headEnd + 4 + length) return
    const status = text.slice(9, 12)
    if (status !== '200' && firstFault === '') firstFault = text
    statuses[status] = (statuses[status] ?? 0) + 1
    text = ''
    asking = false
    answered()
    ask()
  })
  socket.on('error', () => {})
  socket.on('close', () => {
    if (!asking && begun >= plan.requests) return
    clientsCut++
    if (asking) answered()
    startClient(port)
  })
}

function answered(): void {
  if (++finished < plan.requests) return
  const servedTwice = served.reduce((sum, times) => sum + (times > 1 ? 1 : 0), 0)
  helperDone<LoadResult>({ statuses, firstFault, clientsCut, originConnections, servedTwice })
}

origin.listen(0, '127.0.0.1', () => {
  helperReady((origin.address() as net.AddressInfo).port, proxyPort => {
    for (let i = 0; i < plan.clients; i++) startClient(proxyPort)
  })
})
