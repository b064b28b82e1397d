/**
 * Addresses as people write them: where to listen, which servers to ask, whom to trust.
 * Strategy: one parse function a kind; each throws a RangeError whose message says what to write instead.
 */
import { formatIp, parseIp, parseNetwork } from '../base/ip.ts'
import type { ListenAddress } from '../server/options.ts'
import type { ServerAddress } from '../upstream/options.ts'

/** What a unix socket path may hold on Linux: `sun_path` is 108 bytes with its closing NUL. */
const UNIX_PATH_BYTES_MAX = 107
const HOST_NAME_CHARS_MAX = 253

/**
 * `8080` and `:8080` (every interface), `127.0.0.1:8080`, `localhost:8080`, `[::1]:8080`, `unix:/run/sluice.sock`.
 * Every interface is the host `::`, which takes IPv4 as well where the system has IPv6.
 * @throws RangeError
 */
export function parseListenAddress(written: string | number): ListenAddress {
  const text = String(written)
  if (text.startsWith('unix:')) return { kind: 'unix', path: unixPath(text, 'unix:/run/sluice.sock') }
  if (/^:?[0-9]+$/.test(text))
    return { kind: 'tcp', host: '::', port: portOf(text.replace(':', ''), text, 0) }
  const parts = splitHostPort(text)
  if (parts === null)
    throw notAn(text, 'an address to listen on', '"127.0.0.1:8080", ":8080" or "unix:/run/sluice.sock"')
  if (text.includes('://'))
    throw new RangeError(`${quote(text)} is a URL: write only the address, for example "127.0.0.1:8080"`)
  if (parts.host === '*')
    throw new RangeError(`${quote(text)}: write ":${parts.port ?? '8080'}" to listen on every interface`)
  checkHost(parts.host, text)
  if (parts.port === null) throw new RangeError(`${quote(text)} has no port: write "${text}:8080"`)
  return { kind: 'tcp', host: parts.host, port: portOf(parts.port, text, 0) }
}

/**
 * Where the program answers those who rule it: an address of this machine alone, or a unix socket.
 * @throws RangeError
 */
export function parseAdminAddress(written: string | number): ListenAddress {
  const address = parseListenAddress(written)
  if (address.kind === 'unix') return address
  // Not what the name means today: that may be an address that others reach.
  if (address.host === 'localhost') return { ...address, host: '127.0.0.1' }
  const loopback = (isIPv4(address.host) && address.host.startsWith('127.')) || isLoopback6(address.host)
  if (loopback) return address
  throw new RangeError(
    `${quote(String(written))} can be reached from other machines, and who reaches it may purge: write "127.0.0.1:${address.port}" or "unix:/run/sluice-admin.sock"`,
  )
}

/**
 * `127.0.0.1:9000`, `shop.internal` (port 80), `[::1]:9000`, `http://host:port/path`, `unix:/run/shop.sock`.
 * @throws RangeError
 */
export function parseServerAddress(text: string, weight = 1, priority = 1): ServerAddress {
  if (text.startsWith('unix:')) {
    const path = unixPath(text, 'unix:/run/shop.sock')
    return { host: '', port: 0, unixPath: path, basePath: '', label: text, weight, priority }
  }
  const { rest, basePath } = splitScheme(text)
  const parts = splitHostPort(rest)
  if (parts === null)
    throw notAn(
      text,
      'the address of a server',
      '"127.0.0.1:9000", "http://shop.internal/base" or "unix:/run/shop.sock"',
    )
  checkHost(parts.host, text)
  const port = parts.port === null ? 80 : portOf(parts.port, text, 1)
  const bracketed = parts.host.includes(':') ? `[${parts.host}]` : parts.host
  return {
    host: parts.host,
    port,
    unixPath: '',
    basePath,
    label: port === 80 ? bracketed : `${bracketed}:${port}`,
    weight,
    priority,
  }
}

/**
 * A network whose forwarding fields are believed: `10.0.0.0/8`, `fd00::/8`, `192.0.2.7`.
 * @throws RangeError
 */
export function checkNetwork(text: string): void {
  if (parseNetwork(text) !== null) return
  const address = text.slice(0, text.indexOf('/'))
  if (parseIp(address) === null) throw notAn(text, 'a network', '"10.0.0.0/8", "fd00::/8" or "192.0.2.7"')
  throw new RangeError(
    `${quote(text)}: the length after the slash is a number from 0 to ${isIPv4(address) ? 32 : 128}`,
  )
}

