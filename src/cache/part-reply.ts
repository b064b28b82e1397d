/**
 * The replies to requests that are sent on as they are, and of whose answers something is kept: a part that was asked
 * for, and the head that HEAD brings.
 */
import type { ProxyError } from '../base/errors.ts'
import type { Serving } from '../exchange/exchange.ts'
import { CONTENT_LENGTH, idOf } from '../http/field-names.ts'
import type { ResponseHead } from '../http/message.ts'
import { type ByteRange, parseContentRange } from '../http/range.ts'
import type { Asked } from './asked.ts'
import type { Cache, UnderWay } from './cache.ts'
import { NO_DIRECTIVES } from './cache-control.ts'
import type { CacheOutcome } from './cache-status.ts'
import type { Entry, EntryHead } from './entry.ts'
import { entryHead, type Origin, renewedHead } from './entry-head.ts'
import { ForwardReply } from './forward-reply.ts'
import { LastingPieces } from './lasting-pieces.ts'
import type { PartialStore } from './partial-store.ts'
import { isOnItsWayMeant } from './purge.ts'
import { judge } from './storable.ts'
import type { Filling, Purge } from './store.ts'
import { headUpdates } from './stored-fields.ts'

const CONTENT_LENGTH_ID = idOf('content-length')

/**
 * Keeps the part that a request with Range brings (RFC 9111 §3.3), or the whole, if that is what comes. It goes at the pace
 * of its client, and when he leaves nothing is kept.
 */
export class PartReply extends ForwardReply implements Serving, UnderWay {
  readonly #origin: { -readonly [Key in keyof Origin]: Origin[Key] }
  /** The whole is on its way into the store. */
  #filling: Filling | null = null
  #head: EntryHead | null = null
  #range: ByteRange | null = null
  #taken = new LastingPieces()
  /** What was removed since is not kept. */
  readonly #turn: number
  /** Bytes that were taken from the budget of fillings. */
  #reserved = 0
  /** Who serves, and has to hear as well that the client left. */
  #behind: Serving | null = null

  constructor(cache: Cache, asked: Asked, outcome: CacheOutcome) {
    super(cache, asked.exchange, outcome)
    const { key, extras } = asked
    // The fields as the client sent them: layers behind may edit them.
    const request = asked.headers.copy()
    this.#origin = { key, extras, request, requestedMs: cache.clock.wallMs(), respondedMs: 0 }
    this.#turn = cache.removals.turn
  }

  override head(head: ResponseHead): void {
    const { cache, exchange } = this
    this.#origin.respondedMs = cache.clock.wallMs()
    if (head.status === 206) this.#beginPart(head)
    else if (head.status === 200) this.#beginWhole(head)
    if (this.#head !== null) {
      this.#behind = exchange.serving
      exchange.serving = this
      cache.underWay.add(this)
    }
    this.outcome.stored = this.#head !== null
    super.head(head)
  }

  isMeant(what: Purge): boolean {
    return isOnItsWayMeant(what, this.#origin.key, this.#head)
  }

  /** It is purged: what comes is passed on and not kept. */
  doom(): void {
    this.#drop()
  }

  /** Null: it may not be kept, or there is no room for so many bytes. */
  #roomFor(head: EntryHead, bytes: number): EntryHead | null {
    const { cache } = this
    const removed = cache.removals.since(this.#turn, what => isOnItsWayMeant(what, head.key, head))
    if (removed || cache.fillingBytes + bytes > cache.options.fillingBytesMax) return null
    this.#reserved = bytes
    cache.fillingBytes += bytes
    return head
  }

  #policyFor(head: ResponseHead) {
    const { request, requestedMs, respondedMs } = this.#origin
    const answered = { method: 'GET', request, directives: NO_DIRECTIVES, head, requestedMs, respondedMs }
    return judge(answered, this.cache.options).policy
  }

