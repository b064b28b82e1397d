/**
 * Starting, pinning and ending the programs of the bench, and the temporary folder and ports they use.
 * Strategy: every child is remembered until it has gone; whatever way the bench ends, the exit hook kills what is
 * left by process id and removes the folder. Nothing here waits without a limit.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { homedir, tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { allowedCores, processTree } from './proc.ts'

const stopPatienceMs = 1_500
const outputKeptBytesMax = 64 * 1024
const reasonCharactersMax = 200
export const projectFolder = join(import.meta.dirname, '..', '..')

export interface Command {
  readonly program: string
  readonly args: readonly string[]
  /** Added to our own environment; undefined takes a variable out. */
  readonly environment?: Readonly<Record<string, string | undefined>>
  /** What stdout says once the program is ready; without it, its port alone tells. */
  readonly readyLine?: RegExp
}

export interface Running {
  readonly pid: number
  readonly child: ChildProcess
  /** Settles when the process has ended; never rejects. */
  readonly ended: Promise<number | null>
  hasEnded(): boolean
  stdout(): string
  /** The last line of stderr (or of stdout, where that is all there is) that holds a word: the reason of a failure. */
  lastWords(): string
}

/** A core, or several as `0,1`; null: wherever the system likes. */
export type Pin = number | string | null

export interface Cores {
  /** Core of the proxy, and core of load and origin; null: this machine cannot pin, everything floats. */
  readonly proxy: number | null
  readonly load: number | null
}

const alive = new Set<Running>()
let folder: string | null = null

/** The first program of this name on PATH or where Debian puts servers; null when there is none. */
export function findProgram(name: string): string | null {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin']
  for (const candidate of folders) {
    if (!candidate) continue
    const path = join(candidate, name)
    try {
      accessSync(path, constants.X_OK)
      return path
    } catch {}
  }
  return null
}

const taskset = findProgram('taskset')

/** The first two cores that this process may use; with one core or no taskset, none. */
export function chooseCores(): Cores {
  const allowed = allowedCores()
  if (!taskset || allowed.length < 2) return { proxy: null, load: null }
  return { proxy: allowed[0], load: allowed[1] }
}

export function temporaryFolder(): string {
  folder ??= mkdtempSync(join(tmpdir(), 'sluice-bench-'))
  return folder
}

/** A port that was free a moment ago, picked by the kernel and given out once. */
const portsGiven = new Set<number>()
export async function freePort(): Promise<number> {
  for (;;) {
    const port = await new Promise<number>((resolve, reject) => {
      const server = createServer()
      server.once('error', reject)
      server.listen(0, '127.0.0.1', () => {
        const address = server.address()
        server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
      })
    })
    if (portsGiven.has(port)) continue
    portsGiven.add(port)
    return port
  }
}

/** Starts a program, on one core when a core is given. */
export function start(command: Command, core: Pin): Running {
  const pinned = core !== null && taskset !== null
  const program = pinned ? taskset : command.program
  const args = pinned ? ['-c', String(core), command.program, ...command.args] : [...command.args]
  const child = spawn(program, args, {
    cwd: temporaryFolder(),
    env: { ...process.env, NODE_ENV: 'production', ...command.environment },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', chunk => {
    stdout = (stdout + chunk).slice(-outputKeptBytesMax)
  })
  child.stderr.on('data', chunk => {
    stderr = (stderr + chunk).slice(-outputKeptBytesMax)
  })
  // A child that has gone away while its stdin is written to is no fault of ours.
  child.stdin.on('error', () => {})
  let gone = false
  const ended = new Promise<number | null>(resolve => {
    child.once('error', error => {
      gone = true
      stderr += `\n${error.message}`
      resolve(null)
    })
    child.once('close', code => {
      gone = true
      resolve(code)
    })
  })
  const running: Running = {
    pid: child.pid ?? 0,
    child,
    ended,
    hasEnded: () => gone,
    stdout: () => stdout,
    lastWords: () => lastWords(stderr) || lastWords(stdout) || 'it said nothing',
  }
  alive.add(running)
  void ended.then(() => alive.delete(running))
  return running
}

function lastWords(text: string): string {
  const lines = text.split('\n').map(line => line.trim())
  // Below the message of an error Node prints its stack and version, npm the place of its log: not the reason.
  const told = lines.filter(
    line => /\w/.test(line) && !/^(at |Node\.js v|\})|complete log of this run/.test(line),
  )
  const reason = told.findLast(line => /error|fail|cannot|unknown|in use/i.test(line)) ?? told.at(-1) ?? ''
  // The words go into a table that is committed: the folders of this machine do not belong there.
  let bare = reason
  for (const place of [projectFolder, temporaryFolder(), homedir()]) bare = bare.replaceAll(`${place}/`, '')
  return bare.slice(0, reasonCharactersMax)
}

/** Waits for the end, at most so long; past it the process is killed and null is the answer. */
export async function waitForEnd(running: Running, limitMs: number): Promise<number | null> {
  const patience = new AbortController()
  const late = sleep(limitMs, 'late' as const, { signal: patience.signal }).catch(() => 'late' as const)
  const outcome = await Promise.race([running.ended, late])
  patience.abort()
  if (outcome !== 'late') return outcome
  killTree(running)
  await running.ended
  return null
}

/** Asks politely, then does not ask. */
export async function stop(running: Running): Promise<void> {
  if (running.hasEnded() || !running.pid) return
  running.child.kill('SIGTERM')
  await waitForEnd(running, stopPatienceMs)
}

function killTree(running: Running): void {
  if (running.hasEnded() || !running.pid) return
  for (const pid of processTree(running.pid)) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {}
  }
}

/** Runs a program to its end; its stdout, or an error that says why there is none. */
export async function run(command: Command, core: Pin, limitMs: number): Promise<string> {
  const running = start(command, core)
  const code = await waitForEnd(running, limitMs)
  if (code === 0) return running.stdout()
  const name = command.program.split('/').at(-1)
  throw new Error(code === null ? `${name} did not end in time` : `${name}: ${running.lastWords()}`)
}

/** From here on, no way of ending leaves a process or a file behind. */
export function cleanUpAtExit(): void {
  process.once('exit', () => {
    for (const running of alive) killTree(running)
    if (folder) rmSync(folder, { recursive: true, force: true })
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130))
}
