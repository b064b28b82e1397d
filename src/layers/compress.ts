/**
 * The layer that compresses answers for clients that take it.
 * Strategy: what is decided, is decided once, at the head; an answer that goes out as it is has only one call more in
 * its way. Content is copied as it comes (it is lent), and compressed in one step after the other while the next bytes
 * gather; when they are enough the source is held back, and when the client is slow no step begins. What waits inside
 * the compressor is flushed when the source pauses, so that whatever trickles arrives.
 */
import { ByteQueue } from '../base/byte-queue.ts'
import { ProxyError } from '../base/errors.ts'
import type { Source } from '../base/flow.ts'
import type { BodySink, Exchange, Reply, Serving } from '../exchange/exchange.ts'
import type { Handler, Layer } from '../exchange/handler.ts'
import { type ContentCoding, chooseCoding } from '../http/content-coding.ts'
import type { HeaderList } from '../http/header-list.ts'
import type { ResponseHead } from '../http/message.ts'
import { guarded } from '../net/bugs.ts'
import {
  addVary,
  answerWeakly,
  codedTrailers,
  forbidsTransform,
  judge,
  markCoded,
  mediaType,
  type TypeMatcher,
} from './coded-head.ts'
import {
  Compressor,
  type Compressors,
  type CompressorUser,
  compressInPlace,
  fitsInPlace,
  isSupported,
  LEVELS,
  processCompressors,
  SEE_REPORT,
  type Step,
} from './compressors.ts'
import { DEFAULT_TYPES, typeMatcher } from './media-types.ts'

export type { ContentCoding } from '../http/content-coding.ts'

export interface CompressOptions {
  /** In the order in which they are taken when the client has no preference. All that this Node knows by default. */
  readonly encodings?: readonly ContentCoding[]
  /** `application/json`, `text/*`, `+json`. */
  readonly types?: readonly string[]
  /** Content that is known to be shorter goes out as it is. */
  readonly minimumBytes?: number
  readonly level?: Partial<Readonly<Record<ContentCoding, number>>>
}

/** All codings, the one that gives the least size for its time first. */
export const ENCODINGS: readonly ContentCoding[] = ['zstd', 'br', 'gzip']
/** Below it the fields that tell of the coding cost what it saves, and the answer fits in one packet anyway. */
export const COMPRESS_DEFAULTS = { minimumBytes: 1024 } as const

/** Bytes that gather while others are compressed; with more the source is held back. */
const PENDING_BYTES_MAX = 65_536
/** A source that pauses for so long has its bytes flushed; events do not wait for that. */
const FLUSH_AFTER_MS = 5

/** Events: each is flushed at once, and they may come for hours. */
const EVENTS = 'text/event-stream'

/** What all exchanges of a layer have in common. */
interface Plan {
  readonly encodings: readonly ContentCoding[]
  readonly matches: TypeMatcher
  readonly minimumBytes: number
  readonly levels: Readonly<Record<ContentCoding, number>>
  readonly compressors: Compressors
}

/** Throws Error, with a message for the writer of the configuration, for what cannot be done. */
export function compressLayer(
  options: CompressOptions,
  compressors: Compressors = processCompressors,
): Layer {
  const encodings = options.encodings ?? ENCODINGS.filter(isSupported)
  for (const coding of encodings) checkCoding(coding, encodings)
  const plan: Plan = {
    encodings,
    matches: typeMatcher(options.types ?? DEFAULT_TYPES),
    minimumBytes: options.minimumBytes ?? COMPRESS_DEFAULTS.minimumBytes,
    levels: { gzip: levelOf('gzip', options), br: levelOf('br', options), zstd: levelOf('zstd', options) },
    compressors,
  }
  const idle = encodings.length === 0 || options.types?.length === 0
  return next => (idle ? next : new CompressHandler(plan, next))
}

function checkCoding(coding: ContentCoding, encodings: readonly ContentCoding[]): void {
  if (!isSupported(coding))
    throw new Error(
      `compress: Node ${process.versions.node} has no ${coding}: take it out of encodings, or run Node 22.15 or newer`,
    )
  if (encodings.indexOf(coding) !== encodings.lastIndexOf(coding))
    throw new Error(`compress: "${coding}" stands twice in encodings: take one out`)
}

