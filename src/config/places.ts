/**
 * Where things stand in a config file.
 * Strategy: whoever reads a file builds a tree of the literals it can see; a path is followed in the tree as
 * far as it goes, and the nearest literal around it is the answer. A place is never claimed for something the
 * tree is not sure of: code can compute, spread and change values, so what differs from the loaded data is cut
 * off first.
 */
import type { Path } from './problems.ts'

/** Both from 1, columns in UTF-16 units, as editors count. */
export interface Place {
  readonly line: number
  readonly column: number
}

export interface PlaceNode {
  readonly place: Place
  /** Where the key stands that leads here, if there is one. */
  keyPlace: Place | null
  readonly kind: 'object' | 'list' | 'scalar' | 'unknown'
  /** The value of a scalar. */
  readonly value?: unknown
  /** Keys, or indexes as text. */
  readonly children: Map<string, PlaceNode>
  /** How many items a list has; -1 when that cannot be seen. */
  readonly length: number
}

export const TOP: Place = { line: 1, column: 1 }

export function placeNode(kind: PlaceNode['kind'], place: Place, rest: Partial<PlaceNode> = {}): PlaceNode {
  return { place, keyPlace: null, kind, children: new Map(), length: -1, ...rest }
}

/** The place of what the path names, or of the nearest literal around it. */
export function findPlace(root: PlaceNode | null, path: Path, at: 'key' | 'value'): Place {
  if (root === null) return TOP
  let node = root
  for (const step of path) {
    const child = node.children.get(String(step))
    if (child === undefined) return node.place
    node = child
  }
  return at === 'key' && node.keyPlace !== null ? node.keyPlace : node.place
}

/** Cuts off what does not say what the loaded data says. Returns null when not even the top fits. */
export function trustedPlaces(root: PlaceNode | null, data: unknown): PlaceNode | null {
  return root !== null && prune(root, data) !== 'other' ? root : null
}

/** `changed`: the node itself stands where it should, but something inside it was changed after it was written. */
function prune(node: PlaceNode, data: unknown): 'same' | 'changed' | 'other' {
  if (node.kind === 'unknown') return 'same'
  if (node.kind === 'scalar') return Object.is(node.value, data) ? 'same' : 'other'
  if (typeof data !== 'object' || data === null || Array.isArray(data) !== (node.kind === 'list'))
    return 'other'
  const record = data as Record<string, unknown>
  const isList = node.kind === 'list'
  if (isList && node.length !== -1 && node.length !== (data as unknown[]).length) {
    node.children.clear()
    return 'changed'
  }
  let verdict: 'same' | 'changed' = 'same'
  for (const [key, child] of node.children) {
    const fits = Object.hasOwn(record, key) ? prune(child, record[key]) : 'other'
    if (fits === 'same') continue
    verdict = 'changed'
    // In a list one odd item may mean that all of them have moved.
    if (isList) {
      node.children.clear()
      break
    }
    if (fits === 'other') node.children.delete(key)
  }
  return verdict
}
