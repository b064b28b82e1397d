/**
 * Bytes of a body → its content, for all four framings (RFC 9112 §6, §7.1).
 * Strategy: one decoder per connection, started anew for each body. Content is handed on as slices of the bytes
 * that came in; the few bytes of chunk framing go through a state machine, a byte at a time.
 */
import { CLASS, CR, HEX, HTAB, LF, SP, VALUE } from '../base/ascii.ts'
import { ByteQueue } from '../base/byte-queue.ts'
import { ProxyError } from '../base/errors.ts'
import type { HeaderList } from '../http/header-list.ts'
import type { Framing } from '../http/message.ts'
import { parseTrailers } from './head-parser.ts'
import type { Limits } from './limits.ts'
import { withoutForbiddenTrailers } from './trailers.ts'

/** Takes what the decoder finds. */
export interface ContentSink {
  data(chunk: Buffer): boolean
  trailers(fields: HeaderList): void
}

const SEMICOLON = 59

type State =
  | 'length'
  | 'until-close'
  | 'size'
  | 'size-space'
  | 'extension'
  | 'size-lf'
  | 'content'
  | 'content-cr'
  | 'content-lf'
  | 'trailers'
  | 'done'

export class BodyDecoder {
  #state: State = 'done'
  /** Content bytes left: of the body for a length, of the chunk for chunked. */
  #left = 0
  /** Bytes of the chunk-size line so far. */
  #lineBytes = 0
  #sizeDigits = 0
  #trailerBytes: ByteQueue | null = null
  #limits: Limits

  constructor(limits: Limits) {
    this.#limits = limits
  }

  start(framing: Framing): void {
    this.#left = 0
    this.#trailerBytes = null
    if (framing.kind === 'length') {
      this.#left = framing.bytes
      this.#state = framing.bytes === 0 ? 'done' : 'length'
    } else if (framing.kind === 'chunked') this.#startChunk()
    else this.#state = framing.kind === 'none' ? 'done' : 'until-close'
  }

  get done(): boolean {
    return this.#state === 'done'
  }

  /** Content bytes that are known to come still; 0 where that is not known. */
  get bytesLeft(): number {
    return this.#left
  }

