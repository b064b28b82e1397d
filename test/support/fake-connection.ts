/**
 * A connection without a socket. What its user writes is kept as text; what the peer does is told by calls.
 * Strategy: as on a socket, text waits until the turn is over (`settle`), a paused user hears nothing of what
 * the peer sent meanwhile, and `closed` comes once, last, and never from inside a call of the user.
 */
import type { Connection, ConnectionUser, OutputMark } from '../../src/net/connection.ts'

const NO_USER: ConnectionUser = { bytes() {}, ended() {}, drained() {}, closed() {} }

export class FakeConnection implements Connection {
  user: ConnectionUser = NO_USER
  /** What has left, as latin1, since it was last taken. */
  left = ''
  paused = false
  congested = false
  closed = false
  /** Our last byte was sent in order (FIN). */
  ended = false
  /** The connection was broken and not ended in order (RST). */
  reset = false
  /** The peer, or the network, broke it. */
  brokenByPeer = false
  /** The user said that a body is coming. */
  bodyExpected = false
  /** The system was asked to look whether the peer is there. */
  keptAlive = false
  /** Bytes that wait in this program because the peer takes none, beyond the one that congestion is made of. */
  held = 0
  /** The peer takes nothing any more: the last byte never leaves, so the connection never closes in order. */
  keepsOutput = false
  #waiting = ''
  #flushes = 0
  /** What the peer did and the user has not heard of yet; null is its last byte. */
  #inbox: (Buffer | null)[] = []
  #peerEnded = false
  #error: NodeJS.ErrnoException | null = null
  #closedTold = false

  // The user's side.

  get unsent(): number {
    return this.congested ? Math.max(1, this.held) : this.held
  }

  text(text: string): void {
    if (!this.ended && !this.closed) this.#waiting += text
  }

  bytes(chunk: Buffer): boolean {
    this.text(chunk.toString('latin1'))
    return !this.congested
  }

  mark(): OutputMark {
    return { flushes: this.#flushes, length: this.#waiting.length }
  }

  retract(mark: OutputMark): boolean {
    if (this.#flushes !== mark.flushes) return false
    this.#waiting = this.#waiting.slice(0, mark.length)
    return true
  }

  pause(): void {
    this.paused = true
  }

  resume(): void {
    this.paused = false
  }

  expectBody(large: boolean): void {
    this.bodyExpected = large
  }

  end(): void {
    this.#flush()
    this.ended = true
  }

  keepAlive(): void {
    this.keptAlive = true
  }

  destroy(reset = false): void {
    if (this.closed) return
    this.#waiting = ''
    this.closed = true
    this.reset = reset
  }

  // The peer's side.

  /** Bytes arrive. They are lent, as real ones are: their memory is spoiled after the call. */
  arrive(bytes: Buffer): void {
    this.#inbox.push(Buffer.from(bytes))
    this.#deliver()
  }

  /** The peer has sent its last byte. */
  arriveEnd(): void {
    this.#inbox.push(null)
    this.#deliver()
  }

  /** The connection is gone, by the peer or the network. */
  break(code: string | null): void {
    if (this.closed) return
    this.#error = code === null ? null : Object.assign(new Error(code), { code })
    this.#inbox = []
    this.brokenByPeer = true
    this.destroy()
  }

  /** The peer reads again. */
  drain(): void {
    this.congested = false
    if (!this.closed) this.user.drained()
  }

  /** The end of a turn of the event loop. True when something happened. */
  settle(): boolean {
    const before = this.#flushes
    this.#flush()
    const heard = this.#deliver()
    if (this.ended && this.#peerEnded && !this.keepsOutput) this.closed = true
    if (!this.closed || this.#closedTold) return heard || this.#flushes !== before
    this.#closedTold = true
    this.user.closed(this.#error)
    return true
  }

  /** What has left since the last call. */
  take(): string {
    const text = this.left
    this.left = ''
    return text
  }

  #flush(): void {
    if (this.#waiting === '') return
    this.left += this.#waiting
    this.#waiting = ''
    this.#flushes++
  }

  #deliver(): boolean {
    let heard = false
    while (!this.paused && !this.closed && this.#inbox.length > 0) {
      const next = this.#inbox.shift() as Buffer | null
      heard = true
      if (next === null) {
        this.#peerEnded = true
        this.user.ended()
      } else {
        this.user.bytes(next)
        next.fill(0x3f)
      }
    }
    return heard
  }
}
