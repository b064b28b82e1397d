/**
 * Stored responses for tests of what is answered from them, and a body that tells what was done with it.
 */
import { markLasting } from '../../src/base/lasting.ts'
import type { CacheOutcome } from '../../src/cache/cache-status.ts'
import type { EntryHead, StoredBody } from '../../src/cache/entry.ts'
import type { Exchange } from '../../src/exchange/exchange.ts'
import { HeaderList } from '../../src/http/header-list.ts'
import { Client, type Fields } from './reply-talk.ts'

/** Where the wall clock of these tests stands. */
export const NOW_MS = 784_111_777_000
export const STORED_DATE = 'Sun, 06 Nov 1994 08:49:37 GMT'
export const MODIFIED = 'Sat, 05 Nov 1994 08:00:00 GMT'

export function entryHead(
  changes: Omit<Partial<EntryHead>, 'headers'> & { fields?: Fields } = {},
): EntryHead {
  const { fields = [['Content-Type', 'text/plain']], contentBytes = 10, ...others } = changes
  const headers = HeaderList.from([
    ...fields,
    ['Date', STORED_DATE],
    ['Content-Length', String(contentBytes)],
  ])
  return {
    key: 'http://shop:80/',
    extras: '',
    vary: [],
    status: 200,
    reason: 'OK',
    headers,
    requestedMs: NOW_MS,
    respondedMs: NOW_MS,
    policy: {
      lifetimeS: 60,
      lifetimeFrom: 'max-age',
      initialAgeS: 0,
      noCache: false,
      mustRevalidate: false,
      staleWhileRevalidateS: 0,
      staleIfErrorS: 0,
    },
    etag: headers.get('etag') ?? '',
    lastModified: headers.get('last-modified') ?? '',
    tags: [],
    contentBytes,
    ...others,
  }
}

export const HIT: CacheOutcome = {
  hit: true,
  fwd: null,
  fwdStatus: 0,
  ttlS: 60,
  stored: false,
  collapsed: false,
  key: 'http://shop:80/',
  detail: 'fresh',
}

/** Content in pieces, at once or as promises that a test settles; counts what is asked of it. */
export class PiecedBody implements StoredBody {
  readonly bytes: number
  readonly content: Buffer
  /** Places that were asked for. */
  readonly asked: number[] = []
  closed = 0
  /** What was asked for and is not there yet, when `later`. */
  later = false
  #pieceBytes: number
  #pending: { at: number; resolve: (bytes: Buffer) => void; reject: (error: unknown) => void } | null = null

  constructor(content: Buffer, pieceBytes = content.length) {
    this.content = markLasting(content)
    this.bytes = content.length
    this.#pieceBytes = pieceBytes
  }

  from(at: number): Buffer | Promise<Buffer> {
    if (this.closed > 0) throw new Error('read after it was closed')
    if (at < 0 || at >= this.bytes) throw new Error(`read at ${at} of ${this.bytes}`)
    this.asked.push(at)
    if (!this.later) return this.#piece(at)
    return new Promise((resolve, reject) => {
      this.#pending = { at, resolve, reject }
    })
  }

  close(): void {
    this.closed++
  }

  /** The bytes that were asked for come. */
  async arrives(): Promise<void> {
    const pending = this.#pending
    this.#pending = null
    if (pending === null) throw new Error('nothing was asked for')
    pending.resolve(this.#piece(pending.at))
    await settled()
  }

  /** They cannot be read. */
  async fails(error: unknown): Promise<void> {
    this.#pending?.reject(error)
    this.#pending = null
    await settled()
  }

  #piece(at: number): Buffer {
    const end = Math.min(this.bytes, (Math.floor(at / this.#pieceBytes) + 1) * this.#pieceBytes)
    return this.content.subarray(at, end)
  }
}

/** What promises that are settled have to say has been said. */
const settled = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

export interface Asking {
  readonly client: Client
  readonly exchange: Exchange
}

/** A request and the client who waits for its answer. */
export function asking(fields: Fields = [], method = 'GET'): Asking {
  const client = new Client()
  const request = { method, target: '/', version: 11, headers: HeaderList.from(fields) }
  const notes = { startedAtMs: 1, cache: '', cacheWhy: '' }
  const exchange = { request, reply: client, serving: null, cancelled: false, notes }
  return { client, exchange: exchange as unknown as Exchange }
}
