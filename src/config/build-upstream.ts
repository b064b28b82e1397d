/**
 * An upstream of a checked config → the options of a group.
 */
import { GROUP_DEFAULTS, type GroupOptions, type ServerAddress } from '../upstream/options.ts'
import { parseServerAddress } from './addresses.ts'
import { defined, msOf } from './option-values.ts'
import type { ServerData, UpstreamData } from './schema-upstream.ts'

export function groupOptions(name: string, upstream: UpstreamData): GroupOptions {
  const given =
    typeof upstream === 'string' || Array.isArray(upstream) ? { servers: [upstream].flat() } : upstream
  const connectionsMax = given.connections ?? GROUP_DEFAULTS.connectionsMax
  return {
    ...GROUP_DEFAULTS,
    ...defined({
      balance: given.balance,
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
    }),
    connectionsMax,
    idleConnectionsMax: Math.min(given.idleConnections ?? GROUP_DEFAULTS.idleConnectionsMax, connectionsMax),
    name,
    servers: given.servers.map(serverAddress),
  }
}

function serverAddress(server: ServerData): ServerAddress {
  return typeof server === 'string'
    ? parseServerAddress(server)
    : parseServerAddress(server.address, server.weight)
}
