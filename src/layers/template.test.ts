import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { isFieldValue } from '../base/ascii.ts'
import { ProxyError } from '../base/errors.ts'
import type { Exchange } from '../exchange/exchange.ts'
import { HeaderList } from '../http/header-list.ts'
import {
  compileBody,
  compileTemplate,
  type Escape,
  literalOf,
  VARIABLES,
  variableFault,
  variableNames,
  variablesOf,
} from './template.ts'

const exchange = {
  id: 7,
  clientAddress: '192.0.2.7',
  host: 'shop.example',
  hostPort: '',
  request: {
    method: 'GET',
    target: '/a%20b/<c>?d=e&f',
    headers: HeaderList.from([
      ['Host', 'Shop.example'],
      ['X-User', 'a"b'],
      ['x-user', '\xe9<'],
      ['Cookie', 'theme=dark; user= x=y ; theme=light; flag'],
    ]),
  },
  notes: { upstream: '10.0.0.1:9000', error: new ProxyError('upstream_closed') },
} as unknown as Exchange

function fill(text: string, escaping: Escape = 'text'): string {
  const template = compileTemplate(text, 'response', escaping)
  return typeof template === 'string' ? template : template(exchange, 502)
}

const FILLED: readonly [text: string, escaping: Escape, filled: string][] = [
  ['{client}', 'text', '192.0.2.7'],
  ['{host}:{port}', 'text', 'shop.example:80'],
  ['{method} {uri}', 'text', 'GET /a%20b/<c>?d=e&f'],
  ['{path}|{query}', 'text', '/a%20b/<c>|?d=e&f'],
  ['{header.x-user}', 'text', 'a"b, \xe9<'],
  ['{header.X-None}|{cookie.none}|{cookie.flag}', 'text', '||'],
  ['{cookie.theme}', 'text', 'dark'],
  ['{cookie.user}', 'text', 'x=y'],
  ['{cookie.Theme}', 'text', ''],
  ['{id}', 'text', '7'],
  ['{upstream} {status} {reason} {error}', 'text', '10.0.0.1:9000 502 Bad Gateway upstream_closed'],
  ['a{{b}', 'text', 'a{b}'],
  ['{{{id}', 'text', '{7'],
  ['{{id}}', 'text', '{id}}'],
  ['{"a":{"b":[{}]}} { } body{margin:0}', 'text', '{"a":{"b":[{}]}} { } body{margin:0}'],
  ['{', 'text', '{'],
  // Escaped as the place asks for; what the config wrote itself is left alone.
  ['<p>{path}</p>', 'html', '<p>/a%20b/&lt;c&gt;</p>'],
  ['{"q":"{header.x-user}"}', 'json', '{"q":"a\\"b, \xe9\\u003c"}'],
  ['{path}?u={header.x-user}', 'url', '/a%20b/<c>?u=a%22b%2C%20%C3%A9%3C'],
]

test('variables are filled in', () => {
  for (const [text, escaping, filled] of FILLED) assert.equal(fill(text, escaping), filled, text)
  assert.match(fill('{time}'), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
})

test('a text without variables stays a string, and so costs nothing', () => {
  for (const text of ['', 'sluice', 'a{{b', '{"json":1}'])
    assert.equal(typeof compileTemplate(text, 'request', 'text'), 'string')
})

test('what cannot stand there is named', () => {
  const REFUSED = [
    ['clint', 'request', /^\{clint\} is not a variable: there are client, host,/],
    ['return', 'response', /a brace itself is "\{\{"/],
    ['status', 'request', /^\{status\} is known only once there is an answer/],
    ['header', 'request', /^\{header\} names no header: write \{header\.NAME\}/],
    ['header.', 'request', /names no header/],
    ['cookie.a/b', 'request', /names no cookie/],
    ['host.x', 'request', /is not a variable/],
    ['constructor', 'request', /is not a variable/],
    ['toString.x', 'request', /is not a variable/],
  ] as const
  for (const [name, side, message] of REFUSED)
    assert.throws(() => compileTemplate(`a{${name}}b`, side, 'text'), { message }, name)
})

test('every variable can be asked for, those of answers on their side only', () => {
  for (const name of Object.keys(VARIABLES)) {
    const written = VARIABLES[name].argument ? `${name}.x` : name
    assert.equal(variableFault(written, 'response'), null)
    assert.equal(variableFault(written, 'request') === null, !VARIABLES[name].ofAnswer)
  }
  assert.ok(variableNames('request').includes('header.NAME'))
  assert.ok(!variableNames('request').includes('status'))
  assert.deepEqual(variablesOf('{{a}{host}{header.x}'), ['host', 'header.x'])
  assert.equal(literalOf('{{a}{host}/{header.x}b'), '{a}/b')
})

test('bodies are escaped by their type, and refuse variables where nobody knows how', () => {
  const body = (type: string) => compileBody('{path}', type)
  const filled = (type: string) => {
    const template = body(type)
    return typeof template === 'string' ? template : template(exchange, 200)
  }
  for (const type of ['text/html; charset=utf-8', 'TEXT/HTML', 'image/svg+xml', 'application/xml'])
    assert.equal(filled(type), '/a%20b/&lt;c&gt;', type)
  assert.equal(filled('application/problem+json'), '/a%20b/\\u003cc\\u003e')
  assert.equal(filled('text/plain'), '/a%20b/<c>')
  for (const type of ['text/javascript', 'text/css', 'image/png', ''])
    assert.throws(() => body(type), /variables can stand in plain text, HTML, XML and JSON/, type)
  assert.equal(compileBody('a { color: red }', 'text/css'), 'a { color: red }')
})

test('whatever a client sends: html has no markup of it, JSON stays one string, a URL one parameter', () => {
  const value = fc.string({
    unit: fc.integer({ min: 0x20, max: 0xff }).map(code => String.fromCharCode(code)),
  })
  fc.assert(
    fc.property(value, text => {
      if (!isFieldValue(text)) return
      const headers = HeaderList.from([['X', text]])
      const asked = { ...exchange, request: { ...exchange.request, headers } }
      const write = (escaping: Escape) => {
        const template = compileTemplate('{header.x}', 'request', escaping)
        return (template as Exclude<typeof template, string>)(asked, 0)
      }
      const sent = headers.get('x') ?? ''
      assert.ok(!/[<>"']|&(?!\w+;|#39;)/.test(write('html')))
      assert.equal(JSON.parse(`"${write('json')}"`), sent)
      assert.equal(decodeURIComponent(write('url')), sent)
      assert.match(write('url'), /^[\w\-.~%]*$/)
      assert.ok(isFieldValue(write('text')))
    }),
  )
})
