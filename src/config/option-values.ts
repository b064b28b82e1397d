/**
 * Values as people write them → values as options hold them; what was left out stays undefined.
 */
import { parseDuration, parseSize } from '../base/units.ts'

export function msOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : parseDuration(text)
}

export function bytesOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : parseSize(text)
}

export function listOf(value: string | readonly string[] | undefined): readonly string[] {
  return value === undefined ? [] : [value].flat()
}

type Defined<T> = { [Key in keyof T]: Exclude<T[Key], undefined> }

/** Without the keys that hold undefined, so that spreading it replaces no default. */
export function defined<T extends object>(options: T): Partial<Defined<T>> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<
    Defined<T>
  >
}
