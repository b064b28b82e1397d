/** Who may ask the admin endpoint, row by row. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refusalOf } from './guard.ts'

type Fields = Record<string, string[]>

const JSON_TYPE: Fields = { 'content-type': ['application/json'] }

const ROWS: readonly [what: string, method: string, fields: Fields, status: number | null][] = [
  ['curl', 'GET', { host: ['127.0.0.1:8079'] }, null],
  ['by name', 'GET', { host: ['LocalHost:8079'] }, null],
  ['IPv6', 'GET', { host: ['[::1]:8079'] }, null],
  ['another address of this machine', 'GET', { host: ['127.8.9.1'] }, null],
  ['DNS rebinding', 'GET', { host: ['evil.example:8079'] }, 403],
  ['a name that looks like ours', 'GET', { host: ['127.0.0.1.evil.example'] }, 403],
  ['and another', 'GET', { host: ['localhost.evil.example:8079'] }, 403],
  ['user information', 'GET', { host: ['localhost@evil.example'] }, 403],
  ['no Host', 'GET', {}, 403],
  ['an empty Host', 'GET', { host: [''] }, 403],
  ['two Hosts', 'GET', { host: ['localhost', 'evil.example'] }, 403],
  ['a page that fetches', 'GET', { host: ['localhost'], origin: ['https://evil.example'] }, 403],
  ['a page in a sandbox', 'POST', { host: ['localhost'], origin: ['null'], ...JSON_TYPE }, 403],
  [
    'our own page, if there were one',
    'POST',
    { host: ['localhost'], origin: ['http://localhost'], ...JSON_TYPE },
    403,
  ],
  ['an image of a page', 'GET', { host: ['localhost'], 'sec-fetch-site': ['cross-site'] }, 403],
  ['a preflight', 'OPTIONS', { host: ['localhost'], origin: ['https://evil.example'] }, 403],
  ['a method that is not there', 'PUT', { host: ['localhost'], ...JSON_TYPE }, 405],
  ['and another', 'DELETE', { host: ['localhost'], ...JSON_TYPE }, 405],
  ['a purge', 'POST', { host: ['localhost'], ...JSON_TYPE }, null],
  [
    'with parameters',
    'POST',
    { host: ['localhost'], 'content-type': ['Application/JSON; charset=utf-8'] },
    null,
  ],
  ['a form', 'POST', { host: ['localhost'], 'content-type': ['application/x-www-form-urlencoded'] }, 415],
  ['a form of text', 'POST', { host: ['localhost'], 'content-type': ['text/plain'] }, 415],
  ['a type that begins alike', 'POST', { host: ['localhost'], 'content-type': ['application/jsonp'] }, 415],
  ['without a type', 'POST', { host: ['localhost'] }, 415],
  ['two types', 'POST', { host: ['localhost'], 'content-type': ['application/json', 'text/plain'] }, 415],
]

for (const [what, method, fields, status] of ROWS)
  test(`${what}: ${method} ${JSON.stringify(fields)}`, () => {
    const refusal = refusalOf({ method, fields })
    assert.equal(refusal?.status ?? null, status)
    if (refusal !== null) assert.match(refusal.words, /\w{3}/)
  })
