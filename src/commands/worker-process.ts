/**
 * A worker as a process: forks it, passes on what it is told and what it tells.
 */
import { type ChildProcess, fork, type SendHandle } from 'node:child_process'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { CacheAnswer, CacheQuestion } from '../cache/control.ts'
import type { SocketSet } from '../net/shared-sockets.ts'
import type { Worker, WorkerEvents } from '../server/generation.ts'
import type { GroupState } from '../upstream/group-state.ts'
import type { FromWorker, Prepared, ToWorker } from './messages.ts'

const BIN = fileURLToPath(new URL(`../bin${extname(new URL(import.meta.url).pathname)}`, import.meta.url))

/** `args`: the command and its flags, as the worker is to understand them. */
export function startWorker(
  args: readonly string[],
  events: WorkerEvents<Prepared>,
): Worker<Prepared, SocketSet> {
  let child: ChildProcess
  try {
    child = fork(BIN, ['worker', ...args])
  } catch (error) {
    // No memory for another process, or its program is being replaced: that may be over in a moment.
    setImmediate(() => events.ended((error as Error).message))
    return NO_PROCESS
  }
  return new WorkerProcess(child, events)
}

const NO_PROCESS: Worker<Prepared, SocketSet> = {
  pid: 0,
  prepare: () => {},
  serve: () => {},
  drain: () => {},
  cut: () => {},
  reopenLog: () => {},
  askServers: () => {},
  askCaches: () => () => {},
  removed: () => {},
  kill: () => {},
}

class WorkerProcess implements Worker<Prepared, SocketSet> {
  readonly pid: number
  #child: ChildProcess
  #prepares = false
  /** Who waits to hear of the servers: a worker that hangs is asked once. */
  #told: ((groups: readonly GroupState[]) => void) | null = null

  /** Who waits to hear of the caches, by the number of the question. */
  #asked = new Map<number, (answers: readonly CacheAnswer[]) => void>()
  #questions = 0

  constructor(child: ChildProcess, events: WorkerEvents<Prepared>) {
    this.#child = child
    this.pid = child.pid ?? 0
    let over = false
    const end = (how: string): void => {
      if (!over) events.ended(how)
      over = true
    }
    child.on('message', message => this.#hear(message as FromWorker, events))
    // A process that cannot be made at all (out of memory, too many processes) says so and never exits.
    child.on('error', error => {
      if (child.pid === undefined) end(error.message)
    })
    // Not `exit`: the last messages may come after it.
    child.on('close', (code, signal) => end(signal ?? `code ${code}`))
  }

  prepare(): void {
    this.#prepares = true
    this.#send({ type: 'prepare' })
  }

  serve(prepared: Prepared, set: SocketSet, slot: number): void {
    const sockets = set.socketsOf(slot)
    this.#send({
      type: 'serve',
      prepared: this.#prepares ? null : prepared,
      slot,
      workers: prepared.workers,
      bound: set.bound,
      sockets: sockets.reduce((sum, each) => sum + each.length, 0),
    })
    for (const [listener, ofListener] of sockets.entries())
      for (const socket of ofListener)
        this.#send({ type: 'socket', listener }, socket as unknown as SendHandle)
  }

  drain(timeoutMs: number, idleStays: boolean): void {
    this.#send({ type: 'drain', timeoutMs, idleStays })
  }

  cut(): void {
    this.#send({ type: 'cut' })
  }

  reopenLog(): void {
    this.#send({ type: 'reopen-log' })
  }

  askServers(told: (groups: readonly GroupState[]) => void): void {
    const asks = this.#told === null
    this.#told = told
    if (asks) this.#send({ type: 'ask-servers' })
  }

  askCaches(question: CacheQuestion, told: (answers: readonly CacheAnswer[]) => void): () => void {
    const id = this.#questions++
    this.#asked.set(id, told)
    this.#send({ type: 'ask-caches', id, question })
    return () => void this.#asked.delete(id)
  }

  removed(space: string, keys: readonly string[]): void {
    this.#send({ type: 'removed', space, keys })
  }

  kill(): void {
    // Of a process that could not be made Node knows no number, and would signal whatever stands in its memory.
    if (this.#child.pid !== undefined) this.#child.kill('SIGKILL')
  }

  #hear(message: FromWorker, events: WorkerEvents<Prepared>): void {
    if (message.type === 'caches') {
      this.#asked.get(message.id)?.(message.answers)
      this.#asked.delete(message.id)
      return
    }
    if (message.type !== 'servers') {
      pass(message, events)
      return
    }
    const told = this.#told
    this.#told = null
    told?.(message.groups)
  }

  #send(message: ToWorker, handle?: SendHandle): void {
    // A worker that is gone hears nothing; that it is gone is told by its exit.
    if (this.#child.connected) this.#child.send(message, handle, undefined, () => {})
  }
}

function pass(
  message: Exclude<FromWorker, { type: 'servers' | 'caches' }>,
  events: WorkerEvents<Prepared>,
): void {
  switch (message.type) {
    case 'prepared':
      events.prepared(message.prepared)
      break
    case 'refused':
      events.refused(message.code, message.files)
      break
    case 'listening':
      events.listening()
      break
    case 'stopped':
      events.stopped()
      break
    case 'counters':
      events.counted(message.counters)
      break
    case 'removed':
      events.removed(message.space, message.keys)
      break
  }
}
