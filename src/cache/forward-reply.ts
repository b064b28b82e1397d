/**
 * The reply to what the cache passes on without a share in it: it only says so.
 */
import type { ProxyError } from '../base/errors.ts'
import type { Exchange, Reply } from '../exchange/exchange.ts'
import { PassingReply } from '../exchange/passing-reply.ts'
import type { ResponseHead } from '../http/message.ts'
import type { Cache } from './cache.ts'
import { type CacheOutcome, cacheStatus, type Forward, logWord } from './cache-status.ts'
import { invalidatedKeys } from './invalidate.ts'
import type { CacheOptions } from './options.ts'
import { whyJudged } from './storable.ts'

/** What happened to a request that went on to a server. */
export function forwarded(fwd: Forward, key: string, detail: string): CacheOutcome {
  return { hit: false, fwd, fwdStatus: 0, ttlS: null, stored: false, collapsed: false, key, detail }
}

/** Says in the head, and for the log, what became of it. */
export function tellOutcome(
  head: ResponseHead,
  exchange: Exchange,
  outcome: CacheOutcome,
  { status }: CacheOptions,
): void {
  if (status !== 'off') head.headers.add('Cache-Status', cacheStatus(outcome, status === 'full'))
  const { notes } = exchange
  if (notes.startedAtMs === 0) return
  notes.cache = logWord(outcome)
  notes.cacheWhy = outcome.judged == null ? '' : whyJudged(outcome.judged)
}

/** An error of the proxy's own, which says nothing of a cache (RFC 9211 §2); the log does. */
export function failWith(reply: Reply, error: ProxyError, { notes }: Exchange, outcome: CacheOutcome): void {
  if (notes.startedAtMs !== 0) notes.cache = logWord(outcome)
  reply.fail(error)
}

export class ForwardReply extends PassingReply {
  protected readonly cache: Cache
  protected readonly exchange: Exchange
  protected readonly outcome: CacheOutcome
  #answering = false

  constructor(cache: Cache, exchange: Exchange, outcome: CacheOutcome) {
    super(exchange.reply)
    this.cache = cache
    this.exchange = exchange
    this.outcome = outcome
  }

  override head(head: ResponseHead): void {
    this.#answering = true
    this.outcome.fwdStatus = head.status
    if (head.status !== 101) tellOutcome(head, this.exchange, this.outcome, this.cache.options)
    this.next.head(head)
  }

  override fail(error: ProxyError): void {
    if (this.#answering) this.next.fail(error)
    else failWith(this.next, error, this.exchange, this.outcome)
  }
}

/** RFC 9111 §4.4: an unsafe request that was not refused makes what is stored for its resource invalid. */
export class InvalidatingReply extends ForwardReply {
  override head(head: ResponseHead): void {
    const { cache, outcome } = this
    const keys = invalidatedKeys(outcome.key, head, cache.options.key)
    if (keys.length > 0) cache.invalidate(keys)
    super.head(head)
  }
}
