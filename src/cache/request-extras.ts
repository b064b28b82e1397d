/**
 * What chooses among the variants of one key beside Vary: what the config adds, and the origin that a server is told of
 * where that is not what the key says.
 * Strategy: a key has a host in its one spelling and no scheme but http. A server gets the host as it was written, and
 * what trusted proxies said of host and scheme; it may answer differently to `shop.example.` than to `shop.example`, and
 * a page for https is another resource (RFC 9110 §4.2.2). Such requests have variants of their own, so that nobody
 * chooses what others get, and invalidation by key still reaches all of them. An ordinary request costs one comparison.
 */
import { allInClass, TOKEN } from '../base/ascii.ts'
import type { Exchange } from '../exchange/exchange.ts'
import { FORWARDING, idOf } from '../http/field-names.ts'
import { keyExtras } from './cache-key.ts'
import type { KeyOptions } from './options.ts'

const HOST_ID = idOf('host')

let lastHost = ''
let lastPort = ''
let lastAuthority = ''

type Asking = Pick<Exchange, 'host' | 'hostPort' | 'forwardedLines'> & {
  readonly request: Pick<Exchange['request'], 'headers'>
}

/** '' for an ordinary request under a config that adds nothing. No two requests are mixed up. */
export function requestExtras(asking: Asking, options: KeyOptions): string {
  const told = toldOrigin(asking)
  const added = keyExtras(asking.request.headers, options)
  if (told === '') return added
  // Names of fields hold no bracket: where the one ends and the other begins is plain.
  return added === '' ? `(${told})` : `(${told}) ${added}`
}

function toldOrigin({ host, hostPort, request, forwardedLines }: Asking): string {
  const { headers } = request
  if (host !== lastHost || hostPort !== lastPort) {
    lastHost = host
    lastPort = hostPort
    lastAuthority = hostPort === '' ? host : `${host}:${hostPort}`
  }
  const isOrdinary = headers.firstKnownIs(HOST_ID, lastAuthority)
  if (isOrdinary && (headers.mask & FORWARDING) === 0) return ''
  const written = headers.firstKnown(HOST_ID)
  let told = written === null ? ' no host' : ''
  if (written !== null && !isOrdinary && written.toLowerCase() !== lastAuthority)
    told = ` host=${JSON.stringify(written)}`
  if ((headers.mask & FORWARDING) !== 0) told += claims(forwardedLines, written ?? '')
  return told.slice(1)
}

/** What the lines about the client say of host and scheme, but for what goes without saying; a blank before each. */
function claims(lines: string, host: string): string {
  let told = ''
  for (let start = 0; start < lines.length; ) {
    const found = lines.indexOf('\r\n', start)
    const end = found === -1 ? lines.length : found
    const colon = lines.indexOf(':', start)
    const name = lines.slice(start, colon).toLowerCase()
    const value = lines.slice(colon + 2, end)
    if (name === 'forwarded') {
      const said = value.replace(NODE, '')
      if (said !== ownElement(host)) told += ` forwarded=${JSON.stringify(said)}`
    } else if (name !== 'x-forwarded-for' && value !== (name === 'x-forwarded-proto' ? 'http' : host))
      told += ` ${name}=${JSON.stringify(value)}`
    start = end + 2
  }
  return told
}

/** What is said of ordinary clients without a proxy in front, but for the client itself. */
function ownElement(host: string): string {
  const name = allInClass(host, TOKEN) ? host : JSON.stringify(host)
  return host === '' ? ';proto=http' : `;host=${name};proto=http`
}

/** Who asked and where (RFC 7239 §5.1, §5.2), written plainly: each client has its own. */
const NODE = /(?<=^|[;,\s])(?:for|by)=(?:"[^"\\;,]*"|[^\s;,"]*)(?=[\s;,]|$)/gi
