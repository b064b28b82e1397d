import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { ProxyError } from '../base/errors.ts'
import { comparablePath, pathOf, queryOf, readHost, readTarget, type Target } from './request-target.ts'

const absolute = (authority: string, host: string, port: string, path: string): Target => ({
  form: 'absolute',
  authority,
  host,
  port,
  path,
})
const authority = (text: string, host: string, port: string): Target => ({
  form: 'authority',
  authority: text,
  host,
  port,
})

const TARGETS: readonly [
  method: string,
  target: string,
  result: Target | 'bad_target' | 'bad_target_form',
][] = [
  ['GET', '/', { form: 'origin' }],
  ['GET', '/a?b=http://c', { form: 'origin' }],
  ['GET', '//not.a.host/x', { form: 'origin' }],
  ['OPTIONS', '/a', { form: 'origin' }],
  ['OPTIONS', '*', { form: 'asterisk' }],
  ['GET', '*', 'bad_target_form'],
  ['CONNECT', '*', 'bad_target_form'],
  ['OPTIONS', '*/', 'bad_target'],

  ['GET', 'http://example.com/a?b', absolute('example.com', 'example.com', '', '/a?b')],
  ['GET', 'HTTP://Example.COM:8080/A', absolute('Example.COM:8080', 'example.com', '8080', '/A')],
  ['GET', 'http://example.com', absolute('example.com', 'example.com', '', '/')],
  ['GET', 'http://example.com?a/b', absolute('example.com', 'example.com', '', '/?a/b')],
  ['GET', 'http://example.com:', absolute('example.com:', 'example.com', '', '/')],
  ['GET', 'http://[::1]:80/', absolute('[::1]:80', '[::1]', '80', '/')],
  ['GET', 'http://example.com//evil', absolute('example.com', 'example.com', '', '//evil')],
  ['OPTIONS', 'http://example.com:8001', absolute('example.com:8001', 'example.com', '8001', '*')],
  ['OPTIONS', 'http://example.com/', absolute('example.com', 'example.com', '', '/')],
  ['OPTIONS', 'http://example.com?q', absolute('example.com', 'example.com', '', '/?q')],
  ['CONNECT', 'http://example.com/', 'bad_target_form'],
  ['GET', 'http:///path', 'bad_target'],
  ['GET', 'http://:80/', 'bad_target'],
  ['GET', 'http://user@example.com/', 'bad_target'],
  ['GET', 'http://user:secret@example.com/', 'bad_target'],
  ['GET', 'http://example.com/a@b', absolute('example.com', 'example.com', '', '/a@b')],
  ['GET', 'http://good.com\\@evil.com/', 'bad_target'],
  ['GET', 'http://good.com\\.evil.com/', 'bad_target'],
  ['GET', 'http://exa mple.com/', 'bad_target'],
  ['GET', 'http://example.com/a b', 'bad_target'],
  ['GET', 'http://example.com/#a', 'bad_target'],
  ['GET', 'http://example.com/\u00e9', 'bad_target'],
  ['GET', 'http://example.com/\r\nX: y', 'bad_target'],
  ['GET', 'http://example.com:65536/', 'bad_target'],
  ['GET', 'http:/example.com/', 'bad_target'],
  ['GET', 'https://example.com/', 'bad_target'],
  ['GET', 'ftp://example.com/', 'bad_target'],
  ['GET', 'path/without/slash', 'bad_target'],
  ['GET', '\\', 'bad_target'],
  ['GET', '?q', 'bad_target'],
  ['GET', '', 'bad_target'],

  ['CONNECT', 'example.com:443', authority('example.com:443', 'example.com', '443')],
  ['CONNECT', '[::1]:443', authority('[::1]:443', '[::1]', '443')],
  ['GET', 'example.com:443', 'bad_target_form'],
  ['CONNECT', '/', 'bad_target_form'],
  ['CONNECT', 'example.com', 'bad_target'],
  ['CONNECT', 'example.com:', 'bad_target'],
  ['CONNECT', 'example.com:0', 'bad_target'],
  ['CONNECT', 'example.com:65536', 'bad_target'],
  ['CONNECT', ':443', 'bad_target'],
  ['CONNECT', 'user@example.com:443', 'bad_target'],
  ['CONNECT', 'example.com:443/', 'bad_target'],
  ['CONNECT', '', 'bad_target'],
]

