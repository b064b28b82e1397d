/**
 * Stdout and stderr for what a command says before and after it serves.
 * Strategy: written at once and whole, so that nothing is lost when the program ends right after; what is said
 * while it serves goes through a LogWriter instead.
 */
import { writeSync } from 'node:fs'
import type { Output } from './command.ts'

export function standardOutput(debug: boolean): Output {
  return { out: line => writeLine(1, line), err: line => writeLine(2, line), debug }
}

/** Attempts before a reader that takes nothing is given up. */
const ATTEMPTS_MAX = 1000

function writeLine(fd: number, line: string): void {
  let rest = Buffer.from(`${line}\n`)
  for (let attempt = 0; rest.length > 0 && attempt < ATTEMPTS_MAX; attempt++) {
    try {
      rest = rest.subarray(writeSync(fd, rest))
    } catch (error) {
      // EPIPE and the like: nobody is there to be told.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)
    }
  }
}
