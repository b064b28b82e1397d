/**
 * How many requests may be sent again, so that retries never multiply an outage.
 * Strategy: every request earns a part of a retry and every retry takes a whole one, so retries are never more than
 * their share of the requests. A small reserve, filled up after a pause, lets quiet groups retry at all.
 */
import type { Clock } from '../base/clock.ts'

/** Retries that need no earning. */
export const RESERVE = 3
/** Retries a group may save up: what it can lose at once when a busy server dies. */
export const SAVED_MAX = 100
/** So long after the last retry the reserve is full again. */
export const RESERVE_PAUSE_MS = 10_000

export class RetryBudget {
  #clock: Clock
  #percent: number
  #reserve: number
  /** In hundredths of a retry, so that sums stay exact. */
  #hundredths: number
  #lastMs = Number.NEGATIVE_INFINITY

  /** `percent`: retries for a hundred requests; with 0 there is no reserve either. */
  constructor(percent: number, clock: Clock) {
    this.#percent = percent
    this.#reserve = percent === 0 ? 0 : RESERVE * 100
    this.#hundredths = this.#reserve
    this.#clock = clock
  }

  /** A request came. */
  earn(): void {
    if (this.#hundredths < SAVED_MAX * 100) this.#hundredths += this.#percent
  }

  /** Whether there is one to take. */
  covers(): boolean {
    const rested = this.#clock.coarseMs - this.#lastMs >= RESERVE_PAUSE_MS
    if (rested && this.#hundredths < this.#reserve) this.#hundredths = this.#reserve
    return this.#hundredths >= 100
  }

  /** A retry is made. */
  take(): void {
    this.#hundredths -= 100
    this.#lastMs = this.#clock.coarseMs
  }
}
