import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { HeaderList } from '../http/header-list.ts'
import { cacheKey, keyExtras, keyOfReference } from './cache-key.ts'
import type { KeyOptions } from './options.ts'

const ALL: KeyOptions = { query: 'all', sortQuery: false, headers: [], cookies: [] }
const NONE: KeyOptions = { ...ALL, query: 'none' }
const SORTED: KeyOptions = { ...ALL, sortQuery: true }
const only = (...names: string[]): KeyOptions => ({ ...ALL, query: { only: new Set(names) } })
const without = (...names: string[]): KeyOptions => ({ ...ALL, query: { without: new Set(names) } })

const keyOf = (target: string, options = ALL): string => cacheKey('a.example', '', target, options)
/** Path and query of the key. */
const inKey = (target: string, options = ALL): string =>
  keyOf(target, options).slice('http://a.example:80'.length)

test('a key is host, port, path and query', () => {
  assert.equal(cacheKey('a.example', '', '/x?y', ALL), 'http://a.example:80/x?y')
  // RFC 9110 §4.2.3: no port is port 80.
  assert.equal(cacheKey('a.example', '80', '/x?y', ALL), 'http://a.example:80/x?y')
  assert.equal(cacheKey('a.example', '8080', '/', ALL), 'http://a.example:8080/')
  assert.equal(cacheKey('[::1]', '', '/', ALL), 'http://[::1]:80/')
  assert.equal(cacheKey('[::1]', '81', '/', ALL), 'http://[::1]:81/')
  assert.equal(cacheKey('', '', '/', ALL), 'http://:80/')
  assert.equal(cacheKey('b.example', '', '/', ALL), 'http://b.example:80/')
  assert.equal(cacheKey('a.example', '', '/', ALL), 'http://a.example:80/')
})

const ONE: readonly (readonly [clause: string, target: string, spelling: string])[] = [
  ['RFC 3986 §6.2.2.1', '/caf%c3%a9', '/caf%C3%A9'],
  ['RFC 3986 §6.2.2.1', '/a%2fb?c%3dd', '/a%2Fb?c%3Dd'],
  ['RFC 3986 §6.2.2.2', '/%7esmith', '/~smith'],
  ['RFC 3986 §6.2.2.2', '/%41%7A%30%2D%5f', '/Az0-_'],
  ['RFC 3986 §6.2.2.2', '/file%2ehtml?%71=1', '/file.html?q=1'],
  ['RFC 9110 §4.2.3', '/%7Esmith/home.html', '/~smith/home.html'],
]

test('what the standard takes for one is one', () => {
  for (const [clause, target, spelling] of ONE) assert.equal(inKey(target), spelling, clause)
})

/** Each row: spellings that some server may take for different things. */
const APART: readonly (readonly string[])[] = [
  [
    '/a',
    '/a/',
    '/A',
    '//a',
    '/./a',
    '/b/../a',
    '/a?',
    '/a;',
    '/a;x',
    '/a%3B',
    '/%2Fa',
    '/a%00',
    '/a%20',
    '/a+',
  ],
  ['/a/b', '/a%2Fb', '/a%252Fb', '/a\\b', '/a%5Cb', '/a//b'],
  ['/a/../b', '/a/%2e%2e/b', '/a/.%2e/b', '/b', '/a/..%2Fb', '/a/..;/b', '/a/%2e%2e;/b'],
  [
    '/?a=1&a=2',
    '/?a=2&a=1',
    '/?a=1',
    '/?a=2',
    '/?A=1&a=2',
    '/?a=1&&a=2',
    '/?a=1&a=2&',
    '/?a=1;a=2',
    '/?a=1%26a=2',
  ],
  ['/?a', '/?a=', '/?a==', '/?', '/', '/??', '/?a=%20', '/?a=+', '/?a=%2B'],
  // A "%" that encodes nothing must not become one that does.
  ['/%A2', '/%%412', '/%2541', '/%41', '/%%34%31'],
  ['/%', '/%25', '/%2', '/%2%35', '/%%35'],
  ['/{', '/%7B'],
]

test('what may be different is apart', () => {
  for (const row of APART) {
    const keys = row.map(target => keyOf(target))
    assert.equal(new Set(keys).size, row.length, JSON.stringify(keys))
  }
})

