/**
 * Notices that one of some files has changed.
 * Strategy: the folders are watched, because editors and deployments put another file in the place of the old
 * one; after a moment of quiet the files are looked at, and only what they are decides: so links that point
 * elsewhere are noticed, and other files of the folder are not. A watcher stays with the folder that it was made for,
 * so it is made anew when another one has its name.
 */
import fs from 'node:fs'
import { dirname } from 'node:path'

/** Editors write in several steps. */
const QUIET_MS = 100

interface Watched {
  readonly watcher: fs.FSWatcher
  /** Which folder had the name. */
  readonly folderId: string
}

export class WatchFiles {
  #changed: (file: string) => void
  #warn: (line: string) => void
  #files = new Map<string, string>()
  #watchers = new Map<string, Watched>()
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
    this.#watchFolders()
  }

  #watchFolders(): void {
    const folders = new Set([...this.#files.keys()].flatMap(foldersOf))
    for (const [folder, { watcher, folderId }] of this.#watchers) {
      if (folders.has(folder) && idOf(folder) === folderId) continue
      watcher.close()
      this.#watchers.delete(folder)
    }
    for (const folder of folders) if (!this.#watchers.has(folder)) this.#watchFolder(folder)
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    for (const { watcher } of this.#watchers.values()) watcher.close()
  }

  #watchFolder(folder: string): void {
    try {
      const folderId = idOf(folder)
      const watcher = fs.watch(folder, () => this.#lookSoon())
      watcher.on('error', error => this.#fail(folder, error))
      this.#watchers.set(folder, { watcher, folderId })
      // What came before it was watched.
      this.#lookSoon()
    } catch (error) {
      this.#fail(folder, error as Error)
    }
  }

  #fail(folder: string, error: Error): void {
    this.#watchers.get(folder)?.watcher.close()
    this.#watchers.delete(folder)
    const reason = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'it is gone' : error.message
    this.#warn(`cannot watch ${folder}: ${reason}: send SIGHUP after a change`)
  }

  #lookSoon(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#look(), QUIET_MS)
  }

  #look(): void {
    this.#timer = null
    // Before the files: what changes from now on is noticed.
    this.#watchFolders()
    const changed: string[] = []
    for (const [file, before] of this.#files) {
      const now = stateOf(file)
      if (now !== before) changed.push(file)
      this.#files.set(file, now)
    }
    if (changed.length > 0) this.#changed(changed[0])
  }
}

/** Its own, and those that hold a link on the way to it: `/srv/current/sluice.config.ts`, where `current` is a link. */
function foldersOf(file: string): string[] {
  const folders = [dirname(file)]
  for (let at = dirname(file); at !== dirname(at); at = dirname(at))
    if (fs.lstatSync(at, { throwIfNoEntry: false })?.isSymbolicLink()) folders.push(dirname(at))
  return folders
}

function idOf(folder: string): string {
  const stat = fs.statSync(folder, { throwIfNoEntry: false })
  return stat === undefined ? '' : `${stat.dev} ${stat.ino}`
}

function stateOf(file: string): string {
  const stat = fs.statSync(file, { throwIfNoEntry: false })
  return stat === undefined ? '' : `${stat.ino} ${stat.size} ${stat.mtimeMs}`
}
