/**
 * The help texts, made from the same table that the flags are parsed by.
 */
import type { Command, Flag } from './command.ts'

export function overview(commands: readonly Command[], version: string): string {
  const width = Math.max(...commands.map(command => command.name.length))
  return [
    `sluice ${version}: a programmable reverse proxy and load balancer`,
    '',
    'Commands:',
    ...commands.map(command => `  sluice ${command.name.padEnd(width)}  ${command.summary}`),
    '',
    'Example:',
    '  sluice proxy --to 127.0.0.1:9000',
    '',
    'sluice COMMAND --help   flags of a command, with an example',
    'sluice --version        the version',
  ].join('\n')
}

export function commandHelp(command: Command): string {
  const { positionals = [] } = command
  const left = command.flags.map(flagText)
  const width = Math.max(...left.map(text => text.length), '--help'.length)
  const words =
    positionals.length === 0 ? [] : ['', ...positionals.map(({ name, help }) => `${name}: ${help}`)]
  const several = command.flags.some(flag => flag.list)
    ? ['', 'A list has commas between its items, or the flag is given several times.']
    : []
  return [
    `sluice ${command.name} ${command.usage}`,
    `  ${command.summary}`,
    ...words,
    '',
    'Flags:',
    ...command.flags.map((flag, index) => `  ${left[index].padEnd(width)}  ${flag.help}`),
    `  ${'--help'.padEnd(width)}  this text`,
    ...several,
    '',
    'Example:',
    `  ${command.example}`,
  ].join('\n')
}

function flagText({ name, short, value, list, optional }: Flag): string {
  const names = short === undefined ? `--${name}` : `-${short}, --${name}`
  if (value === null) return names
  if (optional) return `${names}[=${value}]`
  return `${names} ${value}${list ? `[,${value}…]` : ''}`
}
