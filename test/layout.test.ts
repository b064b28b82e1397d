/**
 * Keeps the layout: who imports whom, what is pure, how long things are, what is dead, and that the tree in
 * ARCHITECTURE.md is the tree on the disk. Strategy: every TypeScript file is parsed once; each rule is a
 * function from files to faults, and each fault says what to do instead.
 */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parse } from '@babel/parser'

/** Left to right; a file imports from its own folder and from folders to the left. Those in one row never import each other. */
const ORDER: readonly (readonly string[])[] = [
  ['base'],
  ['http'],
  ['http1', 'framing'],
  ['net'],
  ['exchange'],
  ['upstream'],
  ['tunnel', 'forward', 'cache', 'layers', 'inspect'],
  ['server', 'tools'],
  ['config'],
  ['admin'],
  ['commands'],
  // The files of src itself: bin, cli, index.
  ['.'],
]

/** Bytes in, values out: no socket, no timer, no clock. */
const PURE = ['base', 'http', 'http1', 'framing', 'exchange']

/** Modules that only some places may import; a module that is not listed is free outside of the pure folders. */
const PLACES: Readonly<Record<string, { in: readonly string[]; instead: string }>> = {
  'node:net': { in: ['net/'], instead: 'take a Connection, a Listener or dial from net/' },
  'node:tls': { in: ['net/'], instead: 'take a Connection from net/' },
  'node:dgram': { in: ['net/'], instead: 'take datagrams from net/' },
  'node:dns': { in: ['net/'], instead: 'use the Resolver of net/resolve.ts' },
  'node:http': {
    // admin/: beside the data path.
    in: ['admin/'],
    instead: 'the codec of http1/ is what this program speaks HTTP with',
  },
  'node:https': { in: [], instead: 'the codec of http1/ is what this program speaks HTTP with' },
  'node:http2': { in: [], instead: 'the codec of http1/ is what this program speaks HTTP with' },
  'node:fs': {
    // net/stale-socket.ts: a unix socket is a file, and a stale one has to be removed.
    in: ['config/', 'cache/disk/', 'tools/', 'admin/', 'commands/', 'net/stale-socket.ts'],
    instead: 'read or write it in commands/ or config/ and hand in what was read, or a function',
  },
  'node:sqlite': { in: ['cache/disk/'], instead: 'take a DiskStore of cache/disk-store.ts' },
  zod: { in: ['config/'], instead: 'the data path has no dependencies: check it in config/' },
  yaml: { in: ['config/'], instead: 'the data path has no dependencies: read it in config/' },
  '@babel/parser': { in: ['config/'], instead: 'the data path has no dependencies: read it in config/' },
}

const FILE_LINES_MAX = 500
const FUNCTION_LINES_MAX = 70

/** Faults that are known and stay for a reason. Key of the fault → reason. The list may only shrink. */
const DEBTS: Readonly<Record<string, string>> = {}

const ROOT = fileURLToPath(new URL('..', import.meta.url))

interface Fault {
  /** Names the fault whatever line it stands on. */
  readonly key: string
  /** What is wrong and what to do instead. */
  readonly words: string
}

interface Import {
  /** Path from the root when the file is ours, else the name as written. */
  readonly target: string
  /** Vanishes when types are stripped. */
  readonly typeOnly: boolean
}

interface LongThing {
  readonly name: string
  readonly lines: number
}

interface SourceFile {
  /** From the root, with slashes. */
  readonly path: string
  readonly lines: number
  readonly firstComment: string
  readonly comments: readonly string[]
  readonly imports: readonly Import[]
  readonly functions: readonly LongThing[]
  /** `Date.now`, `new Date()`, `process.exit`, `setTimeout`, `it.only` …: what is called or asked, by its name. */
  readonly uses: ReadonlySet<string>
}

type Node = { type: string; loc: { start: { line: number }; end: { line: number } }; [key: string]: unknown }

function filesUnder(folder: string, endings: readonly string[]): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true, recursive: true })
    .filter(entry => entry.isFile() && endings.some(ending => entry.name.endsWith(ending)))
    .map(entry => posix.join(entry.parentPath.slice(ROOT.length).replaceAll('\\', '/'), entry.name))
    .filter(path => !/(^|\/)(node_modules|dist|out|\.git)\//.test(path))
    .sort()
}

