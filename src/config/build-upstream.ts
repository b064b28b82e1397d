/**
 * An upstream of a checked config → the options of a group.
 */
import {
  type Balance,
  GROUP_DEFAULTS,
  type GroupOptions,
  type ServerAddress,
  STICKY_DEFAULTS,
  type StickyOptions,
} from '../upstream/options.ts'
import { parseServerAddress } from './addresses.ts'
import { checkOptions, healthOptions, retryOptions } from './build-health.ts'
import { defined, msOf } from './option-values.ts'
import type { BalanceData, StickyData } from './schema-balance.ts'
import type { ServerData, UpstreamData } from './schema-upstream.ts'

export function groupOptions(name: string, upstream: UpstreamData): GroupOptions {
  const given =
    typeof upstream === 'string' || Array.isArray(upstream) ? { servers: [upstream].flat() } : upstream
  const connectionsMax = given.connections ?? GROUP_DEFAULTS.connectionsMax
  return {
    ...GROUP_DEFAULTS,
    ...defined({
      balance: balanceOf(given.balance),
      host: given.host,
      queueMax: given.queue,
      queueTimeoutMs: msOf(given.queueTimeout),
      idleTimeoutMs: msOf(given.idleTimeout),
      connectTimeoutMs: msOf(given.connectTimeout),
      headTimeoutMs: msOf(given.headTimeout),
      bodyTimeoutMs: msOf(given.bodyTimeout),
      tunnelTimeoutMs: msOf(given.tunnelTimeout),
      retryForMs: msOf(given.retryFor),
      resolveTtlMs: msOf(given.resolveTtl),
      retryBudget: given.retry?.budget,
      slowStartMs: msOf(given.slowStart),
    }),
    connectionsMax,
    idleConnectionsMax: Math.min(given.idleConnections ?? GROUP_DEFAULTS.idleConnectionsMax, connectionsMax),
    retry: retryOptions(given.retry ?? {}, GROUP_DEFAULTS.retry),
    health: healthOptions(given.health ?? {}),
    check: given.check === undefined ? null : checkOptions(given.check),
    name,
    servers: given.servers.map(serverAddress),
  }
}

function serverAddress(server: ServerData): ServerAddress {
  return typeof server === 'string'
    ? parseServerAddress(server)
    : parseServerAddress(server.address, server.weight, server.priority)
}

function balanceOf(balance: BalanceData | undefined): Balance | undefined {
  if (balance === undefined) return undefined
  if (balance === 'sticky') return { sticky: STICKY_DEFAULTS }
  if (typeof balance === 'string') return balance
  return balance.hash === undefined ? { sticky: stickyOptions(balance.sticky) } : { hash: balance.hash }
}

function stickyOptions({ maxAge, ...given }: StickyData): StickyOptions {
  return { ...STICKY_DEFAULTS, ...defined({ ...given, maxAgeMs: msOf(maxAge) }) }
}
