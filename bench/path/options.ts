/**
 * The command line of the bench.
 * Strategy: everything that can be wrong is said at once with what to write instead, and nothing is started.
 */
import { parseArgs } from 'node:util'
import { PEERS, type Peer } from './peers.ts'
import { WORKS, type Work } from './works.ts'

const roundsMax = 99
const secondsMax = 600

export interface Options {
  readonly works: readonly string[]
  /** Peers by name; empty: those that the work takes by default. */
  readonly peers: readonly string[]
  readonly everyPeer: boolean
  readonly rounds: number
  readonly seconds: number
  readonly json: string | null
  readonly write: boolean
}

export const usage = `usage: npm run bench -- [options]

  --works a,b     only these works       (${WORKS.map(work => work.name).join(' ')})
  --peers a,b     only these peers       (${PEERS.map(peer => peer.name).join(' ')})
  --all           every peer in every work, not only the few
  --rounds N      rounds, in turn A B C A B C (3)
  --seconds N     length of a run in whole seconds (4)
  --quick         one round of one second: does it work, not how fast is it
  --json FILE     every run as JSON
  --write         put the tables into bench/README.md
  --help
`

const shape = {
  works: { type: 'string', multiple: true },
  peers: { type: 'string', multiple: true },
  all: { type: 'boolean' },
  rounds: { type: 'string' },
  seconds: { type: 'string' },
  quick: { type: 'boolean' },
  json: { type: 'string' },
  write: { type: 'boolean' },
  help: { type: 'boolean' },
} as const

export class UsageError extends Error {}

function names(given: readonly string[] | undefined, known: readonly string[], flag: string): string[] {
  const list = (given ?? []).flatMap(text => text.split(',')).filter(Boolean)
  const unknown = list.filter(name => !known.includes(name))
  if (unknown.length)
    throw new UsageError(`--${flag}: no ${unknown.join(', ')}; there are ${known.join(', ')}`)
  return list
}

function wholeNumber(text: string | undefined, fallback: number, max: number, flag: string): number {
  if (text === undefined) return fallback
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1 || value > max) {
    throw new UsageError(`--${flag}: a whole number from 1 to ${max}, not "${text}"`)
  }
  return value
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: shape }).values
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

/** Null: help was asked for. */
export function readOptions(args: readonly string[]): Options | null {
  const values = parse(args)
  if (values.help) return null
  const quick = values.quick === true
  const works = names(
    values.works,
    WORKS.map(work => work.name),
    'works',
  )
  return {
    works: works.length ? works : WORKS.filter(work => work.byDefault).map(work => work.name),
    peers: names(
      values.peers,
      PEERS.map(peer => peer.name),
      'peers',
    ),
    everyPeer: values.all === true,
    rounds: wholeNumber(values.rounds, quick ? 1 : 3, roundsMax, 'rounds'),
    seconds: wholeNumber(values.seconds, quick ? 1 : 4, secondsMax, 'seconds'),
    json: values.json ?? null,
    write: values.write === true,
  }
}

/** The peers that a work sets side by side, in the order of their table. */
export function peersFor(work: Work, options: Options): readonly Peer[] {
  if (options.peers.length) return PEERS.filter(peer => options.peers.includes(peer.name))
  if (options.everyPeer) return PEERS
  return PEERS.filter(peer => work.peers.includes(peer.name))
}
