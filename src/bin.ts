#!/usr/bin/env node
/**
 * The program `sluice`. It looks at the version of Node before it loads anything that an older one cannot read.
 */
const neededMajor = 22
const neededMinor = 18

const [major, minor] = process.versions.node.split('.').map(Number)
if (major < neededMajor || (major === neededMajor && minor < neededMinor)) {
  console.error(
    `sluice needs Node.js ${neededMajor}.${neededMinor} or newer; this is ${process.versions.node} (${process.execPath})`,
  )
  process.exit(2)
}
const { main } = await import('./cli.ts')
process.exit(await main(process.argv.slice(2)))