const QUERIES: readonly (readonly [options: KeyOptions, target: string, expected: string])[] = [
  [NONE, '/a?b=1', '/a'],
  [NONE, '/a?', '/a'],
  [NONE, '/a?b;c', '/a'],
  [NONE, '/a%3Fb', '/a%3Fb'],
  [SORTED, '/a?b=1&a=2', '/a?a=2&b=1'],
  [SORTED, '/a?a=2&b=1', '/a?a=2&b=1'],
  // The order within one name says something.
  [SORTED, '/?b=1&a=2&a=1', '/?a=2&a=1&b=1'],
  [SORTED, '/?a=1&b=1&a=2', '/?a=1&a=2&b=1'],
  // So it does within what may be one name.
  [SORTED, '/?z&a%5B%5D=2&a[]=1&A=3', '/?a%5B%5D=2&a[]=1&A=3&z'],
  [SORTED, '/?b=1;a=2&a=3', '/?b=1;a=2&a=3'],
  [SORTED, '/?', '/?'],
  [SORTED, '/?b&a', '/?a&b'],
  [without('x'), '/?x=1', '/'],
  [without('x'), '/?x', '/'],
  [without('x'), '/?x=1&a=2&x=3', '/?a=2'],
  [without('x'), '/?x1=1&ax=2', '/?x1=1&ax=2'],
  [without('x'), '/?X=1', '/?X=1'],
  [without('utm_source'), '/?utm%5fsource=1&%75tm_source', '/'],
  [without('a b'), '/?a%20b=1&a+b=2', '/?a%20b=1&a+b=2'],
  // Some servers read this as x=1 and a=2: it is not the parameter x alone.
  [without('x'), '/?x=1;a=2', '/?x=1;a=2'],
  [only('a'), '/?a=1&b=2', '/?a=1'],
  [only('a'), '/?b=2', '/'],
  [only('a'), '/?b=2&&', '/'],
  [only('a'), '/?a=1&b=2&a=3', '/?a=1&a=3'],
  [only('a'), '/?b=2;a=1', '/?b=2;a=1'],
  // What some server may read as the name counts, in each spelling by itself.
  [only('a'), '/?%61=1', '/?a=1'],
  [only('a'), '/?A=1', '/?A=1'],
  [only('a'), '/?a[]=1&a[b]=2&a%5B%5D=3', '/?a[]=1&a[b]=2&a%5B%5D=3'],
  [only('a'), '/?+a=1&a%20=2&a%00x=3', '/?+a=1&a%20=2&a%00x=3'],
  [only('a'), '/?ab=1&%62a=2&b[a]=3', '/'],
  [only('a_b'), '/?a.b=1&a-b=2&a%20b=3&a+b=4', '/?a.b=1&a-b=2&a%20b=3&a+b=4'],
  [only('größe'), '/?gr%c3%b6%c3%9fe=1', '/?gr%C3%B6%C3%9Fe=1'],
  [only(), '/?a=1&b', '/'],
  [{ ...only('b', 'a'), sortQuery: true }, '/?b=1&c&a=2', '/?a=2&b=1'],
]

test('parameters that count', () => {
  for (const [options, target, expected] of QUERIES) assert.equal(inKey(target, options), expected, target)
})

// Properties.

/** One token of a path or query: as written, and what it stands for under RFC 3986 §6.2.2. */
const token = fc.oneof(
  fc.constantFrom(...'ab~/;=&?.').map(char => [char, char] as const),
  fc.constantFrom(...'ab~').map(char => [`%${char.charCodeAt(0).toString(16)}`, char] as const),
  fc.constantFrom('%2F', '%2f').map(text => [text, '%2F'] as const),
  fc.constantFrom('%25', '%C3').map(text => [text, text] as const),
)
const spelled = fc.array(token, { maxLength: 5 }).map(tokens => ({
  target: `/${tokens.map(([text]) => text).join('')}`,
  meaning: `/${tokens.map(([, meaning]) => meaning).join('')}`,
}))

test('two targets have one key exactly when they are equivalent', () => {
  fc.assert(
    fc.property(spelled, spelled, (one, other) => {
      assert.equal(keyOf(one.target), keyOf(one.meaning))
      assert.equal(keyOf(one.target) === keyOf(other.target), one.meaning === other.meaning)
    }),
    { numRuns: 2000 },
  )
})

