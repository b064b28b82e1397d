import assert from 'node:assert/strict'
import test from 'node:test'
import { allInClass, CLASS, DIGIT, HEX, isFieldValue, TARGET, TOKEN, VALUE } from './ascii.ts'

const charsOf = (mask: number): string =>
  Array.from({ length: 256 }, (_, byte) =>
    (CLASS[byte] & mask) === 0 ? '' : String.fromCharCode(byte),
  ).join('')

const DIGITS = '0123456789'
const UPPER = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'
const LOWER = UPPER.toLowerCase()
const range = (first: number, last: number): string =>
  String.fromCharCode(...Array.from({ length: last - first + 1 }, (_, i) => first + i))

test('the classes are those of the standards, byte by byte', () => {
  // RFC 9110 §5.6.2.
  assert.equal(charsOf(TOKEN), `!#$%&'*+-.${DIGITS}${UPPER}^_\`${LOWER}|~`)
  // RFC 9110 §5.5: field-vchar, SP and HTAB; obs-text passes unharmed.
  assert.equal(charsOf(VALUE), `\t${range(0x20, 0x7e)}${range(0x80, 0xff)}`)
  // RFC 9112 §3.2: visible ASCII, without the "#" of a fragment.
  assert.equal(charsOf(TARGET), range(0x21, 0x7e).replace('#', ''))
  assert.equal(charsOf(DIGIT), DIGITS)
  assert.equal(charsOf(HEX), `${DIGITS}ABCDEFabcdef`)
})

test('a text of one class', () => {
  assert.equal(allInClass('Content-Length', TOKEN), true)
  assert.equal(allInClass('', TOKEN), false)
  assert.equal(allInClass('a b', TOKEN), false)
  assert.equal(allInClass('a:', TOKEN), false)
  // A character whose low byte would be in the class.
  assert.equal(allInClass('\u0141', TOKEN), false)
  assert.equal(allInClass('\u{1f600}', VALUE), false)
})

test('a field value that may be written', () => {
  for (const value of ['', ' ', 'a', 'a\tb', '\xe9\xff'])
    assert.equal(isFieldValue(value), true, JSON.stringify(value))
  for (const value of ['\r', 'a\nb', '\0', '\x7f', '\x0b', '\u0100', '\u010a'])
    assert.equal(isFieldValue(value), false, JSON.stringify(value))
})
