/**
 * Whether one server is in service, from how requests to it go (passive) and from checks (active).
 * Strategy: a small state machine on the clock of the deadlines. Failures in a row put a server out for a while, longer
 * each time it fails right after its return; then one request at a time is tried until one succeeds. Every phase has a
 * number (`visit` gives it, `succeeded` and `failed` bring it back), so that a request of an earlier phase decides
 * nothing in a later one. A line is written for each change and for nothing else.
 */
import { formatDuration } from '../base/units.ts'
import { type Deadline, type Deadlines, NEVER } from '../net/deadlines.ts'
import type { CheckOptions, HealthOptions } from './options.ts'

/** What health reads and sets of a server. */
export interface Judged {
  readonly address: { readonly label: string; readonly weight: number }
  out: boolean
  weight: number
}

export interface HealthRules {
  readonly health: HealthOptions
  readonly check: Pick<CheckOptions, 'rise' | 'fall'> | null
  readonly slowStartMs: number
}

export interface HealthServices {
  readonly deadlines: Deadlines
  /** 0 to 1: so that servers that went out together do not come back together. */
  readonly random: () => number
  /** `out` or `weight` has changed. */
  changed(): void
  warn(line: string): void
}

/** Of `outFor`, added by chance. */
const JITTER = 0.1
/** Share of its weight with which a server starts slowly, and in how many steps it gets the rest. */
const SLOW_START_SHARE = 0.1
const SLOW_START_STEPS = 20

export class Health implements Deadline {
  dueMs = NEVER
  #server: Judged
  #rules: HealthRules
  #services: HealthServices
  #phase: 'in' | 'out' | 'trial' = 'in'
  /** Counts phases. */
  #number = 0
  #failures = 0
  /** Why it is out. */
  #why = ''
  /** A request is trying whether it is back. */
  #trying = false
  #outForMs = 0
  #outSinceMs = 0
  #phaseEndsMs = NEVER
  #backAtMs = Number.NEGATIVE_INFINITY
  #slowFromMs = NEVER
  /** What checks say, and how many in a row said the opposite. */
  #checkedOut = false
  #against = 0
  #closed = false

  constructor(server: Judged, rules: HealthRules, services: HealthServices) {
    this.#server = server
    this.#rules = rules
    this.#services = services
  }

