/**
 * Reads a TypeScript or JavaScript config as text: where its literals stand, what it imports, what Node will
 * refuse about it.
 * Strategy: the syntax tree of @babel/parser is walked from the default export through what only passes data
 * on (`defineConfig(…)`, layer calls, `as` and `satisfies`, spreads, constants of the module). Whatever is
 * computed ends the walk: the data itself comes from running the module, never from here.
 */
import { type ParseError, parse, parseExpression } from '@babel/parser'
import { type Place, type PlaceNode, placeNode, TOP } from './places.ts'

type Node = { type: string; loc?: { start: { line: number; column: number } } | null; [key: string]: unknown }

export interface ScriptReading {
  readonly places: PlaceNode | null
  /** True when the text has `import` or `export`: Node then takes it as a module without looking. */
  readonly isModule: boolean
  readonly imports: readonly ScriptImport[]
  /** Keys that one object literal holds twice: the first is lost without a word. */
  readonly repeated: readonly RepeatedKey[]
  /** Syntax that cannot be removed by Node's type stripping, or null. */
  readonly unsupported: { readonly place: Place; readonly what: string } | null
}

export interface RepeatedKey {
  readonly key: string
  readonly place: Place
}

export interface ScriptImport {
  readonly source: string
  readonly place: Place
  readonly names: readonly { readonly name: string; readonly place: Place }[]
}

export interface SyntaxFault {
  readonly place: Place
  readonly message: string
}

export function readScript(text: string, isTypeScript: boolean): ScriptReading | SyntaxFault {
  try {
    const file = parse(text, { sourceType: 'unambiguous', plugins: isTypeScript ? ['typescript'] : [] })
    return reading(file.program as unknown as Node)
  } catch (error) {
    return syntaxFault(error)
  }
}

/** JSON is an expression of JavaScript: the same reader finds the places in it. For text that is valid JSON. */
export function readJsonPlaces(text: string): Pick<ScriptReading, 'places' | 'repeated'> {
  try {
    const reader = new Reader([])
    return { places: reader.read(parseExpression(text) as unknown as Node), repeated: reader.repeated }
  } catch {
    return { places: null, repeated: [] }
  }
}

function syntaxFault(error: unknown): SyntaxFault {
  const { loc, message } = error as Error & Partial<ParseError> & { loc?: { line: number; column: number } }
  const place = loc ? { line: loc.line, column: loc.column + 1 } : TOP
  return { place, message: message.replace(/\s*\(\d+:\d+\)$/, '').replace(/\.$/, '') }
}

function reading(program: Node): ScriptReading {
  const body = program.body as Node[]
  const reader = new Reader(body)
  const top = defaultExport(body)
  const places = top === null ? null : reader.read(top)
  return {
    places,
    repeated: reader.repeated,
    isModule: program.sourceType === 'module',
    imports: body.filter(each => each.type === 'ImportDeclaration').map(importOf),
    unsupported: unsupportedSyntax(body),
  }
}

function defaultExport(body: readonly Node[]): Node | null {
  for (const statement of body) {
    if (statement.type === 'ExportDefaultDeclaration') return statement.declaration as Node
    if (statement.type === 'ExportNamedDeclaration') {
      const named = (statement.specifiers as Node[]).find(each => nameOf(each.exported as Node) === 'default')
      if (named) return named.local as Node
    }
    const expression = statement.type === 'ExpressionStatement' ? (statement.expression as Node) : null
    if (expression?.type === 'AssignmentExpression' && isModuleExports(expression.left as Node)) {
      return expression.right as Node
    }
  }
  return null
}

function isModuleExports(left: Node): boolean {
  if (left.type !== 'MemberExpression') return false
  return nameOf(left.object as Node) === 'module' && nameOf(left.property as Node) === 'exports'
}

