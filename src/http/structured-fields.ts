/**
 * Structured fields (RFC 9651): dictionaries read, strings written.
 * Strategy: the algorithms of RFC 9651 §4.2, one method each, over one text and one place in it; no character is read
 * twice. Null on the way out means that the field is broken, and then all of it is.
 */
import { CLASS, TOKEN } from '../base/ascii.ts'

export type BareItem =
  /** Dates: seconds since 1970. */
  | { readonly kind: 'integer' | 'decimal' | 'date'; readonly value: number }
  | { readonly kind: 'string' | 'token' | 'display'; readonly value: string }
  | { readonly kind: 'bytes'; readonly value: Uint8Array }
  | { readonly kind: 'boolean'; readonly value: boolean }

export type Parameters = ReadonlyMap<string, BareItem>

export interface Item {
  readonly item: BareItem
  readonly parameters: Parameters
}

export interface InnerList {
  readonly items: readonly Item[]
  readonly parameters: Parameters
}

export type Dictionary = ReadonlyMap<string, Item | InnerList>

/** Null when any of it is not valid: then the whole field is ignored (RFC 9651 §4.2). `lines`: the values of all field lines. */
export function parseDictionary(lines: readonly string[]): Dictionary | null {
  return new Reader(lines.length === 1 ? lines[0] : lines.join(', ')).dictionary()
}

/** A String (RFC 9651 §4.1.6), quoted; characters that it cannot hold become "?". */
export function stringItem(text: string): string {
  return `"${text.replace(/[^ -~]/gu, '?').replace(/["\\]/g, '\\$&')}"`
}

const NONE: Parameters = new Map()
const TRUE: BareItem = { kind: 'boolean', value: true }
const FALSE: BareItem = { kind: 'boolean', value: false }

