/**
 * Sockets that a supervisor binds and its workers listen on.
 * Strategy: for a TCP address every worker gets a socket of its own, bound with SO_REUSEPORT, so that the kernel
 * spreads connections and none takes a way over another process. Whoever binds keeps the socket open and never
 * listens: when a worker dies or is replaced, the connections that the kernel has queued wait for the next.
 * Once a socket was listened on it stays as long as its address; with fewer workers each takes several, because
 * closing one would reset what waits in it. A unix socket is one for all; so is a TCP socket where the system
 * has no SO_REUSEPORT. To make a handle without listening leans on a private function of `node:net`, and a unix
 * socket that came from elsewhere on another one: both are here and nowhere else.
 */
import dns from 'node:dns/promises'
import net from 'node:net'
import { getSystemErrorName } from 'node:util'
import type { BoundAddress } from './bound-address.ts'
import { removeStaleSocket } from './stale-socket.ts'

/** A socket as a process hands it to another. */
export interface SharedSocket {
  close(): void
}

interface Handle extends SharedSocket {
  listen(backlog: number): number
  getsockname?(into: { address?: string; port?: number }): number
}

type MakeHandle = (
  address: string,
  port: number,
  family: number,
  fd: number,
  flags: number,
) => Handle | number

/** UV_TCP_REUSEPORT of libuv. */
const REUSE_PORT = 2
/** The type of address that means a unix socket to the private function. */
const NO_PORT = -1

interface Opened {
  /** The address as it was asked for; several with port 0 are told apart by their number. */
  readonly key: string
  readonly bound: BoundAddress
  /** All workers share the first. */
  readonly single: boolean
  readonly sockets: Handle[]
}

/** The sockets of one set of addresses. Exactly one of `keep` and `undo` is called. */
export interface SocketSet {
  /** In the order of the addresses. */
  readonly bound: readonly BoundAddress[]
  /** Whether the address was not listened on before. */
  readonly fresh: readonly boolean[]
  /** The sockets for one worker, address by address. */
  socketsOf(slot: number): readonly (readonly SharedSocket[])[]
  /** From now on only these addresses count: the sockets of others are closed. */
  keep(): void
  /** Closes what was opened for this set. */
  undo(): void
}

export class SharedSockets {
  #opened: readonly Opened[] = []

