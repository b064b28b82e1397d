/**
 * Helpers of tests that run in a process of their own: load and peers whose bytes must really cross with those
 * of the proxy, on another core.
 */
import { fork } from 'node:child_process'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Arrivals, within } from './wait.ts'

/** What a helper tells: first where its origin listens, at last its result. */
export type FromHelper<Result> = { readonly originPort: number } | { readonly result: Result }
/** What a helper is told once the proxy is up. */
export type ToHelper = { readonly proxyPort: number }

export interface Helper<Result> {
  /** Port of the helper's origin. */
  readonly originPort: number
  /** Tells it where the proxy is and waits for the result. */
  run(proxyPort: number): Promise<Result>
}

const RESULT_WITHIN_MS = 60_000

/** Starts `file` (beside this one) with a plan; the process ends with the test. */
export async function startHelper<Result>(
  t: TestContext,
  file: string,
  plan: object,
): Promise<Helper<Result>> {
  const path = fileURLToPath(new URL(file, import.meta.url))
  const child = fork(path, [JSON.stringify(plan)], { execArgv: [] })
  t.after(() => child.kill('SIGKILL'))
  const messages = new Arrivals<FromHelper<Result>>('a message of the helper')
  const { promise, resolve, reject } = Promise.withResolvers<Result>()
  child.on('message', (message: FromHelper<Result>) => {
    messages.push(message)
    if ('result' in message) resolve(message.result)
  })
  child.on('error', reject)
  child.on('exit', code => reject(new Error(`the helper ended with ${code}`)))
  promise.catch(() => {})
  const first = await messages.at(0)
  if (!('originPort' in first)) throw new Error('the helper has to begin with its port')
  return {
    originPort: first.originPort,
    run(proxyPort) {
      child.send({ proxyPort } satisfies ToHelper)
      return within(promise, 'the result of the helper', RESULT_WITHIN_MS)
    },
  }
}

/** For the helper: its plan. */
export function planOfHelper<Plan>(): Plan {
  return JSON.parse(process.argv[2]) as Plan
}

/** For the helper: says where its origin listens, and begins when the proxy is up. */
export function helperReady(originPort: number, begin: (proxyPort: number) => void): void {
  process.on('message', ({ proxyPort }: ToHelper) => begin(proxyPort))
  // Without a parent there is nobody to work for.
  process.on('disconnect', () => process.exit())
  process.send?.({ originPort } satisfies FromHelper<never>)
}

export function helperDone<Result>(result: Result): void {
  process.send?.({ result } satisfies FromHelper<Result>)
}
