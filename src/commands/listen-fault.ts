/**
 * Why an address could not be listened on, with what to do about it.
 */

/** `platform` as in `process.platform`: the tools that name the owner of a port differ. */
export function listenFault(error: NodeJS.ErrnoException, platform: string): string {
  const { address = '', port } = error as { address?: string; port?: number }
  // For a unix socket Node gives its path as the address, and no port or -1.
  if (port === undefined || port < 0) return unixFault(error, address)
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
    default:
      return error.message
  }
}

function ownerCommand(port: number, platform: string): string {
  return platform === 'linux' ? `ss -ltnp 'sport = :${port}'` : `lsof -nP -iTCP:${port} -sTCP:LISTEN`
}

function unixFault(error: NodeJS.ErrnoException, path: string): string {
  switch (error.code) {
    case 'EADDRINUSE':
      return `cannot listen on unix:${path}: another program listens there; see which: lsof ${path}`
    case 'EACCES':
      return `cannot listen on unix:${path}: the user that runs sluice may not write in that folder`
    case 'ENOENT':
      return `cannot listen on unix:${path}: that folder is not there`
    case 'ENOTFOUND':
      return `cannot listen: ${error.message}: write an IP address of this machine`
    default:
      return `cannot listen${path === '' ? '' : ` on unix:${path}`}: ${error.message}`
  }
}
