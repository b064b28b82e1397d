/**
 * `sluice run`: serves what the config file says.
 */
import { readConfig } from '../config/read-config.ts'
import { adminFlag } from './admin-flag.ts'
import { tellProblems } from './check.ts'
import type { Found, Output, Values } from './command.ts'
import { logFlags } from './log-flags.ts'
import { workersFaults } from './workers-flag.ts'

export async function prepareRun(values: Values, output: Output): Promise<Found> {
  const found = await readConfig(values.text('config'), process.cwd())
  const faults = [...logFlags(values).faults, ...adminFlag(values).faults, ...workersFaults(values)]
  for (const fault of faults) output.err(fault)
  tellProblems(found, output)
  return faults.length > 0 ? { ...found, config: null } : found
}
