/**
 * npm run bench: Sluice beside the proxies that are installed here, all in one run.
 * Strategy: for every work, in turn A B C A B C, each peer is started alone on its own core, measured and ended,
 * so that whatever else the machine does falls on all alike. CPU time per request is the figure that holds;
 * see bench/README.md. Progress goes to stderr, tables to stdout.
 */
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Bench, highestRate, measure, type Pace, type Run } from './measure.ts'
import { type Options, peersFor, readOptions, UsageError, usage } from './options.ts'
import { type Origin, startNodeOrigin, startOrigin } from './origin.ts'
import { installNpmPeers, type Peer } from './peers.ts'
import { openFilesMax } from './proc.ts'
import { type Cores, chooseCores, cleanUpAtExit, findProgram, stop } from './processes.ts'
import { markdown, type Result, writeReadme } from './report.ts'
import { type Row, rowOf, validRow } from './rows.ts'
import { versions } from './versions.ts'
import { WORKS, type Work } from './works.ts'
import { findWrk } from './wrk.ts'

const readmePath = join(import.meta.dirname, '..', 'README.md')
/** Starting, checking and ending a peer, on top of its load. */
const overheadSeconds = 0.3
/** Files that an idle connection's proxy and its generator need beside the connections. */
const filesToSpare = 500

const tell = (words: string) => process.stderr.write(`${words}\n`)

interface Plan {
  readonly work: Work
  readonly peers: readonly Peer[]
}

function planOf(options: Options): Plan[] {
  return WORKS.filter(work => options.works.includes(work.name)).map(work => ({
    work,
    peers: peersFor(work, options),
  }))
}

function tellPlan(plans: readonly Plan[], options: Options): void {
  const runs = plans.flatMap(plan => plan.peers).filter(peer => !peer.missing())
  const loadSeconds = options.seconds + overheadSeconds
  const seconds = options.rounds * runs.reduce((sum, peer) => sum + peer.warmUpSeconds + loadSeconds, 0)
  tell(`${runs.length * options.rounds} runs, about ${Math.ceil(seconds / 60)} min`)
}

/** Why nobody can do this work on this machine, or null. */
function impossible(work: Work): string | null {
  const limit = openFilesMax()
  if (work.connections + filesToSpare <= limit) return null
  return `a process may open only ${limit} files here`
}

async function runWork(bench: Bench, plan: Plan, options: Options, progress: () => string): Promise<Row[]> {
  const { work, peers } = plan
  const runs = new Map<Peer, Run[]>(peers.map(peer => [peer, []]))
  const failures = new Map<Peer, string>()
  const obstacle = impossible(work)
  for (let round = 1; round <= options.rounds && !obstacle; round++) {
    for (const peer of peers) {
      if (peer.missing() || failures.has(peer)) continue
      const head = `${progress()} ${work.name}, round ${round}, ${peer.name}`
      try {
        const run = await measure(bench, work, peer)
        runs.get(peer)?.push(run)
        tell(`${head}: ${summary(work, run)}`)
      } catch (error) {
        failures.set(peer, (error as Error).message)
        tell(`${head}: failed: ${(error as Error).message}`)
      }
    }
  }
  return peers.map(peer => {
    const identity = { work: work.name, peer: peer.name, kind: peer.kind }
    return rowOf(identity, runs.get(peer) ?? [], peer.missing(), obstacle ?? failures.get(peer) ?? null)
  })
}

function summary(work: Work, run: Run): string {
  const { cpuMicros, p99Micros, perConnectionBytes } = run.figures
  const remarks = run.remarks.length ? ` (${run.remarks.join(', ')})` : ''
  const faults = run.faults.length ? ` (invalid: ${run.faults.join(', ')})` : remarks
  if (work.driver === 'idle') return `${(perConnectionBytes / 1024).toFixed(1)} KB per connection${faults}`
  if (work.driver === 'collapse') return `${run.figures.originRequests} origin requests a URL${faults}`
  if (work.driver === 'paced')
    return `p99 ${Math.round(p99Micros)} µs, ${cpuMicros.toFixed(1)} µs CPU${faults}`
  return `${cpuMicros.toFixed(1)} µs${faults}`
}

