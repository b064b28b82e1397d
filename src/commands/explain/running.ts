/**
 * What the running program that serves this config says of its servers, when one runs here.
 * Strategy: every worker judges for itself, so what they say is laid together: what all say stands once, and what only
 * some say stands with their number. A program that does not answer leaves everything as after a start.
 */
import { join } from 'node:path'
import type { Heard as HeardOfCaches } from '../../admin/ask-workers.ts'
import type { UrlParts } from '../../cache/control.ts'
import type { ConfigData } from '../../config/schema.ts'
import { askLine } from '../../net/line-socket.ts'
import type { Endpoint } from '../../upstream/endpoint.ts'
import type { Group } from '../../upstream/group.ts'
import type { ServerState } from '../../upstream/group-state.ts'
import { cachesQuestion, readCaches } from '../caches-state.ts'
import { ANSWER_BYTES_MAX, type ProgramState, QUESTION, readState } from '../program-state.ts'
import { digestOf, folderFault, socketName, stateFolders } from '../state-place.ts'

/** The supervisor gives its workers a third of it. */
const ANSWER_TIMEOUT_MS = 1_500
const LIMITS = { timeoutMs: ANSWER_TIMEOUT_MS, bytesMax: ANSWER_BYTES_MAX }

/** The running program as it is shown. */
export interface ExplainedProgram {
  readonly pid: number
  readonly version: string
  /** Those that answered; all below is over them. */
  readonly workers: number
  /** Those that did not answer in time. */
  readonly silent: number
  /** It serves what the config file says now. */
  readonly upToDate: boolean
}

/** What workers say of one server. */
export interface LiveServer {
  readonly state: string
  /** Exchanges that run on it, over all workers. */
  readonly busy: number
  /** How many workers have it out of service. */
  readonly outIn: number
  /** Share of the traffic now, worker by worker. */
  readonly weights: readonly number[]
}

/** Of the two one at most is there; none when nothing runs. */
export interface Heard {
  readonly running: Running | null
  /** Why a program that runs tells nothing, or ''. */
  readonly note: string
}

const NOTHING: Heard = { running: null, note: '' }

/** `file` is the config, absolute. Never rejects. */
export async function askRunning(file: string, config: ConfigData): Promise<Heard> {
  for (const folder of stateFolders(process.env)) {
    // Somebody else could answer there.
    if (folderFault(folder) !== null) continue
    const answered = await askLine(join(folder, socketName(file)), QUESTION, LIMITS)
    if (answered === 'nobody') continue
    const state = answered === 'silent' ? null : readState(answered.line)
    if (state !== null && state.workers.length > 0)
      return { running: new Running(state, digestOf(config), join(folder, socketName(file))), note: '' }
    return {
      running: null,
      note: 'the running sluice does not say how its servers are: it was asked, and gave no answer in time',
    }
  }
  return NOTHING
}

export class Running {
  readonly program: ExplainedProgram
  #state: ProgramState
  #socket: string

  /** `digest`: of the config that is explained; `socket`: where it was asked. */
  constructor(state: ProgramState, digest: string, socket = '') {
    this.#socket = socket
    const { pid, version, workers, silent, config } = state
    this.program = { pid, version, workers: workers.length, silent, upToDate: config === digest }
    this.#state = state
  }

  /** What its workers have stored for a URL, or why that is not known. Never rejects. */
  async storedFor(url: UrlParts): Promise<HeardOfCaches | string> {
    const question = cachesQuestion(url)
    if (question === null) return 'the URL is too long to ask the running sluice for it'
    const answered = await askLine(this.#socket, question, LIMITS)
    const heard = typeof answered === 'string' ? null : readCaches(answered.line)
    return (
      heard ??
      'the running sluice does not say what it has stored: it was asked, and gave no answer that is understood'
    )
  }

  /** Server by server of the group as it is explained; null for one that does not run. Null when the whole group does not. */
  serversOf(group: Group): readonly (LiveServer | null)[] | null {
    const told = this.#state.workers.flatMap(({ groups }) =>
      groups.filter(({ name }) => name === group.options.name).map(({ servers }) => servers),
    )
    if (told.length === 0) return null
    return group.endpoints.map((endpoint, index) => {
      const nth = sameBefore(group.endpoints, index)
      const states = told.flatMap(servers => {
        const found = servers.filter(({ address }) => address === endpoint.address.label)
        return found.slice(nth, nth + 1)
      })
      return states.length === 0 ? null : together(states)
    })
  }

  /** Takes out of service whom all workers have out, so that a key meets the server that it meets there. */
  applyTo(group: Group): void {
    const servers = this.serversOf(group) ?? []
    group.endpoints.forEach((endpoint, index) => {
      const live = servers[index]
      if (live === null || live === undefined) return
      endpoint.out = live.outIn === live.weights.length
      // One that starts slowly has few keys yet; in workers that differ there is no one answer.
      if (live.weights.every(weight => weight === live.weights[0])) endpoint.weight = live.weights[0]
    })
    group.changed()
  }
}

/** A server may be listed twice. */
function sameBefore(endpoints: readonly Endpoint[], index: number): number {
  const { label } = endpoints[index].address
  return endpoints.slice(0, index).filter(({ address }) => address.label === label).length
}

function together(states: readonly ServerState[]): LiveServer {
  return {
    state: stateOver(states.map(({ state }) => state)),
    busy: states.reduce((sum, { busy }) => sum + busy, 0),
    outIn: states.filter(({ out }) => out).length,
    weights: states.map(({ weight }) => weight),
  }
}

/** `in` goes without saying where others have more to say. */
export function stateOver(states: readonly string[]): string {
  const counts = new Map<string, { words: string; count: number }>()
  for (const words of states) {
    const alike = withoutAmounts(words)
    const { count = 0 } = counts.get(alike) ?? {}
    counts.set(alike, { words: counts.get(alike)?.words ?? words, count: count + 1 })
  }
  const found = [...counts.values()]
  if (found.length === 1) return found[0].words
  return found
    .filter(({ words }) => words !== 'in')
    .map(({ words, count }) => `${words} (in ${count} of ${states.length} workers)`)
    .join('; ')
}

/** Workers do not count down together. */
const withoutAmounts = (words: string): string =>
  words.replace(/^out for [\d.]+s more/, 'out for').replace(/^slow start, \d+ %/, 'slow start')
