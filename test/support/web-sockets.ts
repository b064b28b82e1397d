/**
 * Both ends of WebSockets, made by the `ws` package: what a test says to one end, it waits for at the other.
 */
import { once } from 'node:events'
import type net from 'node:net'
import type { TestContext } from 'node:test'
import { type ClientOptions, type ServerOptions, WebSocket, WebSocketServer } from 'ws'
import { Arrivals, within } from './wait.ts'

export interface Message {
  readonly bytes: Buffer
  readonly binary: boolean
}

export interface Closing {
  /** 1006 when the connection ended without a Close frame. */
  readonly code: number
  readonly reason: string
}

/** One end of a WebSocket: everything that comes is kept, in its order. */
export class Talker {
  readonly socket: WebSocket
  readonly messages = new Arrivals<Message>('a message')
  readonly pings = new Arrivals<string>('a ping')
  readonly pongs = new Arrivals<string>('a pong')
  readonly closing: Promise<Closing>

  constructor(socket: WebSocket) {
    this.socket = socket
    socket.on('message', (data, binary) => this.messages.push({ bytes: data as Buffer, binary }))
    socket.on('ping', data => this.pings.push(String(data)))
    socket.on('pong', data => this.pongs.push(String(data)))
    socket.on('error', () => {})
    this.closing = new Promise(resolve =>
      socket.on('close', (code, reason) => resolve({ code, reason: String(reason) })),
    )
  }

  /** The text of the message at this place. */
  async text(index: number): Promise<string> {
    return String((await this.messages.at(index)).bytes)
  }

  closed(): Promise<Closing> {
    return within(this.closing, 'the WebSocket to close')
  }

  /** The connection below. */
  get tcp(): net.Socket {
    return (this.socket as unknown as { _socket: net.Socket })._socket
  }
}

export interface WebSocketOrigin {
  readonly address: string
  readonly server: WebSocketServer
  readonly talkers: Arrivals<Talker>
}

/** Starts a server of WebSockets that ends with the test. */
export async function startWebSocketOrigin(
  t: TestContext,
  options: ServerOptions = {},
): Promise<WebSocketOrigin> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, ...options })
  const talkers = new Arrivals<Talker>('a WebSocket at the origin')
  server.on('connection', socket => talkers.push(new Talker(socket)))
  await within(once(server, 'listening'), 'the origin to listen')
  t.after(() => {
    for (const socket of server.clients) socket.terminate()
    server.close()
  })
  const { port } = server.address() as net.AddressInfo
  return { address: `127.0.0.1:${port}`, server, talkers }
}

/** Opens a WebSocket; it ends with the test. */
export async function openWebSocket(
  t: TestContext,
  place: { readonly port: number },
  protocols: string[] = [],
  options: ClientOptions = {},
): Promise<Talker> {
  const socket = new WebSocket(`ws://127.0.0.1:${place.port}/chat`, protocols, options)
  const talker = new Talker(socket)
  t.after(() => socket.terminate())
  await within(once(socket, 'open'), 'the WebSocket to open')
  return talker
}
