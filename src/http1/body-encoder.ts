/**
 * Content → bytes of a body. Length and until-close need no bytes of their own; this is what chunked needs.
 */

/** Line in front of a chunk of `bytes` (more than 0: an empty chunk would end the body). RFC 9112 §7.1. */
export function chunkStart(bytes: number): string {
  return `${bytes.toString(16)}\r\n`
}

export const CHUNK_END = '\r\n'

/** Last chunk and trailer section; `trailerText` is checked text of field lines, '' for none. */
export function lastChunk(trailerText: string): string {
  return trailerText === '' ? '0\r\n\r\n' : `0\r\n${trailerText}\r\n`
}
