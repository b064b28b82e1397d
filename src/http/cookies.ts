/**
 * Cookies of a request (RFC 6265 §4.2.1, §5.4), and the one line that sets a cookie (§4.1.1).
 * Strategy: the text is searched in place in one pass; names are compared exactly, and no list of all cookies is made.
 */
import { allInClass, TOKEN } from '../base/ascii.ts'
import type { HeaderList } from './header-list.ts'
import { trimBlanks } from './header-list.ts'

/**
 * Gives the values of all cookies of this name to `read`, in their order, up to the first that it has an answer for;
 * null when there is none. RFC 6265 §4.2.2: several cookies may share a name, and their order means nothing.
 */
export function cookieOf<T>(headers: HeaderList, name: string, read: (value: string) => T | null): T | null {
  const fields = headers.getAll('cookie')
  for (let i = 0; i < fields.length; i++) {
    const found = cookieIn(fields[i], name, read)
    if (found !== null) return found
  }
  return null
}

function cookieIn<T>(text: string, name: string, read: (value: string) => T | null): T | null {
  for (let start = 0; start < text.length; ) {
    const semicolon = text.indexOf(';', start)
    const end = semicolon === -1 ? text.length : semicolon
    while (start < end && isBlank(text.charCodeAt(start))) start++
    // The name ends at the first "=": what begins alike is another cookie.
    if (text.startsWith(name, start) && text.charCodeAt(start + name.length) === EQUALS) {
      const found = read(trimBlanks(text.slice(start + name.length + 1, end)))
      if (found !== null) return found
    }
    start = end + 1
  }
  return null
}

const EQUALS = 61
const isBlank = (code: number): boolean => code === 32 || code === 9

/** What stands behind the value of a cookie that is set. */
export interface CookieAttributes {
  readonly path: string
  /** null: the host that set it and no other. */
  readonly domain: string | null
  /** null: until the browser ends its session. */
  readonly maxAgeSeconds: number | null
  readonly sameSite: 'lax' | 'strict' | 'none'
  readonly secure: boolean
}

const SAME_SITE = { lax: 'Lax', strict: 'Strict', none: 'None' } as const

/** The attributes as they stand in Set-Cookie, beginning with "; ". Scripts of pages never see the cookie. */
export function cookieAttributes(attributes: CookieAttributes): string {
  const { path, domain, maxAgeSeconds, sameSite, secure } = attributes
  const lifetime = maxAgeSeconds === null ? '' : `; Max-Age=${maxAgeSeconds}`
  const where = domain === null ? '' : `; Domain=${domain}`
  return `; Path=${path}${where}${lifetime}; HttpOnly${secure ? '; Secure' : ''}; SameSite=${SAME_SITE[sameSite]}`
}

/** RFC 6265 §4.1.1: the name of a cookie is a token. */
export function isCookieName(text: string): boolean {
  return allInClass(text, TOKEN)
}

/** RFC 6265 §4.1.1: any character but controls and ";"; and it begins with a slash, or browsers do not heed it (§5.2.4). */
export function isCookiePath(text: string): boolean {
  return /^\/[ -:<-~]*$/.test(text)
}
