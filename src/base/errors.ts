/**
 * The one error table. A fault is a code; the row of the code says whose fault it was, which status the
 * client reads, what `Proxy-Status` calls it (RFC 9209 §2.3) and the sentence a person reads.
 * Strategy: parsers and sessions throw or pass on `ProxyError(code, detail)`; nobody makes a class of an error.
 */

/** Who broke the exchange: the client, the upstream server, or this program and its configuration. */
export type Side = 'client' | 'upstream' | 'proxy'

export interface ErrorRow {
  /** Status of the answer the client gets when no answer has begun yet. 499 and 0: nobody is left to read one. */
  readonly status: number
  readonly side: Side
  /** Error type of RFC 9209 §2.3, or null where the fault lies with the request and no type fits. */
  readonly proxyStatus: string | null
  /** One sentence for a person: what happened. What to do stands in the detail of the error itself. */
  readonly words: string
}

const row = (status: number, side: Side, proxyStatus: string | null, words: string): ErrorRow => ({
  status,
  side,
  proxyStatus,
  words,
})

const bad = (words: string, status = 400): ErrorRow => row(status, 'client', 'http_request_error', words)
const denied = (words: string, status = 403): ErrorRow => row(status, 'client', 'http_request_denied', words)
const away = (proxyStatus: string, words: string, status = 502): ErrorRow =>
  row(status, 'upstream', proxyStatus, words)

export const ERRORS = {
  // The request could not be read as one message. RFC 9112 §2.2, §3, §5, §6, §7.
  bad_request_line: bad('The request line is not "METHOD target HTTP/1.1".'),
  bad_method: bad('The method is not a token.'),
  bad_target: bad('The request target is not valid.'),
  bad_target_form: bad('The request target has a form that this method does not allow.'),
  target_too_long: bad('The request target is longer than this proxy accepts.', 414),
  bad_version: bad('The HTTP version is not written as "HTTP/1.1".'),
  unsupported_version: bad('This listener speaks HTTP/1.1 and HTTP/1.0 only.', 505),
  bad_line_end: bad('A line of the head does not end in CR LF.'),
  folded_field: bad('A field line begins with white space (obsolete line folding).'),
  bad_field_name: bad('A field name is empty or holds a character that is not allowed.'),
  bad_field_value: bad('A field value holds a control character.'),
  too_many_fields: bad('The head has more fields than this proxy accepts.', 431),
  head_too_large: bad('The head is larger than this proxy accepts.', 431),
  missing_host: bad('An HTTP/1.1 request needs a Host field.'),
  several_hosts: bad('The request has more than one Host field.'),
  bad_host: bad('The Host field is not a host with an optional port.'),
  bad_content_length: bad('Content-Length is not one plain decimal number.'),
  conflicting_framing: bad('Transfer-Encoding and Content-Length exclude each other.'),
  bad_transfer_encoding: bad('Transfer-Encoding must be "chunked", once and last, in HTTP/1.1.'),
  unknown_transfer_coding: bad('This transfer coding is not known here.', 501),
  bad_chunk: bad('The chunked framing of the body is broken.'),
  bad_trailers: bad('The trailer section of the body is broken or too large.'),
  unknown_expectation: bad('The only expectation known here is 100-continue.', 417),
  method_not_served: bad('This listener does not serve this method.', 501),
  body_too_large: bad('The request body is larger than is accepted here.', 413),
  client_head_timeout: bad('The request head did not arrive in time.', 408),
  client_body_timeout: bad('The request body stopped arriving.', 408),
  client_body_short: bad('The connection ended before the request body was complete.'),
  client_left: row(499, 'client', null, 'The client left before the answer was complete.'),
  client_stalled: row(499, 'client', null, 'The client stopped reading the answer.'),

  // The request could be read, and may not go on. RFC 9209 §2.3.16 calls all of it denied.
  client_not_allowed: denied('Clients at this address are not allowed here.'),
  origin_not_allowed: denied('Pages of this origin are not allowed to ask for this.'),
  credentials_missing: denied('This needs a user name and a password.', 401),
  credentials_wrong: denied('The user name or the password is not right.', 401),

  // Nothing here wants the request.
  no_route: row(404, 'proxy', 'destination_not_found', 'No route of this listener takes this request.'),
  not_cached: row(504, 'client', null, 'The answer is not stored here, and no server was to be asked.'),
  draining: row(503, 'proxy', 'destination_unavailable', 'This proxy is shutting down.'),
  too_many_clients: row(
    503,
    'proxy',
    'connection_limit_reached',
    'This listener serves no more connections.',
  ),
  credentials_queue_full: row(
    503,
    'proxy',
    'connection_limit_reached',
    'Too many passwords wait to be checked.',
  ),
  stored_unreadable: row(
    500,
    'proxy',
    'proxy_internal_error',
    'A stored response could not be read, or is not what was stored.',
  ),
  internal: row(500, 'proxy', 'proxy_internal_error', 'The proxy failed while it worked on this request.'),

  // The way to the upstream. RFC 9209 §2.3.1 to §2.3.10.
  name_not_resolved: away('dns_error', 'The name of the upstream server does not resolve.'),
  connect_refused: away('connection_refused', 'The upstream server refuses connections.'),
  connect_unreachable: away('destination_ip_unroutable', 'There is no way to the upstream server.'),
  connect_timeout: away(
    'connection_timeout',
    'The upstream server did not accept a connection in time.',
    504,
  ),
  connect_failed: away('destination_unavailable', 'No connection to the upstream server could be made.'),
  no_server: away('destination_unavailable', 'The upstream group has no server.', 503),
  queue_full: away('connection_limit_reached', 'The upstream servers are busy and the queue is full.', 503),
  queue_timeout: away('connection_limit_reached', 'The upstream servers stayed busy too long.', 503),

  // The answer of the upstream. RFC 9209 §2.3.11 to §2.3.25.
  upstream_closed: away(
    'connection_terminated',
    'The upstream server closed the connection without an answer.',
  ),
  upstream_reset: away('connection_terminated', 'The upstream server broke the connection.'),
  upstream_head_timeout: away('http_response_timeout', 'The upstream server did not answer in time.', 504),
  upstream_try_timeout: away(
    'http_response_timeout',
    'The upstream server did not answer within the time of one attempt.',
    504,
  ),
  upstream_body_timeout: away(
    'http_response_timeout',
    'The upstream server stopped in the middle of its answer.',
    504,
  ),
  upstream_write_timeout: away(
    'connection_write_timeout',
    'The upstream server stopped reading the request.',
    504,
  ),
  total_timeout: away('http_response_timeout', 'The exchange took longer than its route allows.', 504),
  upstream_bad_head: away('http_protocol_error', 'The head of the upstream answer is not valid HTTP.'),
  upstream_bad_framing: away('http_protocol_error', 'The upstream answer leaves open where its body ends.'),
  upstream_head_too_large: away(
    'http_response_header_section_size',
    'The head of the upstream answer is too large.',
  ),
  upstream_bad_body: away('http_protocol_error', 'The body of the upstream answer is not valid HTTP.'),
  upstream_body_short: away('http_response_incomplete', 'The upstream answer ended before it was complete.'),
  upstream_extra_bytes: away(
    'http_protocol_error',
    'The upstream server sent bytes that belong to no answer.',
  ),
  upstream_upgrade: away(
    'http_upgrade_failed',
    'The upstream server switched protocols without being asked.',
  ),
  // After a 101 nobody waits for a status: the log tells it.
  tunnel_timeout: row(
    504,
    'proxy',
    'connection_read_timeout',
    'After an upgrade, neither side sent a byte for too long.',
  ),
} as const satisfies Record<string, ErrorRow>

