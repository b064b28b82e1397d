/**
 * `npm run conformance -- cache [--peer NAME | --against URL --origin-port N] [--verbose] [--only WORDS]`: what the
 * RFCs demand of a cache, put to our own build or to another proxy.
 */
import { parseArgs } from 'node:util'
import { CaseOrigin } from './origin.ts'
import { startOwn } from './own.ts'
import { PEERS, type PeerName, type Running, startPeer } from './peers.ts'
import { failures, table } from './report.ts'
import { playSuite } from './suite.ts'

const USAGE = `npm run conformance -- cache [options]
  --peer NAME          start ${PEERS.join(', ')} in front of the suite's origin
  --against URL        a proxy that is running; it has to stand before 127.0.0.1:PORT of --origin-port
  --origin-port PORT   where the suite's origin listens (any free port)
  --only WORDS         only cases whose name has these words
  --verbose            list what failed, with the clause and what was seen`

interface Flags {
  readonly peer?: string
  readonly against?: string
  readonly 'origin-port': string
  readonly only: string
  readonly verbose: boolean
}

export async function main(args: readonly string[]): Promise<number> {
  const flags = readFlags(args)
  if (flags === null) {
    console.error(USAGE)
    return 2
  }
  const origin = new CaseOrigin()
  await origin.listen(Number(flags['origin-port']))
  const running = await start(flags, origin.port).catch((error: Error) => {
    console.error(error.message)
    return null
  })
  if (running === null) {
    origin.close()
    return 2
  }
  try {
    const own = flags.peer === undefined && flags.against === undefined
    const chosen = (name: string) => name.includes(flags.only)
    const groups = await playSuite(running, origin, { chosen, again: !own })
    if (flags.verbose) for (const failure of failures(groups)) console.log(failure)
    console.log(table(running.title, groups))
    const broken = groups.some(({ outcomes }) =>
      outcomes.some(each => each.case.kind === 'required' && each.verdict !== 'pass'),
    )
    return own && broken ? 1 : 0
  } finally {
    await running.end()
    origin.close()
  }
}

function readFlags(args: readonly string[]): Flags | null {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        peer: { type: 'string' },
        against: { type: 'string' },
        'origin-port': { type: 'string', default: '0' },
        only: { type: 'string', default: '' },
        verbose: { type: 'boolean', default: false },
      },
    })
    const port = Number(values['origin-port'])
    const known = values.peer === undefined || (PEERS as readonly string[]).includes(values.peer)
    const against =
      values.against === undefined || (URL.canParse(values.against) && values.peer === undefined)
    return known && against && Number.isInteger(port) && port >= 0 && port < 65_536 ? values : null
  } catch {
    return null
  }
}

function start({ peer, against }: Flags, originPort: number): Promise<Running> {
  if (peer !== undefined) return startPeer(peer as PeerName, originPort)
  if (against === undefined) return startOwn(originPort)
  const url = new URL(against)
  const end = async () => {}
  return Promise.resolve({ host: url.hostname, port: Number(url.port || 80), title: against, end })
}
