/**
 * Deadlines of thousands of connections with one timer.
 * Strategy: an entry is added once per connection and lives as long as it; moving its deadline is one store,
 * cheap enough for every chunk. A tick looks at all of them. Deadlines are late by up to a tick, never early
 * by more than one: good enough for timeouts of seconds, and what keeps timers off the path of a request.
 */
import { type Clock, systemClock } from '../base/clock.ts'
import { guarded } from './bugs.ts'

const TICK_MS = 50

export const NEVER = Number.POSITIVE_INFINITY

export interface Deadline {
  /** On the clock's coarse milliseconds; NEVER when nothing is due. */
  dueMs: number
  expired(): void
}

export class Deadlines {
  readonly clock: Clock
  #entries = new Set<Deadline>()
  #timer: NodeJS.Timeout | null = null

  constructor(clock: Clock = systemClock) {
    this.clock = clock
  }

  add(entry: Deadline): void {
    this.#entries.add(entry)
    if (this.#timer !== null) return
    // The clock stood still while nobody was waiting.
    this.clock.refresh()
    this.#timer = setInterval(() => this.sweep(), TICK_MS)
    this.#timer.unref()
  }

  remove(entry: Deadline): void {
    this.#entries.delete(entry)
    if (this.#entries.size > 0 || this.#timer === null) return
    clearInterval(this.#timer)
    this.#timer = null
  }

  /** Milliseconds from now as a due time. */
  in(durationMs: number): number {
    return this.clock.coarseMs + durationMs
  }

  /** Refreshes the clock and calls `expired` on every entry that is due; it is disarmed first. */
  sweep(): void {
    this.clock.refresh()
    const now = this.clock.coarseMs
    for (const entry of this.#entries) {
      if (entry.dueMs > now) continue
      entry.dueMs = NEVER
      guarded(() => entry.expired())
    }
  }
}

/** One for the process: everything that waits on a socket waits here. */
export const deadlines = new Deadlines()
