/**
 * Turns a checked config into what the core takes: numbers instead of words, handlers instead of names.
 * Strategy: everything is built once, here; per request nothing of the config is looked at again.
 */
import { resolve } from 'node:path'
import type { Cache, OpenStore } from '../cache/cache.ts'
import { type Handler, type Layer, stack } from '../exchange/handler.ts'
import { LIMITS, type Limits } from '../http1/limits.ts'
import { RedirectHandler } from '../layers/redirect.ts'
import { RespondHandler } from '../layers/respond.ts'
import {
  type ClientTimeouts,
  LISTENER_DEFAULTS,
  type ListenAddress,
  type ListenerOptions,
} from '../server/options.ts'
import { type Route, Router } from '../server/router.ts'
import type { ConnectServices } from '../upstream/connect.ts'
import { Group } from '../upstream/group.ts'
import { UpstreamHandler } from '../upstream/upstream-handler.ts'
import { parseAdminAddress, parseListenAddress } from './addresses.ts'
import { attemptRules } from './build-health.ts'
import { groupOptions } from './build-upstream.ts'
import { buildLayer } from './layers/build-layer.ts'
import type { Behind, LayerContext } from './layers/layer-config.ts'
import { bytesOf, defined, listOf, msOf } from './option-values.ts'
import type { Path } from './problems.ts'
import type { ConfigData, ListenerData, RouteData } from './schema.ts'

export interface Plan {
  readonly listeners: readonly ListenerOptions[]
  /** The handler of each listener, to be asked for its reasons. */
  readonly routers: readonly Router[]
  /** To be closed at the end: they hold connections. */
  readonly groups: readonly Group[]
  /** To be started when it serves and closed at the end: they hold memory and files. */
  readonly caches: readonly Cache[]
  /** Where it can be looked into and ruled, or null. */
  readonly admin: ListenAddress | null
  readonly drainTimeoutMs: number
  /** Processes that serve it. */
  readonly workers: number | 'auto'
  /** null: what suits the place where the lines go. */
  readonly logFormat: 'short' | 'combined' | 'json' | 'off' | null
  /** Absolute path, or null for stdout. */
  readonly logFile: string | null
}

export interface BuildContext {
  /** What relative names in the config are relative to. */
  readonly folder: string
  placeOf(path: Path): string
}

/** For who wants to see what becomes of a request; a plan that serves has none of it. */
export interface PlanHooks {
  /** A layer that stands before layer `at` of a route, or behind the last one: before who answers. */
  readonly step?: (route: Path, at: number) => Layer
  /** What caches open instead of the stores of the config. */
  readonly openStore?: OpenStore
  /** What groups connect with instead of the network. */
  readonly services?: Partial<ConnectServices>
}

const DRAIN_TIMEOUT_MS = 30_000

/** `config` has passed the check. Throws Error with the place for what a layer or the router refuses all the same. */
export function buildPlan(config: ConfigData, context: BuildContext, hooks: PlanHooks = {}): Plan {
  const upstreams = Object.entries(config.upstreams ?? {})
  const groups = upstreams.map(([name, upstream]) => new Group(groupOptions(name, upstream), hooks.services))
  const handlers = new Map(groups.map(group => [group.options.name, new UpstreamHandler(group)]))
  const caches: Cache[] = []
  const routers = config.listeners.map((listener, index) => {
    const path: Path = ['listeners', index]
    const routes = listener.routes.map((route, at) =>
      buildRoute(route, handlers, { ...context, caches }, [...path, 'routes', at], hooks),
    )
    return placed(context, path, () => new Router(routes))
  })
  return {
    listeners: config.listeners.map((listener, index) => listenerOptions(listener, routers[index])),
    routers,
    groups,
    caches,
    admin: adminOf(config.admin),
    drainTimeoutMs: msOf(config.drainTimeout) ?? DRAIN_TIMEOUT_MS,
    workers: config.workers ?? 1,
    logFormat: config.log?.format ?? null,
    logFile: config.log?.file === undefined ? null : resolve(context.folder, config.log.file),
  }
}