function read(path: string): SourceFile {
  const text = readFileSync(join(ROOT, path), 'utf8')
  const tree = parse(text, { sourceType: 'module', plugins: ['typescript'] })
  const imports: Import[] = []
  const functions: LongThing[] = []
  const uses = new Set<string>()
  walk(tree.program as unknown as Node, null, (node, parent) => {
    const found = importOf(path, node)
    if (found !== null) imports.push(found)
    const long = functionOf(node, parent)
    if (long !== null) functions.push(long)
    const use = useOf(node)
    if (use !== '') uses.add(use)
  })
  const comments = (tree.comments ?? []).map(comment => comment.value)
  const opening = text.replace(/^#!.*\n/, '').startsWith('/**') ? comments[0] : ''
  return {
    path,
    lines: text.split('\n').length - 1,
    firstComment: opening,
    comments,
    imports,
    functions,
    uses,
  }
}

function walk(node: Node, parent: Node | null, visit: (node: Node, parent: Node | null) => void): void {
  visit(node, parent)
  for (const value of Object.values(node))
    for (const child of Array.isArray(value) ? value : [value])
      if (typeof (child as Node | null)?.type === 'string' && (child as Node).loc) walk(child, node, visit)
}

function importOf(path: string, node: Node): Import | null {
  const source = (node.source as Node | null | undefined)?.value
  if (typeof source !== 'string' || !/^(Import|Export)/.test(node.type)) return null
  const specifiers = (node.specifiers ?? []) as Node[]
  const kinds = specifiers.map(each => each.importKind ?? each.exportKind)
  const typeOnly =
    node.importKind === 'type' ||
    node.exportKind === 'type' ||
    (kinds.length > 0 && kinds.every(kind => kind === 'type'))
  return { target: source.startsWith('.') ? posix.join(posix.dirname(path), source) : source, typeOnly }
}

function functionOf(node: Node, parent: Node | null): LongThing | null {
  if (!/^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression|.*Method)$/.test(node.type))
    return null
  if (node.type.startsWith('TS')) return null
  // What a describe holds is a list of tests, not a function one has to understand at once.
  if (parent?.type === 'CallExpression' && nameOf(parent.callee as Node) === 'describe') return null
  const named = (node.id ?? node.key ?? parent?.id ?? parent?.key) as Node | undefined
  return { name: nameOf(named) || 'a function', lines: node.loc.end.line - node.loc.start.line + 1 }
}

function useOf(node: Node): string {
  if (node.type === 'CallExpression') return nameOf(node.callee as Node)
  if (node.type === 'MemberExpression') return nameOf(node)
  const bare = node.type === 'NewExpression' && (node.arguments as Node[]).length === 0
  return bare ? `new ${nameOf(node.callee as Node)}()` : ''
}

/** `a.b` for plain names, '' for anything that is computed. */
function nameOf(node: Node | null | undefined): string {
  if (node?.type === 'Identifier') return String(node.name)
  if (node?.type === 'PrivateName') return `#${nameOf(node.id as Node)}`
  if (node?.type !== 'MemberExpression' || node.computed === true) return ''
  return `${nameOf(node.object as Node)}.${nameOf(node.property as Node)}`
}

const isTest = (path: string): boolean => path.endsWith('.test.ts')
/** `upstream` for src/upstream/pool.ts, `.` for src/cli.ts. */
const folderOf = (path: string): string => posix.dirname(path.slice('src/'.length)).split('/')[0]
const rankOf = (path: string): number => ORDER.findIndex(row => row.includes(folderOf(path)))

const files = ['src', 'test', 'bench', 'examples'].flatMap(folder => filesUnder(folder, ['.ts'])).map(read)
const sources = files.filter(({ path }) => path.startsWith('src/') && !isTest(path))

function orderFaults(): Fault[] {
  return sources.flatMap(({ path, imports }) =>
    imports.flatMap(({ target }) => {
      const words = wrongImport(path, target)
      return words === ''
        ? []
        : [{ key: `${path} imports ${target}`, words: `${path} imports ${target}: ${words}` }]
    }),
  )
}

function wrongImport(path: string, target: string): string {
  if (rankOf(path) < 0)
    return `the folder ${folderOf(path)} has no place in ORDER (test/layout.test.ts): give it one`
  if (!/\.[cm]?[jt]s$/.test(target)) return wrongModule(path.slice('src/'.length), target)
  if (!target.startsWith('src/')) return 'nothing of src may need what is outside of src'
  if (isTest(target)) return 'a test is no place for what others need: move it to a file of its own'
  if (folderOf(target) === folderOf(path) || rankOf(target) < rankOf(path)) return ''
  const side = rankOf(target) === rankOf(path) ? 'beside' : 'right of'
  return `${folderOf(target)}/ stands ${side} ${folderOf(path)}/; move what both need to the left, or let config/build.ts hand in a function`
}

function wrongModule(place: string, name: string): string {
  const rule = PLACES[name.replace(/^(node:[a-z0-9]+)\/.*/, '$1')]
  if (rule !== undefined && !rule.in.some(each => place.startsWith(each))) return rule.instead
  if (PURE.includes(folderOf(`src/${place}`)) && name !== 'node:buffer')
    return 'this folder is pure: bytes in, values out; do it in net/ or above and hand in what comes of it'
  if (rule === undefined && !name.startsWith('node:'))
    return 'dependencies are few: name it in PLACES (test/layout.test.ts) and, with its reason, in ARCHITECTURE.md'
  return ''
}