function levelOf(coding: ContentCoding, { level = {} }: CompressOptions): number {
  const { least, most, usual } = LEVELS[coding]
  const value = level[coding] ?? usual
  if (!Number.isInteger(value) || value < least || value > most)
    throw new Error(
      `compress: the level of ${coding} is a whole number from ${least} to ${most}, not ${value}`,
    )
  return value
}

class CompressHandler implements Handler {
  readonly #plan: Plan
  readonly #next: Handler

  constructor(plan: Plan, next: Handler) {
    this.#plan = plan
    this.#next = next
  }

  handle(exchange: Exchange): void {
    exchange.reply = new CompressingReply(exchange, this.#plan)
    this.#next.handle(exchange)
  }
}

class CompressingReply implements Reply {
  readonly #exchange: Exchange
  readonly #plan: Plan
  readonly #next: Reply
  /** What the client takes; null: nothing. Read before layers behind this one edit the request. */
  readonly #coding: ContentCoding | null
  #source: Source | null = null
  /** Where the body goes: to the next reply, or through a compression. */
  #body: BodySink

  constructor(exchange: Exchange, plan: Plan) {
    const { headers } = exchange.request
    this.#exchange = exchange
    this.#plan = plan
    this.#next = exchange.reply
    this.#body = exchange.reply
    // RFC 9111 §5.2.1.6: a client may refuse it for its request.
    this.#coding = forbidsTransform(headers)
      ? null
      : chooseCoding(headers.get('accept-encoding'), plan.encodings)
  }

  /** Kept until the head says who will hold the source back. */
  open(source: Source): void {
    this.#source = source
  }

  early(head: ResponseHead): void {
    this.#next.early(head)
  }

  head(head: ResponseHead): void {
    const eager = mediaType(head.headers.get('content-type') ?? '') === EVENTS
    const coding = this.#codingFor(head, eager)
    const source = this.#source
    if (coding === null || source === null) {
      if (source !== null) this.#next.open(source)
      this.#next.head(head)
      return
    }
    const { levels, compressors } = this.#plan
    markCoded(head, coding)
    const work = new Compression(
      this.#exchange,
      this.#next,
      source,
      compressors,
      coding,
      levels[coding],
      eager,
    )
    this.#body = work
    this.#next.open(work)
    this.#next.head(head)
  }

