/**
 * What is told of a request, as data: what `--json` prints, and what the text for people is made of.
 * Strategy: a dry run says what happens; the config says where that is written.
 */
import { ERRORS, type ErrorCode } from '../../base/errors.ts'
import { parseListenAddress } from '../../config/addresses.ts'
import { LAYERS, type LayerName } from '../../config/layers/index.ts'
import type { LayerConfig } from '../../config/layers/layer-config.ts'
import { listOf } from '../../config/option-values.ts'
import type { Path } from '../../config/problems.ts'
import type { ReadConfig } from '../../config/read-config.ts'
import type { ConfigData, RouteData } from '../../config/schema.ts'
import type { UpstreamData } from '../../config/schema-upstream.ts'
import type { Lost } from '../../server/router.ts'
import { type ApplyingLimit, listenerLimits, upstreamLimits } from './applying-limits.ts'
import type { Asked } from './asked.ts'
import { type ExplainedCache, explainedCache, partsOf } from './cached.ts'
import { type ExplainedServer, explainedServers, whyPicked } from './choice.ts'
import { type DryAnswer, type DryRun, dryRun, type Step } from './dry-run.ts'
import { masked, maskedField } from './masking.ts'
import type { ExplainedProgram, Running } from './running.ts'

/** Name and value, in the order of the message. */
type Field = readonly [name: string, value: string]

/** Fields may be added to these types; none changes its meaning. Places are `file:line:column`. */
export interface Explanation {
  readonly file: string
  readonly request: {
    readonly method: string
    readonly target: string
    /** As the URL has it; '' when it names none. */
    readonly authority: string
    readonly client: string
  }
  /** What was assumed. */
  readonly notes: readonly string[]
  /** The program that serves this config and was asked; null when none runs here. */
  readonly running: ExplainedProgram | null
  /** Those that could take it. */
  readonly listeners: readonly ExplainedListener[]
}

export interface ExplainedListener {
  readonly listen: string
  readonly place: string
  /** Routes that did not take it, in order, up to the one that did. */
  readonly tried: readonly { readonly place: string; readonly lost: Lost; readonly why: string }[]
  /** The one that takes it, or null. */
  readonly route: ExplainedRoute | null
  readonly layers: readonly ExplainedLayer[]
  /** What the cache of the route makes of it; null when there is none, or the request does not get there. */
  readonly cache: ExplainedCache | null
  /** Who makes the answer; `nobody`: the dry run did not come to an end. */
  readonly answeredBy: 'proxy' | 'layer' | 'redirect' | 'respond' | 'upstream' | 'nobody'
  /** The error that is answered, or null. */
  readonly error: { readonly code: string; readonly words: string; readonly detail: string } | null
  readonly upstream: ExplainedUpstream | null
  /** What a server would get, when one is asked. */
  readonly serverRequest: {
    readonly method: string
    readonly target: string
    readonly fields: readonly Field[]
  } | null
  readonly limits: readonly ApplyingLimit[]
  /** What the client would get; from an upstream it is what becomes of an empty 200. Without Date. */
  readonly answer: DryAnswer | null
}

export interface ExplainedRoute {
  readonly place: string
  readonly hosts: readonly string[]
  readonly paths: readonly string[]
  readonly methods: readonly string[]
}

export interface ExplainedLayer {
  readonly name: string
  readonly place: string
  /** Secrets are masked. */
  readonly options: unknown
  /** False: a layer before it has answered. */
  readonly reached: boolean
  /** What it changed of the request. */
  readonly changes: readonly string[]
  readonly answers: boolean
}

export interface ExplainedUpstream {
  readonly name: string
  readonly place: string
  readonly balance: unknown
  readonly servers: readonly ExplainedServer[]
  /** The servers are as the running program says; else as after a start. */
  readonly live: boolean
  readonly why: string
}

/** Rejects with the words of `buildPlan` for a config that cannot be built. */
export async function explanationOf(
  config: ConfigData,
  found: ReadConfig,
  asked: Asked,
  running: Running | null = null,
): Promise<Explanation> {
  const { indexes, note } = askedListeners(config, asked)
  const listeners: ExplainedListener[] = []
  for (const index of indexes) listeners.push(await explained(config, found, index, asked, running))
  return {
    file: found.file,
    request: {
      method: asked.method,
      target: asked.target,
      authority: asked.authority,
      client: asked.client,
    },
    notes: note === '' ? asked.notes : [...asked.notes, note],
    running: running?.program ?? null,
    listeners,
  }
}

async function explained(
  config: ConfigData,
  found: ReadConfig,
  index: number,
  asked: Asked,
  running: Running | null,
): Promise<ExplainedListener> {
  const run = await dryRun(config, found, index, asked, running)
  const cache = await cacheOf(config, found, run, running)
  return explainedListener(config, found, index, run, running, cache)
}

/** Without a program that runs, what is stored is not known: a store on disk may hold it all the same. */
async function cacheOf(
  config: ConfigData,
  found: ReadConfig,
  run: DryRun,
  running: Running | null,
): Promise<ExplainedCache | null> {
  const placed = cacheLayers(config).map((path, at) => ({ path, cache: run.plan.caches[at] }))
  for (const { path, cache } of placed) {
    const step = run.steps.find(({ route, at }) => [...route, 'layers', at].join() === path.join())
    if (step === undefined) continue
    const nobody = 'no running sluice serves this config here: what is stored is not known'
    const heard = running === null ? nobody : await running.storedFor(partsOf(step))
    return explainedCache(cache, step, found.placeOf(path), heard)
  }
  return null
}

