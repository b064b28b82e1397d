/**
 * One stream connection, client's or upstream's: the only place that touches `node:net` sockets.
 * Strategy:
 * - Reads go straight into memory we own (`onread`) and are lent to the user for the length of one call.
 *   Connections that read little share one buffer; one that moves bodies gets a buffer of its own, because
 *   what the kernel does not take at once stays referenced by libuv until it is sent.
 * - Text is collected and written once per turn of the event loop, so that a head and a small body leave in one
 *   call and the callbacks of the writes run together.
 */
import type net from 'node:net'
import { isLasting } from '../base/lasting.ts'
import { latin1 } from '../base/latin1.ts'
import { guarded, tellBug } from './bugs.ts'
import { writeDirectly } from './direct-write.ts'

/** Who uses a connection. `closed` comes exactly once and last. */
export interface ConnectionUser {
  /** Bytes, lent: valid during the call. */
  bytes(chunk: Buffer): void
  /** The peer has sent its last byte. It may still be reading. */
  ended(): void
  /** After `bytes()` of the connection gave false: there is room again. */
  drained(): void
  /** The connection is gone. `error` is the system's error, or null. */
  closed(error: NodeJS.ErrnoException | null): void
}

/** What sessions see of a connection; tests put a fake in its place. */
export interface Connection {
  user: ConnectionUser
  /** True when what was written waits in memory: hold back. */
  readonly congested: boolean
  readonly closed: boolean
  /** Bytes that were written and that the kernel has not taken yet. */
  readonly unsent: number
  /** Writes checked text (latin1), together with what else is written during this turn of the event loop. */
  text(text: string): void
  /** Writes lent bytes, of which those that are lasting (base/lasting.ts) are not copied. False: taken, but hold back until `drained`. */
  bytes(chunk: Buffer): boolean
  /** A place in the output; `retract` takes back what was written since, if none of it has left yet. */
  mark(): OutputMark
  retract(mark: OutputMark): boolean
  pause(): void
  resume(): void
  /** A body is coming (true) or over (false): reads go to memory of this connection's own. */
  expectBody(large: boolean): void
  /** A long silence is to be expected: the system asks now and then whether the peer is still there. */
  keepAlive(): void
  /** Sends what is left, then our last byte; the peer may still send. */
  end(): void
  /** Ends at once. `reset`: the peer shall see a broken connection, not a regular end (TCP only). */
  destroy(reset?: boolean): void
}

/** How many flushes had happened and how much text was waiting. */
export interface OutputMark {
  flushes: number
  length: number
}

/** Bytes a read asks for. Large reads are what makes bodies cheap (bench/README.md). */
export const READ_BYTES = 65_536
/** Bytes up to which a chunk is joined to the text around it; beyond it, two pieces in one writev are cheaper. */
const JOIN_BYTES_MAX = 4096
/** Silence after which the system asks a peer whether it is there; unanswered, the connection breaks some 10 s later. */
const KEEP_ALIVE_MS = 60_000
/** Text waiting to be written beyond which a flush is not put off any longer. */
const TEXT_WAITING_MAX = 32_768

const sharedBuffer = Buffer.allocUnsafeSlow(READ_BYTES)

/** Connections with text to write, flushed when the reads of this turn of the event loop are done. */
const waiting: SocketConnection[] = []
/** The connection whose read callback runs now. */
let reading: SocketConnection | null = null
let flushPlanned = false

function flushWaiting(): void {
  flushPlanned = false
  for (let i = 0; i < waiting.length; i++) waiting[i].flush()
  waiting.length = 0
}

type WriteDone = (error?: Error | null) => void

/** What a write fails with when the peer has closed. */
const PEER_GONE: ReadonlySet<string> = new Set(['EPIPE', 'ECONNRESET'])

const NO_USER: ConnectionUser = { bytes() {}, ended() {}, drained() {}, closed() {} }

export class SocketConnection implements Connection {
  user: ConnectionUser = NO_USER
  #socket: net.Socket
  #text = ''
  #flushes = 0
  /** Bytes of a direct write that wait; what the Writable gets meanwhile waits behind them. */
  #underWay = 0
  /** A write has failed because the peer is gone: nothing more is written, but reading goes on. */
  #writeError: Error | null = null
  #error: NodeJS.ErrnoException | null = null
  /** Memory of this connection's own, or null while it shares. */
  #ownBuffer: Buffer | null = null
  #wantsOwnBuffer: boolean
  /** A failed write is only noted. */
  readonly #forgives: boolean
  /** libuv still points into the own buffer of this connection. */
  ownBufferKept = false

