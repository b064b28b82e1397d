/**
 * One question to all workers, and what they say.
 */
import type { CacheAnswer, CacheQuestion } from '../cache/control.ts'

export interface AskableWorker {
  readonly pid: number
  askCaches(question: CacheQuestion, told: (answers: readonly CacheAnswer[]) => void): () => void
}

export interface WorkerAnswer {
  readonly pid: number
  /** In the order of the config. */
  readonly caches: readonly CacheAnswer[]
}

export interface Heard {
  readonly workers: readonly WorkerAnswer[]
  /** Those that did not answer in time. */
  readonly silent: number
}

export async function askWorkers(
  workers: readonly AskableWorker[],
  question: CacheQuestion,
  timeoutMs: number,
): Promise<Heard> {
  const answers = await Promise.all(workers.map(worker => ask(worker, question, timeoutMs)))
  const heard = answers.filter(answer => answer !== null)
  return { workers: heard, silent: answers.length - heard.length }
}

/** Null when it does not answer in time. */
function ask(
  worker: AskableWorker,
  question: CacheQuestion,
  timeoutMs: number,
): Promise<WorkerAnswer | null> {
  return new Promise(resolve => {
    const forget = worker.askCaches(question, caches => {
      clearTimeout(timer)
      resolve({ pid: worker.pid, caches })
    })
    const timer = setTimeout(() => {
      forget()
      resolve(null)
    }, timeoutMs)
  })
}
