/**
 * The layer that changes what a server is asked for: its target, and nothing that the router or the log see.
 * Strategy: an edit is a function from path to target, or null for "not this one", made once. Percent-encoding stays
 * as it came. What comes out is checked as a whole, so that no combination of a config and a client asks a server
 * for another host, or for a folder above the one that was meant.
 */
import { allInClass, TARGET } from '../base/ascii.ts'
import { BoundedRegex } from '../base/bounded-regex.ts'
import { ProxyError } from '../base/errors.ts'
import type { Exchange } from '../exchange/exchange.ts'
import type { Handler, Layer } from '../exchange/handler.ts'
import { comparablePath, pathOf } from '../http/request-target.ts'
import { compileUrl, type Template } from './template.ts'

/** One of: stripPrefix and addPrefix, or one of them; replace; to, with a regex or without. */
export interface RewriteOptions {
  /** `/api`: taken from paths that are it or go on with a slash; others stay as they are. */
  readonly stripPrefix?: string
  /** `/v2`: put in front, of what is left when there is a stripPrefix too. May hold variables. */
  readonly addPrefix?: string
  /** Prefix → what takes its place; the first that fits counts. */
  readonly replace?: Readonly<Record<string, string>>
  /** On the path as it came, without query (bounded-regex.ts). Paths without a match stay as they are. */
  readonly regex?: string
  /**
   * The new target: `$1` and `$<name>` are groups of the regex, `$$` is a dollar sign; variables as in redirects. The
   * query goes along unless there is one in it, or `{query}` or `{uri}`.
   */
  readonly to?: string
}

/** A rewritten target may be longer than one that came (limits.target). */
const TARGET_BYTES_MAX = 16_384

/** A new target for this path, its query not added yet; null when the path is to stay. */
interface Edit {
  /** Throws ProxyError bad_target for a path that has no safe reading. */
  readonly apply: (path: string, exchange: Exchange) => string | null
  readonly keepsQuery: boolean
}

/** Throws Error, with a message for the writer of the configuration. */
export function rewriteLayer(options: RewriteOptions): Layer {
  const edit = compileEdit(options)
  return next => new RewriteHandler(edit, next)
}

class RewriteHandler implements Handler {
  readonly #edit: Edit
  readonly #next: Handler

  constructor(edit: Edit, next: Handler) {
    this.#edit = edit
    this.#next = next
  }

