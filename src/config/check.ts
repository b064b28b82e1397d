/**
 * The whole check of a config's data: everything that is wrong with it, at once.
 */
import { crossChecks } from './cross-checks.ts'
import type { Problem } from './problems.ts'
import type { ConfigData } from './schema.ts'
import { schemaProblems } from './schema-problems.ts'

export interface Checked {
  /** Null when there is a fault. */
  readonly config: ConfigData | null
  readonly problems: readonly Problem[]
}

/** `folder`: what names of files in the config are relative to. */
export function checkData(data: unknown, folder: string): Checked {
  const problems = [...schemaProblems(data), ...crossChecks(data, folder)]
  const sound = problems.every(problem => problem.level === 'warning')
  return { config: sound ? (data as ConfigData) : null, problems }
}
