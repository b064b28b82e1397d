/**
 * Stored responses on a disk, shared by processes and kept over restarts.
 * Strategy: a database for heads and small contents, files for large ones (`disk/`). Finding reads in place, for
 * what is asked for often lies in the memory of the system; everything else is done by a thread that writes, while
 * what was changed is known here at once. Everything is checked when it is read: what is not what was stored is a
 * miss, and goes. What the disk cannot do turns the store off for a while and never fails a request.
 */
import { markLasting } from '../base/lasting.ts'
import { isContent, sealOf } from './disk/checksums.ts'
import { contentPath } from './disk/content-files.ts'
import { DiskFilling, type FillingStore } from './disk/disk-filling.ts'
import { DiskFolder, type FolderOptions, type Variant } from './disk/disk-folder.ts'
import { readHead, variantText, writeHead } from './disk/head-text.ts'
import { hashOf } from './disk/key-hash.ts'
import type { ListedRow } from './disk/messages.ts'
import { isSealed, type Row } from './disk/reader.ts'
import { FileBody, PendingBody, PiecesBody, RowBody } from './disk/stored-bodies.ts'
import type { Entry, EntryHead, StoredBody } from './entry.ts'
import { isSameVariant, madeStale } from './purge.ts'
import type { Filling, Purge, Store, StoreStats } from './store.ts'

export interface DiskStoreOptions extends FolderOptions {
  /** Which cache: caches of one folder share its limit and nothing else. One line. */
  readonly space: string
  /** Of one resource; the oldest go. */
  readonly variantsMax?: number
}

/** One content gets at most this part of the limit. */
const CONTENT_SHARE = 0.5
const VARIANTS_MAX = 64

const NONE: readonly Entry[] = []

interface DiskEntry extends Entry {
  readonly name: string
}

export class DiskStore implements Store, FillingStore {
  readonly folder: DiskFolder
  readonly contentBytesMax: number
  readonly #space: string
  readonly #bytesMax: number
  readonly #variantsMax: number
  readonly #fillings = new Set<DiskFilling>()
  #closed = false

  /** Opens the folder in the background; until then, and when that fails, nothing is found and nothing stored. */
  static open(options: DiskStoreOptions): DiskStore {
    return new DiskStore(options)
  }

  private constructor({ space, variantsMax = VARIANTS_MAX, ...options }: DiskStoreOptions) {
    this.#space = space
    this.#bytesMax = options.bytesMax
    this.#variantsMax = variantsMax
    this.contentBytesMax = options.bytesMax * CONTENT_SHARE
    this.folder = DiskFolder.open(space, options)
  }

  /** Settled when it is open, or turned off. */
  get ready(): Promise<void> {
    return this.folder.ready
  }

  find(key: string): readonly Entry[] | Promise<readonly Entry[]> {
    if (this.#closed) return NONE
    const variants = this.#variants(key, hashOf(this.#space, key))
    if (variants.length === 0) return NONE
    const pending = variants.find(({ pendingBatch }) => pendingBatch !== null)
    return pending === undefined ? variants.flatMap(entriesOf) : this.#findKept(key, pending)
  }

  /** A content that is being written to its file can be opened a moment later. */
  async #findKept(key: string, { pendingBatch }: Variant): Promise<readonly Entry[]> {
    const kept = pendingBatch !== null && (await this.folder.kept(pendingBatch))
    return kept ? this.find(key) : NONE
  }

