import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Exchange, Reply } from '../exchange/exchange.ts'
import { HeaderList } from '../http/header-list.ts'
import { type CorsOptions, corsLayer } from './cors.ts'

const APP = 'https://app.example.com'

type Fields = [string, string][]

/** The fields of the answer to a request with these fields; `upstream` are those the server gives. */
function answerTo(options: CorsOptions, method: string, fields: Fields, upstream: Fields = []) {
  const request = { method, target: '/', version: 11, headers: HeaderList.from(fields) }
  const told: { status: number; fields: Fields } = { status: 0, fields: [] }
  const reply = {
    open() {},
    head(head) {
      told.status = head.status
      told.fields = head.headers.entries()
    },
    end() {},
    fail(error) {
      told.status = error.row.status
      told.fields = [...error.fields] as Fields
    },
  } as Partial<Reply> as Reply
  const next = {
    handle: ({ reply }: Exchange) =>
      reply.head({ status: 200, reason: 'OK', version: 11, headers: HeaderList.from(upstream) }),
  }
  corsLayer(options)(next).handle({ request, reply } as unknown as Exchange)
  return told
}

const get = (options: CorsOptions, origin: string | null, upstream: Fields = []) =>
  answerTo(options, 'GET', origin === null ? [] : [['Origin', origin]], upstream).fields

const preflight = (options: CorsOptions, origin: string, more: Fields = []) =>
  answerTo(options, 'OPTIONS', [['Origin', origin], ['Access-Control-Request-Method', 'PUT'], ...more])

test('an allowed origin may read, others may not, and caches know that it depends', () => {
  const options = { origins: [APP], expose: ['etag', 'x-total'], credentials: true }
  assert.deepEqual(get(options, APP), [
    ['Access-Control-Allow-Origin', APP],
    ['Access-Control-Allow-Credentials', 'true'],
    ['Access-Control-Expose-Headers', 'etag, x-total'],
    ['Vary', 'Origin'],
  ])
  assert.deepEqual(get(options, 'https://other.example.com'), [['Vary', 'Origin']])
  assert.deepEqual(get(options, null), [['Vary', 'Origin']])
})

test('every origin: one answer for all, with nothing to vary', () => {
  for (const origin of [APP, null, 'null'])
    assert.deepEqual(get({ origins: ['*'] }, origin), [['Access-Control-Allow-Origin', '*']])
})

test('what the server says of it is replaced, the rest kept', () => {
  const upstream: Fields = [
    ['X-A', '1'],
    ['access-control-allow-origin', '*'],
    ['Access-Control-Allow-Credentials', 'true'],
    ['Access-Control-Allow-Methods', 'DELETE'],
    ['X-B', '2'],
  ]
  assert.deepEqual(get({ origins: [APP] }, APP, upstream), [
    ['X-A', '1'],
    ['X-B', '2'],
    ['Access-Control-Allow-Origin', APP],
    ['Vary', 'Origin'],
  ])
})

test('Vary grows and loses nothing', () => {
  const varyOf = (...values: string[]) =>
    get(
      { origins: [APP] },
      null,
      values.map(value => ['Vary', value]),
    ).map(([, value]) => value)
  assert.deepEqual(varyOf('Accept-Encoding', 'Cookie'), ['Accept-Encoding', 'Cookie', 'Origin'])
  assert.deepEqual(varyOf('accept, ORIGIN'), ['accept, ORIGIN'])
  assert.deepEqual(varyOf('*'), ['*'])
  assert.deepEqual(varyOf('X-Origin'), ['X-Origin', 'Origin'])
})

