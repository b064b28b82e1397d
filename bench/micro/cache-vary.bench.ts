/**
 * What it costs to see whether a stored response was meant for a request, by what its Vary names.
 * Strategy: the fields of a browser. A value that is written as it was stored, one that has to be brought into the spelling
 * that was stored and was met before, and the same from more browsers than are remembered.
 */
import { variesNot, varyFields } from '../../src/cache/vary.ts'
import { HeaderList } from '../../src/http/header-list.ts'
import type { Suite } from './harness.ts'

/** More than are remembered. */
const BROWSERS = 512

const browser = (number: number): HeaderList =>
  HeaderList.from([
    ['Host', 'shop.example.com'],
    ['User-Agent', 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0'],
    ['Accept', `text/html,application/xhtml+xml,image/avif,x/${number};q=0.1,*/*;q=0.8`],
    ['Accept-Encoding', 'gzip, deflate, br, zstd'],
    ['Accept-Language', `en-US,en;q=0.9,x${number};q=0.1`],
  ])

const one = browser(0)
const many = Array.from({ length: BROWSERS }, (_, number) => browser(number))
let turn = 0

const stored = (name: string) => varyFields(HeaderList.from([['Vary', name]]), one) ?? []
const encoding = stored('Accept-Encoding')
const language = stored('Accept-Language')
const type = stored('Accept')

const suite: Suite = {
  title: 'whether a stored response fits, by Vary',
  cases: [
    { name: 'Accept-Encoding, written as it was', run: () => variesNot(encoding, one) },
    { name: 'Accept-Language of one browser', run: () => variesNot(language, one) },
    { name: 'Accept of one browser', run: () => variesNot(type, one) },
    { name: 'Accept-Language of many', run: () => variesNot(language, many[turn++ & (BROWSERS - 1)]) },
    { name: 'Accept of many', run: () => variesNot(type, many[turn++ & (BROWSERS - 1)]) },
  ],
}

export default suite
