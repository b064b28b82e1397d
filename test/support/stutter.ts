/**
 * A helper that stands on both sides of a proxy and stutters: origins that send or take large bodies,
 * clients that take or send them, each of which compares every byte; and quick small requests in between.
 * Strategy: the side that reads stops and goes on at random, so that the proxy's writes are taken in parts and
 * what is left waits; a proxy that overwrites memory which is still being sent is caught by the comparison.
 */
import net from 'node:net'
import { Comparison, pieces } from './bodies.ts'
import { helperDone, helperReady, planOfHelper } from './helper.ts'
import { turns } from './wait.ts'

export type Framing = 'length' | 'chunked' | 'until-close'

export interface StutterPlan {
  readonly direction: 'down' | 'up'
  readonly framings: readonly Framing[]
  /** Bodies per framing, all at the same time. */
  readonly bodies: number
  readonly bodyBytes: number
}

export interface StutterResult {
  /** One line for each body that did not arrive as it was sent. */
  readonly faults: readonly string[]
  readonly smallRequests: number
  /** Longest time that a small request took, in milliseconds. */
  readonly slowestSmallMs: number
  /** Bodies that arrived. */
  readonly bodies: number
}

const plan = planOfHelper<StutterPlan>()
const SMALL_CLIENTS = 4
const LONGEST_PAUSE_MS = 3

let seed = 1
/** 0 to 1, the same sequence in each run. */
function random(): number {
  seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff
  return seed / 0x7fffffff
}

/** Stops a socket now and then, for a few turns of the event loop or a few milliseconds. */
function stutter(socket: net.Socket): void {
  let untilPause = 0
  socket.on('data', chunk => {
    untilPause -= chunk.length
    if (untilPause > 0) return
    untilPause = random() * 700_000
    socket.pause()
    const go = () => void socket.resume()
    if (random() < 0.5) setTimeout(go, random() * LONGEST_PAUSE_MS)
    else void turns(1 + Math.floor(random() * 20)).then(go)
  })
}

/** Sends a whole body in pieces of many sizes. */
async function sendBody(socket: net.Socket, framing: Framing, number: number): Promise<void> {
  const sizes = [1, 700, 4_000, 4_097, 30_000, 65_536, 65_537, 200_000]
  for (const piece of pieces(plan.bodyBytes, number, sizes[number % sizes.length] + 8_000)) {
    if (framing === 'chunked') socket.write(`${piece.length.toString(16)}\r\n`)
    const room = socket.write(piece)
    if (framing === 'chunked') socket.write('\r\n')
    if (socket.destroyed) return
    if (!room) await roomIn(socket)
  }
  if (framing === 'chunked') socket.write('0\r\n\r\n')
}

/** Resolves when the socket takes more, or is gone. */
async function roomIn(socket: net.Socket): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  socket.on('drain', resolve).on('close', resolve)
  await promise
  socket.off('drain', resolve).off('close', resolve)
}

function framingField(framing: Framing): string {
  if (framing === 'length') return `Content-Length: ${plan.bodyBytes}\r\n`
  return framing === 'chunked' ? 'Transfer-Encoding: chunked\r\n' : ''
}

/** Takes a head off the front of what arrives; afterwards `content` gets the bytes of the body, unchunked. */
function readMessage(
  socket: net.Socket,
  onHead: (head: string) => void,
  content: (bytes: Buffer) => void,
  end: () => void,
): void {
  let head: string | null = null
  let early = Buffer.alloc(0)
  let dechunk: ((bytes: Buffer) => void) | null = null
  socket.on('data', chunk => {
    let bytes = chunk as Buffer
    if (head === null) {
      early = Buffer.concat([early, bytes])
      const headEnd = early.indexOf('\r\n\r\n')
      if (headEnd < 0) return
      head = early.toString('latin1', 0, headEnd)
      bytes = early.subarray(headEnd + 4)
      if (/transfer-encoding: chunked/i.test(head)) dechunk = dechunker(content, end)
      onHead(head)
    }
    if (bytes.length === 0) return
    if (dechunk === null) content(bytes)
    else dechunk(bytes)
  })
}

function dechunker(content: (bytes: Buffer) => void, end: () => void): (bytes: Buffer) => void {
  let left = 0
  let line = ''
  let over = false
  return bytes => {
    for (let at = 0; at < bytes.length && !over; ) {
      if (left > 2) {
        const stop = Math.min(bytes.length, at + left - 2)
        content(bytes.subarray(at, stop))
        left -= stop - at
        at = stop
      } else if (left > 0) {
        left--
        at++
      } else {
        line += String.fromCharCode(bytes[at++])
        if (!line.endsWith('\r\n')) continue
        left = Number.parseInt(line, 16) + 2
        over = left === 2
        line = ''
        if (over) end()
      }
    }
  }
}

