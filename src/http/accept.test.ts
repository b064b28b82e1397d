import assert from 'node:assert/strict'
import test from 'node:test'
import { NO_PREFERENCE, preferenceFor, readAccept } from './accept.ts'

const WEIGHTS: readonly [accept: string | null, type: string, weight: number, precision: number][] = [
  [null, 'text/html', 1, 1],
  ['', 'text/html', 0, 0],
  ['*/*', 'text/html', 1, 1],
  ['text/html', 'text/html', 1, 3],
  ['TEXT/HTML', 'text/html', 1, 3],
  ['text/*;q=0.3', 'text/html', 0.3, 2],
  ['text/plain', 'text/html', 0, 0],
  ['application/json', 'text/html', 0, 0],
  // A browser.
  ['text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8', 'text/html', 1, 3],
  ['text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8', 'text/plain', 0.8, 1],
  // Weights.
  ['text/html;q=0', 'text/html', 0, 3],
  ['text/html;q=0, */*', 'text/html', 0, 3],
  ['text/html;q=0.', 'text/html', 0, 3],
  ['text/html ; q=0.25', 'text/html', 0.25, 3],
  ['text/html;Q=0.25', 'text/html', 0.25, 3],
  ['text/html;q=1.000', 'text/html', 1, 3],
  ['text/html;q=0.1234', 'text/html', 0, 3],
  ['text/html;q=1.5', 'text/html', 0, 3],
  ['text/html;q=', 'text/html', 0, 3],
  ['text/html;q=-1', 'text/html', 0, 3],
  ['text/html;q=0.2, text/html;q=0.7', 'text/html', 0.7, 3],
  // RFC 9110 §12.5.1, table 5.
  [
    'text/*;q=0.3, text/plain;q=0.7, text/plain;format=flowed, text/plain;format=fixed;q=0.4, */*;q=0.5',
    'text/plain',
    0.7,
    3,
  ],
  [
    'text/*;q=0.3, text/plain;q=0.7, text/plain;format=flowed, text/plain;format=fixed;q=0.4, */*;q=0.5',
    'text/html',
    0.3,
    2,
  ],
  [
    'text/*;q=0.3, text/plain;q=0.7, text/plain;format=flowed, text/plain;format=fixed;q=0.4, */*;q=0.5',
    'image/jpeg',
    0.5,
    1,
  ],
  // Parameters, quotes, empty elements.
  ['text/html;charset=utf-8', 'text/html', 1, 3],
  ['text/html;level=1', 'text/html', 0, 0],
  ['text/html;q=0.4;charset="UTF-8"', 'text/html', 0.4, 3],
  ['text/x;a="b,text/html;q=1", text/html;q=0.5', 'text/html', 0.5, 3],
  ['text/x;a="b\\",text/html', 'text/html', 0, 0],
  [', ,text/html,,', 'text/html', 1, 3],
  [';q=1, text/html', 'text/html', 1, 3],
  ['text/html;', 'text/html', 1, 3],
]

test('the weight of a media type', () => {
  for (const [accept, type, weight, precision] of WEIGHTS)
    assert.deepEqual(
      preferenceFor(accept === null ? NO_PREFERENCE : readAccept(accept), type),
      { weight, precision },
      `${accept} → ${type}`,
    )
})

test('a long hostile field is read in linear time', () => {
  const pieces = [',', ';', '"', '\\', '"\\', 'text/html;q=0.1,', ' ', '";', 'a;b="c,']
  const startedAt = performance.now()
  for (const piece of pieces) preferenceFor(readAccept(piece.repeat(200_000 / piece.length)), 'text/html')
  assert.ok(performance.now() - startedAt < 10_000)
})
