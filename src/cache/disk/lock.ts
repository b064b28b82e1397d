/**
 * A lock between processes that ends with its holder, however that ends.
 * Strategy: Node has no file locks, but SQLite has; an open transaction on an otherwise empty database is one.
 */
import { rmSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { isBusy, isDamage } from './faults.ts'
import { loadSqlite } from './load-sqlite.ts'

export class Lock {
  readonly #path: string
  #database: DatabaseSync
  #held = false

  /** Throws when the file cannot be made. */
  constructor(path: string) {
    this.#path = path
    this.#database = open(path)
  }

  /** Waits so long; false: somebody else has it. Throws when there is no way to lock there. */
  take(waitMs: number): boolean {
    if (!this.#held) this.#held = this.#begin(waitMs, true)
    return this.#held
  }

  #begin(waitMs: number, again: boolean): boolean {
    try {
      this.#database.exec(`pragma busy_timeout=${waitMs}; begin exclusive`)
      return true
    } catch (error) {
      if (isBusy(error)) return false
      if (!again) throw error
      // Garbage, or the file was taken away while it was open.
      this.#database.close()
      if (isDamage(error)) rmSync(this.#path, { force: true })
      this.#database = open(this.#path)
      return this.#begin(waitMs, false)
    }
  }

  release(): void {
    if (this.#held) this.#database.exec('rollback')
    this.#held = false
  }

  close(): void {
    this.release()
    this.#database.close()
  }
}

const open = (path: string): DatabaseSync => new (loadSqlite().DatabaseSync)(path)
