/**
 * Finds a config file and gets the data out of it.
 * Strategy: TypeScript and JavaScript are run by Node (types are stripped, nothing is built), JSON and YAML are
 * parsed; either way the text is read as well, for the places. Nothing here throws for what a person wrote:
 * faults come back with their place.
 */
import { existsSync, readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { dirname, extname, isAbsolute, relative, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { findJsonFault } from './json-fault.ts'
import { type Place, type PlaceNode, TOP } from './places.ts'
import { importFault } from './script-faults.ts'
import {
  type RepeatedKey,
  readJsonPlaces,
  readScript,
  type ScriptReading,
  type SyntaxFault,
} from './script-places.ts'
import { readYaml } from './yaml-places.ts'

export interface PlacedFault {
  readonly place: Place
  readonly message: string
}

export interface Read {
  readonly data: unknown
  readonly places: PlaceNode | null
  /** None: `data` is what the file says, not checked yet. */
  readonly faults: readonly PlacedFault[]
}

export interface Loaded extends Read {
  /** The file itself and those of its own that it imports, absolute. */
  readonly files: readonly string[]
}

/** Tried in this order. */
export const DEFAULT_NAMES: readonly string[] = ['ts', 'mts', 'js', 'mjs', 'json', 'yaml', 'yml'].map(
  extension => `sluice.config.${extension}`,
)

/** A config that waits for something that never comes must not leave a person waiting without a word. */
const LOAD_TIMEOUT_MS = 30_000

/** The config files that stand in the folder; the first of them is the one that counts. */
export function defaultConfigs(folder: string): string[] {
  return DEFAULT_NAMES.filter(name => existsSync(resolve(folder, name)))
}

/** How the file is called in messages: relative where that is shorter. */
export function shownName(file: string, folder: string): string {
  const short = relative(folder, file)
  return short === '' || short.startsWith('..') || isAbsolute(short) ? file : short
}

/** `file` is absolute. */
export async function loadConfig(file: string): Promise<Loaded> {
  const files = new Set([file])
  const read = await readFile(file, files)
  return { ...read, files: [...files] }
}

async function readFile(file: string, files: Set<string>): Promise<Read> {
  let text: string
  try {
    text = readFileSync(file, 'utf8').replace(/^\ufeff/, '')
  } catch (error) {
    return failed(TOP, unreadable(error as NodeJS.ErrnoException))
  }
  switch (extname(file)) {
    case '.json':
      return loadJson(text)
    case '.yaml':
    case '.yml':
      return readYaml(text)
    case '.ts':
    case '.mts':
    case '.js':
    case '.mjs':
      return loadScript(file, text, files)
    default:
      return failed(TOP, `"${extname(file)}" is not a kind of config: write it as .ts, .js, .json or .yaml`)
  }
}

function unreadable(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT') return 'there is no such file'
  if (error.code === 'EISDIR') return 'this is a folder: name the config file in it'
  if (error.code === 'EACCES') return 'this file may not be read by the user that runs sluice'
  return `the file cannot be read: ${error.message}`
}

function loadJson(text: string): Read {
  let data: unknown
  try {
    data = JSON.parse(text)
  } catch (error) {
    const fault = findJsonFault(text)
    return fault ? failed(fault.place, fault.message) : failed(TOP, (error as Error).message)
  }
  const { places, repeated } = readJsonPlaces(text)
  return { data, places, faults: repeated.map(repeatedFault) }
}

async function loadScript(file: string, text: string, files: Set<string>): Promise<Read> {
  const reading = readScript(text, /\.m?ts$/.test(file))
  const script = 'message' in reading ? null : reading
  // The parser may be younger or older than Node: what runs is right, whatever the parser says.
  const syntaxFault = 'message' in reading ? reading : null
  let module: { default?: unknown }
  try {
    module = await importWithin(file, script, files, LOAD_TIMEOUT_MS)
  } catch (error) {
    return failedImport(error, file, script, syntaxFault)
  }
  if (script !== null && script.repeated.length > 0)
    return { data: undefined, places: null, faults: script.repeated.map(repeatedFault) }
  if (module.default === undefined)
    return failed(TOP, 'there is no default export: write export default defineConfig({ … })')
  if (typeof module.default === 'function')
    return failed(script?.places?.place ?? TOP, 'the default export is a function: export the config itself')
  if (module.default instanceof Promise)
    return failed(
      script?.places?.place ?? TOP,
      'the default export is a promise: write await in front of it, so that the config itself is exported',
    )
  return { data: module.default, places: script?.places ?? null, faults: [] }
}

function failedImport(
  error: unknown,
  file: string,
  script: ScriptReading | null,
  syntaxFault: SyntaxFault | null,
): Read {
  if (syntaxFault !== null) return failed(syntaxFault.place, syntaxFault.message)
  const { place, message } = importFault(error, file, script)
  return failed(place, message)
}

function repeatedFault({ key, place }: RepeatedKey): PlacedFault {
  return { place, message: `the key "${key}" is written twice here: keep one` }
}

function failed(place: Place, message: string): Read {
  return { data: undefined, places: null, faults: [{ place, message }] }
}

async function importWithin(
  file: string,
  script: ScriptReading | null,
  files: Set<string>,
  timeoutMs: number,
): Promise<{ default?: unknown }> {
  const url = pathToFileURL(file).href
  const hooks = registerHooks({
    resolve(specifier, context, next) {
      if (specifier === 'sluice') return { url: ownIndex(), shortCircuit: true }
      const found = next(specifier, context)
      if (isOfConfig(found.url)) files.add(fileURLToPath(found.url))
      return found.url === url && script?.isModule ? { ...found, format: moduleFormat(file) } : found
    },
  })
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    const words = `the config is still not loaded after ${timeoutMs / 1000} seconds: something in it waits for ever`
    timer = setTimeout(() => reject(new Error(words)), timeoutMs)
  })
  try {
    return await contained(() => Promise.race([import(url), late]))
  } finally {
    clearTimeout(timer)
    hooks.deregister()
  }
}