function buildRoute(
  route: RouteData,
  handlers: ReadonlyMap<string, UpstreamHandler>,
  context: BuildContext & Pick<LayerContext, 'caches'>,
  path: Path,
  hooks: PlanHooks,
): Route {
  const { layers = [] } = route
  const { folder, caches } = context
  return {
    hosts: listOf(route.host),
    paths: listOf(route.path),
    methods: listOf(route.method),
    handler: placed(context, path, () =>
      stack(
        withSteps(
          layers.map((layer, at) =>
            buildLayer(layer, { folder, caches, behind: behind(route, at), openStore: hooks.openStore }),
          ),
          path,
          hooks,
        ),
        targetOf(route, handlers),
      ),
    ),
    place: context.placeOf(path),
  }
}

/** Where a config is ruled from, or null. */
export function adminOf(admin: ConfigData['admin']): ListenAddress | null {
  if (admin === undefined) return null
  return parseAdminAddress(typeof admin === 'object' ? admin.listen : admin)
}

/** What stands behind layer `at`. */
function behind({ layers = [], to, redirect, respond }: RouteData, at: number): Behind {
  const own = to === undefined ? [redirect ?? respond] : []
  const name = to ?? (redirect === undefined ? 'respond' : 'redirect')
  return { name, parts: [...layers.slice(at + 1), ...own] }
}

function withSteps(layers: readonly Layer[], path: Path, { step }: PlanHooks): readonly Layer[] {
  if (step === undefined) return layers
  return [...layers.flatMap((layer, at) => [step(path, at), layer]), step(path, layers.length)]
}

function targetOf(route: RouteData, handlers: ReadonlyMap<string, UpstreamHandler>): Handler {
  if (route.redirect !== undefined) {
    const { to, status = 302 } = typeof route.redirect === 'string' ? { to: route.redirect } : route.redirect
    return new RedirectHandler({ to, status })
  }
  if (route.respond !== undefined) {
    const {
      status = 200,
      body,
      headers,
    } = typeof route.respond === 'string' ? { body: route.respond } : route.respond
    return new RespondHandler({ status, body, headers })
  }
  const handler = handlers.get(route.to ?? '')
  if (handler === undefined) throw new Error(`no upstream is called ${JSON.stringify(route.to)}`)
  if (route.timeouts === undefined && route.retry === undefined) return handler
  return new UpstreamHandler(handler.group, attemptRules(route, handler.group.options))
}

function listenerOptions(listener: ListenerData, handler: Handler): ListenerOptions {
  return {
    ...LISTENER_DEFAULTS,
    ...defined({
      forwarded: listener.forwarded,
      trust: listener.trust,
      connectionsMax: listener.connections,
      readAheadBytesMax: bytesOf(listener.readAhead),
      halfClose: listener.halfClose,
    }),
    address: parseListenAddress(listener.listen),
    kind: 'proxy',
    handler,
    limits: limitsOf(listener.limits),
    timeouts: timeoutsOf(listener.timeouts),
  }
}

function limitsOf(limits: ListenerData['limits'] = {}): Limits {
  return {
    ...LIMITS,
    ...defined({
      targetBytesMax: bytesOf(limits.target),
      headBytesMax: bytesOf(limits.head),
      fieldsMax: limits.fields,
      emptyLinesMax: limits.emptyLines,
      chunkLineBytesMax: bytesOf(limits.chunkLine),
      trailerBytesMax: bytesOf(limits.trailer),
    }),
  }
}

function timeoutsOf(timeouts: ListenerData['timeouts'] = {}): ClientTimeouts {
  return {
    ...LISTENER_DEFAULTS.timeouts,
    ...defined({
      headTimeoutMs: msOf(timeouts.head),
      idleTimeoutMs: msOf(timeouts.idle),
      bodyTimeoutMs: msOf(timeouts.body),
      lingerTimeoutMs: msOf(timeouts.linger),
    }),
  }
}

function placed<T>(context: BuildContext, path: Path, build: () => T): T {
  try {
    return build()
  } catch (error) {
    throw new Error(`${context.placeOf(path)}: ${(error as Error).message}`)
  }
}
