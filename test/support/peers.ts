/**
 * Programs and features of the machine that some tests need: a real curl, IPv6.
 * Strategy: a test whose peer is missing is skipped under a reason that `npm test` collects and prints by name;
 * with CI=true a missing program is a failure, because there it was meant to be installed.
 */
import { spawn } from 'node:child_process'
import { accessSync, constants, existsSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { delimiter, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { within } from './wait.ts'

/** What the reason of a skipped test begins with, for the list at the end of a run. */
export const MISSING = 'not on this machine: '

/** Where servers are installed, which the PATH of a user may leave out. */
const SERVER_FOLDERS = ['/usr/sbin', '/usr/local/sbin']

/** Path of a program, or null. */
export function findProgram(name: string): string | null {
  for (const folder of [...(process.env['PATH'] ?? '').split(delimiter), ...SERVER_FOLDERS]) {
    try {
      const path = join(folder, name)
      accessSync(path, constants.X_OK)
      return path
    } catch {}
  }
  return null
}

export function hasIpv6(): boolean {
  return Object.values(networkInterfaces()).some(list => list?.some(({ address }) => address === '::1'))
}

type Body = (t: TestContext) => void | Promise<void>

/** A test that needs a program. */
export function testWith(program: string, name: string, body: Body): void {
  if (findProgram(program) !== null) test(name, body)
  else if (process.env['CI'] === 'true')
    test(name, () => {
      throw new Error(`${program} is not installed`)
    })
  else test(name, { skip: `${MISSING}${program}` }, () => {})
}

/** A test that needs an IPv6 loopback, which a machine may lack without anybody's fault. */
export function testWithIpv6(name: string, body: Body): void {
  if (hasIpv6()) test(name, body)
  else test(name, { skip: `${MISSING}IPv6` }, () => {})
}

/** The file of Linux on which every write says that the disk is full. */
export const FULL_DISK = '/dev/full'

export function testWithFullDisk(name: string, body: Body): void {
  if (existsSync(FULL_DISK)) test(name, body)
  else test(name, { skip: `${MISSING}${FULL_DISK}` }, () => {})
}

export interface Finished {
  readonly code: number
  readonly stdout: Buffer
  readonly stderr: string
}

/** Runs a program to its end. It is killed when it takes too long or the test ends. */
export async function run(
  t: TestContext,
  program: string,
  args: readonly string[],
  input?: Buffer,
): Promise<Finished> {
  const child = spawn(program, args, { stdio: 'pipe' })
  t.after(() => child.kill('SIGKILL'))
  const stdout: Buffer[] = []
  let stderr = ''
  child.stdout.on('data', chunk => stdout.push(chunk))
  child.stderr.on('data', chunk => {
    stderr += chunk
  })
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  child.on('error', reject)
  child.on('close', code => resolve(code ?? -1))
  const code = await within(promise, `${program} to end`, 30_000)
  return { code, stdout: Buffer.concat(stdout), stderr }
}

/** curl without its configuration file, its progress meter and proxies of the environment. */
export function curl(t: TestContext, args: readonly string[], input?: Buffer): Promise<Finished> {
  return run(t, 'curl', ['-q', '--noproxy', '*', '-sS', ...args], input)
}
