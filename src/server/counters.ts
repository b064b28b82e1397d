/**
 * What a server has done since it began, as numbers that can be added up over processes.
 * Strategy: plain fields that only grow; one more counter is one more line in `noCounters`.
 */
import type { Side } from '../base/errors.ts'

export interface Counters {
  /** Client connections that were accepted. */
  connections: number
  /** Exchanges that ended, whatever became of them. */
  exchanges: number
  /** Those among them that failed, by whose fault it was. */
  failedByClient: number
  failedByProxy: number
  failedByUpstream: number
  /** Connections that were still busy when the time to finish was over. */
  cutConnections: number
  droppedLogLines: number
}

export function noCounters(): Counters {
  return {
    connections: 0,
    exchanges: 0,
    failedByClient: 0,
    failedByProxy: 0,
    failedByUpstream: 0,
    cutConnections: 0,
    droppedLogLines: 0,
  }
}

export function sumOf(all: Iterable<Readonly<Counters>>): Counters {
  const sum = noCounters()
  for (const each of all) for (const name of Object.keys(sum) as (keyof Counters)[]) sum[name] += each[name]
  return sum
}

/** One exchange is over; `side` says whose fault it was that it failed, null that it did not. */
export function countExchange(counters: Counters, side: Side | null): void {
  counters.exchanges++
  if (side === null) return
  if (side === 'client') counters.failedByClient++
  else if (side === 'proxy') counters.failedByProxy++
  else counters.failedByUpstream++
}
