/**
 * Which field of a response decides how this cache treats it: a targeted one (RFC 9213) or Cache-Control.
 * Strategy: a targeted field is read as the structured field that it is, and handed on in the same shape as
 * Cache-Control, so that all rules are written once.
 */
import { CACHE_CONTROL, idOf } from '../http/field-names.ts'
import type { HeaderList } from '../http/header-list.ts'
import { type InnerList, type Item, parseDictionary } from '../http/structured-fields.ts'
import { type Directives, parseCacheControl } from './cache-control.ts'

export interface Control {
  readonly directives: Directives
  /** Lower-case name of the targeted field that decides; '': none, Cache-Control and Expires count. */
  readonly targeted: string
}

const CACHE_CONTROL_ID = idOf('cache-control')
const NOTHING: Directives = new Map()

/** `targeted`: lower-case names, the first that is there, valid and not empty decides (RFC 9213 §2.2). */
export function controlOf(headers: HeaderList, targeted: readonly string[]): Control {
  for (const name of targeted) {
    const lines = headers.getAll(name)
    const dictionary = lines.length === 0 ? null : parseDictionary(lines)
    // RFC 9213 §2.1: one that is empty or cannot be read is as if it were not there.
    if (dictionary === null || dictionary.size === 0) continue
    const directives = new Map<string, readonly (string | null)[]>()
    for (const [key, member] of dictionary) {
      const argument = argumentOf(key, member)
      if (argument !== undefined) directives.set(key, [argument])
    }
    return { directives, targeted: name }
  }
  const plain =
    (headers.mask & CACHE_CONTROL) === 0 ? NOTHING : parseCacheControl(headers.known(CACHE_CONTROL_ID))
  return { directives: plain, targeted: '' }
}

/** Directives whose argument is a list of field names, and a String for that (RFC 9213 §2.1). */
const LISTS: ReadonlySet<string> = new Set(['no-cache', 'private'])

/**
 * The argument as Cache-Control would have it; undefined: the directive is not said. RFC 9213 §2.1: a value of the
 * wrong type is not used, hence becomes one that is good for nothing: a lifetime is over, a restriction holds for all.
 */
function argumentOf(name: string, member: Item | InnerList): string | null | undefined {
  if (!('item' in member)) return '=()'
  const { kind, value } = member.item
  if (kind === 'boolean') return value ? null : undefined
  if (kind === 'integer') return String(value)
  if (kind === 'string' && LISTS.has(name)) return value
  return `=${kind}`
}