  /** Edits the head of what goes out as it is; else gives the coding and has taken a place for it. */
  #codingFor(head: ResponseHead, eager: boolean): ContentCoding | null {
    const { matches, minimumBytes, compressors } = this.#plan
    const judgement = judge(head, matches, minimumBytes)
    if (judgement === 'leave') return null
    const { method, headers } = this.#exchange.request
    if (judgement === 'code' && this.#coding !== null) {
      if (method === 'HEAD') markCoded(head, this.#coding)
      else if (this.#source !== null && compressors.take(eager)) return this.#coding
    } else if (head.status === 304 && this.#coding !== null) answerWeakly(head, headers.get('if-none-match'))
    addVary(head.headers)
    return null
  }

  data(chunk: Buffer): boolean {
    return this.#body.data(chunk)
  }

  trailers(fields: HeaderList): void {
    this.#body.trailers(fields)
  }

  end(): void {
    this.#body.end()
  }

  fail(error: ProxyError): void {
    this.#body.fail(error)
  }
}

/** The body of one answer on its way through a compressor. For the client's side it is the source. */
class Compression implements BodySink, Source, Serving, CompressorUser {
  readonly #exchange: Exchange
  readonly #next: Reply
  readonly #source: Source
  readonly #compressors: Compressors
  readonly #coding: ContentCoding
  readonly #level: number
  readonly #eager: boolean
  /** Who served the exchange before us, and has to hear that the client left. */
  #behind: Serving | null
  #compressor: Compressor | null = null
  /** Bytes that have come and are in no step yet. */
  readonly #pending = new ByteQueue()
  #trailers: HeaderList | null = null
  #flushTimer: NodeJS.Timeout | null = null
  /** A step is under way. */
  #stepping = false
  /** A look at what there is to do comes when this turn of the program is over. */
  #planned = false
  /** The client takes no more for now. */
  #held = false
  #sourcePaused = false
  #unflushed = false
  #ended = false
  #finishing = false
  #over = false

  constructor(
    exchange: Exchange,
    next: Reply,
    source: Source,
    compressors: Compressors,
    coding: ContentCoding,
    level: number,
    eager: boolean,
  ) {
    this.#exchange = exchange
    this.#next = next
    this.#source = source
    this.#compressors = compressors
    this.#coding = coding
    this.#level = level
    this.#eager = eager
    this.#behind = exchange.serving
    exchange.serving = this
  }

  // From the handler

  open(): void {}

  data(chunk: Buffer): boolean {
    if (this.#over) return true
    this.#pending.append(chunk)
    // Not at once: the end often follows in the same turn, and then one step does it all.
    if (!this.#planned && !this.#stepping && !this.#held) {
      this.#planned = true
      process.nextTick(lookAgain, this)
    }
    if (this.#pending.length < PENDING_BYTES_MAX) return true
    this.#sourcePaused = true
    this.#source.pause()
    return false
  }

  trailers(fields: HeaderList): void {
    this.#trailers = codedTrailers(fields)
  }

  end(): void {
    if (this.#over) return
    this.#ended = true
    // Whoever served is through with it; the client may still leave while we are not.
    if (this.#exchange.serving !== this) {
      this.#behind = this.#exchange.serving
      this.#exchange.serving = this
    }
    this.look()
  }

  fail(error: ProxyError): void {
    if (this.#over) return
    this.#stop()
    this.#next.fail(error)
  }

  // From the client

  pause(): void {
    this.#held = true
  }

  resume(): void {
    this.#held = false
    this.look()
  }

  /** As source: the client's side wants no more. As serving: the client is gone. Nothing is said to the reply. */
  cancel(error: ProxyError): void {
    if (this.#over) return
    this.#stop()
    if (this.#behind !== null) this.#behind.cancel(error)
    else if (!this.#ended) this.#source.cancel(error)
  }

  // From the compressor

  compressed(bytes: Buffer): void {
    this.#next.data(bytes)
  }

  stepped(): void {
    this.#stepping = false
    if (this.#finishing) this.#complete()
    else this.look()
  }

  broken(error: Error): void {
    if (this.#over) return
    const fault = new ProxyError('internal', `Compressing failed: ${error.message}.`)
    this.cancel(fault)
    this.#next.fail(fault)
  }

  /** Does what there is to do, unless something stands in the way that will call again. */
  look(): void {
    this.#planned = false
    if (this.#over || this.#stepping || this.#held) return
    const bytes = this.#pending.length
    if (this.#ended) this.#finish(bytes)
    else if (bytes > 0) this.#step('more')
    else if (this.#unflushed) this.#flushSoon()
    if (this.#sourcePaused && !this.#ended && !this.#over) {
      this.#sourcePaused = false
      this.#source.resume()
    }
  }

  #finish(bytes: number): void {
    if (this.#compressor === null && fitsInPlace(this.#coding, this.#level, bytes)) {
      this.#next.data(compressInPlace(this.#coding, this.#level, this.#pending.view()))
      this.#complete()
      return
    }
    this.#finishing = true
    this.#step('finish')
  }

  #step(step: Step): void {
    // The memory goes with the step: an empty queue lets go of it, and takes another for what comes meanwhile.
    const bytes = this.#pending.view()
    this.#pending.clear()
    this.#compressor ??= new Compressor(this.#compressors, this.#coding, this.#level, this.#eager, this)
    this.#unflushed = step === 'more' && !this.#eager
    this.#stepping = true
    this.#compressor.step(bytes, step)
  }

  #flushSoon(): void {
    this.#flushTimer ??= setTimeout(() => guarded(() => this.#flush()), FLUSH_AFTER_MS)
  }

  #flush(): void {
    this.#flushTimer = null
    if (this.#over || this.#stepping || this.#held || this.#ended) return
    if (this.#unflushed && this.#pending.length === 0) this.#step('flush')
  }

  #complete(): void {
    this.#leave()
    if (this.#trailers !== null) this.#next.trailers(this.#trailers)
    this.#next.end()
  }

  #stop(): void {
    this.#leave()
    this.#compressor?.free()
  }

  /** Gives back all that is held, the compressor's memory excepted. */
  #leave(): void {
    this.#over = true
    this.#compressors.giveBack(this.#eager)
    this.#pending.clear()
    if (this.#flushTimer !== null) clearTimeout(this.#flushTimer)
    if (this.#exchange.serving === this) this.#exchange.serving = null
  }
}

function lookAgain(compression: Compression): void {
  if (!guarded(() => compression.look())) guarded(() => compression.broken(new Error(SEE_REPORT)))
}
