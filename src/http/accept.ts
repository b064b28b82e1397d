/**
 * Reading Accept (RFC 9110 §12.5.1): which of a few media types a client would rather have.
 * Strategy: the field is read into ranges, each offer takes the weight of the most specific range that fits.
 * It runs for answers the proxy makes itself, never for traffic that passes.
 */

export interface MediaRange {
  /** `text/html`, `text/*` or the range of all types; lower case. */
  readonly range: string
  /** 0 to 1; 0 means «not acceptable». */
  readonly weight: number
}

export interface Preference {
  readonly weight: number
  /** 3: the type itself is named; 2: its `type/*`; 1: the range of all types; 0: not mentioned. */
  readonly precision: number
}

/** RFC 9110 §12.4.1: who sends no Accept has no preference. */
export const NO_PREFERENCE: readonly MediaRange[] = [{ range: '*/*', weight: 1 }]

/** How much a client wants `type` (lower case, no parameters). */
export function preferenceFor(ranges: readonly MediaRange[], type: string): Preference {
  // RFC 9110 §12.5.1: the most specific range that applies has precedence.
  const names = [type, `${type.slice(0, type.indexOf('/'))}/*`, '*/*']
  for (const [i, name] of names.entries()) {
    const weights = ranges.filter(each => each.range === name).map(each => each.weight)
    if (weights.length > 0) return { weight: weights.reduce((a, b) => Math.max(a, b)), precision: 3 - i }
  }
  // RFC 9110 §12.4.3: what is not mentioned is not acceptable.
  return { weight: 0, precision: 0 }
}

/** Reads an Accept field; what cannot be read in it is left out. */
export function readAccept(accept: string): MediaRange[] {
  return splitUnquoted(accept, ',')
    .map(readRange)
    .filter(range => range !== null)
}

function readRange(element: string): MediaRange | null {
  const [range, ...parameters] = splitUnquoted(element, ';').map(part => part.trim().toLowerCase())
  let weight = 1
  for (const parameter of parameters) {
    // RFC 9110 §12.5.1: "q" is the weight, wherever it stands.
    if (parameter.startsWith('q=')) weight = readWeight(parameter.slice(2))
    // Another parameter narrows the range to a variant that is not on offer; of charset only UTF-8 is.
    else if (parameter !== '' && !/^charset="?utf-8"?$/.test(parameter)) return null
  }
  return { range, weight }
}

/** Splits where a separator stands outside of quoted strings (RFC 9110 §5.6.4); an open one runs to the end. */
function splitUnquoted(text: string, separator: string): string[] {
  const parts: string[] = []
  let start = 0
  let quoted = false
  for (let i = 0; i < text.length; i++) {
    const char = text[i]
    if (char === '"') quoted = !quoted
    else if (quoted && char === '\\') i++
    else if (!quoted && char === separator) {
      parts.push(text.slice(start, i))
      start = i + 1
    }
  }
  parts.push(text.slice(start))
  return parts
}

/** RFC 9110 §12.4.2. What is no weight counts as 0: nobody gets a type forced upon by a typing error. */
export function readWeight(text: string): number {
  return /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(text) ? Number(text) : 0
}
