/**
 * One request and its answer, as everything above the wire sees it.
 * Strategy: the session that read the request hands an Exchange to a Handler; the handler opens the body into
 * a sink and calls the reply. Layers put their own reply in front of the one they were given.
 */
import type { ProxyError } from '../base/errors.ts'
import type { Sink, Source } from '../base/flow.ts'
import type { HeaderList } from '../http/header-list.ts'
import type { Framing, RequestHead, ResponseHead } from '../http/message.ts'

/** Takes a body: `open`, `data` any number of times, at most once `trailers`, then `end` or `fail`. */
export interface BodySink extends Sink {
  /** Called at most once, before `end`. Forbidden fields (RFC 9110 §6.5.1) are already gone. */
  trailers(fields: HeaderList): void
}

/** The body of the request. It waits, unread, until someone opens it into a sink. */
export interface Body extends Source {
  readonly framing: Framing
  /** True once the last byte was handed on (at once for a request without a body). */
  readonly ended: boolean
  /** What is left of the body goes into this sink from now on; a second call sends the rest elsewhere. */
  into(sink: BodySink): void
  /** More than so many bytes of content end it as broken, with body_too_large and these words. The least limit holds. */
  limit(bytesMax: number, words: string): void
  /** Whoever took the body is gone: the rest of it waits for the next call of `into`. */
  release(): void
}

/**
 * Where the answer goes: any number of `early`, one `head`, then the body.
 * `fail` before `head` becomes an error answer; after it, the client sees a message that is not complete.
 */
export interface Reply extends BodySink {
  /** An interim answer (1xx other than 101). */
  early(head: ResponseHead): void
  /**
   * The final head. With status 101 the connection leaves HTTP (RFC 9110 §7.8): what follows as `data` are raw
   * bytes of another protocol, and `end` is the half-close of the server, after which the client may go on. A layer
   * may edit the fields of that head, and has to leave the bytes as they are.
   */
  head(head: ResponseHead): void
}

export interface ClientInfo {
  /** IP address of the peer as text, or '' on a unix socket. */
  readonly address: string
  readonly port: number
  /** What the listener is called in logs: the address it was told to listen on. */
  readonly listener: string
}

/** What is remembered of an exchange for the log and for explanations. Times are milliseconds of the clock. */
export interface ExchangeNotes {
  /** 0 when nobody observes: then no other time is taken either. */
  startedAtMs: number
  /** host[:port] of the upstream server that was asked last, or ''. */
  upstream: string
  /** How many upstream requests were begun: 1 normally, more after a retry. */
  attempts: number
  /** The fault that ended the exchange or made its answer, or null. */
  error: ProxyError | null
  /** Attempts that failed and were made again, as `server code`, in their order; null when there were none. */
  retried: string[] | null
  /** How long it waited for a connection to come free, and for connections to open; all attempts together. */
  queueMs: number
  connectMs: number
  /** From its beginning to the head of the final answer; -1 while there is none. */
  firstByteMs: number
  /** What the cache did with it, or ''. */
  cache: string
  /** By which clause, with the arithmetic, or ''. */
  cacheWhy: string
  /** Name of the user whose credentials came with it, or ''; with status 401 they were not right. */
  user: string
}

export interface Exchange {
  readonly id: number
  readonly client: ClientInfo
  /** Address of the client itself: the peer's, or what a trusted proxy said; '' when it has none (unix socket). */
  readonly clientAddress: string
  readonly request: RequestHead
  /** Host of the request: that of an absolute-form target, else of the Host field; lower case, no port. '' when there is none. */
  readonly host: string
  /** Port of the host as text, or '' when none is written. */
  readonly hostPort: string
  /** What an origin server is asked for: path and query, or `*`. A layer may put another in its place. */
  originTarget: string
  /**
   * The protocols that the client asks to switch to (RFC 9110 §7.8), as the value of an Upgrade field; '' when it
   * does not ask, has a body, or asks only for what is never passed on.
   */
  readonly upgrade: string
  /**
   * Of a request that asks for an upgrade: no body, until `reply.head` was called with status 101. Then it is
   * another one: all that the client sends from there on, up to its half-close.
   */
  readonly body: Body
  /** The reply to answer through. A layer replaces it by its own before it calls the next handler. */
  reply: Reply
  readonly notes: ExchangeNotes
  /** True once the client is gone: nothing that is said to the reply will be heard. */
  readonly cancelled: boolean
  /** Who works on the answer right now and must hear at once when the client leaves; set by the handler that serves. */
  serving: Serving | null
  /** The lines (each with CR LF) that tell the next server about the client; they take the place of every field of that kind. A layer may edit them. */
  forwardedLines: string
}

export interface Serving {
  /** The client is gone: stop, give back what is held, say nothing to the reply any more. */
  cancel(error: ProxyError): void
}
