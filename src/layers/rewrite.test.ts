import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import type { ProxyError } from '../base/errors.ts'
import type { Exchange } from '../exchange/exchange.ts'
import { HeaderList } from '../http/header-list.ts'
import { type RewriteOptions, rewriteLayer } from './rewrite.ts'

/** What the server is asked for, or the code of the error. */
function rewrite(options: RewriteOptions, target: string, request = target): string {
  let result = ''
  const headers = HeaderList.from([
    ['X', 'u/a b?&#'],
    ['Y', '../x'],
  ])
  const exchange = {
    originTarget: target,
    host: 'shop.example',
    hostPort: '',
    request: { method: 'GET', target: request, headers },
    reply: {
      fail: (error: ProxyError) => {
        result = error.code
      },
    },
  }
  const seen: Exchange[] = []
  rewriteLayer(options)({ handle: passed => void seen.push(passed) }).handle(exchange as unknown as Exchange)
  assert.equal(exchange.request.target, request, 'what came stays for the log')
  return seen.length === 0 ? result : exchange.originTarget
}

const API: RewriteOptions = { stripPrefix: '/api' }
const USER: RewriteOptions = { regex: '^/user/(\\d+)(.*)', to: '/u?id=$1' }

const TARGETS: readonly [options: RewriteOptions, target: string, rewritten: string][] = [
  [API, '/api/x?y=/api', '/x?y=/api'],
  [API, '/api', '/'],
  [API, '/api/', '/'],
  [API, '/api?x', '/?x'],
  // Only whole segments, only in front.
  [API, '/apiary', '/apiary'],
  [API, '/v1/api/x', '/v1/api/x'],
  [API, '/API/x', '/API/x'],
  [API, '*', '*'],
  // Percent-encoding is left as it came.
  [API, '/api/a%2fb%20c;d=e', '/a%2fb%20c;d=e'],
  // A second spelling of the prefix took the same route, so it is the same prefix.
  [API, '/%61pi/x', '/x'],
  [API, '//api/x%20y', '/x%20y'],
  [API, '/api;v=1/x', '/x'],
  [API, '/./api/x', '/x'],
  [API, '/b/../api/x', '/x'],
  [{ addPrefix: '/v2' }, '/x?y', '/v2/x?y'],
  [{ addPrefix: '/v2' }, '/', '/v2/'],
  [{ addPrefix: '/{host}' }, '/x', '/shop.example/x'],
  [{ stripPrefix: '/api', addPrefix: '/v2' }, '/api/x', '/v2/x'],
  [{ stripPrefix: '/api', addPrefix: '/v2' }, '/api', '/v2'],
  [{ stripPrefix: '/api', addPrefix: '/v2' }, '/other', '/other'],
  [{ replace: { '/old': '/new', '/old/deep': '/never', '/a': '/' } }, '/old/deep?q', '/new/deep?q'],
  [{ replace: { '/old': '/new', '/a': '/' } }, '/a/b', '/b'],
  [{ replace: { '/old': '/new', '/a': '/' } }, '/a', '/'],
  [{ replace: { '/old': '/new' } }, '/older', '/older'],
  [USER, '/user/12/x', '/u?id=12'],
  [USER, '/user/12?old=1', '/u?id=12'],
  [USER, '/user/x', '/user/x'],
  [{ regex: '^/user/(\\d+)$', to: '/u/$1' }, '/user/12?q=1', '/u/12?q=1'],
  [{ regex: '^/user/(\\d+)$', to: '/u?id=$1&{query}' }, '/user/12?q=1', '/u?id=12&q=1'],
  [{ regex: '^/user/(\\d+)$', to: '/u?id=$1&{query}' }, '/user/12', '/u?id=12'],
  [{ regex: '^/(?<lang>en|de)(/.*)', to: '$2?lang=$<lang>' }, '/de/a%20b', '/a%20b?lang=de'],
  [{ regex: '^/(a)?(b)', to: '/x$1-$2$$' }, '/b', '/x-b$'],
  [{ regex: '\\.php$', to: '/gone' }, '/a/b.php', '/gone'],
  // A piece of a path that becomes a parameter stays one.
  [{ regex: '^/s/(.*)', to: '/find?q=$1' }, '/s/a&admin=1;b+c%26d', '/find?q=a%26admin%3D1%3Bb%2Bc%26d'],
  [{ regex: '^/s/(.*)', to: '/find/$1' }, '/s/a&b=1', '/find/a&b=1'],
  [{ to: '/index.html' }, '/any?q', '/index.html?q'],
  [{ to: '/p?u={uri}' }, '/any?q', '/p?u=/any?q'],
  [{ to: '/{header.x}{path}' }, '/any', '/u%2Fa%20b%3F%26%23/any'],
  [{ to: '/{header.y}{path}' }, '/any', 'bad_target'],
  // Never another host, never out of the folder.
  [API, '/api//evil.example/x', 'bad_target'],
  [API, '/api/\\evil.example/x', 'bad_target'],
  [API, '/api/../admin', 'bad_target'],
  [API, '/api/x/%2e%2E/admin', 'bad_target'],
  [API, '/api/x/..%2fadmin', 'bad_target'],
  [API, '/api/x/..;a=b/admin', 'bad_target'],
  [API, '/api/x/.', 'bad_target'],
  [API, '/%61pi/a/..%2Fb', 'bad_target'],
  [API, '/api/...', '/...'],
  [API, '/api/a..b/.well-known', '/a..b/.well-known'],
  [API, '/api/x?../..', '/x?../..'],
  [{ addPrefix: '/v2' }, '/../secret', 'bad_target'],
  [{ regex: '^/files/(.*)', to: '/public/$1' }, '/files/../secret', 'bad_target'],
  [{ regex: '^/go(.*)', to: '$1' }, '/go//evil.example', 'bad_target'],
  [{ regex: '^/go(.*)', to: '$1' }, '/gone', 'bad_target'],
  [{ regex: '^/go(.*)', to: '$1' }, '/go', 'bad_target'],
  [{ to: '{path}{path}{path}' }, `/${'a'.repeat(8000)}`, 'target_too_long'],
  // What is not rewritten stays as it came, whatever it is.
  [API, '/x/../y', '/x/../y'],
]

