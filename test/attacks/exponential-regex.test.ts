/**
 * Regular expressions that take exponential time: one request with a path made for it, and the process that serves
 * everybody stands still. Here the expression of a config is matched in bounded time, and what cannot be is refused.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rewriteLayer } from '../../src/layers/rewrite.ts'
import { attack } from '../support/attack.ts'

/** Each would take JavaScript longer than the age of the universe. */
const SLOW: readonly [regex: string, path: string][] = [
  ['^/(a+)+$', `/${'a'.repeat(8000)}!`],
  ['^/(a|a)*b', `/${'a'.repeat(8000)}`],
  ['^/(x+x+)+y', `/${'x'.repeat(8000)}`],
  ['^/(?:\\w+-?)*$', `/${'a'.repeat(8000)}!`],
  ['(?:[^/]+/?)*[?]', `/${'a/'.repeat(4000)}`],
]

for (const [regex, path] of SLOW)
  test(`${regex} does not hold up the request that it does not match`, async t => {
    const layers = [rewriteLayer({ regex, to: '/matched' })]
    const startedMs = performance.now()
    const { lines } = await attack(t, `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`, {
      layers,
    })
    assert.deepEqual(lines, [`GET ${path} HTTP/1.1`])
    assert.ok(performance.now() - startedMs < 5000)
  })

test('what needs more than one pass over the text is refused', () => {
  for (const regex of ['(.*)*', '(a*)*b', '(a)\\1', '(?=(a+))a', '(?<!a)b'])
    assert.throws(() => rewriteLayer({ regex, to: '/' }), /^Error: rewrite: at character/, regex)
})
