/**
 * `npm run conformance -- SUITE …`: what standards demand, case by case. Each suite has a folder and its own flags.
 */
import { main } from './cache/main.ts'

const [suite, ...args] = process.argv.slice(2)
if (suite === 'cache') process.exitCode = await main(args)
else {
  console.error('npm run conformance -- cache [--help]')
  process.exitCode = 2
}