export type ErrorCode = keyof typeof ERRORS

/** What an error may carry beside its detail. */
export interface ErrorExtras {
  /** What the log says in the place of the detail: for what the client must not learn. */
  readonly logDetail?: string
  /** Fields that its answer has beside its own. They must be valid; the proxy does not check them again. */
  readonly fields?: readonly (readonly [string, string])[]
}

const NO_FIELDS: readonly (readonly [string, string])[] = []

/**
 * A fault with its code. `detail` adds what the row cannot know (which name, which limit, what to write
 * instead); it may be shown to the client, so it never carries secrets or bytes that were not checked.
 */
export class ProxyError extends Error {
  readonly code: ErrorCode
  readonly detail: string
  readonly logDetail: string
  readonly fields: readonly (readonly [string, string])[]

  constructor(code: ErrorCode, detail = '', { logDetail = detail, fields = NO_FIELDS }: ErrorExtras = {}) {
    super(detail === '' ? ERRORS[code].words : `${ERRORS[code].words} ${detail}`)
    this.name = 'ProxyError'
    this.code = code
    this.detail = detail
    this.logDetail = logDetail
    this.fields = fields
  }

  get row(): ErrorRow {
    return ERRORS[this.code]
  }

  /** The same fault, whose answer has these fields too. A new one: a fault may be that of several exchanges. */
  withFields(fields: readonly (readonly [string, string])[]): ProxyError {
    const { code, detail, logDetail } = this
    return new ProxyError(code, detail, { logDetail, fields: [...this.fields, ...fields] })
  }
}