function isLoopback6(text: string): boolean {
  const bytes = parseIp(text)
  return bytes !== null && formatIp(bytes) === '::1'
}

const isIPv4 = (text: string): boolean => !text.includes(':') && parseIp(text) !== null
const isIPv6 = (text: string): boolean => text.includes(':') && parseIp(text) !== null

/** A name of the DNS as it is used inside networks too: underscores are let through. */
export function isHostName(text: string): boolean {
  if (text.length > HOST_NAME_CHARS_MAX) return false
  const labels = text.replace(/\.$/, '').split('.')
  // A last label of digits only is read as a number by URL parsers: `127.1` would be another host for each reader.
  if (/^[0-9]+$/.test(labels[labels.length - 1])) return false
  return labels.every(label => /^[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/.test(label))
}

/** Null where the text is not `host`, `host:port` or `[address]:port`. The port is not checked yet. */
function splitHostPort(text: string): { host: string; port: string | null } | null {
  const match = /^(?:\[([^\]]*)\]|([^:[\]]+))(?::([0-9]+))?$/.exec(text)
  if (match) return { host: match[1] ?? match[2], port: match[3] ?? null }
  return isIPv6(text) ? { host: text, port: null } : null
}

function splitScheme(text: string): { rest: string; basePath: string } {
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//.exec(text)
  if (!scheme) return splitPath(text, text)
  if (scheme[1].toLowerCase() === 'https') {
    const plain = text.replace(/^https/i, 'http')
    throw new RangeError(
      `${quote(text)}: TLS to upstream servers is not served yet: write "${plain}" if the server takes plain HTTP`,
    )
  }
  if (scheme[1].toLowerCase() !== 'http')
    throw new RangeError(
      `${quote(text)}: servers speak http here: write "http://${text.slice(scheme[0].length)}"`,
    )
  return splitPath(text.slice(scheme[0].length), text)
}

function splitPath(rest: string, text: string): { rest: string; basePath: string } {
  const start = rest.search(/[/?#]/)
  if (start === -1) return { rest, basePath: '' }
  const path = rest.slice(start)
  if (!/^\/[!-~]*$/.test(path) || /[?#]/.test(path)) {
    throw new RangeError(
      `${quote(text)}: what follows the address is a plain path, without query and fragment`,
    )
  }
  return { rest: rest.slice(0, start), basePath: path.replace(/\/+$/, '') }
}

function checkHost(host: string, text: string): void {
  if (host.includes('@'))
    throw new RangeError(`${quote(text)}: an address holds no user name and no password`)
  if (isIPv4(host) || isHostName(host)) return
  if (isIPv6(host)) {
    if (text.includes(`[${host}]`)) return
    throw new RangeError(`${quote(text)}: an IPv6 address stands in brackets: write "[${host}]:8080"`)
  }
  if (/^[0-9]+$/.test(host)) throw new RangeError(`${quote(text)} is only a port: write "127.0.0.1:${host}"`)
  if (/[^\0-\x7f]/.test(host))
    throw new RangeError(
      `${quote(text)}: write the host in its ASCII form: "${new URL(`http://${host}`).hostname}"`,
    )
  const found = host === text ? quote(text) : `${quote(text)}: ${quote(host)}`
  throw new RangeError(
    `${found} is not a host name and not an IP address: write for example "127.0.0.1:8080"`,
  )
}

function portOf(digits: string, text: string, least: number): number {
  const port = Number(digits)
  if (port >= least && port <= 65_535) return port
  throw new RangeError(`${quote(text)}: a port is a number from ${least} to 65535`)
}

function unixPath(text: string, example: string): string {
  const path = text.slice('unix:'.length)
  if (path === '' || path.includes('\0')) throw notAn(text, 'the path of a unix socket', quote(example))
  if (path.startsWith('//')) throw new RangeError(`${quote(text)}: write "unix:${path.replace(/^\/+/, '/')}"`)
  if (Buffer.byteLength(path) <= UNIX_PATH_BYTES_MAX) return path
  throw new RangeError(
    `${quote(text)}: the path of a unix socket holds at most ${UNIX_PATH_BYTES_MAX} bytes: choose a shorter one`,
  )
}

function notAn(text: string, what: string, examples: string): RangeError {
  return new RangeError(`${quote(text)} is not ${what}: write for example ${examples}`)
}

function quote(text: string): string {
  return JSON.stringify(text)
}
