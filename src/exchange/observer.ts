/**
 * Looking at exchanges as they end. Off is null: who has no observer builds nothing for it.
 */
import type { ClientInfo, Exchange } from './exchange.ts'

/** One finished exchange. `request` is null when its head could not be read. */
export interface ExchangeRecord {
  readonly client: ClientInfo
  readonly exchange: Exchange | null
  readonly method: string
  readonly target: string
  /** The head that could not be read as one of a request, as it came and as far as it is told; '' otherwise. */
  readonly refusedHead: string
  /** Host as the client wrote it (Host field or absolute-form), '' when unknown. */
  readonly host: string
  /** Status of the final answer; 499 when the client left first (not after a 101), 0 when nothing was answered. */
  readonly status: number
  /** Content bytes received from and sent to the client, framing not counted. */
  readonly requestBytes: number
  readonly responseBytes: number
  readonly durationMs: number
  /** host:port of the upstream server that answered, or ''. */
  readonly upstream: string
  readonly attempts: number
  /** Attempts that failed and were made again, as `server code`, in their order; null when there were none. */
  readonly retried: readonly string[] | null
  /** How long it waited for an upstream connection to come free, and for connections to open. */
  readonly queueMs: number
  readonly connectMs: number
  /** From its beginning to the head of the final answer; -1 when there was none. */
  readonly firstByteMs: number
  /** What the cache did with it, or ''. */
  readonly cache: string
  /** By which clause, with the arithmetic, or ''. */
  readonly cacheWhy: string
  /** Name of the user whose credentials came with it, or ''; with status 401 they were not right. */
  readonly user: string
  /** Code of the error table, or ''. */
  readonly error: string
  /** What the error says beyond its row, or ''. */
  readonly detail: string
}

export interface Observer {
  done(record: ExchangeRecord): void
}
