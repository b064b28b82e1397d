/**
 * The layer that answers from a store what may be answered from there, and stores what comes (RFC 9111 §4).
 * Strategy: a request that can be answered at once passes through this file and into answer.ts, and nothing is made for
 * it; every other one becomes an Asked, which waits for the store, goes on by itself, or waits for a fetch.
 */
import { ProxyError } from '../base/errors.ts'
import type { Exchange } from '../exchange/exchange.ts'
import type { Handler } from '../exchange/handler.ts'
import { AUTHORIZATION, CACHE_CONTROL, PRAGMA, PRECONDITIONS, RANGE } from '../http/field-names.ts'
import type { HeaderList } from '../http/header-list.ts'
import { evaluatePreconditions } from '../http/preconditions.ts'
import { asksTooMuch } from '../http/range.ts'
import { guarded } from '../net/bugs.ts'
import { answerFromEntry, answerFromPartial } from './answer.ts'
import { type Again, Asked, type WaitingRoom } from './asked.ts'
import type { Cache } from './cache.ts'
import { NO_DIRECTIVES, type RequestDirectives, requestDirectives } from './cache-control.ts'
import { cacheKey } from './cache-key.ts'
import type { CacheOutcome, Forward } from './cache-status.ts'
import type { Entry, EntryHead } from './entry.ts'
import { ttlOf } from './entry-head.ts'
import { Fetch } from './fetch.ts'
import { ForwardReply, failWith, forwarded, InvalidatingReply } from './forward-reply.ts'
import { isUnsafe } from './invalidate.ts'
import { HeadReply, PartReply } from './part-reply.ts'
import { isMeant } from './purge.ts'
import { requestExtras } from './request-extras.ts'
import { decideUse, isForOne, REUSE, type UseCode, wantsItsOwn } from './reuse.ts'
import { chooseVariant, varyFields } from './vary.ts'

const NO_ENTRIES: readonly Entry[] = []

export class CacheHandler implements Handler, Again {
  readonly #cache: Cache
  readonly #next: Handler

  constructor(cache: Cache, next: Handler) {
    this.#cache = cache
    this.#next = next
  }

  handle(exchange: Exchange): void {
    const { options, store } = this.#cache
    const { request } = exchange
    const key = cacheKey(exchange.host, exchange.hostPort, exchange.originTarget, options.key)
    const servable = options.methods.has(request.method) && exchange.body.framing.kind === 'none'
    if (!servable || exchange.upgrade !== '' || store === null) {
      this.#passBy(exchange, key)
      return
    }
    this.#cache.counts.asked++
    const extras = requestExtras(exchange, options.key)
    const directives = this.#directivesOf(request.headers)
    const found = store.find(key)
    if (found instanceof Promise) this.#wait(new Asked(exchange, key, extras, directives), found)
    else this.#use(exchange, key, extras, directives, found)
  }

  /** What the cache has no part in, but that it may have to learn from. */
  #passBy(exchange: Exchange, key: string): void {
    const { method } = exchange.request
    if (isUnsafe(method))
      exchange.reply = new InvalidatingReply(this.#cache, exchange, forwarded('method', key, ''))
    else if (exchange.upgrade === '') {
      const fwd: Forward = method === 'GET' || method === 'HEAD' ? 'bypass' : 'method'
      exchange.reply = new ForwardReply(this.#cache, exchange, forwarded(fwd, key, ''))
    }
    this.#next.handle(exchange)
  }

  #directivesOf(headers: HeaderList): RequestDirectives {
    const silent = (headers.mask & (CACHE_CONTROL | PRAGMA)) === 0
    return silent || this.#cache.options.ignore.has('request-directives')
      ? NO_DIRECTIVES
      : requestDirectives(headers)
  }

  /** The store has to look it up first. */
  #wait(asked: Asked, found: Promise<readonly Entry[]>): void {
    const lookup = new Lookup()
    const { removals } = this.#cache
    const { turn } = removals
    asked.waitIn(lookup)
    const use = (found: readonly Entry[]): void => {
      const { exchange, key, extras, directives } = asked
      // What was removed while it was looked for is not there.
      const removed = found.some(({ head }) => removals.since(turn, what => isMeant(what, head)))
      if (lookup.over || removed) closeAll(found, null)
      if (lookup.over) return
      const entries = removed ? NO_ENTRIES : found
      asked.goesOn()
      guardedFor(exchange, () => this.#use(exchange, key, extras, directives, entries))
    }
    found.then(use, () => use(NO_ENTRIES))
  }

