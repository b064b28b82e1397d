/**
 * One request of the cache to a server, and all clients that wait for what comes of it.
 * Strategy: everybody waits for the head only. What can be stored is read along by all as it arrives (Fill); a 304 or a
 * stored answer that may be used in trouble is sent to each from the store; anything else belongs to the one in whose
 * name it was asked for, and all others go on by themselves, at once and side by side.
 */
import { ProxyError } from '../base/errors.ts'
import type { Source } from '../base/flow.ts'
import type { Reply } from '../exchange/exchange.ts'
import type { Handler } from '../exchange/handler.ts'
import { newNotes } from '../exchange/notes.ts'
import type { HeaderList } from '../http/header-list.ts'
import type { ResponseHead } from '../http/message.ts'
import { answerFromEntry } from './answer.ts'
import { planAnswer } from './answer-plan.ts'
import type { Again, Asked, WaitingRoom } from './asked.ts'
import type { Cache, Doom, UnderWay } from './cache.ts'
import { NO_DIRECTIVES } from './cache-control.ts'
import type { CacheOutcome } from './cache-status.ts'
import type { Entry, EntryHead } from './entry.ts'
import {
  contentLengthOf,
  entryHead,
  leadersHead,
  type Origin,
  renewalOf,
  renewals,
  sharedHead,
  ttlOf,
} from './entry-head.ts'
import { FetchExchange } from './fetch-exchange.ts'
import { Fill, FillBody } from './fill.ts'
import { failWith, forwarded, tellOutcome } from './forward-reply.ts'
import { LiveReader } from './live-reader.ts'
import { isOnItsWayMeant } from './purge.ts'
import { decideUse, mayServeInTrouble, mayShare, REUSE, TROUBLE_STATUSES, type Trouble } from './reuse.ts'
import { type Judgement, judge } from './storable.ts'
import type { Purge } from './store.ts'
import { updatedBy } from './stored-fields.ts'
import { nominated, validatorFields, withoutConditions } from './validation.ts'
import { variesNot, varyFields } from './vary.ts'

export class Fetch implements Reply, WaitingRoom, UnderWay {
  readonly #cache: Cache
  readonly #id: string
  readonly #again: Again
  readonly #exchange: FetchExchange
  /** In whose name it is asked; null when that client has left, or there never was one. */
  #leader: Asked | null
  /** Nobody waits for it: what is stored is being refreshed. */
  readonly #background: boolean
  /** Others may join. */
  readonly #listed: boolean
  readonly #origin: { -readonly [Key in keyof Origin]: Origin[Key] }
  /** Stored responses whose validators were sent. */
  #candidates: readonly Entry[]
  #waiting: Asked[]
  #state: 'asking' | 'filling' | 'alone' | 'over' = 'asking'
  #source: Source | null = null
  #fill: Fill | null = null
  #head: EntryHead | null = null
  #rawHead: ResponseHead | null = null
  #judgement: Judgement | null = null
  /** Bytes that were taken from the budget of fillings. */
  #reserved = 0
  /** What it was to be is purged. */
  #doom: Doom | null = null
  /** Clients are being served: who is through at once does not yet mean that nobody is left. */
  #delivering = false

