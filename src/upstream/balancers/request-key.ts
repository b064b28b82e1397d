/**
 * What of a request decides about its server: the client, the target, a field or a cookie.
 */
import { cookieOf } from '../../http/cookies.ts'
import type { Asking } from './balancer.ts'

export interface RequestKey {
  /** '' when the request has none. */
  of(asking: Asking): string
  /** For a person to read. */
  words(asking: Asking): string
}

const SHOWN_CHARS = 4
const TARGET_SHOWN_CHARS = 100

/** The address of the client itself; on a unix socket there is none. */
export const CLIENT_KEY: RequestKey = {
  of: asking => asking.clientAddress,
  words: asking =>
    asking.clientAddress === '' ? 'client without an address' : `client ${asking.clientAddress}`,
}

/** Path and query as the server will be asked for them. */
export const URI_KEY: RequestKey = {
  of: asking => asking.originTarget,
  words: asking => `uri ${shortened(asking.originTarget, TARGET_SHOWN_CHARS)}`,
}

/** All values of the field: `a, b` and two lines `a` and `b` are one key. */
export function headerKey(name: string): RequestKey {
  const of = (asking: Asking): string => asking.request.headers.get(name) ?? ''
  return { of, words: asking => wordsOf('header', name, of(asking)) }
}

export function cookieKey(name: string): RequestKey {
  const of = (asking: Asking): string => cookieOf(asking.request.headers, name, value => value) ?? ''
  return { of, words: asking => wordsOf('cookie', name, of(asking)) }
}

/** A value that may be a secret, as far as a person needs it to know it again. */
export function wordsOf(kind: string, name: string, value: string): string {
  return value === '' ? `no ${kind} ${name}` : `${kind} ${name}=${shortened(value, SHOWN_CHARS)}`
}

const shortened = (text: string, chars: number): string =>
  text.length <= chars ? text : `${text.slice(0, chars)}…`
