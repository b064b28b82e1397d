/**
 * Open redirects: a redirect that is made out of the path leads to another site when the path begins with two
 * slashes (`//evil.example`), with backslashes, which browsers take for slashes, or when the target itself names
 * another host. The user trusts the first address and lands on the second.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RedirectHandler } from '../../src/layers/redirect.ts'
import { attack } from '../support/attack.ts'

const get = (target: string) => `GET ${target} HTTP/1.1\r\nHost: good.example\r\nConnection: close\r\n\r\n`
const redirect = (to: string) => () => [{ handler: new RedirectHandler({ to, status: 302 }) }]

/** Where a browser goes. */
const landing = (location: string) => new URL(location, 'http://good.example/')

const TARGETS = [
  '//evil.example',
  '//evil.example/%2e%2e',
  '///evil.example',
  '////evil.example/x',
  '/\\evil.example',
  '/\\/evil.example',
  '/\\\\evil.example',
  '//\\evil.example',
  '//evil.example\\@good.example',
  '//good.example@evil.example/',
  '/%2f/evil.example',
  '/.//evil.example',
  '/..//evil.example',
  '/./\\evil.example',
  '//evil%E3%80%82example',
  'http://good.example//evil.example',
  'http://good.example/\\evil.example',
]

for (const target of TARGETS)
  for (const to of ['{path}', '{path}{query}', '/{path}', '/new{path}'])
    test(`${target} through "${to}" stays on the site`, async t => {
      const { answers, origin } = await attack(t, get(target), { routes: redirect(to) })
      if (answers[0].status === 302) {
        const location = answers[0].fields.get('Location') as string
        assert.equal(landing(location).host, 'good.example', location)
      } else assert.equal(answers[0].status, 400)
      assert.equal(origin.received, '')
    })

for (const target of TARGETS)
  test(`${target} through "https://www.good.example{path}" goes there and nowhere else`, async t => {
    const { answers } = await attack(t, get(target), { routes: redirect('https://www.good.example{path}') })
    if (answers[0].status === 302)
      assert.equal(landing(answers[0].fields.get('Location') as string).host, 'www.good.example')
    else assert.equal(answers[0].status, 400)
  })

test('a template in which the client would choose the host is refused when it is built', () => {
  for (const to of [
    'https://{path}',
    '//{path}',
    '//evil.example',
    'javascript:alert(1)',
    'evil.example/',
    '{query}',
  ])
    assert.throws(() => new RedirectHandler({ to, status: 302 }), to)
})
