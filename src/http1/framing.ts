/**
 * Where a body ends: RFC 9112 §6.3 as one function for requests and one for responses.
 * Strategy: whatever could be read in two ways is refused, also where the standard would let it pass.
 */
import { ProxyError } from '../base/errors.ts'
import { CONTENT_LENGTH, idOf, TRANSFER_ENCODING } from '../http/field-names.ts'
import { type HeaderList, trimBlanks } from '../http/header-list.ts'
import type { Framing, RequestHead, ResponseHead, Version } from '../http/message.ts'

export const NO_BODY: Framing = { kind: 'none' }
export const CHUNKED: Framing = { kind: 'chunked' }
export const UNTIL_CLOSE: Framing = { kind: 'until-close' }

const EITHER = CONTENT_LENGTH | TRANSFER_ENCODING
const CONTENT_LENGTH_ID = idOf('content-length')
const TRANSFER_ENCODING_ID = idOf('transfer-encoding')
const TOKEN_SHAPE = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

/** Framing of a request. Throws ProxyError; the connection must not be used after that. */
export function requestFraming(head: RequestHead): Framing {
  const { headers } = head
  // RFC 9112 §6.3 rule 7: neither field means no body.
  if ((headers.mask & EITHER) === 0) return NO_BODY
  return statedFraming(headers, head.version)
}

/** Framing of a final response to a request with this method. Throws ProxyError with a code of the head. */
export function responseFraming(head: ResponseHead, requestMethod: string): Framing {
  const { headers, status } = head
  const stated = (headers.mask & EITHER) === 0 ? UNTIL_CLOSE : statedFraming(headers, head.version)
  // RFC 9112 §6.3 rule 1: these never have a body, whatever the fields say.
  if (requestMethod === 'HEAD' || status === 204 || status === 304 || status < 200) return NO_BODY
  // RFC 9112 §6.3 rule 8: a response without either field ends with the connection.
  return stated
}

function statedFraming(headers: HeaderList, version: Version): Framing {
  if ((headers.mask & TRANSFER_ENCODING) === 0) return lengthFraming(headers)
  // RFC 9112 §6.3 rule 3: both fields at once ought to be handled as an error.
  if ((headers.mask & CONTENT_LENGTH) !== 0) throw new ProxyError('conflicting_framing')
  // RFC 9112 §6.1: Transfer-Encoding in an HTTP/1.0 message means that its framing is faulty.
  if (version === 10) throw new ProxyError('bad_transfer_encoding', 'HTTP/1.0 has no transfer codings.')
  // A tab is white space too (RFC 9110 §5.6.3), but some parsers take it for a part of the coding.
  if (headers.hasTab(TRANSFER_ENCODING_ID))
    throw new ProxyError('bad_transfer_encoding', 'No tab may stand there.')
  checkTransferEncoding(headers.known(TRANSFER_ENCODING_ID).join(','))
  return CHUNKED
}

/** RFC 9112 §6.3 rule 4. */
function checkTransferEncoding(value: string): void {
  if (value.toLowerCase() === 'chunked') return
  const codings = value.split(',').map(coding => trimBlanks(coding).toLowerCase())
  if (codings.some(coding => !TOKEN_SHAPE.test(coding))) throw new ProxyError('bad_transfer_encoding')
  if (codings.indexOf('chunked') !== codings.length - 1) throw new ProxyError('bad_transfer_encoding')
  // RFC 9112 §6.1: a coding that is not understood is answered 501.
  throw new ProxyError('unknown_transfer_coding', 'Only "chunked" is.')
}

/** RFC 9112 §6.3 rules 5 and 6, and RFC 9110 §8.6: lists of equal values may be refused, and are. */
function lengthFraming(headers: HeaderList): Framing {
  if (headers.countKnown(CONTENT_LENGTH_ID) > 1) throw new ProxyError('bad_content_length', 'It is repeated.')
  // RFC 9110 §8.6: 1*DIGIT.
  const bytes = headers.firstKnownNumber(CONTENT_LENGTH_ID)
  if (bytes < 0) throw new ProxyError('bad_content_length')
  if (bytes === Number.POSITIVE_INFINITY) throw new ProxyError('bad_content_length', 'It is too large.')
  return { kind: 'length', bytes }
}
