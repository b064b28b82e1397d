import assert from 'node:assert/strict'
import test from 'node:test'
import { checkTypePattern, DEFAULT_TYPES, typeMatcher } from './media-types.ts'

const TYPES: readonly [type: string, worthIt: boolean][] = [
  ['text/html', true],
  ['text/event-stream', true],
  ['application/json', true],
  ['application/problem+json', true],
  ['application/vnd.api+json', true],
  ['image/svg+xml', true],
  ['application/atom+xml', true],
  ['application/javascript', true],
  ['application/wasm', true],
  ['font/ttf', true],
  ['font/woff2', false],
  ['image/png', false],
  ['video/mp4', false],
  ['application/zip', false],
  ['application/octet-stream', false],
  ['application/grpc', false],
  ['application/pdf', false],
  ['textual/html', false],
  ['text', false],
  ['', false],
  ['+json', true],
]

test('by default: text in all its forms, and nothing that is packed already', () => {
  const matches = typeMatcher(DEFAULT_TYPES)
  for (const [type, worthIt] of TYPES) assert.equal(matches(type), worthIt, type)
})

test('patterns of a config', () => {
  const matches = typeMatcher(['Application/PDF', 'image/*', '+cbor'])
  for (const type of ['application/pdf', 'image/png', 'application/senml+cbor'])
    assert.ok(matches(type), type)
  for (const type of ['text/html', 'images/png', 'application/cbor']) assert.ok(!matches(type), type)
  assert.ok(typeMatcher(['*/*'])('any/thing'))
})

test('what is no pattern is refused', () => {
  for (const pattern of [
    '',
    'json',
    'text',
    'text/',
    '/html',
    '*',
    '*/html',
    'text/html; charset=utf-8',
    'a b/c',
    '+',
  ])
    assert.throws(
      () => checkTypePattern(pattern),
      { message: /is not a media type: write for example/ },
      pattern,
    )
  assert.throws(() => typeMatcher(['json']), /is not a media type/)
})
