/**
 * A connection to nobody: what is written to it is kept, and the owner says what "arrives".
 */
import type { Connection, ConnectionUser, OutputMark } from '../../net/connection.ts'

const NO_USER: ConnectionUser = { bytes() {}, ended() {}, drained() {}, closed() {} }

export class SilentConnection implements Connection {
  user: ConnectionUser = NO_USER
  readonly congested = false
  readonly unsent = 0
  closed = false
  /** All that was written, as latin1. */
  written = ''
  /** Called whenever something was written. */
  #heard: () => void

  constructor(heard: () => void = () => {}) {
    this.#heard = heard
  }

  text(text: string): void {
    this.written += text
    this.#heard()
  }

  bytes(chunk: Buffer): boolean {
    this.text(chunk.toString('latin1'))
    return true
  }

  mark(): OutputMark {
    return { flushes: 0, length: this.written.length }
  }

  /** Nothing ever leaves, so everything can be taken back. */
  retract(mark: OutputMark): boolean {
    this.written = this.written.slice(0, mark.length)
    return true
  }

  pause(): void {}

  resume(): void {}

  expectBody(): void {}

  keepAlive(): void {}

  end(): void {
    this.destroy()
  }

  destroy(): void {
    if (this.closed) return
    this.closed = true
    // Never from inside a call of the user.
    queueMicrotask(() => this.user.closed(null))
  }
}
