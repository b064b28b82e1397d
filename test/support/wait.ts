/**
 * Waiting for things that will happen, never for time to pass.
 * Strategy: every wait has a limit and says in its failure what did not come.
 */

/** Long enough for a busy machine: a wait that reaches it is a failure, never a slow success. */
export const WAIT_MS = 10_000

/** Rejects when the promise takes longer than the limit. */
export async function within<T>(promise: Promise<T>, what: string, limitMs = WAIT_MS): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${limitMs} ms for ${what}`)), limitMs)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

/** For what announces itself by no event: asks again after every turn of the event loop, a little later each time. */
export async function until(condition: () => boolean, what: string, limitMs = WAIT_MS): Promise<void> {
  const endMs = performance.now() + limitMs
  for (let pauseMs = 0; !condition(); pauseMs = Math.min(pauseMs + 1, 20)) {
    if (performance.now() > endMs) throw new Error(`waited ${limitMs} ms for ${what}`)
    await new Promise(resolve => setTimeout(resolve, pauseMs))
  }
}

/** Lets the event loop go round: what is under way inside this process gets its turn. */
export async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise(resolve => setImmediate(resolve))
}

/** For scripts in which time itself is the subject: a sender that stutters, a server that is slow. */
export function pause(durationMs: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, durationMs))
}

/** Waits until a number stops changing, and gives it. */
export async function settled(read: () => number): Promise<number> {
  for (let before = Number.NaN; ; ) {
    const now = read()
    if (now === before) return now
    before = now
    await pause(100)
  }
}

/** Values that arrive one after the other and can be awaited before and after they came. */
export class Arrivals<T> {
  readonly all: T[] = []
  #waiting: { count: number; resolve: () => void }[] = []
  #what: string

  /** `what` names one of them in failures. */
  constructor(what: string) {
    this.#what = what
  }

  push(value: T): void {
    this.all.push(value)
    this.#waiting = this.#waiting.filter(waiter => {
      if (waiter.count > this.all.length) return true
      waiter.resolve()
      return false
    })
  }

  /** Resolves with the value at this place, counted from 0. */
  async at(index: number): Promise<T> {
    await this.count(index + 1)
    return this.all[index]
  }

  /** Resolves when so many have come. */
  async count(count: number): Promise<readonly T[]> {
    if (this.all.length < count) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#waiting.push({ count, resolve })
      try {
        await within(promise, `${this.#what} number ${count}`)
      } catch (error) {
        throw new Error(`${(error as Error).message}; ${this.all.length} came`)
      }
    }
    return this.all
  }
}
