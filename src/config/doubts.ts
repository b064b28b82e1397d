/**
 * What can be served but is hardly meant: warnings about servers and trust.
 * Strategy: like the cross-checks, on data that may have faults; what cannot be understood is left to the schema.
 */
import { formatIp, parseIp } from '../base/ip.ts'
import type { ListenAddress } from '../server/options.ts'
import type { ServerAddress } from '../upstream/options.ts'
import { parseListenAddress, parseServerAddress } from './addresses.ts'
import { type Path, type Problem, pathText, warning } from './problems.ts'

type Fields = Readonly<Record<string, unknown>>

interface PlacedServer {
  readonly path: Path
  readonly address: ServerAddress
}

/** Never throws, whatever the data is. */
export function doubts(data: unknown): Problem[] {
  const { upstreams, listeners } = fieldsOf(data)
  const groups = Object.entries(fieldsOf(upstreams)).map(([name, upstream]) => serversOf(name, upstream))
  const addresses = listOf(listeners).map(listener => listenAddress(fieldsOf(listener).listen))
  return [
    ...groups.flatMap(repeatedServers),
    ...groups.flat().flatMap(server => [...everyInterface(server), ...ownListener(server, addresses)]),
    ...listOf(listeners).flatMap((listener, index) => trustOfAll(fieldsOf(listener).trust, index)),
  ]
}

function serversOf(name: string, upstream: unknown): PlacedServer[] {
  const path: Path = ['upstreams', name]
  if (typeof upstream === 'string') return placed(path, upstream)
  const above: Path = Array.isArray(upstream) ? path : [...path, 'servers']
  const servers = listOf(Array.isArray(upstream) ? upstream : fieldsOf(upstream).servers)
  return servers.flatMap((server, index) =>
    typeof server === 'string'
      ? placed([...above, index], server)
      : placed([...above, index, 'address'], fieldsOf(server).address),
  )
}

function placed(path: Path, text: unknown): PlacedServer[] {
  const address = tried(() => parseServerAddress(String(text)))
  return typeof text === 'string' && address !== null ? [{ path, address }] : []
}

function repeatedServers(servers: readonly PlacedServer[]): Problem[] {
  return servers.flatMap(({ path, address }, index) => {
    const first = servers.slice(0, index).find(other => sameServer(other.address, address))
    if (first === undefined) return []
    return [
      warning(
        path,
        `the same server as ${pathText(first.path)}: write it once, with a weight if it shall get more`,
        {
          see: first.path,
        },
      ),
    ]
  })
}

function sameServer(one: ServerAddress, other: ServerAddress): boolean {
  return (
    one.unixPath === other.unixPath &&
    one.port === other.port &&
    one.basePath === other.basePath &&
    hostOf(one) === hostOf(other)
  )
}

function hostOf({ host }: ServerAddress): string {
  const bytes = parseIp(host)
  return bytes === null ? host.toLowerCase() : formatIp(bytes)
}

function everyInterface({ path, address }: PlacedServer): Problem[] {
  const host = hostOf(address)
  if (host !== '0.0.0.0' && host !== '::') return []
  const write = `${host === '::' ? '[::1]' : '127.0.0.1'}:${address.port}`
  return [warning(path, `"${host}" means every interface, and is nobody's address: write "${write}"`)]
}

function ownListener(
  { path, address }: PlacedServer,
  listeners: readonly (ListenAddress | null)[],
): Problem[] {
  const own = listeners.findIndex(listener => listener !== null && isThere(listener, address))
  if (own === -1) return []
  const see: Path = ['listeners', own, 'listen']
  return [
    warning(
      path,
      `${pathText(see)} listens there: requests would come back to this program again and again`,
      {
        see,
      },
    ),
  ]
}

function isThere(listener: ListenAddress, server: ServerAddress): boolean {
  if (listener.kind === 'unix') return listener.path === server.unixPath
  if (server.unixPath !== '' || listener.port === 0 || listener.port !== server.port) return false
  const host = hostOf(server)
  const isLocal = host === 'localhost' || host === '::1' || host.startsWith('127.')
  const everywhere = listener.host === '::' || (listener.host === '0.0.0.0' && host !== '::1')
  return everywhere ? isLocal : host === listener.host.toLowerCase()
}

function trustOfAll(trust: unknown, listener: number): Problem[] {
  return listOf(trust).flatMap((network, index) =>
    typeof network === 'string' && network.endsWith('/0')
      ? [
          warning(
            ['listeners', listener, 'trust', index],
            'every client may claim any address: write only the networks of your own proxies',
          ),
        ]
      : [],
  )
}

function listenAddress(written: unknown): ListenAddress | null {
  return typeof written === 'string' || typeof written === 'number'
    ? tried(() => parseListenAddress(written))
    : null
}

function tried<T>(call: () => T): T | null {
  try {
    return call()
  } catch {
    return null
  }
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {}
}

function listOf(value: unknown): readonly unknown[] {
  // A list with holes has undefined in them.
  return Array.isArray(value) ? Array.from(value) : []
}
