/**
 * What is remembered of an exchange, before anything has happened to it.
 */
import type { ExchangeNotes } from './exchange.ts'

/** `startedAtMs`: on the clock of durations; 0 when nobody observes. */
export function newNotes(startedAtMs: number): ExchangeNotes {
  return {
    startedAtMs,
    upstream: '',
    attempts: 0,
    error: null,
    retried: null,
    queueMs: 0,
    connectMs: 0,
    firstByteMs: -1,
    cache: '',
    cacheWhy: '',
    user: '',
  }
}
