/**
 * Finds what is wrong with text that is not JSON.
 * Strategy: `JSON.parse` reads configs; only when it refuses does this reader walk the text as far as the
 * first fault, because its own messages leave out the place or the remedy. It knows the slips people make:
 * commas at the end, comments, single quotes, bare keys.
 */
import type { Place } from './places.ts'

export interface JsonFault {
  readonly place: Place
  readonly message: string
}

/** Null when this reader sees nothing wrong either. */
export function findJsonFault(text: string): JsonFault | null {
  const reader = new JsonReader(text)
  try {
    reader.document()
    return null
  } catch (error) {
    if (error instanceof RangeError) return { place: placeOf(text, reader.offset), message: error.message }
    throw error
  }
}

function placeOf(text: string, offset: number): Place {
  const before = text.slice(0, offset)
  const lineStart = before.lastIndexOf('\n') + 1
  return { line: before.split('\n').length, column: offset - lineStart + 1 }
}

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y
const STRING = /"(?:[^"\\\0-\x1f]|\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4}))*"/y
const WORD = /[A-Za-z_$][\w$]*/y
const QUOTED = /'([^'\n]*)'/y

class JsonReader {
  readonly #text: string
  /** Where the fault is, once one is thrown. */
  offset = 0

  constructor(text: string) {
    this.#text = text
  }

  document(): void {
    this.#space()
    if (this.#done()) throw new RangeError('the file is empty')
    this.#value()
    this.#space()
    if (!this.#done()) throw new RangeError(`${this.#found()} behind the end of the config: take it out`)
  }

  #value(): void {
    const char = this.#text[this.offset]
    if (char === '{') this.#members('}', () => this.#member())
    else if (char === '[') this.#members(']', () => this.#value())
    else if (char === '"') this.#string()
    else if (this.#match(NUMBER) === null) this.#word()
  }

  #word(): void {
    const word = this.#match(WORD)
    if (word === null) throw this.#unexpected('a value')
    if (['true', 'false', 'null'].includes(word)) return
    this.offset -= word.length
    throw new RangeError(`${word} is not a value: text stands in double quotes: write "${word}"`)
  }

  /** What stands between brackets: items with commas between them, none behind the last. */
  #members(close: string, item: () => void): void {
    this.offset++
    this.#space()
    if (this.#take(close)) return
    for (;;) {
      item()
      this.#space()
      if (this.#take(close)) return
      const comma = this.offset
      if (!this.#take(',')) throw this.#unexpected(`a comma or "${close}"`)
      this.#space()
      if (this.#text[this.offset] !== close) continue
      this.offset = comma
      throw new RangeError(`a comma before "${close}": JSON has none behind the last item: take it out`)
    }
  }

  #member(): void {
    if (this.#text[this.offset] !== '"') {
      const word = this.#match(WORD)
      if (word === null) throw this.#unexpected('a key in double quotes')
      this.offset -= word.length
      throw new RangeError(`the key ${word} stands in double quotes in JSON: write "${word}"`)
    }
    this.#string()
    this.#space()
    if (!this.#take(':')) throw this.#unexpected('a colon behind the key')
    this.#space()
    this.#value()
  }

  #string(): void {
    if (this.#match(STRING) !== null) return
    const line = this.#text.slice(this.offset).split('\n', 1)[0]
    if (!/^"(?:[^"\\]|\\.)*"/.test(line)) throw new RangeError('this text has no closing quote in its line')
    throw new RangeError(
      'this text holds a control character or an unknown escape: write "\\\\" for one backslash',
    )
  }

  #unexpected(wanted: string): RangeError {
    const quoted = this.#match(QUOTED)
    if (quoted !== null) {
      this.offset -= quoted.length
      return new RangeError(`single quotes: write ${JSON.stringify(quoted.slice(1, -1))}`)
    }
    return new RangeError(`${this.#found()} where ${wanted} belongs`)
  }

  #found(): string {
    return this.#done() ? 'the file ends' : JSON.stringify(this.#text[this.offset])
  }

  #space(): void {
    this.#match(/[ \t\r\n]*/y)
    if (/\/[/*]/y.test(this.#text.slice(this.offset, this.offset + 2)) || this.#text[this.offset] === '#') {
      throw new RangeError('a comment: JSON has none: take it out, or write the config in YAML or TypeScript')
    }
  }

  #done(): boolean {
    return this.offset >= this.#text.length
  }

  #take(char: string): boolean {
    if (this.#text[this.offset] !== char) return false
    this.offset++
    return true
  }

  #match(pattern: RegExp): string | null {
    pattern.lastIndex = this.offset
    const match = pattern.exec(this.#text)
    if (match === null) return null
    this.offset += match[0].length
    return match[0]
  }
}
