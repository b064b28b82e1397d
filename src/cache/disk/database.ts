/**
 * The database of a folder, seen from the one who writes it.
 * Strategy: one row an entry, found by a hash of space and key; contents up to INLINE_BYTES_MAX stand in the row,
 * larger ones in files of their own. Sums are kept by triggers, so that no count is ever taken. The log in front of
 * the database (WAL) makes a transaction whole or nothing when the process dies; it reaches the disk when it is
 * merged, in the thread of the keeper, and after a purge.
 */
import { hash as digest } from 'node:crypto'
import { existsSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import type { Purge, StoreStats } from '../store.ts'
import { BlockSums, sealOf } from './checksums.ts'
import { ForeignFormat } from './faults.ts'
import { staleHeadText } from './head-text.ts'
import { loadSqlite } from './load-sqlite.ts'
import type { ListedRow, Put } from './messages.ts'

/** 'Slce'. */
const APPLICATION_ID = 0x536c6365
/** Goes up with every change of what is written. The folder is called after it too. */
export const FORMAT = 1
/** What a row takes besides its texts and content, about. */
const ROW_BYTES = 256
/** Another process may write for so long. */
const BUSY_TIMEOUT_MS = 5_000
/** Characters of a key by which prefixes are looked for. */
const INDEXED_KEY_LENGTH = 200
const PAGE_BYTES = 4096

const SCHEMA = `
create table entry (
  id integer primary key, hash blob not null, space text not null, key text not null, name text not null,
  variant blob not null, used integer not null, bytes integer not null, content_bytes integer not null,
  file_bytes integer not null, sums blob not null, seal integer not null, head text not null, content blob);
create index entry_hash on entry(hash);
create index entry_key on entry(space, substr(key, 1, ${INDEXED_KEY_LENGTH}));
create index entry_used on entry(used);
create index entry_file on entry(name) where file_bytes > 0;
create table tag (space text not null, tag text not null, id integer not null, primary key (space, tag, id)) without rowid;
create index tag_id on tag(id);
create table total (space text primary key, entries integer not null, bytes integer not null, file_bytes integer not null,
  evictions integer not null) without rowid;
create trigger entry_added after insert on entry begin
  insert into total values (new.space, 1, new.bytes, new.file_bytes, 0) on conflict (space) do update
    set entries = entries + 1, bytes = bytes + new.bytes, file_bytes = file_bytes + new.file_bytes;
end;
create trigger entry_removed after delete on entry begin
  update total set entries = entries - 1, bytes = bytes - old.bytes, file_bytes = file_bytes - old.file_bytes
    where space = old.space;
  delete from tag where id = old.id;
end;`

export const databasePath = (folder: string): string => join(folder, 'index.db')

/** Beside the database, SQLite keeps its log and what readers share. */
const COMPANIONS = ['', '-wal', '-shm']

/** Leaves a database aside that cannot be used; one such is kept. Gives its new path. */
export function leaveAside(folder: string): string {
  const path = databasePath(folder)
  const aside = join(folder, 'damaged.db')
  for (const ending of COMPANIONS) rmSync(aside + ending, { force: true })
  for (const ending of COMPANIONS) if (existsSync(path + ending)) renameSync(path + ending, aside + ending)
  return aside
}

/** The number of the file at this path, 0 when there is none: whether it is still the one that was opened. */
export const fileNumber = (path: string): number => statSync(path, { throwIfNoEntry: false })?.ino ?? 0

export interface Removed {
  readonly name: string
  readonly file_bytes: number
}

export class Database {
  readonly #db: DatabaseSync
  readonly #path: string
  readonly #fileNumber: number
  readonly #statements = new Map<string, StatementSync>()

  /** Throws; see faults.ts. Hold the lock of the folder meanwhile. */
  constructor(folder: string) {
    this.#path = databasePath(folder)
    this.#db = new (loadSqlite().DatabaseSync)(this.#path, { timeout: BUSY_TIMEOUT_MS })
    try {
      this.#prepare()
    } catch (error) {
      this.#db.close()
      throw error
    }
    this.#fileNumber = fileNumber(this.#path)
  }

  #prepare(): void {
    const id = this.#number('pragma application_id')
    const version = this.#number('pragma user_version')
    const tables = this.#number('select count(*) from sqlite_schema')
    if (tables > 0 && (id !== APPLICATION_ID || version !== FORMAT))
      throw new ForeignFormat(`its format is ${id}/${version}, not ${APPLICATION_ID}/${FORMAT}`)
    if (tables === 0)
      this.#db.exec(
        `pragma page_size=${PAGE_BYTES}; pragma auto_vacuum=incremental; pragma journal_mode=wal; begin immediate;
         ${SCHEMA} pragma application_id=${APPLICATION_ID}; pragma user_version=${FORMAT}; commit`,
      )
    this.#db.exec('pragma journal_mode=wal; pragma synchronous=normal; pragma journal_size_limit=16777216')
    // A database that can only be read opens like any other, and a transaction begins in it: what was purged could not
    // be removed from it.
    this.#db.exec(`begin immediate; pragma user_version=${FORMAT}; rollback`)
  }

  /** False: somebody has removed or replaced the file that this is. */
  isInPlace(): boolean {
    return fileNumber(this.#path) === this.#fileNumber
  }

  /** All of it or nothing. Gives the names of files that nobody needs any more. */
  transaction(work: () => readonly Removed[]): string[] {
    this.#db.exec('begin immediate')
    try {
      const removed = work()
      this.#db.exec('commit')
      return removed.filter(({ file_bytes }) => file_bytes > 0).map(({ name }) => name)
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('rollback')
      throw error
    }
  }

  /** The same, on the disk when it returns: what an operator removed stays removed, whatever happens. */
  lastingTransaction(work: () => readonly Removed[]): string[] {
    this.#db.exec('pragma synchronous=full')
    try {
      return this.transaction(work)
    } finally {
      this.#db.exec('pragma synchronous=normal')
    }
  }

  put(put: Put, sums: Uint8Array, usedS: number): Removed[] {
    const { hash, space, key, name, head, tags, variantsMax, contentBytes, content } = put
    const variant = variantHash(put.variant)
    const removed = this.#delete('hash = ? and variant = ?', hash, variant)
    const seal = sealOf({ space, key, name, head, contentBytes, sums })
    const fileBytes = content === null ? contentBytes : 0
    const bytes = contentBytes + head.length + 2 * key.length + ROW_BYTES
    const { lastInsertRowid } = this.#sql(
      `insert into entry (hash, space, key, name, variant, used, bytes, content_bytes, file_bytes, sums, seal, head, content)
       values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ).run(hash, space, key, name, variant, usedS, bytes, contentBytes, fileBytes, sums, seal, head, content)
    this.#tag(space, tags, Number(lastInsertRowid))
    removed.push(
      ...this.#delete(
        'id in (select id from entry where hash = ? order by id desc limit -1 offset ?)',
        hash,
        variantsMax,
      ),
    )
    return removed
  }

  /** Another that is the same variant now gives way. */
  update(hash: Uint8Array, name: string, variant: string, head: string, tags: readonly string[]): Removed[] {
    const row = this.#setHead('hash = ? and name = ?', [hash, name], () => head)
    if (row === null) return []
    const { id, space } = row
    this.#sql('update entry set variant = ? where id = ?').run(variantHash(variant), id)
    this.#sql('delete from tag where id = ?').run(id)
    this.#tag(space, tags, id)
    return this.#delete('hash = ? and variant = ? and id <> ?', hash, variantHash(variant), id)
  }

  remove(hash: Uint8Array, name: string): Removed[] {
    return this.#delete('hash = ? and name = ?', hash, name)
  }

  removeRow(id: number): Removed[] {
    return this.#delete('id = ?', id)
  }

  makeStale(id: number, staleAtMs: number): void {
    this.#setHead('id = ?', [id], head => staleHeadText(head, staleAtMs))
  }

  touch(id: number, usedS: number): void {
    this.#sql('update entry set used = ? where id = ?').run(usedS, id)
  }

  /** Rows that a purge means. */
  idsOf(space: string, what: Purge, hashOf: (key: string) => Uint8Array): number[] {
    const rows = this.#rowsOf(space, what, hashOf) as { id: number }[]
    return rows.map(({ id }) => id)
  }

  #rowsOf(space: string, what: Purge, hashOf: (key: string) => Uint8Array): unknown[] {
    if (what.kind === 'key')
      return this.#sql('select id from entry where hash = ? and key = ?').all(hashOf(what.key), what.key)
    if (what.kind === 'tag')
      return this.#sql('select id from tag where space = ? and tag = ?').all(space, what.tag)
    if (what.kind === 'all') return this.#sql('select id from entry where space = ?').all(space)
    return this.#sql(`select id from entry where ${PREFIXED}`).all(...prefixValues(space, what.prefix))
  }

  list(space: string, prefix: string, countMax: number): ListedRow[] {
    return this.#sql(
      `select space, key, name, head, content_bytes as contentBytes, sums, seal from entry where ${PREFIXED} limit ?`,
    ).all(...prefixValues(space, prefix), countMax) as unknown as ListedRow[]
  }

  stats(space: string, bytesMax: number): StoreStats {
    const row = this.#sql('select entries, bytes, evictions from total where space = ?').get(space) as
      | { entries: number; bytes: number; evictions: number }
      | undefined
    return { ...(row ?? { entries: 0, bytes: 0, evictions: 0 }), bytesMax }
  }

  /** What the folder takes on the disk, without the log: as counted, or as it is when that is more. */
  usedBytes(): number {
    const pages = this.#number('pragma page_count') - this.#number('pragma freelist_count')
    const { bytes, files } = this.#sql(
      'select coalesce(sum(bytes), 0) as bytes, coalesce(sum(file_bytes), 0) as files from total',
    ).get() as { bytes: number; files: number }
    return Math.max(pages * PAGE_BYTES + files, bytes)
  }

  /** Removes those that were not used for the longest time: so many bytes, in so many rows at most. */
  evict(bytes: number, countMax: number): Removed[] {
    const oldest = this.#sql('select id, space, bytes from entry order by used, id limit ?').all(
      countMax,
    ) as unknown as { id: number; space: string; bytes: number }[]
    const removed: Removed[] = []
    let freed = 0
    for (const row of oldest) {
      if (freed >= bytes) break
      freed += row.bytes
      removed.push(...this.removeRow(row.id))
      this.#sql('update total set evictions = evictions + 1 where space = ?').run(row.space)
    }
    return removed
  }

  /** Gives free pages back when they are more than a quarter of all, some at a time. */
  shrink(pagesMax: number): void {
    const free = this.#number('pragma freelist_count')
    if (free > pagesMax && free * 4 > this.#number('pragma page_count'))
      this.#db.exec(`pragma incremental_vacuum(${pagesMax})`)
  }

  hasFile(name: string): boolean {
    return this.#sql('select 1 from entry where name = ? and file_bytes > 0').get(name) !== undefined
  }

  close(): void {
    this.#db.close()
  }

  #delete(condition: string, ...values: SQLInputValue[]): Removed[] {
    const sql = `delete from entry where ${condition} returning name, file_bytes`
    return this.#sql(sql).all(...values) as unknown as Removed[]
  }

  #setHead(
    condition: string,
    values: SQLInputValue[],
    change: (head: string) => string,
  ): { id: number; space: string } | null {
    const row = this.#sql(
      `select id, space, key, name, content_bytes as contentBytes, sums, head, seal from entry where ${condition}`,
    ).get(...values) as (ListedRow & { id: number }) | undefined
    // A damaged row stays as it is, so that reading it finds it out.
    if (row === undefined || sealOf(row) !== row.seal) return null
    const head = change(row.head)
    this.#sql('update entry set head = ?, seal = ? where id = ?').run(head, sealOf({ ...row, head }), row.id)
    return row
  }

  #tag(space: string, tags: readonly string[], id: number): void {
    for (const tag of tags) this.#sql('insert or ignore into tag values (?, ?, ?)').run(space, tag, id)
  }

  #number(sql: string): number {
    return Number(Object.values(this.#sql(sql).get() ?? { none: 0 })[0])
  }

  #sql(text: string): StatementSync {
    let statement = this.#statements.get(text)
    if (statement === undefined) {
      statement = this.#db.prepare(text)
      this.#statements.set(text, statement)
    }
    return statement
  }
}

const indexedKey = `substr(key, 1, ${INDEXED_KEY_LENGTH})`
const PREFIXED = `space = ? and ${indexedKey} >= ? and ${indexedKey} <= ? and substr(key, 1, ?) = ?`

function prefixValues(space: string, prefix: string): [string, string, string, number, string] {
  const start = [...prefix].slice(0, INDEXED_KEY_LENGTH).join('')
  // The last character there is, behind everything that begins so.
  return [space, start, `${start}\u{10ffff}`, [...prefix].length, prefix]
}

const variantHash = (variant: string): Buffer => digest('sha256', variant, 'buffer').subarray(0, 16)

export function sumsOf(content: Uint8Array): Uint8Array {
  const sums = new BlockSums()
  sums.add(content)
  return sums.end()
}
