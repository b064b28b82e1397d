/**
 * The test files of the project.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'

const FOLDERS = ['src', 'test']

/** Absolute paths, the slowest kind of tests first, so that the last core is not left with a long one. */
export function findTestFiles(root: string): string[] {
  const found = FOLDERS.flatMap(folder =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter(path => path.endsWith('.test.ts') && !path.includes('node_modules'))
      .map(path => join(root, folder, path)),
  )
  return found.sort((one, other) => weight(other) - weight(one) || (one < other ? -1 : 1))
}

function weight(path: string): number {
  return /[\\/]scenarios[\\/]/.test(path) ? 2 : /[\\/]test[\\/]/.test(path) ? 1 : 0
}
