/**
 * Which media types are worth coding: text in all its forms, and the few binary formats that are not packed already.
 * Strategy: patterns are sorted by their kind when the layer is built; a type is then looked up, not searched.
 */
import type { TypeMatcher } from './coded-head.ts'

/** `text/*` takes a whole family, `+json` every type with that suffix (RFC 6839). */
export const DEFAULT_TYPES: readonly string[] = [
  'text/*',
  '+json',
  '+xml',
  '+yaml',
  '+text',
  'application/json',
  'application/javascript',
  'application/x-javascript',
  'application/ecmascript',
  'application/json-seq',
  'application/jsonl',
  'application/x-ndjson',
  'application/ndjson',
  'application/xml',
  'application/xml-dtd',
  'application/yaml',
  'application/x-yaml',
  'application/toml',
  'application/graphql',
  'application/sql',
  'application/rtf',
  'application/wasm',
  'application/x-www-form-urlencoded',
  'application/vnd.ms-fontobject',
  'font/collection',
  'font/otf',
  'font/ttf',
  'image/bmp',
  'image/x-icon',
  'image/vnd.microsoft.icon',
]

const PATTERN = /^(?:[a-z0-9!#$&^_.+-]+\/(?:\*|[a-z0-9!#$&^_.+-]+)|\+[a-z0-9.-]+|\*\/\*)$/

/** Throws Error, with a message for the writer of the configuration, for what is no pattern. */
export function checkTypePattern(pattern: string): void {
  if (!PATTERN.test(pattern.toLowerCase()))
    throw new Error(
      `${JSON.stringify(pattern)} is not a media type: write for example "application/json", "text/*" or "+json", without parameters`,
    )
}

export function typeMatcher(patterns: readonly string[]): TypeMatcher {
  const exact = new Set<string>()
  const families = new Set<string>()
  const suffixes = new Set<string>()
  for (const given of patterns) {
    checkTypePattern(given)
    const pattern = given.toLowerCase()
    if (pattern === '*/*') return () => true
    if (pattern.startsWith('+')) suffixes.add(pattern)
    else if (pattern.endsWith('/*')) families.add(pattern.slice(0, -1))
    else exact.add(pattern)
  }
  return type => {
    if (exact.has(type) || families.has(type.slice(0, type.indexOf('/') + 1))) return true
    const plus = type.lastIndexOf('+')
    return plus >= 0 && suffixes.has(type.slice(plus))
  }
}
