/**
 * The workers that serve one config: how they begin, are restarted when they die, and end.
 * Strategy: a state machine that knows no processes and no sockets; what a worker can be told and what it tells
 * are calls, and time is a function, so that tests play both. The first worker is the candidate: it alone reads
 * the config, and what it read is given to the others and to every one that is started later.
 */
import { formatDuration } from '../base/units.ts'
import type { CacheAnswer, CacheQuestion } from '../cache/control.ts'
import type { GroupState } from '../upstream/group-state.ts'
import { type Counters, noCounters, sumOf } from './counters.ts'

/** What the machine has to know of a config. */
export interface WorkerPlan {
  readonly workers: number
  readonly drainTimeoutMs: number
}

/** The sockets of a generation: see `SocketSet`. */
export interface WorkerSockets {
  keep(): void
  undo(): void
}

/** A worker as it can be told things. Nothing is told to one that has ended. */
export interface Worker<P, S> {
  readonly pid: number
  /** Reads and checks the config. */
  prepare(): void
  serve(plan: P, sockets: S, slot: number): void
  /** `idleStays` as in `ProxyServer.drain`. */
  drain(timeoutMs: number, idleStays: boolean): void
  /** Ends at once, writing out its log. */
  cut(): void
  reopenLog(): void
  /** `told` is called at most once; a later question takes its place. */
  askServers(told: (groups: readonly GroupState[]) => void): void
  /** `told` is called at most once, and not after what comes back was called. */
  askCaches(question: CacheQuestion, told: (answers: readonly CacheAnswer[]) => void): () => void
  /** Another worker has removed these keys from a cache of this space. */
  removed(space: string, keys: readonly string[]): void
  /** Ends it whatever it is doing. */
  kill(): void
}

/** What a worker tells. After `ended` it tells nothing more. */
export interface WorkerEvents<P> {
  prepared(plan: P): void
  /** Its config has faults; it has told them. */
  refused(code: 1 | 2, files: readonly string[]): void
  listening(): void
  /** It was told to drain and accepts no more. */
  stopped(): void
  counted(counters: Counters): void
  /** It has removed these keys from a cache of this space. */
  removed(space: string, keys: readonly string[]): void
  /** How: `code 1` or `SIGKILL`. */
  ended(how: string): void
}

/** The world around the machine. */
export interface WorkersHost<P, S> {
  spawn(slot: number, events: WorkerEvents<P>): Worker<P, S>
  /** Binds what the plan needs. */
  open(plan: P): Promise<S>
  /** Calls later; what comes back takes that back. */
  after(durationMs: number, call: () => void): () => void
  nowMs(): number
  /** A line for a person. */
  tell(line: string): void
}

/** The candidate has told what is wrong with the config, which it read from these files. */
export interface Refusal {
  readonly kind: 'refused'
  readonly code: 1 | 2
  readonly files: readonly string[]
}

/** What became of the attempt to serve a config. */
export type Outcome =
  | { readonly kind: 'serving' }
  | Refusal
  | { readonly kind: 'not-bound'; readonly error: unknown }
  | { readonly kind: 'failed'; readonly reason: string }

/** Who lives shorter than this before it dies keeps dying. */
const SETTLED_MS = 10_000
/** The pause before the second restart in a row; it doubles up to the greatest. */
const RESTART_PAUSE_MS = 100
const RESTART_PAUSE_MS_MAX = 5_000
/** Workers of a slot that may die before all listen until the generation is given up. */
const FAILED_STARTS_MAX = 3
/** From its start until a worker listens; loading a config has a limit of its own below this. */
const START_TIMEOUT_MS = 60_000
/** What a worker gets beyond its time to finish, before it is killed. */
const OVERTIME_MS = 5_000
/** How long a worker that is told to end at once may write its log. */
const CUT_TIMEOUT_MS = 1_000

/** Told when a worker has removed keys from its caches: all others have to hear of it. */
export type Removed<P, S> = (from: Worker<P, S>, space: string, keys: readonly string[]) => void

interface Slot<P, S> {
  readonly index: number
  worker: Worker<P, S> | null
  listens: boolean
  stopped: boolean
  bornMs: number
  /** Deaths in a row without a settled life between them. */
  deaths: number
  /** Takes back what waits for the clock: its restart, or the end of its time. */
  forget: () => void
}

type Phase = 'starting' | 'serving' | 'ending' | 'over'

