/**
 * The head of the request that goes to an upstream server, out of the one that came (RFC 9110 §7.6).
 * Strategy: field lines are copied as they stand; only hop-by-hop fields, those about the client and a Host
 * that changes are left out and written anew.
 */
import type { Exchange } from '../exchange/exchange.ts'
import { EXPECT, FORWARDING, HOP_BY_HOP, HOST, idOf, TE } from '../http/field-names.ts'
import type { HeaderList } from '../http/header-list.ts'
import { listHas } from '../http/hop-by-hop.ts'
import type { RequestHead } from '../http/message.ts'
import type { GroupOptions, ServerAddress } from './options.ts'

const TE_ID = idOf('te')

/** Whole checked text of the head, with its empty line. */
export function upstreamRequestHead(
  exchange: Exchange,
  server: ServerAddress,
  options: GroupOptions,
): string {
  const { request } = exchange
  const { headers } = request
  const trailers = acceptsTrailers(request)
  let drop = HOP_BY_HOP | FORWARDING
  // RFC 9110 §10.1.1: an expectation in HTTP/1.0 is ignored, so it is not passed on either.
  if (request.version === 10) drop |= EXPECT
  let host = ''
  // RFC 9112 §3.2: an HTTP/1.1 request has a Host; one in HTTP/1.0 may come without.
  if (options.host === 'upstream' || (headers.mask & HOST) === 0) host = hostOf(server)
  if (host !== '') drop |= HOST
  // RFC 9112 §3.2.4: asterisk-form is about the server as a whole and has no path.
  const base = exchange.originTarget === '*' ? '' : server.basePath
  const line = `${request.method} ${base}${exchange.originTarget} HTTP/1.1\r\n`
  const first = host === '' ? line : `${line}Host: ${host}\r\n`
  // RFC 9110 §7.6.3: Via names the version that was received.
  const via = request.version === 11 ? 'Via: 1.1 sluice\r\n' : 'Via: 1.0 sluice\r\n'
  const connection = connectionLines(trailers, exchange.upgrade)
  const coding = exchange.body.framing.kind === 'chunked' ? 'Transfer-Encoding: chunked\r\n' : ''
  return `${first}${headers.textWithout(drop)}${exchange.forwardedLines}${via}${connection}${coding}\r\n`
}

/** RFC 9110 §7.6.1: what is for this connection only is named in Connection (TE: §10.1.4, Upgrade: §7.8). */
function connectionLines(trailers: boolean, upgrade: string): string {
  if (upgrade === '') return trailers ? 'TE: trailers\r\nConnection: TE\r\n' : ''
  const te = trailers ? 'TE: trailers\r\n' : ''
  return `${te}Connection: ${trailers ? 'TE, ' : ''}Upgrade\r\nUpgrade: ${upgrade}\r\n`
}

/** A unix socket has no name that could stand in a Host field. */
const hostOf = (server: ServerAddress): string => (server.unixPath === '' ? server.label : 'localhost')

/** RFC 9110 §10.1.4: the client says that it can take trailers. Valid only when Connection lists TE, but sent without. */
export function acceptsTrailers(request: RequestHead): boolean {
  return (request.headers.mask & TE) !== 0 && listHas(teOf(request.headers), 'trailers')
}

const teOf = (headers: HeaderList): string => headers.known(TE_ID).join(',')
