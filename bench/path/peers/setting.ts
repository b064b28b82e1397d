/**
 * What every Node peer is told and tells: two ports on the command line, one line on stdout once it listens.
 * Strategy: the packages are imported by a name that the type checker does not follow, because they live in
 * a package of their own which need not be installed for the product to be checked.
 */
import type { Server } from 'node:http'

const [ownPort, originPort] = process.argv.slice(2).map(Number)
if (!ownPort || !originPort) {
  process.stderr.write('usage: node PEER.ts PORT ORIGIN-PORT\n')
  process.exit(2)
}

export const port = ownPort
export const originUrl = `http://127.0.0.1:${originPort}`

/** As many upstream connections as the load has clients: no peer is to wait for a free one. */
export const upstreamConnectionsMax = 256

/** Longer than any run: otherwise Node's five seconds would cut the idle work short. */
export const keepAliveTimeoutMs = 300_000

/** Imports a package of bench/path/peers/node_modules, untyped. */
export const load = (name: string) => import(name)

export const announce = () => process.stdout.write(`listening http://127.0.0.1:${port}\n`)

/** Listens on the port that the bench chose, with the settings that all peers on node:http share. */
export function serve(server: Server): void {
  server.keepAliveTimeout = keepAliveTimeoutMs
  server.listen(port, '127.0.0.1', announce)
}