  /** In words: `in`, `in, 2 failures in a row`, `out for 8.2s more: …`. */
  get state(): string {
    if (this.#checkedOut) return `out: ${this.#why}`
    if (this.#phase === 'trial') return 'on trial: one request at a time until one succeeds'
    if (this.#phase === 'out') {
      const leftMs = Math.max(0, this.#phaseEndsMs - this.#now())
      return `out for ${(leftMs / 1000).toFixed(1)}s more: ${this.#why}`
    }
    if (this.#slowFromMs !== NEVER) {
      const share = this.#server.weight / this.#server.address.weight
      return `slow start, ${Math.round(share * 100)} % of its weight`
    }
    return this.#failures === 0 ? 'in' : `in, ${inARow(this.#failures, 'failure')}`
  }

  // How requests go.

  /** A request goes there now. Returns the number to come back with. */
  visit(): number {
    if (this.#phase === 'trial' && !this.#trying) {
      this.#trying = true
      this.#settle()
    }
    return this.#number
  }

  succeeded(number: number): void {
    if (this.#phase === 'in') this.#failures = 0
    // Out and asked all the same, because all were out: then this is how it returns.
    else if (number === this.#number) this.#return()
  }

  /** `fault`: code or status, for a person. */
  failed(number: number, fault: string): void {
    if (number !== this.#number || this.#phase === 'out') return
    this.#failures++
    if (this.#phase === 'trial') this.#goOut(`its first request after the pause failed: ${fault}`)
    else if (this.#rules.health.failures > 0 && this.#failures >= this.#rules.health.failures)
      this.#goOut(`${inARow(this.#failures, 'failure')}, the last ${fault}`)
  }

  /** It ended without a verdict, because the client left for example. */
  left(number: number): void {
    if (number !== this.#number || !this.#trying) return
    this.#trying = false
    this.#settle()
  }

  #goOut(why: string): void {
    const { outForMs, outForMaxMs } = this.#rules.health
    const now = this.#now()
    const again = this.#phase === 'trial' || now - this.#backAtMs < this.#outForMs
    const planned = again && this.#outForMs > 0 ? this.#outForMs * 2 : outForMs
    this.#outForMs = Math.min(planned, Math.max(outForMs, outForMaxMs))
    if (this.#phase === 'in') this.#outSinceMs = now
    this.#why = why
    this.#enter('out')
    this.#phaseEndsMs = now + this.#outForMs * (1 + JITTER * this.#services.random())
    this.#slowFromMs = NEVER
    this.#settle()
    this.#say(`is out for ${formatDuration(this.#outForMs)}: ${why}`)
  }

  #return(): void {
    const now = this.#now()
    this.#enter('in')
    this.#backAtMs = now
    if (!this.#checkedOut) this.#begin(`is back after ${((now - this.#outSinceMs) / 1000).toFixed(1)}s`)
    this.#settle()
  }

  #enter(phase: 'in' | 'out' | 'trial'): void {
    this.#phase = phase
    this.#number++
    this.#trying = false
    this.#phaseEndsMs = NEVER
    if (phase === 'in') this.#failures = 0
  }

  // What checks say.

  /** One check is done: null when all was well, else what was wrong. */
  checked(fault: string | null): void {
    const { rise, fall } = this.#rules.check as CheckOptions
    const opposite = this.#checkedOut ? fault === null : fault !== null
    if (!opposite) {
      this.#against = 0
      return
    }
    if (++this.#against < (this.#checkedOut ? rise : fall)) return
    const times = inARow(this.#against, 'check')
    this.#against = 0
    this.#checkedOut = fault !== null
    if (fault !== null) {
      this.#why = `${times} failed, the last: ${fault}`
      this.#slowFromMs = NEVER
      this.#say(`is out: ${this.#why}`)
    } else {
      // It was down and is up again: what requests said before is old, and one may try at once.
      if (this.#phase === 'out') this.#enter('trial')
      if (this.#phase === 'in') this.#begin(`is back: ${times} passed`)
    }
    this.#settle()
  }

  // Time.

  expired(): void {
    if (this.#now() >= this.#phaseEndsMs) this.#enter('trial')
    this.#settle()
  }

  close(): void {
    this.#closed = true
    this.#services.deadlines.remove(this)
  }

  #now(): number {
    return this.#services.deadlines.clock.coarseMs
  }

  /** It serves again, if need be with little at first. */
  #begin(words: string): void {
    if (this.#rules.slowStartMs > 0) this.#slowFromMs = this.#now()
    this.#say(words)
  }

  /** Makes the server what all of the above says it is, and sets when to look again. */
  #settle(): void {
    const server = this.#server
    const out = this.#phase === 'out' || this.#trying || this.#checkedOut
    const weight = server.address.weight * this.#share()
    const changed = server.out !== out || server.weight !== weight
    server.out = out
    server.weight = weight
    this.#arm()
    if (changed) this.#services.changed()
  }

  #share(): number {
    if (this.#slowFromMs === NEVER) return 1
    const passed = (this.#now() - this.#slowFromMs) / this.#rules.slowStartMs
    if (passed < 1) return SLOW_START_SHARE + (1 - SLOW_START_SHARE) * passed
    this.#slowFromMs = NEVER
    return 1
  }

  #arm(): void {
    const { deadlines } = this.#services
    const step = this.#slowFromMs === NEVER ? NEVER : this.#now() + this.#rules.slowStartMs / SLOW_START_STEPS
    this.dueMs = Math.min(this.#phaseEndsMs, step)
    if (this.dueMs === NEVER || this.#closed) deadlines.remove(this)
    else deadlines.add(this)
  }

  #say(words: string): void {
    this.#services.warn(`${this.#server.address.label} ${words}`)
  }
}

const inARow = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'} in a row`
