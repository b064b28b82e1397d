/**
 * What was purged or made invalid lately: what was asked for before may not be kept after it.
 * Strategy: a few are remembered, in their order; of what was asked for before all of them it is taken that it is meant.
 */
import type { Purge } from './store.ts'

/** Remembered at least, and at most twice as many. */
const REMEMBERED = 512
/** A longer key is as good as everything: clients make them up. */
const KEY_CHARACTERS_MAX = 1000

export class Removals {
  #first = 0
  #recent: Purge[] = []

  /** Goes on with every removal. */
  get turn(): number {
    return this.#first + this.#recent.length
  }

  add(what: Purge): void {
    const isLong = what.kind === 'key' && what.key.length > KEY_CHARACTERS_MAX
    this.#recent.push(isLong ? { kind: 'all' } : what)
    if (this.#recent.length < 2 * REMEMBERED) return
    this.#recent = this.#recent.slice(REMEMBERED)
    this.#first += REMEMBERED
  }

  /** Whether what was asked for at that turn may have been meant by one since. */
  since(turn: number, isMeant: (what: Purge) => boolean): boolean {
    if (turn < this.#first) return true
    for (let i = turn - this.#first; i < this.#recent.length; i++) if (isMeant(this.#recent[i])) return true
    return false
  }
}
