/**
 * Reads rows in the thread that serves: what lies in the memory of the system costs less to read (bench/README.md)
 * than to ask another thread for.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { sealOf } from './checksums.ts'
import { databasePath } from './database.ts'
import { loadSqlite } from './load-sqlite.ts'

/** Kilobytes of pages that are kept, for each process. */
const CACHE_KB = 8_192

export interface Row {
  readonly id: number
  readonly space: string
  readonly key: string
  readonly name: string
  readonly used: number
  readonly head: string
  readonly contentBytes: number
  readonly fileBytes: number
  readonly sums: Uint8Array
  readonly seal: number
  /** Null: in a file, or one of several rows, whose contents are read when one is chosen. */
  readonly content: Uint8Array | null
}

export class Reader {
  readonly #db: DatabaseSync
  readonly #rows: StatementSync
  readonly #content: StatementSync

  /** Throws, see faults.ts; the keeper has made the database before. */
  constructor(folder: string) {
    this.#db = new (loadSqlite().DatabaseSync)(databasePath(folder), { timeout: 0 })
    this.#db.exec(`pragma query_only=1; pragma cache_size=-${CACHE_KB}`)
    this.#rows = this.#db.prepare(
      `select id, space, key, name, used, head, content_bytes as contentBytes, file_bytes as fileBytes, sums, seal,
       iif((select count(*) from entry where hash = ?) = 1, content, null) as content
       from entry where hash = ? order by id desc`,
    )
    this.#content = this.#db.prepare('select content from entry where id = ? and name = ?')
  }

  /** All with this hash, the newest first. Throws. */
  rows(hash: Uint8Array): Row[] {
    return this.#rows.all(hash, hash) as unknown as Row[]
  }

  /** Null: it is gone. Throws. */
  content({ id, name }: Row): Uint8Array | null {
    const row = this.#content.get(id, name) as { content: Uint8Array | null } | undefined
    return row?.content ?? null
  }

  close(): void {
    this.#db.close()
  }
}

export const isSealed = (row: Row): boolean => sealOf(row) === row.seal
