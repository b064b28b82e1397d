/**
 * How bytes move: from a source into a sink, one way.
 * Strategy: plain calls in a fixed order (open, data*, then exactly one of end and fail) instead of event
 * objects, so that passing a chunk on allocates nothing.
 */
import type { ProxyError } from './errors.ts'

/** Where bytes come from. `cancel` is how a sink says that it wants no more; nothing is called on it after that. */
export interface Source {
  pause(): void
  resume(): void
  cancel(error: ProxyError): void
}

/** Where bytes go. */
export interface Sink {
  open(source: Source): void
  /**
   * One chunk, lent: its memory is valid during the call only; keep a copy, not the chunk.
   * False means: taken, but hold back; the sink has paused or will resume the source itself.
   */
  data(chunk: Buffer): boolean
  end(): void
  fail(error: ProxyError): void
}