  handle(exchange: Exchange): void {
    // RFC 9112 §3.2.4: asterisk-form is about the server as a whole and has no path.
    if (exchange.originTarget !== '*') {
      try {
        exchange.originTarget = rewritten(exchange, this.#edit)
      } catch (error) {
        if (!(error instanceof ProxyError)) throw error
        exchange.reply.fail(error)
        return
      }
    }
    this.#next.handle(exchange)
  }
}

function rewritten(exchange: Exchange, { apply, keepsQuery }: Edit): string {
  const { originTarget } = exchange
  const path = pathOf(originTarget)
  const target = apply(path, exchange)
  if (target === null) return originTarget
  return checked(keepsQuery ? target + originTarget.slice(path.length) : target)
}

/** A dot segment in any spelling that some server understands. */
const DOT_SEGMENT = /(?:[/\\]|%2f|%5c)(?:\.|%2e){1,2}(?=[/\\;]|%2f|%5c|$)/i

function checked(target: string): string {
  if (target.length > TARGET_BYTES_MAX)
    throw new ProxyError('target_too_long', `Rewritten, it has more than ${TARGET_BYTES_MAX} bytes.`)
  // RFC 9112 §3.2.1: origin-form begins with a slash; RFC 3986 §4.2: with two it could be read as naming a host.
  if (!/^\/(?![/\\])/.test(target))
    throw new ProxyError('bad_target', 'Rewritten, it does not begin with one slash.')
  if (!allInClass(target, TARGET))
    throw new ProxyError('bad_target', 'Rewritten, it holds a character that is not allowed.')
  if (DOT_SEGMENT.test(pathOf(target)))
    throw new ProxyError('bad_target', 'Rewritten, it holds a dot segment: it could climb out of its folder.')
  return target
}

const KINDS = 'stripPrefix and addPrefix, or replace, or to with or without regex'

function compileEdit(options: RewriteOptions): Edit {
  const { stripPrefix, addPrefix, replace, regex, to } = options
  const prefixes = stripPrefix !== undefined || addPrefix !== undefined
  const kinds = [prefixes, replace !== undefined, to !== undefined || regex !== undefined]
  const given = kinds.filter(Boolean).length
  if (given !== 1)
    throw new Error(`rewrite: ${given === 0 ? 'nothing to do' : 'too much at once'}: write ${KINDS}`)
  if (prefixes) return prefixEdit(stripPrefix, addPrefix)
  if (replace !== undefined) return replaceEdit(replace)
  if (to === undefined) throw new Error('rewrite: regex without to: write what the target becomes')
  return targetEdit(to, regex)
}

function prefixEdit(stripPrefix: string | undefined, addPrefix = ''): Edit {
  if (stripPrefix !== undefined) checkPrefix('stripPrefix', stripPrefix)
  const front = addPrefix === '' ? '' : compilePrefix('addPrefix', addPrefix)
  return {
    keepsQuery: true,
    apply: (path, exchange) => {
      const rest = stripPrefix === undefined ? path : restBehind(path, stripPrefix)
      return rest === null ? null : joined(front, rest, exchange)
    },
  }
}

function replaceEdit(replace: Readonly<Record<string, string>>): Edit {
  const pairs = Object.entries(replace).map(([prefix, by]) => {
    checkPrefix('replace', prefix)
    return { prefix, by: by === '/' ? '' : compilePrefix(`replace "${prefix}"`, by) }
  })
  if (pairs.length === 0) throw new Error("rewrite: replace is empty: write for example { '/old': '/new' }")
  return {
    keepsQuery: true,
    apply: (path, exchange) => {
      for (const { prefix, by } of pairs) {
        const rest = restBehind(path, prefix)
        if (rest !== null) return joined(by, rest, exchange)
      }
      return null
    },
  }
}

const joined = (front: string | Template, rest: string, exchange: Exchange): string =>
  (typeof front === 'string' ? front : front(exchange, 0)) + rest || '/'

/** What follows the prefix: '' or from a slash on; null when the path has another beginning. */
function restBehind(path: string, prefix: string): string | null {
  if (isBelow(path, prefix)) return path.slice(prefix.length)
  // Written in another way (`/%61pi/x`, `//api/x`, `/api;v=1/x`) it took the same route, so it is the same prefix here.
  const compared = comparablePath(path)
  return isBelow(compared, prefix) ? compared.slice(prefix.length) : null
}

const isBelow = (path: string, prefix: string): boolean =>
  path.startsWith(prefix) && (path.length === prefix.length || path.charCodeAt(prefix.length) === 0x2f)

function checkPrefix(name: string, prefix: string): void {
  const words = `rewrite: ${name}: "${prefix}"`
  if (!/^\/[^?#]*[^/?#]$/.test(prefix))
    throw new Error(`${words} is no prefix: write it with a slash in front and none behind, "/api"`)
  const compared = comparablePath(prefix)
  if (compared !== prefix)
    throw new Error(`${words}: paths are compared in the form "${compared}": write that`)
}

function compilePrefix(name: string, text: string): string | Template {
  if (!/^\/[^?#]*[^/?#]$/.test(text) || text.startsWith('//') || DOT_SEGMENT.test(text))
    throw new Error(
      `rewrite: ${name}: "${text}" is no prefix: write it with a slash in front and none behind, "/v2"`,
    )
  return worded(() => compileUrl(text))
}

function worded<T>(compile: () => T): T {
  try {
    return compile()
  } catch (error) {
    throw new Error(`rewrite: ${(error as Error).message}`)
  }
}

const GROUP = /\$(?:(\d{1,2})|<([A-Za-z_]\w*)>|(\$))/g

/** A piece of `to`: text, or a group. */
type Piece = string | Template | { readonly group: number; readonly inQuery: boolean }

function targetEdit(to: string, source: string | undefined): Edit {
  if (!/^(?:\/(?!\/)|\{path\}|\{uri\}|\$[1-9<])/.test(to))
    throw new Error(`rewrite: to: "${to}" must begin with "/", with "{path}" or with a group`)
  if (to.includes('#'))
    throw new Error(`rewrite: to: "${to}": a fragment is not sent to servers: take it out`)
  if (DOT_SEGMENT.test(to.split('?')[0]))
    throw new Error(`rewrite: to: "${to}": write it without dot segments`)
  const regex = source === undefined ? null : worded(() => new BoundedRegex(source))
  const pieces = compilePieces(to, regex)
  return {
    keepsQuery: !/\?|\{(?:query|uri)\}/.test(to),
    apply: (path, exchange) => {
      const groups = regex === null ? NO_GROUPS : regex.match(path)
      return groups === null ? null : pieces.map(piece => textOf(piece, groups, exchange)).join('')
    },
  }
}

const NO_GROUPS: readonly undefined[] = []

function textOf(piece: Piece, groups: readonly (string | undefined)[], exchange: Exchange): string {
  if (typeof piece === 'string') return piece
  if (typeof piece === 'function') return piece(exchange, 0)
  const text = groups[piece.group] ?? ''
  // A piece of a path becomes the value of a parameter: it must not begin another one.
  return piece.inQuery
    ? text.replace(/[&+;=]/g, char => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
    : text
}

function compilePieces(to: string, regex: BoundedRegex | null): Piece[] {
  const pieces: Piece[] = []
  let end = 0
  const text = (piece: string): void => {
    if (piece.includes('$'))
      throw new Error(`rewrite: to: "${to}": "$" begins a group such as $1: write "$$" for the sign itself`)
    if (piece !== '') pieces.push(worded(() => compileUrl(piece)))
  }
  for (const match of to.matchAll(GROUP)) {
    text(to.slice(end, match.index))
    end = match.index + match[0].length
    if (match[3] !== undefined) pieces.push('$')
    else pieces.push({ group: groupOf(match, regex), inQuery: to.slice(0, match.index).includes('?') })
  }
  text(to.slice(end))
  return pieces
}

function groupOf([whole, digits, name]: RegExpExecArray, regex: BoundedRegex | null): number {
  const group = digits === undefined ? regex?.names.get(name) : Number(digits)
  if (regex !== null && group !== undefined && group <= regex.groups) return group
  throw new Error(`rewrite: to: ${whole} is a group that the regex does not have: count its "("`)
}
