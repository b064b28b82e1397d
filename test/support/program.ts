/**
 * `sluice` as a process of its own, for tests that meet it as a person does: with arguments, signals and pipes.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import type net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext } from 'node:test'

const BIN = new URL('../../src/bin.ts', import.meta.url).pathname
/** Types are stripped once and not by every process: a program that starts twice as fast for these tests. */
const COMPILE_CACHE = new URL('../../node_modules/.cache/compile', import.meta.url).pathname
const folders: string[] = []
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

export function folderWith(files: Record<string, string> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-cli-'))
  folders.push(folder)
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  return folder
}

/** A running `sluice`. */
export class Sluice {
  readonly child: ChildProcess
  stdout = ''
  stderr = ''
  /** Exit code, or the name of the signal that ended it. */
  readonly ended: Promise<number | string>

  constructor(child: ChildProcess) {
    this.child = child
    child.stdout?.on('data', chunk => {
      this.stdout += chunk
    })
    child.stderr?.on('data', chunk => {
      this.stderr += chunk
    })
    this.ended = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string)
  }

  /** Waits until the text is there. */
  async said(stream: 'stdout' | 'stderr', pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this[stream])
      if (match) return match
      const over = await Promise.race([
        this.ended.then(() => true),
        new Promise<false>(go => setTimeout(go, 10, false)),
      ])
      if (over && !pattern.test(this[stream]))
        assert.fail(`ended without ${pattern}:\n${this.stdout}\n${this.stderr}`)
    }
  }

  /** URL of the first listener, without a slash at its end. */
  async url(): Promise<string> {
    return (await this.said('stdout', /^listening (http:\/\/\S+) \(proxy\)$/m))[1]
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name)
  }

  logLines(): Record<string, unknown>[] {
    const lines = this.stdout.split('\n').filter(line => line.startsWith('{'))
    return lines.map(line => JSON.parse(line))
  }
}

export interface StartOptions {
  cwd?: string
  nodeFlags?: string[]
  env?: Record<string, string>
}

/** Where programs of this test file can be asked by each other, and by nobody else. */
let runtime: string | null = null
export function runtimeFolder(): string {
  runtime ??= folderWith()
  return runtime
}

export function start(
  context: TestContext,
  args: string[],
  { cwd, nodeFlags = [], env = {} }: StartOptions = {},
): Sluice {
  const child = spawn(process.execPath, [...nodeFlags, BIN, ...args], {
    cwd: cwd ?? folderWith(),
    env: { ...process.env, NODE_COMPILE_CACHE: COMPILE_CACHE, XDG_RUNTIME_DIR: runtimeFolder(), ...env },
  })
  const sluice = new Sluice(child)
  context.after(async () => {
    child.kill('SIGKILL')
    child.stdout?.resume()
    await sluice.ended
  })
  return sluice
}

/** Runs it to its end. */
export async function result(context: TestContext, args: string[], options?: StartOptions) {
  const sluice = start(context, args, options)
  const code = await sluice.ended
  return { code, stdout: sluice.stdout, stderr: sluice.stderr }
}

export async function origin(context: TestContext, answer: http.RequestListener): Promise<string> {
  const server = http.createServer(answer)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  context.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `127.0.0.1:${(server.address() as net.AddressInfo).port}`
}

export const hello = (context: TestContext, text = 'hello') =>
  origin(context, (_, response) => response.end(text))

export async function get(
  url: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; text: string; headers: http.IncomingHttpHeaders }> {
  const request = http.get(url, { agent: false, headers })
  const [response] = (await once(request, 'response')) as [http.IncomingMessage]
  let text = ''
  for await (const chunk of response) text += chunk
  return { status: response.statusCode ?? 0, text, headers: response.headers }
}

export const lines = (text: string): string[] => text.trimEnd().split('\n')