const anyTarget = fc.stringMatching(/^\/[%0-9a-fA-F.~?&=;/]{0,12}$/)
const anyOptions = fc.constantFrom(ALL, NONE, SORTED, only('a'), without('a'), {
  ...without('a', 'b'),
  sortQuery: true,
})

test('the key of a key is the key', () => {
  fc.assert(
    fc.property(anyTarget, anyOptions, (target, options) => {
      const once = inKey(target, options)
      assert.equal(inKey(once, options), once)
    }),
    { numRuns: 2000 },
  )
})

/** The same by a plain reading: a target without "%" is itself, one with a broken "%" too, else triplets mean bytes. */
function meaning(target: string): string {
  if (/%(?![0-9a-f]{2})/i.test(target)) return `broken ${target}`
  return target.replace(/%../g, triplet => {
    const char = String.fromCharCode(Number.parseInt(triplet.slice(1), 16))
    return /[A-Za-z0-9._~-]/.test(char) ? char : triplet.toUpperCase()
  })
}

test('however odd, targets of one key mean the same', () => {
  const odd = fc.array(fc.constantFrom('%', '4', '1', '2', '%41', '%2e', '.', '/', '%25', 'A'), {
    maxLength: 6,
  })
  const target = odd.map(parts => `/${parts.join('')}`)
  fc.assert(
    fc.property(target, target, (one, other) => {
      if (keyOf(one) === keyOf(other)) assert.equal(meaning(one), meaning(other))
    }),
    { numRuns: 5000 },
  )
})

test('sorting loses no parameter and keeps the order within each name', () => {
  const parameters = fc.array(
    fc.tuple(fc.constantFrom('a', 'b', 'ab', ''), fc.constantFrom('', '=', '=1', '=2')),
  )
  fc.assert(
    fc.property(parameters, pairs => {
      const texts = pairs.map(([name, value]) => name + value)
      const sorted = inKey(`/?${texts.join('&')}`, SORTED)
        .slice(2)
        .split('&')
      const ofName = (all: readonly string[], name: string) => all.filter(text => text.split('=')[0] === name)
      for (const name of ['a', 'b', 'ab', ''])
        assert.deepEqual(ofName(sorted, name), ofName(texts.length ? texts : [''], name))
    }),
  )
})

// Extras.

const request = (...fields: (readonly [string, string])[]): HeaderList => HeaderList.from(fields)
const BOTH: KeyOptions = { ...ALL, headers: ['accept-language', 'x-plan'], cookies: ['session'] }

test('extras are the values of fields and cookies', () => {
  assert.equal(keyExtras(request(['Cookie', 'session=1'], ['X-Plan', 'a']), ALL), '')
  assert.equal(keyExtras(request(), BOTH), 'accept-language x-plan cookie session')
  assert.equal(
    keyExtras(request(['Accept-Language', 'de'], ['X-PLAN', 'a"b'], ['Cookie', 'a=b; session=1; c=d']), BOTH),
    'accept-language="de" x-plan="a\\"b" cookie session="session=1"',
  )
  // Several lines are one list (RFC 9110 §5.3).
  const lines = request(['Accept-Language', 'de'], ['Accept-Language', 'en'])
  assert.equal(keyExtras(lines, BOTH), keyExtras(request(['Accept-Language', 'de, en']), BOTH))
})

test('requests that some server may read as different have different extras', () => {
  const requests: readonly HeaderList[] = [
    request(),
    request(['X-Plan', '']),
    request(['X-Plan', 'a']),
    request(['X-Plan', 'A']),
    request(['X-Plan', 'a" cookie session="session=1']),
    request(['X-Plan', 'a'], ['X_Plan', 'b']),
    request(['X_Plan', 'a']),
    request(['x_plan', 'b']),
    request(['X-Plan', 'a'], ['Cookie', 'session=1']),
    request(['Cookie', 'session=1']),
    request(['Cookie', 'session=2']),
    request(['Cookie', 'session=1; session=2']),
    request(['Cookie', 'session=2; session=1']),
    request(['Cookie', 'session=2'], ['Cookie', 'session=3']),
    request(['Cookie', 'session=1"="session=2']),
    request(['Cookie', 'session']),
    request(['Cookie', 'session =1']),
    request(['Cookie', 'Session=1']),
    request(['Cookie', 'sess%69on=1']),
    request(['Cookie', 'a=b,session=4']),
    request(['Accept-Language', '']),
    request(['Accept-Language', 'a']),
    request(['Accept-Language', 'a'], ['X-Plan', 'a']),
  ]
  const all = requests.map(each => keyExtras(each, BOTH))
  assert.equal(new Set(all).size, requests.length, all.join('\n'))
})

