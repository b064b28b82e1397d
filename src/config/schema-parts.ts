/**
 * The bricks of the schema: text that must parse, counts, choices, lists, objects.
 * Strategy: every brick words its own faults, so that a message says what was found, what belongs there and
 * what to write; `schema-faults.ts` only adds the path.
 */
import { z } from 'zod'
import {
  DURATION_PATTERN,
  type DurationText,
  formatSize,
  parseDuration,
  parseSize,
  SIZE_PATTERN,
  type SizeText,
} from '../base/units.ts'
import { didYouMean, nearest } from './nearest.ts'
import { checkFieldName, checkFieldValue } from './patterns.ts'
import { messageOf } from './problems.ts'

interface RawIssue {
  readonly code?: string
  readonly input?: unknown
  readonly keys?: readonly string[]
}

/** A value shortened for a message: text in quotes, lists and objects by their kind. */
export function show(value: unknown): string {
  if (Array.isArray(value)) return 'a list'
  if (value === null) return 'null'
  if (typeof value === 'object') return 'an object'
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}...` : value)
  return String(value)
}

/** Words for a value of the wrong type. `what` with its article; `example` as it is written in a config. */
export function wrongType(what: string, example: string): (issue: RawIssue) => string {
  return ({ input }) =>
    input === undefined
      ? `missing: write for example ${example}`
      : `${show(input)} is not ${what}: ${typeof input === 'function' ? 'call it, or ' : ''}write for example ${example}`
}

/** Text that `parse` must take: what it throws becomes the message. */
export function text<T extends string = string>(
  what: string,
  example: NoInfer<T>,
  parse: (value: string) => unknown,
  meta: Record<string, unknown> = {},
): z.ZodType<T, T> {
  const typed = wrongType(what, JSON.stringify(example))
  const schema = z
    .string({
      error: issue =>
        (meta.pattern === undefined ? unquoted(issue.input, what, parse) : null) ?? typed(issue),
    })
    .superRefine((value, context) => {
      const message = messageOf(() => parse(value))
      if (message !== null) context.addIssue({ code: 'custom', message })
    })
    .meta({ examples: [example], ...meta })
  // The parser checks more than a type can say; the type is what editors offer and JSON Schema sees the pattern.
  return schema as unknown as z.ZodType<T, T>
}

/** YAML reads `x-frames: 1` as a number: what would do as text only lacks its quotes. A number without a unit says less. */
function unquoted(value: unknown, what: string, parse: (value: string) => unknown): string | null {
  if (typeof value !== 'number' && typeof value !== 'boolean') return null
  const text = JSON.stringify(String(value))
  return messageOf(() => parse(String(value))) === null ? `${value} is not ${what}: write ${text}` : null
}

export const duration = (description: string, example: DurationText): z.ZodType<DurationText, DurationText> =>
  text('a duration', example, parseDuration, { description, pattern: DURATION_PATTERN })

/** A duration that may not be zero: a wait that ends before it begins serves nobody. */
export const wait = (description: string, example: DurationText): z.ZodType<DurationText, DurationText> =>
  text(
    'a duration',
    example,
    value => {
      if (parseDuration(value) < 1)
        throw new RangeError(`"${value}" leaves no time at all: write for example "${example}"`)
    },
    { description, pattern: DURATION_PATTERN },
  )

export function size(description: string, example: SizeText, least: number): z.ZodType<SizeText, SizeText> {
  return text(
    'a size',
    example,
    value => {
      if (parseSize(value) < least)
        throw new RangeError(`"${value}" is too little: write at least "${formatSize(least)}"`)
    },
    { description, pattern: SIZE_PATTERN },
  )
}

export function count(description: string, example: number, least: number, most: number) {
  const range = `a whole number from ${least} to ${most}`
  const error = wrongType(range, String(example))
  return z
    .number({ error })
    .int({ error })
    .min(least, { error })
    .max(most, { error })
    .meta({ description, examples: [example] })
}

export function choice<const T extends string>(description: string, options: readonly T[]) {
  const error = ({ input }: RawIssue) => {
    const listed = `write one of ${options.map(option => `"${option}"`).join(', ')}`
    const guess = typeof input === 'string' ? nearest(input, options) : null
    return `${show(input)} is not known here: ${guess ? `did you mean "${guess}"?` : listed}`
  }
  return z.enum(options as readonly [T, ...T[]], { error }).meta({ description })
}

export function list<T extends z.ZodType>(item: T, what: string, example: string) {
  return z
    .array(item, { error: wrongType(`a list of ${what}`, example) })
    .min(1, `an empty list: write for example ${example}`)
}

/** One thing or a list of such things. `example` is one of them. */
export function oneOrList<T extends z.ZodType>(item: T, what: string, example: string, description: string) {
  const error = ({ input }: RawIssue) =>
    `${show(input)} is not ${what} and not a list of them: write for example "${example}"`
  return z.union([item, list(item, `${what}s`, `["${example}"]`)], { error }).meta({ description })
}

/**
 * An object with known keys. `hints` are words for keys that are not known here but are likely to be tried.
 * The message about unknown keys has one line for each key, in the order of the issue.
 */
export function object<T extends z.ZodRawShape>(
  shape: T,
  what: string,
  example: string,
  hints: Readonly<Record<string, string>> = {},
) {
  const known = Object.keys(shape).filter(key => !key.startsWith('$'))
  const typed = wrongType(what, example)
  const unknown = (key: string) =>
    `unknown key "${key}": ${Object.hasOwn(hints, key) ? hints[key] : didYouMean(key, known)}`
  const error = (issue: RawIssue) =>
    issue.code === 'unrecognized_keys' ? (issue.keys ?? []).map(unknown).join('\n') : typed(issue)
  return z.strictObject(shape, { error })
}

/** Largest number of anything that is counted. */
export const COUNT_MAX = 1_000_000

export const notYet = (what: string): string => `${what} is not in this version yet: take it out`

export const fieldName = text('a header name', 'x-served-by', checkFieldName)
export const fieldValue = text('a header value', 'sluice', checkFieldValue)
export const fields = z.record(fieldName, fieldValue, {
  error: wrongType('a set of header fields', "{ 'x-served-by': 'sluice' }"),
})
