/**
 * A stored response: its head, compiled so that using it only compares numbers, and where its content lies.
 * Strategy: heads are plain data that any store can write down; content is read piece by piece, at once where it lies
 * in memory.
 */
import type { HeaderList } from '../http/header-list.ts'
import type { Policy } from './policy.ts'

/** One field that a response was chosen by (RFC 9111 §4.1): lower-case name, normalised value, null when it was absent. */
export type VaryField = readonly [name: string, value: string | null]

export interface EntryHead {
  /** Which resource: the normalised URI; see cache-key.ts. Several variants may share it. */
  readonly key: string
  /** Values of the fields and cookies that the config adds to the key, '' when there are none. Variants differ in it too. */
  readonly extras: string
  readonly vary: readonly VaryField[]
  readonly status: number
  readonly reason: string
  /**
   * The fields to be sent, checked: without hop-by-hop fields, Age and what must not be stored (RFC 9111 §3.1); with
   * Date and Content-Length. Shared: copy it before editing.
   */
  readonly headers: HeaderList
  /** Wall clock in milliseconds: when the request for it went out, and when its head came (RFC 9111 §4.2.3). */
  readonly requestedMs: number
  readonly respondedMs: number
  readonly policy: Policy
  /** As written, or ''. */
  readonly etag: string
  readonly lastModified: string
  /** What it may be purged by (Cache-Tag, Surrogate-Key); not sent to clients. */
  readonly tags: readonly string[]
  /** Content bytes of the whole. */
  readonly contentBytes: number
}

/** The content of a stored response. */
export interface StoredBody {
  readonly bytes: number
  /**
   * The bytes from `at` (below `bytes`) to the end of the piece they lie in, marked as lasting. A promise only when
   * they have to be fetched; it rejects with a ProxyError when they cannot be read, or are not what was stored.
   */
  from(at: number): Buffer | Promise<Buffer>
  /** Gives back what reading holds open, once for every find. */
  close(): void
}

export interface Entry {
  /** Replaced as a whole when a validation updates it. */
  head: EntryHead
  readonly body: StoredBody
}
