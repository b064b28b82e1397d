/**
 * One run: one peer, freshly started, doing one work once.
 * Strategy: start, check that the answer is right, warm up with the same load, then read the CPU time of the
 * peer's process tree before and after the load and divide by the requests that the load counted. A run that saw
 * one wrong answer or one broken connection keeps its figures, but is marked and its row with it.
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { CollapseResult } from './collapse-load.ts'
import { ask, checkAnswer, requestsSoFar, untilReady } from './origin.ts'
import type { PacedResult } from './paced-load.ts'
import { type Peer, siteFolder } from './peers.ts'
import { coreBusyMicros, cpuTime, peakKilobytes, residentKilobytes } from './proc.ts'
import {
  type Cores,
  freePort,
  type Pin,
  type Running,
  run as runProgram,
  start,
  stop,
  temporaryFolder,
  waitForEnd,
} from './processes.ts'
import { WORKS, type Work } from './works.ts'
import { type Load, runWrk } from './wrk.ts'

const pacedEndWithinMs = 15_000
const openAllWithinMs = 60_000
const settleMs = 1_000
const filledAtOnce = 16
const fillWithinMs = 10_000
/** With less than this share answered in time, latency says only that the proxy is too slow for the rate. */
export const keptUpShare = 0.99

export interface Figures {
  cpuMicros: number
  userMicros: number
  requestsPerSecond: number
  p50Micros: number
  p99Micros: number
  peakKilobytes: number
  /** CPU time that others spent on the proxy's core, as a share of the run: the noise. */
  foreignShare: number
  /** Paced runs: how late the generator itself noticed what was due. */
  latenessP99Micros: number
  /** Paced runs: the share of the due requests that was answered in time; 1 in all others. */
  keptUp: number
  /** Idle runs: growth of resident memory per connection, and the whole of it with all connections open. */
  perConnectionBytes: number
  residentKilobytes: number
  /** How often the origin was asked: for each request, or (collapse) for each URL; 0 where nobody counts. */
  originRequests: number
}

export interface Run {
  readonly figures: Figures
  /** Why the run does not count; empty: it does. */
  readonly faults: readonly string[]
  /** What the reader must know although the run counts. */
  readonly remarks: readonly string[]
}

export interface Bench {
  readonly cores: Cores
  /** 0 for an origin that no work needs. */
  readonly originPorts: Readonly<Record<Work['origin'], number>>
  readonly seconds: number
  /** What the paced works run at; null until it is known. */
  pace: Pace | null
}

export interface Pace {
  /** Requests per second. */
  readonly rate: number
  /** Whose highest rate it is the half of. */
  readonly peer: string
}

const noFigures: Figures = {
  cpuMicros: 0,
  userMicros: 0,
  requestsPerSecond: 0,
  p50Micros: 0,
  p99Micros: 0,
  peakKilobytes: 0,
  foreignShare: 0,
  latenessP99Micros: 0,
  keptUp: 1,
  perConnectionBytes: 0,
  residentKilobytes: 0,
  originRequests: 0,
}

let startsSoFar = 0

/** Both cores by name: this program is pinned itself, and what it starts would be too. */
const allCores = ({ proxy, load }: Cores): Pin => (proxy === null ? null : `${proxy},${load}`)
/** The cores of the proxy and of the load. */
const coreOf = (bench: Bench, work: Work) =>
  work.cores === 'apart' ? bench.cores.proxy : allCores(bench.cores)
const loadCoreOf = (bench: Bench, work: Work) =>
  work.cores === 'apart' ? bench.cores.load : allCores(bench.cores)

interface Started {
  readonly running: Running
  readonly port: number
  /** Its files: a cache leaves many. */
  readonly folder: string
}

/** Starts the peer on a free port and waits until it answers; throws with its last words when it does not. */
async function startPeer(bench: Bench, work: Work, peer: Peer): Promise<Started> {
  const port = await freePort()
  startsSoFar++
  const name = `${startsSoFar}-${peer.name.replace(/\W+/g, '-')}`
  const folder = siteFolder(temporaryFolder(), name)
  const originPort = bench.originPorts[work.origin]
  const command = peer.command({ port, originPort, folder })
  const running = start(command, coreOf(bench, work))
  await untilReady(running, port, command)
  return { running, port, folder }
}