const faults: string[] = []
let bodiesDone = 0
let smallRequests = 0
let slowestSmallMs = 0

function bodyDone(name: string, fault: string): void {
  if (fault !== '') faults.push(`${name}: ${fault}`)
  if (++bodiesDone < plan.framings.length * plan.bodies) return
  helperDone<StutterResult>({ faults, smallRequests, slowestSmallMs, bodies: bodiesDone })
}

/** Takes a body from a socket and reports it once: when it is complete, or when the connection ends. */
function takeBody(socket: net.Socket, name: string, number: number, done: () => void): void {
  const comparison = new Comparison(plan.bodyBytes, number)
  let reported = false
  const report = () => {
    if (reported) return
    reported = true
    bodyDone(name, comparison.fault)
    done()
  }
  const content = (bytes: Buffer) => {
    comparison.take(bytes)
    // What has no end of its own is reported when the connection ends: more might come.
    if (!name.includes('until-close') && comparison.bytes >= plan.bodyBytes) report()
  }
  readMessage(socket, () => {}, content, report)
  socket.on('close', report)
}

const target = (framing: Framing, number: number) => `/${framing}/${number}`

const origin = net.createServer({ noDelay: true }, socket => {
  socket.on('error', () => {})
  let text = ''
  const first = (chunk: Buffer) => {
    text += chunk.toString('latin1')
    if (!text.includes('\r\n\r\n')) return
    const [, kind, number] = /^\w+ \/([\w-]+)\/?(\d*)/.exec(text) ?? []
    if (kind === 'small') {
      text = ''
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nsmall')
      return
    }
    socket.off('data', first)
    if (plan.direction === 'down') void sendDown(socket, kind as Framing, Number(number))
    else takeUp(socket, Buffer.from(text, 'latin1'), kind, Number(number))
  }
  socket.on('data', first)
})

async function sendDown(socket: net.Socket, framing: Framing, number: number): Promise<void> {
  socket.write(`HTTP/1.1 200 OK\r\n${framingField(framing)}\r\n`)
  await sendBody(socket, framing, number)
  if (framing === 'until-close') socket.end()
}

function takeUp(socket: net.Socket, begun: Buffer, framing: string, number: number): void {
  takeBody(socket, `up ${framing} ${number}`, number, () => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nthat')
  })
  stutter(socket)
  socket.emit('data', begun)
}

function startBig(port: number, framing: Framing, number: number): void {
  const socket = net.connect({ port, host: '127.0.0.1', noDelay: true })
  socket.on('error', () => {})
  if (plan.direction === 'down') {
    socket.write(`GET ${target(framing, number)} HTTP/1.1\r\nHost: big.test\r\n\r\n`)
    takeBody(socket, `down ${framing} ${number}`, number, () => socket.destroy())
    stutter(socket)
  } else {
    socket.write(`PUT ${target(framing, number)} HTTP/1.1\r\nHost: big.test\r\n${framingField(framing)}\r\n`)
    void sendBody(socket, framing, number)
    socket.on('data', () => socket.destroy())
  }
}

/** Small requests without a break, on a connection of their own. */
function startSmall(port: number): void {
  const socket = net.connect({ port, host: '127.0.0.1', noDelay: true })
  let begunMs = 0
  let text = ''
  const ask = () => {
    begunMs = performance.now()
    socket.write('GET /small HTTP/1.1\r\nHost: small.test\r\n\r\n')
  }
  socket.on('connect', ask)
  socket.on('error', () => {})
  socket.on('data', chunk => {
    text += chunk.toString('latin1')
    if (!text.endsWith('small')) return
    if (!/^HTTP\/1\.1 200 OK\r\n[^\0]*\r\n\r\nsmall$/.test(text)) faults.push(`small: ${text}`)
    text = ''
    smallRequests++
    slowestSmallMs = Math.max(slowestSmallMs, performance.now() - begunMs)
    ask()
  })
}

origin.listen(0, '127.0.0.1', () => {
  helperReady((origin.address() as net.AddressInfo).port, proxyPort => {
    for (let i = 0; i < SMALL_CLIENTS; i++) startSmall(proxyPort)
    for (const framing of plan.framings)
      for (let i = 0; i < plan.bodies; i++) startBig(proxyPort, framing, i + 1)
  })
})
