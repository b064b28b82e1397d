/**
 * How the servers of all groups are at this moment, as data for another process.
 */
import type { Endpoint } from './endpoint.ts'

export interface ServerState {
  readonly address: string
  /** In words, as in `Endpoint.state`. */
  readonly state: string
  readonly out: boolean
  /** Exchanges that run on it. */
  readonly busy: number
  /** Share of the traffic now. */
  readonly weight: number
}

export interface GroupState {
  readonly name: string
  /** In the order of the config. */
  readonly servers: readonly ServerState[]
}

/** Characters of all names, addresses and states; servers beyond are left out. */
const CHARS_MAX = 500_000

type Told = Pick<Endpoint, 'address' | 'state' | 'out' | 'busy' | 'weight'>

export function groupStates(
  groups: readonly { readonly options: { readonly name: string }; readonly endpoints: readonly Told[] }[],
): GroupState[] {
  let left = CHARS_MAX
  const fits = (text: string): boolean => {
    left -= text.length
    return left >= 0
  }
  return groups.flatMap(({ options: { name }, endpoints }) => {
    if (!fits(name)) return []
    return [{ name, servers: endpoints.map(stateOf).filter(({ address, state }) => fits(address + state)) }]
  })
}

function stateOf({ address, state, out, busy, weight }: Told): ServerState {
  return { address: address.label, state, out, busy, weight }
}
