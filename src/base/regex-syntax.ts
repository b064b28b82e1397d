/**
 * Regular expressions as text → a tree.
 * Strategy: the syntax of JavaScript without what needs more than one pass over the text: no back references and no
 * looking ahead or behind. What JavaScript reads in two ways (a lone brace, an escaped letter without a meaning) is
 * refused, so that whatever passes means here what it means there.
 */

/** Which characters: a table for the first 256, and one answer for all others. */
export interface CharacterSet {
  readonly table: Uint8Array
  readonly others: boolean
}

export type Assertion = 'start' | 'end' | 'word' | 'inside'

export type Node =
  | { readonly kind: 'set'; readonly set: CharacterSet }
  | { readonly kind: 'sequence'; readonly items: readonly Node[] }
  | { readonly kind: 'choice'; readonly branches: readonly Node[] }
  | { readonly kind: 'group'; readonly index: number; readonly item: Node }
  | { readonly kind: 'assertion'; readonly what: Assertion }
  | {
      readonly kind: 'repeat'
      readonly item: Node
      readonly min: number
      /** Infinity when there is no end. */
      readonly max: number
      readonly lazy: boolean
      /** The groups inside, first and last + 1. */
      readonly groups: readonly [number, number]
    }

export interface ParsedRegex {
  readonly node: Node
  /** Capturing groups, the whole match not counted. */
  readonly groups: number
  readonly names: ReadonlyMap<string, number>
}

export const REGEX_LENGTH_MAX = 1000
const REPEAT_MAX = 1000

/** Throws Error, with a message for the writer of the expression. */
export function parseRegex(source: string): ParsedRegex {
  if (source.length > REGEX_LENGTH_MAX)
    throw new Error(`it has ${source.length} characters: at most ${REGEX_LENGTH_MAX} are read`)
  const parser = new Parser(source)
  const node = parser.choice()
  if (!parser.done) throw parser.fault('a ")" that closes nothing: write "\\)"')
  return { node, groups: parser.groups, names: parser.names }
}

const ESCAPED_CONTROLS: Readonly<Record<string, string>> = {
  t: '\t',
  n: '\n',
  r: '\r',
  f: '\f',
  v: '\v',
  0: '\0',
}

class Parser {
  readonly #source: string
  #at = 0
  groups = 0
  readonly names = new Map<string, number>()

  constructor(source: string) {
    this.#source = source
  }

  get done(): boolean {
    return this.#at === this.#source.length
  }

