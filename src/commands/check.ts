/**
 * `sluice check`: every fault of the config at once.
 */
import { buildPlan } from '../config/build.ts'
import { type ReadConfig, readConfig } from '../config/read-config.ts'
import type { ConfigData } from '../config/schema.ts'
import { type ExitCode, type Output, type Values, wordsOf } from './command.ts'

export async function check(values: Values, output: Output): Promise<ExitCode> {
  const found = await readConfig(values.text('config'), process.cwd())
  tellProblems(found, output)
  if (found.config === null) return 2
  try {
    // What is built here says more than the check of the data can; nothing of it listens or connects.
    for (const group of buildPlan(found.config, found).groups) group.close()
  } catch (error) {
    output.err(wordsOf(error, output))
    return 2
  }
  output.out(`${found.file}: no faults (${sizeOf(found.config)})`)
  return 0
}

/** Warnings and faults, one a line, and how many faults there are. */
export function tellProblems({ file, faults, warnings }: ReadConfig, output: Output): void {
  for (const line of warnings) output.err(line.replace(': ', ': warning: '))
  for (const line of faults) output.err(line)
  if (faults.length > 1) output.err(`${faults.length} faults in ${file}`)
}

function sizeOf(config: ConfigData): string {
  const counted = (count: number, what: string) => `${count} ${what}${count === 1 ? '' : 's'}`
  const routes = config.listeners.reduce((sum, listener) => sum + listener.routes.length, 0)
  const upstreams = Object.keys(config.upstreams ?? {}).length
  return [
    counted(config.listeners.length, 'listener'),
    counted(routes, 'route'),
    counted(upstreams, 'upstream'),
  ].join(', ')
}
