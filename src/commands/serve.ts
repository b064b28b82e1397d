/**
 * Serves until a signal ends it: what `run` and `proxy` have in common. This process is the supervisor: it binds
 * the sockets, starts the workers that serve and speaks for all of them; it reads no config and serves nothing.
 * Signals: SIGTERM and SIGINT let running exchanges finish and end with 0; a second one ends at once with 1, as
 * exchanges were cut; SIGHUP reads the config again; SIGUSR2 opens the log files again.
 */
import { relative } from 'node:path'
import { systemClock } from '../base/clock.ts'
import { formatDuration } from '../base/units.ts'
import { urlOf } from '../net/bound-address.ts'
import { SharedSockets, type SocketSet } from '../net/shared-sockets.ts'
import type { Counters } from '../server/counters.ts'
import type { Outcome } from '../server/generation.ts'
import { Workers } from '../server/workers.ts'
import { Admin } from './admin.ts'
import { type ExitCode, type Output, type Values, wordsOf } from './command.ts'
import { listenFault } from './listen-fault.ts'
import { LogWriter, standardTarget } from './log-writer.ts'
import type { Prepared } from './messages.ts'
import { StateSocket } from './state-socket.ts'
import { WatchFiles } from './watch-files.ts'
import { startWorker } from './worker-process.ts'

/** Workers that hang are not waited for before it is said that the end has begun. */
const STOP_PATIENCE_MS = 500

export async function serve(command: string, values: Values, output: Output): Promise<ExitCode> {
  // A stuck reader of stderr must not stop the supervisor.
  const complaints = new LogWriter(standardTarget('stderr'), () => {})
  const supervisor = new Supervisor(command, values, output, line => complaints.write(`${line}\n`))
  process.once('uncaughtException', error => {
    output.err(`sluice failed, and this is a fault of its own: ${wordsOf(error, output)}`)
    process.exit(1)
  })
  const code = await supervisor.run()
  await complaints.close()
  return code
}

class Supervisor {
  #values: Values
  #output: Output
  #warn: (line: string) => void
  #sockets = new SharedSockets()
  #workers: Workers<Prepared, SocketSet>
  #watch: WatchFiles | null = null
  #state: StateSocket
  #admin: Admin
  #signals: Signals
  #ending = false

