/**
 * Whether a failed attempt is made again, and where.
 * Strategy: a table, read from the top; the first row that fits decides. It knows nothing of connections, so every
 * row can be asked for, by tests and by whoever explains a decision.
 */
import type { ErrorCode } from '../base/errors.ts'
import type { Condition, RetryOptions } from './options.ts'

/** RFC 9110 §9.2.2: repeating these changes nothing. */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'TRACE'])

/** Bytes of a request body kept so that it can be sent again. */
export const RESEND_BYTES_MAX = 65_536

/** What is known of an attempt that failed. */
export interface FailedAttempt {
  /** What went wrong, or null when it is nothing that another server would do better. */
  readonly condition: Condition | null
  /** All places for requests were taken: the server is busy, not down. */
  readonly busy: boolean
  /** A kept connection was closed before a byte of an answer came. */
  readonly stale: boolean
  /** Something of the request was written to the server. */
  readonly sent: boolean
  /** RFC 9110 §9.2.2, or because the configuration says so. */
  readonly repeatable: boolean
  /** What was sent of the body is still here (always, when there is none). */
  readonly bodyKept: boolean
  /** A server did answer, and its answer was thrown away for a better one. */
  readonly answered: boolean
  /** How often the request may still be sent. */
  readonly attemptsLeft: number
  /** A server is left that was not asked yet. */
  readonly othersLeft: boolean
  /** The budget of the group has one for this. */
  readonly budgetLeft: boolean
}

/** 'fresh': to the same server over a new connection. 'again': to any, as all have been asked. */
export type RetryStep = 'fresh' | 'elsewhere' | 'again' | 'give-up'

export interface RetryVerdict {
  readonly step: RetryStep
  /** For a person. */
  readonly why: string
  /** It takes one out of the budget. */
  readonly paid: boolean
}

interface Row extends RetryVerdict {
  fits(attempt: FailedAttempt, retry: RetryOptions): boolean
}

const row = (step: RetryStep, why: string, fits: Row['fits'], paid = false): Row => ({
  step,
  why,
  fits,
  paid,
})

/** In this order: what is nobody's fault, what was never sent, what forbids, what allows. */
export const RETRY_TABLE = [
  row(
    'fresh',
    'the kept connection was stale: nobody has read the request',
    ({ stale, repeatable, bodyKept }) => stale && repeatable && bodyKept,
  ),
  row('elsewhere', 'the server is busy', ({ busy, othersLeft }) => busy && othersLeft),
  row('give-up', 'all servers are busy', ({ busy }) => busy),
  row(
    'give-up',
    'retry.on does not name what happened',
    ({ condition }, { on }) => condition === null || !on.has(condition),
  ),
  row('elsewhere', 'nothing of it was sent', ({ sent, othersLeft }) => !sent && othersLeft),
  row(
    'again',
    'nobody else accepts, but a server had answered: what it says now is the answer',
    ({ sent, answered, attemptsLeft, budgetLeft }) => !sent && answered && attemptsLeft > 0 && budgetLeft,
    true,
  ),
  row('give-up', 'all servers were asked', ({ sent }) => !sent),
  row('give-up', 'its method is not idempotent', ({ repeatable }) => !repeatable),
  row('give-up', `more than ${RESEND_BYTES_MAX} bytes of its body were sent`, ({ bodyKept }) => !bodyKept),
  row('give-up', 'its attempts are used up', ({ attemptsLeft }) => attemptsLeft <= 0),
  row('give-up', 'all servers were asked', ({ othersLeft }, { again }) => !othersLeft && !again),
  row('give-up', 'the retry budget is used up', ({ budgetLeft }) => !budgetLeft),
  row('elsewhere', 'another server may do better', ({ othersLeft }) => othersLeft, true),
  row('again', 'all servers were asked once', () => true, true),
] as const satisfies readonly Row[]

export function decideRetry(attempt: FailedAttempt, retry: RetryOptions): RetryVerdict {
  return RETRY_TABLE.find(({ fits }) => fits(attempt, retry)) as RetryVerdict
}

export function isRepeatable(method: string, retry: RetryOptions): boolean {
  return IDEMPOTENT.has(method) || retry.methods === 'all'
}

/** Whether a request that was sent may be sent again at all: then its body is worth keeping. */
export function resendsSent({ attempts, again, on }: RetryOptions, servers: number): boolean {
  return attempts > 1 && (again || servers > 1) && [...on].some(condition => condition !== 'connect')
}

/** RFC 9110 §9.2.2: what may be sent again after a kept connection turned out to be closed. */
export const isIdempotent = (method: string): boolean => IDEMPOTENT.has(method)

const CONDITIONS: { readonly [Code in ErrorCode]?: Condition } = {
  name_not_resolved: 'connect',
  connect_refused: 'connect',
  connect_unreachable: 'connect',
  connect_timeout: 'connect',
  connect_failed: 'connect',
  upstream_closed: 'reset',
  upstream_reset: 'reset',
  upstream_bad_head: 'reset',
  upstream_bad_framing: 'reset',
  upstream_head_too_large: 'reset',
  upstream_head_timeout: 'timeout',
  upstream_write_timeout: 'timeout',
  upstream_try_timeout: 'timeout',
  total_timeout: 'timeout',
}

/** What a fault before the head of an answer means, or null when no server is to blame or none would do better. */
export function conditionOf(code: ErrorCode): Condition | null {
  return CONDITIONS[code] ?? null
}
