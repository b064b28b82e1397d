/**
 * The origin that all proxies stand in front of: nginx, or a Node server where nginx is missing.
 * Strategy: it must be cheaper than any proxy, because it shares its core with the load. The Node server is not;
 * the figures of CPU time stand all the same, requests per second then mean little, and the report says so.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createGunzip } from 'node:zlib'
import { countPath, nginxOrigin } from './native-configs.ts'
import {
  type Command,
  findProgram,
  freePort,
  type Running,
  start,
  stop,
  temporaryFolder,
} from './processes.ts'
import { contentOf, WORKS, type Work } from './works.ts'

const readyWithinMs = 5_000
const pollEveryMs = 20
const askWithinMs = 2_000

/** The servers that are programs of our own, by what they are for. */
const nodeOrigins = { websocket: 'websocket-origin.ts', slow: 'slow-origin.ts' }

/** The server that sends WebSocket messages back, or the one that takes its time. */
export async function startNodeOrigin(kind: keyof typeof nodeOrigins, core: number | null): Promise<Origin> {
  const port = await freePort()
  const script = join(import.meta.dirname, nodeOrigins[kind])
  const command = { program: process.execPath, args: [script, String(port)] }
  const running = start(command, core)
  await untilReady(running, port, command)
  return { program: 'node', port, running }
}

export interface Origin {
  readonly program: 'nginx' | 'node'
  readonly port: number
  readonly running: Running
}

/** Writes the files that the origin serves and starts it. */
export async function startOrigin(core: number | null): Promise<Origin> {
  const folder = join(temporaryFolder(), 'origin')
  const files = join(folder, 'files')
  mkdirSync(files, { recursive: true })
  for (const work of WORKS) {
    const isFile = /^\/[^/]+$/.test(work.path) && work.urls === 1
    if (isFile && work.method === 'GET' && work.origin === 'files') {
      writeFileSync(join(files, work.path), contentOf(work))
    }
  }
  const port = await freePort()
  const nginx = findProgram('nginx')
  const command = nginx ? nginxCommand(nginx, folder, files, port) : nodeCommand(files, port)
  const running = start(command, core)
  await untilReady(running, port, command)
  return { program: nginx ? 'nginx' : 'node', port, running }
}

function nginxCommand(nginx: string, folder: string, files: string, port: number): Command {
  const config = join(folder, 'nginx.conf')
  writeFileSync(config, nginxOrigin(folder, files, port, 'x'.repeat(WORKS[0].answerBytes)))
  return { program: nginx, args: ['-p', folder, '-e', 'stderr', '-c', config] }
}

function nodeCommand(files: string, port: number): Command {
  return {
    program: process.execPath,
    args: [join(import.meta.dirname, 'node-origin.ts'), String(port), files],
  }
}

/** Waits until a request to the port is answered with 2xx; throws with the reason when that takes too long. */
export async function untilReady(running: Running, port: number, command: Command): Promise<void> {
  const deadline = performance.now() + readyWithinMs
  let reason = 'it did not listen'
  while (performance.now() < deadline) {
    if (running.hasEnded()) throw new Error(running.lastWords())
    if (!command.readyLine || command.readyLine.test(running.stdout())) {
      const answer = await ask(port, WORKS[0])
      if (answer.status >= 200 && answer.status < 300) return
      reason = answer.status ? `it answers ${answer.status}` : answer.reason
    }
    await sleep(pollEveryMs)
  }
  const words = `not ready after ${readyWithinMs / 1000} s: ${reason}; ${running.lastWords()}`
  await stop(running)
  throw new Error(words)
}

/** How many requests an origin has had so far, this question included; throws when it does not say. */
export async function requestsSoFar(port: number): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${port}${countPath}`, {
    signal: AbortSignal.timeout(askWithinMs),
  })
  // nginx: "server accepts handled requests" and below it " 12 12 345".
  const found = /^ *\d+ +\d+ +(\d+) *$/m.exec(await answer.text())
  if (!found) throw new Error('the origin does not say how many requests it had')
  return Number(found[1])
}

interface Answer {
  /** 0: there was none. */
  readonly status: number
  /** Of the content, unpacked. */
  readonly bodyBytes: number
  readonly gzipped: boolean
  readonly reason: string
}

/** One request of this work. */
export function ask(port: number, work: Work): Promise<Answer> {
  return new Promise(resolve => {
    const none = (error: Error) => resolve({ status: 0, bodyBytes: 0, gzipped: false, reason: error.message })
    const { method, path } = work
    const headers: Record<string, string | number> = { ...work.headers }
    if (work.bodyBytes) headers['Content-Length'] = work.bodyBytes
    const outgoing = request({ host: '127.0.0.1', port, method, path, headers, agent: false }, incoming => {
      const gzipped = incoming.headers['content-encoding'] === 'gzip'
      const content = gzipped ? incoming.pipe(createGunzip()) : incoming
      let bodyBytes = 0
      content.on('data', (chunk: Buffer) => {
        bodyBytes += chunk.length
      })
      incoming.on('error', none)
      content.on('error', none)
      content.on('end', () => resolve({ status: incoming.statusCode ?? 0, bodyBytes, gzipped, reason: '' }))
    })
    outgoing.on('error', none)
    outgoing.setTimeout(askWithinMs, () => outgoing.destroy(new Error('no answer in time')))
    outgoing.end(work.bodyBytes ? Buffer.alloc(work.bodyBytes, 'x') : undefined)
  })
}

/** Throws unless the proxy on this port does the work as it should: figures of a wrong answer are no figures. */
export async function checkAnswer(port: number, work: Work): Promise<void> {
  // Its load generator checks the handshake and every message itself.
  if (work.driver === 'websocket') return
  // A cache that has nothing yet may answer in full; it is to have something.
  if (work.status === 304) await ask(port, { ...work, headers: {} })
  const answer = await ask(port, work)
  if (!answer.status) throw new Error(answer.reason)
  const successful = answer.status >= 200 && answer.status < 300
  if (work.status === 304 ? answer.status !== 304 : !successful)
    throw new Error(`it answers ${answer.status}`)
  if (answer.gzipped !== (work.headers['Accept-Encoding'] === 'gzip'))
    throw new Error(`the answer is ${answer.gzipped ? '' : 'not '}compressed`)
  if (work.method === 'GET' && answer.bodyBytes !== work.answerBytes) {
    throw new Error(`a body of ${answer.bodyBytes} bytes instead of ${work.answerBytes}`)
  }
}