  constructor(command: string, values: Values, output: Output, warn: (line: string) => void) {
    this.#values = values
    this.#output = output
    this.#warn = warn
    const args = [command, ...values.args]
    this.#workers = new Workers<Prepared, SocketSet>(
      {
        spawn: (_slot, events) => startWorker(args, events),
        open: async ({ addresses, workers, admin }) => {
          await this.#admin.open(admin)
          return await this.#sockets.open(addresses, workers)
        },
        after: (durationMs, call) => {
          const timer = setTimeout(call, durationMs)
          return () => clearTimeout(timer)
        },
        nowMs: () => systemClock.preciseMs(),
        tell: warn,
      },
      {
        reloaded: (plan, sockets) => void this.#serving(plan, sockets),
        notReloaded: outcome => this.#notReloaded(outcome),
      },
    )
    this.#state = new StateSocket(() => ({ plan: this.#workers.plan, workers: this.#workers.serving }), warn)
    this.#admin = new Admin(this.#workers)
    this.#signals = new Signals({
      SIGHUP: () => this.#reload('SIGHUP'),
      SIGUSR2: () => this.#workers.reopenLogs(),
    })
  }

  async run(): Promise<ExitCode> {
    try {
      const outcome = await Promise.race([this.#workers.start(), this.#signals.asked])
      if (typeof outcome === 'string') return await this.#endAtOnce(0)
      if (outcome.kind !== 'serving') return this.#notStarted(outcome)
      await this.#serving(this.#workers.plan!, this.#workers.sockets!)
      return await this.#end(await this.#signals.asked)
    } finally {
      this.#watch?.close()
      this.#state.close()
      this.#admin.close()
      this.#sockets.close()
      this.#signals.close()
    }
  }

  #notStarted(outcome: Outcome): ExitCode {
    if (outcome.kind === 'refused') return outcome.code
    this.#output.err(this.#reasonOf(outcome))
    if (this.#output.debug && outcome.kind === 'not-bound')
      this.#output.err(wordsOf(outcome.error, this.#output))
    return 1
  }

  #reasonOf(outcome: Outcome): string {
    if (outcome.kind === 'not-bound')
      return listenFault(outcome.error as NodeJS.ErrnoException, process.platform)
    return outcome.kind === 'failed' ? outcome.reason : 'the config has faults'
  }

  /** All workers of a config listen. */
  async #serving(plan: Prepared, sockets: SocketSet): Promise<void> {
    // First, so that who reads that we listen can rely on being watched, and on being answered.
    if (this.#values.has('watch')) {
      this.#watch ??= new WatchFiles(
        file => this.#reload(`${relative(process.cwd(), file)} has changed`),
        this.#warn,
      )
      this.#watch.watch(plan.files)
    }
    await this.#state.follow(plan)
    const admin = this.#admin.keep()
    for (const [index, bound] of sockets.bound.entries())
      if (sockets.fresh[index]) this.#output.out(`listening ${urlOf(bound)} (proxy)`)
    if (admin !== null) this.#output.out(`listening ${urlOf(admin)} (admin)`)
  }

  #notReloaded(outcome: Outcome): void {
    this.#admin.undo()
    this.#warn(`${this.#reasonOf(outcome)}: the old config goes on`)
    // What is wrong may stand in a file that the old config does not have.
    const files = this.#workers.plan?.files ?? []
    if (outcome.kind === 'refused') this.#watch?.watch([...new Set([...files, ...outcome.files])])
  }

  #reload(reason: string): void {
    if (this.#ending) return
    this.#warn(`${reason}: reading the config again`)
    void this.#workers.reload()
  }

  async #end(name: string): Promise<ExitCode> {
    const timeoutMs = this.#workers.plan?.drainTimeoutMs ?? 0
    this.#ending = true
    this.#watch?.close()
    // Whoever takes over from here is the one to be asked.
    this.#state.close()
    this.#admin.close()
    this.#sockets.close()
    const stopped = this.#workers.stop(timeoutMs)
    const patience = new Promise(resolve => setTimeout(resolve, STOP_PATIENCE_MS))
    await Promise.race([stopped, patience, this.#signals.askedAgain])
    this.#warn(
      `${name}: finishing what runs, at most ${formatDuration(timeoutMs)}; once more ends it at once`,
    )
    const over = await Promise.race([
      this.#workers.over().then(() => true),
      this.#signals.askedAgain.then(() => false),
    ])
    if (!over) {
      this.#warn('asked again: ended at once')
      return await this.#endAtOnce(1)
    }
    this.#warn(summaryOf(this.#workers.counters, this.#workers.served))
    return 0
  }

  async #endAtOnce(code: ExitCode): Promise<ExitCode> {
    this.#workers.cut()
    await this.#workers.over()
    return code
  }
}

function summaryOf(counters: Counters, workers: number): string {
  const counted = (count: number, what: string) => `${count} ${what}${count === 1 ? '' : 's'}`
  const { failedByClient, failedByProxy, failedByUpstream, cutConnections, droppedLogLines } = counters
  const failed = failedByClient + failedByProxy + failedByUpstream
  const sides = `${failedByClient} by the client, ${failedByProxy} here, ${failedByUpstream} upstream`
  return [
    `served ${counted(counters.exchanges, 'request')} on ${counted(counters.connections, 'connection')} by ${counted(workers, 'worker')}`,
    ...(failed > 0 ? [`${failed} failed (${sides})`] : []),
    ...(cutConnections > 0 ? [`${counted(cutConnections, 'connection')} cut`] : []),
    ...(droppedLogLines > 0 ? [`${counted(droppedLogLines, 'log line')} lost`] : []),
  ].join(', ')
}

class Signals {
  /** Name of the first signal that asks the program to end. */
  readonly asked: Promise<string>
  readonly askedAgain: Promise<void>
  readonly #handlers: readonly (readonly [string, () => void])[]

  constructor(others: Readonly<Record<string, () => void>>) {
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
    this.#handlers = [['SIGTERM', end('SIGTERM')], ['SIGINT', end('SIGINT')], ...Object.entries(others)]
    for (const [name, handler] of this.#handlers) process.on(name, handler)
  }

  close(): void {
    for (const [name, handler] of this.#handlers) process.off(name, handler)
  }
}