  get #next(): string {
    return this.#source.charAt(this.#at)
  }

  fault(words: string): Error {
    return new Error(`at character ${this.#at + 1}: ${words}`)
  }

  #takes(text: string): boolean {
    const there = this.#source.startsWith(text, this.#at)
    if (there) this.#at += text.length
    return there
  }

  /** What the sticky pattern finds here, or null. */
  #reads(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at
    const match = pattern.exec(this.#source)
    if (match !== null) this.#at += match[0].length
    return match
  }

  choice(): Node {
    const branches = [this.#sequence()]
    while (this.#takes('|')) branches.push(this.#sequence())
    return branches.length === 1 ? branches[0] : { kind: 'choice', branches }
  }

  #sequence(): Node {
    const items: Node[] = []
    while (!this.done && this.#next !== '|' && this.#next !== ')') items.push(this.#term())
    return items.length === 1 ? items[0] : { kind: 'sequence', items }
  }

  #term(): Node {
    const firstGroup = this.groups + 1
    const item = this.#atom()
    const start = this.#at
    const bounds = this.#quantifier()
    if (bounds === null) return item
    const lazy = this.#takes('?')
    const after = this.#at
    this.#at = start
    if (item.kind === 'assertion') throw this.fault('an anchor cannot be repeated')
    // JavaScript gives up a repetition that has taken nothing; that is one thing less to be right about.
    if (canBeEmpty(item))
      throw this.fault('what is repeated here can be empty: take one of the two repetitions out')
    this.#at = after
    if (this.#quantifier() !== null)
      throw this.fault('a repetition of a repetition: put the inner one in (?: )')
    return { kind: 'repeat', item, ...bounds, lazy, groups: [firstGroup, this.groups + 1] }
  }

  #quantifier(): { min: number; max: number } | null {
    if (this.#takes('*')) return { min: 0, max: Number.POSITIVE_INFINITY }
    if (this.#takes('+')) return { min: 1, max: Number.POSITIVE_INFINITY }
    if (this.#takes('?')) return { min: 0, max: 1 }
    const match = this.#reads(/\{(\d{1,6})(,(\d{0,6}))?\}/y)
    if (match === null) return null
    const min = Number(match[1])
    const max = match[2] === undefined ? min : match[3] === '' ? Number.POSITIVE_INFINITY : Number(match[3])
    if (max < min || max === 0 || min > REPEAT_MAX || (max !== Number.POSITIVE_INFINITY && max > REPEAT_MAX))
      throw this.fault(`${match[0]} is no range: at least 1, at most ${REPEAT_MAX}, the smaller number first`)
    return { min, max }
  }

  #atom(): Node {
    const char = this.#next
    switch (char) {
      case '(':
        return this.#group()
      case '[':
        return { kind: 'set', set: this.#class() }
      case '\\':
        return this.#escape()
      case '*':
      case '+':
      case '?':
        throw this.fault(`"${char}" has nothing to repeat: write "\\${char}" for the character itself`)
      case '{':
      case '}':
      case ']':
        throw this.fault(`"${char}" alone: write "\\${char}" for the character itself`)
      default:
        this.#at++
        if (char === '^') return { kind: 'assertion', what: 'start' }
        if (char === '$') return { kind: 'assertion', what: 'end' }
        return { kind: 'set', set: char === '.' ? builtIn(/./) : setOf([codeOf(char, this)]) }
    }
  }

  #group(): Node {
    this.#at++
    const index = this.#groupIndex()
    const item = this.choice()
    if (!this.#takes(')')) throw this.fault('a ")" is missing')
    return index === 0 ? item : { kind: 'group', index, item }
  }

  /** 0 for a group that captures nothing. */
  #groupIndex(): number {
    if (this.#takes('?:')) return 0
    const name = this.#reads(/\?<([A-Za-z_]\w*)>/y)
    if (name === null && this.#next === '?')
      throw this.fault(
        'only (?: ) and (?<name> ) are known: looking ahead or behind would need more than one pass over the text',
      )
    this.groups++
    if (name === null) return this.groups
    if (this.names.has(name[1])) throw this.fault(`the group name ${name[1]} is given twice`)
    this.names.set(name[1], this.groups)
    return this.groups
  }

  #escape(): Node {
    if (this.#takes('\\b')) return { kind: 'assertion', what: 'word' }
    if (this.#takes('\\B')) return { kind: 'assertion', what: 'inside' }
    return { kind: 'set', set: this.#escapedSet() }
  }

  #escapedSet(): CharacterSet {
    const letter = this.#source.charAt(this.#at + 1)
    const standing = CLASSES[letter]
    if (standing === undefined) return setOf([this.#escapedCode()])
    this.#at += 2
    return standing
  }

  #escapedCode(): number {
    const hex = this.#reads(/\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4}))/y)
    if (hex !== null) return Number.parseInt(hex[1] ?? hex[2], 16)
    const char = this.#source.charAt(this.#at + 1)
    if (char === '') throw this.fault('"\\" escapes nothing: write "\\\\" for the character itself')
    if (/[1-9]/.test(char))
      throw this.fault(
        `"\\${char}" refers back to a group: that takes exponential time, so it is not known here`,
      )
    const control = ESCAPED_CONTROLS[char]
    if (control === undefined && /[\w]/.test(char))
      throw this.fault(`"\\${char}" means nothing: write "${char}"`)
    if (char === '0' && /\d/.test(this.#source.charAt(this.#at + 2)))
      throw this.fault('an octal number: write "\\x00"')
    const code = codeOf(control ?? char, this)
    this.#at += 2
    return code
  }

  #class(): CharacterSet {
    this.#at++
    const negated = this.#takes('^')
    const table = new Uint8Array(256)
    let others = false
    while (!this.#takes(']')) {
      if (this.done) throw this.fault('a "]" is missing')
      const from = this.#member()
      if (this.#next !== '-' || this.#source.charAt(this.#at + 1) === ']') {
        others ||= from.others
        from.table.forEach((is, code) => {
          table[code] |= is
        })
        continue
      }
      this.#at++
      const to = this.#member()
      const [first, last] = [onlyCode(from), onlyCode(to)]
      if (first === -1 || last === -1 || last < first)
        throw this.fault('a range goes from one character to a later one')
      table.fill(1, first, last + 1)
    }
    if (!negated && !others && !table.includes(1)) throw this.fault('an empty class takes nothing')
    return negated ? { table: table.map(is => 1 - is), others: !others } : { table, others }
  }

  #member(): CharacterSet {
    if (this.#next === '\\') {
      if (this.#source.charAt(this.#at + 1) !== '-') return this.#escapedSet()
      this.#at += 2
      return setOf([codeOf('-', this)])
    }
    if (this.done) throw this.fault('a "]" is missing')
    const set = setOf([codeOf(this.#next, this)])
    this.#at++
    return set
  }
}

/** Only characters that a request target or a field can hold. */
function codeOf(char: string, parser: Parser): number {
  const code = char.charCodeAt(0)
  if (code > 0xff)
    throw parser.fault(`${JSON.stringify(char)} never comes as one character: write it percent-encoded`)
  return code
}

function setOf(codes: readonly number[]): CharacterSet {
  const table = new Uint8Array(256)
  for (const code of codes) table[code] = 1
  return { table, others: false }
}

/** The one character of a set, or -1. */
function onlyCode({ table, others }: CharacterSet): number {
  const code = table.indexOf(1)
  return others || table.indexOf(1, code + 1) !== -1 ? -1 : code
}

/** What JavaScript itself takes for it. */
function builtIn(pattern: RegExp): CharacterSet {
  const table = Uint8Array.from({ length: 256 }, (_, code) =>
    pattern.test(String.fromCharCode(code)) ? 1 : 0,
  )
  return { table, others: pattern.test('\u4e00') }
}

const CLASSES: Readonly<Record<string, CharacterSet>> = {
  d: builtIn(/\d/),
  D: builtIn(/\D/),
  w: builtIn(/\w/),
  W: builtIn(/\W/),
  s: builtIn(/\s/),
  S: builtIn(/\S/),
}

function canBeEmpty(node: Node): boolean {
  switch (node.kind) {
    case 'set':
      return false
    case 'assertion':
      return true
    case 'group':
      return canBeEmpty(node.item)
    case 'sequence':
      return node.items.every(canBeEmpty)
    case 'choice':
      return node.branches.some(canBeEmpty)
    case 'repeat':
      return node.min === 0
  }
}
