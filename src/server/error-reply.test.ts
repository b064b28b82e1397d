import assert from 'node:assert/strict'
import test from 'node:test'
import { ERRORS, type ErrorCode, ProxyError } from '../base/errors.ts'
import { HeaderList } from '../http/header-list.ts'
import type { RequestHead } from '../http/message.ts'
import { errorAnswer } from './error-reply.ts'

const request = (accept: string | null, method = 'GET'): RequestHead => ({
  method,
  target: '/',
  version: 11,
  headers: HeaderList.from(accept === null ? [] : [['Accept', accept]]),
})

const HTML = 'text/html; charset=utf-8'
const JSON_TYPE = 'application/problem+json'
const TEXT = 'text/plain; charset=utf-8'

const FORMS: readonly [accept: string | null, contentType: string][] = [
  [null, TEXT],
  ['', TEXT],
  ['*/*', TEXT],
  ['text/*', TEXT],
  ['image/*', TEXT],
  ['*/*;q=0', TEXT],
  ['text/plain', TEXT],
  ['text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8', HTML],
  ['text/html', HTML],
  ['text/html, */*', HTML],
  ['text/html;q=0.1', HTML],
  ['text/html;q=0', TEXT],
  ['text/html;q=0, application/json', JSON_TYPE],
  ['application/json', JSON_TYPE],
  ['application/problem+json', JSON_TYPE],
  ['application/*', JSON_TYPE],
  ['application/json, text/plain, */*', JSON_TYPE],
  ['application/json;q=0, application/problem+json', JSON_TYPE],
  ['application/json, text/html', HTML],
  ['application/json, text/html;q=0.9', JSON_TYPE],
  ['text/plain;q=0.9, application/json;q=0.8', TEXT],
  ['application/json;q=0.5, */*', TEXT],
  [`text/html, ${'x/y, '.repeat(1000)}`, TEXT],
]

test('the form of the answer follows Accept', () => {
  for (const [accept, contentType] of FORMS) {
    const { head } = errorAnswer(new ProxyError('no_route'), request(accept))
    assert.equal(head.headers.get('Content-Type'), contentType, String(accept))
  }
})

test('several Accept fields are one list', () => {
  const headers = HeaderList.from([
    ['Accept', 'text/plain;q=0.2'],
    ['Accept', 'text/html'],
  ])
  const { head } = errorAnswer(new ProxyError('no_route'), { ...request(null), headers })
  assert.equal(head.headers.get('Content-Type'), HTML)
})

test('every code: status, words, code and length in every form', () => {
  for (const code of Object.keys(ERRORS) as ErrorCode[]) {
    for (const accept of ['text/html', 'application/json', 'text/plain']) {
      const { head, body } = errorAnswer(new ProxyError(code, 'The detail.'), request(accept))
      const { status, proxyStatus } = ERRORS[code]
      assert.equal(head.status, status)
      assert.notEqual(head.reason, '')
      assert.equal(head.headers.get('Content-Length'), String(body.length))
      assert.equal(head.headers.get('Cache-Control'), 'no-store')
      assert.equal(head.headers.get('Retry-After'), status === 503 ? '1' : null)
      assert.equal(head.headers.has('Proxy-Status'), proxyStatus !== null)
      for (const part of [code, 'The detail.', String(status)])
        assert.ok(String(body).includes(part), `${code} ${part}`)
    }
  }
})

test('plain text', () => {
  const { body } = errorAnswer(new ProxyError('no_route', 'It looked for "/x".'), null)
  assert.equal(
    String(body),
    '404 Not Found\n\nNo route of this listener takes this request.\nIt looked for "/x".\n\nsluice: no_route\n',
  )
  const bare = errorAnswer(new ProxyError('no_route'), null).body
  assert.equal(
    String(bare),
    '404 Not Found\n\nNo route of this listener takes this request.\n\nsluice: no_route\n',
  )
})

test('problem details', () => {
  const { body } = errorAnswer(new ProxyError('bad_host', 'Say "who"\\.'), request('application/json'))
  assert.deepEqual(JSON.parse(String(body)), {
    type: 'about:blank',
    title: 'Bad Request',
    status: 400,
    detail: 'The Host field is not a host with an optional port. Say "who"\\.',
    code: 'bad_host',
  })
})

test('the page escapes what it shows', () => {
  const { body } = errorAnswer(
    new ProxyError('no_route', `<script>alert('1')</script>&"`),
    request('text/html'),
  )
  assert.match(String(body), /&lt;script&gt;alert\(&#39;1&#39;\)&lt;\/script&gt;&amp;&quot;/)
  assert.doesNotMatch(String(body), /<script/)
})

const DETAILS: readonly [code: ErrorCode, detail: string, proxyStatus: string | null][] = [
  [
    'connect_refused',
    '10.0.0.1:80',
    'sluice; error=connection_refused; details="The upstream server refuses connections. 10.0.0.1:80"',
  ],
  ['no_server', '', 'sluice; error=destination_unavailable; details="The upstream group has no server."'],
  [
    'bad_field_name',
    'a"b\\c\u00e9\u{1f600}\r\nX: y\u007f',
    'sluice; error=http_request_error; details="A field name is empty or holds a character that is not allowed. a\\"b\\\\c????X: y?"',
  ],
  ['client_left', 'x', null],
]

test('Proxy-Status is a structured field, whatever the detail holds', () => {
  for (const [code, detail, proxyStatus] of DETAILS)
    assert.equal(
      errorAnswer(new ProxyError(code, detail), null).head.headers.get('Proxy-Status'),
      proxyStatus,
    )
})

test('a long detail is cut', () => {
  for (const accept of ['text/html', 'application/json', 'text/plain']) {
    const { head, body } = errorAnswer(new ProxyError('no_route', 'x'.repeat(10_000)), request(accept))
    assert.ok(body.length < 2048)
    assert.ok((head.headers.get('Proxy-Status') ?? '').length < 700)
  }
})

test('HEAD gets the fields and no body', () => {
  const get = errorAnswer(new ProxyError('no_route'), request('text/html'))
  const head = errorAnswer(new ProxyError('no_route'), request('text/html', 'HEAD'))
  assert.equal(head.head.headers.text, get.head.headers.text)
  assert.equal(head.body.length, 0)
})
