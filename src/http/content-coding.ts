/**
 * Content codings: reading Accept-Encoding (RFC 9110 §12.5.3) and choosing among the codings on offer.
 * Strategy: the field becomes a table of names and weights; every offer is looked up in it, and the offers' own
 * order settles what the client does not. What cannot be read has the weight 0: nobody gets a coding that they may
 * not be able to undo.
 */
import { readWeight } from './accept.ts'
import { trimBlanks } from './header-list.ts'

/** The codings that this program can apply, as Content-Encoding calls them. */
export type ContentCoding = 'gzip' | 'br' | 'zstd'

/**
 * The coding of `offers` that a client with this Accept-Encoding would rather have; of equals the first. Null: send
 * the content as it is. `field` is null when there is none.
 */
export function chooseCoding<Coding extends string>(
  field: string | null,
  offers: readonly Coding[],
): Coding | null {
  // RFC 9110 §12.5.3: without the field any coding is acceptable; but who does not ask may not know how to undo it.
  if (field === null || field === '') return null
  const weights = readAcceptEncoding(field)
  // RFC 9110 §12.5.3: "*" stands for every coding that is not listed; without it, those are not acceptable.
  const others = weights.get('*') ?? 0
  let best: Coding | null = null
  let bestWeight = 0
  for (const offer of offers) {
    const weight = weights.get(offer) ?? others
    if (weight > bestWeight) {
      best = offer
      bestWeight = weight
    }
  }
  // Acceptable anyway, unless refused by name or "*"; but only who gives it a weight of its own prefers it.
  return (weights.get('identity') ?? 0) > bestWeight ? null : best
}

/** Names in lower case → weights from 0 to 1; of a name that stands twice the highest. */
export function readAcceptEncoding(field: string): Map<string, number> {
  const weights = new Map<string, number>()
  for (const element of field.split(',')) {
    const [name, ...parameters] = element.split(';').map(part => trimBlanks(part).toLowerCase())
    if (name === '') continue
    const coding = canonical(name)
    weights.set(coding, Math.max(weights.get(coding) ?? 0, weightIn(parameters)))
  }
  return weights
}

/** RFC 9110 §8.4.1.3: "x-gzip" is equivalent to "gzip". */
const canonical = (name: string): string => (name === 'x-gzip' ? 'gzip' : name)

/** RFC 9110 §12.4.2: the only parameter is the weight, and it is 1 when it is missing. */
function weightIn(parameters: readonly string[]): number {
  if (parameters.length === 0) return 1
  const [weight, ...more] = parameters
  return more.length === 0 && weight.startsWith('q=') ? readWeight(weight.slice(2)) : 0
}
