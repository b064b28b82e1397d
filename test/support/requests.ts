/**
 * Requests as text, for clients that send bytes.
 */

interface RequestOptions {
  method?: string
  host?: string
  /** Further field lines, each with CR LF. */
  fields?: string
  body?: string
  version?: '1.1' | '1.0'
}

/** A whole request; a body gets its Content-Length. */
export function request(target = '/', options: RequestOptions = {}): string {
  const { method = 'GET', host = 'test.example', fields = '', body = '', version = '1.1' } = options
  const length = body === '' ? '' : `Content-Length: ${Buffer.byteLength(body, 'latin1')}\r\n`
  return `${method} ${target} HTTP/${version}\r\nHost: ${host}\r\n${fields}${length}\r\n${body}`
}

/** The head of a request whose body the caller sends. */
export function requestHead(target: string, fields: string, method = 'POST'): string {
  return request(target, { method, fields })
}

export const CHUNKED = 'Transfer-Encoding: chunked\r\n'

/** One chunk, or the end of the body for ''. */
export function chunk(text: string): string {
  return `${Buffer.byteLength(text, 'latin1').toString(16)}\r\n${text}\r\n`
}
