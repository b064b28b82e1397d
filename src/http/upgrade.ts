/**
 * The Upgrade field (RFC 9110 §7.8): which protocols a client may be switched to, and whether an answer switches
 * to one of them.
 * Strategy: protocols that carry HTTP again, or hide it, are never passed on: requests inside of them would
 * slip past the routes ("h2c smuggling"). All others are the server's to accept.
 */
import { idOf, UPGRADE } from './field-names.ts'
import type { HeaderList } from './header-list.ts'
import { trimBlanks } from './header-list.ts'
import { hasConnectionOption } from './hop-by-hop.ts'
import type { RequestHead } from './message.ts'

const UPGRADE_ID = idOf('upgrade')
/** RFC 9110 §7.8: protocol = protocol-name ["/" protocol-version], both tokens. */
const PROTOCOL_SHAPE = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?:\/[!#$%&'*+\-.^_`|~0-9A-Za-z]+)?$/
/** HTTP of any version and TLS, drafts (`h2c-14`) too. */
const NEVER_PASSED = /^(?:h2c?|h3|https?|tls|ssl)(?:[-/]|$)/i

/**
 * The protocols that the client asks to switch to and that may be passed on, as the value of an Upgrade field;
 * '' when there is none or the field means nothing here. Whether the request has a body is the caller's to look at.
 */
export function askedUpgrade(request: RequestHead): string {
  const { headers, version } = request
  if ((headers.mask & UPGRADE) === 0) return ''
  // RFC 9110 §7.8: ignored in HTTP/1.0, and without its connection option it was not meant for us.
  if (version === 10 || !hasConnectionOption(headers, 'upgrade')) return ''
  return protocols(headers)
    .filter(protocol => PROTOCOL_SHAPE.test(protocol) && !NEVER_PASSED.test(protocol))
    .join(', ')
}

/**
 * What a 101 with these fields switches to: the value of its Upgrade field, in lower case; null when it names
 * nothing, or anything that is not among the protocols `asked` for.
 */
export function switchedTo(asked: string, headers: HeaderList): string | null {
  const offered = asked.toLowerCase().split(', ')
  // RFC 9110 §7.8: a server MUST NOT switch to a protocol that the client did not offer.
  const named = protocols(headers).map(protocol => protocol.toLowerCase())
  const fits = named.length > 0 && named.every(protocol => protocol !== '' && offered.includes(protocol))
  return fits ? named.join(', ') : null
}

function protocols(headers: HeaderList): string[] {
  return headers
    .known(UPGRADE_ID)
    .join(',')
    .split(',')
    .map(trimBlanks)
    .filter(protocol => protocol !== '')
}
