import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import type { ProxyError } from '../base/errors.ts'
import type { Exchange } from '../exchange/exchange.ts'
import { HeaderList } from '../http/header-list.ts'
import type { ResponseHead } from '../http/message.ts'
import { RedirectHandler, type RedirectOptions } from './redirect.ts'

interface Answer {
  status: number
  location: string | null
  body: string
}

function follow(options: RedirectOptions, target: string, host = 'old.example', method = 'GET'): Answer {
  const answer: Answer = { status: 0, location: null, body: '' }
  const reply = {
    open() {},
    head(head: ResponseHead) {
      answer.status = head.status
      answer.location = head.headers.get('Location')
    },
    data(chunk: Buffer) {
      answer.body += String(chunk)
      return true
    },
    end() {},
    fail(error: ProxyError) {
      answer.status = error.row.status
    },
  }
  const headers = HeaderList.from([
    ['X', '//evil?# \t\xe4'],
    ['Cookie', 'a=b; u=1&2'],
  ])
  const exchange = { request: { method, target, headers }, host, hostPort: '', reply }
  new RedirectHandler(options).handle(exchange as unknown as Exchange)
  return answer
}

const LOCATIONS: readonly [to: string, target: string, location: string][] = [
  ['https://new.example{path}', '/a/b?c', 'https://new.example/a/b'],
  ['https://new.example{path}{query}', '/a/b?c=d', 'https://new.example/a/b?c=d'],
  ['https://new.example{path}{query}', '/a/b', 'https://new.example/a/b'],
  ['https://new.example{path}{query}', '/a/b?', 'https://new.example/a/b'],
  ['https://new.example{path}?{query}', '/a?c', 'https://new.example/a?c'],
  ['https://new.example{path}?{query}', '/a', 'https://new.example/a'],
  ['https://new.example/?from=old&{query}', '/a?c=d', 'https://new.example/?from=old&c=d'],
  ['https://new.example/?from=old&{query}', '/a', 'https://new.example/?from=old'],
  ['https://new.example/?u={path}&x', '/a', 'https://new.example/?u=/a&x'],
  ['https://{host}{path}{query}', '/a?b', 'https://old.example/a?b'],
  ['https://{host}:8443{path}', '/a', 'https://old.example:8443/a'],
  ['https://www.{host}/', '/a', 'https://www.old.example/'],
  ['https://new.example/#top', '/a', 'https://new.example/#top'],
  ['app://open{path}', '/a', 'app://open/a'],
  ['/new{path}{query}', '/a?b', '/new/a?b'],
  ['{path}/', '/a', '/a/'],
  ['https://{host}:{port}{uri}', '/a?b', 'https://old.example:80/a?b'],
  ['{uri}', '//evil.example?b', '/evil.example?b'],
  // What is no piece of the target stays in its segment or parameter.
  ['https://new.example/{header.x}{path}', '/a', 'https://new.example/%2F%2Fevil%3F%23%20%09%C3%A4/a'],
  ['/login?next={header.x}&u={cookie.u}', '/a', '/login?next=%2F%2Fevil%3F%23%20%09%C3%A4&u=1%262'],
  ['/{cookie.absent}/evil.example', '/a', '/evil.example'],
  // As it came: nothing decoded, nothing resolved.
  ['https://new.example{path}', '/%61/../b%2Fc;d', 'https://new.example/%61/../b%2Fc;d'],
  // Absolute-form, asterisk-form.
  ['https://new.example{path}{query}', 'http://old.example/a?b', 'https://new.example/a?b'],
  ['https://new.example{path}', 'http://old.example', 'https://new.example/'],
  ['https://new.example{path}', '*', 'https://new.example'],
  // The client's path never becomes a host.
  ['https://new.example{path}', '//evil.example', 'https://new.example//evil.example'],
  ['https://new.example{path}', '/@evil.example', 'https://new.example/@evil.example'],
  ['{path}', '//evil.example/x', '/evil.example/x'],
  ['{path}/', '//evil.example', '/evil.example/'],
  ['{path}', '///evil.example', '/evil.example'],
  ['{path}', '/\\evil.example', '/evil.example'],
  ['{path}', '/\\/evil.example', '/evil.example'],
  ['{path}', 'http://old.example//evil.example', '/evil.example'],
  ['/{path}', '/evil.example', '/evil.example'],
  ['{path}evil.example', '//', '/evil.example'],
]

test('where it leads', () => {
  for (const [to, target, location] of LOCATIONS)
    assert.equal(follow({ to, status: 302 }, target).location, location, `${to} ${target}`)
})

test('a relative template stays on the host, whatever the target is', () => {
  const target = fc
    .array(fc.constantFrom('/', '\\', '.', '..', '?', '%2f', '%5c', ':', '@', 'evil.example', 'http:'), {
      maxLength: 8,
    })
    .map(pieces => `/${pieces.join('')}`)
  fc.assert(
    fc.property(target, fc.constantFrom('{path}', '{path}{query}', '/{path}', '/x{path}'), (path, to) => {
      const location = follow({ to, status: 302 }, path).location ?? ''
      assert.equal(new URL(location, 'http://old.example/').host, 'old.example', `${to} ${path} ${location}`)
    }),
    { numRuns: 2000 },
  )
})

test('the answer', () => {
  const options = { to: 'https://new.example{path}', status: 308 } as const
  const body = 'This is now at https://new.example/a\n'
  assert.deepEqual(follow(options, '/a'), { status: 308, location: 'https://new.example/a', body })
  assert.deepEqual(follow(options, '/a', 'old.example', 'HEAD'), {
    status: 308,
    location: 'https://new.example/a',
    body: '',
  })
})

test('without a host there is nowhere to go by {host}', () => {
  assert.equal(follow({ to: 'https://{host}{path}', status: 301 }, '/a', '').status, 400)
  assert.equal(follow({ to: 'https://new.example', status: 301 }, '/a', '').status, 301)
})

const REFUSED: readonly [to: string, message: RegExp][] = [
  ['', /must begin with https:\/\/ and a host/],
  ['new.example{path}', /must begin/],
  ['//new.example', /must begin/],
  ['https:{path}', /must begin/],
  ['https://{path}', /must begin/],
  ['https:///x', /must begin/],
  ['{host}{path}', /must begin/],
  ['{query}', /must begin/],
  ['javascript:alert(1)', /must begin/],
  ['https://a/{prt}', /\{prt\} is not a variable: there are client, host, port,/],
  ['https://a/{status}', /\{status\} is known only once there is an answer/],
  ['https://a/{path', /a brace opens a variable/],
  ['https://a/}', /a brace opens a variable/],
  ['https://a/{{', /a brace opens a variable/],
  ['https://a{header.x}/', /\{header\.x\} would let the client choose the host/],
  ['https://a:{cookie.x}', /\{cookie\.x\} would let the client choose the host/],
  ['https://{host}{path}{header.x}', /\{header\.x\} would let the client choose the host/],
  ['https://a{client}', /\{client\} would let/],
  ['{header.x}', /must begin/],
  ['https://a/b c', /percent-encoded/],
  ['https://a/\u00e9', /percent-encoded/],
  ['https://a/\r\nX: y', /percent-encoded/],
  ['https://a{host}constructor\u0000', /percent-encoded/],
]

test('templates that cannot be used are refused when the handler is built', () => {
  for (const [to, message] of REFUSED)
    assert.throws(() => new RedirectHandler({ to, status: 302 }), { message }, to)
  for (const status of [200, 300, 304, 305, 306, 309])
    assert.throws(
      () => new RedirectHandler({ to: '/', status: status as 302 }),
      /the status is one of 301, 302/,
    )
})
