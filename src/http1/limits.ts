/**
 * Every limit of the codec, in one place. A configuration changes them under `limits`, by the same names without unit and Max.
 */

export interface Limits {
  /** Bytes of a request target; beyond it 414. RFC 9112 §3 asks for at least 8000. */
  readonly targetBytesMax: number
  /** Bytes of a whole head, start line to empty line; beyond it 431. */
  readonly headBytesMax: number
  /** Field lines in one head or one trailer section; beyond it 431. */
  readonly fieldsMax: number
  /** Empty lines skipped in front of a request line (RFC 9112 §2.2). */
  readonly emptyLinesMax: number
  /** Bytes of one chunk-size line, extensions included (RFC 9112 §7.1.1). */
  readonly chunkLineBytesMax: number
  /** Bytes of a trailer section. */
  readonly trailerBytesMax: number
}

export const LIMITS: Limits = {
  targetBytesMax: 8192,
  headBytesMax: 32_768,
  fieldsMax: 100,
  emptyLinesMax: 3,
  chunkLineBytesMax: 256,
  trailerBytesMax: 8192,
}
