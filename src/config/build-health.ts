/**
 * Retries, health, checks and timeouts of a checked config → what the core takes.
 */
import {
  CHECK_DEFAULTS,
  type CheckOptions,
  type GroupOptions,
  HEALTH_DEFAULTS,
  type HealthOptions,
  type RetryOptions,
} from '../upstream/options.ts'
import type { AttemptRules } from '../upstream/upstream-handler.ts'
import { defined, msOf } from './option-values.ts'
import type { RouteData } from './schema.ts'
import type { CheckData, HealthData, RetryData } from './schema-health.ts'

/** What is left out is taken from `base`. */
export function retryOptions(given: Omit<RetryData, 'budget'>, base: RetryOptions): RetryOptions {
  return {
    ...base,
    ...defined({
      attempts: given.attempts,
      // Who writes a number means it, also with fewer servers.
      again: given.attempts === undefined ? undefined : true,
      on: given.on === undefined ? undefined : new Set(given.on),
      methods: given.methods,
      tryTimeoutMs: msOf(given.tryTimeout),
    }),
  }
}

export function healthOptions(given: HealthData): HealthOptions {
  return {
    ...HEALTH_DEFAULTS,
    ...defined({
      failures: given.failures,
      on: given.on === undefined ? undefined : new Set(given.on),
      outForMs: msOf(given.outFor),
      outForMaxMs: msOf(given.outForMax),
    }),
  }
}

export function checkOptions(given: CheckData): CheckOptions {
  return {
    ...CHECK_DEFAULTS,
    ...defined({
      path: given.path,
      method: given.method,
      host: given.host,
      headers: given.headers,
      statuses: given.status === undefined ? undefined : [given.status].flat().map(statusNumber),
      body: given.body,
      intervalMs: msOf(given.interval),
      timeoutMs: msOf(given.timeout),
      rise: given.rise,
      fall: given.fall,
    }),
  }
}

/** `2xx` → 2. */
const statusNumber = (status: number | string): number =>
  typeof status === 'number' ? status : Number(status[0])

/** What a route says otherwise than its upstream. */
export function attemptRules(route: RouteData, options: GroupOptions): AttemptRules {
  const { connect, head, body, total } = route.timeouts ?? {}
  return {
    timeouts: {
      connectTimeoutMs: msOf(connect) ?? options.connectTimeoutMs,
      headTimeoutMs: msOf(head) ?? options.headTimeoutMs,
      bodyTimeoutMs: msOf(body) ?? options.bodyTimeoutMs,
    },
    retry: retryOptions(route.retry ?? {}, options.retry),
    totalTimeoutMs: msOf(total) ?? null,
  }
}
