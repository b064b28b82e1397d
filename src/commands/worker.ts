/**
 * A worker: the process that serves. It does what the supervisor says, and ends when that is gone.
 * Signals are the supervisor's: Ctrl-C in a terminal reaches every process, and only one may decide.
 */
import { resolve } from 'node:path'
import { isatty } from 'node:tty'
import { systemClock } from '../base/clock.ts'
import type { Cache } from '../cache/cache.ts'
import { answerCaches } from '../cache/control.ts'
import { buildPlan, type Plan } from '../config/build.ts'
import { sameServers } from '../config/layers/cache.ts'
import type { Path } from '../config/problems.ts'
import type { ConfigData } from '../config/schema.ts'
import { lineFormatter } from '../layers/access-log.ts'
import type { SharedSocket } from '../net/shared-sockets.ts'
import { noCounters } from '../server/counters.ts'
import { ProxyServer } from '../server/server.ts'
import { groupStates } from '../upstream/group-state.ts'
import { adminFlag } from './admin-flag.ts'
import { type ExitCode, type Output, type Prepare, type Values, wordsOf } from './command.ts'
import { logFlags } from './log-flags.ts'
import { fileTarget, LogWriter, standardTarget } from './log-writer.ts'
import type { FromWorker, Prepared, ToWorker } from './messages.ts'
import { workersOf } from './workers-flag.ts'

/** How often counters are told, while they change. */
const COUNT_INTERVAL_MS = 1_000

/** How long a store on disk may take to open before requests are served without it; it opens all the same. */
const OPEN_PATIENCE_MS = 1_000

type ServeOrder = Extract<ToWorker, { type: 'serve' }>

/** Resolves with the exit code. `loadPrepare` gets the function that reads the config of the command. */
export function work(loadPrepare: () => Promise<Prepare>, values: Values, output: Output): Promise<ExitCode> {
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR2'] as const) process.on(name, () => {})
  process.once('uncaughtException', error => {
    output.err(`a worker failed, and this is a fault of its own: ${wordsOf(error, output)}`)
    process.exit(1)
  })
  return new Promise(resolve => {
    const worker = new WorkerSide(loadPrepare, values, output, resolve)
    process.on('message', (message, socket) => worker.told(message as ToWorker, socket))
    process.on('disconnect', () => worker.abandoned())
  })
}

class WorkerSide {
  #loadPrepare: () => Promise<Prepare>
  #values: Values
  #output: Output
  #exit: (code: ExitCode) => void
  #plan: Plan | null = null
  #order: ServeOrder | null = null
  #sockets: { listener: number; socket: SharedSocket }[] = []
  #server: ProxyServer | null = null
  #log: LogWriter | null = null
  // Complaints of a running server go through a writer of their own: a stuck reader of stderr must not stop it.
  #complaints = new LogWriter(standardTarget('stderr'), () => {})
  #countersTold = ''
  #ending = false

  constructor(
    loadPrepare: () => Promise<Prepare>,
    values: Values,
    output: Output,
    exit: (code: ExitCode) => void,
  ) {
    this.#loadPrepare = loadPrepare
    this.#values = values
    this.#output = output
    this.#exit = exit
  }