/** Where the caches of a plan stand in the config, in the order of the plan. */
function cacheLayers({ listeners }: ConfigData): Path[] {
  return listeners.flatMap(({ routes }, listener) =>
    routes.flatMap(({ layers = [] }, route) =>
      layers.flatMap((layer, at) =>
        layer.cache === undefined ? [] : [['listeners', listener, 'routes', route, 'layers', at]],
      ),
    ),
  )
}

/** The listeners on the port that was asked for; all of them when none is, or none was named. */
function askedListeners({ listeners }: ConfigData, { port }: Asked): { indexes: number[]; note: string } {
  const all = [...listeners.keys()]
  const onPort = all.filter(index => {
    const address = parseListenAddress(listeners[index].listen)
    return address.kind === 'tcp' && address.port === port
  })
  if (onPort.length > 0) return { indexes: onPort, note: '' }
  const whom = all.length === 1 ? 'the only listener' : 'every listener'
  return { indexes: all, note: port === null ? '' : `no listener has port ${port}: ${whom} is asked` }
}

function explainedListener(
  config: ConfigData,
  found: ReadConfig,
  index: number,
  run: DryRun,
  running: Running | null,
  cache: ExplainedCache | null,
): ExplainedListener {
  const listener = config.listeners[index]
  const path: Path = ['listeners', index]
  const step = run.steps.at(-1) ?? null
  const route = step === null ? null : (listener.routes[Number(step.route.at(-1))] ?? null)
  const group = run.plan.groups.find(each => each.options.name === route?.to) ?? null
  const placeOf = (each: Path) => found.placeOf(each)
  const forListener = listenerLimits(run.plan.listeners[index], listener, path, placeOf)
  const given = group === null ? undefined : config.upstreams?.[group.options.name]
  return {
    listen: String(listener.listen),
    place: placeOf([...path, 'listen']),
    tried: (run.trace?.tried ?? []).map(({ route: { place }, lost, why }) => ({ place, lost, why })),
    route: route === null || step === null ? null : explainedRoute(route, placeOf(step.route)),
    layers: route === null || step === null ? [] : explainedLayers(route, step, run, placeOf),
    cache,
    answeredBy: answeredBy(route, step, run),
    error: run.error === null ? null : errorOf(run.error),
    upstream:
      group === null
        ? null
        : {
            name: group.options.name,
            place: placeOf(['upstreams', group.options.name]),
            balance: masked(balanceOf(given) ?? group.options.balance, ['secret']),
            servers: explainedServers(group, run.endpoint, running),
            live: (running?.serversOf(group) ?? null) !== null,
            why: whyPicked(group, run.endpoint, run.choice, running),
          },
    serverRequest: serverRequestOf(run),
    limits:
      group === null || given === undefined || route === null || step === null
        ? forListener
        : [
            ...forListener,
            ...upstreamLimits(
              {
                options: group.options,
                upstream: given,
                route,
                routePath: step.route,
                isUpgrade: run.serverHead?.headers.has('Upgrade') === true,
              },
              placeOf,
            ),
          ],
    answer: run.answer,
  }
}

const balanceOf = (upstream: UpstreamData | undefined): unknown =>
  typeof upstream === 'object' && 'balance' in upstream ? upstream.balance : undefined

function errorOf({ code, detail }: { code: string; detail: string }): ExplainedListener['error'] {
  return { code, words: ERRORS[code as ErrorCode].words, detail }
}

function explainedRoute(route: RouteData, place: string): ExplainedRoute {
  return { place, hosts: listOf(route.host), paths: listOf(route.path), methods: listOf(route.method) }
}

function answeredBy(
  route: RouteData | null,
  step: Step | null,
  run: DryRun,
): ExplainedListener['answeredBy'] {
  if (run.answer === null) return 'nobody'
  if (route === null || step === null) return 'proxy'
  if (step.at < (route.layers?.length ?? 0)) return 'layer'
  if (route.redirect !== undefined) return 'redirect'
  if (route.respond !== undefined) return 'respond'
  return run.serverHead === null ? 'proxy' : 'upstream'
}

function explainedLayers(
  route: RouteData,
  last: Step,
  { steps, answer }: DryRun,
  placeOf: (path: Path) => string,
): ExplainedLayer[] {
  return (route.layers ?? []).map((layer, index) => {
    const [[name, options]] = Object.entries(layer)
    const config: Pick<LayerConfig<never>, 'secrets'> = LAYERS[name as LayerName]
    const [before, after] = [steps[index], steps[index + 1]]
    return {
      name,
      place: placeOf([...last.route, 'layers', index]),
      options: masked(options, config.secrets),
      reached: index <= last.at,
      changes: before === undefined || after === undefined ? [] : changes(before, after),
      answers: index === last.at && answer !== null,
    }
  })
}

/** `target /a → /b`, `- name: value`, `+ name: value`. */
function changes(before: Step, after: Step): string[] {
  const target =
    before.originTarget === after.originTarget
      ? []
      : [`target ${before.originTarget} → ${after.originTarget}`]
  return [
    ...target,
    ...without(before.fields, after.fields).map(line => `- ${maskedLine(line)}`),
    ...without(after.fields, before.fields).map(line => `+ ${maskedLine(line)}`),
  ]
}

/** What stands in one list more often than in the other. */
function without(list: readonly string[], other: readonly string[]): string[] {
  const left = [...other]
  return list.filter(line => {
    const at = left.indexOf(line)
    if (at !== -1) left.splice(at, 1)
    return at === -1
  })
}

function maskedLine(line: string): string {
  const name = line.slice(0, line.indexOf(':'))
  return `${name}: ${maskedField(name, line.slice(name.length + 2))}`
}

function serverRequestOf({ serverHead }: DryRun): ExplainedListener['serverRequest'] {
  if (serverHead === null) return null
  const { method, target, headers } = serverHead
  return {
    method,
    target,
    fields: headers.entries().map(([name, value]) => [name, maskedField(name, value)]),
  }
}