const codeOf = (error: unknown): string => {
  assert.ok(error instanceof ProxyError, String(error))
  return error.code
}

test('targets: the four forms and what is none of them', () => {
  for (const [method, target, expected] of TARGETS) {
    let result: unknown
    try {
      result = readTarget(method, target)
    } catch (error) {
      result = codeOf(error)
    }
    assert.deepEqual(result, expected, `${method} ${target}`)
  }
})

test('origin-form allocates nothing: it is always the same object', () => {
  assert.equal(readTarget('GET', '/a'), readTarget('POST', '/b'))
})

const HOSTS: readonly [value: string, host: string | null, port?: string][] = [
  ['', '', ''],
  ['example.com', 'example.com', ''],
  ['Shop.Example.COM', 'shop.example.com', ''],
  ['example.com:8080', 'example.com', '8080'],
  ['example.com:', 'example.com', ''],
  ['example.com:0', 'example.com', '0'],
  ['example.com:00080', 'example.com', '80'],
  ['example.com:65535', 'example.com', '65535'],
  ['example.com.', 'example.com', ''],
  ['example.com.:80', 'example.com', '80'],
  ['localhost', 'localhost', ''],
  ['under_score.example', 'under_score.example', ''],
  ['192.0.2.1:80', '192.0.2.1', '80'],
  ['[::1]', '[::1]', ''],
  ['[::1]:80', '[::1]', '80'],
  ['[0:0:0:0:0:0:0:1]', '[::1]', ''],
  ['[2001:DB8::A]', '[2001:db8::a]', ''],
  ['[::ffff:192.0.2.1]', '[::ffff:192.0.2.1]', ''],
  ["a-b~c!d$e&f'g(h)i*j+k;l=m", "a-b~c!d$e&f'g(h)i*j+k;l=m", ''],
  ['ex%61mple.com', 'example.com', ''],
  ['caf%C3%A9.example', 'caf%c3%a9.example', ''],
  ['a%2fb', 'a%2fb', ''],

  ['.', null],
  [':80', null],
  ['example.com:65536', null],
  ['example.com:99999', null],
  ['example.com:100000', null],
  ['example.com:8o', null],
  ['example.com:-1', null],
  ['example.com:80:80', null],
  ['example.com:80 ', null],
  [' example.com', null],
  ['exa mple.com', null],
  ['a,b', null],
  ['example.com, example.com', null],
  ['user@example.com', null],
  ['example.com/path', null],
  ['example.com\\', null],
  ['example.com?x', null],
  ['example.com#x', null],
  ['http://example.com', null],
  ['"example.com"', null],
  ['<script>', null],
  ['ex%6', null],
  ['ex%zz', null],
  ['::1', null],
  ['[::1', null],
  ['[]', null],
  ['[127.0.0.1]', null],
  ['[::1]x', null],
  ['[::1%25eth0]', null],
  ['[v1.x]', null],
  ['\u00e9.example', null],
  ['example.com\u0000', null],
  ['example.com\r\nX: y', null],
]

test('hosts: name, address, port and what is none of them', () => {
  for (const [value, host, port] of HOSTS) {
    const label = JSON.stringify(value)
    if (host === null) assert.throws(() => readHost(value), { code: 'bad_host' }, label)
    else assert.deepEqual({ ...readHost(value) }, { host, port }, label)
  }
})

