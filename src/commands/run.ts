/**
 * `sluice run`: serves what the config file says.
 */
import { resolve } from 'node:path'
import { buildPlan, type Plan } from '../config/build.ts'
import { readConfig } from '../config/read-config.ts'
import { tellProblems } from './check.ts'
import { type ExitCode, type Output, type Values, wordsOf } from './command.ts'
import { logFlags } from './log-flags.ts'
import { serve } from './serve.ts'

export async function run(values: Values, output: Output): Promise<ExitCode> {
  const log = logFlags(values)
  const found = await readConfig(values.text('config'), process.cwd())
  for (const fault of log.faults) output.err(fault)
  tellProblems(found, output)
  if (found.config === null || log.faults.length > 0) return 2
  let plan: Plan
  try {
    plan = buildPlan(found.config, found)
  } catch (error) {
    output.err(wordsOf(error, output))
    return 2
  }
  return serve(
    {
      ...plan,
      logFormat: log.format ?? plan.logFormat,
      logFile: log.file === null ? plan.logFile : resolve(log.file),
    },
    output,
  )
}
