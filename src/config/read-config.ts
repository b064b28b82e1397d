/**
 * From the name of a config file to a checked config and the lines that say what is wrong with it.
 */
import { resolve } from 'node:path'
import { checkData } from './check.ts'
import { DEFAULT_NAMES, defaultConfigs, folderOf, loadConfig, shownName } from './load.ts'
import { findPlace, type Place, type PlaceNode, trustedPlaces } from './places.ts'
import { type Path, type Problem, pathText } from './problems.ts'
import type { ConfigData } from './schema.ts'

export interface ReadConfig {
  /** How the file is called in messages. */
  readonly file: string
  /** What relative names in the config are relative to. */
  readonly folder: string
  /** Every file it was read from, absolute: itself and what it imports. */
  readonly files: readonly string[]
  /** Null when there is a fault. */
  readonly config: ConfigData | null
  /** `file:line:column: message`, in the order of the file. */
  readonly faults: readonly string[]
  readonly warnings: readonly string[]
  /** `file:line:column` of a part of the config. */
  placeOf(path: Path): string
}

/** `file` as it was given, or null for the default one in `folder`. Rejects only for a fault in this program. */
export async function readConfig(file: string | null, folder: string): Promise<ReadConfig> {
  const found = defaultConfigs(folder)
  if (file === null && found.length === 0) return nothingFound(folder)
  const full = resolve(folder, file ?? found[0])
  const shown = file ?? shownName(full, folder)
  const ignored =
    file === null && found.length > 1 ? [`${shown}: ${found.slice(1).join(', ')} beside it is not read`] : []
  const loaded = await loadConfig(full)
  if (loaded.faults.length > 0) {
    const faults = loaded.faults.map(({ place, message }) => `${at(shown, place)}: ${message}`)
    return {
      file: shown,
      folder: folderOf(full),
      files: loaded.files,
      config: null,
      faults,
      warnings: ignored,
      placeOf: () => `${shown}:1:1`,
    }
  }
  const places = trustedPlaces(loaded.places, loaded.data)
  const { config, problems } = checkData(loaded.data, folderOf(full))
  return {
    file: shown,
    folder: folderOf(full),
    files: loaded.files,
    config,
    faults: linesOf(problems, 'fault', shown, places),
    warnings: [...ignored, ...linesOf(problems, 'warning', shown, places)],
    placeOf: path => at(shown, findPlace(places, path, 'value')),
  }
}

function nothingFound(folder: string): ReadConfig {
  const [first, ...others] = DEFAULT_NAMES
  const endings = others.map(name => name.slice('sluice.config'.length)).join(', ')
  const message = `no config in ${folder}: write ${first} (or ${endings}), or name a file with --config`
  return {
    file: first,
    folder,
    files: [],
    config: null,
    faults: [message],
    warnings: [],
    placeOf: () => `${first}:1:1`,
  }
}

function linesOf(
  problems: readonly Problem[],
  level: Problem['level'],
  file: string,
  root: PlaceNode | null,
): string[] {
  return problems
    .filter(problem => problem.level === level)
    .map(problem => ({ problem, place: findPlace(root, problem.path, problem.at) }))
    .sort((a, b) => a.place.line - b.place.line || a.place.column - b.place.column)
    .map(({ problem, place }) => `${at(file, place)}: ${wordsOf(problem, root)}`)
}

function wordsOf({ path, at, message, see }: Problem, root: PlaceNode | null): string {
  // The message about a key names the key itself.
  const subject = pathText(at === 'key' && message.startsWith('unknown key') ? path.slice(0, -1) : path)
  const place = see ? findPlace(root, see, 'value') : null
  return `${subject === '' ? '' : `${subject}: `}${message}${place ? ` (see ${place.line}:${place.column})` : ''}`
}

function at(file: string, { line, column }: Place): string {
  return `${file}:${line}:${column}`
}
