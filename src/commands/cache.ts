/**
 * `sluice cache`: looks into the caches of the running program, and purges.
 * Strategy: the words of the command line become one question to the admin endpoint; what comes back is printed as it
 * is (`--json`) or as a table for people.
 */
import { ADMIN_ADDRESS, type AdminQuestion, askAdmin } from '../admin/admin-client.ts'
import { HEADS_MAX, urlParts } from '../cache/control.ts'
import { adminOf } from '../config/build.ts'
import { defaultConfigs } from '../config/load.ts'
import { messageOf } from '../config/problems.ts'
import { readConfig } from '../config/read-config.ts'
import type { ListenAddress } from '../server/options.ts'
import { adminFlag } from './admin-flag.ts'
import { entriesText, entryText, purgeText, statsText } from './cache-text.ts'
import { tellProblems } from './check.ts'
import { type ExitCode, type Output, type Values, wordsOf } from './command.ts'

/** What is asked, and how the answer is told. */
interface Asking {
  readonly question: AdminQuestion
  /** `answer` is what the program says. */
  text(answer: never): string
  /** Of what the program says: 1 when it is not what was asked for. */
  code(answer: never): ExitCode
}

const ACTIONS = ['ls', 'show', 'purge', 'stats']
/** Only purge knows them. */
const PURGE_FLAGS = ['tag', 'prefix', 'all', 'soft']

/** 0: done; 1: nobody answers, nothing is stored for the URL, or a worker was not reached; 2: bad use or a bad config. */
export async function cache(values: Values, output: Output): Promise<ExitCode> {
  const asking = askingOf(values)
  const flag = adminFlag(values)
  const faults = [...('faults' in asking ? asking.faults : []), ...flag.faults]
  for (const fault of faults) output.err(fault)
  if ('faults' in asking || faults.length > 0) return 2
  const address = flag.address ?? (await configuredAddress(values, output))
  if (address === 'faulty') return 2
  let answer: unknown
  try {
    answer = await askAdmin(address, asking.question)
  } catch (error) {
    output.err(wordsOf(error, output))
    return 1
  }
  try {
    output.out(values.has('json') ? JSON.stringify(answer, null, 2) : asking.text(answer as never))
    return asking.code(answer as never)
  } catch (error) {
    // What answers may be another version.
    output.err(`the answer is not understood, is it of another version? ${wordsOf(error, output)}`)
    return 1
  }
}

function askingOf(values: Values): Asking | { readonly faults: readonly string[] } {
  const action = values.text('ACTION') ?? ''
  const url = values.text('URL')
  if (!ACTIONS.includes(action))
    return {
      faults: [`${JSON.stringify(action)} is nothing to do with a cache: write ${ACTIONS.join(', ')}`],
    }
  const faults = PURGE_FLAGS.filter(name => action !== 'purge' && values.has(name)).map(
    name => `--${name} belongs to purge: sluice cache purge --${name}`,
  )
  if (action !== 'ls' && values.has('count')) faults.push('--count belongs to ls: sluice cache ls --count 20')
  for (const written of [url, values.text('prefix')]) {
    const fault = written === null ? null : messageOf(() => urlParts(written))
    if (fault !== null) faults.push(fault)
  }
  const made = action === 'purge' ? purging(values, url) : looking(action, values, url)
  if ('faults' in made) faults.push(...made.faults)
  return faults.length > 0 ? { faults } : made
}

function looking(
  action: string,
  values: Values,
  url: string | null,
): Asking | { readonly faults: readonly string[] } {
  const ask = (path: string, query: Record<string, string> = {}) => {
    const written = new URLSearchParams(query).toString()
    return { path: written === '' ? path : `${path}?${written}`, body: null }
  }
  if (action === 'stats') {
    if (url !== null) return { faults: [`stats are about everything: take "${url}" out`] }
    return { question: ask('/cache/stats'), text: statsText, code: reached }
  }
  if (action === 'show') {
    if (url === null)
      return { faults: ['URL is missing: write for example sluice cache show http://host/path'] }
    return {
      question: ask('/cache/entry', { url }),
      text: entryText,
      code: (answer: { entries: readonly unknown[] }) => (answer.entries.length > 0 ? 0 : 1),
    }
  }
  const count = values.text('count')
  if (count !== null && !(Number(count) >= 1 && Number(count) <= HEADS_MAX && /^\d+$/.test(count)))
    return { faults: [`--count: "${count}" is not a number from 1 to ${HEADS_MAX}`] }
  const query = { ...(url === null ? {} : { prefix: url }), ...(count === null ? {} : { count }) }
  return { question: ask('/cache/entries', query), text: entriesText, code: reached }
}

const reached = ({ silent }: { silent: number }): ExitCode => (silent > 0 ? 1 : 0)

function purging(values: Values, url: string | null): Asking | { readonly faults: readonly string[] } {
  const wishes: object[] = [
    ...(url === null ? [] : [{ url }]),
    ...['tag', 'prefix'].filter(name => values.has(name)).map(name => ({ [name]: values.text(name) })),
    ...(values.has('all') ? [{ all: true }] : []),
  ]
  if (wishes.length !== 1) {
    const what = wishes.length === 0 ? 'nothing says what to purge' : 'one thing at a time'
    return { faults: [`${what}: write a URL, --prefix URL, --tag TAG or --all`] }
  }
  const soft = values.has('soft')
  return {
    question: { path: '/cache/purge', body: { ...wishes[0], ...(soft ? { soft } : {}) } },
    text: answer => purgeText(answer, soft, url),
    code: reached,
  }
}

/** `admin` of the config file here, else where a program answers that was told nothing else. */
async function configuredAddress(values: Values, output: Output): Promise<ListenAddress | 'faulty'> {
  const named = values.text('config')
  if (named === null && defaultConfigs(process.cwd()).length === 0) return ADMIN_ADDRESS
  const found = await readConfig(named, process.cwd())
  if (found.config === null) {
    // The program that runs may have been started before the file was broken.
    if (named === null) return ADMIN_ADDRESS
    tellProblems(found, output)
    return 'faulty'
  }
  return adminOf(found.config.admin) ?? ADMIN_ADDRESS
}
