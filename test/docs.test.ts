/**
 * The documents against the program: tables that are printed from the code, commands, configs and links that work.
 * `node test/docs.test.ts --write` prints the tables anew.
 */
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { ERRORS } from '../src/base/errors.ts'
import { formatDuration, formatSize } from '../src/base/units.ts'
import { CACHE_DEFAULTS } from '../src/cache/options.ts'
import { REUSE, type Use } from '../src/cache/reuse.ts'
import { STORING } from '../src/cache/storable.ts'
import { parseFlags } from '../src/cli.ts'
import { COMMANDS, LATER_COMMANDS } from '../src/commands/index.ts'
import { buildPlan } from '../src/config/build.ts'
import { jsonSchemaText } from '../src/config/json-schema.ts'
import { DISK_BYTES } from '../src/config/layers/cache.ts'
import { readConfig } from '../src/config/read-config.ts'
import { BASIC_AUTH_DEFAULTS } from '../src/layers/basic-auth.ts'
import { COMPRESS_DEFAULTS } from '../src/layers/compress.ts'
import { LEVELS } from '../src/layers/compressors.ts'
import { CORS_DEFAULTS } from '../src/layers/cors.ts'
import { VARIABLES } from '../src/layers/template.ts'
import { CHECK_DEFAULTS, STICKY_DEFAULTS } from '../src/upstream/options.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const DOCUMENTS = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'docs/configuration.md',
  'docs/explain.md',
  'docs/caching.md',
  'bench/README.md',
]

const readDocument = (name: string): string => readFileSync(join(ROOT, name), 'utf8')

// Tables that are printed.

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

function errorTable(): string {
  const rows = Object.entries(ERRORS).map(([code, { status, side, proxyStatus, words }]) => [
    `\`${code}\``,
    String(status),
    side,
    proxyStatus === null ? '' : `\`${proxyStatus}\``,
    words,
  ])
  return table(['code', 'status', 'whose fault', 'Proxy-Status', 'what happened'], rows)
}

function commandTable(): string {
  return table(
    ['command', 'what it does'],
    COMMANDS.map(({ name, usage, summary }) => [`\`sluice ${name} ${usage}\``, summary]),
  )
}