/** Throws when the peer cannot start or does the work wrongly; a fault under load is part of the result. */
export async function measure(bench: Bench, work: Work, peer: Peer): Promise<Run> {
  const { running, port, folder } = await startPeer(bench, work, peer)
  try {
    await checkAnswer(port, work)
    await fill(bench, work, port)
    await warmUp(bench, work, peer, port)
    if (work.driver === 'idle') return await measureIdle(bench, work, running, port)
    return await measureLoad(bench, work, running, port)
  } finally {
    await stop(running)
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Asks for each URL until all of them are hits: a store on disk opens and writes behind the answers. */
async function fill(bench: Bench, work: Work, port: number): Promise<void> {
  if (work.asksOrigin !== 'never') return
  const originPort = bench.originPorts[work.origin]
  const deadline = performance.now() + fillWithinMs
  let asked = 1
  while (asked > 0 && performance.now() < deadline) {
    const before = await requestsSoFar(originPort)
    await askForAll(work, port)
    asked = (await requestsSoFar(originPort)) - before - 1
  }
}

async function askForAll(work: Work, port: number): Promise<void> {
  let next = 1
  const askInTurn = async () => {
    while (next <= work.urls) {
      const path = work.urls === 1 ? work.path : `${work.path}${next}`
      next++
      await ask(port, { ...work, path })
    }
  }
  await Promise.all(Array.from({ length: filledAtOnce }, askInTurn))
}

/** By wrk, even where something else measures afterwards: the more requests, the warmer. */
async function warmUp(bench: Bench, work: Work, peer: Peer, port: number): Promise<void> {
  const seconds = peer.warmUpSeconds
  if (work.driver === 'websocket') await runWebSocketLoad(bench, work, port, seconds)
  else await runWrk(work.driver === 'idle' ? WORKS[0] : work, port, seconds, loadCoreOf(bench, work))
}

interface Driven extends Load {
  readonly lateness: number
  readonly keptUp: number
  readonly originRequests: number
  readonly remarks: readonly string[]
}

const undisturbed = { lateness: 0, keptUp: 1, originRequests: 0, remarks: [] }

async function drive(bench: Bench, work: Work, port: number, seconds: number): Promise<Driven> {
  if (work.driver === 'wrk' || work.driver === 'websocket') {
    const load =
      work.driver === 'wrk'
        ? runWrk(work, port, seconds, loadCoreOf(bench, work))
        : runWebSocketLoad(bench, work, port, seconds)
    return { ...undisturbed, ...(await load) }
  }
  if (work.driver === 'collapse')
    return { ...undisturbed, ...(await runCollapse(bench, work, port, seconds)) }
  const script = join(import.meta.dirname, 'paced-load.ts')
  const args = [script, work.name, String(port), String(Math.round(bench.pace?.rate ?? 0)), String(seconds)]
  const limitMs = seconds * 1_000 + pacedEndWithinMs
  const output = await runProgram({ program: process.execPath, args }, bench.cores.load, limitMs)
  const result = JSON.parse(output) as PacedResult
  // Too slow for the rate is a result, and its latency says it; unanswered without being too slow is a fault.
  const tooSlow = result.keptUp < keptUpShare
  const remarks = tooSlow ? ['cannot hold this rate'] : []
  const faults = [...result.faults]
  if (result.unanswered && !tooSlow) faults.push(`${result.unanswered} unanswered`)
  return { ...undisturbed, ...result, faults, remarks, lateness: result.latenessP99Micros }
}

async function runWebSocketLoad(bench: Bench, work: Work, port: number, seconds: number): Promise<Load> {
  const script = join(import.meta.dirname, 'websocket-load.ts')
  const args = [script, work.name, String(port), String(seconds)]
  const limitMs = seconds * 1_000 + pacedEndWithinMs
  return JSON.parse(await runProgram({ program: process.execPath, args }, bench.cores.load, limitMs)) as Load
}

async function runCollapse(bench: Bench, work: Work, port: number, seconds: number): Promise<CollapseResult> {
  const script = join(import.meta.dirname, 'collapse-load.ts')
  const args = [script, work.name, String(port), String(seconds), String(bench.originPorts.slow)]
  const limitMs = seconds * 1_000 + openAllWithinMs
  const output = await runProgram({ program: process.execPath, args }, bench.cores.load, limitMs)
  return JSON.parse(output) as CollapseResult
}

/** A hit that asks the origin is none, and a miss that does not either: then the figures are of something else. */
function askedWrongly(work: Work, asked: number, requests: number): string[] {
  if (work.asksOrigin === 'never' && asked > 0) return [`the origin was asked ${asked} times`]
  if (work.asksOrigin === 'each' && asked < requests)
    return [`the origin was asked only ${asked} times for ${requests} requests`]
  return []
}

async function measureLoad(bench: Bench, work: Work, running: Running, port: number): Promise<Run> {
  const core = work.cores === 'apart' ? bench.cores.proxy : null
  const counted = work.asksOrigin !== null
  const originPort = bench.originPorts[work.origin]
  const askedBefore = counted ? await requestsSoFar(originPort) : 0
  const coreBefore = core === null ? 0 : coreBusyMicros(core)
  const before = cpuTime(running.pid)
  const startedAt = performance.now()
  const load = await drive(bench, work, port, bench.seconds)
  const elapsedMicros = (performance.now() - startedAt) * 1_000
  const after = cpuTime(running.pid)
  // The second question counts itself.
  const asked = counted ? (await requestsSoFar(originPort)) - askedBefore - 1 : 0
  const user = after.userMicros - before.userMicros
  const own = user + after.systemMicros - before.systemMicros
  const foreign = core === null ? 0 : coreBusyMicros(core) - coreBefore - own
  const figures: Figures = {
    ...noFigures,
    cpuMicros: own / Math.max(1, load.requests),
    userMicros: user / Math.max(1, load.requests),
    requestsPerSecond: load.requests / load.seconds,
    p50Micros: load.p50Micros,
    p99Micros: load.p99Micros,
    peakKilobytes: peakKilobytes(running.pid),
    foreignShare: Math.max(0, foreign / elapsedMicros),
    latenessP99Micros: load.lateness,
    keptUp: load.keptUp,
    originRequests: counted ? asked / Math.max(1, load.requests) : load.originRequests,
  }
  const faults = [...load.faults, ...askedWrongly(work, asked, load.requests)]
  if (running.hasEnded()) faults.push(`it ended under load: ${running.lastWords()}`)
  return { figures, faults, remarks: load.remarks }
}

/**
 * Memory of idle connections. The peer has served traffic before, so that what any traffic costs once (code,
 * buffers, a grown heap) is not divided among the connections.
 */
async function measureIdle(bench: Bench, work: Work, running: Running, port: number): Promise<Run> {
  await sleep(settleMs)
  const before = residentKilobytes(running.pid)
  const script = join(import.meta.dirname, 'idle-connections.ts')
  const command = { program: process.execPath, args: [script, work.name, String(port)] }
  const opener = start(command, bench.cores.load)
  try {
    const opened = await numberSaid(opener, 'opened')
    await sleep(settleMs)
    const after = residentKilobytes(running.pid)
    opener.child.stdin?.end()
    const open = await numberSaid(opener, 'open')
    const faults: string[] = []
    if (opened < work.connections) faults.push(`only ${opened} connections answered`)
    if (open < opened) faults.push(`${opened - open} connections were closed`)
    const figures: Figures = {
      ...noFigures,
      residentKilobytes: after,
      perConnectionBytes: ((after - before) * 1024) / Math.max(1, opened),
      peakKilobytes: peakKilobytes(running.pid),
    }
    return { figures, faults, remarks: [] }
  } finally {
    opener.child.stdin?.end()
    await waitForEnd(opener, settleMs)
  }
}

async function numberSaid(opener: Running, key: string): Promise<number> {
  const pattern = new RegExp(`"${key}":(\\d+)`)
  const deadline = performance.now() + openAllWithinMs
  while (performance.now() < deadline) {
    const found = pattern.exec(opener.stdout())
    if (found) return Number(found[1])
    if (opener.hasEnded()) break
    await sleep(20)
  }
  throw new Error(`the connections were not opened: ${opener.lastWords()}`)
}

/** Highest rate of a peer at a work, from one run: for paced works when the work itself was not measured. */
export async function highestRate(bench: Bench, work: Work, peer: Peer): Promise<number> {
  const { running, port } = await startPeer(bench, work, peer)
  try {
    await runWrk(work, port, peer.warmUpSeconds, bench.cores.load)
    const load = await runWrk(work, port, bench.seconds, bench.cores.load)
    return load.requests / load.seconds
  } finally {
    await stop(running)
  }
}
