/**
 * The peers: every proxy that the bench can set beside Sluice, and how each is started.
 * Strategy: a peer says why it is missing, or gives a command for a port and an origin; nobody else knows how a
 * proxy is configured.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  cacheMegabytes,
  caddyProxy,
  haproxyProxy,
  nginxCache,
  nginxProxy,
  squidCache,
  varnishCache,
} from './native-configs.ts'
import { type Command, findProgram, projectFolder, run } from './processes.ts'

const peersFolder = join(import.meta.dirname, 'peers')
const modulesFolder = join(peersFolder, 'node_modules')
const installWithinMs = 180_000
/** After one second V8 still compiles: figures of Node proxies were 5 to 15 % higher than after two or three. */
const warmUpOnNodeSeconds = 2

/** What a proxy is to be: where it listens, what it stands before, where its files may lie. */
export interface Site {
  readonly port: number
  readonly originPort: number
  readonly folder: string
}

export interface Peer {
  readonly name: string
  readonly kind: 'sluice' | 'native' | 'npm'
  /** Whole seconds of load before the first measured one. */
  readonly warmUpSeconds: number
  /** Why it cannot run here, or null. */
  missing(): string | null
  command(site: Site): Command
}

function sluice(name: string, logging: (site: Site) => string[]): Peer {
  return {
    name,
    kind: 'sluice',
    warmUpSeconds: warmUpOnNodeSeconds,
    missing: () => null,
    command: site => ({
      program: process.execPath,
      args: [
        ...[join(projectFolder, 'src', 'bin.ts'), 'proxy', '--listen', `127.0.0.1:${site.port}`],
        ...['--to', `http://127.0.0.1:${site.originPort}`, ...logging(site)],
      ],
      readyLine: new RegExp(`^listening http://127\\.0\\.0\\.1:${site.port} \\(proxy\\)$`, 'm'),
    }),
  }
}

/** Sluice with a config of this run: one listener with these routes. */
function sluiceRun(name: string, workers: number, routes: (upstream: string) => unknown[]): Peer {
  return {
    name,
    kind: 'sluice',
    warmUpSeconds: warmUpOnNodeSeconds,
    missing: () => null,
    command: site => {
      const config = {
        upstreams: { origin: `127.0.0.1:${site.originPort}` },
        listeners: [{ listen: `127.0.0.1:${site.port}`, routes: routes('origin') }],
        workers,
      }
      const file = configFile(site, 'sluice.config.json', JSON.stringify(config))
      return {
        program: process.execPath,
        args: [join(projectFolder, 'src', 'bin.ts'), 'run', '--config', file, '--log', 'off'],
        readyLine: /^listening http:/m,
      }
    },
  }
}

/** Five layers that all have something to do for every request. */
const fiveLayers = [
  { ipDeny: ['192.0.2.0/24'] },
  { bodyLimit: '10MB' },
  { cors: { origins: ['https://app.example.com'] } },
  { rewrite: { stripPrefix: '/shop' } },
  {
    headers: { request: { set: { 'x-client': '{client}' } }, response: { set: { 'x-served-by': 'sluice' } } },
  },
]

/** The last of many routes answers by itself; those before it have eighty paths each. */
const manyRoutes = () => [
  ...Array.from({ length: 1_000 }, (_, route) => ({
    path: Array.from({ length: 80 }, (_, path) => `/never/${route}/${path}`),
    respond: 'no',
  })),
  { respond: 'hello' },
]

function native(
  name: string,
  command: (program: string, site: Site) => Command,
  programName: string = name,
): Peer {
  return {
    name,
    kind: 'native',
    warmUpSeconds: 1,
    missing: () => (findProgram(programName) ? null : 'not installed'),
    command: site => command(findProgram(programName) ?? programName, site),
  }
}

function configFile(site: Site, name: string, text: string): string {
  const path = join(site.folder, name)
  writeFileSync(path, text)
  return path
}

const nginxWithCache = (name: string, tuned: boolean) =>
  native(
    name,
    (program, site) => {
      const text = nginxCache(site.folder, site.port, site.originPort, tuned)
      const config = configFile(site, 'nginx.conf', text)
      return { program, args: ['-p', site.folder, '-e', 'stderr', '-c', config] }
    },
    'nginx',
  )

let installFault: string | null = null

function npmPeer(packageName: string, file: string): Peer {
  return {
    name: packageName,
    kind: 'npm',
    warmUpSeconds: warmUpOnNodeSeconds,
    missing: () =>
      existsSync(join(modulesFolder, packageName)) ? null : (installFault ?? 'not in bench/path/peers'),
    command: site => ({
      program: process.execPath,
      args: [join(peersFolder, file), String(site.port), String(site.originPort)],
      readyLine: /^listening /m,
    }),
  }
}

