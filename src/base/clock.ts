/**
 * The only place that reads the clock.
 * Strategy: `coarseMs` is a number that a ticker refreshes, cheap enough to read for every chunk; `preciseMs`
 * asks the system and is for durations that a person will read.
 */

export interface Clock {
  /** Milliseconds on a clock that never goes back; as old as the last refresh. */
  coarseMs: number
  refresh(): void
  /** Milliseconds on the same clock, now. */
  preciseMs(): number
  /** Milliseconds since 1970, for dates. */
  wallMs(): number
}

export const systemClock: Clock = {
  coarseMs: performance.now(),
  refresh(): void {
    this.coarseMs = performance.now()
  },
  preciseMs: () => performance.now(),
  wallMs: () => Date.now(),
}
