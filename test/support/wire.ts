/**
 * One end of a stream connection as tests want it: bytes are asked for and waited for, and every way a
 * connection can end has a name.
 * Strategy: what arrives is queued; one reader at a time waits for a place in it.
 */
import type net from 'node:net'
import { within } from './wait.ts'

/** How the peer ended: with its last byte (FIN), by breaking the connection (RST), or not at all before we did. */
export type Ending = 'end' | 'reset' | 'ended by us'

export class Wire {
  readonly socket: net.Socket
  /** Everything that came, as latin1 text; only while `recording`. */
  received = ''
  recording = true
  #chunks: Buffer[] = []
  #length = 0
  #ending: Ending | null = null
  #ended = Promise.withResolvers<Ending>()
  #closed = Promise.withResolvers<void>()
  #wake: (() => void) | null = null

  constructor(socket: net.Socket) {
    this.socket = socket
    socket.on('data', chunk => this.#take(chunk as Buffer))
    socket.on('end', () => this.#end('end'))
    socket.on('error', (error: NodeJS.ErrnoException) =>
      this.#end(error.code === 'ECONNRESET' || error.code === 'EPIPE' ? 'reset' : 'ended by us'),
    )
    socket.on('close', () => {
      this.#end('ended by us')
      this.#closed.resolve()
    })
  }

  #take(chunk: Buffer): void {
    if (this.recording) this.received += chunk.toString('latin1')
    this.#chunks.push(chunk)
    this.#length += chunk.length
    this.#wake?.()
  }

  #end(ending: Ending): void {
    this.#ending ??= ending
    this.#ended.resolve(this.#ending)
    this.#wake?.()
  }

  /** Bytes that came and were not asked for yet. */
  get waiting(): number {
    return this.#length
  }

  /** Null while the peer may still send. */
  get ending(): Ending | null {
    return this.#ending
  }

  /** The peer's end, whatever still lies unread before it. */
  ended(): Promise<Ending> {
    return within(this.#ended.promise, 'the peer to end the connection')
  }

  /** Both directions are over and the socket is gone. */
  closed(): Promise<void> {
    return within(this.#closed.promise, 'the connection to close')
  }

  send(bytes: string | Buffer): void {
    if (typeof bytes === 'string') this.socket.write(bytes, 'latin1')
    else this.socket.write(bytes)
  }

  /** Sends and waits until the system has taken the bytes; false when the connection ended first. */
  async sendAll(bytes: Buffer): Promise<boolean> {
    if (this.socket.destroyed) return false
    if (this.socket.write(bytes)) return true
    return new Promise(resolve => {
      const settle = () => {
        this.socket.off('drain', settle)
        this.socket.off('close', settle)
        resolve(!this.socket.destroyed)
      }
      this.socket.on('drain', settle)
      this.socket.on('close', settle)
    })
  }

  /** Sends our last byte; the peer may go on. */
  end(): void {
    this.socket.end()
  }

  destroy(): void {
    this.socket.destroy()
  }

  /** Ends so that the peer sees a broken connection. */
  reset(): void {
    this.socket.resetAndDestroy()
  }

  /** Stops and starts reading; the kernel's buffers fill up meanwhile. */
  hold(): void {
    this.socket.pause()
  }

  go(): void {
    this.socket.resume()
  }

  /** The next `count` bytes. Rejects when the connection ends before they came. */
  async exactly(count: number): Promise<Buffer> {
    if (!(await this.#until(() => this.#length >= count)))
      throw new Error(`the connection ended (${this.#ending}) ${count - this.#length} bytes too early`)
    return this.#shift(count)
  }

  /** Everything up to and with `mark`. Null when the connection ended with nothing unread; rejects in the middle. */
  async through(mark: string): Promise<Buffer | null> {
    let end = -1
    const found = await this.#until(() => {
      const at = this.#joined().indexOf(mark, 0, 'latin1')
      end = at < 0 ? -1 : at + mark.length
      return at >= 0
    })
    if (found) return this.#shift(end)
    if (this.#length === 0) return null
    throw new Error(
      `the connection ended (${this.#ending}) inside ${JSON.stringify(this.#joined().toString('latin1'))}`,
    )
  }

  /** Whatever came, as soon as something did; null at the end of the connection. */
  async some(): Promise<Buffer | null> {
    if (!(await this.#until(() => this.#length > 0))) return null
    return this.#shift(this.#length)
  }

  /** Everything up to the peer's end. */
  async rest(): Promise<Buffer> {
    await this.#until(() => false)
    return this.#shift(this.#length)
  }

  /** False when the connection ended before the condition held. */
  async #until(condition: () => boolean): Promise<boolean> {
    while (!condition()) {
      if (this.#ending !== null) return false
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#wake = resolve
      await within(promise, 'more bytes or the end of the connection')
      this.#wake = null
    }
    return true
  }

  #joined(): Buffer {
    if (this.#chunks.length !== 1) this.#chunks = [Buffer.concat(this.#chunks)]
    return this.#chunks[0]
  }

  #shift(count: number): Buffer {
    const all = this.#joined()
    this.#chunks = count < all.length ? [all.subarray(count)] : []
    this.#length -= count
    return all.subarray(0, count)
  }
}
