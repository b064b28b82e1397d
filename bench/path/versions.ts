/**
 * What the figures were measured with: machine, kernel, programs.
 * Strategy: ask every program itself; what does not answer is null, that is, missing.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus, release } from 'node:os'
import { join } from 'node:path'
import { npmVersion, PEERS } from './peers.ts'
import { findProgram, projectFolder } from './processes.ts'

const answerWithinMs = 5_000

export interface Versions {
  readonly processor: string
  readonly cores: number
  readonly kernel: string
  readonly programs: Readonly<Record<string, string | null>>
}

function versionOf(name: string, args: readonly string[]): string | null {
  const program = findProgram(name)
  if (!program) return null
  const { stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', timeout: answerWithinMs })
  return /\d+\.\d+(\.\d+)*/.exec(`${stdout}${stderr}`)?.[0] ?? null
}

function ownVersion(): string {
  const text = readFileSync(join(projectFolder, 'package.json'), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

export function versions(): Versions {
  const npm = PEERS.filter(peer => peer.kind === 'npm').map(peer => [peer.name, npmVersion(peer.name)])
  return {
    processor: cpus()[0]?.model.trim() ?? 'an unknown processor',
    cores: cpus().length,
    kernel: release(),
    programs: {
      sluice: ownVersion(),
      node: process.versions.node,
      nginx: versionOf('nginx', ['-v']),
      haproxy: versionOf('haproxy', ['-v']),
      caddy: versionOf('caddy', ['version']),
      varnish: versionOf('varnishd', ['-V']),
      squid: versionOf('squid', ['-v']),
      wrk: versionOf('wrk', ['-v']),
      ...Object.fromEntries(npm),
    },
  }
}