const CLOCK = /^(Date\.now|Date|new Date\(\)|performance\.\w+|process\.hrtime.*)$/
const IMPURE = /^(setTimeout|setInterval|setImmediate|fetch|process\..+|console\..+)$/

function purityFaults(): Fault[] {
  return sources.flatMap(({ path, uses }) => {
    const faults: Fault[] = []
    for (const use of uses) {
      const words = `${path} uses ${use}: `
      if (CLOCK.test(use) && path !== 'src/base/clock.ts')
        faults.push({
          key: `${path} uses ${use}`,
          words: `${words}take a Clock (base/clock.ts); tests hand in their own`,
        })
      else if (IMPURE.test(use) && PURE.includes(folderOf(path)))
        faults.push({
          key: `${path} uses ${use}`,
          words: `${words}this folder is pure; do it in net/ or above`,
        })
    }
    return faults
  })
}

/** Types may point both ways; what runs may not. */
function cycleFaults(): Fault[] {
  const next = new Map(
    sources.map(({ path, imports }) => [
      path,
      imports.filter(each => !each.typeOnly).map(each => each.target),
    ]),
  )
  const done = new Set<string>()
  const faults: Fault[] = []
  const visit = (path: string, way: readonly string[]): void => {
    const start = way.indexOf(path)
    if (start >= 0) {
      const circle = [...way.slice(start), path].join(' → ')
      faults.push({
        key: circle,
        words: `${circle}: move what both need to a third file, or import only its type`,
      })
    }
    if (start >= 0 || done.has(path)) return
    for (const target of next.get(path) ?? []) visit(target, [...way, path])
    done.add(path)
  }
  for (const path of next.keys()) visit(path, [])
  return faults
}

function lengthFaults(): Fault[] {
  return files.flatMap(({ path, lines, functions }) => {
    const faults: Fault[] = functions
      .filter(each => each.lines > FUNCTION_LINES_MAX)
      .map(({ name, lines }) => ({
        key: `${path} ${name}`,
        words: `${path}: ${name} has ${lines} lines, ${FUNCTION_LINES_MAX} fit on a screen: keep the ifs here and move the loops to helpers`,
      }))
    if (lines > FILE_LINES_MAX)
      faults.push({
        key: path,
        words: `${path} has ${lines} lines, ${FILE_LINES_MAX} are the limit: split it where its opening comment says "and"`,
      })
    return faults
  })
}

function deadFaults(): Fault[] {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>
  }
  const started = Object.values(scripts).flatMap(words => words.match(/\b[\w./-]+\.ts\b/g) ?? [])
  const importsOf = new Map(files.map(({ path, imports }) => [path, imports]))
  const alive = new Set<string>()
  const waiting = ['src/index.ts', 'src/bin.ts', ...started.filter(path => !isTest(path))]
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (alive.has(path)) continue
    alive.add(path)
    waiting.push(...(importsOf.get(path) ?? []).map(each => each.target))
  }
  return sources
    .filter(({ path }) => !alive.has(path))
    .map(({ path }) => ({
      key: path,
      words: `${path} is reached from neither src/index.ts, src/bin.ts nor a script of package.json: remove it, or use it`,
    }))
}

function openingFaults(): Fault[] {
  return files
    .filter(({ path, firstComment }) => !isTest(path) && firstComment.trim().length < 10)
    .map(({ path }) => ({
      key: path,
      words: `${path}: begin with a /** comment */ that says what the file is`,
    }))
}

const UNFINISHED = /\b(TODO|FIXME|XXX|HACK)\b/
const FOCUSED = /^(it|test|describe|suite|t|context)\.(only|skip|todo)$/

function leftoverFaults(): Fault[] {
  return files.flatMap(({ path, comments, uses }) => [
    ...comments
      .filter(comment => UNFINISHED.test(comment))
      .map(() => ({
        key: path,
        words: `${path}: a comment puts work off: do it, or open an issue and say here how things are`,
      })),
    ...[...uses]
      .filter(use => FOCUSED.test(use))
      .map(use => ({
        key: `${path} ${use}`,
        words: `${path}: ${use}: every test runs; one that fails for a known reason goes to its known-failures list`,
      })),
  ])
}