export class Generation<P extends WorkerPlan, S extends WorkerSockets> {
  readonly outcome: Promise<Outcome>
  /** Resolves when no worker is left. */
  readonly over: Promise<void>
  plan: P | null = null
  sockets: S | null = null
  /** Processes that have listened. */
  served = 0
  #host: WorkersHost<P, S>
  #removed: Removed<P, S>
  #slots: Slot<P, S>[] = []
  #phase: Phase = 'starting'
  #settle!: (outcome: Outcome) => void
  #end!: () => void
  #stopped!: () => void
  #draining: Promise<void> | null = null
  #isCut = false
  #refused: Refusal | null = null
  /** What is counted by workers that run, and by those that are gone. */
  #counted = new Map<object, Counters>()
  #gone = noCounters()

  /** Starts the candidate. */
  constructor(host: WorkersHost<P, S>, removed: Removed<P, S>) {
    this.#host = host
    this.#removed = removed
    this.outcome = new Promise(resolve => {
      this.#settle = resolve
    })
    this.over = new Promise(resolve => {
      this.#end = resolve
    })
    this.#slots = [this.#slot(0)]
    this.#spawn(this.#slots[0])
  }

  get counters(): Counters {
    return sumOf([this.#gone, ...this.#counted.values()])
  }

  /** Those that run, whatever they do. */
  get processes(): Worker<P, S>[] {
    return this.#slots.flatMap(({ worker }) => worker ?? [])
  }

  /** Those that listen now. */
  get workers(): Worker<P, S>[] {
    return this.#slots.flatMap(({ worker, listens }) => (worker !== null && listens ? [worker] : []))
  }

  /**
   * Everyone finishes what runs; nobody is started any more. Resolves when no worker accepts. `because` stands
   * in the line about connections that were cut. Only the first call counts.
   */
  drain(timeoutMs: number, idleStays: boolean, because: string): Promise<void> {
    this.#draining ??= this.#drain(timeoutMs, idleStays, because)
    return this.#draining
  }

  async #drain(timeoutMs: number, idleStays: boolean, because: string): Promise<void> {
    const before = this.counters.cutConnections
    const stopped = new Promise<void>(resolve => {
      this.#stopped = resolve
    })
    this.#leaveStart({ kind: 'failed', reason: 'the program was asked to end' })
    this.#phase = 'ending'
    // Who was told to end at once gets no more time by this.
    for (const slot of this.#isCut ? [] : this.#slots) {
      slot.forget()
      if (slot.worker === null) continue
      slot.worker.drain(timeoutMs, idleStays)
      slot.forget = this.#killAfter(timeoutMs + OVERTIME_MS, slot)
    }
    void this.over.then(() => {
      const cut = this.counters.cutConnections - before
      if (cut > 0)
        this.#host.tell(
          `${cut} connection${cut === 1 ? '' : 's'}${because} ${cut === 1 ? 'was' : 'were'} cut after ${formatDuration(timeoutMs)}`,
        )
    })
    this.#settleEnding()
    await stopped
  }

