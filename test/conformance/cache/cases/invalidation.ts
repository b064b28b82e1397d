/**
 * What unsafe requests make invalid (RFC 9111 §4.4).
 */
import {
  type Case,
  type Expect,
  FRESH,
  first,
  type Group,
  optional,
  type Request,
  required,
  then,
} from '../case.ts'

const POST: Request = { method: 'POST', body: 'x' }
const OTHER = '/other'
const GONE: Expect = { from: 'origin' }

/** After this request and this status, what is stored for its target is not used. */
const invalidates = (method: string, status: number, body?: string): Case =>
  required(
    `${method} with ${status}`,
    '§4.4',
    first(FRESH),
    then('cache'),
    then({ from: 'origin', status }, { method, body }, { status, fields: 'Cache-Control: no-store' }),
    then('origin'),
  )
const leaves = (name: string, request: Request, status: number): Case =>
  optional(
    name,
    '§4.4',
    first(FRESH),
    then('cache'),
    then({ from: 'origin', status }, request, { status, fields: 'Cache-Control: no-store' }),
    then('cache'),
  )
/** A POST whose answer names another target of the same origin. */
const names = (name: string, line: string, expect: Expect): Case =>
  optional(
    name,
    '§4.4',
    first(FRESH, { suffix: OTHER }),
    then('cache', { suffix: OTHER }),
    then({ from: 'origin', status: 201 }, POST, { status: 201, fields: line }),
    then(expect, { suffix: OTHER }),
  )
/** A POST whose answer names a target of another origin, which is stored. */
const spares = (name: string, line: string, host: string): Case =>
  required(
    name,
    '§4.4',
    first(FRESH, { suffix: OTHER, fields: `Host: ${host}` }),
    then('cache', { suffix: OTHER, fields: `Host: ${host}` }),
    then(
      { from: 'origin', status: 201 },
      { ...POST, fields: 'Host: cache.test' },
      { status: 201, fields: line },
    ),
    then({ from: 'cache', demanded: true }, { suffix: OTHER, fields: `Host: ${host}` }),
  )

export const INVALIDATION: Group = {
  name: 'invalidation',
  cases: [
    ...[200, 201, 202, 204, 301, 302, 303, 304, 307].map(status => invalidates('POST', status, 'x')),
    ...['PUT', 'PATCH', 'FOO', 'PROPPATCH'].map(method => invalidates(method, 200, 'x')),
    invalidates('PUT', 204, 'x'),
    invalidates('DELETE', 200),
    invalidates('DELETE', 204),
    required(
      'all variants',
      '§4.4',
      first([FRESH, 'Vary: Foo'], 'Foo: 1'),
      then('origin', 'Foo: 2', [FRESH, 'Vary: Foo']),
      then('cache', 'Foo: 1'),
      then('origin', POST, 'Cache-Control: no-store'),
      { ...then('origin', 'Foo: 1', [FRESH, 'Vary: Foo']), rule: true },
      then('origin', 'Foo: 2', [FRESH, 'Vary: Foo']),
    ),
    required(
      'with a query',
      '§4.4',
      first(FRESH, { suffix: '?a=1' }),
      then('cache', { suffix: '?a=1' }),
      then('origin', { ...POST, suffix: '?a=1' }, 'Cache-Control: no-store'),
      then('origin', { suffix: '?a=1' }),
    ),
    required(
      'what is invalid is not given in trouble',
      '§4.4',
      first('Cache-Control: max-age=3600, stale-if-error=3600'),
      then('cache'),
      then('origin', POST, 'Cache-Control: no-store'),
      then({ from: 'origin', status: 503 }, {}, { status: 503, fields: 'Cache-Control: no-store' }),
    ),
    required(
      'what is invalid is not given to those who take something stale',
      '§4.4',
      first(FRESH),
      then('cache'),
      then('origin', POST, 'Cache-Control: no-store'),
      then('origin', 'Cache-Control: max-stale'),
    ),
    required(
      'HEAD is not answered from what is invalid',
      '§4.4',
      first(FRESH),
      then('cache'),
      then('origin', POST, 'Cache-Control: no-store'),
      then('origin', { method: 'HEAD' }),
    ),
    ...[400, 403, 404, 409, 500, 503].map(status => leaves(`POST with ${status} is an error`, POST, status)),
    leaves('OPTIONS is safe', { method: 'OPTIONS' }, 200),
    leaves('another query', { ...POST, suffix: '?a' }, 200),
    leaves('another path', { ...POST, suffix: '/below' }, 200),
    names('Location, a path', `Location: {path}${OTHER}`, GONE),
    names('Location, whole', `Location: http://{authority}{path}${OTHER}`, GONE),
    names('Location, with a fragment', `Location: {path}${OTHER}#part`, GONE),
    names('Location, network-path', `Location: //{authority}{path}${OTHER}`, GONE),
    names('Content-Location, a path', `Content-Location: {path}${OTHER}`, GONE),
    names('Content-Location, whole', `Content-Location: http://{authority}{path}${OTHER}`, GONE),
    names('Location of another scheme', `Location: https://{authority}{path}${OTHER}`, { from: 'cache' }),
    names('Location that cannot be read', 'Location: http://[', { from: 'cache' }),
    optional(
      'Location of an error says nothing',
      '§4.4',
      first(FRESH, { suffix: OTHER }),
      then('cache', { suffix: OTHER }),
      then({ from: 'origin', status: 500 }, POST, { status: 500, fields: `Location: {path}${OTHER}` }),
      then('cache', { suffix: OTHER }),
    ),
    optional(
      'Content-Location of a GET says nothing',
      '§4.4',
      first(FRESH, { suffix: OTHER }),
      then('cache', { suffix: OTHER }),
      then('origin', {}, [FRESH, `Content-Location: {path}${OTHER}`]),
      then('cache', { suffix: OTHER }),
    ),
    spares('Location of another host', `Location: http://other.test{path}${OTHER}`, 'other.test'),
    spares(
      'Content-Location of another host',
      `Content-Location: http://other.test{path}${OTHER}`,
      'other.test',
    ),
    spares('Location of another host without a scheme', `Location: //other.test{path}${OTHER}`, 'other.test'),
    spares('Location of another port', `Location: http://cache.test:81{path}${OTHER}`, 'cache.test:81'),
    spares(
      'Content-Location of another port',
      `Content-Location: http://cache.test:81{path}${OTHER}`,
      'cache.test:81',
    ),
    spares(
      'Location with our name before an @',
      `Location: http://cache.test@other.test{path}${OTHER}`,
      'other.test',
    ),
    required(
      'the answer of a POST is not stored for GET',
      '9110 §9.3.3',
      then('origin', POST, FRESH),
      then('origin'),
    ),
  ],
}