test('hosts: the memory of known values forgets and stays right', () => {
  for (let round = 0; round < 2; round++)
    for (let i = 0; i < 1000; i++) assert.equal(readHost(`Host-${i}.example:${i}`).host, `host-${i}.example`)
  const long = `${'a'.repeat(300)}.Example`
  assert.equal(readHost(long).host, long.toLowerCase())
  assert.equal(readHost(long).host, long.toLowerCase())
  assert.equal(readHost('a.example'), readHost('a.example'))
  assert.throws(() => readHost('b ad'), { code: 'bad_host' })
  assert.throws(() => readHost('b ad'), { code: 'bad_host' })
})

const PARTS: readonly [target: string, path: string, query: string][] = [
  ['/', '/', ''],
  ['/a/b?c=d?e', '/a/b', '?c=d?e'],
  ['/a?', '/a', ''],
  ['//a/%2e/?x', '//a/%2e/', '?x'],
  ['/a?u=http://b/c', '/a', '?u=http://b/c'],
  ['http://h/a?b', '/a', '?b'],
  ['http://h?b', '/', '?b'],
  ['http://h', '/', ''],
  ['http://h/a?u=http://b/c', '/a', '?u=http://b/c'],
  ['*', '', ''],
  ['h:443', '', ''],
]

test('path and query of a target, as they came', () => {
  for (const [target, path, query] of PARTS) {
    assert.equal(pathOf(target), path, target)
    assert.equal(queryOf(target), query, target)
  }
})

const PATHS: readonly [target: string, comparable: string][] = [
  ['/', '/'],
  ['/a/b', '/a/b'],
  ['/a/b/', '/a/b/'],
  ['/a?b=%2e%2e/../c', '/a'],
  ['http://h/a?b', '/a'],
  ['http://h', '/'],
  ['http://h/%61', '/a'],
  ['*', ''],
  ['h:443', ''],
  // Percent-encoding.
  ['/%61dmin', '/admin'],
  ['/admin%2Fusers', '/admin/users'],
  ['/admin%2fusers', '/admin/users'],
  ['/%2Fadmin', '/admin'],
  ['/a%20b', '/a%20b'],
  ['/caf%c3%a9', '/caf%C3%A9'],
  ['/caf\u00e9', '/caf%C3%A9'],
  ['/a b', '/a%20b'],
  ['/\ud83d\ude00', '/%F0%9F%98%80'],
  ['/\ud83d', '/%EF%BF%BD'],
  ['/a%00b%0d%0ac', '/a%00b%0D%0Ac'],
  ['/a%3fb', '/a%3Fb'],
  ['/a%23b', '/a#b'],
  // Once and not twice; a percent sign that encodes nothing.
  ['/%252e%252e/a', '/%252e%252e/a'],
  ['/100%', '/100%25'],
  ['/100%25', '/100%25'],
  ['/%zz%4', '/%25zz%254'],
  ['/%%36%31', '/%2561'],
  // Slashes and backslashes.
  ['//admin', '/admin'],
  ['///a///b//', '/a/b/'],
  ['/\\admin', '/admin'],
  ['/a\\b%5cc', '/a/b/c'],
  // Dot segments.
  ['/.', '/'],
  ['/..', '/'],
  ['/./admin', '/admin'],
  ['/x/../admin', '/admin'],
  ['/x/%2e%2E/admin', '/admin'],
  ['/x/.%2e/admin', '/admin'],
  ['/../../../etc/passwd', '/etc/passwd'],
  ['/a/b/..', '/a/'],
  ['/a/b/.', '/a/b/'],
  ['/a/b/../', '/a/'],
  ['/a//../b', '/b'],
  ['/a/...', '/a/...'],
  ['/.well-known/x', '/.well-known/x'],
  ['/a/.b/..c/d.', '/a/.b/..c/d.'],
  // Parameters.
  ['/admin;x=1', '/admin'],
  ['/admin;x=1/users;y', '/admin/users'],
  ['/admin%3bx/users', '/admin/users'],
  ['/;x/admin', '/admin'],
  ['/a/;x', '/a/'],
]

