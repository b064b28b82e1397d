/**
 * wrk, the load that goes as fast as it can.
 * Strategy: one thread, the work's number of connections, a fixed request (no Lua runs per request, but where each is
 * to have a URL of its own), and a Lua function at the end that prints what was counted as one line of JSON.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findProgram, type Pin, run, temporaryFolder } from './processes.ts'
import type { Work } from './works.ts'

const answerWithinSeconds = 10
const endWithinMs = 15_000

export interface Load {
  readonly requests: number
  readonly seconds: number
  readonly p50Micros: number
  readonly p99Micros: number
  /** What went wrong, in words; empty: nothing. */
  readonly faults: readonly string[]
}

interface WrkLine {
  readonly requests: number
  readonly micros: number
  readonly p50: number
  readonly p99: number
  readonly connect: number
  readonly read: number
  readonly write: number
  readonly status: number
  readonly timeout: number
}

const doneFunction = `
function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '\\n{"requests":%d,"micros":%d,"p50":%d,"p99":%d,"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.connect, errors.read, errors.write, errors.status, errors.timeout))
end
`

export const findWrk = () => findProgram('wrk')

let runsSoFar = 0

/** A request joined from two halves and a number: `wrk.format` for each would cost as much as the origin. */
const numberedRequests = (path: string, urls: number) => `
local before, after
local count = 0
function init()
  before, after = wrk.format(nil, "${path}@"):match("^(.-)@(.*)$")
end
function request()
  count = ${Number.isFinite(urls) ? `count % ${urls} + 1` : 'count + 1'}
  return before .. count .. after
end
`

/** Where every request has its own URL, no other run may have asked for it. */
function requestFunction({ path, urls }: Work): string {
  if (urls === 1) return ''
  return numberedRequests(Number.isFinite(urls) ? path : `${path}${++runsSoFar}-`, urls)
}

function script(work: Work): string {
  const path = join(temporaryFolder(), `${work.name}.lua`)
  const fields = Object.entries(work.headers).map(
    ([name, value]) => `wrk.headers[ [[${name}]] ] = [[${value}]]`,
  )
  const body = work.bodyBytes ? `wrk.body = string.rep("x", ${work.bodyBytes})` : ''
  writeFileSync(
    path,
    [`wrk.method = "${work.method}"`, ...fields, body, requestFunction(work), doneFunction].join('\n'),
  )
  return path
}

/** Drives the proxy on this port for so long. wrk itself takes whole seconds only. */
export async function runWrk(work: Work, port: number, seconds: number, core: Pin): Promise<Load> {
  const program = findWrk()
  if (!program) throw new Error('wrk is not installed')
  const whole = Math.max(1, Math.round(seconds))
  const args = ['-t1', `-c${work.connections}`, `-d${whole}s`, `--timeout=${answerWithinSeconds}s`]
  const url = `http://127.0.0.1:${port}${work.path}`
  const command = { program, args: [...args, '-s', script(work), url] }
  const output = await run(command, core, whole * 1_000 + endWithinMs)
  const line = output.split('\n').findLast(candidate => candidate.startsWith('{'))
  if (!line) throw new Error('wrk printed no result')
  const counted = JSON.parse(line) as WrkLine
  return {
    requests: counted.requests,
    seconds: counted.micros / 1e6,
    p50Micros: counted.p50,
    p99Micros: counted.p99,
    faults: faultsOf(counted),
  }
}

function faultsOf(counted: WrkLine): string[] {
  const faults: string[] = []
  if (counted.status) faults.push(`${counted.status} non-2xx`)
  if (counted.connect) faults.push(`${counted.connect} connect errors`)
  if (counted.read) faults.push(`${counted.read} read errors`)
  if (counted.write) faults.push(`${counted.write} write errors`)
  if (counted.timeout) faults.push(`${counted.timeout} timeouts`)
  if (!counted.requests) faults.push('no answer at all')
  return faults
}