  /** While it drains: connections that are kept and idle end now. */
  endIdle(timeoutMs: number): void {
    for (const { worker } of this.#slots) worker?.drain(timeoutMs, false)
  }

  /** Everyone ends at once. */
  cut(): void {
    this.#leaveStart({ kind: 'failed', reason: 'the program was asked to end' })
    this.#phase = 'ending'
    this.#isCut = true
    for (const slot of this.#slots) {
      slot.forget()
      if (slot.worker === null) continue
      slot.worker.cut()
      slot.forget = this.#killAfter(CUT_TIMEOUT_MS, slot)
    }
    this.#settleEnding()
  }

  /** For a worker that was told to end. */
  #killAfter(durationMs: number, { index, worker }: Slot<P, S>): () => void {
    return this.#host.after(durationMs, () => {
      this.#host.tell(`worker ${worker?.pid} (slot ${index}) hangs and does not end: it is killed`)
      worker?.kill()
    })
  }

  reopenLogs(): void {
    for (const { worker } of this.#slots) worker?.reopenLog()
  }

  #slot(index: number): Slot<P, S> {
    return {
      index,
      worker: null,
      listens: false,
      stopped: false,
      bornMs: 0,
      deaths: 0,
      forget: () => {},
    }
  }

  /** With a plan the worker serves it; without one it is the candidate and finds it. */
  #spawn(slot: Slot<P, S>): void {
    const worker = this.#host.spawn(slot.index, {
      prepared: plan => void this.#prepared(slot, plan),
      refused: (code, files) => {
        this.#refused = { kind: 'refused', code, files }
      },
      listening: () => this.#listening(slot),
      stopped: () => {
        slot.stopped = true
        this.#settleEnding()
      },
      counted: counters => this.#counted.set(slot, counters),
      removed: (space, keys) => this.#removed(worker, space, keys),
      ended: how => this.#ended(slot, how),
    })
    slot.worker = worker
    slot.listens = false
    slot.bornMs = this.#host.nowMs()
    slot.forget = this.#host.after(START_TIMEOUT_MS, () => {
      this.#host.tell(
        `worker ${worker.pid} (slot ${slot.index}) does not listen after ${formatDuration(START_TIMEOUT_MS)}: it is killed`,
      )
      worker.kill()
    })
    if (this.plan === null || this.sockets === null) worker.prepare()
    else worker.serve(this.plan, this.sockets, slot.index)
  }

  async #prepared(slot: Slot<P, S>, plan: P): Promise<void> {
    this.plan = plan
    try {
      this.sockets = await this.#host.open(plan)
    } catch (error) {
      this.#leaveStart({ kind: 'not-bound', error })
      return
    }
    if (this.#phase !== 'starting') {
      this.sockets.undo()
      return
    }
    for (let index = 1; index < plan.workers; index++) this.#slots.push(this.#slot(index))
    slot.worker?.serve(plan, this.sockets, slot.index)
    // The candidate may have died while the sockets were bound: then it is started again like any other.
    for (const each of this.#slots) if (each.worker === null) this.#spawn(each)
  }

  #listening(slot: Slot<P, S>): void {
    slot.forget()
    slot.listens = true
    this.served++
    if (this.#phase === 'starting' && this.#slots.every(each => each.listens)) {
      this.#phase = 'serving'
      this.#settle({ kind: 'serving' })
    }
  }

  #ended(slot: Slot<P, S>, how: string): void {
    const pid = slot.worker?.pid ?? 0
    slot.forget()
    slot.worker = null
    this.#gone = sumOf([this.#gone, this.#counted.get(slot) ?? noCounters()])
    this.#counted.delete(slot)
    if (this.#phase === 'starting') this.#diedAtStart(slot, pid, how)
    else if (this.#phase === 'serving') this.#diedServing(slot, pid, how)
    else this.#settleEnding()
  }

  #diedAtStart(slot: Slot<P, S>, pid: number, how: string): void {
    if (this.#refused !== null) {
      this.#leaveStart(this.#refused)
      return
    }
    if (this.plan === null) {
      this.#leaveStart({
        kind: 'failed',
        reason: `worker ${pid} ended by ${how} while it read the config`,
      })
      return
    }
    // The sockets are being bound: whoever does that goes on with this slot.
    if (this.sockets === null) return
    slot.deaths++
    if (slot.deaths >= FAILED_STARTS_MAX) {
      this.#leaveStart({
        kind: 'failed',
        reason: `${slot.deaths} workers in a row ended while they started, the last one (${pid}) by ${how}`,
      })
      return
    }
    this.#host.tell(
      `worker ${pid} (slot ${slot.index}) ended by ${how} while it started; the next starts at once`,
    )
    this.#spawn(slot)
  }

  #diedServing(slot: Slot<P, S>, pid: number, how: string): void {
    const livedMs = this.#host.nowMs() - slot.bornMs
    if (livedMs >= SETTLED_MS) slot.deaths = 0
    const pauseMs =
      slot.deaths === 0 ? 0 : Math.min(RESTART_PAUSE_MS * 2 ** (slot.deaths - 1), RESTART_PAUSE_MS_MAX)
    slot.deaths++
    const next = pauseMs === 0 ? 'at once' : `in ${formatDuration(pauseMs)}`
    this.#host.tell(
      `worker ${pid} (slot ${slot.index}) ended by ${how} after ${livedText(livedMs)}: what it was serving is cut; the next starts ${next}`,
    )
    if (pauseMs === 0) this.#spawn(slot)
    else slot.forget = this.#host.after(pauseMs, () => this.#spawn(slot))
  }

  /** Not to be served after all: who has begun ends. */
  #leaveStart(outcome: Outcome): void {
    if (this.#phase !== 'starting') return
    this.#phase = 'ending'
    this.#settle(outcome)
    this.#settleEnding()
  }

  #settleEnding(): void {
    if (this.#phase !== 'ending') return
    if (this.#slots.every(each => each.worker === null || each.stopped)) this.#stopped?.()
    if (this.#slots.some(each => each.worker !== null)) return
    this.#phase = 'over'
    this.#end()
  }
}

function livedText(durationMs: number): string {
  return formatDuration(durationMs < 1000 ? Math.round(durationMs) : Math.round(durationMs / 1000) * 1000)
}
