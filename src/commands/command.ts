/**
 * What a command is to the command line: its words, and where its work stands.
 */

import type { Path } from '../config/problems.ts'
import type { ConfigData } from '../config/schema.ts'

export interface Flag {
  /** Without the two dashes. */
  readonly name: string
  /** One letter, without its dash, that stands for the flag. */
  readonly short?: string
  /** What follows it in the help, `ADDR` or `NAME`; null for a flag that stands alone. */
  readonly value: string | null
  /** Its value may be left out, and is then ''; it stands behind an equals sign, `--cache=DIR`. */
  readonly optional?: boolean
  /** May be given several times, each time with several values between commas. */
  readonly list?: boolean
  /** May be given several times; commas belong to the value. */
  readonly repeatable?: boolean
  readonly help: string
}

/** A word that belongs to no flag. */
export interface Positional {
  /** As in the help, `URL`; its value is found under this name. */
  readonly name: string
  readonly help: string
  /** May be left out; then those behind it are, too. */
  readonly optional?: boolean
}

/** Flags as they were given, and positionals. */
export interface Values {
  /** The last value, or null. */
  text(name: string): string | null
  /** All values, in order. */
  list(name: string): readonly string[]
  has(name: string): boolean
  /** The flags as they stood on the command line: another process is given the same. */
  readonly args: readonly string[]
}

/** Where a command speaks. A line is given without its end. */
export interface Output {
  /** Stdout: what was asked for. */
  out(line: string): void
  /** Stderr: everything else. */
  err(line: string): void
  /** `--debug` was given: say where an error came from. */
  readonly debug: boolean
}

/** 0 fine, 1 failed while running, 2 bad use or bad config. */
export type ExitCode = 0 | 1 | 2

/** What a command that serves is told to serve. */
export interface Found {
  /** Null when it has faults; they are told. */
  readonly config: ConfigData | null
  /** What relative names in the config are relative to. */
  readonly folder: string
  /** The files it was read from, absolute; none when it came from flags. */
  readonly files: readonly string[]
  placeOf(path: Path): string
}

/** Reads and checks what is to be served. */
export type Prepare = (values: Values, output: Output) => Promise<Found>

export type Work = (values: Values, output: Output) => Promise<ExitCode>

export interface Command {
  readonly name: string
  readonly summary: string
  /** What stands behind the name in the help. */
  readonly usage: string
  readonly example: string
  readonly flags: readonly Flag[]
  /** In their order. */
  readonly positionals?: readonly Positional[]
  /** Flags that belong to a version to come: nothing is faked, and nobody is told to look for a misspelling. */
  readonly laterFlags: readonly string[]
  /** Loads what does the work, so that help and version load nothing else. */
  load(): Promise<Work>
  /** For a command that serves: what its workers begin with. */
  loadPrepare?(): Promise<Prepare>
}

/** The words of an error: its message, or with `--debug` where it came from as well. */
export function wordsOf(error: unknown, output: Output): string {
  if (!(error instanceof Error)) return String(error)
  return output.debug ? (error.stack ?? error.message) : error.message
}
