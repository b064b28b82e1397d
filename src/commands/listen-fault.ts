/**
 * Why an address could not be listened on, with what to do about it.
 */

import { existsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { parseIp, withoutZone } from '../base/ip.ts'

/** `platform` as in `process.platform`: the tools that name the owner of a port differ. */
export function listenFault(error: NodeJS.ErrnoException, platform: string): string {
  const { address, hostname, port = 0 } = error as { address?: string; hostname?: string; port?: number }
  if (hostname !== undefined)
    return `cannot listen on ${hostname}: the name does not resolve: write an IP address of this machine`
  if (address === undefined) return `cannot listen: ${error.message}`
  if (parseIp(withoutZone(address)) === null)
    return `cannot listen on unix:${address}: ${unixReason(error, address)}`
  const name = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
  return `cannot listen on ${name}: ${tcpReason(error, address, port, platform)}`
}

function tcpReason(error: NodeJS.ErrnoException, address: string, port: number, platform: string): string {
  switch (error.code) {
    case 'EADDRINUSE':
      return `another program has the port; see which: ${ownerCommand(port, platform)}`
    case 'EACCES':
      return `ports below 1024 need a right of their own: take a port from 1024 on, or allow it: sudo setcap cap_net_bind_service=+ep "$(readlink -f "$(command -v node)")"`
    case 'EADDRNOTAVAIL':
      return `this machine has no address ${address}; see which it has: ${platform === 'linux' ? 'ip address' : 'ifconfig'}`
    case 'EAFNOSUPPORT':
      return 'this machine speaks no IPv6: write the address as 0.0.0.0'
    case 'EMFILE':
    case 'ENFILE':
      return 'no file descriptor is left: raise the limit (ulimit -n), or take fewer workers'
    default:
      return error.message
  }
}

function ownerCommand(port: number, platform: string): string {
  return platform === 'linux' ? `ss -ltnp 'sport = :${port}'` : `lsof -nP -iTCP:${port} -sTCP:LISTEN`
}

function unixReason(error: NodeJS.ErrnoException, path: string): string {
  switch (error.code) {
    case 'EADDRINUSE':
      if (statSync(path, { throwIfNoEntry: false })?.isSocket() === false)
        return 'something that is not a socket stands there: remove it, or take another path'
      return `another program listens there; see which: lsof ${path}`
    case 'ENOENT':
    case 'EACCES':
      // A folder that is missing is EACCES here, too.
      return existsSync(dirname(path))
        ? 'the user that runs sluice may not write in that folder'
        : 'that folder is not there'
    default:
      return error.message
  }
}
