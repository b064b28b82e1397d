/**
 * A folder for stores on disk that goes with its test, and the lines that were said of it.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { DiskStore, type DiskStoreOptions } from '../../src/cache/disk-store.ts'

export interface DiskFolderInTest {
  readonly path: string
  readonly lines: string[]
  /** Settled when it is open or turned off; closed with the test. */
  open(over?: Partial<DiskStoreOptions>): Promise<DiskStore>
}

export function diskFolder(context: TestContext): DiskFolderInTest {
  const path = mkdtempSync(join(tmpdir(), 'sluice-disk-'))
  const lines: string[] = []
  const stores: DiskStore[] = []
  context.after(async () => {
    for (const store of stores) await store.close()
    rmSync(path, { recursive: true, force: true })
  })
  return {
    path,
    lines,
    open: async over => {
      const warn = (line: string): void => void lines.push(line)
      const store = DiskStore.open({ folder: path, bytesMax: 64 * 1024 * 1024, space: 'test', warn, ...over })
      stores.push(store)
      await store.ready
      return store
    },
  }
}
