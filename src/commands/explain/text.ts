/**
 * An explanation for people: from the listener down to the answer, each part with its place.
 */
import { columns, printable } from '../table.ts'
import type { ApplyingLimit } from './applying-limits.ts'
import type { ExplainedCache, ExplainedVariant } from './cached.ts'
import type {
  ExplainedLayer,
  ExplainedListener,
  ExplainedRoute,
  ExplainedUpstream,
  Explanation,
} from './explanation.ts'
import type { ExplainedProgram } from './running.ts'

/** Characters of a layer's options, and of an answer's text, that are shown. */
const OPTIONS_LENGTH_MAX = 300
const BODY_LENGTH_MAX = 1000

export function textOf(explanation: Explanation): string {
  const { method, target, authority, client } = explanation.request
  const url = authority === '' ? target : `http://${authority}${target}`
  return [
    `${method} ${url} from ${client}`,
    ...explanation.notes.map(note => `  ${note}`),
    ...programLines(explanation.running),
    ...explanation.listeners.flatMap(listener => ['', ...listenerLines(listener, explanation.running)]),
  ].join('\n')
}

function programLines(running: ExplainedProgram | null): string[] {
  if (running === null || running.upToDate) return []
  return [`  ${nameOf(running)} serves another config than the file has now: SIGHUP makes it read the file`]
}

function nameOf({ pid, workers, silent }: ExplainedProgram): string {
  const all = workers + silent
  const unheard = silent === 0 ? '' : `, ${silent} of them silent`
  return `the running sluice (pid ${pid}, ${all} worker${all === 1 ? '' : 's'}${unheard})`
}

function listenerLines(listener: ExplainedListener, running: ExplainedProgram | null): string[] {
  return [
    `listener ${listener.listen}  (${listener.place})`,
    ...indented([
      ...routeLines(listener),
      ...section('layers, in this order', listener.layers.flatMap(layerLines)),
      ...(listener.cache === null ? [] : cacheLines(listener.cache)),
      ...section('time limits and retries', limitLines(listener.limits, listener.route !== null)),
      ...(listener.upstream === null ? [] : upstreamLines(listener.upstream, running)),
      ...serverLines(listener),
      ...answerLines(listener),
    ]),
  ]
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`${title}:`, ...indented(lines)]
}

const indented = (lines: readonly string[]): string[] => lines.map(line => (line === '' ? '' : `  ${line}`))

function routeLines({ tried, route }: ExplainedListener): string[] {
  const lost = tried.map(({ place, lost, why }) => [place, `no: ${lost}: ${why}`])
  const won = route === null ? [] : [[route.place, `takes it: ${conditions(route)}`]]
  const lines = columns([...lost, ...won])
  if (route !== null) return section('routes, in this order', lines)
  return [
    ...section('routes, in this order', lines),
    tried.length === 0 ? 'no route was asked: the request is answered before' : 'no route takes it',
  ]
}

function conditions({ hosts, paths, methods }: ExplainedRoute): string {
  const parts = [
    hosts.length === 0 ? '' : `host ${hosts.join(' or ')}`,
    paths.length === 0 ? '' : `path ${paths.join(' or ')}`,
    methods.length === 0 ? '' : `method ${methods.join(' or ')}`,
  ].filter(part => part !== '')
  return parts.length === 0 ? 'it takes every request' : parts.join(', ')
}

function layerLines({ name, place, options, reached, changes, answers }: ExplainedLayer): string[] {
  const state = answers ? '  <- answers' : reached ? '' : '  (not reached)'
  return [`${place}  ${name} ${shortened(compact(options))}${state}`, ...indented(changes)]
}

function cacheLines({ place, name, key, extras, passedBy, stored, note, storing }: ExplainedCache): string[] {
  const known =
    stored === null
      ? [note]
      : stored.length === 0
        ? ['nothing is stored for it']
        : stored.flatMap(variantLines)
  const [first] = storing
  const alike = storing.every(({ words, clause }) => words === first.words && clause === first.clause)
  const rows = alike ? [{ ...first, answer: 'any' }] : storing
  const would = columns(
    rows.map(({ answer, stored: is, clause, words }) => [
      answer,
      is ? 'stored' : 'not stored',
      `${clause}: ${words}`,
    ]),
  )
  return section(`cache ${name}  (${place})`, [
    `key ${key}`,
    ...(extras === ''
      ? []
      : ['and its fields and cookies that key of the config names, or a host or scheme unlike the key']),
    ...(passedBy === '' ? known : [`it is passed by: ${passedBy}`]),
    ...section('answers to this request would be', would),
  ])
}

