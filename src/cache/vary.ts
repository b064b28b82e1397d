/**
 * Variants of one resource (RFC 9111 §4.1).
 * Strategy: values are brought into one spelling where the definition of the field says that it means the same, and
 * compared as text. What is not known for sure to mean the same stays apart: a miss too many is only slow.
 */
import { allInClass, TOKEN } from '../base/ascii.ts'
import { readWeight } from '../http/accept.ts'
import { type HeaderList, trimBlanks } from '../http/header-list.ts'
import type { Entry, VaryField } from './entry.ts'
import { madeAtMs } from './freshness.ts'

/** More names than this are as good as `*`. */
const VARY_NAMES_MAX = 32

/** Longer values, or those of more members, are compared as they are. */
const NORMALISED_CHARACTERS_MAX = 1024
const NORMALISED_MEMBERS_MAX = 64

/** Lists with weights (RFC 9110 §12.5.1 to §12.5.4); in all but Accept, of names in any case. */
const LISTS: ReadonlySet<string> = new Set(['accept', 'accept-charset', 'accept-encoding', 'accept-language'])

/** What Vary of a response names, with the values of this request, normalised as the field's definition allows; null for `*`. */
export function varyFields(response: HeaderList, request: HeaderList): readonly VaryField[] | null {
  const names = varyNames(response)
  return names === null ? null : names.map(name => [name, normalised(name, request.getAll(name))] as const)
}

/** True for `*`, and for a Vary that is too long or cannot be read: no other request is known to fit. */
export const variesByAnything = (response: HeaderList): boolean => varyNames(response) === null

/** In lower case and sorted, so that the same Vary makes the same list however it is written. */
function varyNames(response: HeaderList): readonly string[] | null {
  const lines = response.getAll('vary')
  if (lines.length === 0) return []
  const names = new Set<string>()
  for (const member of lines.join(',').split(',')) {
    const name = trimBlanks(member).toLowerCase()
    if (name === '') continue
    if (name === '*' || !allInClass(name, TOKEN)) return null
    names.add(name)
    if (names.size > VARY_NAMES_MAX) return null
  }
  return [...names].sort()
}

/** Whether a response stored for these values was meant for this request as well. */
export function variesNot(vary: readonly VaryField[], request: HeaderList): boolean {
  for (const [name, value] of vary) {
    const lines = request.getAll(name)
    // Mostly it is written as it was; what is normalised already stays as it is.
    if (lines.length === 1 && lines[0] === value) continue
    if (normalised(name, lines) !== value) return false
  }
  return true
}

/** One text for all values that are known to mean the same; null: the field is absent, which is not the same as empty. */
function normalised(name: string, lines: readonly string[]): string | null {
  if (lines.length === 0) return null
  // RFC 9110 §5.3: several lines are one with commas; blanks around a value are not part of it.
  const value = trimBlanks(lines.join(', '))
  if (!LISTS.has(name) || value.length > NORMALISED_CHARACTERS_MAX || value.includes('"')) return value
  // Put together anew, so that what is remembered keeps no head alive that it was cut from.
  const question = `${name}:${value}`
  const known = remembered.get(question)
  if (known !== undefined) return known
  if (remembered.size === REMEMBERED_MAX) remembered.clear()
  const normal = normalList(name, value)
  remembered.set(question, normal)
  return normal
}

/** Browsers say the same again and again (bench/micro/cache-vary.bench.ts); when it is full it begins anew. */
const REMEMBERED_MAX = 256
const remembered = new Map<string, string>()

function normalList(name: string, value: string): string {
  const members = value
    .split(',')
    .map(trimBlanks)
    .filter(member => member !== '')
  if (members.length > NORMALISED_MEMBERS_MAX) return value
  // Accept has parameters whose values may tell upper case from lower; it is only known where blanks may stand.
  return name === 'accept' ? members.map(withoutBlanks).join(', ') : inOrderOfWeight(members)
}

/** Blanks may stand around ";" (RFC 9110 §5.6.6), and types have no case (§8.3.1). */
function withoutBlanks(member: string): string {
  const [range, ...parameters] = member.split(';').map(trimBlanks)
  return [range.toLowerCase(), ...parameters].join(';')
}

/**
 * Members by falling weight, those of the same weight in their order, which some servers look at (RFC 9110 §12.5.4):
 * so far the order says nothing that the weights do not. A name that stands twice, or anything that is not a name and
 * a weight, leaves the order as it is.
 */
function inOrderOfWeight(members: readonly string[]): string {
  const read = members.map(member => {
    const [name, ...parameters] = member.toLowerCase().split(';').map(trimBlanks)
    return { name, parameters, weight: name === '' ? null : weightOf(parameters) }
  })
  const names = new Set(read.map(({ name }) => name))
  const clear = names.size === read.length && read.every(({ weight }) => weight !== null)
  if (clear) read.sort((a, b) => (b.weight ?? 0) - (a.weight ?? 0))
  return read
    .map(({ name, parameters, weight }) => {
      if (weight === null) return [name, ...parameters].join(';')
      return weight === 1 ? name : `${name};q=${weight}`
    })
    .join(', ')
}

/** RFC 9110 §12.4.2; null: not a weight. */
function weightOf(parameters: readonly string[]): number | null {
  if (parameters.length === 0) return 1
  const text = parameters.length === 1 && parameters[0].startsWith('q=') ? parameters[0].slice(2) : ''
  const weight = readWeight(text)
  return weight > 0 || /^0(?:\.0{0,3})?$/.test(text) ? weight : null
}

/** Vary of a response that was validated for this request: a name that is new has the value that it was validated with. */
export function renewedVary(
  vary: readonly VaryField[],
  response: HeaderList,
  request: HeaderList,
): readonly VaryField[] {
  const known = new Map(vary)
  const fields = varyFields(response, request) ?? []
  return fields.map(([name, value]) => [name, known.has(name) ? (known.get(name) ?? null) : value] as const)
}

/**
 * The variant to use of those that fit (`extras` has to be equal), or null: the most recent by Date (RFC 9111 §4), and
 * one that says what it varies by before one that does not (§4.1).
 */
export function chooseVariant(entries: readonly Entry[], extras: string, request: HeaderList): Entry | null {
  let best: Entry | null = null
  for (const entry of entries) {
    const { head } = entry
    if (head.extras !== extras || !variesNot(head.vary, request)) continue
    if (best === null || isBetter(entry, best)) best = entry
  }
  return best
}

function isBetter({ head }: Entry, { head: best }: Entry): boolean {
  const says = head.vary.length > 0
  if (says !== best.vary.length > 0) return says
  return madeAtMs(head) > madeAtMs(best)
}
