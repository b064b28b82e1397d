/**
 * What the key of a cached resource costs, as each request makes it and looks it up.
 * Strategy: 1 024 targets in turn of one host, with and without what has to be rewritten; the look-up in a Map makes the
 * engine put the text together, as the store does. The first case is the least that is possible: one concatenation.
 *
 *     ns, best round (the machine was not quiet)
 *     one concatenation, looked up          171
 *     plain                                 219
 *     with a query, all of it               260
 *     with a query, without two             745
 *     with a query, only two                900
 *     with a query, sorted                 1200
 *     with percent-encoding                 865
 *     extras: none                           48
 *     extras: none, a host with a port       62
 *     extras: https, said by a proxy        580
 *     extras: a field and a cookie         1980
 */
import { cacheKey, keyExtras } from '../../src/cache/cache-key.ts'
import { CACHE_DEFAULTS, type KeyOptions } from '../../src/cache/options.ts'
import { requestExtras } from '../../src/cache/request-extras.ts'
import { HeaderList } from '../../src/http/header-list.ts'
import type { Suite } from './harness.ts'

const COUNT = 1024
const PLAIN: KeyOptions = CACHE_DEFAULTS.key
const WITHOUT: KeyOptions = { ...PLAIN, query: { without: new Set(['utm_source', 'utm_medium']) } }
const ONLY: KeyOptions = { ...PLAIN, query: { only: new Set(['id', 'page']) } }
const SORTED: KeyOptions = { ...PLAIN, sortQuery: true }
const EXTRAS: KeyOptions = { ...PLAIN, headers: ['accept-language'], cookies: ['session'] }

const cut = (text: string): string => Buffer.from(text, 'latin1').toString('latin1')
const targets = (make: (number: number) => string): string[] =>
  Array.from({ length: COUNT }, (_, number) => cut(make(number)))

const plain = targets(number => `/products/chairs/${number}.html`)
const queried = targets(number => `/products?page=2&utm_source=mail&id=${number}&utm_medium=web`)
const encoded = targets(number => `/%7esmith/caf%c3%a9/${number}.html`)

const known = new Map<string, number>()
let turn = 0

function looking(all: readonly string[], key: (target: string) => string): () => unknown {
  for (const target of all) known.set(key(target), known.size)
  return () => known.get(key(all[turn++ & (COUNT - 1)]))
}

const prefix = cut('http://shop.example.com:80')
const by = (options: KeyOptions) => (target: string) => cacheKey('shop.example.com', '', target, options)

const request = HeaderList.from([
  ['Host', 'shop.example.com'],
  ['Accept-Language', 'de,en;q=0.5'],
  ['Cookie', 'theme=dark; session=0123456789abcdef; seen=1'],
])

const asking = (fields: HeaderList, host: string, hostPort: string, forwardedLines: string) => ({
  host,
  hostPort,
  request: { method: 'GET', target: '/', version: 11 as const, headers: fields },
  forwardedLines,
})
const ordinary = asking(request, 'shop.example.com', '', '')
const withPort = asking(HeaderList.from([['Host', 'shop.example.com:8080']]), 'shop.example.com', '8080', '')
const behind = asking(
  HeaderList.from([
    ['Host', 'shop.example.com'],
    ['X-Forwarded-Proto', 'https'],
  ]),
  'shop.example.com',
  '',
  'X-Forwarded-For: 10.0.0.1, 10.0.0.2\r\nX-Forwarded-Host: shop.example.com\r\nX-Forwarded-Proto: https\r\n',
)

const suite: Suite = {
  title: 'the key of a resource, and a look-up with it',
  cases: [
    { name: 'one concatenation', run: looking(plain, target => prefix + target) },
    { name: 'plain', run: looking(plain, by(PLAIN)) },
    { name: 'with a query, all of it', run: looking(queried, by(PLAIN)) },
    { name: 'with a query, without two', run: looking(queried, by(WITHOUT)) },
    { name: 'with a query, only two', run: looking(queried, by(ONLY)) },
    { name: 'with a query, sorted', run: looking(queried, by(SORTED)) },
    { name: 'with percent-encoding', run: looking(encoded, by(PLAIN)) },
    { name: 'extras: none', run: () => requestExtras(ordinary, PLAIN) },
    { name: 'extras: none, a host with a port', run: () => requestExtras(withPort, PLAIN) },
    { name: 'extras: https, said by a proxy', run: () => requestExtras(behind, PLAIN) },
    { name: 'extras: a field and a cookie', run: () => keyExtras(request, EXTRAS) },
  ],
}

export default suite
