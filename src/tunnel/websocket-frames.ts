/**
 * Where the frames of a WebSocket end (RFC 6455 §5.2), and how to end one in order between two of them.
 * Strategy: bytes pass through untouched; a few counters follow the headers and skip the payloads, so that a Close
 * frame can be put where a frame may stand. Nothing is checked: what is wrong in a frame is for the peers to find.
 */

const OPCODE = 0x0f
const CLOSE = 0x08
const MASKED = 0x80
const LENGTH = 0x7f
const MASK_BYTES = 4

/** RFC 6455 §7.4.1: the endpoint is going away. */
export const GOING_AWAY = 1001

/** A Close frame with this status; masked, as a client has to send it, when there is a mask (RFC 6455 §5.3, §5.5.1). */
export function closeFrame(status: number, mask: Uint8Array | null): Buffer {
  const payload = [status >> 8, status & 0xff]
  if (mask === null) return Buffer.from([0x80 | CLOSE, payload.length, ...payload])
  const masked = payload.map((byte, at) => byte ^ mask[at])
  return Buffer.from([0x80 | CLOSE, MASKED | payload.length, ...mask, ...masked])
}

/** Follows the frames of one direction. */
export class WebSocketFrames {
  /** A Close frame has begun: the peer sends no other after it. */
  closeSeen = false
  /** Payload bytes of this frame that are still to come. */
  #left = 0
  /** Bytes of its header that came, and how many it has, as far as they tell; 0 and 2 between frames. */
  #headerCame = 0
  #headerSize = 2
  /** Where the bytes of an extended length end. */
  #lengthEnd = 2
  #length = 0

  /** True where a frame has just ended, or none has begun. */
  get between(): boolean {
    return this.#left === 0 && this.#headerCame === 0
  }

  /** Follows a chunk to its end. */
  follow(chunk: Buffer): void {
    let at = 0
    while (at < chunk.length) at = this.#step(chunk, at)
  }

  /** Follows a chunk to the first place between two frames; returns that place, or the end of the chunk. */
  followToEnd(chunk: Buffer): number {
    let at = 0
    while (at < chunk.length && !this.between) at = this.#step(chunk, at)
    return at
  }

  /** One byte of a header, or all of a payload that is there. */
  #step(chunk: Buffer, at: number): number {
    if (this.#left === 0) {
      this.#takeHeaderByte(chunk[at])
      return at + 1
    }
    const taken = Math.min(this.#left, chunk.length - at)
    this.#left -= taken
    return at + taken
  }

  #takeHeaderByte(byte: number): void {
    const place = this.#headerCame++
    if (place === 0) {
      if ((byte & OPCODE) === CLOSE) this.closeSeen = true
    } else if (place === 1) {
      const length = byte & LENGTH
      const extended = length < 126 ? 0 : length === 126 ? 2 : 8
      this.#length = extended === 0 ? length : 0
      this.#lengthEnd = 2 + extended
      this.#headerSize = this.#lengthEnd + ((byte & MASKED) === 0 ? 0 : MASK_BYTES)
    } else if (place < this.#lengthEnd) this.#length = this.#length * 256 + byte
    if (this.#headerCame < this.#headerSize) return
    this.#left = this.#length
    this.#headerCame = 0
    this.#headerSize = 2
  }
}

type LaneState = 'open' | 'closing' | 'closed'

/** One direction of a WebSocket that can be ended: what comes is passed on, and after our Close frame nothing. */
export class WebSocketLane {
  #frames = new WebSocketFrames()
  #state: LaneState = 'open'
  #closing: Buffer | null = null
  #write: (chunk: Buffer) => boolean

  /** `write` takes lent bytes and gives false for "hold back", as every sink. */
  constructor(write: (chunk: Buffer) => boolean) {
    this.#write = write
  }

  data(chunk: Buffer): boolean {
    if (this.#state === 'closed') return true
    if (this.#state === 'open') {
      this.#frames.follow(chunk)
      return this.#write(chunk)
    }
    const end = this.#frames.followToEnd(chunk)
    const room = this.#write(end === chunk.length ? chunk : chunk.subarray(0, end))
    return this.#frames.between ? this.#close() : room
  }

  /**
   * Ends this direction with the frame, at once or behind the frame that is under way. Not when its peer has said
   * Close itself: that is the last frame then (RFC 6455 §5.5.1).
   */
  close(frame: Buffer): void {
    if (this.#state !== 'open' || this.#frames.closeSeen) return
    this.#state = 'closing'
    this.#closing = frame
    if (this.#frames.between) this.#close()
  }

  #close(): boolean {
    const frame = this.#closing as Buffer
    this.#state = this.#frames.closeSeen ? 'open' : 'closed'
    this.#closing = null
    return this.#frames.closeSeen || this.#write(frame)
  }
}
