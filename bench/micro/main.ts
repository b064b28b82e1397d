/**
 * Runs the micro benches: node bench/micro/main.ts [PART-OF-A-FILE-NAME …], all of them without a name.
 * Strategy: every *.bench.ts of this folder exports one suite as its default; the files run one after another in
 * this process.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { measure, type Suite, tableOf } from './harness.ts'

const wanted = process.argv.slice(2)
const files = readdirSync(import.meta.dirname)
  .filter(name => name.endsWith('.bench.ts'))
  .filter(name => wanted.length === 0 || wanted.some(part => name.includes(part)))
  .sort()

if (files.length === 0) {
  process.stderr.write(`no micro bench is named like ${wanted.join(' or ')}\n`)
  process.exitCode = 2
}
for (const file of files) {
  const loaded: { default: Suite } = await import(pathToFileURL(join(import.meta.dirname, file)).href)
  process.stdout.write(`${tableOf(loaded.default, measure(loaded.default))}\n\n`)
}
