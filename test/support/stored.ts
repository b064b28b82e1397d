/**
 * Heads and contents for tests of stores, and what they are compared by.
 */

import { markLasting } from '../../src/base/lasting.ts'
import type { Entry, EntryHead } from '../../src/cache/entry.ts'
import type { Policy } from '../../src/cache/policy.ts'
import type { Store } from '../../src/cache/store.ts'
import { HeaderList } from '../../src/http/header-list.ts'

export const NOW_MS = Date.UTC(2026, 10, 20, 12)

export const POLICY: Policy = {
  lifetimeS: 600,
  lifetimeFrom: 'max-age',
  initialAgeS: 2.5,
  noCache: false,
  mustRevalidate: false,
  staleWhileRevalidateS: 0,
  staleIfErrorS: 30,
}

export const keyOf = (path: string): string => `http://shop.example:80${path}`

/** A head as the cache makes them, and what `over` says otherwise. */
export function headOf(path: string, contentBytes: number, over: Partial<EntryHead> = {}): EntryHead {
  return {
    key: keyOf(path),
    extras: '',
    vary: [],
    status: 200,
    reason: 'OK',
    headers: HeaderList.from([
      ['Content-Type', 'text/plain'],
      ['Cache-Control', 'max-age=600'],
      ['Date', 'Fri, 20 Nov 2026 12:00:00 GMT'],
      ['ETag', '"v1"'],
      ['Content-Length', String(contentBytes)],
    ]),
    requestedMs: NOW_MS - 20,
    respondedMs: NOW_MS,
    policy: POLICY,
    etag: '"v1"',
    lastModified: '',
    tags: [],
    contentBytes,
    ...over,
  }
}

/** Bytes that tell where they stand and whose they are: no two places of two contents look alike. */
export function contentOf(bytes: number, salt = 0): Buffer {
  const content = Buffer.alloc(bytes)
  for (let at = 0; at < bytes; at++)
    content[at] = (Math.imul(at + 1, 0x9e3779b1) ^ Math.imul(salt + 1, 0x85ebca6b)) >>> 13
  return content
}

/** Stores a response whole, as the cache does: lasting pieces, then the head. False: the store did not want it. */
export function put(store: Store, head: EntryHead, content: Buffer, pieceBytes = 65_536): boolean {
  const filling = store.begin(head, content.length)
  if (filling === null) return false
  for (let at = 0; at < content.length; at += pieceBytes)
    if (!filling.write(lastingCopy(content.subarray(at, at + pieceBytes)))) {
      filling.abort()
      return false
    }
  return filling.commit(head) !== null
}

/** A copy in memory of its own that may be kept. */
export function lastingCopy(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length)
  bytes.copy(copy)
  return markLasting(copy)
}

/** All of a body from `at` on, piece by piece. */
export async function readFrom(entry: Entry, at = 0): Promise<Buffer> {
  const pieces: Buffer[] = []
  for (let place = at; place < entry.body.bytes; ) {
    const piece = await entry.body.from(place)
    if (piece.length === 0) throw new Error(`nothing at ${place} of ${entry.body.bytes}`)
    pieces.push(piece)
    place += piece.length
  }
  return Buffer.concat(pieces)
}

/** A head as plain data that can be compared. */
export function plain(head: EntryHead): object {
  const { headers, ...rest } = head
  return {
    ...rest,
    headers: headers.text,
    mask: headers.mask,
    type: headers.get('content-type'),
    date: headers.get('date'),
  }
}
