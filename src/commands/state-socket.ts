/**
 * Where a running program answers `sluice explain`: a socket of the supervisor that serves a config file.
 * Strategy: nothing is kept and nothing is told before somebody asks; then the workers are asked over the channel that
 * is there, once for all who ask at the same time.
 */
import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { type AskableWorker, askWorkers } from '../admin/ask-workers.ts'
import type { UrlParts } from '../cache/control.ts'
import { LineServer } from '../net/line-socket.ts'
import type { GroupState } from '../upstream/group-state.ts'
import { readCachesQuestion, writeCaches } from './caches-state.ts'
import type { Prepared } from './messages.ts'
import { QUESTION, type WorkerState, writeState } from './program-state.ts'
import { digestOf, openFolder, socketName, stateFolders } from './state-place.ts'
import { version } from './version.ts'

/** How long a worker may take to say how its servers are. */
const WORKER_TIMEOUT_MS = 500
/** What every system allows in the path of a socket. */
const PATH_BYTES_MAX = 103

/** The program as it is when somebody asks. */
export interface Serving {
  readonly plan: Prepared | null
  readonly workers: readonly AskedWorker[]
}

export interface AskedWorker extends AskableWorker {
  askServers(told: (groups: readonly GroupState[]) => void): void
}

export class StateSocket {
  #serving: () => Serving
  #warn: (line: string) => void
  #server: LineServer | null = null
  #following: Promise<void> = Promise.resolve()
  #answer: Promise<string | null> | null = null
  #warned = false
  #closed = false

  /** `warn` gets one line at most. */
  constructor(serving: () => Serving, warn: (line: string) => void) {
    this.#serving = serving
    this.#warn = warn
  }

  /** To be called with each config that is served. Never rejects: a program that cannot be asked serves all the same. */
  follow({ files }: Prepared): Promise<void> {
    this.#following = this.#following.then(() => this.#open(files))
    return this.#following
  }

  close(): void {
    this.#closed = true
    this.#server?.close()
    this.#server = null
  }

  /** A config from flags has no file: nobody could say which program is meant. */
  async #open([file]: readonly string[]): Promise<void> {
    const folders = stateFolders(process.env)
    if (file === undefined || folders.length === 0 || this.#closed) return
    try {
      const name = socketName(file)
      // After a reload the file may be another one behind the same link.
      if (this.#server?.path.endsWith(name)) return
      this.#server?.close()
      this.#server = null
      const path = join(openFolder(folders), name)
      if (Buffer.byteLength(path) > PATH_BYTES_MAX)
        throw new Error(`${path} is too long for a socket: set XDG_RUNTIME_DIR or TMPDIR to a shorter path`)
      const opened = await LineServer.listen(path, line => this.#hear(line))
      this.#server = opened
      if (this.#closed) this.close()
      // The folder keeps others out already.
      else if (opened !== null) chmodSync(opened.path, 0o600)
    } catch (error) {
      if (!this.#warned) this.#warn(`sluice explain cannot ask this program: ${(error as Error).message}`)
      this.#warned = true
    }
  }

  async #hear(question: string): Promise<string | null> {
    const url = readCachesQuestion(question)
    if (url !== null) return await this.#showCached(url)
    if (question !== QUESTION) return null
    this.#answer ??= this.#gather().finally(() => {
      this.#answer = null
    })
    return await this.#answer
  }

  async #showCached(url: UrlParts): Promise<string | null> {
    const { workers } = this.#serving()
    return writeCaches(await askWorkers(workers, { ask: 'show', url }, WORKER_TIMEOUT_MS))
  }

  async #gather(): Promise<string | null> {
    const { plan, workers } = this.#serving()
    if (plan === null) return null
    const states = await Promise.all(workers.map(ask))
    const told = states.filter(each => each !== null)
    return writeState({
      version: version(),
      pid: process.pid,
      config: digestOf(plan.config),
      workers: told,
      silent: workers.length - told.length,
    })
  }
}

/** Null when it does not answer in time. */
function ask(worker: AskedWorker): Promise<WorkerState | null> {
  return new Promise(resolve => {
    const timer = setTimeout(() => resolve(null), WORKER_TIMEOUT_MS)
    worker.askServers(groups => {
      clearTimeout(timer)
      resolve({ pid: worker.pid, groups })
    })
  })
}
