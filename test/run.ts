/**
 * What `npm test` runs: every test under src/ and test/, with Node's own runner and reporter.
 * Strategy: the files run in processes of their own, a few at a time; what could not run for want of a peer is
 * listed by name at the end, so that nothing is skipped in silence.
 *
 * `npm test -- smuggling draining` runs the files whose path holds one of the words.
 */
import { availableParallelism } from 'node:os'
import { join, relative } from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { pathToFileURL } from 'node:url'
import { findTestFiles } from './support/test-files.ts'

const ROOT = join(import.meta.dirname, '..')
/** Sets the seed of the property tests. */
const SEED = pathToFileURL(join(ROOT, 'test/support/seed.ts')).href

/** No file takes as long as this, on a slow machine either: what reaches it hangs. */
const FILE_TIMEOUT_MS = 110_000

/** Many files wait more than they work: one more than there are cores. */
const FILES_AT_ONCE = availableParallelism() + 1

/** Names of tests and why they did not run. */
const skipped: { name: string; reason: string }[] = []
let failed = false

function main(words: readonly string[]): void {
  const all = findTestFiles(ROOT)
  const files =
    words.length === 0 ? all : all.filter(file => words.some(word => relative(ROOT, file).includes(word)))
  if (files.length === 0) {
    process.stderr.write(`no test file has ${words.join(' or ')} in its path\n`)
    process.exitCode = 2
    return
  }
  const stream = run({
    files,
    cwd: ROOT,
    concurrency: FILES_AT_ONCE,
    execArgv: ['--import', SEED],
    timeout: FILE_TIMEOUT_MS,
  })
  stream.on('test:fail', ({ todo }) => {
    if (todo === undefined || todo === false) failed = true
  })
  stream.on('test:pass', ({ name, skip }) => {
    if (skip !== undefined && skip !== false)
      skipped.push({ name, reason: skip === true ? '' : String(skip) })
  })
  const report = stream.compose(spec)
  report.on('end', finish)
  report.pipe(process.stdout, { end: false })
}

function finish(): void {
  if (skipped.length > 0) {
    process.stdout.write(`\nnot run (${skipped.length}):\n`)
    for (const { name, reason } of skipped) process.stdout.write(`  ${name}  # ${reason}\n`)
  }
  process.exitCode = failed ? 1 : 0
}

main(process.argv.slice(2))
