/**
 * Why a TypeScript or JavaScript config could not be run, in words and with the place.
 * Strategy: Node says what went wrong and mostly where; where it does not (imports that fail, syntax that is
 * not erasable), the reading of the text knows the place.
 */
import { dirname, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { LAYER_NAMES } from './layers/index.ts'
import { nearest } from './nearest.ts'
import { type Place, TOP } from './places.ts'
import type { ScriptReading } from './script-places.ts'

interface Fault {
  readonly place: Place
  readonly message: string
}

/** `script` is what the text says, null when it could not be read. */
export function importFault(error: unknown, file: string, script: ScriptReading | null): Fault {
  if (!(error instanceof Error))
    return { place: TOP, message: `the config threw ${String(error)} while it was loaded` }
  const code = (error as NodeJS.ErrnoException).code
  if (code === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX') return unsupported(error, script)
  if (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') {
    const fault = missingModule(error, file, script)
    if (fault !== null) return fault
  }
  const missing = /does not provide an export named '([^']+)'/.exec(error.message)
  if (missing) return missingExport(missing[1], error, script)
  const place = placeInStack(error, file)
  return {
    place,
    message: `the config failed while it was loaded: ${error.name === 'Error' ? '' : `${error.name}: `}${firstLine(error.message)}`,
  }
}

function unsupported(error: Error, script: ScriptReading | null): Fault {
  const found = script?.unsupported
  if (!found) return { place: TOP, message: firstLine(error.message) }
  return {
    place: found.place,
    message: `${found.what}: Node removes types and builds nothing, so a config holds only what is plain JavaScript without its types`,
  }
}

function missingModule(error: Error, file: string, script: ScriptReading | null): Fault | null {
  const found = script?.imports.find(({ source }) => {
    const names = source.startsWith('.') ? [resolve(dirname(file), source)] : [source, packageOf(source)]
    return names.some(name => error.message.includes(`'${name}'`))
  })
  if (!found) return null
  const remedy = found.source.startsWith('.')
    ? 'write the name of the file with its ending, for example "./routes.ts"'
    : `npm install ${packageOf(found.source)}`
  return { place: found.place, message: `"${found.source}" is not there: ${remedy}` }
}

function packageOf(source: string): string {
  return source.split('/', source.startsWith('@') ? 2 : 1).join('/')
}

function missingExport(name: string, error: Error, script: ScriptReading | null): Fault {
  const from = (each: { source: string }) => error.message.includes(`'${each.source}'`)
  const statement = script?.imports.find(each => from(each) && each.names.some(other => other.name === name))
  const place = statement?.names.find(each => each.name === name)?.place ?? TOP
  const source = statement?.source ?? 'a module'
  const guess = source === 'sluice' ? nearest(name, LAYER_NAMES) : null
  const remedy =
    guess !== null
      ? `did you mean ${guess}?`
      : source === 'sluice'
        ? 'this version of Sluice does not have it'
        : 'look for its name there'
  return { place, message: `"${source}" exports nothing called ${name}: ${remedy}` }
}

/** The innermost frame that stands in the config itself. */
function placeInStack(error: Error, file: string): Place {
  const url = pathToFileURL(file).href
  for (const line of (error.stack ?? '').split('\n')) {
    const at = [url, file].map(name => line.indexOf(`${name}:`)).find(start => start !== -1)
    if (at === undefined) continue
    const numbers = /:(\d+)(?::(\d+))?\)?$/.exec(line.slice(at))
    if (numbers) return { line: Number(numbers[1]), column: Number(numbers[2] ?? 1) }
  }
  return TOP
}

function firstLine(text: string): string {
  // Paths are shorter to read than file URLs.
  return text
    .split('\n', 1)[0]
    .replace(/file:\/\/\S+/g, url => (URL.canParse(url) ? fileURLToPath(url) : url))
}
