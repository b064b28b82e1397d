import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { cookieAttributes, cookieOf, isCookieName, isCookiePath } from './cookies.ts'
import { HeaderList } from './header-list.ts'

function valuesOf(name: string, ...fields: readonly string[]): string[] {
  const values: string[] = []
  const headers = HeaderList.from(fields.map(field => ['Cookie', field]))
  assert.equal(
    cookieOf(headers, name, value => {
      values.push(value)
      return null
    }),
    null,
  )
  return values
}

const CASES: readonly (readonly [fields: readonly string[], values: readonly string[]])[] = [
  [[], []],
  [[''], []],
  [['id=1'], ['1']],
  [['a=0; id=1; b=2'], ['1']],
  [['a=0;id=1;b=2'], ['1']],
  [['a=0;\t id=1 \t;b=2'], ['1']],
  [['id='], ['']],
  [['id==a=b'], ['=a=b']],
  [['id="q"'], ['"q"']],
  // Only the very name.
  [['ID=1; Id=2'], []],
  [['xid=1; id2=2; i=3; idd=4'], []],
  [['id; id ; id 1'], []],
  [['id =1'], []],
  [['a=id=1'], []],
  [['a="id=1; id=2'], ['2']],
  // Several: every one of them, in their order.
  [['id=1; id=2'], ['1', '2']],
  [
    ['id=1', 'a=0; id=2'],
    ['1', '2'],
  ],
  [[';;; ;id=1;;'], ['1']],
]

test('cookies are found by their exact name', () => {
  for (const [fields, values] of CASES) assert.deepEqual(valuesOf('id', ...fields), values, String(fields))
})

test('the first that is taken ends the search', () => {
  const headers = HeaderList.from([['Cookie', 'id=bad; id=good; id=late']])
  assert.equal(
    cookieOf(headers, 'id', value => (value === 'bad' ? null : value)),
    'good',
  )
})

test('a name that means something to a regular expression is only a name', () => {
  assert.deepEqual(valuesOf('a.b*', 'axb=1; a.b*=2'), ['2'])
})

test('what was put in is found, whatever stands around it', () => {
  const pair = fc.tuple(fc.stringMatching(/^[a-z]{1,3}$/), fc.stringMatching(/^[!#-+\--:<-[\]-~]{0,5}$/))
  fc.assert(
    fc.property(fc.array(pair), fc.constantFrom('; ', ';', ' ;  '), (pairs, gap) => {
      const text = pairs.map(([name, value]) => `${name}=${value}`).join(gap)
      const expected = pairs.filter(([name]) => name === 'a').map(([, value]) => value)
      assert.deepEqual(valuesOf('a', text), expected)
    }),
  )
})

test('a head full of separators takes no longer than one full of letters', () => {
  // The square of 30 000 would be a billion steps, and the test would not come to its end in time.
  for (const text of [';'.repeat(30_000), ' '.repeat(30_000), 'id='.repeat(10_000), 'i;'.repeat(15_000)])
    assert.ok(valuesOf('id', text).length <= 1)
})

test('attributes', () => {
  const plain = { path: '/', domain: null, maxAgeSeconds: null, sameSite: 'lax', secure: false } as const
  assert.equal(cookieAttributes(plain), '; Path=/; HttpOnly; SameSite=Lax')
  assert.equal(
    cookieAttributes({
      path: '/shop',
      domain: 'example.com',
      maxAgeSeconds: 60,
      sameSite: 'none',
      secure: true,
    }),
    '; Path=/shop; Domain=example.com; Max-Age=60; HttpOnly; Secure; SameSite=None',
  )
})

test('names and paths', () => {
  for (const name of ['sluice', '__Host-a', 'a.b']) assert.ok(isCookieName(name), name)
  for (const name of ['', 'a b', 'a=b', 'a;b', 'ä', 'a\r\n']) assert.ok(!isCookieName(name), name)
  for (const path of ['/', '/a b', '/a=~']) assert.ok(isCookiePath(path), path)
  for (const path of ['', 'a', '/a;b', '/\r\n', '/ä']) assert.ok(!isCookiePath(path), path)
})
