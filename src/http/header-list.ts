/**
 * The fields of one head, in their order and spelling.
 * Strategy: the text of the field lines, already checked, is the truth; beside it stand the places of the few
 * names a proxy knows. Passing a head on copies runs of that text and never cuts out a value it does not need.
 * Edits work on the text too: a new line is put behind it, and only where a line has to go is the text cut.
 */
import { allInClass, COLON, isFieldValue, TOKEN } from '../base/ascii.ts'
import { ProxyError } from '../base/errors.ts'
import { recogniseName, UNKNOWN } from './field-names.ts'

/** Numbers per mark: id of the name, start of the line, start and end of the value, end of the line. */
const STRIDE = 5

export class HeaderList {
  /** Lines as they were read or last put together. */
  #read: string
  /** Lines added since: joined to the others only when somebody asks, for a slice of joined text copies it whole. */
  #added = ''
  #addedMask = 0
  /** Places of the known names, STRIDE numbers each, in the order of the text. */
  #marks: number[]
  /** Bit set of the known names that occur (`1 << id`). */
  mask: number

  /** For the parser, which has checked the text. Everyone else: `from`. */
  constructor(text: string, marks: number[], mask: number) {
    this.#read = text
    this.#marks = marks
    this.mask = mask
  }

  /** Field lines, `Name: value` with CR LF each; no empty line. Always checked text: it may be written as it is. */
  get text(): string {
    if (this.#added !== '') {
      this.#read += this.#added
      this.#added = ''
      this.#addedMask = 0
    }
    return this.#read
  }

  static empty(): HeaderList {
    return new HeaderList('', [], 0)
  }

  /** Builds a list out of names and values; throws ProxyError bad_field_name or bad_field_value. */
  static from(entries: Iterable<readonly [string, string]>): HeaderList {
    const list = HeaderList.empty()
    for (const [name, value] of entries) list.add(name, value)
    return list
  }

  /** Values of all fields of this name joined by ", " (RFC 9110 §5.2), or null when there is none. */
  get(name: string): string | null {
    const values = this.getAll(name)
    if (values.length === 0) return null
    return values.length === 1 ? values[0] : values.join(', ')
  }

  getAll(name: string): string[] {
    const id = recogniseName(name)
    if (id !== UNKNOWN) return (this.mask & (1 << id)) === 0 ? [] : this.known(id)
    const values: string[] = []
    const { text } = this
    for (let lineStart = 0; lineStart < text.length; ) {
      const lineEnd = text.indexOf('\r\n', lineStart)
      if (isNamed(text, lineStart, name))
        values.push(trimBlanks(text.slice(lineStart + name.length + 1, lineEnd)))
      lineStart = lineEnd + 2
    }
    return values
  }

  has(name: string): boolean {
    const id = recogniseName(name)
    return id === UNKNOWN ? this.getAll(name).length > 0 : (this.mask & (1 << id)) !== 0
  }

  /** Values of a known name by its number. */
  known(id: number): string[] {
    const values: string[] = []
    const { text } = this
    const marks = this.#marks
    for (let i = 0; i < marks.length; i += STRIDE)
      if (marks[i] === id) values.push(text.slice(marks[i + 2], marks[i + 3]))
    return values
  }

  /** First value of a known name by its number, or null: the common case without an array. */
  firstKnown(id: number): string | null {
    const place = this.#placeOf(id)
    return place < 0 ? null : this.#textAt(place).slice(this.#marks[place + 2], this.#marks[place + 3])
  }

