/**
 * The generations of workers over the life of the program: the first, one after each reload, and the end.
 * Strategy: a new generation rises beside the one that serves and takes its place only when all of it listens;
 * until then any failure leaves everything as it was. Reloads happen one after the other: one that is asked for
 * meanwhile comes right after, once, however often it was asked for.
 */
import { formatDuration } from '../base/units.ts'
import { type Counters, noCounters, sumOf } from './counters.ts'
import {
  Generation,
  type Outcome,
  type Worker,
  type WorkerPlan,
  type WorkerSockets,
  type WorkersHost,
} from './generation.ts'

/** Old generations that may still be finishing; beyond it a reload waits for one of them. */
const FINISHING_MAX = 16
/** Of those, how many keep idle connections until their next request. */
const IDLE_KEPT_MAX = 4

/** What the supervisor is told besides. */
export interface WorkersEvents<P, S> {
  /** Another config is served from now on. */
  reloaded(plan: P, sockets: S): void
  /** The new config is not served, why was told. */
  notReloaded(outcome: Outcome): void
}

export class Workers<P extends WorkerPlan, S extends WorkerSockets> {
  #host: WorkersHost<P, S>
  #events: WorkersEvents<P, S>
  #current: Generation<P, S> | null = null
  #rising: Generation<P, S> | null = null
  #finishing: Generation<P, S>[] = []
  #again = false
  #ending = false
  #gone = noCounters()
  #goneServed = 0

  constructor(host: WorkersHost<P, S>, events: WorkersEvents<P, S>) {
    this.#host = host
    this.#events = events
  }

  /** What all workers did so far, also those that are gone. */
  get counters(): Counters {
    return sumOf([this.#gone, ...this.#all().map(each => each.counters)])
  }

  /** Worker processes that have served so far. */
  get served(): number {
    return this.#all().reduce((sum, each) => sum + each.served, this.#goneServed)
  }

  get plan(): P | null {
    return this.#current?.plan ?? null
  }

  /** Those that serve the current config. */
  get serving(): readonly Worker<P, S>[] {
    return this.#current?.workers ?? []
  }

  /** Those that may answer requests, also of old configs. */
  get processes(): readonly Worker<P, S>[] {
    return this.#all().flatMap(each => each.processes)
  }

  get sockets(): S | null {
    return this.#current?.sockets ?? null
  }

  /** The first generation. Anything but `serving` leaves nothing behind. */
  async start(): Promise<Outcome> {
    const outcome = await this.#rise()
    if (outcome.kind !== 'serving') await this.#gather()
    else this.sockets?.keep()
    // The config may have changed after it was read.
    if (this.#again) void this.reload()
    return outcome
  }

  async reload(): Promise<void> {
    if (this.#ending) return
    if (this.#rising !== null) {
      this.#again = true
      return
    }
    if (this.#current === null) return
    if (this.#finishing.length >= FINISHING_MAX) {
      this.#again = true
      this.#host.tell(
        `${FINISHING_MAX} old configs still finish what runs (drainTimeout): the new one is loaded when one of them is done`,
      )
      return
    }
    this.#again = false
    const old = this.#current
    const outcome = await this.#rise()
    if (this.#ending) return
    if (outcome.kind === 'serving') this.#replace(old)
    else this.#events.notReloaded(outcome)
    if (this.#again) await this.reload()
  }

  /** Nothing new is accepted, what runs may finish. Resolves when nobody accepts any more. */
  async stop(timeoutMs: number): Promise<void> {
    this.#ending = true
    for (const each of this.#finishing) each.endIdle(timeoutMs)
    // Who has sockets may have accepted connections on them already; who still reads the config has none.
    const rising = this.#rising
    if (rising?.sockets === null) rising.cut()
    await Promise.all([
      this.#current?.drain(timeoutMs, false, ''),
      rising?.drain(timeoutMs, false, ' of the new config'),
    ])
  }

  /** Everything ends at once. */
  cut(): void {
    this.#ending = true
    for (const each of this.#all()) each.cut()
  }

  /** Resolves when no worker is left. */
  async over(): Promise<void> {
    await Promise.all(this.#all().map(each => each.over))
  }

  reopenLogs(): void {
    for (const each of this.#all()) each.reopenLogs()
  }

  #all(): Generation<P, S>[] {
    return [this.#current, this.#rising, ...this.#finishing].filter(each => each !== null)
  }

  /** To every process but the one it happened in; one that starts only now has nothing in memory yet. */
  #tellRemoved(from: Worker<P, S>, space: string, keys: readonly string[]): void {
    for (const worker of this.processes) if (worker !== from) worker.removed(space, keys)
  }

  async #rise(): Promise<Outcome> {
    const rising = new Generation(this.#host, (from, space, keys) => this.#tellRemoved(from, space, keys))
    this.#rising = rising
    const outcome = await rising.outcome
    if (outcome.kind === 'serving' && !this.#ending) {
      this.#current = rising
      this.#rising = null
      return outcome
    }
    // Its workers may have accepted connections already: they finish like those of an old config.
    void rising.drain(rising.plan?.drainTimeoutMs ?? 0, false, ' of the new config')
    rising.sockets?.undo()
    this.#rising = null
    this.#finish(rising)
    return outcome
  }

  #replace(old: Generation<P, S>): void {
    const { plan, sockets } = this.#current!
    sockets!.keep()
    const timeoutMs = old.plan!.drainTimeoutMs
    const stopped = old.drain(timeoutMs, true, ' of the old config')
    this.#finish(old)
    const crowded = this.#finishing.at(-1 - IDLE_KEPT_MAX)
    crowded?.endIdle(crowded.plan?.drainTimeoutMs ?? 0)
    this.#events.reloaded(plan!, sockets!)
    const serve = plan!.workers === 1 ? '1 worker serves' : `${plan!.workers} workers serve`
    // Said when it is true: until the old ones have stopped, a new connection may still be theirs.
    void stopped.then(() =>
      this.#host.tell(
        `reloaded: ${serve} the config as it is now; the old finish what runs, at most ${formatDuration(timeoutMs)}`,
      ),
    )
  }

  #finish(generation: Generation<P, S>): void {
    this.#finishing.push(generation)
    void generation.over.then(() => {
      this.#finishing = this.#finishing.filter(each => each !== generation)
      this.#gone = sumOf([this.#gone, generation.counters])
      this.#goneServed += generation.served
      if (this.#again && this.#rising === null) void this.reload()
    })
  }

  async #gather(): Promise<void> {
    await Promise.all(this.#finishing.map(each => each.over))
  }
}