/** Half of the highest rate of nginx (or of the first proxy that is there) with the same requests. */
async function halfLoad(bench: Bench, rows: readonly Row[], peers: readonly Peer[]): Promise<Pace> {
  const measured = validRow(rows, '1k-browser', 'nginx')?.figures?.requestsPerSecond
  if (measured) return { rate: measured / 2, peer: 'nginx' }
  const work = WORKS.find(candidate => candidate.name === '1k-browser')
  const installed = peers.filter(peer => !peer.missing())
  const candidates = [...installed.filter(peer => peer.name === 'nginx'), ...installed]
  for (const peer of candidates) {
    if (!work) break
    try {
      const rate = await highestRate(bench, work, peer)
      tell(`half load is half of what ${peer.name} can do, ${Math.round(rate / 2)} per second`)
      return { rate: rate / 2, peer: peer.name }
    } catch (error) {
      tell(`half load: ${peer.name} failed: ${(error as Error).message}`)
    }
  }
  throw new Error('no proxy is there to find the half load with')
}

interface Origins {
  readonly files: Origin
  /** Null where no work needs it. */
  readonly websocket: Origin | null
  readonly slow: Origin | null
}

async function startOrigins(plans: readonly Plan[], { load }: Cores): Promise<Origins> {
  const needed = (kind: Work['origin']) => plans.some(plan => plan.work.origin === kind)
  return {
    files: await startOrigin(load),
    websocket: needed('websocket') ? await startNodeOrigin('websocket', load) : null,
    slow: needed('slow') ? await startNodeOrigin('slow', load) : null,
  }
}

async function runAll(
  options: Options,
  plans: readonly Plan[],
  origins: Origins,
  cores: Cores,
): Promise<Result> {
  const bench: Bench = {
    cores,
    originPorts: {
      files: origins.files.port,
      websocket: origins.websocket?.port ?? 0,
      slow: origins.slow?.port ?? 0,
    },
    seconds: options.seconds,
    pace: null,
  }
  tellPlan(plans, options)
  const startedAt = performance.now()
  const progress = () => `${Math.round((performance.now() - startedAt) / 1000)} s`
  const rows: Row[] = []
  for (const plan of plans) {
    if (plan.work.driver === 'paced') bench.pace = await halfLoad(bench, rows, plan.peers)
    rows.push(...(await runWork(bench, plan, options, progress)))
  }
  const date = new Date().toISOString().slice(0, 10)
  const conditions = conditionsOf(origins.files, cores)
  return { date, versions: versions(), options, conditions, pace: bench.pace, rows }
}

function conditionsOf(origin: Origin, { proxy, load }: Cores): string[] {
  const pinning =
    proxy === null
      ? 'Nothing is pinned (taskset or a second core is missing): compare with care.'
      : `The proxy has core ${proxy} and one worker; load and origin share core ${load}.`
  const slow =
    origin.program === 'node'
      ? ' nginx is missing, so the origin is Node: requests per second mean little.'
      : ''
  return [`${pinning}${slow}`]
}

/** This program itself rests while a run goes on, but not on the proxy's core. */
function pinSelf({ load }: Cores): void {
  const taskset = findProgram('taskset')
  if (load !== null && taskset) spawnSync(taskset, ['-a', '-c', '-p', String(load), String(process.pid)])
}

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2))
  if (!options) {
    process.stdout.write(usage)
    return 0
  }
  if (process.platform !== 'linux') throw new Error('the bench reads /proc and so needs Linux')
  if (!findWrk()) throw new Error('wrk makes the load and is not installed (Debian: apt-get install wrk)')
  cleanUpAtExit()
  const plans = planOf(options)
  if (plans.some(plan => plan.peers.some(peer => peer.kind === 'npm'))) await installNpmPeers(tell)
  const cores = chooseCores()
  const origins = await startOrigins(plans, cores)
  pinSelf(cores)
  const result = await runAll(options, plans, origins, cores)
  for (const origin of [origins.files, origins.websocket, origins.slow])
    if (origin) await stop(origin.running)
  process.stdout.write(`${markdown(result)}`)
  if (options.json) writeFileSync(options.json, `${JSON.stringify(result, null, 2)}\n`)
  if (options.write) writeReadme(readmePath, result)
  return result.rows.some(row => row.status === 'invalid' || row.status === 'failed') ? 1 : 0
}

// An explicit exit: a child that was left running by a failure would otherwise keep this program alive for ever.
main().then(
  code => process.exit(code),
  (error: Error) => {
    process.stderr.write(`bench: ${error.message}\n`)
    process.exit(error instanceof UsageError ? 2 : 1)
  },
)