test('what is not named has no part in it', () => {
  const plain = keyExtras(request(['X-Plan', 'a'], ['Cookie', 'session=1']), BOTH)
  const more = request(
    ['X-Plan', 'a'],
    ['X-Plans', 'b'],
    ['X_Pla', 'b'],
    ['Cookie', 'sessions=2; session=1; xsession=3'],
  )
  assert.equal(keyExtras(more, BOTH), plain)
})

test('extras are equal only when all values are', () => {
  const value = fc.option(fc.stringMatching(/^[!-~]?[ -~]{0,4}[!-~]?$/))
  const cookie = fc.array(fc.stringMatching(/^[!#-+\--:<-[\]-~]{0,4}$/), { maxLength: 2 })
  const values = fc.tuple(value, value, cookie)
  const made = ([language, plan, cookies]: readonly [string | null, string | null, string[]]): string => {
    const headers = HeaderList.empty()
    if (language !== null) headers.add('Accept-Language', language)
    if (plan !== null) headers.add('X-Plan', plan)
    for (const each of cookies) headers.add('Cookie', `session=${each}`)
    return keyExtras(headers, BOTH)
  }
  fc.assert(
    fc.property(values, values, (one, other) => {
      const meant = (each: typeof one) => JSON.stringify([each[0]?.trim(), each[1]?.trim(), each[2]])
      assert.equal(made(one) === made(other), meant(one) === meant(other))
    }),
    { numRuns: 1000 },
  )
})

test('hostile queries and cookies take a time that grows with their length only', () => {
  // The square of a hundred thousand, so many times, would not come to its end in time.
  for (const text of ['&', 'a&', '%', '%4', '%41', ';', '=', '/.', '/%2e', '[', '+', 'x=1&']) {
    for (const options of [ALL, SORTED, only('a'), without('a')]) keyOf(`/?${text.repeat(100_000)}`, options)
    keyOf(`/${text.repeat(100_000)}`)
    keyOfReference(`/${text.repeat(100_000)}`, 'http://a.example:80/', ALL)
    keyExtras(request(['X_', text.repeat(100_000)], ['Cookie', text.repeat(100_000)]), BOTH)
  }
})

// References.

const BASE = 'http://a.example:80/b/c/d;p?q'

/** RFC 3986 §5.4, with the host in the place of the first "a". */
const RESOLVED: readonly (readonly [reference: string, expected: string | null])[] = [
  ['g', '/b/c/g'],
  ['./g', '/b/c/g'],
  ['g/', '/b/c/g/'],
  ['/g', '/g'],
  ['?y', '/b/c/d;p?y'],
  ['g?y', '/b/c/g?y'],
  ['#s', '/b/c/d;p?q'],
  ['g#s', '/b/c/g'],
  ['g?y#s', '/b/c/g?y'],
  [';x', '/b/c/;x'],
  ['g;x', '/b/c/g;x'],
  ['g;x?y#s', '/b/c/g;x?y'],
  ['', '/b/c/d;p?q'],
  ['.', '/b/c/'],
  ['./', '/b/c/'],
  ['..', '/b/'],
  ['../', '/b/'],
  ['../g', '/b/g'],
  ['../..', '/'],
  ['../../', '/'],
  ['../../g', '/g'],
  // §5.4.2.
  ['../../../g', '/g'],
  ['../../../../g', '/g'],
  ['/./g', '/g'],
  ['/../g', '/g'],
  ['g.', '/b/c/g.'],
  ['.g', '/b/c/.g'],
  ['g..', '/b/c/g..'],
  ['..g', '/b/c/..g'],
  ['./../g', '/b/g'],
  ['./g/.', '/b/c/g/'],
  ['g/./h', '/b/c/g/h'],
  ['g/../h', '/b/c/h'],
  ['g;x=1/./y', '/b/c/g;x=1/y'],
  ['g;x=1/../y', '/b/c/y'],
  ['g?y/./x', '/b/c/g?y/./x'],
  ['g?y/../x', '/b/c/g?y/../x'],
  ['g#s/../x', '/b/c/g'],
  // With an authority.
  ['//a.example/g', '/g'],
  ['//A.EXAMPLE:80/g', '/g'],
  ['//a.example', '/'],
  ['//a.example?y', '/?y'],
  ['http://a.example/g', '/g'],
  ['HTTP://a.example.:080/x/../g', '/g'],
  ['http://a.example:/%67', '/g'],
  ['http://a.example#s', '/'],
  // What clients make of raw bytes.
  ['/caf\xc3\xa9 x', '/caf%C3%A9%20x'],
  // RFC 9111 §4.4: of another origin.
  ['//b.example/g', null],
  ['http://b.example/g', null],
  ['http://a.example:81/g', null],
  ['https://a.example/g', null],
  ['https://a.example:80/g', null],
  ['http://sub.a.example/g', null],
  ['http://a.example.evil.example/g', null],
  // RFC 9110 §4.2.4.
  ['http://a.example@b.example/g', null],
  ['http://b.example@a.example/g', null],
  ['//x:y@a.example/g', null],
  // Not http, or nothing at all.
  ['g:h', null],
  ['http:g', null],
  ['http:/g', null],
  ['http:///g', null],
  ['http://', null],
  ['//', null],
  ['javascript:alert(1)', null],
  ['mailto:a@a.example', null],
  ['http://a.example:x/', null],
  ['http://a.example\\@b.example/', null],
  ['http://a.example:80:80/', null],
  ['/€', null],
]

test('RFC 3986 §5.4: references', () => {
  for (const [reference, expected] of RESOLVED) {
    const key = keyOfReference(reference, BASE, ALL)
    assert.equal(key, expected === null ? null : `http://a.example:80${expected}`, reference)
  }
})

test('references under other keys', () => {
  assert.equal(keyOfReference('g', 'http://[::1]:81/a', ALL), 'http://[::1]:81/g')
  assert.equal(keyOfReference('http://[0:0::1]:81/g', 'http://[::1]:81/a', ALL), 'http://[::1]:81/g')
  assert.equal(keyOfReference('g', 'http://a.example:80/b?x/y', ALL), 'http://a.example:80/g')
  assert.equal(keyOfReference('/a?x=1&y=2', BASE, without('x')), 'http://a.example:80/a?y=2')
  assert.equal(keyOfReference('', BASE, NONE), 'http://a.example:80/b/c/d;p')
  // An absolute URL is its own base.
  assert.equal(keyOfReference('http://A.example/%7e', 'http://A.example/%7e', ALL), 'http://a.example:80/~')
  assert.equal(keyOfReference('g', '', ALL), null)
  assert.equal(keyOfReference('g', 'http://a.example:80*', ALL), null)
})

test('whatever stands in Location has an answer, and of the same origin', () => {
  const pieces = fc.constantFrom(
    'http:',
    '//',
    '/',
    'a.example',
    ':80',
    '@',
    '?',
    '#',
    '..',
    '.',
    '%',
    '\\',
    'x',
    ' ',
    '[',
    ']',
  )
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(pieces).map(all => all.join('')),
  )
  fc.assert(
    fc.property(text, reference => {
      const key = keyOfReference(reference, BASE, ALL)
      assert.ok(key === null || key.startsWith('http://a.example:80/'))
    }),
    { numRuns: 2000 },
  )
})

test('a reference means what it means to every URL parser', () => {
  const segment = fc.constantFrom('.', '..', 'a', 'b', '', ';x', 'c?d', '#e')
  fc.assert(
    fc.property(
      fc.array(segment, { maxLength: 5 }),
      fc.constantFrom('', '/', '//a.example/'),
      (segments, start) => {
        const reference = start + segments.join('/')
        const url = URL.parse(reference, 'http://a.example:80/b/c/d;p?q')
        if (url === null || url.host !== 'a.example') return
        const expected = `http://a.example:80${url.pathname}${url.search}`
        assert.equal(keyOfReference(reference, BASE, ALL), expected)
      },
    ),
    { numRuns: 1000 },
  )
})
