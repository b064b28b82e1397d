/**
 * Configs as files, and every line that a person reads about them.
 */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { type ReadConfig, readConfig } from '../../src/config/read-config.ts'

const folders: string[] = []
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true })
})

export function write(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-config-'))
  folders.push(folder)
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  return folder
}

export const read = (files: Record<string, string>, file: string | null = null): Promise<ReadConfig> =>
  readConfig(file, write(files))

interface Case {
  what: string
  /** Name → text; the first is the config. */
  files: Record<string, string>
  faults: string[]
  warnings?: string[]
}

/** One test a case. */
export function run(cases: readonly Case[]): void {
  for (const { what, files, faults, warnings } of cases) {
    test(what, async () => {
      const found = await read(files, Object.keys(files)[0])
      assert.deepEqual(found.faults, faults)
      assert.deepEqual(found.warnings, warnings ?? [])
      assert.equal(found.config === null, faults.length > 0)
    })
  }
}

export const ts = (text: string) => ({
  'sluice.config.ts': `import { defineConfig, headers } from 'sluice'\n${text}`,
})
export const json = (text: string) => ({ 'sluice.config.json': text })
export const yaml = (text: string) => ({ 'sluice.config.yaml': text })