function importOf(statement: Node): ScriptImport {
  const source = statement.source as Node
  return {
    source: String(source.value),
    place: placeOf(source),
    names: (statement.specifiers as Node[]).map(each => ({
      name:
        each.type === 'ImportSpecifier'
          ? (nameOf(each.imported as Node) ?? '')
          : each.type === 'ImportDefaultSpecifier'
            ? 'default'
            : '*',
      place: placeOf(each),
    })),
  }
}

/** What type stripping cannot remove: it would have to write code of its own. */
const UNSUPPORTED: Readonly<Record<string, string>> = {
  TSEnumDeclaration: 'an enum',
  TSModuleDeclaration: 'a namespace',
  TSImportEqualsDeclaration: 'import … = …',
  TSExportAssignment: 'export = …',
  TSParameterProperty: 'a parameter property',
}

function unsupportedSyntax(body: readonly Node[]): ScriptReading['unsupported'] {
  for (const statement of body) {
    const inner = (statement.declaration as Node | undefined) ?? statement
    const what = UNSUPPORTED[inner.type]
    if (what && inner.declare !== true) return { place: placeOf(inner), what }
  }
  return null
}

/** Wrappers that pass the value through unchanged. */
const TRANSPARENT = new Set([
  'TSAsExpression',
  'TSSatisfiesExpression',
  'TSNonNullExpression',
  'TSTypeAssertion',
  'ParenthesizedExpression',
  'AwaitExpression',
])
const SCALARS = new Set(['StringLiteral', 'NumericLiteral', 'BooleanLiteral'])

class Reader {
  readonly repeated: RepeatedKey[] = []
  /** Top-level `const name = value`. */
  readonly #constants = new Map<string, Node>()
  /** Local name → name under which 'sluice' exports it. */
  readonly #fromSluice = new Map<string, string>()
  /** Local names of `import * as name from 'sluice'`. */
  readonly #namespaces = new Set<string>()
  /** Constants being read, against a constant that names itself. */
  readonly #open = new Set<string>()

  constructor(body: readonly Node[]) {
    for (const statement of body) {
      if (statement.type === 'ImportDeclaration' && (statement.source as Node).value === 'sluice') {
        for (const each of statement.specifiers as Node[]) this.#noteImport(each)
      }
      const declared =
        statement.type === 'ExportNamedDeclaration' ? (statement.declaration as Node | null) : statement
      if (declared?.type !== 'VariableDeclaration' || declared.kind !== 'const') continue
      for (const { id, init } of declared.declarations as { id: Node; init: Node | null }[]) {
        const name = nameOf(id)
        if (name !== null && init) this.#constants.set(name, init)
      }
    }
  }

