/**
 * A cookie keeps a client with its server.
 * Strategy: the cookie names the server by a keyed digest of its address (HMAC-SHA256), so nothing is kept here and
 * every worker and every run reads the same. Its first characters find the server, the others are the proof and are
 * compared in constant time; what proves nothing is as good as no cookie.
 *
 * The key is the secret of the config. Without one it is the name of the upstream: then the digest hides the address
 * from readers, but who can guess name and address can tell that they belong together. With or without, a client can
 * send what another client was given: the cookie says where to go, never who somebody is.
 *
 * A client whose server is out keeps its cookie, so that it returns when the server does. Until then its address
 * decides (as in `hash-client`), so that it does not change the server with every request.
 */
import { createHmac } from 'node:crypto'
import type { CookieAttributes } from '../../http/cookies.ts'
import { cookieAttributes, cookieOf } from '../../http/cookies.ts'
import type { Asking, Balanced, Balancer, ChoiceKey } from './balancer.ts'
import { pickByKey } from './hash.ts'
import { cookieKey } from './request-key.ts'

/** Characters that find the server: 48 bits. */
const NAME_CHARS = 8
/** Characters of the whole value: 48 + 96 bits of a digest of 256. */
const VALUE_CHARS = 24

export interface StickyCookie extends CookieAttributes {
  readonly name: string
  /** What digests are made with. */
  readonly key: string
}

interface Place {
  readonly endpoint: Balanced
  readonly proof: string
  readonly setCookie: string
}

export class Sticky implements Balancer {
  readonly #cookie: StickyCookie
  readonly #otherwise: Balancer
  readonly #byName = new Map<string, Place>()
  readonly #byEndpoint = new Map<Balanced, Place>()
  /** A request whose cookie was read and that has not been given a server yet, and what the cookie named. */
  #readFor: Asking | null = null
  #readServer: Balanced | null = null

  /** `endpoints`: all servers of the group, backups included. `otherwise` picks for clients without a valid cookie. */
  constructor(cookie: StickyCookie, endpoints: readonly Balanced[], otherwise: Balancer) {
    this.#cookie = cookie
    this.#otherwise = otherwise
    for (const endpoint of endpoints) {
      const value = valueFor(cookie.key, endpoint)
      const setCookie = `${cookie.name}=${value}${cookieAttributes(cookie)}`
      const place = { endpoint, proof: value.slice(NAME_CHARS), setCookie }
      this.#byName.set(value.slice(0, NAME_CHARS), place)
      this.#byEndpoint.set(endpoint, place)
    }
  }

  pick<E extends Balanced>(endpoints: readonly E[], asking: Asking): E | null {
    const named = this.serverOf(asking)
    this.#readFor = null
    if (named === null) return this.#otherwise.pick(endpoints, asking)
    for (let i = 0; i < endpoints.length; i++) if (endpoints[i] === named) return endpoints[i]
    const { clientAddress } = asking
    return clientAddress === ''
      ? this.#otherwise.pick(endpoints, asking)
      : pickByKey(endpoints, clientAddress)
  }

  keyOf(_endpoints: readonly Balanced[], asking: Asking): ChoiceKey {
    const server = this.serverOf(asking)
    const words = cookieKey(this.#cookie.name).words(asking)
    const foreign = server === null && words.includes('=')
    return { words: foreign ? `${words} (names no server here)` : words, server }
  }

  /** The server that a valid cookie names, whether it is in service or not; else null. */
  serverOf(asking: Asking): Balanced | null {
    // Asked before the pick, whether a cookie is to be set, and again by it: reading costs half a microsecond.
    if (asking !== this.#readFor) {
      this.#readServer = cookieOf(asking.request.headers, this.#cookie.name, this.#read)
      this.#readFor = asking
    }
    return this.#readServer
  }

  /** The value of the Set-Cookie field that names this server. */
  setCookieFor(endpoint: Balanced): string {
    return this.#byEndpoint.get(endpoint)?.setCookie ?? ''
  }

  readonly #read = (value: string): Balanced | null => {
    if (value.length !== VALUE_CHARS) return null
    const place = this.#byName.get(value.slice(0, NAME_CHARS))
    return place !== undefined && proves(value, place.proof) ? place.endpoint : null
  }
}

function valueFor(key: string, endpoint: Balanced): string {
  const digest = createHmac('sha256', key).update(`sluice sticky ${endpoint.identity}`).digest('base64url')
  return digest.slice(0, VALUE_CHARS)
}

/** Takes the same time whatever differs: how much of a forged value is right must not show. */
function proves(value: string, proof: string): boolean {
  let difference = 0
  for (let i = 0; i < proof.length; i++) difference |= value.charCodeAt(NAME_CHARS + i) ^ proof.charCodeAt(i)
  return difference === 0
}
