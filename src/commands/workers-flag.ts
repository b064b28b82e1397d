/**
 * `--workers`, which all commands that serve connections take.
 */
import { availableParallelism } from 'node:os'
import type { Values } from './command.ts'

/** More processes than any machine has use for. The same in the config. */
const WORKERS_MAX = 1024

export function workersFaults(values: Values): string[] {
  const text = values.text('workers')
  if (text === null || text === 'auto') return []
  const count = /^[0-9]{1,4}$/.test(text) ? Number(text) : 0
  if (count >= 1 && count <= WORKERS_MAX) return []
  return [
    `--workers: ${JSON.stringify(text)} is not a whole number from 1 to ${WORKERS_MAX} and not "auto": write for example "2", or "auto" for one a core`,
  ]
}

/** The flag wins over the config. */
export function workersOf(values: Values, config: number | 'auto'): number {
  const wanted = values.text('workers') ?? config
  return wanted === 'auto' ? Math.min(availableParallelism(), WORKERS_MAX) : Number(wanted)
}
