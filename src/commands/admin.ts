/**
 * The admin endpoint of the program over the configs that it serves, one after the other.
 * Strategy: the next address is bound while a config rises, and takes the place of the old one when that config serves;
 * one that stays is never let go. Its code is loaded by who uses it.
 */
import type { AdminServer } from '../admin/admin-server.ts'
import { askWorkers } from '../admin/ask-workers.ts'
import type { CacheQuestion } from '../cache/control.ts'
import type { BoundAddress } from '../net/bound-address.ts'
import type { Worker } from '../server/generation.ts'
import type { ListenAddress } from '../server/options.ts'

/** How long a worker may take; a purge may have to look at a million entries. */
const WORKER_TIMEOUT_MS = 10_000

type AnyWorker = Pick<Worker<never, never>, 'pid' | 'askCaches'>

export interface AskedWorkers {
  /** Those that serve the current config. */
  readonly serving: readonly AnyWorker[]
  /** Those of old configs as well, and of the next. */
  readonly processes: readonly AnyWorker[]
}

export class Admin {
  #workers: AskedWorkers
  #current: AdminServer | null = null
  /** Bound, and not in its place yet. Undefined: nothing rises. */
  #next: AdminServer | null | undefined
  #closed = false

  constructor(workers: AskedWorkers) {
    this.#workers = workers
  }

  /** Binds what a config asks for. Rejects with the system's error; then everything is as it was. */
  async open(address: ListenAddress | null): Promise<void> {
    this.undo()
    if (address === null) this.#next = null
    else if (this.#current !== null && isSame(this.#current.address, address)) this.#next = this.#current
    else {
      const { AdminServer } = await import('../admin/admin-server.ts')
      this.#next = await AdminServer.listen(address, question => this.#ask(question))
      if (this.#closed) this.undo()
    }
  }

  /** The config serves. Gives the address when it is a new one. */
  keep(): BoundAddress | null {
    const next = this.#next
    if (next === undefined || next === this.#current) return null
    this.#current?.close()
    this.#current = next
    this.#next = undefined
    return next?.bound ?? null
  }

  /** The config does not serve after all. */
  undo(): void {
    if (this.#next !== this.#current) this.#next?.close()
    this.#next = undefined
  }

  close(): void {
    this.#closed = true
    this.undo()
    this.#current?.close()
    this.#current = null
  }

  async #ask(question: CacheQuestion) {
    const { serving, processes } = this.#workers
    // What goes has to go from everywhere; what is told is about what serves.
    return await askWorkers(question.ask === 'purge' ? processes : serving, question, WORKER_TIMEOUT_MS)
  }
}

const isSame = (one: ListenAddress, other: ListenAddress): boolean =>
  JSON.stringify(one) === JSON.stringify(other)
