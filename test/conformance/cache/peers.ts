/**
 * Other caches in front of the origin: programs of the system, each with a config as its manual advises for a reverse
 * proxy that caches, and with nothing that sets the standard aside.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findProgram } from '../../support/peers.ts'

export const PEERS = ['nginx', 'squid', 'varnish'] as const
export type PeerName = (typeof PEERS)[number]

/** A proxy in front of the origin. */
export interface Running {
  readonly host: string
  readonly port: number
  /** Name and version for the table. */
  readonly title: string
  end(): Promise<void>
}

interface Program {
  readonly command: string
  readonly version: (path: string) => string
  readonly file: string
  config(port: number, originPort: number, folder: string): string
  args(file: string, port: number, folder: string): readonly string[]
}

const firstWord = (text: string, pattern: RegExp): string => pattern.exec(text)?.[1] ?? 'of unknown version'
const output = (path: string, flag: string): string =>
  execFileSync('/bin/sh', ['-c', '"$0" "$1" 2>&1', path, flag], { encoding: 'utf8' })

const PROGRAMS: Readonly<Record<PeerName, Program>> = {
  nginx: {
    command: 'nginx',
    version: path => firstWord(output(path, '-v'), /nginx\/(\S+)/),
    file: 'nginx.conf',
    config: (port, originPort, folder) => `
daemon off; worker_processes 1; pid ${folder}/pid; error_log ${folder}/error.log;
events { worker_connections 4096; }
http {
  access_log off;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi; uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
  proxy_cache_path ${folder}/cache keys_zone=all:10m;
  upstream origin { server 127.0.0.1:${originPort}; keepalive 16; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://origin;
      proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host;
      proxy_cache all; proxy_cache_key $scheme$http_host$request_uri;
      proxy_cache_revalidate on; proxy_cache_lock on; proxy_cache_background_update on;
    }
  }
}`,
    args: file => ['-e', 'stderr', '-c', file],
  },
  squid: {
    command: 'squid',
    version: path => firstWord(output(path, '-v'), /Version (\S+)/),
    file: 'squid.conf',
    config: (port, originPort, folder) => `
http_port 127.0.0.1:${port} accel vhost
cache_peer 127.0.0.1 parent ${originPort} 0 no-query originserver name=origin
http_access allow all
cache_mem 64 MB
collapsed_forwarding on
access_log none
cache_store_log none
cache_log ${folder}/cache.log
pid_filename none
coredump_dir ${folder}
netdb_filename none
visible_hostname cache.test
shutdown_lifetime 0 seconds`,
    args: file => ['-N', '-f', file],
  },
  varnish: {
    command: 'varnishd',
    version: path => firstWord(output(path, '-V'), /varnish-(\S+)/),
    file: 'default.vcl',
    config: (_, originPort) => `vcl 4.1;
backend default { .host = "127.0.0.1"; .port = "${originPort}"; }`,
    args: (file, port, folder) => [
      // Without these it serves what is stale for ten seconds more, and never validates.
      ...['-p', 'default_grace=0', '-p', 'default_keep=3600'],
      ...['-F', '-a', `127.0.0.1:${port}`, '-f', file, '-s', 'malloc,64m', '-n', join(folder, 'varnish')],
    ],
  },
}

/** Starts it on a free port; it has to answer within some seconds. */
export async function startPeer(name: PeerName, originPort: number): Promise<Running> {
  const program = PROGRAMS[name]
  const path = findProgram(program.command)
  if (path === null)
    throw new Error(`${name} is not on this machine: install it, or leave out --peer ${name}`)
  const folder = mkdtempSync(join(tmpdir(), `sluice-conformance-${name}-`))
  mkdirSync(join(folder, 'cache'))
  const port = await freePort()
  const file = join(folder, program.file)
  writeFileSync(file, `${program.config(port, originPort, folder)}\n`)
  // Programs that give up their rights have to reach their folder.
  execFileSync('/bin/chmod', ['-R', '777', folder])
  const child = spawn(path, program.args(file, port, folder), { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => (said += chunk))
  await answering(port, child).catch(error => {
    child.kill('SIGKILL')
    throw new Error(`${name} did not start: ${(error as Error).message}\n${said}`)
  })
  return {
    host: '127.0.0.1',
    port,
    title: `${name} ${program.version(path)}`,
    end: () => endOf(child, folder),
  }
}

async function endOf(child: ChildProcess, folder: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  child.once('exit', () => resolve())
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), 5000)
  if (child.exitCode === null && child.signalCode === null) await promise
  clearTimeout(timer)
  rmSync(folder, { recursive: true, force: true })
}

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  const { port } = server.address() as net.AddressInfo
  await new Promise(resolve => server.close(resolve))
  return port
}

async function answering(port: number, child: ChildProcess): Promise<void> {
  const endMs = performance.now() + 15_000
  for (;;) {
    const open = await new Promise<boolean>(resolve => {
      const socket = net.connect(port, '127.0.0.1')
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
      socket.once('connect', () => socket.destroy())
    })
    if (open) return
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}`)
    if (performance.now() > endMs) throw new Error('nobody listens')
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}
