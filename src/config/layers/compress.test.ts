import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Handler } from '../../exchange/handler.ts'
import { checkData } from '../check.ts'
import { pathText } from '../problems.ts'
import { buildLayer } from './build-layer.ts'
import { NOTHING_BEHIND } from './layer-config.ts'

const NEXT: Handler = { handle() {} }

function faults(compress: unknown): string[] {
  const route = { layers: [{ compress }], to: 'shop' }
  const data = { upstreams: { shop: '127.0.0.1:9000' }, listeners: [{ listen: 0, routes: [route] }] }
  return checkData(data, '.').problems.map(({ path, message }) => `${pathText(path.slice(7))}: ${message}`)
}

const GOOD: readonly object[] = [
  {},
  { encodings: ['gzip'] },
  { encodings: ['zstd', 'br', 'gzip'], types: ['text/*', '+json', 'application/wasm'], minimum: '0' },
  { minimum: '10KB', level: {} },
  { level: { gzip: 9, br: 0, zstd: 19 } },
]

test('what can be written is built', () => {
  for (const options of GOOD) {
    assert.deepEqual(faults(options), [], JSON.stringify(options))
    assert.notEqual(
      buildLayer({ compress: options }, { folder: '.', behind: NOTHING_BEHIND, caches: [] })(NEXT),
      NEXT,
    )
  }
})

const BAD: readonly [options: unknown, fault: RegExp][] = [
  [true, /^: true is not a set of options: write for example/],
  [{ encodings: [] }, /^encodings: an empty list: write for example \['br', 'gzip'\]$/],
  [{ encodings: 'gzip' }, /^encodings: "gzip" is not a list of content codings/],
  [{ encodings: ['gzp'] }, /^encodings\[0\]: "gzp" is not known here: did you mean "gzip"\?$/],
  [
    { encodings: ['deflate'] },
    /^encodings\[0\]: "deflate" is not known here: write one of "zstd", "br", "gzip"$/,
  ],
  [{ encodings: ['br', 'br'] }, /"br" stands twice in encodings: take one out/],
  [{ types: ['json'] }, /^types\[0\]: "json" is not a media type: write for example "application\/json"/],
  [{ types: ['text/html; charset=utf-8'] }, /^types\[0\]: .* without parameters$/],
  [{ minimum: '1K' }, /^minimum: /],
  [{ level: 6 }, /^level: 6 is not levels by coding: write for example \{ gzip: 6 \}$/],
  [{ level: { gzip: 10 } }, /^level\.gzip: 10 is not a whole number from 1 to 9/],
  [{ level: { zstd: 20 } }, /^level\.zstd: 20 is not a whole number from 1 to 19/],
  [{ level: { deflate: 1 } }, /^level\.deflate: unknown key "deflate"/],
  [{ threshold: '1KB' }, /unknown key "threshold": write minimum$/],
]

test('what cannot is told with its place and what to write instead', () => {
  for (const [options, fault] of BAD) {
    const found = faults(options)
    assert.equal(found.length, 1, JSON.stringify([options, found]))
    assert.match(found[0], fault)
  }
})
