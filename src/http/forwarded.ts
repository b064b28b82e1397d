/**
 * The fields that tell an upstream server who asked: X-Forwarded-* or Forwarded (RFC 7239).
 * Strategy: the lines are written whole and put in the place of all such fields that came, so that a client
 * can only add to what a trusted proxy said, and only when the caller hands that over.
 */
import { allInClass, TOKEN } from '../base/ascii.ts'
import { inNetworks, type Network, parseIp, parseNetwork, withoutZone } from '../base/ip.ts'
import { type HeaderList, trimBlanks } from './header-list.ts'

/** Which fields tell the upstream server about the client. */
export type ForwardedMode = 'x-forwarded' | 'forwarded' | 'none'

/** What this proxy knows of the client by itself. */
export interface ForwardedFacts {
  /** Peer address as text, or '' on a unix socket. */
  readonly address: string
  /** Host as the client wrote it, already checked; '' when there is none. */
  readonly host: string
  readonly proto: 'http' | 'https'
}

/**
 * Field lines, CR LF each; '' for mode 'none'.
 * `received`: the request's fields when they come from a trusted proxy and are to be continued, else null. Its
 * list of clients is appended to; its host and protocol stay, because they are those of the first client.
 */
export function forwardedLines(
  mode: ForwardedMode,
  facts: ForwardedFacts,
  received: HeaderList | null,
): string {
  if (mode === 'none') return ''
  const address = plainAddress(facts.address)
  return mode === 'forwarded'
    ? forwardedLine(facts, address, received)
    : xForwardedLines(facts, address, received)
}

function xForwardedLines(facts: ForwardedFacts, address: string, received: HeaderList | null): string {
  const client = received === null ? address : joined(received.get('X-Forwarded-For'), address)
  const host = received?.get('X-Forwarded-Host') ?? facts.host
  const proto = received?.get('X-Forwarded-Proto') ?? facts.proto
  return `${line('X-Forwarded-For', client)}${line('X-Forwarded-Host', host)}${line('X-Forwarded-Proto', proto)}`
}

function forwardedLine(facts: ForwardedFacts, address: string, received: HeaderList | null): string {
  const host = facts.host === '' ? '' : `;host=${tokenOrQuoted(facts.host)}`
  const element = `for=${forwardedNode(address)}${host};proto=${facts.proto}`
  // RFC 7239 §4: a proxy adds its element at the end of the list.
  return line('Forwarded', received === null ? element : joined(received.get('Forwarded'), element))
}

const line = (name: string, value: string): string => (value === '' ? '' : `${name}: ${value}\r\n`)

const joined = (before: string | null, added: string): string => {
  if (before === null || before === '') return added
  return added === '' ? before : `${before}, ${added}`
}

/** As upstream servers expect it: no zone, and no IPv6 dress for an IPv4 client of a dual-stack socket. */
function plainAddress(address: string): string {
  if (!address.includes(':')) return address
  const mapped = /^::ffff:([\d.]+)$/i.exec(address)
  return mapped === null ? withoutZone(address) : mapped[1]
}

function forwardedNode(address: string): string {
  // RFC 7239 §6.3: who has no address to tell says "unknown".
  if (address === '') return 'unknown'
  // RFC 7239 §6: an IPv6 address stands in brackets, and so has to be quoted.
  return address.includes(':') ? `"[${address}]"` : address
}

/** RFC 7239 §4: a value is a token or a quoted string (RFC 9110 §5.6.4). */
function tokenOrQuoted(text: string): string {
  return allInClass(text, TOKEN) ? text : `"${text.replace(/["\\]/g, '\\$&')}"`
}

/** Networks and single addresses, compiled. Throws Error for text that is neither. */
export function trustedNetworks(texts: readonly string[]): readonly Network[] {
  return texts.map(text => {
    const network = parseNetwork(text)
    if (network === null)
      throw new Error(`"${text}" is neither an IP address nor a network such as 10.0.0.0/8`)
    return network
  })
}

/** True when a peer at this address (text; '' on a unix socket, which no network holds) is a trusted proxy. */
export function isTrusted(address: string, networks: readonly Network[]): boolean {
  return inNetworks(networks, address)
}

/**
 * The client that trusted proxies name: from the right, the first address that is not of a trusted proxy itself
 * (RFC 7239 §5.2; what stands left of it is the client's own word). The peer when it is not trusted, or when what
 * it says is no address. The field that this listener writes itself is believed first: a proxy that writes the other
 * one may pass on what its client claims.
 */
export function firstClient(
  peer: string,
  headers: HeaderList,
  networks: readonly Network[],
  mode: ForwardedMode,
): string {
  let client = peer
  const named = namedClients(headers, mode)
  while (named.length > 0 && isTrusted(client, networks)) {
    const next = named.pop() as string
    if (parseIp(withoutZone(next)) === null) return client
    client = next
  }
  return client
}

function namedClients(headers: HeaderList, mode: ForwardedMode): string[] {
  const list = headers.get('X-Forwarded-For')
  const elements = headers.get('Forwarded')
  if (elements !== null && (mode === 'forwarded' || list === null))
    return elements.split(',').map(forwardedFor)
  return list?.split(',').map(each => trimBlanks(each)) ?? []
}

/** `192.0.2.7` of `for=192.0.2.7;proto=http`, `for="[2001:db8::1]:4711"`; '' when it names no address. */
function forwardedFor(element: string): string {
  const value = /(?:^|;)[ \t]*for=("?)([^";]*)\1[ \t]*(?:;|$)/i.exec(element)?.[2] ?? ''
  return /^\[([^\]]*)\](?::\d+)?$/.exec(value)?.[1] ?? value.replace(/:\d+$/, '')
}