  /**
   * Takes bytes from `start` on, hands their content to the sink and returns the place behind the last byte
   * that belongs to this body. Throws ProxyError bad_chunk or bad_trailers; the body is broken after that.
   */
  feed(chunk: Buffer, start: number, sink: ContentSink): number {
    let at = start
    while (at < chunk.length && this.#state !== 'done') {
      if (this.#state === 'length' || this.#state === 'content') at = this.#takeContent(chunk, at, sink)
      else if (this.#state === 'until-close') {
        sink.data(at === 0 ? chunk : chunk.subarray(at))
        at = chunk.length
      } else if (this.#state === 'trailers') at = this.#takeTrailers(chunk, at, sink)
      else this.#takeFramingByte(chunk[at++])
    }
    return at
  }

  /** The peer will send no more. True when that is how this body ends, false when the body is cut short. */
  endOfStream(): boolean {
    if (this.#state === 'until-close') this.#state = 'done'
    return this.#state === 'done'
  }

  #takeContent(chunk: Buffer, at: number, sink: ContentSink): number {
    const stop = Math.min(chunk.length, at + this.#left)
    this.#left -= stop - at
    if (this.#left === 0) this.#state = this.#state === 'length' ? 'done' : 'content-cr'
    sink.data(at === 0 && stop === chunk.length ? chunk : chunk.subarray(at, stop))
    return stop
  }

  #startChunk(): void {
    this.#state = 'size'
    this.#left = 0
    this.#lineBytes = 0
    this.#sizeDigits = 0
  }

  /** One byte of the lines around chunks: `size [; extension] CR LF` before and `CR LF` behind. RFC 9112 §7.1. */
  #takeFramingByte(byte: number): void {
    switch (this.#state) {
      case 'size':
        this.#takeSizeByte(byte)
        return
      case 'size-space':
        // RFC 9112 §7.1.1: white space only in front of an extension.
        if (byte === SEMICOLON) this.#state = 'extension'
        else if (byte !== SP && byte !== HTAB)
          throw new ProxyError('bad_chunk', 'The chunk size is not hexadecimal.')
        this.#countLineByte()
        return
      case 'extension':
        // RFC 9112 §7.1.1: extensions that are not known are ignored; here they are not even passed on.
        if (byte === CR) this.#state = 'size-lf'
        else if ((CLASS[byte] & VALUE) === 0)
          throw new ProxyError('bad_chunk', 'The chunk extension is not text.')
        this.#countLineByte()
        return
      case 'size-lf':
        if (byte !== LF) throw new ProxyError('bad_chunk', 'A CR stands without its LF.')
        this.#state = this.#left > 0 ? 'content' : 'trailers'
        return
      case 'content-cr':
        if (byte !== CR) throw new ProxyError('bad_chunk', 'A chunk is longer than its size says.')
        this.#state = 'content-lf'
        return
      default:
        if (byte !== LF) throw new ProxyError('bad_chunk', 'A CR stands without its LF.')
        this.#startChunk()
    }
  }

  #takeSizeByte(byte: number): void {
    this.#countLineByte()
    if ((CLASS[byte] & HEX) !== 0) {
      this.#sizeDigits++
      this.#left = this.#left * 16 + hexValue(byte)
      if (!Number.isSafeInteger(this.#left)) throw new ProxyError('bad_chunk', 'The chunk size is too large.')
      return
    }
    if (this.#sizeDigits === 0) throw new ProxyError('bad_chunk', 'The chunk size is missing.')
    if (byte === CR) this.#state = 'size-lf'
    else if (byte === SEMICOLON) this.#state = 'extension'
    else if (byte === SP || byte === HTAB) this.#state = 'size-space'
    else throw new ProxyError('bad_chunk', 'The chunk size is not hexadecimal.')
  }

  #countLineByte(): void {
    if (++this.#lineBytes > this.#limits.chunkLineBytesMax)
      throw new ProxyError(
        'bad_chunk',
        `A chunk-size line is longer than ${this.#limits.chunkLineBytesMax} bytes (limits.chunkLine).`,
      )
  }

  /** RFC 9112 §7.1.2. Almost always just the empty line, which is then read where it lies. */
  #takeTrailers(chunk: Buffer, at: number, sink: ContentSink): number {
    const kept = this.#trailerBytes
    if (kept === null) return this.#readTrailers(chunk, at, sink, 0)
    const before = kept.length
    kept.append(at === 0 ? chunk : chunk.subarray(at))
    // Read again only when a line has ended since: a byte at a time must not cost the square of the size.
    if (chunk.indexOf(LF, at) < 0) {
      this.#limitTrailers(kept.length)
      return chunk.length
    }
    return this.#readTrailers(kept.view(), 0, sink, before) + at
  }

  /** Returns the place behind the trailers, less `alreadyTaken` bytes that earlier calls have counted. */
  #readTrailers(bytes: Buffer, at: number, sink: ContentSink, alreadyTaken: number): number {
    const parsed = this.#parse(bytes, at)
    if (parsed === null) {
      this.#limitTrailers(bytes.length - at)
      if (this.#trailerBytes === null) {
        this.#trailerBytes = new ByteQueue()
        this.#trailerBytes.append(bytes.subarray(at))
      }
      return bytes.length - alreadyTaken
    }
    this.#limitTrailers(parsed.bytes)
    this.#trailerBytes = null
    this.#state = 'done'
    if (parsed.bytes > 2) {
      const fields = withoutForbiddenTrailers(parsed.fields)
      if (fields.text !== '') sink.trailers(fields)
    }
    return at + parsed.bytes - alreadyTaken
  }

  #parse(bytes: Buffer, at: number): { fields: HeaderList; bytes: number } | null {
    try {
      return parseTrailers(bytes, at, bytes.length, this.#limits)
    } catch (error) {
      if (error instanceof ProxyError) throw new ProxyError('bad_trailers', error.message)
      throw error
    }
  }

  #limitTrailers(bytes: number): void {
    if (bytes > this.#limits.trailerBytesMax)
      throw new ProxyError(
        'bad_trailers',
        `The limit is ${this.#limits.trailerBytesMax} bytes (limits.trailer).`,
      )
  }
}

function hexValue(byte: number): number {
  return byte < 58 ? byte - 48 : (byte | 0x20) - 87
}
