/**
 * Accepts connections.
 * Strategy: `node:net` makes a socket that reads through streams for each accepted handle. We take the handle
 * before it does and make the socket ourselves, with `onread` into our memory: that leans on one private field,
 * here and nowhere else. Where the field is not there, the regular event is used and bytes come as events.
 */
import net from 'node:net'
import { getSystemErrorName } from 'node:util'
import type { BoundAddress } from './bound-address.ts'
import { SocketConnection } from './connection.ts'
import { listenOn, type SharedSocket } from './shared-sockets.ts'
import { removeStaleSocket } from './stale-socket.ts'

export interface ListenerEvents {
  accept(connection: SocketConnection): void
  /** Accepting failed (out of file descriptors, for example); the listener goes on. */
  fault(error: NodeJS.ErrnoException): void
}

/** Connections the kernel queues for us; it caps this at net.core.somaxconn. */
const BACKLOG = 4096

interface PrivateHandle {
  onconnection?: (status: number, handle: unknown) => void
}

export class Listener {
  /** One, or one for each socket that was handed in. */
  #servers: readonly net.Server[] = []
  #events: ListenerEvents

  constructor(events: ListenerEvents) {
    this.#events = events
  }

  /** Rejects with the system's error (EADDRINUSE, EACCES, EADDRNOTAVAIL …). */
  async listen(address: BoundAddress): Promise<BoundAddress> {
    if (address.kind === 'unix') await removeStaleSocket(address.path)
    const server =
      address.kind === 'unix'
        ? await this.#bind(each => each.listen({ path: address.path, backlog: BACKLOG }))
        : await this.#bindTcp(address.host, address.port)
    this.#servers = [server]
    if (address.kind === 'unix') return address
    const bound = server.address() as net.AddressInfo
    return { kind: 'tcp', host: bound.address, port: bound.port }
  }

  /** Listens on sockets that are bound already. */
  async listenOn(sockets: readonly SharedSocket[]): Promise<void> {
    for (const socket of sockets)
      this.#servers = [...this.#servers, await this.#bind(server => listenOn(server, socket, BACKLOG))]
  }

  /** Stops accepting. Connections that are open stay. */
  close(): void {
    for (const server of this.#servers) server.close()
  }

  /** `::` means every interface, IPv4 too; a machine without IPv6 gets `0.0.0.0`. */
  async #bindTcp(host: string, port: number): Promise<net.Server> {
    try {
      return await this.#bind(server => server.listen({ host, port, backlog: BACKLOG }))
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (host !== '::' || (code !== 'EAFNOSUPPORT' && code !== 'EADDRNOTAVAIL')) throw error
      return await this.#bind(server => server.listen({ host: '0.0.0.0', port, backlog: BACKLOG }))
    }
  }

  #bind(listen: (server: net.Server) => void): Promise<net.Server> {
    const server = net.createServer({ allowHalfOpen: true, noDelay: true })
    return new Promise((resolve, reject) => {
      server.once('error', reject)
      server.once('listening', () => {
        server.off('error', reject)
        this.#takeHandles(server)
        server.on('error', error => this.#events.fault(error))
        resolve(server)
      })
      listen(server)
    })
  }

  #takeHandles(server: net.Server): void {
    const handle = (server as unknown as { _handle: PrivateHandle | null })._handle
    if (typeof handle?.onconnection !== 'function') {
      server.on('connection', socket => this.#acceptSocket(socket))
      return
    }
    handle.onconnection = (status, clientHandle) => {
      if (status !== 0 || !clientHandle) {
        this.#events.fault(acceptFault(status))
        return
      }
      this.#acceptHandle(clientHandle)
    }
  }

  #acceptHandle(handle: unknown): void {
    const connection = new SocketConnection(onread => {
      const options = { handle, allowHalfOpen: true, onread }
      const socket = new net.Socket(options as unknown as net.SocketConstructorOpts)
      socket.setNoDelay(true)
      return socket
    }, false)
    this.#events.accept(connection)
    connection.startReading()
  }

  #acceptSocket(socket: net.Socket): void {
    const connection = new SocketConnection(() => socket, false)
    this.#events.accept(connection)
    connection.readEvents()
  }
}

function acceptFault(status: number): NodeJS.ErrnoException {
  const code = getSystemErrorName(status)
  const files = code === 'EMFILE' || code === 'ENFILE'
  const hint = files ? ': no file descriptor is left; raise the limit (ulimit -n)' : ''
  return Object.assign(new Error(`${code}${hint}`), { code, errno: status })
}