  #beginPart(head: ResponseHead): void {
    const { options, partials } = this.cache
    const part = parseContentRange(head.headers.get('content-range') ?? '')
    if (part?.kind !== 'part' || part.total === null || partials === null) return
    // RFC 9110 §15.3.7.2: several parts in one message, whatever else it says of itself.
    if (/^multipart\//i.test(head.headers.get('content-type') ?? '')) return
    if (part.total > options.objectBytesMax || !this.#hasAllFields(head, partials)) return
    const policy = this.#policyFor(head)
    if (policy === null) return
    const range = { first: part.first, last: part.last }
    const whole = entryHead(this.#origin, { ...head, status: 200, reason: 'OK' }, policy, part.total, options)
    this.#head = this.#roomFor(whole, lengthOf(range))
    this.#range = range
  }

  /**
   * RFC 9110 §15.3.7: an answer to If-Range leaves out fields that the client has. Here they are only when parts with
   * that very tag are; otherwise one client would decide how the whole looks to all others.
   */
  #hasAllFields(head: ResponseHead, partials: PartialStore): boolean {
    const { key, extras, request } = this.#origin
    const tag = request.get('if-range')
    if (tag === null) return true
    return tag === head.headers.get('etag') && tag === partials.find(key, extras, request)?.head.etag
  }

  #beginWhole(head: ResponseHead): void {
    const { options, store } = this.cache
    const known = (head.headers.mask & CONTENT_LENGTH) !== 0
    const bytes = known ? head.headers.firstKnownNumber(CONTENT_LENGTH_ID) : -1
    if (bytes < 0 || bytes > options.objectBytesMax) return
    const policy = this.#policyFor(head)
    if (policy === null) return
    const whole = this.#roomFor(entryHead(this.#origin, head, policy, bytes, options), bytes)
    if (whole === null) return
    this.#filling = store?.begin(whole, bytes) ?? null
    if (this.#filling === null) this.#release()
    else this.#head = whole
  }

  override data(chunk: Buffer): boolean {
    if (this.#head !== null) this.#keep(chunk)
    return this.next.data(chunk)
  }

  #keep(chunk: Buffer): void {
    const piece = this.#taken.take(chunk)
    if (this.#filling === null) {
      // More than it said that it would be: it is not what it says.
      if (this.#taken.end > this.#reserved) this.#drop()
      return
    }
    this.#taken.drop(this.#taken.end)
    if (!this.#filling.write(piece)) this.#drop()
  }

  #drop(): void {
    this.#filling?.abort()
    this.#filling = null
    this.#head = null
    this.#taken.drop(this.#taken.end)
    this.#release()
  }

  #release(): void {
    this.cache.fillingBytes -= this.#reserved
    this.#reserved = 0
    this.cache.underWay.delete(this)
  }

  /** The answer is through. */
  #rest(): void {
    this.#behind = null
    if (this.exchange.serving === this) this.exchange.serving = null
  }

  /** The client has left. */
  cancel(error: ProxyError): void {
    const behind = this.#behind
    this.#drop()
    this.#rest()
    behind?.cancel(error)
  }

  override end(): void {
    const head = this.#head
    const range = this.#range
    if (head !== null && this.#filling !== null) this.#filling.commit(head)?.body.close()
    else if (head !== null && range !== null && this.#taken.end === lengthOf(range))
      this.#addPart(head, range)
    this.#filling = null
    this.#drop()
    this.#rest()
    this.next.end()
  }

  #addPart(head: EntryHead, range: ByteRange): void {
    // The parts that it was to join may be gone meanwhile.
    const lacksFields = this.#origin.request.has('if-range')
    const whole = this.cache.partials?.add(head, range, this.#taken.pieces, lacksFields) ?? null
    if (whole === null) return
    const filling = this.cache.store?.begin(whole.head, whole.head.contentBytes) ?? null
    if (filling === null) return
    if (whole.pieces.every(piece => filling.write(piece))) filling.commit(whole.head)?.body.close()
    else filling.abort()
  }

  override fail(error: ProxyError): void {
    this.#drop()
    this.#rest()
    super.fail(error)
  }
}

const lengthOf = ({ first, last }: ByteRange): number => last - first + 1

/** RFC 9111 §4.3.5: what HEAD brings updates what is stored for GET, or shows that it is out of date. */
export class HeadReply extends ForwardReply {
  readonly #asked: Asked
  readonly #entry: Entry | null
  readonly #origin: Origin

  constructor(cache: Cache, asked: Asked, outcome: CacheOutcome) {
    super(cache, asked.exchange, outcome)
    const { key, extras } = asked
    this.#asked = asked
    this.#entry = asked.entry
    const requestedMs = cache.clock.wallMs()
    this.#origin = { key, extras, request: asked.headers.copy(), requestedMs, respondedMs: 0 }
  }

  override head(head: ResponseHead): void {
    if (this.#entry !== null) this.#apply(head, this.#entry)
    this.#asked.closeEntries()
    super.head(head)
  }

  #apply(head: ResponseHead, entry: Entry): void {
    const { store, options, clock } = this.cache
    const what = headUpdates(head, entry)
    if (what === 'invalidate') store?.remove(entry)
    if (what !== 'update') return
    const renewed = renewedHead(entry.head, head, { ...this.#origin, respondedMs: clock.wallMs() }, options)
    if (renewed.fate === 'kept') store?.update(entry, renewed.head)
    else if (renewed.fate === 'removed') store?.remove(entry)
    this.outcome.stored = renewed.fate === 'kept'
  }
}