/** Paths of whoever wrote it: of no use to anybody else. */
function machinePathFaults(): Fault[] {
  const personal = /(?:\/home\/|\/Users\/|\/root\/|[A-Z]:\\Users\\)\w/
  const root = ROOT.replace(/\/$/, '')
  const texts = filesUnder('.', ['.ts', '.md', '.json', '.yaml', '.yml', '.js', '.mjs', 'run'])
  return texts.flatMap(path => {
    const text = readFileSync(join(ROOT, path), 'utf8')
    const found = personal.exec(text)?.[0] ?? (root.split('/').length > 2 && text.includes(root) ? root : '')
    return found === '' || path === 'test/layout.test.ts'
      ? []
      : [
          {
            key: path,
            words: `${path} holds ${found}…, a path of one machine: build it from import.meta.url or a temporary folder`,
          },
        ]
  })
}

/** The tree in ARCHITECTURE.md: src file by file, what stands beside it folder by folder. */
function treeFaults(): Fault[] {
  const text = existsSync(join(ROOT, 'ARCHITECTURE.md'))
    ? readFileSync(join(ROOT, 'ARCHITECTURE.md'), 'utf8')
    : ''
  const block = /<!-- tree -->\s*```\w*\n([\s\S]*?)```/.exec(text)?.[1] ?? ''
  const told = readTree(block)
  const there = new Set(sources.flatMap(({ path }) => [path, `${dirname(path)}/`]))
  for (const path of ['test', 'bench', 'examples'].flatMap(folder => filesUnder(folder, [''])))
    if (path.split('/').length > 2) there.add(`${path.split('/').slice(0, 2).join('/')}/`)
  const missing = [...there].filter(path => !told.has(path))
  const gone = [...told.keys()].filter(path => !there.has(path) && !existsSync(join(ROOT, path)))
  const mute = [...told].filter(([, words]) => words === '').map(([path]) => path)
  return [
    ...missing.map(path => ({
      key: path,
      words: `ARCHITECTURE.md: the tree lacks ${path}: add a line that says what it is`,
    })),
    ...gone.map(path => ({
      key: path,
      words: `ARCHITECTURE.md: the tree has ${path}, the disk has not: take the line out`,
    })),
    ...mute.map(path => ({
      key: path,
      words: `ARCHITECTURE.md: the tree says nothing about ${path}: say what it is`,
    })),
  ]
}

/** Two spaces a level; a name, then words. Path → words; folders end in a slash. */
function readTree(block: string): Map<string, string> {
  const told = new Map<string, string>()
  const above: string[] = []
  for (const line of block.split('\n')) {
    const [, indent, name, words] = /^( *)(\S+) *(.*)$/.exec(line) ?? []
    if (name === undefined) continue
    above.length = indent.length / 2
    told.set(above.join('') + name, words)
    if (name.endsWith('/')) above.push(name)
  }
  return told
}

function keeps(faults: readonly Fault[]): void {
  const fresh = faults.filter(({ key }) => !Object.hasOwn(DEBTS, key)).map(({ words }) => words)
  if (fresh.length > 0) assert.fail(`\n${fresh.join('\n')}\n`)
}

const RULES: Readonly<Record<string, () => Fault[]>> = {
  'a file imports from its own folder and from folders to the left': orderFaults,
  'protocol code is pure, and base/clock.ts alone reads the clock': purityFaults,
  'no file needs itself, over however many others': cycleFaults,
  'functions fit on a screen and files stay short': lengthFaults,
  'no file of src is dead': deadFaults,
  'every file opens with what it is': openingFaults,
  'nothing is left unfinished, focused or skipped': leftoverFaults,
  'no path of one machine': machinePathFaults,
  'the tree in ARCHITECTURE.md is the tree on the disk': treeFaults,
}

describe('layout', () => {
  for (const [name, faults] of Object.entries(RULES)) it(name, () => keeps(faults()))

  it('debts are still owed', () => {
    const owed = new Set(Object.values(RULES).flatMap(faults => faults().map(({ key }) => key)))
    const paid = Object.keys(DEBTS).filter(key => !owed.has(key))
    assert.deepEqual(paid, [], 'paid: take these lines out of DEBTS in test/layout.test.ts')
  })

  it('sees what it is meant to see', () => {
    const session = sources.find(({ path }) => path === 'src/server/client-session.ts')
    assert.ok(session?.imports.some(each => each.target === 'src/base/byte-queue.ts' && !each.typeOnly))
    assert.ok(session?.functions.some(({ name }) => name === '#consume'))
    assert.ok(sources.find(({ path }) => path === 'src/base/clock.ts')?.uses.has('Date.now'))
    assert.match(wrongImport('src/http1/framing.ts', 'src/net/connection.ts'), /right of http1/)
    assert.match(wrongImport('src/layers/headers.ts', 'src/cache/cache-layer.ts'), /beside layers/)
    assert.match(wrongImport('src/server/server.ts', 'node:net'), /from net/)
    assert.match(wrongImport('src/http/message.ts', 'node:path'), /pure/)
    assert.equal(wrongImport('src/net/stale-socket.ts', 'node:fs'), '')
  })
})
