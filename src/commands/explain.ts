/**
 * `sluice explain`: what becomes of a request, and why. Nothing is sent to a server and nothing is listened on; only the
 * program that serves this config, when it runs here, is asked how its servers are.
 */
import { readConfig } from '../config/read-config.ts'
import { tellProblems } from './check.ts'
import { type ExitCode, type Output, type Values, wordsOf } from './command.ts'
import { askedFor } from './explain/asked.ts'
import { type Explanation, explanationOf } from './explain/explanation.ts'
import { askRunning } from './explain/running.ts'
import { textOf } from './explain/text.ts'

/** 0 when a route takes the request, 1 when none does, 2 for bad use or a bad config. */
export async function explain(values: Values, output: Output): Promise<ExitCode> {
  const asked = askedFor(values)
  if ('faults' in asked) {
    for (const fault of asked.faults) output.err(fault)
    return 2
  }
  const found = await readConfig(values.text('config'), process.cwd())
  tellProblems(found, output)
  if (found.config === null) return 2
  let explanation: Explanation
  try {
    const { running, note } = await askRunning(found.files[0], found.config)
    const notes = note === '' ? asked.notes : [...asked.notes, note]
    explanation = await explanationOf(found.config, found, { ...asked, notes }, running)
  } catch (error) {
    output.err(wordsOf(error, output))
    return 2
  }
  output.out(values.has('json') ? JSON.stringify(explanation, null, 2) : textOf(explanation))
  return explanation.listeners.some(listener => listener.route !== null) ? 0 : 1
}