/**
 * Runs a config so that it cannot end this process: what it throws later on, a promise that it forgets and
 * `process.exit` become the error of its loading. Our own end goes another way: see `bin.ts`.
 */
async function contained<T>(run: () => Promise<T>): Promise<T> {
  // Another config is being loaded, or somebody else looks after this process.
  if (process.hasUncaughtExceptionCaptureCallback()) return run()
  const { exit } = process
  const broken = new Promise<never>((_, reject) => {
    process.setUncaughtExceptionCaptureCallback(reject)
    process.exit = code => {
      const words = `it calls process.exit(${code ?? ''}): throw an Error that says what is missing`
      const error = new Error(words)
      // Thrown as well, as whoever calls this counts on not going on.
      reject(error)
      throw error
    }
  })
  try {
    return await Promise.race([run(), broken])
  } finally {
    process.exit = exit
    process.setUncaughtExceptionCaptureCallback(null)
  }
}

/** A file that people write, and not one of a package or of this program. */
function isOfConfig(url: string): boolean {
  return url.startsWith('file:') && !url.includes('/node_modules/') && !url.startsWith(OWN_FOLDER)
}

/** A config with `import` is a module, whatever the package.json around it says about other files. */
function moduleFormat(file: string): string {
  return /\.m?ts$/.test(file) ? 'module-typescript' : 'module'
}

const OWN_FOLDER = new URL('..', import.meta.url).href

/** What `import … from 'sluice'` means in a config: this very program, installed beside it or not. */
function ownIndex(): string {
  return new URL(`../index${extname(new URL(import.meta.url).pathname)}`, import.meta.url).href
}

/** The folder that relative names in a config are relative to. */
export function folderOf(file: string): string {
  return dirname(file)
}