/** The part of JSON Schema that the config's uses. */
interface Schema {
  readonly description?: string
  readonly enum?: readonly unknown[]
  readonly required?: readonly string[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
  readonly anyOf?: readonly Schema[]
  readonly additionalProperties?: Schema | boolean
}

const CONFIG: Schema = JSON.parse(jsonSchemaText())

/** Follows keys, `[]` into the items of a list and `{}` into the values of an object, always to the branch that is an object. */
function schemaAt(path: string): Schema {
  let schema = CONFIG
  for (const step of path.split(' ').filter(each => each !== '')) {
    const whole: Schema =
      schema.anyOf?.find(each => each.properties !== undefined || each.items !== undefined) ?? schema
    const next =
      step === '[]'
        ? whole.items
        : step === '{}'
          ? whole.additionalProperties
          : objectOf(schema).properties?.[step]
    if (typeof next !== 'object') throw new Error(`the schema has no ${path}`)
    schema = next
  }
  return objectOf(schema)
}

const objectOf = (schema: Schema): Schema =>
  schema.anyOf?.find(each => each.properties !== undefined) ?? schema

type Defaults = Readonly<Record<string, unknown>>

function fieldTable(path: string, defaults: Defaults): string {
  const { properties = {}, required = [] } = schemaAt(path)
  const rows = Object.entries(properties)
    .filter(([name]) => !name.startsWith('$'))
    .map(([name, { description = '', enum: choices }]) => [
      `\`${name}\``,
      required.includes(name) ? 'required' : defaultText(name, defaults),
      choices === undefined
        ? description
        : `${description} One of ${choices.map(each => `\`${each}\``).join(', ')}.`,
    ])
  return table(['field', 'default', 'what it is'], rows)
}

/** Fields are called as the options they become, without unit and "Max": `idle` is `idleTimeoutMs`. */
function defaultText(name: string, defaults: Defaults): string {
  const key = ['', 'Ms', 'Max', 'Bytes', 'BytesMax', 'TimeoutMs']
    .map(end => name + end)
    .find(each => Object.hasOwn(defaults, each))
  const value = key === undefined ? undefined : defaults[key]
  if (key === undefined || value === null || typeof value === 'object') return ''
  if (key.endsWith('Ms')) return `\`${formatDuration(value as number)}\``
  return /Bytes(Max)?$/.test(key) ? `\`${formatSize(value as number)}\`` : `\`${value}\``
}

function defaultPlan() {
  const config = { upstreams: { any: '127.0.0.1:9' }, listeners: [{ listen: 0, routes: [{ to: 'any' }] }] }
  return buildPlan(config, { folder: ROOT, placeOf: () => '' })
}

const usualLevels = (): Defaults =>
  Object.fromEntries(Object.entries(LEVELS).map(([coding, { usual }]) => [coding, usual]))

function fieldTables(): Readonly<Record<string, string>> {
  const plan = defaultPlan()
  const [listener] = plan.listeners
  const { options } = plan.groups[0]
  return {
    config: fieldTable('', { drainTimeoutMs: plan.drainTimeoutMs, workers: plan.workers }),
    listener: fieldTable('listeners []', { ...listener }),
    route: fieldTable('listeners [] routes []', {}),
    redirect: fieldTable('listeners [] routes [] redirect', { status: 302 }),
    respond: fieldTable('listeners [] routes [] respond', { status: 200 }),
    variables: variableTable(),
    rewrite: fieldTable('listeners [] routes [] layers [] rewrite', {}),
    page: fieldTable('listeners [] routes [] layers [] errorPages {}', {}),
    edits: fieldTable('listeners [] routes [] layers [] headers request', {}),
    compress: fieldTable('listeners [] routes [] layers [] compress', { ...COMPRESS_DEFAULTS }),
    levels: fieldTable('listeners [] routes [] layers [] compress level', usualLevels()),
    basicAuth: fieldTable('listeners [] routes [] layers [] basicAuth', BASIC_AUTH_DEFAULTS),
    cors: fieldTable('listeners [] routes [] layers [] cors', CORS_DEFAULTS),
    timeouts: fieldTable('listeners [] timeouts', { ...listener.timeouts }),
    limits: fieldTable('listeners [] limits', { ...listener.limits }),
    upstream: fieldTable('upstreams {}', { ...options }),
    server: fieldTable('upstreams {} servers []', { ...options.servers[0] }),
    hash: fieldTable('upstreams {} balance hash', {}),
    sticky: fieldTable('upstreams {} balance sticky', { ...STICKY_DEFAULTS }),
    'route-timeouts': fieldTable('listeners [] routes [] timeouts', {}),
    retry: fieldTable('upstreams {} retry', { ...options.retry, budget: options.retryBudget }),
    health: fieldTable('upstreams {} health', { ...options.health }),
    check: fieldTable('upstreams {} check', { ...CHECK_DEFAULTS, status: '2xx' }),
    log: fieldTable('log', {}),
  }
}

function cacheTables(): Readonly<Record<string, string>> {
  const { key, ...options } = CACHE_DEFAULTS
  const cache = 'listeners [] routes [] layers [] cache'
  const ms = (seconds: number): number => seconds * 1000
  const defaults = {
    ...options,
    maxObjectBytes: options.objectBytesMax,
    fillingBytes: options.fillingBytesMax,
    finishBytes: options.finishBytesMax,
    staleWhileRevalidateMs: ms(options.staleWhileRevalidateS),
    staleIfErrorMs: ms(options.staleIfErrorS),
    staleWhenDownMs: ms(options.staleWhenDownS),
  }
  const heuristic = { fraction: options.heuristicFraction, mostMs: ms(options.heuristicMaxS) }
  return {
    cache: fieldTable(cache, defaults),
    'cache-disk': fieldTable(`${cache} disk`, { sizeBytes: DISK_BYTES }),
    'cache-rule': fieldTable(`${cache} rules []`, {}),
    'cache-key': fieldTable(`${cache} key`, { ...key }),
    'cache-heuristic': fieldTable(`${cache} heuristic`, heuristic),
    storing: table(
      ['code', 'stored', 'clause', 'why'],
      Object.entries(STORING).map(([code, { stored, clause, words }]) => [
        `\`${code}\``,
        stored ? 'yes' : 'no',
        clause,
        words,
      ]),
    ),
    reuse: table(
      ['code', 'what happens', 'clause', 'why'],
      Object.entries(REUSE).map(([code, { use, clause, words }]) => [
        `\`${code}\``,
        USES[use],
        clause,
        words,
      ]),
    ),
  }
}

const USES: Readonly<Record<Use, string>> = {
  fresh: 'it answers',
  stale: 'it answers',
  refresh: 'it answers, and is validated behind the client',
  validate: 'it is validated first',
}

function variableTable(): string {
  const rows = Object.entries(VARIABLES).map(([name, { words, argument, ofAnswer }]) => [
    `\`{${argument ? `${name}.NAME` : name}}\``,
    ofAnswer ? 'answers' : 'everywhere',
    words,
  ])
  return table(['variable', 'where', 'what it is'], rows)
}

/** File → marker → what stands between `<!-- marker -->` and `<!-- /marker -->`. */
const PRINTED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'README.md': { commands: commandTable() },
  'ARCHITECTURE.md': { errors: errorTable() },
  'docs/configuration.md': fieldTables(),
  'docs/caching.md': cacheTables(),
}