test('comparable paths', () => {
  for (const [target, comparable] of PATHS) assert.equal(comparablePath(target), comparable, target)
})

test('a dot segment with parameters has no reading that is safe', () => {
  for (const path of ['/a/..;/b', '/a/..;x=1/b', '/a/%2e%2e%3b/b', '/a/.;/b', '/..;', '/a\\..;x\\b'])
    assert.throws(() => comparablePath(path), { code: 'bad_target' }, path)
})

test('climbing beside an encoded slash or a backslash has no reading that is safe', () => {
  for (const path of [
    '/x%2f..%2fadmin',
    '/x/..\\admin',
    '/admin/..%2Fpublic',
    '/a%5c%2e%2e/b',
    '/a/../b%2fc',
  ])
    assert.throws(() => comparablePath(path), { code: 'bad_target' }, path)
})

// Pieces that bite each other when decoding, merging and climbing are done in a wrong order.
const PIECES =
  '/ // . .. %2e %2E %2f %5c \\ %25 %252e %3f %3b %23 %00 %c3%a9 % %% %4 ; ;x=1 # a admin 2e 25 \u00e9 \ud800 ~ @'.split(
    ' ',
  )
const oddPath = fc.array(fc.constantFrom(...PIECES), { maxLength: 20 }).map(pieces => `/${pieces.join('')}`)

test('any path: begins with a slash, no dot segment, no second slash, visible ASCII, and stays as it is', () => {
  fc.assert(
    fc.property(oddPath, path => {
      let comparable: string
      try {
        comparable = comparablePath(path)
      } catch (error) {
        const climbs =
          /(%2e|\.)+(%3b|;)/i.test(path) || (/%2f|%5c|\\/i.test(path) && /(%2e|\.){2}/i.test(path))
        assert.ok(codeOf(error) === 'bad_target' && climbs, path)
        return
      }
      assert.match(comparable, /^\/[!-~]*$/)
      assert.doesNotMatch(comparable, /\/\/|[\\;?]/)
      assert.ok(!comparable.split('/').some(segment => segment === '.' || segment === '..'), comparable)
      assert.equal(comparablePath(comparable), comparable)
    }),
    { numRuns: 5000 },
  )
})

const plainPath = fc
  .array(fc.stringMatching(/^[a-z0-9._~-]{1,8}$/), { minLength: 1, maxLength: 5 })
  .filter(segments => !segments.some(segment => /^\.+$/.test(segment)))

test('every second spelling of a path compares as the path', () => {
  const spelling = fc.record({
    segments: plainPath,
    seed: fc.array(fc.nat(9), { minLength: 64, maxLength: 64 }),
  })
  fc.assert(
    fc.property(spelling, ({ segments, seed }) => {
      let at = 0
      // Climbing and hidden slashes are refused together, so they are tried apart.
      const climbing = seed[0] % 2 === 0
      const choose = (count: number) => seed[at++ % seed.length] % count
      const hex = (char: string) => `%${char.charCodeAt(0).toString(16)}`
      const char = (c: string) => [c, c, hex(c), hex(c).toUpperCase()][choose(4)]
      const slash = () =>
        (climbing
          ? ['/', '//', '/./', '/x/../', '/%2e/', '/y/.%2E/', '/;p/', ';p=1/']
          : ['/', '//', '/./', '/%2e/', '%2F', '\\', '/;p/', ';p=1/'])[choose(8)]
      const first = () => (climbing ? ['/', '//', '/./', '/../'] : ['/', '//', '/./', '/;p/'])[choose(4)]
      const written = segments.map(s => [...s].map(char).join(''))
      const spelled = first() + written.reduce((path, segment) => path + slash() + segment)
      assert.equal(comparablePath(spelled), `/${segments.join('/')}`, spelled)
    }),
    { numRuns: 2000 },
  )
})