class Reader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  /** RFC 9651 §4.2.2, and §4.2 around it. */
  dictionary(): Dictionary | null {
    const members = new Map<string, Item | InnerList>()
    this.#skip(' ')
    while (this.#at < this.#text.length) {
      const key = this.#key()
      if (key === null) return null
      const member = this.#takes('=') ? this.#itemOrInnerList() : this.#withParameters(TRUE)
      if (member === null) return null
      // The last of several decides, in the place of the first: what a Map does.
      members.set(key, member)
      this.#skip(' \t')
      if (this.#at === this.#text.length) return members
      if (!this.#takes(',')) return null
      this.#skip(' \t')
      // A comma with nothing behind it.
      if (this.#at === this.#text.length) return null
    }
    return members
  }

  /** RFC 9651 §4.2.1.1. */
  #itemOrInnerList(): Item | InnerList | null {
    return this.#takes('(') ? this.#innerList() : this.#item()
  }

  /** RFC 9651 §4.2.1.2, behind its "(". */
  #innerList(): InnerList | null {
    const items: Item[] = []
    while (this.#at < this.#text.length) {
      this.#skip(' ')
      if (this.#takes(')')) {
        const parameters = this.#parameters()
        return parameters && { items, parameters }
      }
      const item = this.#item()
      if (item === null) return null
      items.push(item)
      const next = this.#text[this.#at]
      if (next !== ' ' && next !== ')') return null
    }
    return null
  }

  /** RFC 9651 §4.2.3. */
  #item(): Item | null {
    const item = this.#bareItem()
    return item && this.#withParameters(item)
  }

  #withParameters(item: BareItem): Item | null {
    const parameters = this.#parameters()
    return parameters && { item, parameters }
  }

  /** RFC 9651 §4.2.3.2. */
  #parameters(): Parameters | null {
    if (this.#text[this.#at] !== ';') return NONE
    const parameters = new Map<string, BareItem>()
    while (this.#takes(';')) {
      this.#skip(' ')
      const key = this.#key()
      const value = key === null ? null : this.#takes('=') ? this.#bareItem() : TRUE
      if (key === null || value === null) return null
      parameters.set(key, value)
    }
    return parameters
  }

  /** RFC 9651 §4.2.3.3. */
  #key(): string | null {
    return this.#match(/[a-z*][a-z0-9_\-.*]*/y)
  }

  /** RFC 9651 §4.2.3.1. */
  #bareItem(): BareItem | null {
    const first = this.#text[this.#at] ?? ''
    if (first === '"') return this.#string()
    if (first === ':') return this.#byteSequence()
    if (first === '?') return this.#boolean()
    if (first === '@') return this.#date()
    if (first === '%') return this.#displayString()
    return /[-0-9]/.test(first) ? this.#number() : this.#token()
  }

  /** RFC 9651 §4.2.4. */
  #number(): { kind: 'integer' | 'decimal'; value: number } | null {
    const written = this.#match(/-?\d+(?:\.\d*)?/y)
    if (written === null) return null
    const digits = written.startsWith('-') ? written.slice(1) : written
    const point = digits.indexOf('.')
    // What is limited are digits, not values: 15 of an integer; 12 before the point of a decimal, 1 to 3 behind it.
    const isRight =
      point === -1
        ? digits.length <= 15
        : point <= 12 && digits.length > point + 1 && digits.length <= point + 4
    // `-0` is 0.
    return isRight ? { kind: point === -1 ? 'integer' : 'decimal', value: Number(written) + 0 } : null
  }

  /** RFC 9651 §4.2.5. */
  #string(): BareItem | null {
    const start = this.#at + 1
    for (let at = start; at < this.#text.length; at++) {
      const code = this.#text.charCodeAt(at)
      if (code === QUOTE) {
        this.#at = at + 1
        return { kind: 'string', value: this.#text.slice(start, at).replace(/\\(.)/g, '$1') }
      }
      if (code === BACKSLASH) {
        at++
        if (this.#text[at] !== '"' && this.#text[at] !== '\\') return null
      } else if (!isPrintable(code)) return null
    }
    return null
  }

  /** RFC 9651 §4.2.6. */
  #token(): BareItem | null {
    const start = this.#at
    if (!/[A-Za-z*]/.test(this.#text[start] ?? '')) return null
    while (this.#at < this.#text.length && isTokenPart(this.#text.charCodeAt(this.#at))) this.#at++
    return { kind: 'token', value: this.#text.slice(start, this.#at) }
  }

  /** RFC 9651 §4.2.7: padding may be missing, and then all of it. */
  #byteSequence(): BareItem | null {
    const written = this.#match(/:[A-Za-z0-9+/]*={0,2}:/y)
    if (written === null) return null
    const base64 = written.slice(1, -1)
    const isWhole = base64.endsWith('=') ? base64.length % 4 === 0 : base64.length % 4 !== 1
    return isWhole ? { kind: 'bytes', value: new Uint8Array(Buffer.from(base64, 'base64')) } : null
  }

  /** RFC 9651 §4.2.8. */
  #boolean(): BareItem | null {
    const written = this.#match(/\?[01]/y)
    return written === null ? null : written === '?1' ? TRUE : FALSE
  }

  /** RFC 9651 §4.2.9. */
  #date(): BareItem | null {
    this.#at++
    const number = this.#number()
    return number?.kind === 'integer' ? { kind: 'date', value: number.value } : null
  }

  /** RFC 9651 §4.2.10. */
  #displayString(): BareItem | null {
    if (this.#text[this.#at + 1] !== '"') return null
    const start = this.#at + 2
    const end = this.#text.indexOf('"', start)
    if (end === -1) return null
    const written = this.#text.slice(start, end)
    // Octets are written in small letters.
    if (/[^ -~]|%(?![0-9a-f]{2})/.test(written)) return null
    const octets = written.replace(/%(..)/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)))
    this.#at = end + 1
    try {
      return { kind: 'display', value: utf8.decode(Buffer.from(octets, 'latin1')) }
    } catch {
      return null
    }
  }

  #takes(char: string): boolean {
    if (this.#text[this.#at] !== char) return false
    this.#at++
    return true
  }

  #skip(chars: string): void {
    while (this.#at < this.#text.length && chars.includes(this.#text[this.#at])) this.#at++
  }

  /** What a sticky pattern finds here. */
  #match(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)
    if (found === null) return null
    this.#at = pattern.lastIndex
    return found[0]
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

const QUOTE = 34
const BACKSLASH = 92
const isPrintable = (code: number): boolean => code >= 0x20 && code < 0x7f

/** tchar, ":" or "/". */
const isTokenPart = (code: number): boolean =>
  code === 58 || code === 47 || (code < 128 && (CLASS[code] & TOKEN) !== 0)
