/**
 * The servers of an upstream and which of them a request would go to, in words.
 */
import type { Endpoint } from '../../upstream/endpoint.ts'
import type { Choice, Group } from '../../upstream/group.ts'
import type { Balance } from '../../upstream/options.ts'

export interface ExplainedServer {
  readonly address: string
  readonly weight: number
  readonly priority: number
  /** What is known of it. */
  readonly state: string
  /** This request would go there. */
  readonly picked: boolean
}

export function explainedServers(group: Group, picked: Endpoint | null): ExplainedServer[] {
  return group.endpoints.map(endpoint => ({
    address: endpoint.address.label,
    weight: endpoint.address.weight,
    priority: endpoint.address.priority,
    state: endpoint.state,
    picked: endpoint === picked,
  }))
}

/** Why the server was picked. */
export function whyPicked(group: Group, picked: Endpoint | null, choice: Choice | null): string {
  if (picked === null) return 'no server is asked'
  if (group.endpoints.length === 1) return 'it is the only one'
  const { key, named, why } = choice ?? { key: null, named: null, why: '' }
  if (key !== null && named !== null) return named === picked ? `${key} stands for it` : `${key}: ${why}`
  const words = wordsOf(group.options.balance)
  return key === null ? words : `${key}: ${words}`
}

/** Without a key nothing of the request decides. */
function wordsOf(balance: Balance): string {
  if (typeof balance !== 'string')
    return 'sticky' in balance ? wordsOf(balance.sticky.otherwise) : 'without a key servers take turns'
  if (balance === 'least-busy') return 'it has the fewest running exchanges for its weight; equals take turns'
  if (balance === 'random-two') return 'the less busy of two servers drawn by lot'
  return 'servers take turns by their weights, and nobody had a turn yet'
}
