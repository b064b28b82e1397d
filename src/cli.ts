/**
 * The command line: which command, which flags, what is wrong with them.
 */
import { parseArgs } from 'node:util'
import type { Command, ExitCode, Flag, Output, Values } from './commands/command.ts'
import { wordsOf } from './commands/command.ts'
import { commandHelp, overview } from './commands/help.ts'
import { COMMANDS, LATER_COMMANDS } from './commands/index.ts'
import { standardOutput } from './commands/output.ts'
import { version } from './commands/version.ts'
import { nearest } from './config/nearest.ts'

/** `argv` without the program: `['run', '--config', 'x.ts']`. Resolves with the exit code. */
export async function main(argv: readonly string[]): Promise<ExitCode> {
  const output = standardOutput(argv.includes('--debug'))
  // What a supervisor starts: `worker`, then the words that it was started with itself.
  const isWorker = argv[0] === 'worker' && process.send !== undefined
  const [first, ...rest] = isWorker ? argv.slice(1) : argv
  if (first === '--help' || first === '-h') return say(output, overview(COMMANDS, version()))
  if (first === '--version' || first === '-v') return say(output, version())
  const command = COMMANDS.find(each => each.name === first)
  if (command === undefined) return noCommand(first, output)
  if (rest.includes('--help') || rest.includes('-h')) return say(output, commandHelp(command))
  if (rest.includes('--version')) return say(output, version())
  const parsed = parseFlags(command, rest)
  if (parsed.faults.length > 0) {
    for (const fault of parsed.faults) output.err(fault)
    output.err(`see: sluice ${command.name} --help`)
    return 2
  }
  try {
    if (isWorker && command.loadPrepare !== undefined)
      return await (await import('./commands/worker.ts')).work(command.loadPrepare, parsed.values, output)
    const work = await command.load()
    return await work(parsed.values, output)
  } catch (error) {
    output.err(`sluice failed, and this is a fault of its own: ${wordsOf(error, output)}`)
    return 1
  }
}

function say(output: Output, text: string): ExitCode {
  output.out(text)
  return 0
}

function noCommand(given: string | undefined, output: Output): ExitCode {
  if (given === undefined) output.err(overview(COMMANDS, version()))
  else if (LATER_COMMANDS.includes(given)) output.err(`sluice ${given} is not in this version yet`)
  else if (given.startsWith('-'))
    output.err(
      `"${given}" stands where the command belongs: write sluice COMMAND ${given}; see: sluice --help`,
    )
  else {
    const names = COMMANDS.map(command => command.name)
    const guess = nearest(given, names)
    output.err(
      `"${given}" is not a command: ${guess ? `did you mean "${guess}"?` : `known here: ${names.join(', ')}`}`,
    )
  }
  return 2
}

/** Every fault at once; the values are good only when there is none. */
export function parseFlags(command: Command, args: readonly string[]): { values: Values; faults: string[] } {
  const given = new Map<string, string[]>()
  const faults: string[] = []
  let unknownAt = Number.NaN
  /** Where the value of a flag would stand that takes one only behind an equals sign. */
  let [bareName, bareAt] = ['', Number.NaN]
  const words: string[] = []
  const options = Object.fromEntries(command.flags.map(flag => [flag.name, optionOf(flag)]))
  const { tokens } = parseArgs({
    args: [...args],
    options,
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  for (const token of tokens) {
    if (token.kind === 'positional') {
      if (token.index === bareAt)
        faults.push(`"${token.value}" belongs to no flag: write --${bareName}=${token.value}`)
      // Behind a flag that is not known stands most likely its value: one word about it is enough.
      else if (token.index !== unknownAt + 1) words.push(token.value)
    }
    if (token.kind !== 'option') continue
    const flag = command.flags.find(each => each.name === token.name)
    if (flag?.optional && token.value === undefined) [bareName, bareAt] = [flag.name, token.index + 1]
    if (flag === undefined) unknownAt = token.index
    const fault = flag ? valueFault(flag, token) : unknownFlag(command, token.rawName, token.name)
    if (fault !== null) faults.push(fault)
    const values = given.get(token.name) ?? []
    given.set(token.name, [...values, ...split(flag, token.value ?? '')])
  }
  for (const flag of command.flags) {
    const times = given.get(flag.name)?.length ?? 0
    if (times > 1 && flag.value !== null && !flag.list && !flag.repeatable)
      faults.push(`--${flag.name} is given ${times} times: it takes one value`)
  }
  faults.push(...wordFaults(command, words))
  for (const [at, { name }] of (command.positionals ?? []).entries())
    if (at < words.length) given.set(name, [words[at]])
  return { values: valuesOf(given, args), faults }
}

function optionOf({ value, short, optional }: Flag): { type: 'boolean' | 'string'; short?: string } {
  // To the parser a flag whose value may be left out stands alone: what follows it is not its value.
  const type = value === null || optional ? 'boolean' : 'string'
  return short === undefined ? { type } : { type, short }
}

function wordFaults(command: Command, words: readonly string[]): string[] {
  const { name, positionals = [] } = command
  if (positionals.length === 0) return words.map(word => strayWord(command, word))
  const missing = positionals.slice(words.length).find(({ optional }) => !optional)
  if (missing !== undefined) return [`${missing.name} is missing: write for example: ${command.example}`]
  const last = positionals.length - 1
  return words
    .slice(positionals.length)
    .map(
      word =>
        `"${word}" is one too many: sluice ${name} takes one ${positionals[last].name}, here "${words[last]}"`,
    )
}

interface OptionToken {
  readonly value?: string | undefined
  readonly inlineValue?: boolean | undefined
}

function valueFault(flag: Flag, { value, inlineValue }: OptionToken): string | null {
  if (flag.optional)
    return value === ''
      ? `--${flag.name}= has no value: write --${flag.name}=${flag.value}, or only --${flag.name}`
      : null
  if (flag.value === null)
    return value === undefined ? null : `--${flag.name} stands alone: take "=${value}" away`
  // The next flag is no value: somebody forgot one.
  const swallowed = value?.startsWith('--') && inlineValue !== true
  if (value !== undefined && value !== '' && !swallowed) return null
  return `--${flag.name} needs a value: write --${flag.name} ${flag.value}`
}

function unknownFlag(command: Command, rawName: string, name: string): string {
  if (command.laterFlags.includes(name)) return `${rawName} is not in this version yet: take it out`
  const names = command.flags.map(flag => flag.name)
  const guess = nearest(name, [...names, 'help'])
  return `unknown flag ${rawName}: ${guess ? `did you mean --${guess}?` : `known here: ${names.map(each => `--${each}`).join(', ')}`}`
}

function strayWord(command: Command, word: string): string {
  const takesConfig = command.flags.some(flag => flag.name === 'config')
  return `"${word}" belongs to no flag${takesConfig ? `: a config file is named with --config ${word}` : ''}`
}

function split(flag: Flag | undefined, value: string): string[] {
  if (!flag?.list) return [value]
  return value
    .split(',')
    .map(item => item.trim())
    .filter(item => item !== '')
}

function valuesOf(given: ReadonlyMap<string, readonly string[]>, args: readonly string[]): Values {
  return {
    text: name => given.get(name)?.at(-1) ?? null,
    list: name => given.get(name) ?? [],
    has: name => given.has(name),
    args,
  }
}