test('what servers are asked for', () => {
  for (const [options, target, rewritten] of TARGETS)
    assert.equal(rewrite(options, target), rewritten, `${JSON.stringify(options)} ${target}`)
})

test('an earlier layer may have rewritten it; variables are about the request as it came', () => {
  assert.equal(rewrite(API, '/api/x', '/public/api/x?q'), '/x')
  assert.equal(rewrite({ to: '/p{query}' }, '/api/x', 'http://h/public?q'), '/p?q')
})

test('whatever comes: a target that is left or one that is safe', () => {
  const target = fc
    .array(fc.constantFrom('/', '//', '\\', '.', '..', '%2f', '%2E', ';', '?', '&', 'api', 'a', '%5c', '%'), {
      maxLength: 10,
    })
    .map(pieces => `/${pieces.join('')}`)
  const options = fc.constantFrom<RewriteOptions>(
    API,
    { addPrefix: '/v2' },
    { replace: { '/api': '/', '/a': '/b' } },
    { regex: '^/api(.*)', to: '$1' },
    { regex: 'a(.*)', to: '/in/$1?$1' },
    { to: '/in{path}?x' },
  )
  fc.assert(
    fc.property(options, target, (given, came) => {
      const result = rewrite(given, came)
      if (result === came || result === 'bad_target') return
      const url = new URL(result, 'http://shop.example')
      assert.equal(url.host, 'shop.example', `${came} ${result}`)
      assert.match(result, /^\/(?![/\\])[!-~]*$/)
      const decoded = result
        .split('?')[0]
        .replace(/%2f|%5c/gi, '/')
        .replace(/%2e/gi, '.')
      for (const segment of decoded.split(/[/\\]/))
        assert.ok(!/^\.\.?(;|$)/.test(segment), `${came} ${result}`)
      if (given.addPrefix !== undefined) assert.ok(result.startsWith('/v2/'))
    }),
    { numRuns: 3000 },
  )
})

const REFUSED: readonly [options: RewriteOptions, message: RegExp][] = [
  [{}, /nothing to do: write stripPrefix/],
  [{ stripPrefix: '/a', to: '/b' }, /too much at once/],
  [{ replace: { '/a': '/b' }, to: '/b' }, /too much at once/],
  [{ regex: 'a' }, /regex without to/],
  [{ stripPrefix: 'api' }, /"api" is no prefix/],
  [{ stripPrefix: '/api/' }, /"\/api\/" is no prefix/],
  [{ stripPrefix: '/' }, /is no prefix/],
  [{ stripPrefix: '/a?b' }, /is no prefix/],
  [{ stripPrefix: '/%61pi' }, /compared in the form "\/api": write that/],
  [{ stripPrefix: '/a/../b' }, /compared in the form "\/b"/],
  [{ addPrefix: '//evil' }, /is no prefix/],
  [{ addPrefix: '/a/../b' }, /is no prefix/],
  [{ addPrefix: '/a b' }, /percent-encoded only/],
  [{ addPrefix: '/{pth}' }, /\{pth\} is not a variable/],
  [{ addPrefix: '/{status}' }, /only once there is an answer/],
  [{ replace: {} }, /replace is empty/],
  [{ replace: { '/a': 'b' } }, /replace "\/a": "b" is no prefix/],
  [{ to: 'x' }, /must begin with "\/"/],
  [{ to: '//evil' }, /must begin/],
  [{ to: 'http://evil/' }, /must begin/],
  [{ to: '/a#b' }, /a fragment is not sent/],
  [{ to: '/a/../b' }, /without dot segments/],
  [{ to: '/$1' }, /\$1 is a group that the regex does not have/],
  [{ regex: '(a)', to: '/$2' }, /\$2 is a group/],
  [{ regex: '(a)', to: '/$<x>' }, /\$<x> is a group/],
  [{ regex: 'a', to: '/$' }, /write "\$\$"/],
  [{ regex: '(a', to: '/' }, /rewrite: at character 3: a "\)" is missing/],
  [{ to: '/{' }, /a brace opens a variable/],
]

test('what cannot be done is refused when the layer is built', () => {
  for (const [options, message] of REFUSED)
    assert.throws(() => rewriteLayer(options), { message }, JSON.stringify(options))
})
