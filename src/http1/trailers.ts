/**
 * Which fields a trailer section may carry.
 */
import { HeaderList } from '../http/header-list.ts'

/**
 * RFC 9110 §6.5.1: fields for framing, routing, authentication, request modifiers, response control and the
 * handling of the content have no business behind it: whoever merges them into the head would be fooled.
 */
const FORBIDDEN: ReadonlySet<string> = new Set([
  ...['transfer-encoding', 'content-length', 'host', 'connection', 'keep-alive', 'proxy-connection', 'te'],
  ...['trailer', 'upgrade', 'authorization', 'proxy-authorization', 'www-authenticate', 'proxy-authenticate'],
  ...['cookie', 'set-cookie', 'cache-control', 'expect', 'max-forwards', 'pragma', 'range', 'age', 'date'],
  ...['expires', 'location', 'retry-after', 'vary', 'warning', 'content-encoding', 'content-type'],
  ...['content-range', 'forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto'],
  ...['if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since', 'if-range'],
])

/** The fields without those that must not come as trailers. */
export function withoutForbiddenTrailers(fields: HeaderList): HeaderList {
  const entries = fields.entries()
  const allowed = entries.filter(([name]) => !FORBIDDEN.has(name.toLowerCase()))
  return allowed.length === entries.length ? fields : HeaderList.from(allowed)
}
