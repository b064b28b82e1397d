/**
 * Sticky upstreams that would take each other's cookie.
 * Strategy: a cookie is known by its name, domain and path (RFC 6265 §5.3); two upstreams that set the same one for
 * the same host overwrite each other with every answer, and no client sticks to anybody. Works on data that may have
 * faults of other kinds: what it does not understand it leaves alone.
 */
import { STICKY_DEFAULTS } from '../upstream/options.ts'
import { type Path, type Problem, pathText, warning } from './problems.ts'

type Fields = Readonly<Record<string, unknown>>

export interface RouteTo {
  readonly listener: number
  readonly host: unknown
  readonly to: unknown
}

export function stickyProblems(upstreams: Fields, routes: readonly RouteTo[]): Problem[] {
  const sticky = Object.entries(upstreams).flatMap(([name, upstream]) => {
    const cookie = cookieOf(upstream)
    return cookie === null ? [] : [{ name, cookie }]
  })
  return sticky.flatMap(({ name, cookie }, at) => {
    const other = sticky
      .slice(0, at)
      .find(each => sameCookie(each.cookie, cookie) && shareHost(each.name, name, cookie, routes))
    if (other === undefined) return []
    const see: Path = ['upstreams', other.name, 'balance']
    const words = `${pathText(see)} sets the cookie ${JSON.stringify(cookie.cookie)} for the same host too, so each takes it from the other: give one of them another name`
    return [warning(['upstreams', name, 'balance'], words, { see })]
  })
}

type Cookie = Readonly<Record<'cookie' | 'path' | 'domain', unknown>>

function cookieOf(upstream: unknown): Cookie | null {
  const { balance } = fieldsOf(upstream)
  const { sticky } = fieldsOf(balance)
  if (balance !== 'sticky' && sticky === undefined) return null
  const { cookie = STICKY_DEFAULTS.cookie, path = STICKY_DEFAULTS.path, domain = null } = fieldsOf(sticky)
  return { cookie, path, domain }
}

const sameCookie = (one: Cookie, other: Cookie): boolean =>
  one.cookie === other.cookie && one.path === other.path && one.domain === other.domain

/** True when one listener leads requests for one host to both, or the cookie is for a whole domain. */
function shareHost(one: string, other: string, cookie: Cookie, routes: readonly RouteTo[]): boolean {
  return routes.some(
    ({ to, host, listener }) =>
      to === one &&
      routes.some(
        each =>
          each.to === other &&
          each.listener === listener &&
          (cookie.domain !== null || overlap(hostsOf(host), hostsOf(each.host))),
      ),
  )
}

/** Null: every host. */
const hostsOf = (host: unknown): readonly unknown[] | null => (host === undefined ? null : [host].flat())

const overlap = (one: readonly unknown[] | null, other: readonly unknown[] | null): boolean =>
  one === null || other === null || one.some(host => other.includes(host))

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {}
}
