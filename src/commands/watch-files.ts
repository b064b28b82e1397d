/**
 * Notices that one of some files has changed.
 * Strategy: the folders are watched, because editors and deployments put another file in the place of the old
 * one; after a moment of quiet the files are looked at, and only what they are decides: so links that point
 * elsewhere are noticed, and other files of the folder are not.
 */
import fs from 'node:fs'
import { dirname } from 'node:path'

/** Editors write in several steps. */
const QUIET_MS = 100

export class WatchFiles {
  #changed: (file: string) => void
  #warn: (line: string) => void
  #files = new Map<string, string>()
  #watchers = new Map<string, fs.FSWatcher>()
  #timer: NodeJS.Timeout | null = null

  constructor(changed: (file: string) => void, warn: (line: string) => void) {
    this.#changed = changed
    this.#warn = warn
  }

  /**
   * From now on these. One that is watched already stays as it was last seen: it may have changed since it was
   * read, and that must be noticed.
   */
  watch(files: readonly string[]): void {
    this.#files = new Map(files.map(file => [file, this.#files.get(file) ?? stateOf(file)]))
    const folders = new Set(files.map(file => dirname(file)))
    for (const [folder, watcher] of this.#watchers) {
      if (folders.has(folder)) continue
      watcher.close()
      this.#watchers.delete(folder)
    }
    for (const folder of folders) if (!this.#watchers.has(folder)) this.#watchFolder(folder)
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    for (const watcher of this.#watchers.values()) watcher.close()
  }

  #watchFolder(folder: string): void {
    try {
      const watcher = fs.watch(folder, () => this.#lookSoon())
      watcher.on('error', error => this.#fail(folder, error))
      this.#watchers.set(folder, watcher)
    } catch (error) {
      this.#fail(folder, error as Error)
    }
  }

  #fail(folder: string, error: Error): void {
    this.#watchers.get(folder)?.close()
    this.#watchers.delete(folder)
    this.#warn(`cannot watch ${folder}: ${error.message}: send SIGHUP after a change`)
  }

  #lookSoon(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#look(), QUIET_MS)
  }

  #look(): void {
    this.#timer = null
    const changed: string[] = []
    for (const [file, before] of this.#files) {
      const now = stateOf(file)
      if (now !== before) changed.push(file)
      this.#files.set(file, now)
    }
    if (changed.length > 0) this.#changed(changed[0])
  }
}

function stateOf(file: string): string {
  const stat = fs.statSync(file, { throwIfNoEntry: false })
  return stat === undefined ? '' : `${stat.ino} ${stat.size} ${stat.mtimeMs}`
}
