/**
 * Groups of servers for conversations: how many, and what they try again.
 */
import { type Condition, GROUP_DEFAULTS, type GroupOptions } from '../../src/upstream/options.ts'
import { serverAddress } from './playbook.ts'

/** Servers 10.0.0.1, 10.0.0.2 and so on; `retry` and `more` are what is not the default. */
export function group(
  servers: number,
  retry: Partial<GroupOptions['retry']> = {},
  more: Partial<GroupOptions> = {},
): { group: Partial<GroupOptions> } {
  const addresses = Array.from({ length: servers }, (_, i) => serverAddress(i + 1))
  return { group: { servers: addresses, retry: { ...GROUP_DEFAULTS.retry, ...retry }, ...more } }
}

export const on = (...conditions: Condition[]) => ({ on: new Set(conditions) })
