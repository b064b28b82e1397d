/**
 * Reads a YAML config: its data, where everything stands, and what is wrong with the text.
 */
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  visit,
} from 'yaml'
import { type Place, type PlaceNode, placeNode, TOP } from './places.ts'

export interface YamlReading {
  readonly data: unknown
  readonly places: PlaceNode | null
  readonly faults: readonly { readonly place: Place; readonly message: string }[]
}

/** Copies that aliases may make of one node, against a file that grows without end when it is expanded. */
const ALIAS_COUNT_MAX = 100

export function readYaml(text: string): YamlReading {
  const lines = new LineCounter()
  // Merge keys (`<<: *common`) left the standard with YAML 1.2, and people go on writing them.
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    merge: true,
    stringKeys: true,
  })
  const faults = [...document.errors, ...document.warnings].map(each => ({
    place: placeAt(lines, each.pos[0]),
    message: wordsOf(each.code, each.message),
  }))
  visit(document, {
    Alias(_, alias) {
      if (alias.resolve(document)) return
      const message = `*${alias.source} stands for nothing: write &${alias.source} before what it stands for, further up`
      faults.push({ place: placeAt(lines, alias.range?.[0] ?? 0), message })
    },
  })
  if (faults.length > 0) return { data: undefined, places: null, faults }
  try {
    const data = document.toJS({ maxAliasCount: ALIAS_COUNT_MAX })
    const root = document.contents
    return { data, places: root === null ? null : new YamlPlaces(document, lines).read(root), faults }
  } catch (error) {
    return { data: undefined, places: null, faults: [{ place: TOP, message: (error as Error).message }] }
  }
}

function wordsOf(code: string, message: string): string {
  if (code === 'DUPLICATE_KEY') return 'this key is written twice here: keep one'
  if (code === 'TAB_AS_INDENT') return 'a tab: YAML indents with spaces'
  if (code === 'NON_STRING_KEY') return 'a key that is not a name'
  if (code === 'MULTIPLE_DOCS') return 'a second document begins here: a config is one document'
  return message.replace(/\.$/, '')
}

class YamlPlaces {
  readonly #document: Document
  readonly #lines: LineCounter

  constructor(document: Document, lines: LineCounter) {
    this.#document = document
    this.#lines = lines
  }

  read(node: unknown): PlaceNode {
    if (isAlias(node)) return this.read(node.resolve(this.#document))
    const place = this.#placeOf(node)
    if (isScalar(node)) return placeNode('scalar', place, { value: node.value })
    if (isSeq(node)) {
      const children = new Map(node.items.map((item, index) => [String(index), this.read(item)]))
      return placeNode('list', place, { children, length: node.items.length })
    }
    return isMap(node) ? this.#map(node.items, place) : placeNode('unknown', place)
  }

  #map(pairs: readonly { key: unknown; value: unknown }[], place: Place): PlaceNode {
    const children = new Map<string, PlaceNode>()
    const merged: PlaceNode[] = []
    for (const { key, value } of pairs) {
      // With merge keys on, the key `<<` is a symbol.
      const name = !isScalar(key) ? null : typeof key.value === 'symbol' ? '<<' : String(key.value)
      if (name === null) continue
      // A key without a value stands where its value would begin: at the key.
      const child = value === null ? placeNode('unknown', this.#placeOf(key)) : this.read(value)
      if (name === '<<') merged.push(...(child.kind === 'list' ? child.children.values() : [child]))
      else {
        child.keyPlace = this.#placeOf(key)
        children.set(name, child)
      }
    }
    for (const each of merged) {
      for (const [key, child] of each.children) if (!children.has(key)) children.set(key, child)
    }
    return placeNode('object', place, { children })
  }

  #placeOf(node: unknown): Place {
    const range = (node as Node | null)?.range
    return range ? placeAt(this.#lines, range[0]) : TOP
  }
}

function placeAt(lines: LineCounter, offset: number): Place {
  const { line, col } = lines.linePos(offset)
  return line === 0 ? TOP : { line, column: col }
}