function printedInto(name: string): string {
  let text = readDocument(name)
  for (const [marker, content] of Object.entries(PRINTED[name])) {
    const [start, end] = [`<!-- ${marker} -->\n`, `\n<!-- /${marker} -->`]
    const [from, to] = [text.indexOf(start), text.indexOf(end)]
    if (from < 0 || to < from)
      throw new Error(`${name} has no place for ${marker}: ${start.trim()} and ${end.trim()}`)
    text = `${text.slice(0, from + start.length)}\n${content}\n${text.slice(to)}`
  }
  return text
}

// What the documents say.

const codeBlocks = (text: string, language: string): string[] =>
  [...text.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(match => match[1])

/** Lines of code blocks that call the program, comments cut off. */
function sluiceLines(text: string): string[] {
  const lines = codeBlocks(text, 'sh').flatMap(block => block.split('\n'))
  return lines.map(line => line.replace(/\s+#.*$/, '')).filter(line => /^(npx )?sluice /.test(line))
}

/** Words as a shell would split them, quotes included. */
const shellWords = (line: string): string[] =>
  [...line.matchAll(/'([^']*)'|\S+/g)].map(match => match[1] ?? match[0])

function commandFaults(line: string): string[] {
  const [name, ...args] = shellWords(line.replace(/^(npx )?sluice /, ''))
  const command = COMMANDS.find(each => each.name === name)
  return command === undefined ? [`no command ${name}`] : parseFlags(command, args).faults
}

function registerTests(): void {
  for (const name of Object.keys(PRINTED))
    it(`the tables of ${name} are those of the code`, () => {
      assert.ok(
        readDocument(name) === printedInto(name),
        `${name} is out of date: node test/docs.test.ts --write`,
      )
    })

  it('the config of README.md has twelve lines at most and no fault', async () => {
    const [config] = codeBlocks(readDocument('README.md'), 'ts')
    assert.ok(config.trimEnd().split('\n').length <= 12, config)
    const folder = mkdtempSync(join(tmpdir(), 'sluice-docs-'))
    try {
      writeFileSync(join(folder, 'sluice.config.ts'), config)
      const { faults, warnings } = await readConfig(null, folder)
      assert.deepEqual([...faults, ...warnings], [])
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('the lines that call sluice are understood', () => {
    const lines = DOCUMENTS.flatMap(name => sluiceLines(readDocument(name)))
    assert.ok(lines.length >= 2)
    for (const line of lines) assert.deepEqual(commandFaults(line), [], line)
  })

  it('README.md names what is planned', () => {
    const planned = /^Planned.*$/m.exec(readDocument('README.md'))?.[0] ?? ''
    for (const name of LATER_COMMANDS)
      assert.ok(planned.includes(`\`${name}\``), `${name} is planned: say so`)
  })

  it('npm scripts that are named exist', () => {
    const { scripts } = JSON.parse(readDocument('package.json')) as { scripts: Record<string, string> }
    for (const name of DOCUMENTS)
      for (const [, script] of readDocument(name).matchAll(/npm run ([\w:-]+)/g))
        assert.ok(Object.hasOwn(scripts, script), `${name}: npm run ${script}`)
  })

  it('links between the documents lead somewhere', () => {
    for (const name of DOCUMENTS)
      for (const [, target] of readDocument(name).matchAll(/\]\(((?!https?:)[^)#]+)/g))
        assert.ok(existsSync(join(ROOT, dirname(name), target)), `${name}: ${target}`)
  })

  it('.ci/run and README.md test in the same words', () => {
    const words = /^test_words='(.*)'$/m.exec(readDocument('.ci/run'))?.[1] ?? ''
    assert.ok(
      codeBlocks(readDocument('README.md'), 'sh').some(block => block.split('\n').includes(words)),
      words,
    )
  })
}

if (process.argv.includes('--write'))
  for (const name of Object.keys(PRINTED)) writeFileSync(join(ROOT, name), printedInto(name))
else registerTests()
