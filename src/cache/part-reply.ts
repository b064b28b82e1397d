/**
 * The replies to requests that are sent on as they are, and of whose answers something is kept: a part that was asked
 * for, and the head that HEAD brings.
 */
import type { ProxyError } from '../base/errors.ts'
import { CONTENT_LENGTH, idOf } from '../http/field-names.ts'
import type { ResponseHead } from '../http/message.ts'
import { type ByteRange, parseContentRange } from '../http/range.ts'
import type { Asked } from './asked.ts'
import type { Cache } from './cache.ts'
import { NO_DIRECTIVES } from './cache-control.ts'
import type { CacheOutcome } from './cache-status.ts'
import type { Entry, EntryHead } from './entry.ts'
import { entryHead, type Origin, renewedHead } from './entry-head.ts'
import { ForwardReply } from './forward-reply.ts'
import { LastingPieces } from './lasting-pieces.ts'
import type { PartialStore } from './partial-store.ts'
import { judge } from './storable.ts'
import type { Filling } from './store.ts'
import { headUpdates } from './stored-fields.ts'

const CONTENT_LENGTH_ID = idOf('content-length')

/** Keeps the part that a request with Range brings (RFC 9111 §3.3), or the whole, if that is what comes. */
export class PartReply extends ForwardReply {
  readonly #origin: { -readonly [Key in keyof Origin]: Origin[Key] }
  /** The whole is on its way into the store. */
  #filling: Filling | null = null
  #head: EntryHead | null = null
  #range: ByteRange | null = null
  #taken = new LastingPieces()

  constructor(cache: Cache, asked: Asked, outcome: CacheOutcome) {
    super(cache, asked.exchange, outcome)
    const { key, extras } = asked
    // The fields as the client sent them: layers behind may edit them.
    const request = asked.headers.copy()
    this.#origin = { key, extras, request, requestedMs: cache.clock.wallMs(), respondedMs: 0 }
  }

  override head(head: ResponseHead): void {
    this.#origin.respondedMs = this.cache.clock.wallMs()
    if (head.status === 206) this.#beginPart(head)
    else if (head.status === 200) this.#beginWhole(head)
    this.outcome.stored = this.#head !== null
    super.head(head)
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
    this.#range = { first: part.first, last: part.last }
    this.#head = entryHead(this.#origin, { ...head, status: 200, reason: 'OK' }, policy, part.total, options)
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
    const whole = entryHead(this.#origin, head, policy, bytes, options)
    this.#filling = store?.begin(whole, bytes) ?? null
    if (this.#filling !== null) this.#head = whole
  }

  override data(chunk: Buffer): boolean {
    if (this.#head !== null) this.#keep(chunk)
    return this.next.data(chunk)
  }

  #keep(chunk: Buffer): void {
    const piece = this.#taken.take(chunk)
    if (this.#filling === null) return
    this.#taken.drop(this.#taken.end)
    if (!this.#filling.write(piece)) this.#drop()
  }

  #drop(): void {
    this.#filling?.abort()
    this.#filling = null
    this.#head = null
    this.#taken.drop(this.#taken.end)
  }

  override end(): void {
    const head = this.#head
    const range = this.#range
    if (head !== null && this.#filling !== null) this.#filling.commit(head)
    else if (head !== null && range !== null && this.#taken.end === range.last - range.first + 1)
      this.#addPart(head, range)
    this.#filling = null
    this.next.end()
  }

  #addPart(head: EntryHead, range: ByteRange): void {
    // The parts that it was to join may be gone meanwhile.
    const lacksFields = this.#origin.request.has('if-range')
    const whole = this.cache.partials?.add(head, range, this.#taken.pieces, lacksFields) ?? null
    if (whole === null) return
    const filling = this.cache.store?.begin(whole.head, whole.head.contentBytes) ?? null
    if (filling === null) return
    if (whole.pieces.every(piece => filling.write(piece))) filling.commit(whole.head)
    else filling.abort()
  }

  override fail(error: ProxyError): void {
    this.#drop()
    super.fail(error)
  }
}

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
    if (renewed.kept) store?.update(entry, renewed.head)
    else store?.remove(entry)
    this.outcome.stored = renewed.kept
  }
}
