/**
 * The timeouts and retries that a request meets, and where each comes from: the route, else the upstream, else the
 * program itself.
 */
import { formatDuration } from '../../base/units.ts'
import { attemptRules } from '../../config/build-health.ts'
import type { Path } from '../../config/problems.ts'
import type { ListenerData, RouteData } from '../../config/schema.ts'
import type { UpstreamData } from '../../config/schema-upstream.ts'
import type { ListenerOptions } from '../../server/options.ts'
import type { GroupOptions, RetryOptions } from '../../upstream/options.ts'

export interface ApplyingLimit {
  readonly of: 'listener' | 'upstream' | 'route'
  /** As it is written in a config. */
  readonly name: string
  readonly value: string
  /** `file:line:column`, or `default`. */
  readonly from: string
}

/** A part of the config that may hold the limit, and where it stands. */
interface Level {
  readonly of: ApplyingLimit['of']
  readonly data: unknown
  readonly path: Path
}

type PlaceOf = (path: Path) => string

export function listenerLimits(
  { timeouts }: ListenerOptions,
  data: ListenerData,
  path: Path,
  placeOf: PlaceOf,
): ApplyingLimit[] {
  const listener: Level = { of: 'listener', data, path }
  const row = (name: string, ms: number) =>
    limit(formatDuration(ms), [[listener, ['timeouts', name]]], placeOf)
  return [
    row('head', timeouts.headTimeoutMs),
    row('body', timeouts.bodyTimeoutMs),
    row('idle', timeouts.idleTimeoutMs),
  ]
}

export interface UpstreamWay {
  readonly options: GroupOptions
  readonly upstream: UpstreamData
  readonly route: RouteData
  readonly routePath: Path
  readonly isUpgrade: boolean
}

export function upstreamLimits(way: UpstreamWay, placeOf: PlaceOf): ApplyingLimit[] {
  const { options, isUpgrade } = way
  const upstream: Level = { of: 'upstream', data: way.upstream, path: ['upstreams', options.name] }
  const route: Level = { of: 'route', data: way.route, path: way.routePath }
  const { timeouts, retry, totalTimeoutMs } = attemptRules(way.route, options)
  const own = (name: string, ms: number) => limit(formatDuration(ms), [[upstream, [name]]], placeOf)
  const time = (short: string, ms: number) =>
    limit(
      formatDuration(ms),
      [
        [route, ['timeouts', short]],
        [upstream, [`${short}Timeout`]],
      ],
      placeOf,
    )
  const retries = (name: keyof RetryData, value: string) =>
    limit(
      value,
      [
        [route, ['retry', name]],
        [upstream, ['retry', name]],
      ],
      placeOf,
    )
  return [
    own('queueTimeout', options.queueTimeoutMs),
    time('connect', timeouts.connectTimeoutMs),
    time('head', timeouts.headTimeoutMs),
    time('body', timeouts.bodyTimeoutMs),
    ...(isUpgrade ? [own('tunnelTimeout', options.tunnelTimeoutMs)] : []),
    ...(totalTimeoutMs === null ? [] : [time('total', totalTimeoutMs)]),
    own('retryFor', options.retryForMs),
    retries('attempts', retry.again ? `${retry.attempts}` : `${retry.attempts}, each to another server`),
    retries('on', [...retry.on].join(' ') || 'nothing'),
    retries('methods', retry.methods),
    ...(retry.tryTimeoutMs === null ? [] : [retries('tryTimeout', formatDuration(retry.tryTimeoutMs))]),
    retries('budget', `${options.retryBudget} of 100 requests`),
  ]
}

type RetryData = Record<keyof RetryOptions | 'tryTimeout' | 'budget', unknown>

/** The first level that says something is the one that counts; when none does, the last is whose default it is. */
function limit(value: string, levels: readonly (readonly [Level, Path])[], placeOf: PlaceOf): ApplyingLimit {
  const given = levels.find(([level, path]) => has(level.data, path))
  const [{ of, path: above }, path] = given ?? levels[levels.length - 1]
  return {
    of,
    name: path.join('.'),
    value,
    from: given === undefined ? 'default' : placeOf([...above, ...path]),
  }
}

function has(data: unknown, [step, ...rest]: Path): boolean {
  if (step === undefined) return data !== undefined
  return typeof data === 'object' && data !== null && has((data as Record<string, unknown>)[step], rest)
}