  /** True when the first field of a known name has exactly this value (lower case), in any case. */
  firstKnownIs(id: number, value: string): boolean {
    const place = this.#placeOf(id)
    if (place < 0) return false
    const start = this.#marks[place + 2]
    if (this.#marks[place + 3] - start !== value.length) return false
    const text = this.#textAt(place)
    // Bit 5 lower-cases letters; the values asked for are made of letters and "-" only, which it leaves alone.
    for (let i = 0; i < value.length; i++)
      if ((text.charCodeAt(start + i) | 0x20) !== value.charCodeAt(i)) return false
    return true
  }

  /** The first value of a known name as a whole number: -1 when there is none or it is not all digits, Infinity when it is not exact. */
  firstKnownNumber(id: number): number {
    const place = this.#placeOf(id)
    if (place < 0) return -1
    const text = this.#textAt(place)
    const end = this.#marks[place + 3]
    let number = 0
    let at = this.#marks[place + 2]
    if (at === end) return -1
    for (; at < end; at++) {
      const digit = text.charCodeAt(at) - 48
      if (digit < 0 || digit > 9) return -1
      number = number * 10 + digit
    }
    return number <= Number.MAX_SAFE_INTEGER ? number : Number.POSITIVE_INFINITY
  }

  /** True when a tab stands anywhere in a line of a known name. */
  hasTab(id: number): boolean {
    const { text } = this
    for (let i = 0; i < this.#marks.length; i += STRIDE)
      if (this.#marks[i] === id && text.slice(this.#marks[i + 1], this.#marks[i + 4]).includes('\t'))
        return true
    return false
  }

  /** Index of the first mark of a known name, or -1. */
  #placeOf(id: number): number {
    const marks = this.#marks
    for (let i = 0; i < marks.length; i += STRIDE) if (marks[i] === id) return i
    return -1
  }

  /** Text in which this mark lies: most lie in what was read, which is flat. */
  #textAt(place: number): string {
    return this.#marks[place + 4] <= this.#read.length ? this.#read : this.text
  }

  /** How often a known name occurs. */
  countKnown(id: number): number {
    let count = 0
    for (let i = 0; i < this.#marks.length; i += STRIDE) if (this.#marks[i] === id) count++
    return count
  }

  /** Adds a line at the end. Throws ProxyError bad_field_name or bad_field_value: no text goes in unchecked. */
  add(name: string, value: string): void {
    if (!allInClass(name, TOKEN)) throw new ProxyError('bad_field_name', `Refused: ${JSON.stringify(name)}.`)
    const trimmed = trimBlanks(value)
    if (!isFieldValue(trimmed)) throw new ProxyError('bad_field_value', `Refused: the value for ${name}.`)
    this.addChecked(name, recogniseName(name), trimmed)
  }

  /** Adds a line of the program's own: a constant name with its number, and a value that cannot be bad. */
  addChecked(name: string, id: number, value: string): void {
    const lineStart = this.#read.length + this.#added.length
    this.#added += `${name}: ${value}\r\n`
    if (id === UNKNOWN) return
    const valueStart = lineStart + name.length + 2
    const valueEnd = valueStart + value.length
    this.#marks.push(id, lineStart, valueStart, valueEnd, valueEnd + 2)
    this.mask |= 1 << id
    this.#addedMask |= 1 << id
  }

  /** Puts one field in the place of all fields of this name: where the first stood, or at the end. Throws as `add` does. */
  set(name: string, value: string): void {
    if (!this.#holds(name)) this.add(name, value)
    else {
      // What goes in is checked there; what it puts down is one line.
      const line = HeaderList.from([[name, value]]).text
      this.#splice(name, line)
    }
  }

  /** The same with a name and value of the program's own, which cannot be bad. */
  setChecked(name: string, id: number, value: string): void {
    if (!this.#holds(name)) this.addChecked(name, id, value)
    else this.#splice(name, `${name}: ${value}\r\n`)
  }

  remove(name: string): void {
    if (this.#holds(name)) this.#splice(name, '')
  }

  /** Looks in what was read and in what was added apart: joining them would copy both. */
  #holds(name: string): boolean {
    const id = recogniseName(name)
    if (id !== UNKNOWN) return (this.mask & (1 << id)) !== 0
    return holdsLine(this.#read, name) || (this.#added !== '' && holdsLine(this.#added, name))
  }

  /** In one pass: takes out the lines of this name, puts `line` (or '') where the first stood, moves the marks along. */
  #splice(name: string, line: string): void {
    const { text } = this
    const before = this.#marks
    const after: number[] = []
    const id = recogniseName(name)
    let kept = ''
    let runStart = 0
    let shift = 0
    let left = line
    let mark = 0
    for (let start = 0; start < text.length; ) {
      const end = text.indexOf('\r\n', start) + 2
      const marked = mark < before.length && before[mark + 1] === start
      if (isNamed(text, start, name)) {
        kept += text.slice(runStart, start) + left
        runStart = end
        if (left !== '' && id !== UNKNOWN) {
          const valueStart = start + shift + name.length + 2
          after.push(
            id,
            start + shift,
            valueStart,
            start + shift + left.length - 2,
            start + shift + left.length,
          )
        }
        shift += left.length - (end - start)
        left = ''
      } else if (marked) pushMoved(after, before, mark, shift)
      if (marked) mark += STRIDE
      start = end
    }
    this.#read = kept + text.slice(runStart)
    this.#marks = after
    if (id !== UNKNOWN && line === '') this.mask &= ~(1 << id)
  }

  /** Takes out every field whose name, in lower case, is in the set. */
  removeAll(names: ReadonlySet<string>): void {
    const { text } = this
    const lengths = lengthsOf(names)
    // Mostly there is none of them, and then nothing is taken apart (bench/micro/access-layers.bench.ts).
    let cut = nextAmong(text, 0, names, lengths)
    if (cut === text.length) return
    const before = this.#marks
    const after: number[] = []
    let mask = 0
    let kept = ''
    let runStart = 0
    let shift = 0
    let mark = 0
    for (;;) {
      for (; mark < before.length && before[mark + 1] < cut; mark += STRIDE) {
        pushMoved(after, before, mark, shift)
        mask |= 1 << before[mark]
      }
      kept += text.slice(runStart, cut)
      if (cut === text.length) break
      runStart = text.indexOf('\r\n', cut) + 2
      shift -= runStart - cut
      if (mark < before.length && before[mark + 1] === cut) mark += STRIDE
      cut = nextAmong(text, runStart, names, lengths)
    }
    this.#read = kept
    this.#marks = after
    this.mask = mask
  }

  copy(): HeaderList {
    return new HeaderList(this.text, this.#marks.slice(), this.mask)
  }

  /** A copy without the lines of the known names in `mask`: only marks are looked at (bench/micro/headers.bench.ts). */
  copyWithout(mask: number): HeaderList {
    if ((this.mask & mask) === 0) return this.copy()
    const { text } = this
    const before = this.#marks
    const after: number[] = []
    let kept = ''
    let runStart = 0
    let shift = 0
    for (let i = 0; i < before.length; i += STRIDE) {
      if ((mask & (1 << before[i])) === 0) {
        pushMoved(after, before, i, shift)
        continue
      }
      kept += text.slice(runStart, before[i + 1])
      runStart = before[i + 4]
      shift -= runStart - before[i + 1]
    }
    return new HeaderList(kept + text.slice(runStart), after, this.mask & ~mask)
  }

  /** Whether there is a field whose name, in lower case, is in the set. */
  hasAny(names: ReadonlySet<string>): boolean {
    const { text } = this
    return nextAmong(text, 0, names, lengthsOf(names)) < text.length
  }

  entries(): [string, string][] {
    const found: [string, string][] = []
    eachLine(this.text, (lineStart, colon, valueStart, valueEnd) => {
      found.push([this.text.slice(lineStart, colon), this.text.slice(valueStart, valueEnd)])
    })
    return found
  }

  /** The text without the lines of the known names in `mask`. One slice and one concatenation per gap. */
  textWithout(mask: number): string {
    if ((this.mask & mask) === 0) return this.#read + this.#added
    const added = (this.#addedMask & mask) === 0 ? this.#added : ''
    const read = added === this.#added ? this.#read : this.text
    const marks = this.#marks
    let kept = ''
    let runStart = 0
    for (let i = 0; i < marks.length && marks[i + 4] <= read.length; i += STRIDE) {
      if ((mask & (1 << marks[i])) === 0) continue
      if (marks[i + 1] > runStart) kept += read.slice(runStart, marks[i + 1])
      runStart = marks[i + 4]
    }
    return (runStart < read.length ? kept + read.slice(runStart) : kept) + added
  }
}

const rememberedLengths = new WeakMap<ReadonlySet<string>, number>()

/** A bit for each length that a name in the set has: most lines need no more to be told apart. Sets are not changed. */
function lengthsOf(names: ReadonlySet<string>): number {
  let lengths = rememberedLengths.get(names)
  if (lengths === undefined) {
    lengths = 0
    for (const name of names) lengths |= 1 << (name.length & 31)
    rememberedLengths.set(names, lengths)
  }
  return lengths
}

/** Where the next line from `start` on begins whose name, in lower case, is in the set; the length of the text: there is none. */
function nextAmong(text: string, start: number, names: ReadonlySet<string>, lengths: number): number {
  for (let lineStart = start; lineStart < text.length; ) {
    const colon = text.indexOf(':', lineStart)
    const perhaps = (lengths & (1 << ((colon - lineStart) & 31))) !== 0
    if (perhaps && names.has(text.slice(lineStart, colon).toLowerCase())) return lineStart
    lineStart = text.indexOf('\r\n', colon) + 2
  }
  return text.length
}

/** Puts down one mark of a line that others before it have moved. */
function pushMoved(after: number[], before: readonly number[], mark: number, shift: number): void {
  after.push(
    before[mark],
    before[mark + 1] + shift,
    before[mark + 2] + shift,
    before[mark + 3] + shift,
    before[mark + 4] + shift,
  )
}

/** True when a line of this name stands in checked text; any case. */
function holdsLine(text: string, name: string): boolean {
  for (let start = 0; start < text.length; start = text.indexOf('\r\n', start) + 2)
    if (isNamed(text, start, name)) return true
  return false
}

/** Almost always the one comparison with the colon settles it. */
function isNamed(text: string, lineStart: number, name: string): boolean {
  if (text.charCodeAt(lineStart + name.length) !== COLON) return false
  for (let i = 0; i < name.length; i++) {
    const difference = text.charCodeAt(lineStart + i) ^ name.charCodeAt(i)
    if (difference !== 0 && (difference !== 0x20 || !isLetter(name.charCodeAt(i)))) return false
  }
  return true
}

const isLetter = (code: number): boolean => (code | 0x20) >= 0x61 && (code | 0x20) <= 0x7a

/** Calls back for every line of checked text: start, colon, start and end of the value without white space. */
function eachLine(
  text: string,
  visit: (lineStart: number, colon: number, valueStart: number, valueEnd: number) => void,
): void {
  let lineStart = 0
  while (lineStart < text.length) {
    const colon = text.indexOf(':', lineStart)
    const lineEnd = text.indexOf('\r\n', colon)
    let valueStart = colon + 1
    let valueEnd = lineEnd
    while (valueStart < valueEnd && isBlank(text.charCodeAt(valueStart))) valueStart++
    while (valueEnd > valueStart && isBlank(text.charCodeAt(valueEnd - 1))) valueEnd--
    visit(lineStart, colon, valueStart, valueEnd)
    lineStart = lineEnd + 2
  }
}

/**
 * The text without white space around it (OWS, RFC 9110 §5.6.3: `trim` takes more). In one pass: a pattern would
 * take the square of a long run of blanks inside.
 */
export function trimBlanks(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isBlank(text.charCodeAt(start))) start++
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--
  return text.slice(start, end)
}

const isBlank = (code: number): boolean => code === 32 || code === 9
