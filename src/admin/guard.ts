/**
 * Who may ask the admin endpoint. It listens where only this machine comes in; but a browser on this machine runs pages
 * of strangers, and sends their requests here too.
 * Strategy: a table from what a request shows to why it is refused; none of it can be set by a page.
 */

export interface AskedHead {
  readonly method: string
  /** Lower-case names; several fields of a name are a list. */
  readonly fields: Readonly<Record<string, readonly string[] | undefined>>
}

export interface Refusal {
  readonly status: number
  /** What to do instead. */
  readonly words: string
  /** Methods that would do (RFC 9110 §15.5.6). */
  readonly allow?: string
}

/** Names by which this machine calls itself, with or without port. */
const OWN_HOST = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i

const JSON_TYPE = /^application\/json[ \t]*(?:;|$)/i

/** Null: it may ask. */
export function refusalOf({ method, fields }: AskedHead): Refusal | null {
  // A name of somebody else may resolve to this address whenever he likes (DNS rebinding).
  const hosts = fields['host'] ?? []
  if (hosts.length !== 1 || !OWN_HOST.test(hosts[0]))
    return refused(403, 'Host has to be the address of this endpoint, 127.0.0.1, [::1] or localhost')
  // Browsers put these into what pages ask of other sites (Fetch §3.2, Fetch Metadata §2).
  for (const name of ['origin', 'sec-fetch-site'])
    if (fields[name] !== undefined)
      return refused(403, `${name} says that a page of a browser asks: use sluice cache, or curl`)
  if (method === 'GET') return null
  if (method !== 'POST') return { ...refused(405, 'reading is GET, purging is POST'), allow: 'GET, POST' }
  // A form of a page cannot send this type without asking first (Fetch §2.2.2).
  const types = fields['content-type'] ?? []
  if (types.length !== 1 || !JSON_TYPE.test(types[0]))
    return refused(415, 'purging takes JSON: send content-type: application/json')
  return null
}

const refused = (status: number, words: string): Refusal => ({ status, words })