  /** Binds what is not bound yet, all or nothing. Rejects with the system's error. */
  async open(addresses: readonly BoundAddress[], workers: number): Promise<SocketSet> {
    const before = this.#opened
    const made: Handle[] = []
    const undo = (): void => {
      for (const handle of made) handle.close()
      for (const { sockets } of before) {
        const kept = sockets.filter(socket => !made.includes(socket))
        sockets.splice(0, sockets.length, ...kept)
      }
    }
    const set: Opened[] = []
    try {
      for (const [index, key] of keysOf(addresses).entries()) {
        const known = before.find(each => each.key === key)
        set.push(known ?? (await openFirst(key, addresses[index], this.#holds(addresses[index]), made)))
      }
      for (const opened of set) openMore(opened, workers, made)
    } catch (error) {
      undo()
      throw error
    }
    // A later set may add sockets to an address of this one: they are not this one's.
    const own = set.map(({ single, sockets }) => ({ single, sockets: [...sockets] }))
    return {
      bound: set.map(({ bound }) => bound),
      fresh: set.map(each => !before.includes(each)),
      socketsOf: slot =>
        own.map(({ single, sockets }) =>
          single ? sockets : sockets.filter((_, index) => index % workers === slot),
        ),
      keep: () => this.#keep(set),
      undo,
    }
  }

  close(): void {
    this.#keep([])
  }

  /** With SO_REUSEPORT another address of ours on the same port is no obstacle. */
  #holds(address: BoundAddress): boolean {
    return (
      address.kind === 'tcp' &&
      this.#opened.some(({ bound }) => bound.kind === 'tcp' && bound.port === address.port)
    )
  }

  #keep(set: readonly Opened[]): void {
    for (const opened of this.#opened)
      if (!set.includes(opened)) for (const socket of opened.sockets) socket.close()
    this.#opened = set
  }
}

function keysOf(addresses: readonly BoundAddress[]): string[] {
  const names = addresses.map(each =>
    each.kind === 'unix' ? `unix:${each.path}` : `${each.host} ${each.port}`,
  )
  return names.map((name, index) => `${name} ${names.slice(0, index).filter(each => each === name).length}`)
}

async function openFirst(key: string, address: BoundAddress, ours: boolean, made: Handle[]): Promise<Opened> {
  if (address.kind === 'unix') {
    await removeStaleSocket(address.path)
    const handle = makeHandle(address.path, NO_PORT, NO_PORT, 0)
    made.push(handle)
    return { key, bound: address, single: true, sockets: [handle] }
  }
  const { host, port } = address
  try {
    return openTcp(key, await ipOf(host), port, ours, made)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    // A machine without IPv6: every interface is 0.0.0.0 there.
    if (host !== '::' || (code !== 'EAFNOSUPPORT' && code !== 'EADDRNOTAVAIL')) throw error
    return openTcp(key, '0.0.0.0', port, ours, made)
  }
}

function openTcp(key: string, host: string, port: number, ours: boolean, made: Handle[]): Opened {
  // Two programs of one user may share a port by SO_REUSEPORT, each getting a part: nobody wants that by mistake.
  if (port !== 0 && !ours) probe(host, port)
  let single = false
  let handle: Handle
  try {
    handle = makeHandle(host, port, net.isIP(host), REUSE_PORT)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOTSUP') throw error
    single = true
    handle = makeHandle(host, port, net.isIP(host), 0)
  }
  made.push(handle)
  return { key, bound: boundOf(handle, host, port), single, sockets: [handle] }
}

/** One socket a worker, all on the port of the first. */
function openMore({ bound, single, sockets }: Opened, workers: number, made: Handle[]): void {
  if (bound.kind === 'unix' || single) return
  while (sockets.length < workers) {
    const handle = makeHandle(bound.host, bound.port, net.isIP(bound.host), REUSE_PORT)
    made.push(handle)
    boundOf(handle, bound.host, bound.port)
    sockets.push(handle)
  }
}

/** Throws when somebody listens there, whatever that socket allows. */
function probe(host: string, port: number): void {
  const handle = makeHandle(host, port, net.isIP(host), 0)
  const status = handle.listen(1)
  handle.close()
  if (status !== 0) throw listenError(status, host, port)
}

/** The system tells a port that is taken only when it is asked for the name of the socket, or to listen. */
function boundOf(handle: Handle, host: string, port: number): BoundAddress {
  const name: { address?: string; port?: number } = {}
  const status = handle.getsockname?.(name) ?? 0
  if (status !== 0) throw listenError(status, host, port)
  return { kind: 'tcp', host: name.address ?? host, port: name.port ?? port }
}

function makeHandle(address: string, port: number, family: number, flags: number): Handle {
  const make = (net as unknown as { _createServerHandle?: MakeHandle })._createServerHandle
  if (typeof make !== 'function')
    throw new Error(
      `this Node.js (${process.version}) cannot bind a socket for another process: take Node.js 22.18 or newer, up to 26`,
    )
  const made = make(address, port, family, -1, flags)
  if (typeof made === 'number') throw listenError(made, address, port)
  return made
}

function listenError(status: number, address: string, port: number): NodeJS.ErrnoException {
  const code = getSystemErrorName(status)
  const where = port === NO_PORT ? { address } : { address, port }
  return Object.assign(new Error(`listen ${code}: ${address}`), { code, errno: status, ...where })
}

/** The error of a name that does not resolve has the name as `hostname`. */
async function ipOf(host: string): Promise<string> {
  return net.isIP(host.replace(/%.*$/, '')) === 0 ? (await dns.lookup(host)).address : host
}

interface PrivateServer {
  _handle: unknown
  _listen2?(address: null, port: number, family: number, backlog: number): void
}

/** Begins to listen on a socket that came from elsewhere. The regular way takes TCP sockets only. */
export function listenOn(server: net.Server, socket: SharedSocket, backlog: number): void {
  const inner = server as unknown as PrivateServer
  if ((socket as Handle).getsockname !== undefined || typeof inner._listen2 !== 'function') {
    server.listen(socket, backlog)
    return
  }
  inner._handle = socket
  inner._listen2(null, -1, -1, backlog)
}
