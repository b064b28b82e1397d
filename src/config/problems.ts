/**
 * What is wrong with a config, before anyone knows where in the file that stands.
 */

/** Keys and indexes from the top of the config down. */
export type Path = readonly (string | number)[]

export interface Problem {
  /** A warning stops nothing. */
  readonly level: 'fault' | 'warning'
  readonly path: Path
  /** Whether the name at the end of the path is meant, or what stands behind it. */
  readonly at: 'key' | 'value'
  /** What was found and what to write instead; without the path. */
  readonly message: string
  /** Something else in the config that the message is about. */
  readonly see?: Path
}

type Extras = Partial<Pick<Problem, 'at' | 'see'>>

export function fault(path: Path, message: string, extras: Extras = {}): Problem {
  return { level: 'fault', path, at: 'value', message, ...extras }
}

export function warning(path: Path, message: string, extras: Extras = {}): Problem {
  return { level: 'warning', path, at: 'value', message, ...extras }
}

/** What is wrong with one part of something that could not be built, with the way to it from there. */
export class PlacedFault extends Error {
  readonly path: Path

  constructor(path: Path, message: string) {
    super(message)
    this.path = path
  }
}

/** `listeners[0].routes[2].to`; keys that are no plain names stand in brackets and quotes. */
export function pathText(path: Path): string {
  let text = ''
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`
    else if (/^[A-Za-z_$][\w$]*$/.test(step)) text += text === '' ? step : `.${step}`
    else text += `[${JSON.stringify(step)}]`
  }
  return text
}

/** What the call throws, as words; null when it throws nothing. */
export function messageOf(call: () => unknown): string | null {
  try {
    call()
    return null
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
