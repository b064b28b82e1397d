/**
 * `--log` and `--log-file`, which all serving commands take.
 */
import type { Plan } from '../config/build.ts'
import { nearest } from '../config/nearest.ts'
import type { Values } from './command.ts'

const FORMATS = ['short', 'combined', 'json', 'off'] as const

export interface LogFlags {
  readonly format: Plan['logFormat']
  readonly file: string | null
  readonly faults: readonly string[]
}

export function logFlags(values: Values): LogFlags {
  const text = values.text('log')
  const file = values.text('log-file')
  const format = FORMATS.find(each => each === text) ?? null
  if (text === null || format !== null) return { format, file, faults: [] }
  const guess = nearest(text, FORMATS)
  const remedy = guess === null ? `write one of ${FORMATS.join(', ')}` : `did you mean "${guess}"?`
  return { format, file, faults: [`--log: ${JSON.stringify(text)} is not known here: ${remedy}`] }
}
