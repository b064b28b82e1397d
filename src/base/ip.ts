/**
 * IP addresses and networks as bytes, without sockets or the resolver.
 * Strategy: an address becomes 4 or 16 bytes, networks are compiled once, and a look-up compares bytes. An
 * IPv4 address that a dual-stack socket shows as IPv6 (`::ffff:192.0.2.1`) counts as the IPv4 address it is.
 */

/** All addresses that share their first `bits` bits. Its 4 or 16 bytes may hold more bits; those are not looked at. */
export interface Network {
  readonly bytes: Uint8Array
  readonly bits: number
}

/** 4 bytes for IPv4 and IPv4-mapped IPv6, 16 bytes for other IPv6; null when the text is no address. No zone, no brackets. */
export function parseIp(text: string): Uint8Array | null {
  if (!text.includes(':')) return parseIpv4(text)
  const bytes = parseIpv6(text)
  return bytes !== null && isMapped(bytes) ? bytes.subarray(12) : bytes
}

/** The one spelling of an address: dotted for 4 bytes, RFC 5952 §4 for 16. */
export function formatIp(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.')
  const groups = Array.from({ length: 8 }, (_, i) => (bytes[2 * i] << 8) | bytes[2 * i + 1])
  const [start, length] = longestZeroRun(groups)
  const hex = groups.map(group => group.toString(16))
  // RFC 5952 §4.2.2: a single zero group is not shortened.
  if (length < 2) return hex.join(':')
  return `${hex.slice(0, start).join(':')}::${hex.slice(start + length).join(':')}`
}

/** `10.0.0.0/8`, `2001:db8::/32` or a single address; null when the text is neither. */
export function parseNetwork(text: string): Network | null {
  const slash = text.indexOf('/')
  const address = slash === -1 ? text : text.slice(0, slash)
  const bytes = parseIp(address)
  if (bytes === null) return null
  if (slash === -1) return { bytes, bits: bytes.length * 8 }
  const prefix = text.slice(slash + 1)
  if (!/^(?:0|[1-9]\d{0,2})$/.test(prefix)) return null
  // The prefix of a mapped network counts from the start of the IPv6 address: ::ffff:10.0.0.0/104 is 10.0.0.0/8.
  const bits = Number(prefix) - (bytes.length === 4 && address.includes(':') ? 96 : 0)
  return bits < 0 || bits > bytes.length * 8 ? null : { bytes, bits }
}

/**
 * Every network that is no part of the public internet: those that the registries of special addresses call not
 * globally reachable (RFC 6890 and its successors), with multicast left out, which nobody connects from.
 */
export const PRIVATE_NETWORKS: readonly string[] = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '240.0.0.0/4',
  '::/128',
  '::1/128',
  '64:ff9b:1::/48',
  '100::/64',
  '2001:db8::/32',
  'fc00::/7',
  'fe80::/10',
]

/** True when the address (text, a zone such as `%eth0` is not looked at) lies in one of the networks. */
export function inNetworks(networks: readonly Network[], address: string): boolean {
  if (networks.length === 0) return false
  const bytes = parseIp(withoutZone(address))
  return bytes !== null && networks.some(network => contains(network, bytes))
}

/** `fe80::1` for `fe80::1%eth0`: the zone means something on this machine only (RFC 4007 §6). */
export function withoutZone(address: string): string {
  const zone = address.indexOf('%')
  return zone === -1 ? address : address.slice(0, zone)
}

/** `192.0.2.1` for `::ffff:192.0.2.1`, as a dual-stack socket calls an IPv4 client; other text as it is. */
export function unmapped(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
}

function contains(network: Network, bytes: Uint8Array): boolean {
  if (network.bytes.length !== bytes.length) return false
  const whole = network.bits >> 3
  for (let i = 0; i < whole; i++) if (network.bytes[i] !== bytes[i]) return false
  const rest = network.bits & 7
  return rest === 0 || (network.bytes[whole] ^ bytes[whole]) >> (8 - rest) === 0
}

// Leading zeros are refused: half of all programs read 010 as ten, the others as eight.
const IPV4_PART = /^(?:0|[1-9]\d{0,2})$/

function parseIpv4(text: string): Uint8Array | null {
  const parts = text.split('.')
  if (parts.length !== 4) return null
  if (!parts.every(part => IPV4_PART.test(part) && Number(part) < 256)) return null
  return Uint8Array.from(parts, Number)
}

/** RFC 4291 §2.2: eight groups, one `::` for one or more groups of zeros, perhaps an IPv4 address at the end. */
function parseIpv6(text: string): Uint8Array | null {
  const plain = text.includes('.') ? tailAsGroups(text) : text
  if (plain === null) return null
  const halves = plain.split('::')
  if (halves.length > 2) return null
  const [before, after] = halves.map(half => (half === '' ? [] : half.split(':')))
  const missing = 8 - before.length - (after?.length ?? 0)
  if (after === undefined ? missing !== 0 : missing < 1) return null
  const groups = after === undefined ? before : [...before, ...Array<string>(missing).fill('0'), ...after]
  if (!groups.every(group => /^[0-9A-Fa-f]{1,4}$/.test(group))) return null
  return Uint8Array.from(groups.flatMap(group => bytePair(Number.parseInt(group, 16))))
}

/** Rewrites the IPv4 address at the end as two groups: `::ffff:192.0.2.1` → `::ffff:c000:201`. */
function tailAsGroups(text: string): string | null {
  const colon = text.lastIndexOf(':')
  const tail = parseIpv4(text.slice(colon + 1))
  if (tail === null) return null
  const group = (high: number, low: number) => ((high << 8) | low).toString(16)
  return `${text.slice(0, colon + 1)}${group(tail[0], tail[1])}:${group(tail[2], tail[3])}`
}

const bytePair = (group: number): number[] => [group >> 8, group & 0xff]

/** RFC 4291 §2.5.5.2: ::ffff:0:0/96 holds the IPv4 addresses. */
function isMapped(bytes: Uint8Array): boolean {
  return bytes.every((byte, i) => i >= 12 || byte === (i < 10 ? 0 : 0xff))
}

/** RFC 5952 §4.2.3: the longest run of zero groups is shortened, the first of equals. */
function longestZeroRun(groups: readonly number[]): [start: number, length: number] {
  let best: [number, number] = [0, 0]
  for (let start = 0; start < 8; start++) {
    let length = 0
    while (groups[start + length] === 0) length++
    if (length > best[1]) best = [start, length]
  }
  return best
}
