/**
 * `sluice proxy`: a reverse proxy without a config file.
 * Strategy: the flags are written into a config, and everything after that is what `sluice run` does; a fault
 * of the config is told by the flag it came from.
 */
import { checkData } from '../config/check.ts'
import type { Path } from '../config/problems.ts'
import { adminFlag } from './admin-flag.ts'
import type { Found, Output, Values } from './command.ts'
import { logFlags } from './log-flags.ts'
import { workersFaults } from './workers-flag.ts'

const DEFAULT_LISTEN = '127.0.0.1:8080'
const UPSTREAM = 'upstream'

export async function prepareProxy(values: Values, output: Output): Promise<Found> {
  const log = logFlags(values)
  const headers = headerFlags(values.list('set-header'))
  const layers = [
    // In front of compress: what is stored is compressed already, once for all who ask.
    ...cacheLayers(values),
    // In front of --set-header, so that it sees what that has set.
    ...(values.has('compress') ? [{ compress: {} }] : []),
    ...headers.layers,
  ]
  const missing =
    values.list('to').length === 0
      ? ['--to is missing: say who answers, for example: sluice proxy --to 127.0.0.1:9000']
      : []
  const { config, problems } = checkData(dataOf(values, layers), process.cwd())
  const told = problems.filter(({ path }) => missing.length === 0 || flagOf(path) !== '--to')
  const faults = [
    ...missing,
    ...log.faults,
    ...adminFlag(values).faults,
    ...workersFaults(values),
    ...headers.faults,
    ...told.map(({ path, message }) => `${flagOf(path)}: ${message}`),
  ]
  // Every listener has the same routes: what is wrong with them is wrong once.
  for (const fault of new Set(faults)) output.err(fault)
  return { config: faults.length > 0 ? null : config, folder: process.cwd(), files: [], placeOf: flagOf }
}

/** The flags as a config, not checked yet. */
function dataOf(values: Values, layers: readonly unknown[]): unknown {
  const hosts = values.list('host')
  const route = {
    ...(hosts.length > 0 ? { host: hosts } : {}),
    ...(layers.length > 0 ? { layers } : {}),
    to: UPSTREAM,
  }
  const listens = values.list('listen')
  return {
    upstreams: {
      [UPSTREAM]: {
        servers: values.list('to'),
        ...given('balance', values.text('balance')),
        ...given('retryFor', values.text('retry-for')),
      },
    },
    listeners: (listens.length > 0 ? listens : [DEFAULT_LISTEN]).map(listen => ({ listen, routes: [route] })),
    ...given('drainTimeout', values.text('drain-timeout')),
  }
}

function given(key: string, value: string | null): Record<string, string> {
  return value === null ? {} : { [key]: value }
}

function flagOf(path: Path): string {
  if (path[0] === 'drainTimeout') return '--drain-timeout'
  if (path[0] === 'upstreams') {
    if (path[2] === 'balance') return '--balance'
    return path[2] === 'retryFor' ? '--retry-for' : '--to'
  }
  if (path[4] === 'layers') {
    const name = path[6]
    return name === 'cache' || name === 'compress' ? `--${name}` : '--set-header'
  }
  return path[4] === 'host' ? '--host' : '--listen'
}

/** `--cache`: in memory; `--cache=DIR`: on disk as well. */
function cacheLayers(values: Values): unknown[] {
  const folder = values.text('cache')
  if (folder === null) return []
  return [{ cache: folder === '' ? {} : { disk: folder } }]
}

/** `name: value`, several times; the same name again adds a field. */
function headerFlags(given: readonly string[]): { layers: unknown[]; faults: string[] } {
  const set = new Map<string, string>()
  const add = new Map<string, string>()
  const faults: string[] = []
  for (const text of given) {
    const colon = text.indexOf(':')
    if (colon < 1) {
      faults.push(`--set-header: ${JSON.stringify(text)} is not a header: write 'name: value'`)
      continue
    }
    const name = text.slice(0, colon).toLowerCase()
    const fields = set.has(name) ? add : set
    fields.set(name, text.slice(colon + 1).trim())
  }
  const response = {
    set: Object.fromEntries(set),
    ...(add.size > 0 ? { add: Object.fromEntries(add) } : {}),
  }
  return { layers: set.size > 0 ? [{ headers: { response } }] : [], faults }
}