function variantLines(variant: ExplainedVariant): string[] {
  const { status, bytes, vary, extras, workers, chosen, clause, words } = variant
  const fields = vary.map(([name, value]) => (value === null ? `no ${name}` : `${name}: ${value}`))
  const names = [...fields, ...(extras === '' ? [] : ['fields, cookies or origin beside the key'])]
  const which = names.length === 0 ? 'stored' : `stored for ${names.join(', ')}`
  const where = `in ${workers} worker${workers === 1 ? '' : 's'}`
  if (!chosen) return [`${which}, ${where}: for other requests`]
  return [
    `${which}, ${where}: ${status}, ${bytes} bytes`,
    ...indented([variant.arithmetic, `${USES[variant.use] ?? variant.use}: ${words} (${clause})`]),
  ]
}

const USES: Readonly<Record<string, string>> = {
  fresh: 'it answers',
  stale: 'it answers though stale',
  refresh: 'it answers, and is validated behind the client',
  validate: 'it is validated first',
}

function limitLines(limits: readonly ApplyingLimit[], routed: boolean): string[] {
  if (!routed) return []
  return columns(limits.map(({ of, name, value, from }) => [`${of} ${name}`, value, from]))
}

function upstreamLines(
  { name, place, balance, servers, live, why }: ExplainedUpstream,
  running: ExplainedProgram | null,
): string[] {
  const ranked = servers.some(({ priority }) => priority !== servers[0].priority)
  const rows = servers.map(({ address, weight, priority, state, live: said, picked }) => [
    address,
    ranked ? `priority ${priority}, weight ${weight}` : `weight ${weight}`,
    // Another program wrote it.
    printable(state).replaceAll('\n', '?'),
    ...(live ? [said === null ? '' : `${said.busy} running`] : []),
    picked ? `<- this request: ${why}` : '',
  ])
  const how = typeof balance === 'string' ? balance : compact(balance)
  const as = live && running !== null ? `as ${nameOf(running)} says` : 'as after a start'
  return section(`upstream ${name}, ${how}, its servers ${as}  (${place})`, columns(rows))
}

function isAnswered(cache: ExplainedCache | null): boolean {
  const chosen = cache?.passedBy === '' ? cache.stored?.find(each => each.chosen) : undefined
  return chosen !== undefined && chosen.use !== 'validate'
}

function serverLines({ serverRequest, cache }: ExplainedListener): string[] {
  if (serverRequest === null) return []
  const { method, target, fields } = serverRequest
  const title = isAnswered(cache)
    ? 'no server is asked while that is stored; else it would get'
    : 'the server would get'
  return section(title, [
    `${method} ${target} HTTP/1.1`,
    ...fields.map(([name, value]) => `${name}: ${value}`),
  ])
}

function answerLines(listener: ExplainedListener): string[] {
  const { answer, answeredBy, error } = listener
  if (answer === null) return ['nobody answers: the request is still waiting']
  const { status, reason, fields, body } = answer
  const who = {
    proxy: 'the proxy itself answers',
    layer: `the layer ${listener.layers.find(layer => layer.answers)?.name ?? ''} answers`,
    redirect: 'the route redirects',
    respond: 'the route answers with fixed text',
    upstream: 'the client would get, were the answer of the server an empty 200',
    nobody: '',
  }[answeredBy]
  const cause = error === null ? who : `${who} (${error.code})`
  const text = body.length > BODY_LENGTH_MAX ? `${body.slice(0, BODY_LENGTH_MAX)}…` : body
  return section(cause, [
    `HTTP/1.1 ${status} ${reason}`,
    ...fields.map(([name, value]) => `${name}: ${value}`),
    ...(text === '' ? [] : ['', ...printable(text).trimEnd().split('\n')]),
  ])
}

const shortened = (text: string): string =>
  text.length <= OPTIONS_LENGTH_MAX ? text : `${text.slice(0, OPTIONS_LENGTH_MAX)}…`

/** Data as one would write it in a config, in one line. */
function compact(data: unknown): string {
  if (Array.isArray(data)) return `[${data.map(compact).join(', ')}]`
  if (typeof data !== 'object' || data === null) return JSON.stringify(data) ?? ''
  const entries = Object.entries(data).filter(([, value]) => value !== undefined)
  if (entries.length === 0) return '{}'
  return `{ ${entries.map(([key, value]) => `${/^[A-Za-z_$][\w$]*$/.test(key) ? key : JSON.stringify(key)}: ${compact(value)}`).join(', ')} }`
}