  constructor(cache: Cache, again: Again, asked: Asked, background: boolean, listed: boolean) {
    const { exchange, id, key, extras } = asked
    const { request } = exchange
    this.#id = id
    const headers = withoutConditions(request.headers)
    this.#cache = cache
    this.#again = again
    this.#background = background
    this.#listed = listed
    this.#leader = background ? null : asked
    this.#waiting = background ? [] : [asked]
    this.#candidates = asked.unconditional ? [] : nominated(asked.candidates, request.headers)
    for (const [name, value] of validatorFields(this.#candidates, asked.entry)) headers.add(name, value)
    // The client's own fields: layers behind may edit those that are sent.
    this.#origin = { key, extras, request: request.headers, requestedMs: 0, respondedMs: 0 }
    const { target, version } = request
    // Nothing of what is done behind the clients' backs is observed.
    const notes = background ? newNotes(0) : exchange.notes
    // A HEAD that is answered from the store may have that refreshed, which is for GET.
    this.#exchange = new FetchExchange(exchange, { method: 'GET', target, version, headers }, this, notes)
  }

  start(next: Handler): void {
    if (this.#listed) this.#cache.list(this.#id, this)
    this.#cache.underWay.add(this)
    this.#leader?.waitIn(this)
    this.#origin.requestedMs = this.#cache.clock.wallMs()
    try {
      next.handle(this.#exchange)
    } catch (error) {
      if (!(error instanceof ProxyError)) throw error
      this.#exchange.reply.fail(error)
    }
  }

  /** Takes a request in, if what comes may be meant for it as well. */
  join(asked: Asked): boolean {
    if (this.#state === 'asking') {
      if (this.#doom !== null || (asked.vary !== null && !variesNot(asked.vary, this.#origin.request)))
        return false
      this.#waiting.push(asked)
      asked.waitIn(this)
      return true
    }
    if (this.#state !== 'filling' || this.#doom !== null || this.#fill?.keepsAll !== true) return false
    const head = this.#head as EntryHead
    if (!variesNot(head.vary, asked.headers)) return false
    const { use } = REUSE[decideUse(head, asked.directives, this.#cache.clock.wallMs(), this.#cache.options)]
    if (use !== 'fresh') return false
    this.#deliver(asked, true)
    return true
  }

  isMeant(what: Purge): boolean {
    return isOnItsWayMeant(what, this.#origin.key, this.#head)
  }

  /** What comes is not stored, and nobody joins any more. What is removed does not stand in for anything either. */
  doom(doom: Doom): void {
    if (this.#doom !== 'removed') this.#doom = doom
    this.#fill?.stopStoring()
  }

  // Clients that leave.

  left(asked: Asked): void {
    this.#waiting = this.#waiting.filter(each => each !== asked)
    if (asked === this.#leader) this.#leader = null
    if (this.#state === 'alone') this.#stop()
  }

  #readerGone(): void {
    const fill = this.#fill
    if (fill === null || fill.readers > 0) return
    if (this.#state === 'over') this.#release()
    if (this.#state !== 'filling') return
    if (this.#background || this.#delivering) return
    // What is left to come decides whether it is fetched to its end for the store alone.
    const bytesMax = this.#cache.options.finishBytesMax
    const known = this.#head?.contentBytes ?? -1
    const worth = fill.stores && (known < 0 ? fill.bytes <= bytesMax : known - fill.bytes <= bytesMax)
    if (!worth) this.#stop()
  }

  /** Nobody wants the rest. */
  #stop(): void {
    const source = this.#source
    const { serving } = this.#exchange
    this.#exchange.cancelled = true
    this.#exchange.serving = null
    this.#finish()
    const error = new ProxyError('client_left')
    if (serving !== null) serving.cancel(error)
    else source?.cancel(error)
  }

  /** It is settled: nothing of it is found or kept any more. */
  #finish(): void {
    if (this.#state === 'over') return
    this.#state = 'over'
    this.#source = null
    // What slow clients still have to read is kept for them, and counts until they have it.
    if ((this.#fill?.readers ?? 0) === 0) this.#release()
    this.#fill?.stopStoring()
    this.#candidates = []
    this.#cache.underWay.delete(this)
    this.#unlist()
  }

  // The answer.

  open(source: Source): void {
    this.#source = source
  }

  early(head: ResponseHead): void {
    // RFC 9110 §15.2: never stored. What it says may be for one client: whether the answer is for all is not known yet.
    this.#leader?.exchange.reply.early(head)
  }

  head(head: ResponseHead): void {
    if (this.#state !== 'asking') return
    this.#origin.respondedMs = this.#cache.clock.wallMs()
    if (head.status === 304 && this.#candidates.length > 0) {
      this.#validated(head)
      return
    }
    if (TROUBLE_STATUSES.has(head.status)) {
      this.#serveStale('error', head.status)
      // All have been served from the store, or nobody was there.
      if (this.#waiting.length === 0) {
        this.#stop()
        return
      }
    }
    const judgement = this.#judge(head)
    const known = contentLengthOf(head)
    // Nobody asked for a part or for a change: such an answer is not one to keep.
    const policy = head.status === 206 || head.status === 304 ? null : judgement.policy
    const stored = policy === null ? null : entryHead(this.#origin, head, policy, known, this.#cache.options)
    const fill = stored === null ? null : this.#beginFill(stored)
    if (stored === null || fill === null) this.#passOn(head, judgement)
    else this.#fillWith(fill, stored, head, judgement)
  }

  #judge(head: ResponseHead): Judgement {
    const { request, requestedMs, respondedMs } = this.#origin
    const answered = { method: 'GET', request, directives: NO_DIRECTIVES, head, requestedMs, respondedMs }
    return judge(answered, this.#cache.options)
  }

  // What is stored, and is confirmed or stands in.

  /** RFC 9111 §4.3.4: the server says that what is stored still holds. */
  #validated(head: ResponseHead): void {
    const { options, store, clock } = this.#cache
    const waiting = this.#takeWaiting()
    const updated = updatedBy(head, this.#candidates, this.#origin.request)
    const renewed = renewals(updated, head, this.#origin, options)
    for (const { entry, head: fresh, fate } of renewed) {
      if (fate === 'kept' && this.#doom === null) store?.update(entry, fresh)
      else if (fate !== 'left') store?.remove(entry)
    }
    const leader = this.#leader
    const nowMs = clock.wallMs()
    this.#finish()
    for (const asked of waiting) {
      const first = asked === leader
      const own = renewalOf(asked.entry, renewed)
      const renewal = own ?? (first ? (renewed[0] ?? null) : null)
      if (renewal === null) {
        // The 304 speaks of another response than those that are stored: only a whole one helps.
        asked.unconditional = updated.length === 0
        this.#askAgain(asked)
        continue
      }
      const { head: fresh, fate } = renewal
      // What may not be kept any more is for the one in whose name it was asked for.
      if (!first && (fate !== 'kept' || !mayShare(fresh, asked.directives, nowMs, options)))
        this.#again.again(asked, true)
      else {
        const { body } = own === null ? renewal.entry : (asked.entry as Entry)
        const stored = fate === 'kept' && this.#doom === null
        this.#answer(asked, { head: fresh, body }, { fwdStatus: 304, stored, collapsed: !first })
      }
    }
  }

  /** RFC 9111 §4.2.4, RFC 5861 §4: a stale response for each who may have one. The others stay. */
  #serveStale(trouble: Trouble, status: number): void {
    // RFC 9111 §4.4: what was made invalid is validated before it is used again.
    if (this.#doom === 'removed') return
    const { options, clock } = this.#cache
    const nowMs = clock.wallMs()
    const served = this.#waiting.filter(
      ({ entry, directives }) =>
        entry !== null && mayServeInTrouble(entry.head, directives, trouble, nowMs, options),
    )
    if (served.length === 0) return
    const leader = this.#leader
    this.#waiting = this.#waiting.filter(asked => !served.includes(asked))
    if (leader !== null && served.includes(leader)) this.#leader = null
    for (const asked of served) {
      asked.detail = trouble === 'down' ? 'stale-when-down' : 'stale-if-error'
      const told = { fwdStatus: status, stored: false, collapsed: asked !== leader }
      this.#answer(asked, asked.entry as Entry, told)
    }
  }

  /** `fwdStatus`: what the server said; 0 when it said nothing. */
  #answer(asked: Asked, entry: Entry, told: Pick<CacheOutcome, 'fwdStatus' | 'stored' | 'collapsed'>): void {
    const { options, clock } = this.#cache
    const nowMs = clock.wallMs()
    const { exchange, key, fwd, detail } = asked
    asked.goesOn()
    asked.closeEntries(entry)
    const outcome: CacheOutcome = { ...forwarded(fwd, key, detail), ...told }
    outcome.ttlS = ttlOf(entry.head, nowMs)
    answerFromEntry(exchange, entry, outcome, nowMs, options)
  }

  #takeWaiting(): Asked[] {
    const waiting = this.#waiting
    this.#waiting = []
    return waiting
  }

  // What is not stored: for the one in whose name it was asked for.

  #passOn(head: ResponseHead, judgement: Judgement): void {
    const { code, policy } = judgement
    const { uncacheable, clock, options, store } = this.#cache
    const leader = this.#leader
    // RFC 9111 §3.5: what is for one client says nothing of what is for all.
    const final = !TROUBLE_STATUSES.has(head.status) && code !== 'authorization'
    if (final && this.#listed && this.#doom === null) uncacheable.add(this.#id, clock.wallMs())
    // A newer answer takes the place of what was stored, even where it is not stored itself (RFC 9111 §4).
    if (final)
      for (const entry of this.#candidates)
        if (entry === leader?.entry || this.#background) store?.remove(entry)
    const others = this.#takeWaiting().filter(asked => asked !== leader)
    this.#unlist()
    if (leader === null) this.#stop()
    else {
      this.#state = 'alone'
      leader.closeEntries()
      const detail = policy === null ? code : this.#doom !== null ? 'invalidated' : 'too-large'
      const outcome: CacheOutcome = { ...forwarded(leader.fwd, leader.key, detail), fwdStatus: head.status }
      outcome.judged = judgement
      tellOutcome(head, leader.exchange, outcome, options)
      const { reply } = leader.exchange
      if (this.#source !== null) reply.open(this.#source)
      reply.head(head)
    }
    for (const asked of others) {
      asked.detail = code
      this.#again.again(asked, true)
    }
  }

  // What is stored: all read along.

  /** Null: the store does not want it. */
  #beginFill(head: EntryHead): Fill | null {
    const { options, store, fillingBytes } = this.#cache
    const { contentBytes } = head
    if (this.#doom !== null || store === null || contentBytes > options.objectBytesMax) return null
    const filling = store.begin(head, contentBytes)
    if (filling === null) return null
    const keepsAll = fillingBytes + Math.max(0, contentBytes) <= options.fillingBytesMax
    if (keepsAll) this.#reserve(Math.max(0, contentBytes))
    return new Fill(this.#source, filling, keepsAll)
  }

  #fillWith(fill: Fill, stored: EntryHead, head: ResponseHead, judgement: Judgement): void {
    this.#judgement = judgement
    this.#state = 'filling'
    this.#fill = fill
    this.#head = stored
    this.#rawHead = head
    const leader = this.#leader
    const strangers: Asked[] = []
    const alone: Asked[] = []
    const nowMs = this.#cache.clock.wallMs()
    this.#delivering = true
    for (const asked of this.#takeWaiting()) {
      if (asked === leader) this.#deliver(asked, false)
      else if (!variesNot(stored.vary, asked.headers)) strangers.push(asked)
      else if (mayShare(stored, asked.directives, nowMs, this.#cache.options)) this.#deliver(asked, true)
      else alone.push(asked)
    }
    this.#delivering = false
    for (const asked of alone) this.#again.again(asked, true)
    for (const asked of strangers) {
      // Who differs in what the response was chosen by waits for those only that do not.
      asked.vary = varyFields(stored.headers, asked.headers)
      this.#askAgain(asked)
    }
    this.#readerGone()
  }

  #askAgain(asked: Asked): void {
    // What was removed meanwhile is not there for it either.
    if (this.#doom === 'removed') asked.closeEntries()
    this.#again.again(asked, false)
  }

  #deliver(asked: Asked, collapsed: boolean): void {
    const { options, clock } = this.#cache
    const nowMs = clock.wallMs()
    const fill = this.#fill as Fill
    const head = this.#head as EntryHead
    const { exchange, key, fwd } = asked
    asked.goesOn()
    asked.closeEntries()
    const outcome: CacheOutcome = { ...forwarded(fwd, key, asked.detail), fwdStatus: head.status, collapsed }
    outcome.stored = fill.stores
    outcome.ttlS = ttlOf(head, nowMs)
    outcome.judged = this.#judgement
    const whole = head.contentBytes < 0 || planAnswer(exchange.request, head, nowMs).kind === 'whole'
    if (!whole && fill.keepsAll) {
      const body = new FillBody(fill, head.contentBytes, () => this.#readerGone())
      answerFromEntry(exchange, { head, body }, outcome, nowMs, options)
      return
    }
    const reader = new LiveReader(exchange, fill, () => this.#readerGone())
    const live = collapsed ? sharedHead(head, nowMs) : leadersHead(this.#rawHead as ResponseHead)
    tellOutcome(live, exchange, outcome, options)
    reader.begin(live)
  }

  #reserve(bytes: number): void {
    this.#reserved += bytes
    this.#cache.fillingBytes += bytes
  }

  data(chunk: Buffer): boolean {
    if (this.#state === 'alone') return this.#leader === null || this.#leader.exchange.reply.data(chunk)
    const fill = this.#fill
    if (this.#state !== 'filling' || fill === null) return true
    fill.push(chunk)
    if (this.#head?.contentBytes === -1 && fill.keepsAll) this.#grow(fill, chunk.length)
    if (fill.readers === 0) this.#readerGone()
    return true
  }

  /** Of content whose length nobody knows. */
  #grow(fill: Fill, bytes: number): void {
    const { options, fillingBytes } = this.#cache
    this.#reserve(bytes)
    if (fill.bytes <= options.objectBytesMax && fillingBytes <= options.fillingBytesMax) return
    fill.stopStoring()
    fill.keepsAll = false
    fill.trim()
    this.#release()
    this.#unlist()
  }

  #release(): void {
    this.#cache.fillingBytes -= this.#reserved
    this.#reserved = 0
  }

  trailers(fields: HeaderList): void {
    if (this.#state === 'alone') this.#leader?.exchange.reply.trailers(fields)
    // For those who read along; they are not stored (RFC 9110 §6.5.1).
    else if (this.#fill !== null) this.#fill.trailers = fields
  }

  end(): void {
    const leader = this.#leader
    const state = this.#state
    if (state === 'filling') this.#commit()
    const fill = this.#fill
    this.#finish()
    if (state === 'alone') {
      leader?.goesOn()
      leader?.exchange.reply.end()
    } else if (state === 'filling') fill?.end()
  }

  #commit(): void {
    const head = this.#head as EntryHead
    const fill = this.#fill as Fill
    const filling = fill.takeFilling()
    if (filling === null) return
    const whole =
      head.contentBytes >= 0
        ? head
        : entryHead(this.#origin, this.#rawHead as ResponseHead, head.policy, fill.bytes, this.#cache.options)
    filling.commit(whole)?.body.close()
    // RFC 9111 §4.1: what was stored before the resource said that it varies may be the wrong one for others.
    if (whole.vary.length > 0)
      for (const entry of this.#candidates) if (entry.head.vary.length === 0) this.#cache.store?.remove(entry)
  }

  fail(error: ProxyError): void {
    const leader = this.#leader
    const state = this.#state
    if (state === 'over') return
    if (state === 'filling') {
      const fill = this.#fill as Fill
      this.#finish()
      // A body that was cut short is never kept (RFC 9111 §3.3).
      fill.fail(error)
      return
    }
    if (state === 'alone') {
      this.#finish()
      leader?.goesOn()
      leader?.exchange.reply.fail(error)
      return
    }
    if (error.row.side === 'upstream') this.#serveStale('down', 0)
    const waiting = this.#takeWaiting()
    this.#finish()
    for (const asked of waiting) {
      if (asked === leader) {
        asked.goesOn()
        asked.closeEntries()
        failWith(asked.exchange.reply, error, asked.exchange, forwarded(asked.fwd, asked.key, ''))
      } else this.#again.again(asked, true)
    }
  }

  #unlist(): void {
    if (this.#listed) this.#cache.unlist(this.#id, this)
  }
}
