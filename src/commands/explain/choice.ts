/**
 * The servers of an upstream and which of them a request would go to, in words.
 */
import type { Endpoint } from '../../upstream/endpoint.ts'
import type { Choice, Group } from '../../upstream/group.ts'
import type { Balance } from '../../upstream/options.ts'
import type { LiveServer, Running } from './running.ts'

export interface ExplainedServer {
  readonly address: string
  readonly weight: number
  readonly priority: number
  /** What is known of it: what the running program says, else as after a start. */
  readonly state: string
  /** What the running program says; null when it does not know the server, or none runs. */
  readonly live: LiveServer | null
  /** This request would go there. */
  readonly picked: boolean
}

export function explainedServers(
  group: Group,
  picked: Endpoint | null,
  running: Running | null,
): ExplainedServer[] {
  const live = running?.serversOf(group) ?? null
  return group.endpoints.map((endpoint, index) => ({
    address: endpoint.address.label,
    weight: endpoint.address.weight,
    priority: endpoint.address.priority,
    state: live === null ? endpoint.state : (live[index]?.state ?? 'not known to it'),
    live: live?.[index] ?? null,
    picked: endpoint === picked,
  }))
}

/** Why the server was picked. */
export function whyPicked(
  group: Group,
  picked: Endpoint | null,
  choice: Choice | null,
  running: Running | null,
): string {
  if (picked === null) return 'no server is asked'
  if (group.endpoints.length === 1) return 'it is the only one'
  const all = group.endpoints.every(({ out }) => out) ? 'all are out, so all are tried: ' : ''
  const { key, named, why } = choice ?? { key: null, named: null, why: '' }
  if (key !== null && named !== null)
    return all + (named === picked ? `${key} stands for it` : `${key}: ${why}`)
  const words = wordsOf(group.options.balance, (running?.serversOf(group) ?? null) !== null)
  return all + (key === null ? words : `${key}: ${words}`)
}

/** Without a key nothing of the request decides. `runs`: whose turn it is, each worker alone knows. */
function wordsOf(balance: Balance, runs: boolean): string {
  if (typeof balance !== 'string') {
    if ('sticky' in balance) return wordsOf(balance.sticky.otherwise, runs)
    return runs ? `without a key ${WORKERS_TAKE_TURNS}` : 'without a key servers take turns'
  }
  if (balance === 'least-busy')
    return runs
      ? 'each worker gives it to whom it has the fewest running exchanges with, for its weight: it may be another'
      : 'it has the fewest running exchanges for its weight; equals take turns'
  if (balance === 'random-two') return 'the less busy of two servers drawn by lot'
  return runs ? WORKERS_TAKE_TURNS : 'servers take turns by their weights, and nobody had a turn yet'
}

const WORKERS_TAKE_TURNS =
  'servers take turns by their weights, and each worker takes its own turn: it may be another'
