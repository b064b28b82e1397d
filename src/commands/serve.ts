/**
 * Runs a plan until a signal ends it: what `run` and `proxy` have in common.
 * Signals: SIGTERM and SIGINT let running exchanges finish and end with 0; a second one ends at once with 1, as
 * exchanges were cut; SIGUSR2 opens the log file again; SIGHUP says that there is no reload yet.
 */
import { isatty } from 'node:tty'
import { systemClock } from '../base/clock.ts'
import { formatDuration } from '../base/units.ts'
import type { Plan } from '../config/build.ts'
import { lineFormatter } from '../layers/access-log.ts'
import { ProxyServer } from '../server/server.ts'
import { type ExitCode, type Output, wordsOf } from './command.ts'
import { listenFault } from './listen-fault.ts'
import { fileTarget, LogWriter, standardTarget } from './log-writer.ts'

export async function serve(plan: Plan, output: Output): Promise<ExitCode> {
  // Complaints of a running server go through a writer of their own: a stuck reader of stderr must not stop it.
  const complaints = new LogWriter(standardTarget('stderr'), () => {})
  const warn = (line: string): void => complaints.write(`${line}\n`)
  let log: LogWriter | null
  try {
    log = openLog(plan, warn)
  } catch (error) {
    output.err(`cannot open the log file ${plan.logFile}: ${wordsOf(error, output)}`)
    return 1
  }
  const code = await serveWith(plan, output, log, warn)
  for (const group of plan.groups) group.close()
  await log?.close()
  await complaints.close()
  return code
}

function openLog(plan: Plan, warn: (line: string) => void): LogWriter | null {
  if (plan.logFormat === 'off') return null
  return new LogWriter(plan.logFile === null ? standardTarget('stdout') : fileTarget(plan.logFile), warn)
}

async function serveWith(
  plan: Plan,
  output: Output,
  log: LogWriter | null,
  warn: (line: string) => void,
): Promise<ExitCode> {
  const server = new ProxyServer(plan.listeners, { record: recorder(plan, log), warn })
  const signals = new Signals(log, warn)
  process.once('uncaughtException', error => {
    output.err(`sluice failed, and this is a fault of its own: ${wordsOf(error, output)}`)
    process.exit(1)
  })
  try {
    for (const { url, kind } of await server.start()) output.out(`listening ${url} (${kind})`)
    for (const group of plan.groups) group.start(warn)
    const name = await signals.asked
    warn(
      `${name}: finishing what runs, at most ${formatDuration(plan.drainTimeoutMs)}; once more ends it at once`,
    )
    return await drain(server, plan.drainTimeoutMs, signals, warn)
  } catch (error) {
    output.err(listenFault(error as NodeJS.ErrnoException, process.platform))
    if (output.debug) output.err(wordsOf(error, output))
    return 1
  } finally {
    server.close()
    signals.close()
  }
}

function recorder(plan: Plan, log: LogWriter | null): ConstructorParameters<typeof ProxyServer>[1]['record'] {
  if (log === null || plan.logFormat === 'off') return null
  const format = plan.logFormat ?? (plan.logFile === null && isatty(1) ? 'short' : 'json')
  const lineOf = lineFormatter(format, systemClock)
  return record => log.write(lineOf(record))
}

async function drain(
  server: ProxyServer,
  timeoutMs: number,
  signals: Signals,
  warn: (line: string) => void,
): Promise<ExitCode> {
  const cut = await Promise.race([server.drain(timeoutMs), signals.askedAgain.then(() => null)])
  if (cut === null) {
    warn('asked again: ended at once')
    return 1
  }
  if (cut > 0)
    warn(`${cut} connection${cut === 1 ? ' was' : 's were'} cut after ${formatDuration(timeoutMs)}`)
  return 0
}

class Signals {
  /** Name of the first signal that asks the program to end. */
  readonly asked: Promise<string>
  readonly askedAgain: Promise<void>
  readonly #handlers: readonly (readonly [NodeJS.Signals, () => void])[]

  constructor(log: LogWriter | null, warn: (line: string) => void) {
    let first: (name: string) => void
    let second: () => void
    this.asked = new Promise(resolve => {
      first = resolve
    })
    this.askedAgain = new Promise(resolve => {
      second = resolve
    })
    let times = 0
    const end = (name: string) => () => (times++ === 0 ? first(name) : second())
    this.#handlers = [
      ['SIGTERM', end('SIGTERM')],
      ['SIGINT', end('SIGINT')],
      ['SIGUSR2', () => log?.reopen()],
      [
        'SIGHUP',
        () => warn('SIGHUP: reload is not in this version yet: stop and start instead; nothing was changed'),
      ],
    ]
    for (const [name, handler] of this.#handlers) process.on(name, handler)
  }

  close(): void {
    for (const [name, handler] of this.#handlers) process.off(name, handler)
  }
}
