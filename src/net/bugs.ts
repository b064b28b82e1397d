/**
 * What happens when code of ours throws where nobody is above it to catch: in a callback of a socket, a timer or
 * the resolver. That is a bug; it is told, and it costs one connection and not the process.
 */

let report: (error: unknown) => void = error => {
  process.emitWarning(error instanceof Error ? error : String(error))
}

/** Who is told. One for the process: the server that was made last. */
export function onBug(tell: (error: unknown) => void): void {
  report = tell
}

export function tellBug(error: unknown): void {
  report(error)
}

/** Calls, and tells what is thrown instead of letting it end the process. False: it threw. */
export function guarded(call: () => void): boolean {
  try {
    call()
    return true
  } catch (error) {
    report(error)
    return false
  }
}