  #noteImport(specifier: Node): void {
    if (specifier.type === 'ImportNamespaceSpecifier')
      this.#namespaces.add(nameOf(specifier.local as Node) ?? '')
    if (specifier.type !== 'ImportSpecifier') return
    this.#fromSluice.set(nameOf(specifier.local as Node) ?? '', nameOf(specifier.imported as Node) ?? '')
  }

  read(node: Node): PlaceNode {
    if (TRANSPARENT.has(node.type)) return this.read((node.expression ?? node.argument) as Node)
    if (node.type === 'ObjectExpression') return this.#object(node)
    if (node.type === 'ArrayExpression') return this.#list(node)
    if (node.type === 'CallExpression') return this.#call(node)
    if (node.type === 'Identifier') return this.#constant(node)
    const scalar = scalarOf(node)
    return scalar === undefined
      ? placeNode('unknown', placeOf(node))
      : placeNode('scalar', placeOf(node), { value: scalar })
  }

  #constant(node: Node): PlaceNode {
    const name = nameOf(node) ?? ''
    const init = this.#constants.get(name)
    if (init === undefined || this.#open.has(name)) return placeNode('unknown', placeOf(node))
    this.#open.add(name)
    const found = this.read(init)
    this.#open.delete(name)
    return found
  }

  /** `defineConfig(x)` is x; `headers(x)` is `{ headers: x }`; any other call is a value nobody can see. */
  #call(node: Node): PlaceNode {
    const exported = this.#exportedName(node.callee as Node)
    const [argument] = node.arguments as Node[]
    if (exported === undefined || argument === undefined) return placeNode('unknown', placeOf(node))
    if (exported === 'defineConfig') return this.read(argument)
    const child = this.read(argument)
    child.keyPlace = placeOf(node)
    return placeNode('object', placeOf(node), { children: new Map([[exported, child]]) })
  }

  /** The name under which 'sluice' exports what is called: `headers`, or `sluice.headers` of a namespace. */
  #exportedName(callee: Node): string | undefined {
    if (callee.type !== 'MemberExpression') return this.#fromSluice.get(nameOf(callee) ?? '')
    const isOurs = this.#namespaces.has(nameOf(callee.object as Node) ?? '')
    return isOurs && callee.computed !== true ? (nameOf(callee.property as Node) ?? undefined) : undefined
  }

  #object(node: Node): PlaceNode {
    const children = new Map<string, PlaceNode>()
    const written = new Set<string>()
    for (const property of node.properties as Node[]) {
      const key = property.type === 'SpreadElement' ? null : keyOf(property)
      if (key !== null) {
        if (written.has(key)) this.repeated.push({ key, place: placeOf(property) })
        written.add(key)
        children.set(key, this.#property(property))
        continue
      }
      const spread = property.type === 'SpreadElement' ? this.read(property.argument as Node) : null
      // What an unseen spread or a computed key holds may replace every key before it.
      if (spread?.kind !== 'object') children.clear()
      else for (const [each, child] of spread.children) children.set(each, child)
    }
    return placeNode('object', placeOf(node), { children })
  }

  #property(property: Node): PlaceNode {
    const value =
      property.type === 'ObjectProperty'
        ? this.read(property.value as Node)
        : placeNode('unknown', placeOf(property))
    // A constant that is used twice is read twice: every use has a node, and a key, of its own.
    value.keyPlace = placeOf(property.key as Node)
    return value
  }

  #list(node: Node): PlaceNode {
    const children = new Map<string, PlaceNode>()
    let length = 0
    for (const element of node.elements as (Node | null)[]) {
      if (element?.type !== 'SpreadElement') {
        if (element !== null) children.set(String(length), this.read(element))
        length++
        continue
      }
      const spread = this.read(element.argument as Node)
      // Behind a list of unknown length no item has a known index.
      if (spread.kind !== 'list' || spread.length === -1)
        return placeNode('list', placeOf(node), { children })
      for (const [index, child] of spread.children) children.set(String(length + Number(index)), child)
      length += spread.length
    }
    return placeNode('list', placeOf(node), { children, length })
  }
}

/** Undefined for what is no literal. */
function scalarOf(node: Node): unknown {
  if (SCALARS.has(node.type)) return node.value
  if (node.type === 'NullLiteral') return null
  if (node.type === 'TemplateLiteral' && (node.expressions as Node[]).length === 0) {
    return (node.quasis as { value: { cooked: string } }[])[0].value.cooked
  }
  if (
    node.type === 'UnaryExpression' &&
    node.operator === '-' &&
    (node.argument as Node).type === 'NumericLiteral'
  ) {
    return -((node.argument as Node).value as number)
  }
  return undefined
}

function keyOf(property: Node): string | null {
  const key = property.key as Node
  if (key.type === 'StringLiteral' || key.type === 'NumericLiteral') return String(key.value)
  return property.computed === true ? null : nameOf(key)
}

function nameOf(node: Node): string | null {
  if (node.type === 'Identifier') return String(node.name)
  return node.type === 'StringLiteral' ? String(node.value) : null
}

function placeOf(node: Node): Place {
  const start = node.loc?.start
  return start ? { line: start.line, column: start.column + 1 } : TOP
}
