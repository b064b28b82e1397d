/**
 * What npm users get: the tarball, installed in an empty folder, with its program, its library and its types.
 * Strategy: packed from a copy of the repository (building writes dist/, and tests may run twice at once) and
 * installed together with tarballs of its dependencies, so that no registry is asked.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const NEEDED = 'sluice needs Node.js 22.18 or newer'

interface Package {
  readonly version: string
  readonly files: readonly string[]
  readonly dependencies?: Readonly<Record<string, string>>
}

interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

const manifest = (folder: string): Package => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))

/** Without what an npm around us told us, which would steer the npm we start. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(npm_|node_options$|node_test_)/i.test(name))
  return Object.fromEntries(kept)
}

function run(folder: string, program: string, ...args: readonly string[]): Promise<Ran> {
  return new Promise(resolve => {
    const options = { cwd: folder, env: { ...cleanEnvironment(), npm_config_cache: join(work, 'npm-cache') } }
    execFile(program, args, options, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr }),
    )
  })
}

async function succeed(folder: string, program: string, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await run(folder, program, ...args)
  assert.equal(code, 0, `${program} ${args.join(' ')}\n${stdout}${stderr}`)
  return stdout
}

/** Names of all packages that the package in `folder` needs at run time, near and far. */
function runtimeDependencies(folder: string, found = new Set<string>()): Set<string> {
  for (const name of Object.keys(manifest(folder).dependencies ?? {})) {
    if (found.has(name)) continue
    found.add(name)
    runtimeDependencies(join(ROOT, 'node_modules', name), found)
  }
  return found
}

interface Packed {
  readonly filename: string
  readonly files: readonly { readonly path: string }[]
}

async function pack(folder: string, ...flags: readonly string[]): Promise<Packed> {
  const words = await succeed(folder, 'npm', 'pack', '--json', '--pack-destination', work, ...flags)
  // What prepack prints comes before the JSON: a list, or from npm 11 on an object of names.
  const packed = JSON.parse(words.slice(words.search(/^[[{]/m)))
  return Object.values<Packed>(packed)[0]
}

function copyOfRepository(): string {
  const copy = join(work, 'repository')
  mkdirSync(copy)
  const wanted = [
    'package.json',
    'tsconfig.json',
    'tsconfig.build.json',
    'src',
    'test',
    ...manifest(ROOT).files,
  ]
  for (const name of wanted)
    if (name !== 'dist' && existsSync(join(ROOT, name)))
      cpSync(join(ROOT, name), join(copy, name), { recursive: true })
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'))
  return copy
}

const work = realpathSync(mkdtempSync(join(tmpdir(), 'sluice-package-')))
const folder = join(work, 'empty')

describe('the package', () => {
  let files: readonly string[] = []

  before(async () => {
    const dependencies = [...runtimeDependencies(ROOT)].map(name => join(ROOT, 'node_modules', name))
    const packed = await Promise.all([
      pack(copyOfRepository()),
      ...dependencies.map(dependency => pack(dependency, '--ignore-scripts')),
    ])
    files = packed[0].files.map(file => file.path)
    const tarballs = packed.map(({ filename }) => join(work, filename))
    mkdirSync(folder)
    writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n')
    await succeed(folder, 'npm', 'install', '--offline', '--no-audit', '--no-fund', ...tarballs)
  })

  after(() => rmSync(work, { recursive: true, force: true }))

  it('holds what "files" names and nothing else', () => {
    const named = [...manifest(ROOT).files, 'package.json']
    const tops = new Set(files.map(file => file.split('/')[0]))
    assert.deepEqual([...tops].sort(), [...named].sort())
    const inside = files.filter(file => file.startsWith('dist/'))
    assert.deepEqual(
      inside.filter(file => !/\.(js|d\.ts)$/.test(file)),
      [],
      'dist holds .js and .d.ts only',
    )
    assert.deepEqual(
      inside.filter(file => /\.test\./.test(file)),
      [],
      'tests stay at home',
    )
    for (const file of ['dist/index.js', 'dist/index.d.ts', 'dist/bin.js'])
      assert.ok(files.includes(file), file)
  })

  it('gives a program', async () => {
    assert.match(await succeed(folder, 'npx', '--no-install', 'sluice', '--help'), /sluice proxy/)
    assert.equal(
      await succeed(folder, 'npx', '--no-install', 'sluice', '--version'),
      `${manifest(ROOT).version}\n`,
    )
  })

  it('checks a config written in TypeScript', async () => {
    writeFileSync(join(folder, 'sluice.config.ts'), CONFIG)
    assert.match(await succeed(folder, 'npx', '--no-install', 'sluice', 'check'), /no faults/)
  })

  it('gives a library', async () => {
    const words =
      "import { defineConfig, headers } from 'sluice'; console.log(typeof defineConfig, typeof headers)"
    assert.equal(
      await succeed(folder, process.execPath, '--input-type=module', '-e', words),
      'function function\n',
    )
  })

  it('gives types, which know the names of the upstreams', async () => {
    const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')
    // Nothing but the package is there: no types of Node, and its own are checked as well.
    const flags = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2024', '--types', '']
    writeFileSync(join(folder, 'good.ts'), CONFIG)
    await succeed(folder, process.execPath, tsc, ...flags, 'good.ts')
    writeFileSync(join(folder, 'bad.ts'), CONFIG.replace("to: 'shop'", "to: 'shup'"))
    const { code, stdout } = await run(folder, process.execPath, tsc, ...flags, 'bad.ts')
    assert.notEqual(code, 0)
    assert.match(stdout, /bad\.ts\(6,\d+\): error .*'"shup"'/)
  })

  it('says under an older Node which one it needs, in one line', async () => {
    const bin = join(folder, 'node_modules', 'sluice', 'dist', 'bin.js')
    // An old Node as the program sees it; a real one on top, where the machine has one.
    const disguise = `data:text/javascript,Object.defineProperty(process, 'versions', { value: { node: '22.17.9' } })`
    const runs = [await run(folder, process.execPath, '--import', disguise, bin, '--help')]
    for (const node of await olderNodes()) runs.push(await run(folder, node, bin, '--help'))
    for (const { code, stdout, stderr } of runs) {
      assert.equal(code, 2, stderr)
      assert.equal(stdout, '')
      assert.ok(stderr.startsWith(NEEDED), stderr)
      assert.equal(stderr.trim().split('\n').length, 1, stderr)
    }
  })
})

const CONFIG = `import { defineConfig, headers } from 'sluice'

export default defineConfig({
  upstreams: { shop: ['127.0.0.1:9000', { address: '127.0.0.1:9001', weight: 2 }] },
  listeners: [
    { listen: ':8080', routes: [{ layers: [headers({ response: { remove: ['server'] } })], to: 'shop' }] },
  ],
})
`

/** Programs called node on the PATH, outside of node_modules, that are older than what is needed. */
async function olderNodes(): Promise<string[]> {
  const folders = (process.env.PATH ?? '')
    .split(delimiter)
    .filter(each => each !== '' && !each.includes('node_modules'))
  const nodes = folders
    .filter(each => existsSync(each) && readdirSync(each).includes('node'))
    .map(each => join(each, 'node'))
  const older: string[] = []
  for (const node of new Set(nodes.map(each => realpathSync(each)))) {
    const [major, minor] = (await succeed(work, node, '-p', 'process.versions.node')).split('.').map(Number)
    if (major < 22 || (major === 22 && minor < 18)) older.push(node)
  }
  return older
}
