/**
 * Regular expressions whose time is bounded, whatever the expression and whatever the text.
 * Strategy: backtracking in the order of JavaScript, so the same match and the same groups come out; but a place in
 * the expression that has failed at a place in the text is never tried there again. So a match takes at most
 * (instructions × characters) steps, where the engine of JavaScript may take 2 to the power of the characters.
 */
import { type Assertion, type CharacterSet, type Node, parseRegex } from './regex-syntax.ts'

/** Repetitions with a count are written out, so this bounds them as well. */
export const INSTRUCTIONS_MAX = 500

const SET = 0
const SPLIT = 1
const SAVE = 2
const RESET = 3
const ASSERTION = 4
const MATCH = 5

/** Only the fields of its kind mean something; all have all of them, so that the loop sees one shape. */
interface Instruction {
  readonly op: number
  readonly set: CharacterSet | null
  readonly what: Assertion
  /** SPLIT: where to go on first (both the same: a jump). SAVE: the slot. RESET: the first slot. */
  first: number
  /** SPLIT: where to go on when that fails. RESET: the last slot + 1. */
  second: number
}

export class BoundedRegex {
  /** Capturing groups, the whole match not counted. */
  readonly groups: number
  readonly names: ReadonlyMap<string, number>
  /** Steps that the last match took. */
  steps = 0
  readonly #program: readonly Instruction[]
  readonly #anchored: boolean

  /** Throws Error, with a message for the writer of the expression. */
  constructor(source: string) {
    const { node, groups, names } = parseRegex(source)
    this.groups = groups
    this.names = names
    this.#program = compile(node)
    const [, first] = this.#program
    this.#anchored = first.op === ASSERTION && first.what === 'start'
  }

  /** How many instructions it became. */
  get size(): number {
    return this.#program.length
  }

  /** The leftmost match and its groups, as `RegExp.exec` gives them, or null. */
  match(text: string): (string | undefined)[] | null {
    const visited = new Uint32Array(((this.#program.length * (text.length + 1)) >> 5) + 1)
    const slots = new Int32Array(2 * (this.groups + 1)).fill(-1)
    this.steps = 0
    const last = this.#anchored ? 0 : text.length
    for (let start = 0; start <= last; start++)
      if (this.#run(text, start, slots, visited)) return groupsOf(text, slots)
    return null
  }

  /** True when a match begins at `start`; it is in the slots then. What failed is marked for the next start too. */
  #run(text: string, start: number, slots: Int32Array, visited: Uint32Array): boolean {
    const program = this.#program
    const width = text.length + 1
    // Pairs: a place in the program and in the text to try next, or -1 - slot and what it held before.
    const stack = [0, start]
    while (stack.length > 0) {
      let at = stack.pop() as number
      let place = stack.pop() as number
      if (place < 0) {
        slots[-1 - place] = at
        continue
      }
      for (;;) {
        const mark = place * width + at
        const bit = 1 << (mark & 31)
        if ((visited[mark >> 5] & bit) !== 0) break
        visited[mark >> 5] |= bit
        this.steps++
        const { op, set, what, first, second } = program[place]
        if (op === MATCH) return true
        if (op === SET) {
          if (at === text.length || !takes(set as CharacterSet, text.charCodeAt(at))) break
          at++
          place++
        } else if (op === SPLIT) {
          if (first !== second) stack.push(second, at)
          place = first
        } else if (op === ASSERTION) {
          if (!holds(what, text, at)) break
          place++
        } else {
          for (let slot = first; slot < second; slot++) stack.push(-1 - slot, slots[slot])
          slots.fill(op === SAVE ? at : -1, first, second)
          place++
        }
      }
    }
    return false
  }
}

const takes = (set: CharacterSet, code: number): boolean => (code < 256 ? set.table[code] === 1 : set.others)

function holds(what: Assertion, text: string, at: number): boolean {
  if (what === 'start') return at === 0
  if (what === 'end') return at === text.length
  return (isWord(text, at - 1) !== isWord(text, at)) === (what === 'word')
}

const isWord = (text: string, at: number): boolean => /\w/.test(text.charAt(at))

function groupsOf(text: string, slots: Int32Array): (string | undefined)[] {
  const groups: (string | undefined)[] = []
  for (let slot = 0; slot < slots.length; slot += 2)
    groups.push(slots[slot + 1] === -1 ? undefined : text.slice(slots[slot], slots[slot + 1]))
  return groups
}

function compile(node: Node): Instruction[] {
  const program: Instruction[] = []
  const put = (op: number, fields: Partial<Instruction> = {}): Instruction => {
    if (program.length === INSTRUCTIONS_MAX)
      throw new Error(`it becomes more than ${INSTRUCTIONS_MAX} steps: make its counted repetitions smaller`)
    const instruction = { op, set: null, what: 'start' as const, first: 0, second: 0, ...fields }
    program.push(instruction)
    return instruction
  }
  const capture = (index: number, inside: () => void): void => {
    put(SAVE, { first: 2 * index, second: 2 * index + 1 })
    inside()
    put(SAVE, { first: 2 * index + 1, second: 2 * index + 2 })
  }
  const emit = (part: Node): void => {
    if (part.kind === 'set') put(SET, { set: part.set })
    else if (part.kind === 'assertion') put(ASSERTION, { what: part.what })
    else if (part.kind === 'group') capture(part.index, () => emit(part.item))
    else if (part.kind === 'sequence') for (const item of part.items) emit(item)
    else if (part.kind === 'choice') emitChoice(part.branches)
    else emitRepeat(part)
  }
  const emitChoice = (branches: readonly Node[]): void => {
    const ends: Instruction[] = []
    for (const [i, branch] of branches.entries()) {
      const isLast = i === branches.length - 1
      const split = isLast ? null : put(SPLIT, { first: program.length + 1 })
      emit(branch)
      if (split === null) break
      ends.push(put(SPLIT))
      split.second = program.length
    }
    for (const end of ends) end.first = end.second = program.length
  }
  const emitRepeat = (repeat: Extract<Node, { kind: 'repeat' }>): void => {
    const { item, min, max, lazy, groups } = repeat
    const once = (): void => {
      // Each time around, groups begin as if they had never matched.
      if (groups[0] < groups[1]) put(RESET, { first: 2 * groups[0], second: 2 * groups[1] })
      emit(item)
    }
    const endless = max === Number.POSITIVE_INFINITY
    for (let i = endless ? 1 : 0; i < min; i++) once()
    if (endless && min > 0) {
      const start = program.length
      once()
      const end = program.length + 1
      put(SPLIT, lazy ? { first: end, second: start } : { first: start, second: end })
      return
    }
    const splits: Instruction[] = []
    for (let i = min; i < (endless ? min + 1 : max); i++) {
      const at = program.length
      splits.push(put(SPLIT))
      splits[splits.length - 1].first = splits[splits.length - 1].second = at + 1
      once()
      if (endless) put(SPLIT, { first: at, second: at })
    }
    for (const split of splits)
      if (lazy) split.first = program.length
      else split.second = program.length
  }
  capture(0, () => emit(node))
  put(MATCH)
  return program
}
