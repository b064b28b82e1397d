/**
 * Large contents as plain files.
 * Strategy: a content is written to `filling/` and renamed into `contents/` when it is whole, just before its row is
 * stored. Names are random and say nothing of the URL; a name is never used twice, so that a row cannot meet a file
 * that is not its own. What a crash leaves behind is found by its age and by having no row.
 */
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { BlockSums } from './checksums.ts'

const NAME = /^[0-9a-f]{32}$/

/** Where the whole content of this name lies. */
export const contentPath = (folder: string, name: string): string =>
  join(folder, 'contents', name.slice(0, 2), name)

/**
 * Makes a folder and those above it. Not by `recursive` of `mkdirSync`, which goes on for ever where a folder is there
 * and nothing can be made in it: /proc/x (Node 24.21).
 */
export function makeFolder(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return
  const above = dirname(path)
  if (above !== path) makeFolder(above)
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (error) {
    const isThere = (error as NodeJS.ErrnoException).code === 'EEXIST'
    // Another process was faster; or it is a link that leads nowhere, of which `statSync` complains.
    if (!isThere || !statSync(path).isDirectory()) throw error
  }
}

interface Growing {
  readonly file: number
  readonly sums: BlockSums
}

export interface WholeContent {
  readonly bytes: number
  readonly sums: Uint8Array
}

export class ContentFiles {
  readonly #folder: string
  readonly #growing = new Map<string, Growing>()

  constructor(folder: string) {
    this.#folder = folder
    this.makeFolders()
  }

  /** They may have been taken away while we ran. */
  makeFolders(): void {
    for (const name of ['filling', 'contents']) makeFolder(join(this.#folder, name))
  }

  /** Begins the file with its first piece. */
  write(name: string, bytes: Uint8Array): void {
    let growing = this.#growing.get(name)
    if (growing === undefined) {
      growing = { file: openSync(this.#fillingPath(name), 'wx', 0o600), sums: new BlockSums() }
      this.#growing.set(name, growing)
    }
    for (let at = 0; at < bytes.length; ) at += writeSync(growing.file, bytes, at)
    growing.sums.add(bytes)
  }

  /** What was written is whole: it gets its place. Null when nothing of it is there. */
  finish(name: string): WholeContent | null {
    const growing = this.#growing.get(name)
    if (growing === undefined) return null
    this.#growing.delete(name)
    closeSync(growing.file)
    const path = contentPath(this.#folder, name)
    makeFolder(dirname(path))
    renameSync(this.#fillingPath(name), path)
    return { bytes: growing.sums.bytes, sums: growing.sums.end() }
  }

  /** It will never be whole. */
  drop(name: string): void {
    const growing = this.#growing.get(name)
    if (growing === undefined) return
    this.#growing.delete(name)
    closeSync(growing.file)
    remove(this.#fillingPath(name))
  }

  dropAll(): void {
    for (const name of [...this.#growing.keys()]) this.drop(name)
  }

  remove(name: string): void {
    remove(contentPath(this.#folder, name))
  }

  /** Removes what was begun and left by a process that is gone: nobody has written there for so long. */
  sweepFilling(olderThanMs: number): number {
    return this.#sweep(join(this.#folder, 'filling'), olderThanMs, name => !this.#growing.has(name))
  }

  /** Folders of whole contents, one of which is swept at a time. */
  contentFolders(): string[] {
    return list(join(this.#folder, 'contents')).map(name => join(this.#folder, 'contents', name))
  }

  sweepContents(folder: string, olderThanMs: number, hasRow: (name: string) => boolean): number {
    return this.#sweep(folder, olderThanMs, name => !hasRow(name))
  }

  #sweep(folder: string, olderThanMs: number, isLeft: (name: string) => boolean): number {
    let count = 0
    for (const name of list(folder)) {
      const path = join(folder, name)
      // What we did not name is not ours to remove.
      if (!NAME.test(name) || !isLeft(name) || changedMs(path) > olderThanMs) continue
      remove(path)
      count++
    }
    return count
  }

  #fillingPath(name: string): string {
    return join(this.#folder, 'filling', name)
  }
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function changedMs(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Number.POSITIVE_INFINITY
}

/** A file that cannot be removed is a leftover: the next sweep tries again. */
function remove(path: string): void {
  try {
    unlinkSync(path)
  } catch {}
}
