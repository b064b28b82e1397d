#!/usr/bin/env node
/**
 * The program `sluice`. It looks at the version of Node before it loads anything that an older one cannot read.
 */
const NEEDED_MAJOR = 22
const NEEDED_MINOR = 18

// A config gets another `exit` while it is loaded, and this program may have to end meanwhile.
const { exit } = process
const [major, minor] = process.versions.node.split('.').map(Number)
if (major < NEEDED_MAJOR || (major === NEEDED_MAJOR && minor < NEEDED_MINOR)) {
  console.error(
    `sluice needs Node.js ${NEEDED_MAJOR}.${NEEDED_MINOR} or newer; this is ${process.versions.node} (${process.execPath})`,
  )
  process.exit(2)
}
const { main } = await import('./cli.ts')
exit.call(process, await main(process.argv.slice(2)))