test('a preflight is answered here, with what is allowed', () => {
  const options = {
    origins: [APP],
    methods: ['GET', 'PUT'],
    headers: ['content-type', 'x-token'],
    maxAgeSeconds: 600,
    credentials: true,
  }
  assert.deepEqual(preflight(options, APP), {
    status: 204,
    fields: [
      ['Access-Control-Allow-Origin', APP],
      ['Access-Control-Allow-Credentials', 'true'],
      ['Access-Control-Allow-Methods', 'GET, PUT'],
      ['Access-Control-Allow-Headers', 'content-type, x-token'],
      ['Access-Control-Max-Age', '600'],
      ['Vary', 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers'],
    ],
  })
  assert.deepEqual(preflight(options, 'https://other.example.com'), {
    status: 403,
    fields: [['Vary', 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers']],
  })
})

test('OPTIONS that is no preflight goes on', () => {
  assert.equal(answerTo({ origins: [APP] }, 'OPTIONS', [['Origin', APP]]).status, 200)
  assert.equal(
    answerTo({ origins: [APP] }, 'OPTIONS', [['Access-Control-Request-Method', 'PUT']]).status,
    200,
  )
})

test('origins are compared as a whole', () => {
  const options = {
    origins: [APP, 'https://*.example.org', 'http://*.example.net:8080', 'http://[::1]:3000'],
  }
  const allowed = (origin: string) => preflight(options, origin).status === 204
  for (const origin of [
    APP,
    'https://a.example.org',
    'https://a.b.example.org',
    'http://x.example.net:8080',
    'http://[::1]:3000',
  ])
    assert.ok(allowed(origin), origin)
  for (const origin of [
    'http://app.example.com',
    'https://app.example.com:8443',
    'https://app.example.com:443',
    'https://app.example.com.evil',
    'https://app.example.com.evil.example',
    'https://evilapp.example.com',
    'https://app.example.com/',
    'https://app-example.com',
    'https://APP.example.com',
    'https://appxexample.com',
    'https://example.org',
    'https://.example.org',
    'https://evilexample.org',
    'https://a.example.org.evil',
    'https://a.example.org:444',
    'https://evil.com/.example.org',
    'https://evil.com#.example.org',
    'https://evil.com?.example.org',
    'https://evil.com@a.example.org',
    'https://evil.com\\.example.org',
    'https://evil.com:80.example.org',
    'https://a..example.org',
    'http://a.example.org',
    'http://x.example.net',
    'http://x.example.net:80801',
    'null',
    '',
    `${APP}, ${APP}`,
    `${APP} https://evil.example`,
    '*',
  ])
    assert.ok(!allowed(origin), origin)
})

test('what cannot be meant is refused with what to write instead', () => {
  const faults: [CorsOptions, RegExp][] = [
    [{ origins: ['*'], credentials: true }, /exclude each other: name the origins/],
    [{ origins: [APP], credentials: true, methods: ['*'] }, /methods: "\*" means nothing with credentials/],
    [{ origins: [APP], credentials: true, headers: ['*'] }, /headers: "\*" means nothing/],
    [{ origins: [APP], credentials: true, expose: ['*'] }, /expose: "\*" means nothing/],
    [{ origins: [APP], headers: ['x y'] }, /"x y" is not a name/],
    [{ origins: ['null'] }, /cannot be allowed/],
    [{ origins: ['app.example.com'] }, /is not an origin: write for example "https:/],
    [{ origins: ['ftp://app.example.com'] }, /is not an origin/],
    [{ origins: ['https://app.example.com/'] }, /write "https:\/\/app\.example\.com"/],
    [{ origins: ['https://app.example.com:443'] }, /write "https:\/\/app\.example\.com"/],
    [{ origins: ['https://App.example.com'] }, /write "https:\/\/app\.example\.com"/],
    [{ origins: ['https://*.Example.com'] }, /write "https:\/\/\*\.example\.com"/],
    [{ origins: ['https://b\u00fccher.example'] }, /write "https:\/\/xn--bcher-kva\.example"/],
    [{ origins: ['https://app.*.com'] }, /a \* stands for whole names in front/],
    [{ origins: ['https://*app.example.com'] }, /a \* stands for whole names in front/],
    [{ origins: ['https://*.*.example.com'] }, /a \* stands for whole names in front/],
    [{ origins: ['*://app.example.com'] }, /is not an origin/],
  ]
  for (const [options, words] of faults) assert.throws(() => corsLayer(options), words)
})