  told(message: ToWorker, socket: unknown): void {
    switch (message.type) {
      case 'prepare':
        void this.#prepare()
        break
      case 'serve':
        this.#order = message
        break
      case 'socket':
        this.#sockets.push({ listener: message.listener, socket: socket as SharedSocket })
        if (this.#sockets.length === this.#order?.sockets) void this.#serve(this.#order)
        break
      case 'drain':
        if (this.#ending) this.#server?.endIdle()
        else void this.#drain(message.timeoutMs, message.idleStays)
        break
      case 'cut':
        this.#ending = true
        this.#server?.close()
        void this.#finish(1)
        break
      case 'reopen-log':
        this.#log?.reopen()
        break
      case 'ask-servers':
        this.#tell({ type: 'servers', groups: groupStates(this.#plan?.groups ?? []) })
        break
      case 'ask-caches':
        void this.#tellCaches(message)
        break
      case 'removed':
        for (const cache of this.#plan?.caches ?? [])
          if (sameServers(cache.space, message.space)) cache.removed(message.keys)
    }
  }

  /** The supervisor is gone: nobody would ever tell this process to end. */
  abandoned(): void {
    if (this.#ending) return
    this.#warn('the supervisor is gone: this worker finishes what runs and ends')
    void this.#drain(this.#plan?.drainTimeoutMs ?? 0, false)
  }

  async #prepare(): Promise<void> {
    const prepare = await this.#loadPrepare()
    const found = await prepare(this.#values, this.#output)
    const { config, folder, files } = found
    if (config === null) return this.#refuse(2, files)
    const places: Record<string, string> = {}
    const placeOf: typeof found.placeOf = path => {
      places[path.join(' ')] ??= found.placeOf(path)
      return places[path.join(' ')]
    }
    let plan: Plan
    try {
      plan = this.#planOf(config, folder, placeOf)
    } catch (error) {
      this.#output.err(wordsOf(error, this.#output))
      return this.#refuse(2, files)
    }
    try {
      this.#openLog(plan)
    } catch (error) {
      this.#output.err(`cannot open the log file ${plan.logFile}: ${wordsOf(error, this.#output)}`)
      return this.#refuse(1, files)
    }
    const prepared: Prepared = {
      config,
      folder,
      places,
      files,
      addresses: plan.listeners.map(({ address }) => address),
      workers: workersOf(this.#values, plan.workers),
      admin: adminFlag(this.#values).address ?? plan.admin,
      drainTimeoutMs: plan.drainTimeoutMs,
    }
    this.#tell({ type: 'prepared', prepared })
  }

  #refuse(code: 1 | 2, files: readonly string[]): void {
    this.#ending = true
    this.#tell({ type: 'refused', code, files }, () => this.#exit(code))
  }

  #planOf(config: ConfigData, folder: string, placeOf: (path: Path) => string): Plan {
    const log = logFlags(this.#values)
    const plan = buildPlan(config, { folder, placeOf })
    this.#plan = {
      ...plan,
      logFormat: log.format ?? plan.logFormat,
      logFile: log.file === null ? plan.logFile : resolve(log.file),
    }
    return this.#plan
  }

  #openLog(plan: Plan): void {
    if (plan.logFormat === 'off') return
    const target = plan.logFile === null ? standardTarget('stdout') : fileTarget(plan.logFile)
    this.#log = new LogWriter(target, line => this.#warn(line))
  }

  async #serve({ prepared, bound, workers }: ServeOrder): Promise<void> {
    try {
      if (prepared !== null) {
        const { config, folder, places } = prepared
        this.#openLog(this.#planOf(config, folder, path => places[path.join(' ')] ?? ''))
      }
      const plan = this.#plan!
      // First: whoever is accepted shall find what is stored.
      await this.#startCaches(plan.caches, workers)
      // Told to end meanwhile.
      if (this.#ending) return
      const server = new ProxyServer(plan.listeners, {
        record: recorder(plan, this.#log),
        warn: line => this.#warn(line),
      })
      this.#server = server
      await server.start(
        bound.map((address, index) => ({
          bound: address,
          sockets: this.#sockets.filter(each => each.listener === index).map(each => each.socket),
        })),
      )
    } catch (error) {
      this.#output.err(`a worker cannot serve: ${wordsOf(error, this.#output)}`)
      this.#exit(1)
      return
    }
    for (const group of this.#plan?.groups ?? []) group.start(line => this.#warn(line))
    this.#tell({ type: 'listening' })
    setInterval(() => this.#tellCounters(), COUNT_INTERVAL_MS).unref()
  }

  /** Waits for a while for what opens: whoever comes at once after a restart shall find what was stored before it. */
  async #startCaches(caches: readonly Cache[], workers: number): Promise<void> {
    const opening = caches.flatMap(cache => this.#startCache(cache, workers))
    if (opening.length === 0) return
    const patience = new Promise(resolve => setTimeout(resolve, OPEN_PATIENCE_MS).unref())
    await Promise.race([Promise.all(opening), patience])
  }

  /** Caches of other routes in this process may hold the same; the supervisor tells the other processes. */
  #startCache(cache: Cache, workers: number): Promise<void>[] {
    const { space } = cache
    const opening: Promise<void>[] = []
    cache.start({
      workers,
      warn: line => this.#warn(line),
      opening: ready => void opening.push(ready),
      removed: keys => {
        for (const other of this.#plan?.caches ?? [])
          if (other !== cache && sameServers(other.space, space)) other.removed(keys)
        this.#tell({ type: 'removed', space, keys })
      },
    })
    return opening
  }

  async #tellCaches({ id, question }: Extract<ToWorker, { type: 'ask-caches' }>): Promise<void> {
    try {
      this.#tell({ type: 'caches', id, answers: await answerCaches(this.#plan?.caches ?? [], question) })
    } catch (error) {
      // Nobody hears an answer then, and that is told to who asked.
      this.#warn(`the cache cannot be asked: ${wordsOf(error, this.#output)}`)
    }
  }

  async #drain(timeoutMs: number, idleStays: boolean): Promise<void> {
    this.#ending = true
    const drained = this.#server?.drain(timeoutMs, idleStays)
    this.#tell({ type: 'stopped' })
    await drained
    await this.#finish(0)
  }

  async #finish(code: ExitCode): Promise<void> {
    for (const group of this.#plan?.groups ?? []) group.close()
    await Promise.all((this.#plan?.caches ?? []).map(cache => cache.close()))
    await this.#log?.close()
    await this.#complaints.close()
    this.#tellCounters(() => this.#exit(code))
  }

  #tellCounters(done?: () => void): void {
    const counters = { ...(this.#server?.counters ?? noCounters()) }
    counters.droppedLogLines = this.#log?.lostLines ?? 0
    const text = JSON.stringify(counters)
    const changed = text !== this.#countersTold
    this.#countersTold = text
    if (changed) this.#tell({ type: 'counters', counters }, done)
    else done?.()
  }

  #tell(message: FromWorker, done?: () => void): void {
    if (process.connected) process.send?.(message, undefined, undefined, () => done?.())
    else done?.()
  }

  #warn(line: string): void {
    this.#complaints.write(`${line}\n`)
  }
}

function recorder(plan: Plan, log: LogWriter | null): ConstructorParameters<typeof ProxyServer>[1]['record'] {
  if (log === null || plan.logFormat === 'off') return null
  const format = plan.logFormat ?? (plan.logFile === null && isatty(1) ? 'short' : 'json')
  const lineOf = lineFormatter(format, systemClock)
  return record => log.write(lineOf(record))
}
