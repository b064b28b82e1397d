/**
 * A response that lies in memory: its head, its content and the room they take.
 * Strategy: small contents are one buffer, large ones pieces as they came; either way of exactly their size, in memory
 * of their own. A piece is never written again (`markLasting`), so that readers keep what they have whatever becomes of
 * the entry, and there is nothing to count or to close. An entry that was not used lately can be packed: what a use
 * needs as objects lies in one buffer then. A million entries as objects stop the process for more than a second when
 * the collector looks through them, packed ones for a fraction of that, and they take half the room.
 */
import { markLasting } from '../base/lasting.ts'
import type { Entry, EntryHead, StoredBody } from './entry.ts'
import { packHead, unpackHead } from './packed-head.ts'
import { madeStale } from './purge.ts'
import type { Evictable, FifoQueue } from './s3-fifo.ts'

/**
 * What an entry takes beside its content and its texts: objects, their places in tables and in the collector's books.
 * Measured over 1 000 000 entries (bench/micro/cache-memory.ts).
 */
const ENTRY_OVERHEAD_BYTES = 350
/** What its head takes more while it is not packed. */
const HEAD_OVERHEAD_BYTES = 800
/** Each piece of content beside its bytes. */
const PIECE_OVERHEAD_BYTES = 300
/** A name in a list: an object, an array, two texts; a tag: its place in the index. */
const TEXT_OVERHEAD_BYTES = 160
/** Contents up to this lie behind their head when it is packed. */
const PACKED_CONTENT_BYTES_MAX = 16_384

/** A piece that keeps more memory alive than this times its bytes is copied. */
const SLACK_MAX = 1.125

/** Pieces smaller than that are joined: each is a buffer of its own, and a peer may send a byte at a time. */
const LOOSE_BYTES_MAX = 16_384
/** Joined are so many at most, or so many bytes: a small content is one buffer, which leaves in one write. */
const LOOSE_COUNT_MAX = 64
const JOINED_BYTES_MAX = 65_536

const EMPTY = Buffer.alloc(0)

/** Content on its way in. */
export class Gathered {
  bytes = 0
  readonly #pieces: Buffer[] = []
  #loose: Buffer[] = []
  #looseBytes = 0

