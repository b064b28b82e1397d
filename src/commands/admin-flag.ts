/**
 * `--admin`: where the program answers those who rule it; the flag wins over the config.
 */
import { parseAdminAddress } from '../config/addresses.ts'
import { messageOf } from '../config/problems.ts'
import type { ListenAddress } from '../server/options.ts'
import type { Values } from './command.ts'

export interface AdminFlag {
  readonly address: ListenAddress | null
  readonly faults: readonly string[]
}

export function adminFlag(values: Values): AdminFlag {
  const written = values.text('admin')
  if (written === null) return { address: null, faults: [] }
  const message = messageOf(() => parseAdminAddress(written))
  if (message !== null) return { address: null, faults: [`--admin: ${message}`] }
  return { address: parseAdminAddress(written), faults: [] }
}