  /**
   * `makeSocket` gets the `onread` option and gives the socket. `ownBuffer`: reads never share (upstream
   * connections, whose first read may already be a large body).
   */
  constructor(makeSocket: (onread: net.OnReadOpts | null) => net.Socket, ownBuffer: boolean) {
    this.#wantsOwnBuffer = ownBuffer
    this.#forgives = ownBuffer
    this.#socket = makeSocket({
      buffer: () => this.#nextBuffer(),
      callback: (count, buffer) => this.#read(count, buffer as Buffer),
    })
    if (ownBuffer) this.#readOnWhenWritesFail()
    this.#socket.on('end', () => {
      this.#guard(() => this.user.ended())
      // Nothing can be written and nothing is left to read: whoever still uses the connection hears that it is gone.
      if (this.#writeError !== null) this.#socket.destroy(this.#writeError)
    })
    this.#socket.on('drain', () => this.#guard(() => this.user.drained()))
    this.#socket.on('error', error => {
      this.#error = error
    })
    this.#socket.on('close', () => {
      this.#text = ''
      this.#ownBuffer = null
      this.#guard(() => this.user.closed(this.#error))
    })
  }

  /**
   * A server may answer and close while we are still writing the request: the write fails, and Node would throw
   * away the answer that lies in the kernel. So a failed write is only noted; what became of the connection is
   * what reading says next: an answer, its end, or the fault. `_write` and `_writev` are what a Writable is made of.
   */
  #readOnWhenWritesFail(): void {
    const socket = this.#socket
    const { _write, _writev } = socket
    let toldLast: WriteDone | null = null
    let forgiving: WriteDone = () => {}
    // Node passes the same callback for every write of a socket: one closure a connection, not one a write.
    const forgive = (done: WriteDone): WriteDone => {
      if (done === toldLast) return forgiving
      toldLast = done
      forgiving = error => {
        const gone = PEER_GONE.has((error as NodeJS.ErrnoException | null | undefined)?.code ?? '')
        if (gone) this.#writeError = error as Error
        // Once all was read, the write is what says what became of the connection.
        done(gone && !socket.readableEnded ? null : error)
      }
      return forgiving
    }
    socket._write = (chunk, encoding, done) => _write.call(socket, chunk, encoding, forgive(done))
    if (_writev !== undefined) socket._writev = (chunks, done) => _writev.call(socket, chunks, forgive(done))
  }

  /** A direct write that had to wait has ended: its fault means the same as that of any other. */
  readonly #wrote = (error: NodeJS.ErrnoException | null): void => {
    this.#underWay = 0
    const socket = this.#socket
    if (error === null || socket.destroyed) return
    if (this.#forgives && PEER_GONE.has(error.code ?? '')) {
      this.#writeError = error
      if (!socket.readableEnded) return
    }
    socket.destroy(error)
  }

  /** Begins to read; sockets that we connected ourselves begin on their own. */
  startReading(): void {
    this.#socket.read(0)
  }

  /** For sockets that cannot read into our memory: bytes come as events. */
  readEvents(): void {
    this.#socket.on('data', chunk => this.#read(chunk.length, chunk as Buffer))
  }

  get remoteAddress(): string {
    return this.#socket.remoteAddress ?? ''
  }

  get remotePort(): number {
    return this.#socket.remotePort ?? 0
  }

  get closed(): boolean {
    return this.#socket.destroyed
  }

  get congested(): boolean {
    return this.#socket.writableNeedDrain
  }

  get unsent(): number {
    return this.#socket.writableLength + this.#underWay
  }

  text(text: string): void {
    if (this.#text === '') {
      waiting.push(this)
      if (!flushPlanned) {
        flushPlanned = true
        setImmediate(flushWaiting)
      }
      this.#text = text
    } else this.#text += text
    if (this.#text.length > TEXT_WAITING_MAX) this.flush()
  }

  bytes(chunk: Buffer): boolean {
    const length = chunk.length
    if (length <= JOIN_BYTES_MAX) {
      this.text(latin1(chunk, 0, length))
      return !this.#socket.writableNeedDrain
    }
    const socket = this.#socket
    if (!socket.writable || this.#writeError !== null) return true
    const owner = reading
    const direct = owner !== null && owner.#ownBuffer !== null && chunk.buffer === owner.#ownBuffer.buffer
    const lasting = direct || isLasting(chunk) ? chunk : Buffer.from(chunk)
    this.#flushes++
    if (this.#text === '') socket.write(lasting)
    else {
      socket.cork()
      socket.write(this.#text, 'latin1')
      this.#text = ''
      socket.write(lasting)
      socket.uncork()
    }
    // What the kernel did not take at once still lies in the buffer of the reader: it must read elsewhere.
    if (direct && socket.writableLength > 0) owner.ownBufferKept = true
    return !socket.writableNeedDrain
  }

  flush(): void {
    if (this.#text === '') return
    const text = this.#text
    this.#text = ''
    this.#flushes++
    if (this.#socket.writable && this.#writeError === null) this.#write(text)
  }

  #write(text: string): void {
    const outcome = this.#underWay > 0 ? 'refused' : writeDirectly(this.#socket, text, this.#wrote)
    if (outcome === 'waits') this.#underWay = text.length
    else if (outcome === 'refused') this.#socket.write(text, 'latin1')
  }

  mark(): OutputMark {
    return { flushes: this.#flushes, length: this.#text.length }
  }

  retract(mark: OutputMark): boolean {
    if (this.#flushes !== mark.flushes) return false
    this.#text = this.#text.slice(0, mark.length)
    return true
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  expectBody(large: boolean): void {
    this.#wantsOwnBuffer = large
  }

  keepAlive(): void {
    this.#socket.setKeepAlive(true, KEEP_ALIVE_MS)
  }

  end(): void {
    this.flush()
    this.#socket.end()
  }

  destroy(reset = false): void {
    this.#text = ''
    // A unix socket knows no reset: its peer sees a regular end, or a write that fails.
    if (reset && this.#socket.remoteFamily !== undefined) this.#socket.resetAndDestroy()
    else this.#socket.destroy()
  }

  /** Asked after each read for the memory of the next one. */
  #nextBuffer(): Buffer {
    if (!this.#wantsOwnBuffer) {
      this.#ownBuffer = null
      return sharedBuffer
    }
    if (this.#ownBuffer === null || this.ownBufferKept) {
      this.ownBufferKept = false
      this.#ownBuffer = Buffer.allocUnsafeSlow(READ_BYTES)
    }
    return this.#ownBuffer
  }

  #read(count: number, buffer: Buffer): boolean {
    reading = this
    try {
      this.user.bytes(count === buffer.length ? buffer : buffer.subarray(0, count))
    } catch (error) {
      tellBug(error)
      this.destroy(true)
    }
    reading = null
    return true
  }

  #guard(call: () => void): void {
    if (!guarded(call)) this.destroy(true)
  }
}
