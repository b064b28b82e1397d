/**
 * Accepts connections.
 * Strategy: `node:net` makes a socket that reads through streams for each accepted handle. We take the handle
 * before it does and make the socket ourselves, with `onread` into our memory: that leans on one private field,
 * here and nowhere else. Where the field is not there, the regular event is used and bytes come as events.
 */
import fs from 'node:fs'
import net from 'node:net'
import { getSystemErrorName } from 'node:util'
import { SocketConnection } from './connection.ts'

export type BoundAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string }

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
  #server = net.createServer({ allowHalfOpen: true, noDelay: true })
  #events: ListenerEvents

  constructor(events: ListenerEvents) {
    this.#events = events
  }

  /** Rejects with the system's error (EADDRINUSE, EACCES, EADDRNOTAVAIL …). */
  async listen(address: BoundAddress): Promise<BoundAddress> {
    if (address.kind === 'unix') await removeStaleSocket(address.path)
    if (address.kind === 'unix') await this.#bind({ path: address.path, backlog: BACKLOG })
    else await this.#bindTcp(address.host, address.port)
    this.#server.on('error', error => this.#events.fault(error))
    this.#takeHandles()
    if (address.kind === 'unix') return address
    const bound = this.#server.address() as net.AddressInfo
    return { kind: 'tcp', host: bound.address, port: bound.port }
  }

  /** Stops accepting. Connections that are open stay. */
  close(): void {
    this.#server.close()
  }

  /** `::` means every interface, IPv4 too; a machine without IPv6 gets `0.0.0.0`. */
  async #bindTcp(host: string, port: number): Promise<void> {
    try {
      await this.#bind({ host, port, backlog: BACKLOG })
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (host !== '::' || (code !== 'EAFNOSUPPORT' && code !== 'EADDRNOTAVAIL')) throw error
      await this.#bind({ host: '0.0.0.0', port, backlog: BACKLOG })
    }
  }

  #bind(options: net.ListenOptions): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(options, () => {
        this.#server.off('error', reject)
        resolve()
      })
    })
  }

  #takeHandles(): void {
    const handle = (this.#server as unknown as { _handle: PrivateHandle | null })._handle
    if (typeof handle?.onconnection !== 'function') {
      this.#server.on('connection', socket => this.#acceptSocket(socket))
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

/** A unix socket outlives its process as a file. It is removed when nobody answers behind it. */
async function removeStaleSocket(path: string): Promise<void> {
  const alive = await new Promise<boolean>(resolve => {
    const probe = net.connect({ path })
    probe.on('connect', () => {
      probe.destroy()
      resolve(true)
    })
    probe.on('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'ECONNREFUSED'))
  })
  if (!alive && fs.lstatSync(path).isSocket()) fs.unlinkSync(path)
}