  #variants(key: string, hash: Uint8Array): readonly Variant[] {
    const changed = this.folder.changed(hash)
    if (changed !== null) return changed
    const variants: Variant[] = []
    for (const row of this.folder.rows(hash)) {
      const variant = this.#variantOf(row, key, hash)
      if (variant !== null) variants.push(variant)
    }
    return variants
  }

  #variantOf(row: Row, key: string, hash: Uint8Array): Variant | null {
    try {
      if (!isSealed(row)) throw new Error('the checksum of its head is wrong')
      // Two keys of one hash: nothing is wrong with the row but that it is not ours.
      if (row.key !== key || row.space !== this.#space) return null
      if (row.content !== null && !isContent(row.content, row))
        throw new Error('the checksum of its content is wrong')
      const head = readHead(row.head, key, row.contentBytes)
      this.folder.used(row)
      return { head, name: row.name, body: () => this.#bodyOf(row, hash), pendingBatch: null }
    } catch (error) {
      this.folder.removeDamaged(hash, row.name, (error as Error).message)
      return null
    }
  }

  /** Null: it is not there any more, or not what was stored. */
  #bodyOf(row: Row, hash: Uint8Array): StoredBody | null {
    const damaged = (why: string): void => this.folder.removeDamaged(hash, row.name, why)
    if (row.contentBytes === 0) return new PiecesBody([], 0)
    if (row.fileBytes > 0) return this.#openFile(row, damaged)
    if (row.content !== null) return new PiecesBody([lasting(row.content)], row.contentBytes)
    return new RowBody(row.contentBytes, () => {
      const content = this.folder.content(row)
      if (content !== null && isContent(content, row)) return lasting(content)
      damaged(content === null ? '' : 'the checksum of its content is wrong')
      return null
    })
  }

  #openFile({ name, contentBytes, sums }: Row, damaged: (why: string) => void): StoredBody | null {
    try {
      const path = contentPath(this.folder.path, name)
      const body = FileBody.open(path, { bytes: contentBytes, sums, damaged })
      if (body === null) damaged('')
      return body
    } catch (error) {
      // Too many open files, or a folder that may not be read: the content may be whole.
      this.folder.cannotOpen(error)
      return null
    }
  }

  begin(head: EntryHead, contentBytes: number): Filling | null {
    if (this.#closed || contentBytes > this.contentBytesMax) return null
    if (!this.folder.takes(Math.max(0, contentBytes))) return null
    const filling = new DiskFilling(this, head, contentBytes)
    this.#fillings.add(filling)
    return filling
  }

  /** For fillings. */
  ended(filling: DiskFilling): void {
    this.#fillings.delete(filling)
  }

  /** For fillings: puts it in the place of the same variant. */
  put(name: string, head: EntryHead, pieces: readonly Buffer[] | null): Entry {
    const hash = hashOf(this.#space, head.key)
    const { contentBytes } = head
    const others = this.#variants(head.key, hash).filter(each => !isSameVariant(each.head, head))
    const batch = this.folder.batch
    const body = (): StoredBody =>
      pieces === null
        ? new PendingBody(contentBytes, () => this.#keptBody(hash, name, batch))
        : new PiecesBody(pieces, contentBytes)
    const fresh: Variant = { head, name, body, pendingBatch: pieces === null ? batch : null }
    this.folder.change(
      {
        do: 'put',
        hash,
        space: this.#space,
        key: head.key,
        variant: variantText(head),
        name,
        head: writeHead(head),
        tags: head.tags,
        variantsMax: this.#variantsMax,
        contentBytes,
        content: pieces === null ? null : joined(pieces, contentBytes),
      },
      {
        bytes: pieces === null ? 0 : contentBytes,
        hash,
        variants: [fresh, ...others].slice(0, this.#variantsMax),
      },
    )
    return { head, name, body: body() } as DiskEntry
  }

  async #keptBody(hash: Uint8Array, name: string, batch: number): Promise<StoredBody | null> {
    if (!(await this.folder.kept(batch))) return null
    const row = this.folder.rows(hash).find(each => each.name === name)
    return row !== undefined && isSealed(row) ? this.#bodyOf(row, hash) : null
  }

  update(entry: Entry, head: EntryHead): void {
    entry.head = head
    const { name } = entry as DiskEntry
    const hash = hashOf(this.#space, head.key)
    const variants = this.#variants(head.key, hash)
    if (!variants.some(each => each.name === name)) return
    this.folder.change(
      { do: 'update', hash, name, variant: variantText(head), head: writeHead(head), tags: head.tags },
      {
        hash,
        variants: variants.flatMap(each => {
          if (each.name === name) return [{ ...each, head }]
          return isSameVariant(each.head, head) ? [] : [each]
        }),
      },
    )
  }

  remove(entry: Entry): void {
    const { name } = entry as DiskEntry
    const hash = hashOf(this.#space, entry.head.key)
    const variants = this.#variants(entry.head.key, hash).filter(each => each.name !== name)
    this.folder.change({ do: 'remove', hash, name }, { hash, variants, removes: true })
  }

  async purge(what: Purge, staleAtMs: number | null): Promise<number> {
    for (const filling of this.#fillings) filling.purge(what, staleAtMs)
    // One resource at once: when the answer to an unsafe request goes out, it must not be found any more (RFC 9111 §4.4).
    const count = what.kind === 'key' ? this.#purgeKey(what.key, staleAtMs) : 0
    const answer = await this.folder.ask({ ask: 'purge', space: this.#space, what, staleAtMs })
    return Math.max(count, typeof answer === 'number' ? answer : 0)
  }

  #purgeKey(key: string, staleAtMs: number | null): number {
    const variants = this.#closed ? [] : this.#variants(key, hashOf(this.#space, key))
    for (const { head, name } of variants) {
      const entry: DiskEntry = { head, name, body: new PiecesBody([], 0) }
      if (staleAtMs === null) this.remove(entry)
      else this.update(entry, madeStale(head, staleAtMs))
    }
    return variants.length
  }

  async list(prefix: string, countMax: number): Promise<readonly EntryHead[]> {
    const rows = await this.folder.ask({ ask: 'list', space: this.#space, prefix, countMax })
    return isRows(rows) ? rows.flatMap(headOf) : []
  }

  /** Entries and bytes of this cache; the limit is that of all in the folder. */
  async stats(): Promise<StoreStats> {
    const answer = await this.folder.ask({ ask: 'stats', space: this.#space })
    if (answer !== null && typeof answer === 'object' && !isRows(answer)) return answer
    return { entries: 0, bytes: 0, bytesMax: this.#bytesMax, evictions: 0 }
  }

  /** Resolves when all that was stored lies on the disk and nothing is left to be evicted. */
  async settled(): Promise<void> {
    await this.folder.ask({ ask: 'settled', space: this.#space })
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    for (const filling of [...this.#fillings]) filling.abort()
    await this.folder.close(this.#space)
  }
}

function entriesOf({ head, name, body }: Variant): DiskEntry[] {
  const opened = body()
  return opened === null ? [] : [{ head, name, body: opened }]
}

const lasting = (content: Uint8Array): Buffer =>
  markLasting(Buffer.from(content.buffer, content.byteOffset, content.length))

/** Its memory is of this size and nobody else's: it goes over to another thread. */
function joined(pieces: readonly Buffer[], bytes: number): Uint8Array {
  const whole = new Uint8Array(bytes)
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}

const isRows = (answer: unknown): answer is readonly ListedRow[] => Array.isArray(answer)

function headOf(row: ListedRow): EntryHead[] {
  try {
    return sealOf(row) === row.seal ? [readHead(row.head, row.key, row.contentBytes)] : []
  } catch {
    // Whoever asks for it next finds it damaged and removes it.
    return []
  }
}