  /** Keeps a lasting piece. */
  add(piece: Buffer): void {
    if (piece.length === 0) return
    this.bytes += piece.length
    if (piece.length >= LOOSE_BYTES_MAX) {
      this.#join()
      this.#pieces.push(exact(piece))
      return
    }
    this.#loose.push(piece)
    this.#looseBytes += piece.length
    if (this.#looseBytes >= JOINED_BYTES_MAX) this.#join()
    // Tiny ones go on as one that is loose.
    else if (this.#loose.length >= LOOSE_COUNT_MAX) this.#loose = [joined(this.#loose, this.#looseBytes)]
  }

  #join(): void {
    if (this.#looseBytes === 0) return
    this.#pieces.push(joined(this.#loose, this.#looseBytes))
    this.#loose = []
    this.#looseBytes = 0
  }

  /** The content as it will lie; nothing is added any more. */
  laidOut(): Buffer | Pieces {
    this.#join()
    if (this.bytes === 0) return EMPTY
    if (this.#pieces.length === 1) return this.#pieces[0]
    return this.bytes <= JOINED_BYTES_MAX ? joined(this.#pieces, this.bytes) : new Pieces(this.#pieces)
  }
}

/** The piece itself when it is all of its memory, or nearly; else a copy. */
function exact(piece: Buffer): Buffer {
  return piece.buffer.byteLength <= piece.length * SLACK_MAX ? piece : joined([piece], piece.length)
}

/** In memory of its own: what Node lends out of its pool would keep the pool alive. */
function joined(pieces: readonly Buffer[], bytes: number): Buffer {
  if (pieces.length === 1 && pieces[0].buffer.byteLength === bytes) return pieces[0]
  const whole = Buffer.allocUnsafeSlow(bytes)
  let at = 0
  for (const piece of pieces) at += piece.copy(whole, at)
  return markLasting(whole)
}

/** Content in pieces, none of them empty. */
export class Pieces {
  readonly #pieces: readonly Buffer[]
  /** Where each ends. */
  readonly #ends: Float64Array

  constructor(pieces: readonly Buffer[]) {
    this.#pieces = pieces
    this.#ends = new Float64Array(pieces.length)
    let end = 0
    for (let i = 0; i < pieces.length; i++) {
      end += pieces[i].length
      this.#ends[i] = end
    }
  }

  get count(): number {
    return this.#pieces.length
  }

  from(at: number): Buffer {
    let low = 0
    let high = this.#ends.length - 1
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#ends[middle] <= at) low = middle + 1
      else high = middle
    }
    const piece = this.#pieces[low]
    return piece.subarray(at - (this.#ends[low] - piece.length))
  }
}

/** Entry and body in one object: there may be a million of them. */
export class MemoryEntry implements Entry, StoredBody, Evictable {
  readonly key: string
  readonly bytes: number
  tags: readonly string[]
  /** Grows from one that comes to the next: a purge leaves alone what came after it began. */
  readonly turn: number
  size: number
  uses = 0
  queue: FifoQueue | null = null
  newer: Evictable | null = null
  older: Evictable | null = null
  /** Where it stands among those that the store keeps unpacked; -1: it does not. */
  unpackedPlace = -1
  /** Null: packed. */
  #head: EntryHead | null
  /** Null: behind the head in `#packed`. Of the head that is not null too, `#packed` stays: packing again is free. */
  #content: Buffer | Pieces | null
  /** The head, and a small content behind it. */
  #packed: Buffer | null = null
  #packedHeadBytes = 0
  /** Of what is packed: its freshness ends at this time if not before. */
  #staleAtMs = Number.POSITIVE_INFINITY

  constructor(head: EntryHead, content: Buffer | Pieces, turn: number) {
    this.key = head.key
    this.bytes = head.contentBytes
    this.tags = head.tags
    this.turn = turn
    this.#head = head
    this.#content = content
    this.size = this.#measure()
  }

  /** Of a packed entry it is made anew for each who asks; the store unpacks those that are found. */
  get head(): EntryHead {
    return this.#head ?? this.#unpackedHead()
  }

  set head(head: EntryHead) {
    this.withHead(head)
  }

  /** Puts another head on it. Gives what it takes then. */
  withHead(head: EntryHead): number {
    if (this.#packed !== null) {
      this.#content ??= this.#packedContent()
      this.#packed = null
      this.#staleAtMs = Number.POSITIVE_INFINITY
    }
    this.#head = head
    this.tags = head.tags
    return this.#measure()
  }

  get body(): StoredBody {
    return this
  }

  get isPacked(): boolean {
    return this.#head === null
  }

  /** What it takes as it is now. */
  #measure(): number {
    const texts = sizeOfTexts(this.key, this.tags)
    const content = this.#content
    const pieces = content instanceof Pieces ? content.count : content === null ? 0 : 1
    let taken = ENTRY_OVERHEAD_BYTES + texts + this.bytes + pieces * PIECE_OVERHEAD_BYTES
    if (this.#packed !== null) taken += PIECE_OVERHEAD_BYTES + this.#packedHeadBytes
    if (this.#head !== null) taken += HEAD_OVERHEAD_BYTES + sizeOfHead(this.#head)
    return taken
  }

  /** Takes the objects away that only a use needs. Gives what it takes then. */
  pack(): number {
    const head = this.#head
    if (head === null) return this.size
    this.#head = null
    // It was packed before: its bytes are still there.
    if (this.#packed !== null) return this.#measure()
    const text = packHead(head)
    const content = this.#content
    const joins = content instanceof Buffer && content.length <= PACKED_CONTENT_BYTES_MAX
    const packed = Buffer.allocUnsafeSlow(text.length + (joins ? content.length : 0))
    packed.write(text, 0, 'latin1')
    if (joins) content.copy(packed, text.length)
    this.#packed = packed
    this.#packedHeadBytes = text.length
    if (joins) this.#content = null
    return this.#measure()
  }

  /** Gives what it takes then. */
  unpack(): number {
    this.#head ??= this.#unpackedHead()
    return this.#measure()
  }

  #unpackedHead(): EntryHead {
    const head = unpackHead(this.#packed as Buffer, this.#packedHeadBytes, this.key, this.tags)
    return this.#staleAtMs === Number.POSITIVE_INFINITY ? head : madeStale(head, this.#staleAtMs)
  }

  /** Ends its freshness at this time; a packed one stays so. */
  makeStale(staleAtMs: number): void {
    this.#staleAtMs = Math.min(this.#staleAtMs, staleAtMs)
    if (this.#head !== null) this.#head = madeStale(this.#head, staleAtMs)
  }

  from(at: number): Buffer {
    const content = this.#content
    if (content instanceof Pieces) return content.from(at)
    if (content === null) return this.#packedContent().subarray(at)
    return at === 0 ? content : content.subarray(at)
  }

  #packedContent(): Buffer {
    return exact(markLasting(this.#packed as Buffer).subarray(this.#packedHeadBytes))
  }

  close(): void {}
}

/** What a response that comes takes, its content and what lies around that aside. */
export function sizeOf(head: EntryHead): number {
  return ENTRY_OVERHEAD_BYTES + HEAD_OVERHEAD_BYTES + sizeOfTexts(head.key, head.tags) + sizeOfHead(head)
}

/** One byte a character, as all of them are latin1. */
function sizeOfHead(head: EntryHead): number {
  let texts = head.headers.text.length + head.extras.length + head.reason.length
  texts += head.etag.length + head.lastModified.length
  for (const [name, value] of head.vary) texts += TEXT_OVERHEAD_BYTES + name.length + (value ?? '').length
  return texts
}

function sizeOfTexts(key: string, tags: readonly string[]): number {
  let texts = key.length
  for (const tag of tags) texts += TEXT_OVERHEAD_BYTES + tag.length
  return texts
}
