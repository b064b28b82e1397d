/**
 * What an unsafe request makes invalid (RFC 9111 §4.4).
 */
import type { ResponseHead } from '../http/message.ts'
import { keyOfReference } from './cache-key.ts'
import type { KeyOptions } from './options.ts'

/** RFC 9110 §9.2.1. A method that nobody here knows may do anything (RFC 9111 §4.4: "whose safety is unknown"). */
export function isUnsafe(method: string): boolean {
  return method !== 'GET' && method !== 'HEAD' && method !== 'OPTIONS' && method !== 'TRACE'
}

/** Keys to remove: none for an error; else that of the request, and those in Location and Content-Location of the same origin. */
export function invalidatedKeys(key: string, head: ResponseHead, options: KeyOptions): readonly string[] {
  // RFC 9111 §4.4: a non-error response is one with a 2xx or 3xx status.
  if (head.status < 200 || head.status > 399) return []
  const keys = [key]
  for (const name of REFERRING) {
    const values = head.headers.getAll(name)
    // More than one says nothing: the field is for one (RFC 9110 §10.2.2, §8.7).
    const other = values.length === 1 ? keyOfReference(values[0], key, options) : null
    if (other !== null && !keys.includes(other)) keys.push(other)
  }
  return keys
}

const REFERRING = ['location', 'content-location']
