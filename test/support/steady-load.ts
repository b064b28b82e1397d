/**
 * Clients that ask without pause, for tests in which something happens meanwhile.
 * Strategy: some keep their connection for as long as they may, some take a new one for each request. A request
 * has failed when its connection ended before the whole answer was there; a connection that ends between two
 * requests has not failed anything.
 */
import net from 'node:net'
import type { TestContext } from 'node:test'
import { pause, until } from './wait.ts'

/** What a client of this kind rests between two requests: a connection is idle for most of its life, as in life. */
const REST_MS_MAX = 100

export interface Failure {
  readonly why: string
  /** When the connection was made, by the clock of `performance`. */
  readonly connectedMs: number
}

export interface LoadOptions {
  readonly keeping: number
  readonly renewing: number
}

export class SteadyLoad {
  answered = 0
  connections = 0
  readonly failures: Failure[] = []
  #url: URL
  #stopped = false
  #running = 0
  #sockets = new Set<net.Socket>()

  constructor(url: string, { keeping, renewing }: LoadOptions) {
    this.#url = new URL(url)
    for (let index = 0; index < keeping + renewing; index++) void this.#client(index < keeping)
  }

  /** Waits until this many more requests are answered. */
  async more(count: number): Promise<void> {
    const goal = this.answered + count
    await until(() => this.answered >= goal, `${count} more answers`, 60_000)
  }

  /** Lets every client finish what it has begun. */
  async stop(): Promise<void> {
    this.#stopped = true
    await until(() => this.#running === 0, 'the clients to end')
  }

  destroy(): void {
    this.#stopped = true
    for (const socket of this.#sockets) socket.destroy()
  }

  async #client(keeps: boolean): Promise<void> {
    this.#running++
    while (!this.#stopped) {
      await this.#connection(keeps)
      await pause(rest())
    }
    this.#running--
  }

  /** One connection with one request after the other. Resolves when it has ended. */
  #connection(keeps: boolean): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const socket = net.connect({ host: this.#url.hostname, port: Number(this.#url.port), noDelay: true })
    this.#sockets.add(socket)
    this.connections++
    const connectedMs = performance.now()
    const head = `GET / HTTP/1.1\r\nHost: ${this.#url.host}\r\n${keeps ? '' : 'Connection: close\r\n'}\r\n`
    let asking = true
    let text = ''
    let why = 'ended without an answer'
    const ask = (): void => {
      if (socket.destroyed) return
      asking = !this.#stopped
      text = ''
      if (asking) socket.write(head)
      else socket.end()
    }
    socket.setEncoding('latin1')
    socket.on('connect', ask)
    socket.on('data', chunk => {
      text += chunk
      const length = /\r\nContent-Length: (\d+)\r\n/i.exec(text)?.[1]
      const bodyStart = text.indexOf('\r\n\r\n') + 4
      if (length === undefined || bodyStart < 4 || text.length < bodyStart + Number(length)) return
      if (!text.startsWith('HTTP/1.1 200 ')) this.failures.push({ why: text.slice(0, 30), connectedMs })
      asking = false
      this.answered++
      if (/\r\nConnection: close\r\n/i.test(text)) socket.end()
      else setTimeout(ask, rest())
    })
    socket.on('error', error => {
      why = error.message
    })
    socket.on('close', () => {
      this.#sockets.delete(socket)
      if (asking) this.failures.push({ why, connectedMs })
      resolve()
    })
    return promise
  }
}

/** Different each time, so that clients do not march in step. */
const rest = (): number => REST_MS_MAX * Math.random()

/** Clients that end with the test. */
export function startLoad(t: TestContext, url: string, options: LoadOptions): SteadyLoad {
  const load = new SteadyLoad(url, options)
  t.after(() => load.destroy())
  return load
}
