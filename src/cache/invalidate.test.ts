import assert from 'node:assert/strict'
import test from 'node:test'
import { HeaderList } from '../http/header-list.ts'
import { invalidatedKeys, isUnsafe } from './invalidate.ts'
import type { KeyOptions } from './options.ts'

const ALL: KeyOptions = { query: 'all', sortQuery: false, headers: [], cookies: [] }
const KEY = 'http://a.example:80/list/7?x'

const keysFor = (status: number, ...fields: (readonly [string, string])[]): readonly string[] =>
  invalidatedKeys(KEY, { version: 11, status, reason: '', headers: HeaderList.from(fields) }, ALL)

test('RFC 9110 §9.2.1: methods that are safe, and all others', () => {
  for (const method of ['GET', 'HEAD', 'OPTIONS', 'TRACE']) assert.equal(isUnsafe(method), false, method)
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'CONNECT', 'MKCOL', 'get', 'WHATEVER'])
    assert.equal(isUnsafe(method), true, method)
})

test('RFC 9111 §4.4: a non-error status makes the target invalid', () => {
  for (const status of [200, 201, 204, 206, 299, 300, 301, 302, 303, 304, 307, 308, 399])
    assert.deepEqual(keysFor(status), [KEY], String(status))
  for (const status of [100, 103, 199, 400, 401, 404, 405, 412, 499, 500, 503, 599])
    assert.deepEqual(keysFor(status, ['Location', '/other']), [], String(status))
})

const AT = 'http://a.example:80'

test('RFC 9111 §4.4: so it does what Location and Content-Location name', () => {
  assert.deepEqual(keysFor(201, ['Location', '/list/8']), [KEY, `${AT}/list/8`])
  assert.deepEqual(keysFor(201, ['Location', '8']), [KEY, `${AT}/list/8`])
  assert.deepEqual(keysFor(200, ['Content-Location', 'http://a.example/list']), [KEY, `${AT}/list`])
  assert.deepEqual(keysFor(303, ['Location', '/list'], ['content-location', '/list/7']), [
    KEY,
    `${AT}/list`,
    `${AT}/list/7`,
  ])
  // Each of them once.
  assert.deepEqual(keysFor(303, ['Location', '/list'], ['Content-Location', '/list']), [KEY, `${AT}/list`])
  assert.deepEqual(keysFor(303, ['Location', ''], ['Content-Location', '?x']), [KEY])
})

test('RFC 9111 §4.4: but not of another origin', () => {
  for (const other of [
    'http://b.example/list',
    '//b.example/list',
    'https://a.example/list',
    'http://a.example:81/',
  ])
    assert.deepEqual(keysFor(201, ['Location', other], ['Content-Location', other]), [KEY], other)
})

test('what is no reference, or several, names nothing', () => {
  for (const broken of ['mailto:x', 'http://', 'http://u@a.example/list', 'http://a.example:99999/'])
    assert.deepEqual(keysFor(201, ['Location', broken]), [KEY], broken)
  assert.deepEqual(keysFor(201, ['Location', '/a'], ['Location', '/b']), [KEY])
})
