import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { HeaderList } from '../http/header-list.ts'
import { readHost } from '../http/request-target.ts'
import type { KeyOptions } from './options.ts'
import { requestExtras } from './request-extras.ts'

const PLAIN: KeyOptions = { query: 'all', sortQuery: false, headers: [], cookies: [] }
const PLAN: KeyOptions = { ...PLAIN, headers: ['x-plan'] }

/** `claims`: the client sent some of these fields itself; `lines` are what servers are told. */
function extrasOf(host: string | null, lines: string, claims: boolean, options = PLAIN): string {
  const headers = HeaderList.empty()
  if (host !== null) headers.add('Host', host)
  if (claims) headers.add('X-Forwarded-For', '10.0.0.1')
  const request = { method: 'GET', target: '/', version: 11 as const, headers }
  const name = readHost(host ?? '')
  return requestExtras({ host: name.host, hostPort: name.port, request, forwardedLines: lines }, options)
}

const X = 'X-Forwarded-For: 10.0.0.1, 127.0.0.1\r\nX-Forwarded-Host: shop\r\nX-Forwarded-Proto: http\r\n'
const ROWS: readonly (readonly [what: string, extras: string, expected: string])[] = [
  ['an ordinary request', extrasOf('shop', X, false), ''],
  ['with a port', extrasOf('shop:8080', '', false), ''],
  ['with the port of http', extrasOf('shop:80', '', false), ''],
  ['in capitals', extrasOf('SHOP', '', false), ''],
  ['a name with an underline', extrasOf('my_shop', '', false), ''],
  ['IPv6', extrasOf('[::1]:81', '', false), ''],
  ['what the config adds', extrasOf('shop', '', false, PLAN), 'x-plan'],
  ['a dot at the end', extrasOf('shop.', '', false), '(host="shop.")'],
  ['both', extrasOf('shop.', '', false, PLAN), '(host="shop.") x-plan'],
  ['a letter encoded', extrasOf('sh%6fp', '', false), '(host="sh%6fp")'],
  ['an odd port', extrasOf('shop:080', '', false), '(host="shop:080")'],
  ['no host', extrasOf(null, '', false), '(no host)'],
  ['an empty host', extrasOf('', '', false), ''],
  ['lines that say what the key does', extrasOf('shop', X, true), ''],
  ['the same as Forwarded', extrasOf('shop', 'Forwarded: for=10.0.0.1;host=shop;proto=http\r\n', true), ''],
  ['with a port', extrasOf('shop:81', 'Forwarded: for="[::1]";host="shop:81";proto=http\r\n', true), ''],
  ['without host', extrasOf('', 'Forwarded: for=unknown;proto=http\r\n', true), ''],
  ['another scheme', extrasOf('shop', X.replace('http\r', 'https\r'), true), '(x-forwarded-proto="https")'],
  [
    'another host and scheme',
    extrasOf('shop', 'Forwarded: for=1;proto=https;host="a;b", for=2;host=shop;proto=http\r\n', true),
    '(forwarded=";proto=https;host=\\"a;b\\", ;host=shop;proto=http")',
  ],
  // A quote that may end for some servers where it does not for others counts as it stands.
  [
    'a client that hides a host',
    extrasOf('shop', 'Forwarded: for="x;host=evil";proto=http\r\n', true),
    '(forwarded="for=\\"x;host=evil\\";proto=http")',
  ],
]

test('extras of requests', () => {
  for (const [what, extras, expected] of ROWS) assert.equal(extras, expected, what)
})

test('what is said of clients alone has no part in it, all else does', () => {
  const node = fc.constantFrom('10.0.0.1', '"[::1]:80"', 'unknown', '_x')
  const scheme = fc.constantFrom('http', 'https')
  const host = fc.constantFrom('shop', 'evil', '"shop:81"')
  const element = fc.tuple(node, node, host, scheme)
  const elements = fc.array(element, { minLength: 1, maxLength: 3 })
  const said = (all: readonly (readonly [string, string, string, string])[]) =>
    `Forwarded: ${all.map(each => `for=${each[0]};by=${each[1]};host=${each[2]};proto=${each[3]}`).join(', ')}\r\n`
  fc.assert(
    fc.property(elements, elements, (one, other) => {
      const meant = (all: typeof one) => JSON.stringify(all.map(([, , name, proto]) => [name, proto]))
      const isSame = extrasOf('shop', said(one), true) === extrasOf('shop', said(other), true)
      assert.equal(isSame, meant(one) === meant(other))
    }),
  )
})

test('hostile lines take a time that grows with their length only', () => {
  // The square of a hundred thousand would not come to its end in time.
  for (const text of ['for=', 'for=:', ';for="', 'for="', ' for=x"', '";', ',by='])
    extrasOf('shop', `Forwarded: ${text.repeat(100_000)}"\r\n`, true)
})
