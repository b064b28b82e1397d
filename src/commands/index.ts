/**
 * The commands of this version, in the order of the help.
 */
import type { Command, Flag, Work } from './command.ts'

const CONFIG: Flag = {
  name: 'config',
  value: 'FILE',
  help: 'config file (default: sluice.config.{ts,js,json,yaml} here)',
}
const DEBUG: Flag = { name: 'debug', value: null, help: 'show where an error came from' }

const LOG: readonly Flag[] = [
  {
    name: 'log',
    value: 'FORMAT',
    help: 'short, combined, json or off (default: short on a terminal, json elsewhere)',
  },
  { name: 'log-file', value: 'FILE', help: 'write the log there instead of to stdout' },
]

const WORKERS: Flag = {
  name: 'workers',
  value: 'N',
  help: 'processes that share the connections: a number, or auto for one a core (default: 1)',
}
const WATCH: Flag = {
  name: 'watch',
  value: null,
  help: 'reload when the config changes, or a file that it imports',
}

const ADMIN: Flag = {
  name: 'admin',
  value: 'ADDR',
  help: 'answer sluice cache there: an address of this machine alone, 127.0.0.1:8079, or unix:/path (default: nowhere)',
}

async function serving(command: string): Promise<Work> {
  const { serve } = await import('./serve.ts')
  return (values, output) => serve(command, values, output)
}

export const COMMANDS: readonly Command[] = [
  {
    name: 'run',
    summary: 'serve what the config file says',
    usage: '[--config FILE] [--workers N] [--watch]',
    example: 'sluice run --config shop.config.ts --log json',
    flags: [CONFIG, WORKERS, WATCH, ADMIN, ...LOG, DEBUG],
    laterFlags: [],
    load: () => serving('run'),
    loadPrepare: async () => (await import('./run.ts')).prepareRun,
  },
  {
    name: 'check',
    summary: 'name every fault of the config at once, each with file:line:column',
    usage: '[--config FILE]',
    example: 'sluice check --config shop.config.ts',
    flags: [CONFIG, DEBUG],
    laterFlags: [],
    load: async () => (await import('./check.ts')).check,
  },
  {
    name: 'explain',
    summary: 'say what becomes of a request, and why, without sending anything',
    usage: "[--config FILE] URL [-X METHOD] [-H 'NAME: VALUE'] [--client IP] [--json]",
    example: "sluice explain http://shop.example.com:8080/static/a.css -H 'accept: text/css'",
    positionals: [
      {
        name: 'URL',
        help: 'what is asked for: http://host:port/path?query, host/path or only /path',
      },
    ],
    flags: [
      CONFIG,
      { name: 'method', short: 'X', value: 'METHOD', help: 'the method (default: GET)' },
      {
        name: 'header',
        short: 'H',
        value: "'NAME: VALUE'",
        repeatable: true,
        help: 'a field of the request; Host in the place of that of the URL',
      },
      { name: 'client', value: 'IP', help: 'the address it comes from (default: 127.0.0.1)' },
      { name: 'json', value: null, help: 'the same for programs' },
      DEBUG,
    ],
    laterFlags: [],
    load: async () => (await import('./explain.ts')).explain,
  },
  {
    name: 'proxy',
    summary: 'a reverse proxy without a config file',
    usage: '--to URL[,URL…] [--listen ADDR]',
    example:
      "sluice proxy --listen :8080 --to 127.0.0.1:9000,127.0.0.1:9001 --set-header 'x-served-by: sluice'",
    flags: [
      {
        name: 'to',
        value: 'URL',
        list: true,
        help: 'servers that answer: host:port, http://host:port/path, unix:/path',
      },
      {
        name: 'listen',
        value: 'ADDR',
        list: true,
        help: '8080, :8080, 127.0.0.1:8080, [::1]:8080, unix:/path (default: 127.0.0.1:8080)',
      },
      {
        name: 'host',
        value: 'NAME',
        list: true,
        help: 'serve these hosts only: exact or *.wildcard (default: every host)',
      },
      {
        name: 'compress',
        value: null,
        help: 'compress answers (zstd, brotli, gzip) for clients that take it',
      },
      {
        name: 'balance',
        value: 'NAME',
        help: 'round-robin (default), least-busy, random-two, hash-client, hash-uri or sticky',
      },
      { name: 'set-header', value: "'NAME: VALUE'", repeatable: true, help: 'set a field of every answer' },
      {
        name: 'retry-for',
        value: 'TIME',
        help: 'go on trying this long while no server accepts a connection (default: 0s)',
      },
      {
        name: 'drain-timeout',
        value: 'TIME',
        help: 'time for running exchanges when asked to end (default: 30s)',
      },
      {
        name: 'cache',
        value: 'DIR',
        optional: true,
        help: 'answer from what is stored of earlier answers: in memory, with =DIR on disk as well',
      },
      WORKERS,
      ADMIN,
      ...LOG,
      DEBUG,
    ],
    laterFlags: [],
    load: () => serving('proxy'),
    loadPrepare: async () => (await import('./proxy.ts')).prepareProxy,
  },
  {
    name: 'cache',
    summary: 'look into the caches of the running program, and purge',
    usage: 'ls [URL] | show URL | purge URL | purge --prefix URL | purge --tag T | purge --all | stats',
    example: 'sluice cache purge http://shop.example.com/news',
    positionals: [
      { name: 'ACTION', help: 'ls, show, purge or stats' },
      {
        name: 'URL',
        help: 'what clients ask for, http://host:port/path?query; to ls: what it begins with',
        optional: true,
      },
    ],
    flags: [
      { name: 'tag', value: 'TAG', help: 'purge what has this tag in Cache-Tag or Surrogate-Key' },
      { name: 'prefix', value: 'URL', help: 'purge what begins with this URL' },
      { name: 'all', value: null, help: 'purge everything' },
      { name: 'soft', value: null, help: 'make it stale instead: it is validated before it is used again' },
      { name: 'count', value: 'N', help: 'how many ls tells at most (default: 1000)' },
      {
        name: 'admin',
        value: 'ADDR',
        help: 'where the program answers (default: admin of the config here, else 127.0.0.1:8079)',
      },
      CONFIG,
      { name: 'json', value: null, help: 'the same for programs' },
      DEBUG,
    ],
    laterFlags: [],
    load: async () => (await import('./cache.ts')).cache,
  },
]

/** Commands that belong to a version to come. */
export const LATER_COMMANDS: readonly string[] = [
  'forward',
  'tcp',
  'udp',
  'echo',
  'connect',
  'send',
  'receive',
]
