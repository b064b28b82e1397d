/**
 * The fields of every error answer that the proxy makes, whatever its body is.
 */
import type { ProxyError } from '../base/errors.ts'

/** Characters of a detail that are shown: it may name a whole target. */
const DETAIL_LENGTH_MAX = 512
const RETRY_AFTER_SECONDS = '1'

export function errorFields(error: ProxyError): [string, string][] {
  const fields: [string, string][] = [
    // The next request may well succeed, whatever the rules of RFC 9111 §4.2.2 for its status are.
    ['Cache-Control', 'no-store'],
    ['X-Content-Type-Options', 'nosniff'],
  ]
  const proxyStatus = proxyStatusOf(error)
  if (proxyStatus !== null) fields.push(['Proxy-Status', proxyStatus])
  // RFC 9110 §15.6.4: 503 may say when to come again.
  if (error.row.status === 503) fields.push(['Retry-After', RETRY_AFTER_SECONDS])
  for (const [name, value] of error.fields) fields.push([name, value])
  return fields
}

/** RFC 9209 §2: this proxy, the error type, the details; null where the table names no type. */
function proxyStatusOf(error: ProxyError): string | null {
  const type = error.row.proxyStatus
  return type === null ? null : `sluice; error=${type}; details=${structuredString(shortened(error.message))}`
}

/** RFC 9651 §4.1.6: visible ASCII and spaces, quotes and backslashes escaped; anything else becomes "?". */
function structuredString(text: string): string {
  return `"${text.replace(/[^ -~]/gu, '?').replace(/["\\]/g, '\\$&')}"`
}

/** A detail as it is shown to clients. */
export const shortened = (text: string): string =>
  text.length <= DETAIL_LENGTH_MAX ? text : `${text.slice(0, DETAIL_LENGTH_MAX - 3)}...`
