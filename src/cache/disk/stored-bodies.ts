/**
 * Contents of entries: pieces in memory, and files that are read and checked block by block.
 */
import { closeSync, openSync, read, readSync } from 'node:fs'
import { ProxyError } from '../../base/errors.ts'
import { markLasting } from '../../base/lasting.ts'
import type { StoredBody } from '../entry.ts'
import { BLOCK_BYTES, isBlock } from './checksums.ts'

/** A content that lies in memory as it arrived, or as it was read with its row. */
export class PiecesBody implements StoredBody {
  readonly bytes: number
  readonly #pieces: readonly Buffer[]

  constructor(pieces: readonly Buffer[], bytes: number) {
    this.#pieces = pieces
    this.bytes = bytes
  }

  from(at: number): Buffer {
    let start = 0
    for (const piece of this.#pieces) {
      if (at < start + piece.length) return at === start ? piece : piece.subarray(at - start)
      start += piece.length
    }
    throw new RangeError(`${at} is not below ${this.bytes}`)
  }

  close(): void {}
}

/** A content in a row that is read when its first byte is wanted. */
export class RowBody implements StoredBody {
  readonly bytes: number
  readonly #read: () => Buffer | null
  #content: Buffer | null = null

  /** `read` gives null when the content is gone, or is not what was stored. */
  constructor(bytes: number, read: () => Buffer | null) {
    this.bytes = bytes
    this.#read = read
  }

  from(at: number): Buffer | Promise<Buffer> {
    this.#content ??= this.#read()
    return this.#content === null ? Promise.reject(gone('')) : this.#content.subarray(at)
  }

  close(): void {}
}

export interface FileBodyOptions {
  readonly bytes: number
  /** Of its blocks. */
  readonly sums: Uint8Array
  /** Told when the file is not what was stored. */
  readonly damaged: (why: string) => void
}

/** A file that was opened when it was found, so that it can be read to its end though it is removed meanwhile. */
export class FileBody implements StoredBody {
  readonly bytes: number
  readonly #file: number
  readonly #options: FileBodyOptions
  #reads = 0
  #closed = false

  /** Null: it is not there. Throws when it cannot be opened. */
  static open(path: string, options: FileBodyOptions): FileBody | null {
    try {
      return new FileBody(openSync(path, 'r'), options)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
      throw error
    }
  }

  private constructor(file: number, options: FileBodyOptions) {
    this.bytes = options.bytes
    this.#file = file
    this.#options = options
  }

  /**
   * The first block is read in place, as rows are: mostly it is all there is, and it lies in the memory of the system
   * (64 KB: 40 µs, by way of the thread pool 90). What follows comes from the thread pool.
   */
  from(at: number): Buffer | Promise<Buffer> {
    if (this.#closed) return Promise.reject(gone('It was closed.'))
    const block = Math.floor(at / BLOCK_BYTES)
    const bytes = Buffer.allocUnsafeSlow(Math.min(BLOCK_BYTES, this.bytes - block * BLOCK_BYTES))
    if (block > 0) return this.#readLater(bytes, block, at)
    try {
      return this.#checked(bytes, readInPlace(this.#file, bytes), 0, at)
    } catch (error) {
      return Promise.reject(this.#asFault(error))
    }
  }

  async #readLater(bytes: Buffer, block: number, at: number): Promise<Buffer> {
    this.#reads++
    try {
      const count = await readAt(this.#file, bytes, block * BLOCK_BYTES)
      return this.#checked(bytes, count, block, at)
    } catch (error) {
      throw this.#asFault(error)
    } finally {
      this.#reads--
      this.#closeFile()
    }
  }

  #checked(bytes: Buffer, count: number, block: number, at: number): Buffer {
    if (count < bytes.length) throw this.#damage('its file is too short')
    if (!isBlock(bytes, block, this.#options.sums)) throw this.#damage('the checksum of its content is wrong')
    return markLasting(bytes).subarray(at - block * BLOCK_BYTES)
  }

  #asFault(error: unknown): ProxyError {
    if (error instanceof ProxyError) return error
    return this.#damage(`its file cannot be read (${(error as Error).message})`)
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#closeFile()
  }

  /** Not under a read: its number may be that of another file by then. */
  #closeFile(): void {
    if (this.#closed && this.#reads === 0) closeSync(this.#file)
  }

  #damage(why: string): ProxyError {
    this.#options.damaged(why)
    return gone('')
  }
}

/** A content that is being written to its file: whoever reads it waits until it is there. */
export class PendingBody implements StoredBody {
  readonly bytes: number
  readonly #find: () => Promise<StoredBody | null>
  #found: Promise<StoredBody | null> | null = null
  #closed = false

  constructor(bytes: number, find: () => Promise<StoredBody | null>) {
    this.bytes = bytes
    this.#find = find
  }

  async from(at: number): Promise<Buffer> {
    if (this.#closed) throw gone('It was closed.')
    this.#found ??= this.#find()
    const body = await this.#found
    if (body === null) throw gone('It is no longer there.')
    return body.from(at)
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    void this.#found?.then(body => body?.close())
  }
}

const gone = (detail: string): ProxyError => new ProxyError('stored_unreadable', detail)

function readInPlace(file: number, bytes: Buffer): number {
  let count = 0
  while (count < bytes.length) {
    const more = readSync(file, bytes, count, bytes.length - count, count)
    if (more === 0) break
    count += more
  }
  return count
}

/** Reads until the buffer is full or the file ends. */
async function readAt(file: number, bytes: Buffer, position: number): Promise<number> {
  let count = 0
  while (count < bytes.length) {
    const more = await readOnce(file, bytes, count, position + count)
    if (more === 0) break
    count += more
  }
  return count
}

const readOnce = (file: number, bytes: Buffer, at: number, position: number): Promise<number> =>
  new Promise((done, fail) =>
    read(file, bytes, at, bytes.length - at, position, (error, count) => (error ? fail(error) : done(count))),
  )