export const PEERS: readonly Peer[] = [
  sluice('sluice', () => ['--log', 'off']),
  sluice('sluice+log', site => ['--log', 'json', '--log-file', join(site.folder, 'access.log')]),
  sluiceRun('sluice+layers', 1, to => [{ layers: fiveLayers, to }]),
  sluiceRun('sluice+gzip', 1, to => [
    { layers: [{ compress: { encodings: ['gzip'], level: { gzip: 6 } } }], to },
  ]),
  sluiceRun('sluice+cache', 1, to => [{ layers: [{ cache: { memory: `${cacheMegabytes}MB` } }], to }]),
  sluiceRun('sluice+disk', 1, to => [{ layers: [{ cache: { memory: 0, disk: './cache' } }], to }]),
  sluiceRun('sluice+routes', 1, manyRoutes),
  sluiceRun('sluice+routes×2', 2, manyRoutes),
  native('nginx', (program, site) => {
    const config = configFile(site, 'nginx.conf', nginxProxy(site.folder, site.port, site.originPort))
    return { program, args: ['-p', site.folder, '-e', 'stderr', '-c', config] }
  }),
  nginxWithCache('nginx+cache', false),
  nginxWithCache('nginx+cache+files', true),
  native(
    'varnish',
    (program, site) => {
      const config = configFile(site, 'default.vcl', varnishCache(site.originPort))
      const place = ['-j', 'none', '-F', '-n', join(site.folder, 'work'), '-f', config]
      const storage = ['-s', `malloc,${cacheMegabytes}m`, '-p', 'thread_pools=1']
      return { program, args: [...place, ...storage, '-a', `127.0.0.1:${site.port}`] }
    },
    'varnishd',
  ),
  native('squid', (program, site) => {
    const config = configFile(site, 'squid.conf', squidCache(site.folder, site.port, site.originPort))
    // In one process: without -N another one would only wait for this one's end.
    return { program, args: ['-N', '-f', config] }
  }),
  native('haproxy', (program, site) => {
    const config = configFile(site, 'haproxy.cfg', haproxyProxy(site.port, site.originPort))
    return { program, args: ['-db', '-q', '-f', config] }
  }),
  native('caddy', (program, site) => {
    const config = configFile(site, 'Caddyfile', caddyProxy(site.port, site.originPort))
    // Without these Caddy would keep its state in the home folder.
    const environment = { GOMAXPROCS: '1', XDG_CONFIG_HOME: site.folder, XDG_DATA_HOME: site.folder }
    return { program, args: ['run', '--config', config, '--adapter', 'caddyfile'], environment }
  }),
  npmPeer('http-proxy', 'http-proxy.ts'),
  npmPeer('http-proxy-3', 'http-proxy-3.ts'),
  npmPeer('httpxy', 'httpxy.ts'),
  npmPeer('fast-proxy', 'fast-proxy.ts'),
  npmPeer('@fastify/http-proxy', 'fastify-http-proxy.ts'),
]

/** A fresh folder for one start of a peer. */
export function siteFolder(parent: string, name: string): string {
  const folder = join(parent, name)
  mkdirSync(folder, { recursive: true })
  return folder
}

/** Installs the npm peers if they are not there; a failure is kept as the reason why they are missing. */
export async function installNpmPeers(tell: (words: string) => void): Promise<void> {
  if (PEERS.every(peer => peer.kind !== 'npm' || !peer.missing())) return
  const npm = findProgram('npm')
  if (!npm) {
    installFault = 'npm is not installed'
    return
  }
  tell('installing the npm peers (npm ci in bench/path/peers)')
  try {
    // An npm that runs us has told its own folder in npm_* variables; the inner one must not follow them.
    const told = Object.keys(process.env).filter(key => key.startsWith('npm_'))
    const environment = Object.fromEntries(told.map(key => [key, undefined]))
    const args = ['ci', '--prefix', peersFolder, '--no-audit', '--no-fund', '--ignore-scripts']
    await run({ program: npm, args, environment }, null, installWithinMs)
  } catch (error) {
    installFault = `npm ci failed: ${(error as Error).message}`
  }
}

/** The version that is installed of an npm peer. */
export function npmVersion(packageName: string): string | null {
  try {
    const text = readFileSync(join(modulesFolder, packageName, 'package.json'), 'utf8')
    return (JSON.parse(text) as { version: string }).version
  } catch {
    return null
  }
}
