/**
 * Character classes of HTTP as tables, for bytes and for strings alike.
 */

export const CR = 13
export const LF = 10
export const SP = 32
export const HTAB = 9
export const COLON = 58

/** tchar, RFC 9110 §5.6.2. */
export const TOKEN = 1
/** What a field value may hold: HTAB, SP, VCHAR and obs-text, RFC 9110 §5.5. */
export const VALUE = 2
/** What a request target may hold: VCHAR without "#", RFC 9112 §3.2 (no fragment is ever sent). */
export const TARGET = 4
/** HEXDIG, RFC 5234 appendix B.1. */
export const HEX = 8
export const DIGIT = 16

export const CLASS: Uint8Array = buildClasses()

function buildClasses(): Uint8Array {
  const table = new Uint8Array(256)
  for (let byte = 0; byte < 256; byte++) {
    const char = String.fromCharCode(byte)
    if (/[!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(char)) table[byte] |= TOKEN
    if (byte === HTAB || (byte >= 0x20 && byte !== 0x7f)) table[byte] |= VALUE
    if (byte > 0x20 && byte < 0x7f && char !== '#') table[byte] |= TARGET
    if (/[0-9A-Fa-f]/.test(char)) table[byte] |= HEX
    if (/[0-9]/.test(char)) table[byte] |= DIGIT
  }
  return table
}

/** True when every character is in the class and there is at least one. Characters beyond 0xFF never are. */
export function allInClass(text: string, mask: number): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code > 0xff || (CLASS[code] & mask) === 0) return false
  }
  return text.length > 0
}

/** True for a field value that may be written: allowed characters only, none at all is fine. */
export function isFieldValue(text: string): boolean {
  return text === '' || allInClass(text, VALUE)
}