  #use(
    exchange: Exchange,
    key: string,
    extras: string,
    directives: RequestDirectives,
    entries: readonly Entry[],
  ): void {
    const { headers } = exchange.request
    const entry = entries.length === 0 ? null : chooseVariant(entries, extras, headers)
    if (entry === null) {
      this.#miss(new Asked(exchange, key, extras, directives), entries)
      return
    }
    const { options, clock } = this.#cache
    const nowMs = clock.wallMs()
    const code = decideUse(entry.head, directives, nowMs, options)
    const { use } = REUSE[code]
    if (use === 'validate' || this.#isForOrigin(exchange, entry.head, nowMs)) {
      const asked = new Asked(exchange, key, extras, directives)
      asked.fwd = use === 'validate' ? forwardReason(code) : 'request'
      asked.detail = code
      this.#validate(asked, entry, entries)
      return
    }
    closeAll(entries, entry)
    this.#cache.counts.hits++
    const { head } = entry
    const refresh =
      use === 'refresh' && !directives.noStore ? this.#refreshFor(exchange, key, extras, entry) : null
    // What lies in memory can be read.
    const unreadable =
      options.disk === null ? null : () => this.#lost(new Asked(exchange, key, extras, directives), entry)
    answerFromEntry(exchange, entry, hit(key, code, ttlOf(head, nowMs)), nowMs, options, unreadable)
    refresh?.start(this.#next)
  }

  /** What is stored cannot be read, or is not what was stored: as if it were not there. */
  #lost(asked: Asked, entry: Entry): void {
    this.#cache.store?.remove(entry)
    asked.detail = 'unreadable'
    this.#goOn(asked)
  }

  /**
   * RFC 9110 §13.2.2: If-Match and If-Unmodified-Since are for the origin server. While they hold for what is stored,
   * that is an answer; where they do not, only the server knows.
   */
  #isForOrigin({ request }: Exchange, head: EntryHead, nowMs: number): boolean {
    const { headers, method } = request
    if ((headers.mask & PRECONDITIONS) === 0 || !asksOrigin(headers)) return false
    const { etag, lastModified, respondedMs } = head
    return (
      evaluatePreconditions(method, headers, { etag, lastModified, dateMs: respondedMs }, nowMs) === 'failed'
    )
  }

  // What is not answered at once.

  #miss(asked: Asked, entries: readonly Entry[]): void {
    const known = entries.filter(entry => entry.head.extras === asked.extras)
    closeAll(
      entries.filter(entry => entry.head.extras !== asked.extras),
      null,
    )
    asked.candidates = known
    if (known.length > 0) {
      asked.fwd = 'vary-miss'
      // RFC 9111 §4.1: what is stored says by what its variants differ.
      asked.vary = varyFields(known[0].head.headers, asked.headers)
    }
    this.#goOn(asked)
  }

  #validate(asked: Asked, entry: Entry, entries: readonly Entry[]): void {
    asked.entry = entry
    asked.candidates = entries.filter(each => each.head.extras === asked.extras)
    for (const each of entries) if (!asked.candidates.includes(each)) each.body.close()
    this.#goOn(asked)
  }

  #goOn(asked: Asked): void {
    const { exchange, directives, key } = asked
    const { uncacheable, clock } = this.#cache
    if (directives.onlyIfCached) {
      asked.closeEntries()
      // RFC 9111 §5.2.1.7.
      const error = new ProxyError('not_cached', 'The request says only-if-cached.')
      failWith(exchange.reply, error, exchange, forwarded('request', key, 'only-if-cached'))
      return
    }
    const { headers, method } = exchange.request
    // RFC 9111 §5.2.1.5: nor are its fields put on what is stored.
    if (method === 'HEAD' && !directives.noStore) this.#sendHead(asked)
    else if (directives.noStore || ((headers.mask & PRECONDITIONS) !== 0 && asksOrigin(headers)))
      this.#sendAlone(asked, 'request')
    else if (asked.entry === null && asksForParts(headers)) this.#part(asked)
    else if (uncacheable.has(asked.id, clock.wallMs())) {
      if (asked.detail === '') asked.detail = 'uncacheable'
      this.#sendAlone(asked, asked.fwd)
    } else this.#fetch(asked)
  }

  /** Waits for a fetch that is under way, or begins one. */
  #fetch(asked: Asked): void {
    // With credentials most responses are for one client only: nobody waits for what will be of no use to him.
    const shared =
      (asked.headers.mask & AUTHORIZATION) === 0 &&
      (asked.entry === null || !isForOne(asked.entry.head.policy))
    if (shared && !asked.unconditional && this.#join(asked)) return
    new Fetch(this.#cache, this, asked, false, shared).start(this.#next)
  }

  #join(asked: Asked): boolean {
    if (wantsItsOwn(asked.directives)) return false
    const running = this.#cache.fetches.get(asked.id)
    if (running === undefined) return false
    for (const fetch of running) if (fetch.join(asked)) return true
    return false
  }

  again(asked: Asked, alone: boolean): void {
    asked.goesOn()
    if (asked.exchange.cancelled) asked.closeEntries()
    else if (alone) this.#sendAlone(asked, asked.fwd)
    else guardedFor(asked.exchange, () => this.#goOn(asked))
  }

  /** With all that the client said, for nobody else. */
  #sendAlone(asked: Asked, fwd: Forward): void {
    const { exchange, key, detail } = asked
    asked.closeEntries()
    exchange.reply = new ForwardReply(this.#cache, exchange, forwarded(fwd, key, detail))
    this.#sendOn(exchange)
  }

  #sendHead(asked: Asked): void {
    const { exchange, key, fwd, detail } = asked
    exchange.reply = new HeadReply(this.#cache, asked, forwarded(fwd, key, detail))
    asked.closeEntries()
    this.#sendOn(exchange)
  }

  /** A part of what is not stored as a whole: from what is arriving, from other parts, or as it is asked for. */
  #part(asked: Asked): void {
    const { exchange, key, extras, headers } = asked
    const { partials, clock, options } = this.#cache
    if ((headers.mask & AUTHORIZATION) === 0 && this.#join(asked)) return
    const partial = partials?.find(key, extras, headers) ?? null
    if (partial !== null) {
      const nowMs = clock.wallMs()
      const code = decideUse(partial.head, asked.directives, nowMs, options)
      const outcome = hit(key, code, ttlOf(partial.head, nowMs))
      if (REUSE[code].use === 'fresh' && answerFromPartial(exchange, partial, outcome, nowMs, options)) {
        asked.closeEntries()
        return
      }
      partial.body.close()
      asked.fwd = 'partial'
    }
    exchange.reply = new PartReply(this.#cache, asked, forwarded(asked.fwd, key, ''))
    asked.closeEntries()
    this.#sendOn(exchange)
  }

  #sendOn(exchange: Exchange): void {
    try {
      this.#next.handle(exchange)
    } catch (error) {
      if (!(error instanceof ProxyError)) throw error
      exchange.reply.fail(error)
    }
  }

  /** RFC 5861 §3: validates what is served now behind the client's back. Null: that is under way. Not for who says no-store: nothing that comes of his request is stored (RFC 9111 §5.2.1.5). */
  #refreshFor(exchange: Exchange, key: string, extras: string, entry: Entry): Fetch | null {
    const asked = new Asked(exchange, key, extras, NO_DIRECTIVES)
    if (this.#cache.fetches.has(asked.id)) return null
    asked.entry = entry
    asked.candidates = [entry]
    return new Fetch(this.#cache, this, asked, true, true)
  }
}

/** Where a request waits for the store. */
class Lookup implements WaitingRoom {
  over = false
  left(): void {
    this.over = true
  }
}

function hit(key: string, detail: string, ttlS: number): CacheOutcome {
  return { hit: true, fwd: null, fwdStatus: 0, ttlS, stored: false, collapsed: false, key, detail }
}

/** RFC 9211 §2.2: the request's own wish, or the age of what is stored. */
const forwardReason = (code: UseCode): Forward => (code.startsWith('request-') ? 'request' : 'stale')

const asksOrigin = (headers: HeaderList): boolean =>
  headers.has('if-match') || headers.has('if-unmodified-since')

/** What asks for too much of itself is asked for as a whole, as it would be answered from the store. */
const asksForParts = (headers: HeaderList): boolean =>
  (headers.mask & RANGE) !== 0 && !asksTooMuch(headers.get('range') ?? '')

function closeAll(entries: readonly Entry[], kept: Entry | null): void {
  for (const entry of entries) if (entry !== kept) entry.body.close()
}

/** What throws with nobody above costs this exchange. */
function guardedFor(exchange: Exchange, call: () => void): void {
  if (!guarded(call)) exchange.reply.fail(new ProxyError('internal'))
}
